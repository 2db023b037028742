"""Runs on data that nobody should plan on, on a twin that does not explain its network, and with a memory."""

import asyncio
from pathlib import Path

import pytest

from agents.record.events import CertificateIssued, ExecutionStep, LoadsTaken, StageFinished, ToolReturned
from agents.run.replay import replay_run
from tests.agents.incidents import NETWORK, perform, request
from tools.box.handover import Diagnosis, Incident
from twin.faults import Fault, FaultKind
from twin.policy import Policy
from twin.store.memory import IncidentMemory

WRONG_EXPORTS = Fault(kind=FaultKind.DEMAND_INPUT, element=f"network/{NETWORK}", severity=0.75)


def test_a_run_on_wrong_exports_ends_without_a_plan_and_says_which_data_are_to_blame(tmp_path: Path):
    run = perform(tmp_path, request(fault=WRONG_EXPORTS))
    finished = run.result.finished
    assert finished.outcome == "no action needed"
    assert [x.element for x in finished.recommendations] == [f"network/{NETWORK}"]
    assert [x.stage for x in run.of(StageFinished)] == ["observe", "diagnose"]
    incident, diagnosis = (x.handover for x in run.of(StageFinished))
    assert isinstance(incident, Incident)
    assert isinstance(diagnosis, Diagnosis)
    assert incident.symptoms[0].kind == "bad_data"
    assert not run.of(CertificateIssued)
    assert not run.of(ExecutionStep)


def test_probes_that_a_filter_takes_harm_nobody_and_end_with_what_to_let_pass(tmp_path: Path):
    run = perform(tmp_path, request(fault=Fault(kind=FaultKind.PROBE_FILTER, element="node/IPLSng")))
    finished = run.result.finished
    assert finished.outcome == "no action needed"
    assert [(x.action, x.element, x.urgency) for x in finished.recommendations] == [
        ("remove filter", "node/IPLSng", "routine")
    ]
    seemed, corrected = (x.harm for x in run.of(LoadsTaken) if x.moment == "before")
    assert seemed > 10_000
    assert corrected == finished.figures.harm_before == 0


@pytest.mark.parametrize(
    ("level", "outcome", "stage", "said"),
    [
        ("observe", "needs a person", "diagnose", "the policy allows observe at most"),
        ("suggest", "awaiting approval", "approve", "a suggestion only"),
        ("approve", "awaiting approval", "approve", "waits for a person"),
    ],
)
def test_a_run_does_no_more_than_the_policy_allows(level: str, outcome: str, stage: str, said: str, tmp_path: Path):
    run = perform(tmp_path, request(policy=Policy.model_validate({"autonomy": level})))
    assert run.result.finished.outcome == outcome
    assert run.of(StageFinished)[-1].stage == stage
    assert said in run.result.finished.because
    assert not run.of(ExecutionStep)
    assert (run.result.folder / "plan.json").exists() == (outcome == "awaiting approval")


def test_a_twin_that_explains_too_little_may_plan_nothing(tmp_path: Path):
    strict = Policy(min_fidelity=1.0, fidelity_for_act=1.0, fidelity_for_approve=1.0)
    run = perform(tmp_path, request(policy=strict))
    finished = run.result.finished
    assert finished.outcome in ("no safe plan", "resolved")
    assert finished.outcome == "resolved" or "the twin explains" in finished.because


def test_runs_that_share_a_memory_learn_from_each_other_and_stay_replayable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TWINOPS_MEMORY", str(tmp_path / "memory.duckdb"))
    first, second = (perform(tmp_path) for _ in range(2))
    told = [next(x for x in run.of(ToolReturned) if x.tool == "rank_causes").content for run in (first, second)]
    assert first.result.run not in told[0]
    assert first.result.run in told[1]
    explained = next(x.handover for x in second.of(StageFinished) if isinstance(x.handover, Diagnosis))
    assert f"Precedent: {first.result.run}" in explained.explanation
    remembered = IncidentMemory(tmp_path / "memory.duckdb").incidents(NETWORK)
    assert {x.id for x in remembered} == {first.result.run, second.result.run}
    assert all(x.confirmed and x.plan for x in remembered)
    assert asyncio.run(replay_run(second.result.folder)).same


def test_without_a_memory_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("TWINOPS_MEMORY", raising=False)
    run = perform(tmp_path, request(fault=None, healthy=True))
    assert run.result.finished.outcome == "healthy"
    assert not (run.result.folder / "memory.json").exists()
