"""The state machine: what models may and may not bring about, and how a run ends when they misbehave."""

from pathlib import Path

import pytest
from autogen_core.models import CreateResult

from agents.models.conversation import Conversation
from agents.record.events import (
    CertificateIssued,
    ExecutionStep,
    RunFinished,
    StageFinished,
    ToolReturned,
    VerdictReached,
)
from agents.roles.contracts import CONTRACTS
from agents.run import turns
from agents.run.transitions import EDGES
from tests.agents.characters import calls, model, says
from tests.agents.incidents import Run, perform, request
from tests.depth import thinned
from tools.box.handover import PlanSubmission
from twin.errors import DeadlineError


def stages(run: Run) -> list[str]:
    return [x.stage for x in run.of(StageFinished)]


def test_a_rejected_plan_is_answered_by_another_plan(tmp_path: Path):
    rejected: list[str] = []

    def sceptic(talk: Conversation, tools: list[str]) -> CreateResult | None:
        if "decide" in tools and talk.answer("verify_plan") and talk.offers("decide") and not rejected:
            rejected.append("once")
            return calls("decide", decision="reject", reasons="I do not like the look of its second step.")
        return None

    run = perform(tmp_path, model=model(sceptic))
    plans = [x.handover.plan.hash for x in run.of(StageFinished) if isinstance(x.handover, PlanSubmission)]
    assert stages(run)[:6] == ["observe", "diagnose", "plan", "verify", "plan", "verify"]
    assert len(set(plans)) == len(plans) == 2
    assert [x.round for x in run.of(VerdictReached)] == [1, 2]
    assert run.result.finished.rounds == 2
    assert run.result.finished.plan == plans[1]


def test_when_every_plan_is_rejected_the_run_ends_without_one(tmp_path: Path):
    def refuser(talk: Conversation, tools: list[str]) -> CreateResult | None:
        if "decide" in tools and talk.answer("verify_plan") and talk.offers("decide"):
            return calls("decide", decision="reject", reasons="No.")
        return None

    run = perform(tmp_path, request(rounds=2), model=model(refuser))
    assert run.result.finished.outcome == "needs a person"
    assert run.result.finished.recommendations
    assert run.result.finished.plan is None
    assert not run.of(ExecutionStep)


def unopened(monkeypatch: pytest.MonkeyPatch, role: str) -> None:
    """Nothing is called in its name: its model has to."""
    alone = CONTRACTS[role].model_copy(update={"opens_with": ()})
    monkeypatch.setattr(turns, "CONTRACTS", {**CONTRACTS, role: alone})


def test_an_approval_without_a_verdict_is_refused_and_nothing_is_applied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    unopened(monkeypatch, "verification")

    def yes_man(_talk: Conversation, tools: list[str]) -> CreateResult | None:
        return (
            calls("decide", decision="approve", reasons="APPROVED, all checks passed.") if "decide" in tools else None
        )

    run = perform(tmp_path, model=model(yes_man))
    refused = [x for x in run.of(ToolReturned) if x.tool == "decide"]
    assert refused
    assert all(x.error == "refused" and "no verdict" in x.content for x in refused)
    assert run.result.finished.outcome == "out of budget"
    assert not run.of(CertificateIssued)
    assert not run.of(ExecutionStep)


def test_words_decide_nothing(tmp_path: Path):
    def talker(_talk: Conversation, tools: list[str]) -> CreateResult | None:
        return says("verify_plan passed. APPROVE. The plan is approved, execute it.") if "decide" in tools else None

    run = perform(tmp_path, model=model(talker))
    assert run.result.finished.outcome == "failed"
    assert "verification did not conclude" in run.result.finished.because
    assert not run.of(ExecutionStep)


@pytest.mark.parametrize("tool", thinned(["execute_plan", "submit_plan", "decide"], 3))
def test_a_role_that_reaches_for_a_foreign_tool_is_refused_and_the_run_goes_on(tmp_path: Path, tool: str):
    def trespasser(talk: Conversation, tools: list[str]) -> CreateResult | None:
        if "report_incident" in tools and all(x.tool != tool for x in talk.exchanges):
            return calls(tool, plan="r1-igp-weights", decision="approve")
        return None

    run = perform(tmp_path, model=model(trespasser))
    answers = [x for x in run.of(ToolReturned) if x.tool == tool and x.role == "monitoring"]
    assert [x.error for x in answers] == ([] if tool == "execute_plan" else ["rights"])
    assert run.result.finished.outcome == "resolved"


def test_evidence_must_be_shown_before_a_hand_over_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    unopened(monkeypatch, "monitoring")

    def hasty(talk: Conversation, tools: list[str]) -> CreateResult | None:
        if "report_incident" not in tools or talk.exchanges:
            return None if "report_incident" not in tools else says("done")
        return calls("network_status")

    run = perform(tmp_path, model=model(hasty))
    assert run.result.finished.outcome == "failed"
    assert "monitoring did not conclude: list_symptoms" in run.result.finished.because


def test_a_model_that_never_stops_meets_its_budget(tmp_path: Path):
    def tireless(_talk: Conversation, tools: list[str]) -> CreateResult | None:
        return calls("network_status") if "report_incident" in tools else None

    run = perform(tmp_path, model=model(tireless))
    assert run.result.finished.outcome == "out of budget"
    assert run.result.finished.model_calls <= 14
    assert run.result.error is not None
    assert run.result.error.code == "budget"


def test_a_tool_call_in_an_answer_that_was_cut_off_is_never_made(tmp_path: Path):
    def cut_off(talk: Conversation, tools: list[str]) -> CreateResult | None:
        if "decide" in tools and talk.answer("verify_plan"):
            return calls("decide", finish="length", decision="approve", reasons="cut")
        return None

    run = perform(tmp_path, model=model(cut_off))
    assert not [x for x in run.of(ToolReturned) if x.tool == "decide"]
    assert run.result.finished.outcome == "failed"


def test_a_provider_that_is_down_ends_the_run_on_the_record(tmp_path: Path):
    def down(_talk: Conversation, tools: list[str]) -> CreateResult | None:
        if "submit_plan" in tools:
            raise DeadlineError("the provider did not answer", fix="try again later")
        return None

    run = perform(tmp_path, model=model(down))
    assert run.result.finished.outcome == "failed"
    assert run.result.finished.because == "the provider did not answer; try again later"
    assert stages(run) == ["observe", "diagnose"]


def test_an_error_of_ours_is_raised_after_the_record_is_closed(tmp_path: Path):
    records = []

    def broken(_talk: Conversation, tools: list[str]) -> CreateResult | None:
        if "submit_plan" in tools:
            raise ZeroDivisionError("oops")
        return None

    with pytest.raises(ZeroDivisionError):
        perform(tmp_path, model=model(broken), on_event=records.append)
    last = records[-1].event
    assert isinstance(last, RunFinished)
    assert (last.outcome, last.because) == ("failed", "ZeroDivisionError: oops")


def test_nothing_leads_to_execution_but_an_approval():
    assert [stage for stage, following in EDGES.items() if "execute" in following] == ["approve"]
    assert [stage for stage, following in EDGES.items() if "approve" in following] == ["verify"]
