"""Emulated networks with something wrong, or nothing: what detection, diagnosis and data checks are shown."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np

from evals.oracle.traces import MOVED, shown
from twin.errors import InputError, TopologyError
from twin.faults import EXIT_KINDS, Fault, FaultKind, check
from twin.formats import load_network
from twin.live.draw_fault import draw_fault
from twin.live.emulated import EmulatedNetwork
from twin.live.network import Telemetry
from twin.live.surprises import Maintenance, draw_surprises
from twin.model import Network
from twin.observe import Observation, observe

from .case import Case, Split
from .suite import Workplace, of_split, scaled

_K = FaultKind
HELD_OUT_KINDS = (
    _K.DETACH,
    _K.DEVICE_CORRUPTION,
    _K.LATENCY,
    _K.AREA,
    _K.MTU,
    _K.STATIC_ROUTE,
    _K.ECMP_STALE,
    _K.INCAST,
    _K.SWAPPED_COUNTERS,
    _K.WRONG_CAPACITY,
)
"""Fault types that no case of the dev split has."""

DEV_KINDS = tuple(kind for kind in FaultKind if kind not in (*HELD_OUT_KINDS, *EXIT_KINDS))
BEFORE, AFTER = 12, 3
"""Samples of five minutes before the fault strikes, and after it."""
_TRIES = 40


@dataclass(frozen=True)
class Scene:
    """A live network just after something happened to it, or nothing."""

    case: Case
    inventory: Network
    faults: tuple[Fault, ...]
    live: EmulatedNetwork
    telemetry: Telemetry
    visible: bool

    @cached_property
    def observation(self) -> Observation:
        """What the twin makes of the telemetry."""
        return observe(self.live.read_topology(), self.telemetry, now=self.live.now)


def kinds_of(split: str) -> tuple[FaultKind, ...]:
    """The fault types of a split."""
    return DEV_KINDS if split != "held-out" else HELD_OUT_KINDS


def stage(case: Case, workplace: Workplace) -> Scene:
    """Run a network for an hour at a drawn time of a day, let the case's faults strike, and wait a quarter of an hour.

    `visible` says whether each of the faults moves some reading, by `oracle.traces`. Raises `InputError` where the
    case's faults cannot strike its network.
    """
    del workplace
    inventory = network_of(case)
    faults = case.faults if case.faults is not None else draw_faults(case, inventory)
    for fault in faults:
        check(inventory, fault)
    live, telemetry = emulate(case, inventory, faults)
    others = [emulate(case, inventory, tuple(y for y in faults if y is not x))[1] for x in faults]
    pairs = zip(faults, others, strict=True)
    least = min((shown(x, live.read_topology(), telemetry, y, samples=AFTER) for x, y in pairs), default=0.0)
    visible = least > MOVED
    return Scene(case, inventory, faults, live, telemetry, visible)


def open_stretch(case: Case, inventory: Network) -> EmulatedNetwork:
    """Open a network at a drawn time of a week; with surprises, where the case is about them."""
    rng = np.random.default_rng([case.seed, 21])
    start = datetime(2026, 4, 6, tzinfo=UTC) + timedelta(minutes=5 * int(rng.integers(0, 7 * 288)))
    live = EmulatedNetwork(inventory, seed=case.seed, start=start)
    if case.kind == "surprise":
        live.schedule(_surprises(inventory, case.seed, start))
    return live


def emulate(
    case: Case, inventory: Network, faults: tuple[Fault, ...], *, before: int = BEFORE, after: int = AFTER
) -> tuple[EmulatedNetwork, Telemetry]:
    """Let faults strike an emulated network and return it with everything measured; the noise is the same without."""
    live = open_stretch(case, inventory)
    live.wait(before)
    for fault in faults:
        live.inject(fault)
    live.wait(after)
    return live, live.read_telemetry(live.now - timedelta(days=1))


def draw_faults(case: Case, network: Network) -> tuple[Fault, ...]:
    """Draw what a case's kind says: none, one of a kind, or two of different kinds at different elements."""
    if case.kind in ("healthy", "surprise"):
        return ()
    rng = np.random.default_rng([case.seed, 22])
    if case.kind != "double":
        return (_one(network, case.seed, FaultKind(case.kind)),)
    physical = [x for x in kinds_of(case.split) if x in _DOUBLES]
    for number in range(_TRIES):
        one, other = (physical[int(i)] for i in rng.choice(len(physical), 2, replace=False))
        try:
            found = (_one(network, case.seed + number, one), _one(network, case.seed + 7919 + number, other))
        except TopologyError:
            continue
        if found[0].element != found[1].element:
            return found
    raise InputError(f"no two faults to draw on {network.name}", fix="use another seed")


def split_kinds(split: Split) -> tuple[str, ...]:
    """Fault types of a split by name."""
    return of_split(split, map(str, DEV_KINDS), map(str, HELD_OUT_KINDS))


def network_of(case: Case) -> Network:
    """The network that a case is about; with equal weights where the fault is one of equal paths, which it then has."""
    network = scaled(load_network(case.network), case)
    if case.kind not in _OF_EQUAL_PATHS:
        return network
    return replace(network, links=tuple(link._replace(weight=10) for link in network.links))


_OF_EQUAL_PATHS = (str(_K.ECMP_MISSING), str(_K.ECMP_STALE))
_DOUBLES = (_K.LINK_DOWN, _K.DEVICE_DOWN, _K.CAPACITY, _K.SURGE, _K.WEIGHT, _K.SILENT_LOSS, _K.CORRUPTION, _K.DETACH,
            _K.LATENCY, _K.INCAST)  # fmt: skip


def _one(network: Network, seed: int, kind: FaultKind) -> Fault:
    return draw_fault(network, seed, kinds=[kind])


def _surprises(network: Network, seed: int, start: datetime) -> list[Any]:
    """Crowds and planned work that fall into the stretch that is looked at."""
    drawn = draw_surprises(network, seed, start=start, days=6)
    moved = start + timedelta(minutes=45)
    return [x if isinstance(x, Maintenance) else x._replace(begin=moved) for x in drawn][:2]
