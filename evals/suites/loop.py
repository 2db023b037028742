"""The whole loop on real routers: faults that traffic can be led around, timed from the onset to what is confirmed.

A lab for each case, sampled every five seconds, and a room that watches it as `twinops watch` does: nothing but samples
tells it that something is wrong. What is lost is counted where packets are sent and where they arrive, which nothing
that judges a plan reads.
"""

import threading
import time
from collections.abc import Callable, Generator, Iterator, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import product
from typing import NamedTuple, cast

import numpy as np

from agents.record.events import CertificateIssued, RunFinished, StageFinished
from agents.record.files import JOURNAL
from agents.record.records import Record, read_journal
from agents.serve.place import Place
from agents.serve.record import Began, RoomEvent, RunBegan, RunEnded
from agents.serve.room import Room
from agents.serve.settings import Settings
from evals.cases.case import Case, Split
from evals.cases.result import Measures
from evals.cases.suite import SEEDS, Metric, Suite, Workplace
from evals.score.sets import in_words, same_for_telemetry
from twin.errors import InputError, TopologyError
from twin.faults import Fault, FaultKind, with_fault
from twin.formats import load_network
from twin.formats.provision import in_small
from twin.live.draw_fault import HURTS, draw_fault
from twin.live.effects import Made
from twin.live.lab.control import AskFault, AskTraffic
from twin.live.lab.launch import Lab, up
from twin.live.lab.layout import Rates, design_of
from twin.live.lab.network import LabNetwork
from twin.model import Network
from twin.optimise.relieve import relieve
from twin.policy import Policy
from twin.sim.simulate import simulate

from .lab import PLACES, next_hops, settle

_K = FaultKind
KINDS = (_K.ONE_WAY, _K.CAPACITY, _K.DATA_ACL, _K.SURGE, _K.FLAP, _K.WEIGHT)
"""What weights and drains can lead traffic around, dealt out to the networks in turn."""
EACH = 4
"""Cases a network."""
INTERVAL_S = 5.0
WITHIN_S = 90.0
"""Bar on the time from the onset to a plan in place."""
_BEFORE = 12
_CAPACITY, _PEAK = 10.0, 0.55
_TRIES = 20
_LONGEST_S = 240.0  # after which an incident that goes on is left as it is
_AFTER_S = 10.0
_LOST = 0.005  # share of all traffic: what is under way when it is counted makes no more of a difference
_IN_PLACE = ("resolved", "relieved", "needs a person")


@dataclass(frozen=True)
class StagedLoop:
    """A lab that is well, what is to strike it, and after which part of an interval."""

    workplace: Workplace
    lab: Lab
    inventory: Network
    fault: Fault
    after_s: float


class Packets(NamedTuple):
    """All that was sent, and that arrived, until a time."""

    time: datetime
    sent: int
    received: int


@dataclass
class Timeline:
    """What happened after a fault, by the clock of this machine, which is the network's as well."""

    onset: datetime
    room: list[RoomEvent] = field(default_factory=list[RoomEvent])
    run: tuple[Record, ...] = ()
    made: tuple[datetime, ...] = ()  # when changes were read back as in force
    packets: list[Packets] = field(default_factory=list[Packets])
    unlike: str = ""  # what of the plan the routers do otherwise

    @property
    def finished(self) -> RunFinished | None:
        """How the run ended, None if there was none or it did not end."""
        return next((x.event for x in self.run if isinstance(x.event, RunFinished)), None)

    @property
    def steered(self) -> bool:
        """Whether a plan is in place that telemetry has confirmed to help: all of it, or some."""
        done = self.finished
        return done is not None and done.outcome in _IN_PLACE and done.plan is not None and bool(self.made)

    @property
    def turned_back(self) -> int:
        """Plans that were taken back, or that could not be made."""
        ended = [x.event for x in self.run if isinstance(x.event, StageFinished)]
        return sum(x.stage == "roll back" for x in ended)

    def lost(self, begin: datetime, end: datetime) -> float:
        """Share of the packets sent between two times that did not arrive, 0 where none were counted."""
        within = [x for x in self.packets if begin <= x.time <= end]
        sent = within[-1].sent - within[0].sent if within else 0
        return max(0.0, 1 - (within[-1].received - within[0].received) / sent) if sent else 0.0


def stage(case: Case, workplace: Workplace) -> StagedLoop:
    """Bring a lab up, draw what is to strike it, and let it run for a minute. Raises `InputError`."""
    ospf = any(place == (case.network, "ospf") for places in PLACES.values() for place in places)
    small = in_small(load_network(case.network), capacity=_CAPACITY, peak_utilisation=_PEAK)
    name = f"loop-{case.seed % 100_000}"
    if (old := Lab.find(name)) is not None:
        old.down()
    lab, _ = up(design_of(small, name=name, igp="ospf" if ospf else "isis", seed=1, rates=Rates.every(INTERVAL_S)))
    try:
        live = LabNetwork(lab, lab.record)
        inventory = live.read_topology()
        fault = case.faults[0] if case.faults else _drawn(inventory, case, live.declared.makes)
        settle(live, inventory)
        live.wait(_BEFORE)
    except BaseException:
        lab.down()
        raise
    return StagedLoop(workplace, lab, inventory, fault, float(np.random.default_rng(case.seed).uniform(0, INTERVAL_S)))


def _drawn(network: Network, case: Case, makes: Set[str]) -> Fault:
    """A fault of the case's kind, or the next one, that harms somebody and that a planner who knows it leads around."""
    policy = Policy()
    enough = simulate(network).harm(policy.max_utilisation).routable + HURTS * float(network.offered.sum())
    first = KINDS.index(FaultKind(case.kind))
    for kind, number in product((*KINDS[first:], *KINDS[:first]), range(_TRIES)):
        with suppress(TopologyError):
            fault = draw_fault(network, case.seed + 7919 * number, kinds=[kind], policy_limit=policy.max_utilisation)
            state = with_fault(network, fault)
            outcome = simulate(state)
            reached = kind is not _K.CAPACITY or outcome.max_utilisation > 1  # else it leaves no trace
            if not reached or outcome.harm(policy.max_utilisation).routable <= enough:
                continue
            found = relieve(state, policy, faults=(fault,), reference=network, makes=makes)
            if any(x.plan is not None for x in found):
                return fault
    raise InputError(f"nothing on {case.network} can be led around", fix="choose another network")


def by_room(scene: StagedLoop) -> Timeline:
    """Open a room, let the fault strike, and wait until the run that it begins has ended."""
    work, lab = scene.workplace, scene.lab
    place = Place(work.folder / "room", work.folder / "runs", work.home, f"lab:{lab.name}")
    noted, ended = list[RoomEvent](), threading.Event()

    def hear(_: int, event: RoomEvent) -> None:
        noted.append(event)
        if isinstance(event, RunEnded):
            ended.set()

    try:
        with _watching(Room(place, Settings()), hear):
            time.sleep(scene.after_s)
            timeline = Timeline(datetime.now(UTC), noted)
            lab.ask(AskFault(fault=scene.fault))
            _count(lab, timeline, ended)
        timeline.run = _recorded(scene, noted)
        _look(lab, timeline)
    finally:
        lab.down()
    return timeline


@contextmanager
def _watching(room: Room, heard: Callable[[int, RoomEvent], None]) -> Generator[None]:
    room.ledger.listen(heard)
    room.start()
    looking = threading.Thread(target=room.run, daemon=True)
    looking.start()
    try:
        yield
    finally:
        room.stop()
        looking.join(2 * INTERVAL_S)


def _count(lab: Lab, timeline: Timeline, ended: threading.Event) -> None:
    """Count packets once a second until some time after the end, or for as long as may be waited."""
    begun, until = time.monotonic(), _LONGEST_S
    while (passed := time.monotonic() - begun) < until:
        told = cast("dict[str, list[list[int]]]", lab.ask(AskTraffic()))
        timeline.packets.append(Packets(datetime.now(UTC), *(int(np.sum(told[x])) for x in ("sent", "received"))))
        if ended.is_set() and until == _LONGEST_S:
            until = passed + _AFTER_S
        time.sleep(1.0)


def _recorded(scene: StagedLoop, noted: list[RoomEvent]) -> tuple[Record, ...]:
    runs = [x.run for x in noted if isinstance(x, RunEnded)]
    return read_journal(scene.workplace.folder / "runs" / runs[0] / JOURNAL).records if runs else ()


def _look(lab: Lab, timeline: Timeline) -> None:
    """Ask the lab's record when changes were in force, and routers and kernels what is."""
    live = LabNetwork(lab, lab.record)
    timeline.made = tuple(x.time for x in live.effects.lines if isinstance(x, Made))
    if not timeline.steered:
        return
    end = time.monotonic() + INTERVAL_S
    while live.routes() != next_hops(live.read_configuration().network):
        if time.monotonic() > end:
            timeline.unlike = "kernels forward otherwise than their routers are configured"
            return
        time.sleep(0.2)


def score(scene: StagedLoop, timeline: Timeline) -> Measures:
    """Time what was done, and hold what was confirmed or taken back against the packets and what had struck."""
    done, steered = timeline.finished, timeline.steered
    named = (done.causes or ((done.cause,) if done.cause else ())) if done else ()
    right = same_for_telemetry(named, (scene.fault,))
    before = timeline.lost(timeline.onset, timeline.made[0] if timeline.made else datetime.max.replace(tzinfo=UTC))
    after = timeline.lost(_end(timeline), datetime.max.replace(tzinfo=UTC))
    wrong = timeline.unlike or ("more is lost than before" if after > before + _LOST else "")
    values = {
        "steered": float(steered), "resolved": float(done is not None and done.outcome == "resolved"),
        "right": float(right), "lossy": float(steered and before > _LOST),
        "spurious": float(timeline.turned_back if right else 0), "wrong": float(steered and bool(wrong)),
        "lost_before": before, "lost_after": after, "ended": float(done is not None),
    }  # fmt: skip
    told = f"{done.outcome}: {in_words(named)}" if done else "no run ended"
    answer = f"{told}{f'; {wrong}' if wrong and steered else ''}"
    times = {name: (at - timeline.onset).total_seconds() for name, at in _times(timeline).items() if at is not None}
    passed = steered and not values["wrong"] and not values["spurious"]
    return Measures(passed, values, answer, str(scene.fault), spent=times)


def _times(timeline: Timeline) -> dict[str, datetime | None]:
    """When something was seen, agents began, a plan was approved, was in place, and was confirmed."""

    def noted(kind: type[Began | RunBegan]) -> datetime | None:
        return next((x.time for x in timeline.room if isinstance(x, kind) and x.time >= timeline.onset), None)

    signed = [x.time for x in timeline.run if isinstance(x.event, CertificateIssued)]
    times = {"seen_s": noted(Began), "begun_s": noted(RunBegan), "approved_s": signed[0] if signed else None}
    if timeline.steered:
        times |= {"in_place_s": timeline.made[-1], "confirmed_s": _end(timeline)}
    return times


def _end(timeline: Timeline) -> datetime:
    return timeline.run[-1].time if timeline.run else timeline.packets[-1].time


def _draw(split: Split) -> Iterator[Case]:
    seeds = iter(SEEDS[split])
    for number, (network, _) in enumerate(PLACES[split]):
        for which in range(EACH):
            kind = KINDS[(number * EACH + which) % len(KINDS)]
            yield Case(suite="loop", kind=kind, network=network, seed=next(seeds), split=split)


_time = partial(Metric, kind="p50", higher=False)
SUITE = Suite(
    name="loop",
    purpose="the whole loop on real routers: seconds from a fault to traffic led around it, and what was taken back",
    draw=_draw,
    stage=stage,
    systems={"room": by_room},
    score=score,
    metrics=(
        Metric("led around", "share", "steered"),
        Metric("led around whole", "share", "resolved"),
        Metric("cause right", "share", "right"),
        _time("seconds until it is seen, p50", of="seen_s"),
        _time("until agents begin", of="begun_s"),
        _time("until a plan is signed", of="approved_s"),
        _time("until it is in place", of="in_place_s", bar=WITHIN_S),
        Metric("the same, p90", "p90", "in_place_s", higher=False),
        _time("until it is confirmed", of="confirmed_s"),
        Metric("share of packets lost before", "mean", "lost_before", "lossy", higher=None),
        Metric("share of packets lost afterwards", "mean", "lost_after", "lossy", higher=False),
        Metric("plans taken back though the cause was right", "sum", "spurious", higher=False, bar=0.0),
        Metric("confirmed plans that were wrong", "sum", "wrong", higher=False, bar=0.0),
    ),
    cases=EACH * len(PLACES["dev"]),
    slice=EACH,
    by_kind=False,
    agents=True,
)
