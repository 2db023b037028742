"""Ctrl-C in every stage and inside a tool: the run comes back at once, on the record, with nothing left applied."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from agents.models import Model
from agents.models.runbook import RunbookClient
from agents.record.events import (
    ChatAnswered,
    ChatRequested,
    Event,
    ExecutionStep,
    RunFinished,
    RunStarted,
    StageStarted,
    ToolCalled,
    ToolReturned,
)
from agents.record.journal import Record, read_journal
from agents.run.resume import resume_run
from agents.run.run import RunRequest, RunResult, run_incident
from tests.agents.incidents import ROUTER_DOWN, Run, perform, request, rolled_back
from tests.depth import thinned
from twin.store import TwinStore

STAGES = ["diagnose", "observe", "plan", "execute", "verify", "approve", "confirm"]
AT_ONCE = 20.0  # seconds; a guard against hanging, not a measurement


def cancelled_at(
    tmp: Path, moment: Callable[[Event], bool], asked: RunRequest | None = None, *, model: Model | None = None
) -> Run:
    async def interrupted() -> RunResult:
        loop, struck = asyncio.get_running_loop(), asyncio.Event()

        def watch(record: Record) -> None:
            if moment(record.event):
                loop.call_soon_threadsafe(struck.set)

        run = asyncio.create_task(
            run_incident(
                asked or request(fault=ROUTER_DOWN, seed=6),
                runs=tmp / "runs",
                home=tmp / "home",
                on_event=watch,
                model=model,
            )
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


@pytest.mark.parametrize("tool", thinned(["verify_plan", "list_symptoms", "rank_causes", "propose_plans"], 3))
def test_a_call_under_way_is_given_up_and_its_end_recorded(tmp_path: Path, tool: str):
    run = cancelled_at(tmp_path, lambda event: isinstance(event, ToolCalled) and event.tool == tool)
    assert run.result.finished.outcome == "interrupted"
    assert isinstance(run.events[-1], RunFinished)
    assert len(run.of(ToolCalled)) == len(run.of(ToolReturned))
    assert not run.of(ExecutionStep)


@pytest.mark.parametrize("stage", thinned(STAGES, 3))
def test_a_run_that_is_cancelled_in_any_stage_leaves_nothing_applied(tmp_path: Path, stage: str):
    run = cancelled_at(tmp_path, lambda event: isinstance(event, StageStarted) and event.stage == stage)
    assert run.result.finished.outcome == "interrupted"
    assert run.result.finished.plan is None
    assert isinstance(run.events[-1], RunFinished)
    assert is_as_configured_before(run)


def test_a_way_back_is_finished_whatever_happens(tmp_path: Path):
    run = cancelled_at(
        tmp_path, lambda event: isinstance(event, StageStarted) and event.stage == "roll back", rolled_back()
    )
    assert run.result.finished.outcome in ("interrupted", "rolled back")
    assert is_as_configured_before(run)
    steps = [x for x in run.of(ExecutionStep) if x.step]
    applied = [x.step for x in steps if x.action == "apply"]
    assert sorted(x.step for x in steps if "is undone" in x.detail) == applied != []


def test_a_model_that_thinks_is_not_waited_for(tmp_path: Path):
    class Thinker(RunbookClient):
        async def create(self, messages, **arguments):
            if any(tool["name"] == "rank_causes" for tool in arguments["tools"]):
                await asyncio.sleep(60)
            return await super().create(messages, **arguments)

    run = cancelled_at(
        tmp_path,
        lambda event: isinstance(event, ChatRequested) and event.role == "diagnosis",
        model=Model("test", "thinker", Thinker()),
    )
    assert run.result.finished.outcome == "interrupted"
    assert len(run.of(ChatRequested)) == len(run.of(ChatAnswered)) + 1


def test_a_run_that_is_cancelled_before_it_begins_leaves_no_folder(tmp_path: Path):
    async def cancelled() -> None:
        run = asyncio.create_task(run_incident(request(), runs=tmp_path / "runs", home=tmp_path / "home"))
        await asyncio.sleep(0)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(run, AT_ONCE)

    asyncio.run(cancelled())
    assert not (tmp_path / "runs").exists()


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with its home, of which each test takes a copy."""
    tmp = tmp_path_factory.mktemp("ended")
    perform(tmp, request(fault=ROUTER_DOWN, seed=6))
    return tmp


@pytest.mark.parametrize("moment", ["apply", "agree"])
def test_a_resumption_that_is_cancelled_takes_back_what_the_run_had_applied(ended: Path, tmp_path: Path, moment: str):
    """Cancelled on its way through its own past, where nothing is done, and killed in the middle of an execution."""
    shutil.copytree(ended, tmp_path, dirs_exist_ok=True)
    (folder,) = (tmp_path / "runs").iterdir()
    events = [x.event for x in read_journal(folder / "journal.jsonl").records]
    last = next(i for i, x in enumerate(events) if isinstance(x, ExecutionStep) and x.action == moment)
    did = (folder / "network.jsonl").read_text().splitlines()
    applied = next(i for i, line in enumerate(did) if '"did":"apply"' in line)
    for name, keep in (("journal.jsonl", last + 1), ("network.jsonl", applied + 1)):  # as a kill would have left them
        lines = (folder / name).read_bytes().splitlines(keepends=True)
        (folder / name).write_bytes(b"".join(lines[:keep]))

    async def cancelled() -> RunResult:
        resumed = asyncio.create_task(resume_run(folder, home=tmp_path / "home"))
        await asyncio.sleep(0.3)
        resumed.cancel()
        return await asyncio.wait_for(asyncio.shield(resumed), AT_ONCE)

    result = asyncio.run(cancelled())
    records = read_journal(folder / "journal.jsonl").records
    assert result.finished.outcome == "interrupted"
    assert is_as_configured_before(Run(result, records))


def test_an_execution_under_way_is_taken_back(tmp_path: Path):
    run = cancelled_at(tmp_path, lambda event: isinstance(event, ExecutionStep) and event.action == "agree")
    assert run.result.finished.outcome == "interrupted"
    assert is_as_configured_before(run)
    assert "roll back" in [x.action for x in run.of(ExecutionStep)]
