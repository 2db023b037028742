"""Checks that need no traffic matrix: status against traffic, capacities, standing still, both ends of circuits."""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from twin.live.network import Flags
from twin.model import Floats, Frozen
from twin.observe.readings.observation import Observation
from twin.observe.readings.turning import turning

from .consensus import Consensus

CheckName = Literal["complete", "units", "stale", "both_ends", "status", "capacity", "symmetry", "demands"]
Reading = Literal["sent", "received", "status", "capacity", "exports"]
_FULL = 1.02
_CARRIES, _CARRIES_MBPS = 0.002, 1.0  # share of capacity above which a link that is down carries traffic
_ASYMMETRY = 1e-6
_IN_DOUBT, _CONTRADICTED = 0.5, 0.2


class Doubt(Frozen):
    """One datum that a check doubts. `trust` is 0..1; units are Mbit/s, of exports a factor, of status 0 or 1."""

    check: CheckName
    element: str
    reading: Reading
    measured: float | None
    expected: float | None
    trust: float
    reason: str
    repaired: bool = False  # whether redundancy gives a value to use in its place


def status_doubts(observation: Observation, consensus: Consensus) -> Iterator[Doubt]:
    """A link that is down while both its ends count traffic, and that is not known to come up time and again."""
    turns = {x.circuit for x in turning(observation)}
    capacity = np.array([link.capacity for link in observation.inventory.links])
    carried = np.fmin(observation.window.out_mbps[-1], observation.window.in_mbps[-1])
    carries = np.nan_to_num(carried) > np.maximum(_CARRIES * capacity, _CARRIES_MBPS)
    up = observation.window.up[-1]
    for position, link in enumerate(observation.inventory.links):
        contradicted = not up[position] and carries[position] and link.circuit not in turns
        if contradicted and not consensus.by_demands[position]:
            yield Doubt(
                check="status",
                element=link.interface,
                reading="status",
                measured=0.0,
                expected=1.0,
                trust=_CONTRADICTED,
                reason="down, and both ends count traffic",
                repaired=True,
            )


def symmetry_doubts(observation: Observation) -> Iterator[Doubt]:
    """Circuits of which one direction is missing, has another capacity, or is up while the other is down."""
    network, up = observation.inventory, observation.window.up[-1]
    for circuit, positions in network.circuits.items():
        links = [network.links[i] for i in positions]
        if len(links) != 2:
            yield _of_circuit(circuit, "status", float(len(links)), 2.0, "one direction is missing")
            continue
        a, b = links
        if abs(a.capacity - b.capacity) > _ASYMMETRY * a.capacity:
            yield _of_circuit(circuit, "capacity", a.capacity, b.capacity, "capacities of the two directions differ")
        states = [float(up[i]) for i in positions]
        if states[0] != states[1] and a.up == b.up:
            yield _of_circuit(circuit, "status", states[0], states[1], "up in one direction, down in the other")


def capacity_doubts(observation: Observation, consensus: Consensus) -> Iterator[Doubt]:
    """Links that carry more than the inventory says they can, both counters agreeing: the inventory is wrong."""
    sure = ~(consensus.sent_wrong | consensus.received_wrong | consensus.by_demands | consensus.doubtful)
    for position, link in enumerate(observation.inventory.links):
        rate = float(consensus.sent[position])
        if sure[position] and rate > _FULL * link.capacity:
            yield Doubt(
                check="capacity",
                element=link.interface,
                reading="capacity",
                measured=link.capacity,
                expected=rate,
                trust=_CONTRADICTED,
                reason="carries more than its capacity in the inventory",
            )


def standing_still(observation: Observation) -> tuple[Flags, Flags]:
    """Counters at the tails and at the heads [m] that report the very same rate, not 0, over three samples."""
    window = observation.window
    return _still(window.out_mbps), _still(window.in_mbps)


def _still(rates: Floats) -> Flags:
    enough = len(rates) >= 3
    still: list[bool] = [enough and bool(column[-1] > 0 and (column == column[-1]).all()) for column in rates.T]
    return np.array(still, dtype=np.bool_)


def _of_circuit(circuit: str, reading: Reading, measured: float, wanted: float, reason: str) -> Doubt:
    return Doubt(
        check="symmetry",
        element=circuit,
        reading=reading,
        measured=measured,
        expected=wanted,
        trust=_IN_DOUBT,
        reason=reason,
    )
