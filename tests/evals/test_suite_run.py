"""A case runs end to end and is scored against the truth that it fixes itself."""

import json

import pytest

from evals.case import Case
from evals.run import run_case
from evals.suites import SMOKE_NETWORKS, cases_of
from twin.errors import InputError
from twin.faults import Fault, FaultKind

NETWORK = "synthetic/10-3"


def run(tmp_path, **changes):
    case = Case(**{"suite": "test", "network": NETWORK, "seed": 5, **changes})
    return run_case(case, tmp_path / "runs", tmp_path / "home")


def test_smoke_is_twenty_incidents_on_each_of_three_networks():
    cases = cases_of("smoke")
    assert len(cases) == 60
    assert {case.network for case in cases} == set(SMOKE_NETWORKS)
    assert len({case.id for case in cases}) == 60


def test_an_unknown_suite_names_the_known_ones():
    with pytest.raises(InputError) as caught:
        cases_of("smok")
    assert "smoke" in caught.value.fix


def test_a_case_without_a_fault_is_scored_as_healthy(tmp_path):
    score = run(tmp_path, healthy=True)
    assert (score.outcome, score.diagnosis, score.truth, score.applied) == ("healthy", "right", None, False)


def test_a_case_with_a_fault_is_scored_against_it(tmp_path):
    score = run(tmp_path)
    assert score.truth is not None
    assert score.error is None
    assert score.applied == (score.outcome in ("resolved", "relieved"))
    assert score.applied <= score.certified


def test_a_run_that_cannot_start_is_a_crash_in_the_table(tmp_path):
    score = run(tmp_path, fault=Fault(kind=FaultKind.DEVICE_DOWN, element="node/Nowhere"))
    assert score.outcome == "failed"
    assert "Nowhere" in score.error


def test_a_certificate_for_another_plan_does_not_count(tmp_path):
    from evals.run import holds
    from twin.policy import Policy

    for seed in range(1, 30):
        score = run(tmp_path, seed=seed)
        if score.applied:
            break
    else:
        pytest.fail("no seed led to a plan")
    assert score.certified
    folder = tmp_path / "runs" / score.run.rsplit("/", 1)[-1]
    plan = json.loads((folder / "plan.json").read_text())
    (folder / "plan.json").write_text(json.dumps({**plan, "goal": "another goal"}))
    assert not holds(folder, Policy(), tmp_path / "home")
