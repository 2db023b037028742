"""Ctrl-C in every stage and inside a tool: the run comes back at once, on the record, with nothing left applied."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from agents.events import Event, ExecutionStep, RunFinished, RunStarted, StageStarted, ToolCalled, ToolReturned
from agents.journal import Record, read_journal
from agents.run import RunResult, run_incident
from tests.agents.incidents import ROUTER_DOWN, Run, request
from twin.store import TwinStore

AT_ONCE = 5.0  # seconds; a guard against hanging, not a measurement


def cancelled_at(tmp: Path, moment: Callable[[Event], bool]) -> Run:
    async def interrupted() -> RunResult:
        loop, struck = asyncio.get_running_loop(), asyncio.Event()

        def watch(record: Record) -> None:
            if moment(record.event):
                loop.call_soon_threadsafe(struck.set)

        run = asyncio.create_task(
            run_incident(request(fault=ROUTER_DOWN), runs=tmp / "runs", home=tmp / "home", on_event=watch)
        )
        moment_came = asyncio.create_task(struck.wait())
        await asyncio.wait({moment_came, run}, return_when=asyncio.FIRST_COMPLETED)
        assert moment_came.done(), f"the run ended before the moment came: {run.result().finished.because}"
        run.cancel()
        return await asyncio.wait_for(asyncio.shield(run), AT_ONCE)

    result = asyncio.run(interrupted())
    return Run(result, read_journal(result.folder / "journal.jsonl").records)


def is_as_configured_before(run: Run) -> bool:
    with TwinStore.open(run.result.folder / "twin.duckdb") as store:
        return store.current == run.of(RunStarted)[0].inventory


@pytest.mark.parametrize("tool", ["list_symptoms", "rank_causes", "propose_plans", "verify_plan"])
def test_a_call_under_way_is_given_up_and_its_end_recorded(tmp_path: Path, tool: str):
    run = cancelled_at(tmp_path, lambda event: isinstance(event, ToolCalled) and event.tool == tool)
    assert run.result.finished.outcome == "interrupted"
    assert isinstance(run.events[-1], RunFinished)
    assert len(run.of(ToolCalled)) == len(run.of(ToolReturned))
    assert not run.of(ExecutionStep)


@pytest.mark.parametrize("stage", ["approve", "execute", "confirm"])
def test_a_run_that_is_cancelled_after_the_verdict_leaves_nothing_applied(tmp_path: Path, stage: str):
    run = cancelled_at(tmp_path, lambda event: isinstance(event, StageStarted) and event.stage == stage)
    assert run.result.finished.outcome == "interrupted"
    assert run.result.finished.plan is None
    assert is_as_configured_before(run)


def test_an_execution_under_way_is_taken_back(tmp_path: Path):
    run = cancelled_at(tmp_path, lambda event: isinstance(event, ExecutionStep) and event.action == "agree")
    assert run.result.finished.outcome == "interrupted"
    assert is_as_configured_before(run)
    assert "roll back" in [x.action for x in run.of(ExecutionStep)]
