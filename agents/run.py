"""One run, from a network's name to an outcome: what the command line and the evals call."""

import asyncio
import os
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

import numpy as np
from pydantic import Field

from tools.catalogue import TOOLS
from tools.desk import Desk, ReadSide
from tools.registry import Toolbox
from tools.tracing import OUTCOME, workflow_span
from twin.certificate import SigningKey
from twin.errors import StoreError, TwinError
from twin.faults import Fault, draw_fault
from twin.formats import load_network
from twin.live.emulated import EmulatedNetwork
from twin.model import Frozen, Network
from twin.policy import Policy
from twin.store import TwinStore

from .audit import JournalAudit
from .chat import Session
from .contracts import RIGHTS
from .driver import Driver
from .events import Outcome, RunFinished, RunStarted
from .journal import Clock, Journal, Listener
from .models import Model, resolve
from .operator import NetworkOperator
from .team import assemble
from .tracing import Tracing

INTERVAL_S = 300.0
HISTORY = 36  # samples before the fault strikes: three hours
AFTERMATH = 4  # samples after it, before anyone looks
FIRST_MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
BUSY_HOURS = (19.0, 20.5)  # local time at which a fault strikes, on a working day drawn by the seed


class RunRequest(Frozen):
    """What to run. Without a fault the seed draws one that hurts; `healthy` runs without any."""

    network: str = Field(min_length=1, max_length=200)
    seed: int = Field(ge=0)
    model: str = "runbook"
    policy: Policy = Policy()
    fault: Fault | None = None
    healthy: bool = False
    rounds: int = Field(default=3, ge=1, le=10, description="Most plans to try.")


@dataclass(frozen=True)
class RunResult:
    """How a run ended. `head` is the hash of its journal's last record, `error` what made it fail."""

    run: str
    folder: Path
    finished: RunFinished
    head: str
    error: TwinError | None = None


def utc_now() -> datetime:
    """Return the wall clock's time, UTC."""
    return datetime.now(UTC)


def home_folder() -> Path:
    """Return the folder of the signing key: `TWINOPS_HOME`, or `~/.config/twinops`."""
    named = os.environ.get("TWINOPS_HOME")
    return Path(named) if named else Path.home() / ".config" / "twinops"


async def run_incident(
    request: RunRequest,
    *,
    runs: Path,
    home: Path | None = None,
    clock: Clock = utc_now,
    on_event: Listener | None = None,
    model: Model | None = None,
) -> RunResult:
    """Run one incident and leave its record in a new folder under `runs`.

    `home` holds the signing key, outside `runs` and every tool's reach. `on_event` sees every record right after it is
    in the journal; while a plan is executed, from another thread. A cancellation is answered: whatever was applied is
    taken back, the record is closed, and the result says `interrupted`. An error of the tree `TwinError` that stops a
    run on its way ends it as `failed`, with the error in the result; any other error does, too, and is then raised.
    `model` stands in for the one that the request names.

    Raises, before there is a folder, `UnknownNetworkError`, `InputError` for the model, and `StoreError` when the
    folder or the key cannot be read or written.
    """
    network = load_network(request.network)
    model = model or resolve(request.model)
    key = SigningKey.open((home or home_folder()) / "signing.key", runs=runs)
    started = time.monotonic()
    run, folder = _folder(runs, request, clock())
    with ExitStack() as stack:
        journal = stack.enter_context(Journal(folder / "journal.jsonl", clock=clock, listener=on_event))
        tracing = Tracing(folder / "trace.jsonl", version=_version())
        stack.callback(tracing.close)
        store = stack.enter_context(TwinStore.open(folder / "twin.duckdb"))
        scene = _stage_scene(network, request)
        session = Session(run, model, journal, tracing.tracer)
        desk = Desk(
            inventory=network,
            policy=request.policy,
            live=ReadSide(scene.live),
            since=scene.begin,
            seed=request.seed,
            tracer=tracing.tracer,
        )
        operator = NetworkOperator(desk, session, store, scene.live, key, folder)
        journal.append(_opening(run, request, network, scene))
        store.save_snapshot(network, now=scene.live.now)
        store.set_current(network.id)
        toolbox = Toolbox(desk, TOOLS, RIGHTS, audit=JournalAudit(journal))
        driver = Driver(desk, session, assemble(session, toolbox), operator, rounds=request.rounds)
        with workflow_span(tracing.tracer, "incident", run=run) as span:
            ending = await _drive(driver, operator)
            span.set_attribute(OUTCOME, ending.outcome)
        operator.mirror()
        finished = _closing(ending, operator, scene, time.monotonic() - started)
        journal.append(finished)
        if ending.bug is not None:
            raise ending.bug
        return RunResult(run, folder, finished, journal.head, ending.error)


@dataclass(frozen=True)
class _Scene:
    """The emulated network with what has happened in it."""

    live: EmulatedNetwork
    begin: datetime
    fault: Fault | None
    onset: datetime | None


@dataclass(frozen=True)
class _Ended:
    outcome: Outcome
    because: str
    error: TwinError | None = None
    bug: Exception | None = None


def _stage_scene(network: Network, request: RunRequest) -> _Scene:
    """Let the network run for a while at a busy hour of its day, drawn by the seed, and let the fault strike."""
    rng = np.random.default_rng([request.seed, 1])
    local = rng.uniform(*BUSY_HOURS)
    longitude = float(np.mean([node.longitude for node in network.nodes]))
    week, day = (int(x) for x in rng.integers(0, (52, 5)))
    minutes = round((local - longitude / 15) * 12) * 5
    onset = FIRST_MONDAY + timedelta(weeks=week, days=day, minutes=minutes)
    begin = onset - timedelta(seconds=HISTORY * INTERVAL_S)
    live = EmulatedNetwork(network, seed=request.seed, start=begin, interval_s=INTERVAL_S)
    live.wait(HISTORY)
    if request.healthy:
        live.wait(AFTERMATH)
        return _Scene(live, begin, None, None)
    fault = request.fault or draw_fault(network, request.seed, policy_limit=request.policy.max_utilisation)
    live.inject(fault)
    live.wait(AFTERMATH)
    return _Scene(live, begin, fault, onset)


async def _drive(driver: Driver, operator: NetworkOperator) -> _Ended:
    try:
        ending = await driver.run()
    except asyncio.CancelledError:
        return _taken_back(operator, _Ended("interrupted", "the run was cancelled"))
    except TwinError as error:
        because = f"{error}; {error.fix}" if error.fix else str(error)
        return _taken_back(operator, _Ended("failed", because, error))
    except Exception as error:
        return _taken_back(operator, _Ended("failed", f"{type(error).__name__}: {error}", bug=error))
    return _Ended(ending.outcome, ending.because)


def _taken_back(operator: NetworkOperator, ended: _Ended) -> _Ended:
    try:
        undone = operator.take_back(ended.because)
    except TwinError as error:
        words = f"{ended.because}, and not everything could be taken back: {error}"
        return replace(ended, outcome="failed", because=words, error=error)
    words = f"{ended.because}; every step that was applied has been taken back" if undone else ended.because
    return replace(ended, because=words)


def _folder(runs: Path, request: RunRequest, now: datetime) -> tuple[str, Path]:
    name = f"{request.network.replace('/', '-')}-s{request.seed}-{now:%Y%m%d-%H%M%S}"
    try:
        runs.mkdir(parents=True, exist_ok=True)
        for number in range(1, 1_000):
            run = name if number == 1 else f"{name}-{number}"
            if not (runs / run).exists():
                (runs / run).mkdir()
                return run, runs / run
    except OSError as error:
        raise StoreError(f"cannot write runs to {runs}: {error.strerror}", fix="choose another folder") from error
    raise StoreError(f"{runs} already holds 1,000 runs called {name}", fix="choose another folder")


def _opening(run: str, request: RunRequest, network: Network, scene: _Scene) -> RunStarted:
    return RunStarted(
        run=run,
        network=request.network,
        seed=request.seed,
        model=request.model,
        policy=request.policy,
        inventory=network.id,
        nodes=len(network.nodes),
        circuits=len(network.circuits),
        history=(scene.live.now - scene.begin).total_seconds() / 3600,
        live_time=scene.live.now,
    )


def _closing(ended: _Ended, operator: NetworkOperator, scene: _Scene, seconds: float) -> RunFinished:
    desk, spent = operator.desk, operator.session.spent
    return RunFinished(
        outcome=ended.outcome,
        because=ended.because,
        figures=operator.figures,
        cause=desk.diagnosis.cause if desk.diagnosis else None,
        truth=scene.fault,
        onset=scene.onset,
        plan=desk.submission.plan.hash if ended.outcome in ("resolved", "relieved") and desk.submission else None,
        certificate_checked=operator.accepted,
        rounds=len(desk.rejected) + (desk.submission is not None and not _is_rejected(desk)),
        model_calls=spent.model_calls,
        tool_calls=spent.tool_calls,
        input_tokens=spent.input_tokens,
        output_tokens=spent.output_tokens,
        seconds=seconds,
    )


def _is_rejected(desk: Desk) -> bool:
    return desk.submission is not None and desk.submission.plan.hash in desk.rejected_plans


def _version() -> str:
    try:
        return metadata.version("twinops")
    except metadata.PackageNotFoundError:
        return "source"
