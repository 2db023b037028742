"""How long a run takes to come back when it is cancelled: in every stage, inside every tool, and while it acts.

python -m tests.benchmarks.cancel --network sndlib/germany50 --seed 1
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agents.record.events import Event, ExecutionStep, StageStarted, ToolCalled
from agents.record.journal import Record, read_journal
from agents.run.run import RunRequest, run_incident


def moments(folder: Path) -> list[tuple[str, Callable[[Event], bool]]]:
    """Every stage, tool and action of a run that nobody cancelled."""
    found: dict[str, Callable[[Event], bool]] = {}
    for record in read_journal(folder / "journal.jsonl").records:
        for name in _names(record.event):
            found.setdefault(name, lambda event, name=name: name in _names(event))
    return list(found.items())


def _names(event: Event) -> list[str]:
    match event:
        case StageStarted():
            return [f"stage {event.stage}"]
        case ToolCalled():
            return [f"tool {event.tool}"]
        case ExecutionStep():
            return [f"step {event.action}"]
        case _:
            return []


async def cancelled(request: RunRequest, tmp: Path, moment: Callable[[Event], bool]) -> tuple[float, str]:
    """Seconds from the cancellation to the run's return, and how it ended."""
    loop, struck = asyncio.get_running_loop(), asyncio.Event()

    def watch(record: Record) -> None:
        if moment(record.event):
            loop.call_soon_threadsafe(struck.set)

    run = asyncio.create_task(run_incident(request, runs=tmp / "runs", home=tmp / "home", on_event=watch))
    came = asyncio.create_task(struck.wait())
    await asyncio.wait({came, run}, return_when=asyncio.FIRST_COMPLETED)
    began = time.monotonic()
    run.cancel()
    result = await run
    return time.monotonic() - began, result.finished.outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="sndlib/germany50")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="Only moments whose name holds one of these words, by commas.")
    given = parser.parse_args()
    request = RunRequest(network=given.network, seed=given.seed)
    with tempfile.TemporaryDirectory() as folder:
        tmp = Path(folder)
        began = time.monotonic()
        whole = asyncio.run(run_incident(request, runs=tmp / "runs", home=tmp / "home"))
        print(f"{given.network}, seed {given.seed}: {whole.finished.outcome} in {time.monotonic() - began:.1f} s")
        worst = 0.0
        for name, moment in moments(whole.folder):
            if not any(word in name for word in given.only.split(",")):
                continue
            seconds, outcome = asyncio.run(cancelled(request, tmp, moment))
            worst = max(worst, seconds)
            print(f"{name:24} {seconds:6.2f} s  {outcome}", flush=True)
        print(f"longest: {worst:.2f} s")


if __name__ == "__main__":
    main()
