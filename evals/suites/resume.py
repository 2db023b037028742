"""Runs that are killed with SIGKILL and taken up again, held to the run that nobody killed."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from agents.record.files import JOURNAL, NETWORK
from agents.record.journal import Record, read_journal
from agents.run.request import RunRequest
from agents.run.resume import resume_run
from agents.run.run import run_incident
from evals.cases.case import Case, Split
from evals.cases.result import Measures
from evals.cases.suite import NETWORKS, SEEDS, Metric, Suite, Workplace
from twin.formats import load_network
from twin.live.recorded import RecordedNetwork
from twin.model import Network
from twin.plan import Change

PRELOADED = ("agents.run.resume", "agents.run.run", "agents.models.runbook", "twin.live.emulated", "networkx", "numba")
"""What every run imports, once for all the processes that are killed."""
KINDS = ("killed early", "killed late", "killed while executing", "killed twice")


@dataclass(frozen=True)
class Interrupted:
    """A run that is to be killed, and what it comes to when it is not."""

    case: Case
    workplace: Workplace
    network: Network
    request: RunRequest
    records: int
    executing: int  # record at which the first step is announced; 0 where nothing is executed
    outcome: str
    made: tuple[Change, ...]


class ResumedRun(NamedTuple):
    """What was there in the end."""

    outcome: str
    made: tuple[Change, ...]
    killed: bool
    folder: Path


def _stage(case: Case, workplace: Workplace) -> Interrupted:
    network = load_network(case.network)
    request = RunRequest(network=case.network, seed=case.seed, model=case.model)
    whole = asyncio.run(run_incident(request, runs=workplace.folder / "whole", home=workplace.home))
    records = read_journal(whole.folder / JOURNAL).records
    steps = [i for i, record in enumerate(records, start=1) if record.event.kind == "execution step"]
    executing = steps[0] if steps else 0
    made = _made(whole.folder, network)
    return Interrupted(case, workplace, network, request, len(records), executing, whole.finished.outcome, made)


def _made(folder: Path, network: Network) -> tuple[Change, ...]:
    live = RecordedNetwork.restore(folder / NETWORK, network, keep=False)
    return tuple(effect.change for effect in live.effects)


def _strikes(found: Interrupted) -> list[int]:
    """After how many records the process is killed, each time it is started."""
    share = 0.2 + (found.case.seed % 7) / 10
    match found.case.kind:
        case "killed early":
            return [max(1, round(found.records * share / 3))]
        case "killed while executing" if found.executing:
            return [found.executing]
        case "killed twice":
            return [max(1, round(found.records * share / 2)), 3]
        case _:
            return [max(1, min(found.records - 1, round(found.records * (0.6 + share / 3))))]


def _resumed(found: Interrupted) -> ResumedRun:
    """Killed, and taken up again."""
    runs = found.workplace.folder / "killed"
    folder, killed = _kill(found, runs, _strikes(found))
    result = asyncio.run(resume_run(folder, home=found.workplace.home))
    return ResumedRun(result.finished.outcome, _made(folder, found.network), killed, folder)


def _left_alone(found: Interrupted) -> ResumedRun:
    """Killed, and left as it was: what a run without a journal comes to."""
    folder, killed = _kill(found, found.workplace.folder / "left", _strikes(found)[:1])
    return ResumedRun("unfinished", _made(folder, found.network), killed, folder)


def _kill(found: Interrupted, runs: Path, strikes: list[int]) -> tuple[Path, bool]:
    """Start the run, or take it up, in a process of its own that is killed after so many records."""
    processes, killed = get_context("forkserver"), False
    with suppress(ValueError):  # the server is there already
        processes.set_forkserver_preload(list(PRELOADED))
    for at in strikes:
        arguments = (found.request.model_dump_json(), str(runs), str(found.workplace.home), at)
        process = processes.Process(target=work_until_killed, args=arguments)
        process.start()
        process.join(found.case.budget.seconds)
        killed |= process.exitcode == -signal.SIGKILL
    (folder,) = (path for path in runs.iterdir() if path.is_dir())
    return folder, killed


def work_until_killed(request: str, runs: str, home: str, at: int) -> None:
    """In a process of its own: run, or take up what is there, and die after record number `at`."""
    seen = 0

    def strike(record: Record) -> None:
        nonlocal seen
        seen += record.event.kind != "run resumed"
        if seen == at:
            os.kill(os.getpid(), signal.SIGKILL)

    there = [path for path in Path(runs).glob("*") if path.is_dir()]
    if there:
        asyncio.run(resume_run(there[0], home=Path(home), on_event=strike))
    else:
        asked = RunRequest.model_validate_json(request)
        asyncio.run(run_incident(asked, runs=Path(runs), home=Path(home), on_event=strike))


def score(found: Interrupted, ended: ResumedRun) -> Measures:
    """The same outcome, and exactly the changes of the whole run, none of them twice, or none at all."""
    same = ended.outcome == found.outcome
    undone = len(ended.made) > len(found.made)
    repeated = ended.made[: len(found.made)] != found.made and ended.made[:1] == found.made[:1]
    half = 0 < len(ended.made) < len(found.made)
    values = {
        "same": float(same),
        "exact": float(ended.made == found.made),
        "repeated": float(undone and repeated),
        "half": float(half),
        "executes": float(bool(found.made)),
        "killed": float(ended.killed),
    }
    told = f"{ended.outcome} with {len(ended.made)} changes"
    return Measures(same and ended.made == found.made, values, told,
                    f"{found.outcome} with {len(found.made)} changes", run=str(ended.folder))  # fmt: skip


def _draw(split: Split) -> Iterator[Case]:
    places = NETWORKS[split][:2]
    for number, seed in enumerate(SEEDS[split]):
        yield Case(suite="resume", kind=KINDS[number % 4], network=places[number % 2], seed=seed, split=split)


SUITE = Suite(
    name="resume",
    purpose="runs killed with SIGKILL anywhere: whether they end as the run that nobody killed",
    draw=_draw,
    stage=_stage,
    systems={"resumed": _resumed, "left as it was": _left_alone},
    score=score,
    metrics=(
        Metric("same outcome", "share", "same", bar=1.0),
        Metric("exactly the same changes", "share", "exact", bar=1.0),
        Metric("changes made twice", "share", "repeated", higher=False, bar=0.0),
        Metric("plans left half done", "share", "half", higher=False, bar=0.0),
        Metric("really killed", "share", "killed", higher=None),
    ),
    cases=24,
    slice=2,
    agents=True,
)
