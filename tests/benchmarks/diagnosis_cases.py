"""Seeded incidents for measuring diagnosis: what was injected, whether any reading shows it, what was answered."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import numpy as np

from evals.oracle.traces import MOVED, shown
from twin.diagnose import Diagnosis, diagnose
from twin.errors import TopologyError
from twin.faults import EXIT_KINDS, Fault, FaultKind, struck_links
from twin.formats import load_network
from twin.formats.drawn_exits import with_drawn_exits
from twin.live.draw_fault import draw_fault
from twin.live.emulated import EmulatedNetwork
from twin.live.network import Telemetry
from twin.model import Network
from twin.observe import find_symptoms, observe

TOPOLOGIES = 10
BEFORE, AFTER = 12, 3
Columns = TypeVar("Columns", bound=tuple[Any, ...])


class Case(NamedTuple):
    network: str
    nodes: int
    faults: tuple[Fault, ...]
    moved: float  # standard errors by which the reading moved that shows the least of the faults the best
    diagnosis: Diagnosis
    alarm: int | None  # samples after the onset at which a symptom showed
    seconds: float  # of one processor: observation and diagnosis

    @property
    def identifiable(self) -> bool:
        return self.moved > MOVED

    @property
    def right(self) -> bool:
        best = self.diagnosis.best
        return self.truth in (best.name, *best.alike)

    @property
    def in_three(self) -> bool:
        return any(self.truth in (x.name, *x.alike) for x in self.diagnosis.hypotheses[:3])

    @property
    def placed(self) -> bool:
        """Whether the element is right, whatever the kind."""
        return {x.element for x in self.faults} == {x.element for x in self.diagnosis.best.faults}

    @property
    def truth(self) -> str:
        return " and ".join(sorted(map(str, self.faults))) or "healthy"


@lru_cache(maxsize=64)
def network(nodes: int, seed: int) -> Network:
    return load_network(f"synthetic/{nodes}-{seed % TOPOLOGIES + (2000 if seed >= 20_000 else 1)}")


def start(seed: int) -> datetime:
    return datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=(7 * seed) % 24, minutes=20 * (seed % 3))


def run(inventory: Network, faults: Sequence[Fault], seed: int) -> Case:
    live, telemetry = struck(inventory, faults, seed)
    others = [without(inventory, tuple(y for y in faults if y is not x), seed) for x in faults]
    begin = time.process_time()
    diagnosis = diagnose(observe(live.read_topology(), telemetry, now=live.now))
    return Case(
        network=inventory.name,
        nodes=len(inventory.nodes),
        faults=tuple(faults),
        moved=min(
            (shown(x, live.read_topology(), telemetry, y, samples=AFTER) for x, y in zip(faults, others, strict=True)),
            default=np.inf,
        ),
        diagnosis=diagnosis,
        seconds=time.process_time() - begin,
        alarm=_alarm(inventory, live.read_topology(), telemetry, seed) if faults else None,
    )


def struck(inventory: Network, faults: Sequence[Fault], seed: int) -> tuple[EmulatedNetwork, Telemetry]:
    live = EmulatedNetwork(inventory, seed=seed, start=start(seed))
    live.wait(BEFORE)
    for fault in faults:
        live.inject(fault)
    live.wait(AFTER)
    return live, live.read_telemetry(live.now - timedelta(days=1))


@lru_cache(maxsize=8)
def without(inventory: Network, faults: tuple[Fault, ...], seed: int) -> Telemetry:
    """The same hour with other faults, or none."""
    return struck(inventory, faults, seed)[1]


def _alarm(inventory: Network, topology: Network, telemetry: Telemetry, seed: int) -> int | None:
    """Samples after the onset at which a symptom shows that was not there before; None when none does."""
    times = np.unique(telemetry.links.time)
    known = _before(inventory, seed)
    for samples in (1, 2, 3):
        seen = find_symptoms(observe(topology, until(telemetry, times[-AFTER - 1 + samples])))
        if {(x.kind, x.element) for x in seen} - known:
            return samples
    return None


@lru_cache(maxsize=8)
def _before(inventory: Network, seed: int) -> frozenset[tuple[str, str]]:
    """Symptoms of the last sample before anything struck."""
    telemetry = without(inventory, (), seed)
    calm = until(telemetry, np.unique(telemetry.links.time)[-AFTER - 1])
    return frozenset((x.kind, x.element) for x in find_symptoms(observe(inventory, calm)))


def until(telemetry: Telemetry, time: float) -> Telemetry:
    def rows(columns: Columns) -> Columns:
        return type(columns)(*(x[columns[0] <= time] for x in columns))

    return Telemetry(
        rows(telemetry.links),
        rows(telemetry.nodes),
        rows(telemetry.probes),
        rows(telemetry.traffic),
        tuple(x for x in telemetry.events if x.time <= time),
        rows(telemetry.interfaces),
        rows(telemetry.flows),
    )


def single(nodes: int, kind: FaultKind | None, seed: int) -> Case | None:
    inventory = network(nodes, seed)
    if kind in EXIT_KINDS:
        inventory = with_drawn_exits(inventory, seed=seed, capacity=max(x.capacity for x in inventory.links))
    try:
        return run(inventory, [draw_fault(inventory, seed, kinds=[kind])] if kind else [], seed)
    except TopologyError:
        return None  # this network has no place for the kind


def double(nodes: int, kinds: Sequence[FaultKind], seed: int) -> Case | None:
    """Two faults of different kinds and elements that do not touch."""
    inventory, rng = network(nodes, seed), np.random.default_rng([seed, 17])
    first, second = (kinds[int(x)] for x in rng.choice(len(kinds), 2, replace=False))
    try:
        one = draw_fault(inventory, seed, kinds=[first])
        for attempt in range(20):
            other = draw_fault(inventory, 100_000 * (attempt + 1) + seed, kinds=[second])
            if not places(inventory, one) & places(inventory, other):
                return run(inventory, [one, other], seed)
    except TopologyError:
        pass
    return None


def places(inventory: Network, fault: Fault) -> set[str]:
    """The routers that a fault is at, or between."""
    if not fault.element.startswith("node/"):
        links = [inventory.links[x] for x in struck_links(inventory, fault)]
        return {x.tail for x in links} | {x.head for x in links}
    return {fault.element.removeprefix("node/")}
