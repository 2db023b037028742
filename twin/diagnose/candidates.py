"""Which faults are worth a simulation: those whose own trace is in the readings, with severities estimated from them.

A fault that contradicts a reading of its own element is excluded without a simulation: a circuit that carries traffic
in both directions is not down, a wrong weight moves the load of its own link at least as much as that of any other.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from twin.faults import Fault, FaultKind
from twin.live.network import Flags
from twin.model import Network
from twin.observe.expectation import Residuals
from twin.observe.observation import Observation

from .weights import LoadSteps, Step

KINDS = (
    FaultKind.LINK_DOWN,
    FaultKind.DEVICE_DOWN,
    FaultKind.CAPACITY,
    FaultKind.SURGE,
    FaultKind.WEIGHT,
    FaultKind.SILENT_LOSS,
)
"""The kinds of fault that are considered."""
_DARK = 0.01  # share of the predicted load below which a link carries nothing
_TOLERANCE = 4.0  # standard errors
_LEAST_LOSS = 0.002
_LEAST_SHORTFALL = 0.01
_LEAST_DROP = 0.0005
_MOST_WEIGHTS = 64
_TYPICAL = (1, 10, 100, 1000, 65_535)


class Candidate(NamedTuple):
    """A fault to simulate, None for a healthy network; `weights` are the values that route like its severity."""

    fault: Fault | None
    weights: tuple[int, int] | None = None


def candidates(observation: Observation, healthy: Residuals) -> list[Candidate]:
    """Faults whose own trace is in the readings, healthy first. `healthy` are the residuals without any fault."""
    return [
        Candidate(None),
        *map(Candidate, chain(_down(observation, healthy), _degraded(observation), _lossy(observation))),
        *map(Candidate, _surging(observation)),
        *_misweighted(observation, healthy),
    ]


def remaining(network: Network, tried: Sequence[Candidate]) -> list[Candidate]:
    """Every circuit and node that could be down and has not been tried."""
    outages = [Fault(kind=FaultKind.LINK_DOWN, element=circuit) for circuit in network.circuits]
    outages += [Fault(kind=FaultKind.DEVICE_DOWN, element=node.id) for node in network.nodes]
    known = {str(candidate.fault) for candidate in tried}
    return [Candidate(fault) for fault in outages if str(fault) not in known]


def dark_links(observation: Observation, healthy: Residuals) -> Flags:
    """Links [m] that are reported down, or that carry nothing though they should."""
    measured = np.nan_to_num(healthy.measured)
    expected = np.array([link.usable for link in observation.inventory.links], dtype=bool)
    unused = (healthy.predicted > _TOLERANCE * healthy.sigma) & (measured < _DARK * healthy.predicted)
    return expected & (unused | ~observation.up)


def _down(observation: Observation, healthy: Residuals) -> Iterator[Fault]:
    network, dark = observation.inventory, dark_links(observation, healthy)
    for circuit, positions in network.circuits.items():
        if dark[list(positions)].any():
            yield Fault(kind=FaultKind.LINK_DOWN, element=circuit)
    for position, node in enumerate(network.nodes):
        touching = [i for i, link in enumerate(network.links) if node.name in (link.tail, link.head)]
        if not observation.answered[position] or (touching and dark[touching].all()):
            yield Fault(kind=FaultKind.DEVICE_DOWN, element=node.id)


def _degraded(observation: Observation) -> Iterator[Fault]:
    """A link that drops while it sends less than it was built for: what it sends is its capacity."""
    network, window = observation.inventory, observation.window
    dropping = np.nan_to_num(window.dropped_mbps) > 1 + _LEAST_DROP * np.nan_to_num(window.out_mbps)
    for circuit, positions in network.circuits.items():
        plateaus = [float(window.out_mbps[dropping[:, i], i].mean()) for i in positions if dropping[:, i].any()]
        built = min(network.links[i].capacity for i in positions)
        if plateaus and 0 < max(plateaus) < (1 - _LEAST_SHORTFALL) * built:
            yield Fault(kind=FaultKind.CAPACITY, element=circuit, severity=1 - max(plateaus) / built)


def _lossy(observation: Observation) -> Iterator[Fault]:
    readings = zip(
        observation.inventory.links, np.nan_to_num(observation.wire_loss), observation.wire_error, strict=True
    )
    for link, share, error in readings:
        if share - link.loss > max(_LEAST_LOSS, _TOLERANCE * error):
            yield Fault(kind=FaultKind.SILENT_LOSS, element=link.interface, severity=float(min(share, 1.0)))


def _surging(observation: Observation) -> Iterator[Fault]:
    growth = observation.growth
    factor = np.exp(np.nan_to_num(growth.log_factor))
    for position in map(int, np.argsort(-growth.score, kind="stable")[:5]):
        if growth.score[position] > 3 and factor[position] > 1.05:
            element = observation.inventory.nodes[position].id
            yield Fault(kind=FaultKind.SURGE, element=element, severity=float(factor[position]))


def _misweighted(observation: Observation, healthy: Residuals) -> list[Candidate]:
    """The weights of each link that put on it what it carries, for links that moved enough to explain all others."""
    difference = np.abs(healthy.difference)
    moved = float((difference - _TOLERANCE * healthy.sigma).max(initial=0.0))
    if moved <= 0:
        return []
    slack = _TOLERANCE * healthy.sigma + (0.02 + observation.removed.max(initial=0.0) / 2) * difference
    steps = LoadSteps(observation.network)
    found: list[tuple[float, Candidate]] = []
    for position in np.flatnonzero(np.isfinite(healthy.measured) & (difference + slack >= moved)):
        measured, allowed = float(healthy.measured[position]), float(slack[position])
        for step in steps.of(int(position)):
            misfit = max(step.least - measured, measured - step.most, 0.0) / allowed
            if misfit <= 1 and not step.low <= observation.network.links[position].weight <= step.high:
                found.append((misfit, _wrong_weight(observation.network, int(position), step)))
    found.sort(key=lambda scored: scored[0])
    return [candidate for _, candidate in found[:_MOST_WEIGHTS]]


def _wrong_weight(network: Network, position: int, step: Step) -> Candidate:
    """Of the weights that route alike, take the likeliest slip: a digit lost or doubled, a default, a round number."""
    link = network.links[position]
    slips = (link.weight // 10, link.weight * 10, *_TYPICAL)
    inside = [x for x in slips if step.low <= x <= step.high]
    weight = inside[0] if inside else round(float(np.sqrt(step.low * step.high)))
    fault = Fault(kind=FaultKind.WEIGHT, element=link.interface, severity=float(min(max(weight, step.low), step.high)))
    return Candidate(fault, (step.low, step.high))
