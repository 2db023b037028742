"""Many runs in one process: each comes to the end that it comes to alone, and its record speaks of itself."""

import asyncio
from pathlib import Path

from agents.record.events import RunStarted
from agents.record.journal import read_journal
from agents.record.rerun import decisive
from agents.run.run import RunRequest, RunResult, run_incident
from tests.depth import thinned

SEEDS = thinned((1, 3, 2), 2)


async def run(tmp: Path, seed: int) -> RunResult:
    asked = RunRequest(network="synthetic/8-1", seed=seed)
    return await run_incident(asked, runs=tmp / "runs", home=tmp / "home")


async def together(tmp: Path) -> list[RunResult]:
    return list(await asyncio.gather(*(run(tmp, seed) for seed in SEEDS)))


def told(result: RunResult) -> list[dict[str, object]]:
    events = [record.event for record in read_journal(result.folder / "journal.jsonl").records]
    assert isinstance(events[0], RunStarted)
    assert events[0].run == result.run == result.folder.name
    return [{key: value for key, value in decisive(event).items() if key != "run"} for event in events]


def test_runs_at_once_do_not_hear_each_other(tmp_path: Path):
    at_once = asyncio.run(together(tmp_path / "together"))
    assert len({result.folder for result in at_once}) == len(SEEDS)
    for seed, result in zip(SEEDS, at_once, strict=True):
        alone = asyncio.run(run(tmp_path / "alone", seed))
        assert told(result) == told(alone)
