"""What people wrote, what is asked of them, and plans of a model's own: all through the same gate."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from autogen_core import CancellationToken, FunctionCall
from autogen_core.models import AssistantMessage, CreateResult, FunctionExecutionResultMessage, UserMessage

from agents.models import Model
from agents.models.client import Request
from agents.models.conversation import Conversation
from agents.record.events import (
    ChatRequested,
    ExecutionStep,
    QuestionAnswered,
    QuestionAsked,
    StageFinished,
    ToolReturned,
    VerdictReached,
)
from agents.record.history import read_history
from agents.record.journal import read_journal
from agents.record.questions import answer, open_questions, take_default
from agents.roles.contracts import CONTRACTS
from agents.run import resume, turns
from agents.run.replay import replay_run
from agents.run.request import LaterEvent
from agents.run.resume import resume_run
from tests.agents.characters import Actor, Character, calls, model
from tests.agents.incidents import NETWORK, perform, request
from tests.depth import thinned
from tools.box.handover import Decision, PlanSubmission
from twin.documents import Document
from twin.errors import DivergedError, InputError
from twin.formats import load_network
from twin.plan import DrainLink

ELEMENT = "interface/IPLSng/KSCYng"
NOTE = Document(id="CHG-1", kind="calendar", element=ELEMENT, author="optics", text="Metric raised on purpose.")
CHOICES = ["reset", "keep"]


def asking(talk: Conversation, tools: list[str]) -> CreateResult | None:
    if "submit_plan" not in tools:
        return None
    if talk.task.startswith("Diagnosis") and talk.offers("propose_plans"):
        return calls("propose_plans")
    if talk.task.startswith("Diagnosis") and talk.offers("read_documents"):
        return calls("read_documents", element=ELEMENT)
    if talk.answer("read_documents") and talk.offers("ask_operator"):
        return calls("ask_operator", question="May the metric be reset?", choices=CHOICES, default="keep", minutes=5)
    if '"answer": "keep"' in talk.task:
        if talk.offers("recommend"):
            return calls(
                "recommend", action="leave as planned", element=ELEMENT, why="It is meant.", documents=["CHG-1"]
            )
        return contrary()
    return None


def contrary() -> CreateResult:
    """Two hand-overs in one answer: the last counts."""
    submitted = calls("submit_plan", plan="r1-restore", explanation="It helps.")
    withheld = calls("report_no_plan", explanation="It is meant to be so.", because=["CHG-1"])
    return withheld.model_copy(update={"content": [*submitted.content, *withheld.content]})


def waiting(tmp: Path):
    run = perform(tmp, request(documents=(NOTE,)), model=model(asking))
    assert run.result.finished.outcome == "awaiting answer"
    assert [x.question.text for x in run.of(QuestionAsked)] == ["May the metric be reset?"]
    assert not run.of(ExecutionStep)
    return run


def go_on(run, tmp: Path):
    return asyncio.run(resume_run(run.result.folder, home=tmp / "home", model=model(asking)))


def test_a_question_waits_and_its_answer_decides_how_the_run_goes_on(tmp_path: Path):
    run = waiting(tmp_path)
    (asked,) = open_questions(tmp_path / "runs")
    assert asked.choices == tuple(CHOICES)
    now = lambda: datetime.now(UTC)  # noqa: E731
    with pytest.raises(InputError, match="no choice"):
        answer(run.result.folder, "burn it", who="ana", clock=now, home=tmp_path / "home")
    assert go_on(run, tmp_path).finished.outcome == "awaiting answer"
    assert answer(run.result.folder, "2", who="ana", clock=now, home=tmp_path / "home") == "keep"
    done = go_on(run, tmp_path)
    assert done.finished.outcome == "needs a person"
    assert [(x.action, x.element) for x in done.finished.advice] == [("leave as planned", ELEMENT)]
    events = [x.event for x in read_journal(run.result.folder / "journal.jsonl").records]
    assert [x.by for x in events if isinstance(x, QuestionAnswered)] == ["ana"]
    spans = [json.loads(x) for x in (run.result.folder / "trace.jsonl").read_text().splitlines()]
    assert len({x["context"]["trace_id"] for x in spans}) == 1
    (first,) = (x["context"]["span_id"] for x in spans if x["parent_id"] is None)
    assert {x["parent_id"] for x in spans if x["name"].startswith("invoke_workflow")} == {None, first}
    assert not [x for x in events if isinstance(x, ExecutionStep)]
    assert [x.ok for x in events if isinstance(x, ToolReturned) and x.tool == "submit_plan"] == [True]
    replayed = asyncio.run(replay_run(run.result.folder))
    assert replayed.same, replayed.difference


def test_what_is_asked_in_one_answer_is_answered_in_one_turn_however_long_each_is_waited_for(tmp_path: Path):
    told: list[str] = []

    def twice(talk: Conversation, tools: list[str]) -> CreateResult | None:
        if "submit_plan" not in tools:
            return None
        if not told and talk.offers("ask_operator"):
            (one,) = calls("ask_operator", question="One?", choices=CHOICES, default="keep", minutes=5).content
            assert isinstance(one, FunctionCall)
            two = replace(one, id="odd-second", arguments=one.arguments.replace("One", "Two"))
            return calls("ask_operator").model_copy(update={"content": [one, two]})
        told.append(talk.task)
        return None

    asker, home = model(twice), tmp_path / "home"
    run = perform(tmp_path, request(documents=(NOTE,)), model=asker)
    now = lambda: datetime.now(UTC)  # noqa: E731
    for number, choice in enumerate(CHOICES, start=1):
        assert run.result.finished.outcome == "awaiting answer"
        (open_now,) = open_questions(tmp_path / "runs")
        assert open_now.id == f"q{number}"
        assert told == []
        answer(run.result.folder, choice, who="ana", clock=now, home=home)
        ended = asyncio.run(resume_run(run.result.folder, home=home, model=asker)).finished
    assert ended.outcome == "resolved"
    assert [json.loads(x)["answer"] for x in told[0].splitlines()[1:]] == CHOICES
    events = [x.event for x in read_journal(run.result.folder / "journal.jsonl").records]
    assert [x.question.id for x in events if isinstance(x, QuestionAsked)] == ["q1", "q2"]
    assert [x.role for x in events if isinstance(x, ToolReturned) and x.tool == "propose_plans"] == ["planning"]


def test_a_run_that_waits_is_not_lost_by_a_version_in_which_it_goes_another_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    older = {**CONTRACTS, "monitoring": CONTRACTS["monitoring"].model_copy(update={"opens_with": ("list_symptoms",)})}
    monkeypatch.setattr(resume, "version", lambda: "99.0")
    monkeypatch.setattr(turns, "CONTRACTS", older)
    run = waiting(tmp_path)
    journal = run.result.folder / "journal.jsonl"
    answer(run.result.folder, "keep", who="ana", clock=lambda: datetime.now(UTC), home=tmp_path / "home")
    before = journal.read_bytes()
    monkeypatch.setattr(turns, "CONTRACTS", CONTRACTS)
    with pytest.raises(DivergedError, match=r"was begun by version .* comes out otherwise in 99.0: .* waits as before"):
        go_on(run, tmp_path)
    assert journal.read_bytes() == before
    monkeypatch.setattr(turns, "CONTRACTS", older)
    assert go_on(run, tmp_path).finished.outcome == "needs a person"


def test_the_default_is_taken_at_the_deadline_and_not_before(tmp_path: Path):
    run = waiting(tmp_path)
    folder, home = run.result.folder, tmp_path / "home"
    assert take_default(folder, clock=lambda: datetime.now(UTC), home=home) is None
    later = lambda: datetime.now(UTC) + timedelta(minutes=6)  # noqa: E731
    assert take_default(folder, clock=later, home=home) == "keep"
    assert read_history(folder).answer is not None
    assert go_on(run, tmp_path).finished.outcome == "needs a person"


def test_a_plan_of_a_models_own_meets_the_gate(tmp_path: Path):
    def own(talk: Conversation, tools: list[str]) -> CreateResult | None:
        if "submit_changes" in tools and talk.answer("propose_plans") and not talk.error("submit_changes"):
            change = {"op": "drain_node", "node": "IPLSng"}
            return (
                calls("submit_changes", changes=[change], why="It should go.") if "rejected" not in talk.task else None
            )
        return None

    run = perform(tmp_path, model=model(own))
    submitted = [x for x in run.of(ToolReturned) if x.tool == "submit_changes"]
    assert submitted[0].ok
    assert run.result.finished.rounds > 1
    assert run.result.finished.plan is None or "own" not in run.result.finished.because


class Watched(Actor):
    """Keeps the tasks of turns that begin with the calls of their opening, and without any of rounds before."""

    def __init__(self, character: Character) -> None:
        super().__init__(character)
        self.begun: list[str] = []

    async def reply(self, request: Request, token: CancellationToken | None) -> CreateResult:
        *earlier, task, opened, given = request.messages
        if isinstance(task, UserMessage) and isinstance(given, FunctionExecutionResultMessage):
            assert isinstance(opened, AssistantMessage)
            if not any(isinstance(x, FunctionExecutionResultMessage) for x in earlier):
                self.begun.append(str(task.content))
        return await super().reply(request, token)


def test_a_plan_that_was_taken_back_comes_to_the_model_with_why_and_it_asks_and_makes_its_own(tmp_path: Path):
    told: list[str] = []
    weight = next(x.weight for x in load_network(NETWORK).links if x.name == "IPLSng->KSCYng")
    reset = {"op": "set_weight", "link": "IPLSng->KSCYng", "weight": weight}

    def own(talk: Conversation, tools: list[str]) -> CreateResult | None:
        if "submit_plan" not in tools or not talk.task.startswith(("Round", "The operator")):
            return None
        told.append(talk.task)
        if talk.task.startswith("The operator"):
            return calls("submit_changes", changes=[reset], why="The person on call wants nothing else touched.")
        if talk.answer("propose_plans"):
            return calls(
                "ask_operator", question="Who works on LOSAng?", choices=["a colleague", "nobody"], default="nobody"
            )
        return None

    drained = DrainLink(circuit="link/LOSAng:SNVAng--SNVAng:LOSAng")
    asked = request(later=(LaterEvent(after=1, others=drained),), documents=(NOTE,))
    watched = Watched(own)
    run = perform(tmp_path, asked, model=Model("test", "own", watched), answering=lambda _: ("a colleague", "ana"))
    assert [x for x in watched.begun if x.startswith("Round")] == [told[0]]
    assert "Round 2: your last plan was rejected" in told[0]
    (back,) = (x for x in run.of(StageFinished) if x.stage == "roll back")
    (given,) = (x.reasons for x in (back.handover,) if isinstance(x, Decision))
    assert json.dumps(given)[1:-1] in told[0]
    assert '"answer": "a colleague"' in told[-1]
    (mine,) = (x for x in run.of(StageFinished) if isinstance(x.handover, PlanSubmission) and x.round == 2)
    assert [x.model_dump(mode="json") for x in mine.handover.plan.steps] == [{**reset, "op": "set_weight"}]
    verdicts = [x for x in run.of(VerdictReached) if x.plan.hash == mine.handover.plan.hash]
    applied = [x.change for x in run.of(ExecutionStep) if x.action == "apply"]
    assert verdicts
    assert (applied[-1] == mine.handover.plan.steps[0]) == verdicts[-1].passed


def test_a_failure_that_verification_demands_binds_and_a_tool_on_request_is_offered_once_asked_for(tmp_path: Path):
    def strict(talk: Conversation, tools: list[str]) -> CreateResult | None:
        if "demand_failures" not in tools:
            return None
        if talk.answer("verify_plan") and talk.offers("demand_failures"):
            return calls("demand_failures", sets=[["node/IPLSng"], ["node/DNVRng", "node/ATLAng"]])
        if talk.answer("verify_plan") and talk.offers("explain"):
            return calls("explain", subject="sql")
        if talk.offers("sql"):
            return calls("sql", query="SELECT 1 AS one")
        return None

    run = perform(tmp_path, model=model(strict))
    demanded = [x for x in run.of(ToolReturned) if x.tool in ("demand_failures", "explain", "sql")]
    assert [x.tool for x in demanded] == ["demand_failures", "explain", "sql"]
    assert all(x.ok for x in demanded)
    asked = [("sql" in x.tools) for x in run.of(ChatRequested) if x.role == "verification"]
    assert asked == sorted(asked)
    assert asked[:2] == [False] * 2
    assert asked[-1]
    assert not any("sql" in x.tools for x in run.of(ChatRequested) if x.role != "verification")
    replayed = asyncio.run(replay_run(run.result.folder))
    assert replayed.same, replayed.difference


@pytest.mark.parametrize(
    ("element", "documents", "error"),
    thinned(
        [("node/WASHng", [], "nothing on record"), ("node/Nowhere", [], "unknown"), (ELEMENT, ["CHG-9"], "unknown")], 2
    ),
)
def test_advice_is_about_what_is_on_record(tmp_path: Path, element: str, documents: list[str], error: str):
    def adviser(talk: Conversation, tools: list[str]) -> CreateResult | None:
        if "report_diagnosis" in tools and talk.offers("recommend"):
            return calls("recommend", action="repair", element=element, why="So.", documents=documents)
        return None

    run = perform(tmp_path, request(documents=(NOTE,)), model=model(adviser))
    answers = [x for x in run.of(ToolReturned) if x.tool == "recommend"]
    assert answers
    assert not any(x.ok for x in answers)
    assert all(error in x.content for x in answers)
    assert run.result.finished.advice == ()
