"""A run under a shell: signals ask it to stop and to take back what it applied, and its end is an exit code."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import FrameType
from typing import Any

from agents.record.events import RunResumed
from agents.record.history import read_history
from agents.record.journal import Record
from agents.run.resume import resume_run
from agents.run.run import RunRequest, RunResult, run_incident
from agents.show.console import Screen
from agents.show.report.folder import write_report
from agents.show.report.recorded import read_run
from agents.show.report.summary import Summary, summarise
from agents.wording import counted
from tools.box.tracing import joined
from twin.policy import Policy

EXIT_CODES = {
    "needs a person": 3,
    "no safe plan": 3,
    "awaiting approval": 3,
    "awaiting answer": 3,
    "rejected": 3,
    "rolled back": 1,
    "failed": 1,
    "out of budget": 4,
    "interrupted": 130,
}
_PATIENCE = 3  # signals that are answered by stopping in good order; the next one ends the process at once


def run_shown(request: RunRequest, runs: Path, *, screen: Screen) -> tuple[Summary, int]:
    """Run an incident on a screen, write its report, and return its summary and the exit code.

    Raises what `run_incident` and `write_report` raise.
    """
    return _shown(lambda: run_incident(request, runs=runs, on_event=screen.show), screen)


def resume_shown(folder: Path, *, screen: Screen, policy: Policy | None = None) -> tuple[Summary, int]:
    """Take a run up on a screen, write its report, and return its summary and the exit code.

    Raises what `resume_run` and `write_report` raise.
    """
    past = read_history(folder)

    def show(record: Record) -> None:
        if isinstance(record.event, RunResumed):
            screen.notice(f"taken up: {counted(record.event.records, 'records')} are there, none is redone")
        screen.show(record)

    async def work() -> RunResult:
        result = await resume_run(folder, on_event=show, policy=policy)
        if result.head == past.reading.head:
            what = "still waits for people" if past.waits is not None else "has ended already"
            screen.notice(f"run {past.started.run} {what}: nothing is done")
        return result

    return _shown(work, screen)


def _shown(work: Callable[[], Coroutine[Any, Any, RunResult]], screen: Screen) -> tuple[Summary, int]:
    with screen, joined(os.environ):  # of who started the command, where TRACEPARENT says so
        try:
            result = asyncio.run(_stoppable(work, screen))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None  # before there was anything to record
        screen.progress("writing the report")
        write_report(result.folder)
    code = result.error.exit_code if result.error else EXIT_CODES.get(result.finished.outcome, 0)
    return summarise(read_run(result.folder), result.folder), code


async def _stoppable(work: Callable[[], Coroutine[Any, Any, RunResult]], screen: Screen) -> RunResult:
    task, loop, asked = asyncio.current_task(), asyncio.get_running_loop(), 0

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked += 1
        if asked > _PATIENCE:
            raise KeyboardInterrupt
        screen.notice("stopping: whatever was applied is taken back" if asked == 1 else "still stopping")
        if asked == 1 and task is not None:
            loop.call_soon_threadsafe(task.cancel)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return await work()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
