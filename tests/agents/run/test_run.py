"""Whole incidents: what a run leaves behind, and that it is true."""

import asyncio
import json
from pathlib import Path

import pytest

from agents.record.events import (
    CertificateIssued,
    ChatAnswered,
    ChatRequested,
    ExecutionStep,
    LoadsTaken,
    RunFinished,
    RunStarted,
    StageFinished,
    ToolCalled,
    ToolReturned,
    VerdictReached,
    is_opening,
)
from agents.roles.contracts import CONTRACTS
from agents.run.run import RunRequest, run_incident
from evals.cases.tokens import spending
from tests.agents.incidents import Run, perform, request
from tests.benchmarks.tokens import MOST_CALLS, MOST_TOKENS
from tools.box.handover import Decision, Diagnosis, Incident, PlanSubmission
from twin.errors import InputError, StoreError, UnknownNetworkError
from twin.faults import Fault, FaultKind
from twin.formats.plan import read_plan
from twin.gate.certificate import Certificate, SigningKey, check
from twin.policy import Policy
from twin.store import TwinStore


def test_a_run_that_resolves_measures_less_harm_than_there_would_be_without_the_plan(resolved: Run):
    finished = resolved.result.finished
    figures = finished.figures
    assert finished.outcome == "resolved"
    assert finished.cause == finished.truth or (finished.cause and finished.cause.element == finished.truth.element)
    assert figures.harm_after < figures.harm_before
    assert figures.harm_after <= figures.harm_without
    assert figures.harm_predicted < figures.harm_before


def test_a_plan_that_helps_is_kept_where_the_twin_had_told_too_little_of_the_harm(tmp_path: Path):
    """The share that a router breaks was estimated too low: the harm left is above what the twin says of no plan."""
    breaks = Fault(kind=FaultKind.DEVICE_CORRUPTION, element="node/WASHng", severity=0.127)
    finished = perform(tmp_path, request(fault=breaks, seed=47102, interval_s=30.0)).result.finished
    assert finished.outcome == "needs a person"
    assert finished.plan is not None
    assert finished.figures.harm_after < finished.figures.harm_without


def test_the_record_begins_and_ends_with_the_run(resolved: Run):
    assert isinstance(resolved.events[0], RunStarted)
    assert isinstance(resolved.events[-1], RunFinished)
    assert resolved.records[-1].hash == resolved.result.head


def test_the_stages_follow_each_other_and_hand_over_typed_values(resolved: Run):
    stages = [(x.stage, x.next) for x in resolved.of(StageFinished)]
    assert stages == [
        ("observe", "diagnose"),
        ("diagnose", "plan"),
        ("plan", "verify"),
        ("verify", "approve"),
        ("approve", "execute"),
        ("execute", "confirm"),
        ("confirm", "end"),
    ]
    kinds = [type(x.handover) for x in resolved.of(StageFinished)[:4]]
    assert kinds == [Incident, Diagnosis, PlanSubmission, Decision]


def test_every_request_has_its_answer_and_every_call_its_result(resolved: Run):
    assert [x.call for x in resolved.of(ChatRequested)] == [x.call for x in resolved.of(ChatAnswered)]
    asked = [(x.role, y.tool) for x in resolved.of(ChatAnswered) for y in x.tool_calls]
    opened = [x for x in resolved.of(ToolCalled) if is_opening(x)]
    assert [(x.role, x.tool) for x in resolved.of(ToolCalled) if x not in opened] == asked
    assert [x.tool for x in opened] == [
        y for role in CONTRACTS.values() for y in role.opens_with if y != "read_documents"
    ]
    assert len({x.id for x in opened}) == len(opened)
    assert [(x.role, x.tool) for x in resolved.of(ToolReturned)] == [(x.role, x.tool) for x in resolved.of(ToolCalled)]
    assert all(x.ok and not x.truncated for x in resolved.of(ToolReturned))


def test_every_tool_result_fits_a_conversation(resolved: Run):
    assert max(len(x.content) for x in resolved.of(ToolReturned)) <= 8_000


def test_the_verdict_is_on_record_with_every_check(resolved: Run):
    (reached,) = resolved.of(VerdictReached)
    assert reached.passed
    assert {"grounded", "policy", "nominal", "survivable", "transient", "reversible", "useful"} <= {
        x.name for x in reached.verdict.checks
    }


def test_each_step_is_announced_before_it_is_applied_and_confirmed_after(resolved: Run):
    steps = [(x.step, x.action) for x in resolved.of(ExecutionStep) if x.step]
    plan = resolved.of(VerdictReached)[0].plan
    assert sorted(steps) == sorted((n, action) for n in range(1, len(plan.steps) + 1) for action in ("apply", "agree"))
    assert all(steps.index((n, "apply")) < steps.index((n, "agree")) for n in range(1, len(plan.steps) + 1))


def test_the_certificate_in_the_folder_covers_the_plan_in_the_folder(resolved: Run):
    folder = resolved.result.folder
    plan = read_plan(folder / "plan.json")
    certificate = Certificate.model_validate_json((folder / "certificate.json").read_text())
    key = SigningKey.load(folder.parent.parent / "home" / "signing.key")
    policy = resolved.of(RunStarted)[0].policy
    with TwinStore.open(folder / "twin.duckdb") as store:
        network = store.load_snapshot(plan.base)
    check(certificate, plan, network, policy, public_key=key.public, now=certificate.issued)
    assert resolved.of(CertificateIssued)[0].plan == plan.hash == resolved.result.finished.plan


def test_an_incident_takes_no_more_tokens_and_calls_of_a_model_than_it_may(resolved: Run):
    spent = spending(resolved.events)
    assert 0 < spent.input_tokens <= MOST_TOKENS
    assert 0 < spent.calls <= MOST_CALLS


def test_the_loads_of_every_moment_can_be_drawn_from_the_folder_alone(resolved: Run):
    taken = resolved.of(LoadsTaken)
    assert [x.moment for x in taken] == ["before", "diagnosed", "planned", "after"]
    with TwinStore.open(resolved.result.folder / "twin.duckdb") as store:
        assert all(len(store.load_snapshot(x.snapshot).links) == len(x.utilisation) for x in taken)


def test_no_role_sees_what_was_injected_before_diagnosis_ends(resolved: Run):
    diagnosed = next(i for i, x in enumerate(resolved.events) if isinstance(x, ToolCalled) and x.tool == "rank_causes")
    assert not any("wrong_igp_weight" in x.model_dump_json() for x in resolved.events[:diagnosed])


def test_the_same_seed_tells_the_same_story(resolved: Run, tmp_path: Path):
    def told(run: Run) -> list[str]:
        skipped = {"seconds", "run", "request", "certificate", "because", "trace"}
        return [json.dumps(x.model_dump(mode="json", exclude=skipped), sort_keys=True) for x in run.events]

    assert told(perform(tmp_path)) == told(resolved)


def test_a_healthy_network_is_left_alone(tmp_path: Path):
    run = perform(tmp_path, request(fault=None, healthy=True))
    assert run.result.finished.outcome in ("healthy", "no action needed")
    assert run.result.finished.truth is None
    assert not run.of(ExecutionStep)


def test_an_unknown_network_leaves_no_folder(tmp_path: Path):
    with pytest.raises(UnknownNetworkError):
        asyncio.run(run_incident(RunRequest(network="sndlib/nowhere", seed=1), runs=tmp_path / "runs", home=tmp_path))
    assert not (tmp_path / "runs").exists()


def test_an_unknown_model_leaves_no_folder(tmp_path: Path):
    with pytest.raises(InputError, match="no model provider 'oracle'"):
        asyncio.run(run_incident(request(model="oracle:large"), runs=tmp_path / "runs", home=tmp_path))
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StoreError, match="cannot write runs"):
        asyncio.run(run_incident(request(), runs=blocked, home=tmp_path / "home"))


def test_a_key_among_the_runs_is_refused(tmp_path: Path):
    with pytest.raises(StoreError, match="may not lie among the runs"):
        asyncio.run(run_incident(request(), runs=tmp_path, home=tmp_path / "home"))


def test_two_runs_in_the_same_second_get_two_folders(tmp_path: Path):
    asked = request(fault=None, healthy=True)
    assert perform(tmp_path, asked).result.folder != perform(tmp_path, asked).result.folder


def test_a_plan_that_a_person_must_approve_waits_and_changes_nothing(tmp_path: Path):
    waiting = perform(tmp_path, request(policy=Policy(person_from="low")))
    assert waiting.result.finished.outcome == "awaiting approval"
    assert waiting.of(ExecutionStep) == []
    assert read_plan(waiting.result.folder / "plan.json").hash == waiting.of(VerdictReached)[0].plan.hash
    assert not (waiting.result.folder / "certificate.json").exists()


def test_a_crash_before_the_first_record_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def broken(_ground: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("agents.run.run.follow", broken)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(run_incident(request(), runs=tmp_path / "runs", home=tmp_path / "home"))
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_fault_may_be_named_in_words_and_is_looked_for_before_there_is_a_folder(tmp_path: Path):
    named = perform(tmp_path, request(fault="wrong_igp_weight@IPLSng->KSCYng=10000"))
    assert named.result.finished.truth == request().fault
    with pytest.raises(InputError, match="no node 'Nowhere'"):
        perform(tmp_path / "other", request(fault="device_down@Nowhere"))
    assert not (tmp_path / "other" / "runs").exists()
