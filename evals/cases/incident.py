"""Cases that agents play: one run, what it left on record, and what became of the network, replayed for scoring."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from agents.models import Model
from agents.record.events import Event, RunFinished, VerdictReached
from agents.record.files import CERTIFICATE, JOURNAL, NETWORK, PLAN, TWIN
from agents.record.journal import read_journal
from agents.run.request import LaterEvent, RunRequest
from agents.run.run import RunResult, run_incident
from agents.run.staging import samples_after, stage_scene
from agents.run.transitions import Answering, nobody
from evals.oracle.traces import EQUAL, MOVED, beyond_hashing, moved, recorded
from evals.score.plans import harm_integral
from twin.errors import InputError, TwinError
from twin.faults import Fault, FaultKind
from twin.files import is_plain, read_bytes
from twin.formats import load_network
from twin.formats.plan import read_plan
from twin.gate.certificate import Certificate, SigningKey, check
from twin.harm import Harm, mean_harm
from twin.live.emulated import EmulatedNetwork
from twin.live.recorded import Announced, RecordedNetwork, Struck, Waited
from twin.model import Network
from twin.plan import Change
from twin.policy import Policy
from twin.store import TwinStore

from .case import Case
from .seconds import time_taken
from .suite import Workplace

HOUR_S, MOST_SAMPLES = 3600.0, 40
"""Time after the onset over which harm is summed, and most samples of it: the steps of the longest plan fit in."""


class Action(NamedTuple):
    """One change that somebody made, when by the network's clock, and what the inventory took instead, if so."""

    time: datetime
    change: Change
    recorded: Change | None = None


@dataclass(frozen=True)
class Incident:
    """A staged incident: what happened to the network before anyone looks."""

    case: Case
    workplace: Workplace
    request: RunRequest
    network: Network
    live: RecordedNetwork
    fault: Fault | None
    onset: datetime | None

    @cached_property
    def untouched(self) -> "HourAfter":
        """The hour as it is when nobody acts."""
        return hour_after(self, ())


class HourAfter(NamedTuple):
    """What an hour from the onset on was like: Mbit harmed in all, Mbit/s at its end, and those by their parts.

    `seen` is the mean harm from the onset until the run began: what there was to be measured. `when_ended` is the harm
    in the sample in which the run ended, `worst` that of the worst sample since the run began.
    """

    harmed: float
    at_end: float
    left: Harm
    seen: Harm
    when_ended: Harm
    worst: Harm


@dataclass(frozen=True)
class Played:
    """A run of the agents with its records."""

    result: RunResult
    events: tuple[Event, ...]
    certified: bool
    actions: tuple[Action, ...]
    ended: datetime  # by the network's clock
    trace: str
    seconds: Mapping[str, float]  # by the clock: models, tools, and the rest

    @property
    def finished(self) -> RunFinished:
        """How it ended."""
        return self.result.finished

    @property
    def verdicts(self) -> tuple[VerdictReached, ...]:
        """Every verdict of the gate, in order."""
        return tuple(event for event in self.events if isinstance(event, VerdictReached))


def request_of(case: Case, later: tuple[LaterEvent, ...] = ()) -> RunRequest:
    """The run that a case asks for: its fault, none where it says so, one of its kind, or any that its seed draws."""
    healthy = case.kind == "healthy" or case.faults == ()
    drawn = case.kind if case.kind in set(FaultKind) else None
    fault = case.faults[0] if case.faults else drawn
    return RunRequest(
        network=case.network, seed=case.seed, model=case.model, fault=fault, also=(case.faults or ())[1:],
        later=later, healthy=healthy, interval_s=case.interval_s, compact=case.compact, vision=case.vision,
    )  # fmt: skip


def stage_incident(case: Case, workplace: Workplace, *, later: tuple[LaterEvent, ...] = ()) -> Incident:
    """Stage the incident of a case exactly as the agents' run will find it. Raises as `stage_scene` does."""
    asked = request_of(case, later)
    network = load_network(case.network)
    scene = stage_scene(network, asked)
    if not isinstance(scene.live, RecordedNetwork):
        raise InputError(f"case {case.id} is on no emulated network", fix="name a network, not a site")
    return Incident(case, workplace, asked, network, scene.live, scene.fault, scene.onset)


def play(incident: Incident, model: str, *, standing_in: Model | None = None, answering: Answering = nobody) -> Played:
    """Let the agents work on an incident; `answering` answers what they ask.

    Raises what the run raises, and `TimeoutError` beyond the case's budget.
    """
    request, folder = incident.request, incident.workplace.folder
    if standing_in is None:
        request = request.model_copy(update={"model": model})
    runs, home = folder / model.replace(":", "-").replace(" ", "-"), incident.workplace.home
    run = run_incident(request, runs=runs, home=home, model=standing_in, answering=answering)
    result = asyncio.run(asyncio.wait_for(run, incident.case.budget.seconds))
    records = read_journal(result.folder / JOURNAL).records
    events = tuple(record.event for record in records)
    certified = holds(result.folder, request.policy, incident.workplace.home)
    live = RecordedNetwork.restore(result.folder / NETWORK, incident.network, keep=False)
    actions = tuple(Action(effect.time, effect.change, effect.recorded) for effect in live.effects)
    waited = sum(x.samples for x in live.ahead if isinstance(x, Waited))
    ended = live.now + timedelta(seconds=waited * request.interval_s)
    return Played(result, events, certified, actions, ended, trace_id(result.folder), time_taken(records))


def hour_after(incident: Incident, actions: Sequence[Action], *, until: datetime | None = None) -> HourAfter:
    """Replay the incident with these actions on a fresh network, and sum up the true harm of the hour from its onset.

    What was harmed before anyone looked is the same for everybody, and counts. `until` is when the run ended.
    """
    limit, onset, stretches, left = incident.request.policy.max_utilisation, incident.onset, [(0.0, 0.0)], list(actions)
    seen: list[Harm] = []
    live = again(incident, lambda live: seen.append(live.true_harm(limit)) if onset and live.now > onset else None)
    stretches += [(incident.request.interval_s, x.total) for x in seen]
    worst = when_ended = live.true_harm(limit)
    for _ in range(followed(incident) - samples_after(incident.live)):
        while left and left[0].time <= live.now:
            action = left.pop(0)
            live.apply(action.change, recorded=action.recorded)
        live.wait()
        harm = live.true_harm(limit)
        stretches.append((incident.request.interval_s, harm.total))
        worst = max(worst, harm, key=lambda x: x.total)
        when_ended = harm if until is not None and live.now <= until else when_ended
    mean = mean_harm((1 / len(seen), x) for x in seen)
    return HourAfter(harm_integral(stretches), stretches[-1][1], live.true_harm(limit), mean, when_ended, worst)


def again(
    incident: Incident, each: Callable[[EmulatedNetwork], None] = lambda _: None, *, without: Fault | None = None
) -> EmulatedNetwork:
    """Return a fresh network with the same past, as the run finds it; `each` is called after every sample.

    `without` is a fault that does not strike it.
    """
    live = EmulatedNetwork(
        incident.network, seed=incident.request.seed, start=incident.live.start, interval_s=incident.request.interval_s
    )
    for entry in incident.live.entries:
        if isinstance(entry, Struck) and entry.fault != without:
            live.inject(entry.fault)
        elif isinstance(entry, Announced):
            live.schedule([entry.what])
        elif isinstance(entry, Waited):
            for _ in range(entry.samples):
                live.wait()
                each(live)
    return live


def shows(incident: Incident, fault: Fault) -> bool:
    """Whether a fault moves some reading until the run looks, against the same stretch of time without it alone.

    Of several none counts that shows only while they strike: that sample mixes two states of the network.
    """
    live, after = incident.live, samples_after(incident.live)
    after = max(1, after - 1) if sum(isinstance(x, Struck) for x in live.entries) > 1 else after
    readings, calm = live.read_telemetry(live.start), again(incident, without=fault).read_telemetry(live.start)
    if fault.kind in EQUAL:
        return beyond_hashing(incident.network, readings, calm, after) > MOVED
    wrong = recorded(live.read_topology(), readings, fault.element) if fault.kind is FaultKind.WRONG_CAPACITY else 0.0
    return max(wrong, moved(readings, calm, after)) > MOVED


def followed(incident: Incident) -> int:
    """Samples from the onset on over which an incident is followed; longer where more happens than its first fault."""
    return MOST_SAMPLES if incident.request.later else horizon(incident.request.interval_s)


def horizon(interval_s: float) -> int:
    """Samples from the onset on over which an incident is followed."""
    return min(MOST_SAMPLES, round(HOUR_S / interval_s)) if interval_s else MOST_SAMPLES


def holds(folder: Path, policy: Policy, home: Path) -> bool:
    """Check the certificate in a run's folder again, against the plan and the snapshot that lie beside it."""
    path = folder / CERTIFICATE
    if not path.exists():
        return False
    certificate = Certificate.model_validate_json(read_bytes(path, below=folder))
    plan = read_plan(folder / PLAN, below=folder)
    key = SigningKey.open(home / "signing.key").public
    with TwinStore.open(folder / TWIN) as store:
        network = store.load_snapshot(plan.base)
    try:
        check(certificate, plan, network, policy, public_key=key, now=certificate.issued)
    except TwinError:
        return False
    return True


def trace_id(folder: Path) -> str:
    """Trace id of a run, from its own trace file; empty when there is none."""
    path = folder / "trace.jsonl"
    first = read_bytes(path, below=folder).partition(b"\n")[0] if is_plain(path) else b""
    return str(json.loads(first)["context"]["trace_id"]) if first.strip() else ""
