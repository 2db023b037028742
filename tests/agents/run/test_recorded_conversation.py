"""A language model's answers on record, with a ticket, a question and advice: the tools of now take them all."""

import asyncio
import io
import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from agents.record.events import (
    ChatAnswered,
    ExecutionStep,
    QuestionAnswered,
    QuestionAsked,
    StageFinished,
    ToolReturned,
)
from agents.record.journal import read_journal
from agents.run.replay import replay_run
from agents.show.console import Screen
from tests.agents.incidents import Run
from tests.benchmarks.reading import WORDS, played
from tools.box.handover import PlanSubmission
from twin.plan import Plan

README = Path(__file__).parents[3] / "README.md"
RECORDED = [x.event for x in read_journal(WORDS / "conversation/journal.jsonl").records]
SECONDS = re.compile(r"  (\d+ min )?\d+(\.\d)? s$")


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[str]]:
    shown = io.StringIO()
    with Screen(shown) as screen:
        result = played(tmp_path_factory.mktemp("recorded"), screen)
    return Run(result, read_journal(result.folder / "journal.jsonl").records), shown.getvalue().splitlines()


def test_every_call_on_record_is_taken_as_it_was_and_leads_to_a_plan_for_the_same_state(again: tuple[Run, list[str]]):
    run, _ = again
    asked = [(y.tool, y.arguments) for x in RECORDED if isinstance(x, ChatAnswered) for y in x.tool_calls]
    assert [(y.tool, y.arguments) for x in run.of(ChatAnswered) for y in x.tool_calls] == asked
    assert {"read_documents", "changes_since", "demand_failures"} <= {tool for tool, _ in asked}
    assert [(x.tool, x.content) for x in run.of(ToolReturned) if not x.ok] == []
    (then,), (now,) = _submitted(RECORDED), _submitted(run.of(StageFinished))
    assert (now.base, now.method, now.steps[-1]) == (then.base, then.method, then.steps[-1])  # by weights of today
    assert now.hash == run.result.finished.plan
    assert [x.change for x in run.of(ExecutionStep) if x.action == "apply"] == list(now.steps)
    assert run.result.finished.outcome == "resolved"


def _submitted(events: Iterable[object]) -> list[Plan]:
    return [x.handover.plan for x in events if isinstance(x, StageFinished) and isinstance(x.handover, PlanSubmission)]


def test_what_was_asked_is_answered_and_what_was_advised_is_in_the_ending(again: tuple[Run, list[str]]):
    run, _ = again
    (asked,), (answered,) = run.of(QuestionAsked), run.of(QuestionAnswered)
    assert asked.question.default != answered.choice == "reset the metric"
    assert answered.by == "ada"
    finished = run.result.finished
    (advice,) = finished.advice
    assert (advice.action, advice.element, advice.documents) == ("investigate", "node/STTLng", ("INC-3001",))
    (repair,) = finished.recommendations
    assert finished.onset is not None
    assert f"roll back the commit of {finished.onset:%H:%M} on IPLSng" in repair.words  # and not that of the repair


def test_question_and_answer_papers_and_changes_are_spans_of_one_trace(again: tuple[Run, list[str]]):
    spans = [json.loads(x) for x in (again[0].result.folder / "trace.jsonl").read_text().splitlines()]
    assert len({x["context"]["trace_id"] for x in spans}) == 1
    (root,) = [x for x in spans if x["parent_id"] is None]
    by_id = {x["context"]["span_id"]: x for x in spans}
    turns = [x for x in spans if x["name"] == "invoke_agent planning"]
    assert len(turns) == 2  # it goes on with the answer in a turn of its own
    assert {x["parent_id"] for x in turns} == {root["context"]["span_id"]}
    asking, changes = (next(x for x in spans if x["name"] == f"execute_tool {tool}") for tool in CALLED)
    assert by_id[by_id[asking["parent_id"]]["parent_id"]] is turns[0]  # plan planning, in the turn that asked
    assert by_id[changes["parent_id"]]["name"] == "invoke_agent diagnosis"
    assert "twin.compare" in {x["name"] for x in spans if x["parent_id"] == changes["context"]["span_id"]}


CALLED = ("ask_operator", "changes_since")


def test_the_run_replays_record_by_record_without_the_answers(again: tuple[Run, list[str]]):
    replayed = asyncio.run(replay_run(again[0].result.folder))
    assert replayed.same, replayed.difference


def test_readme_shows_it_as_it_is(again: tuple[Run, list[str]]):
    _, words = README.read_text().split("## What only words say")
    block = words.split("```text\n")[1].split("\n```")[0]
    output = iter([SECONDS.sub("", x).rstrip() for x in again[1]])
    for line in block.splitlines():
        if line:
            assert SECONDS.sub("", line).rstrip() in output, line
