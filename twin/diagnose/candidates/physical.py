"""Circuits, interfaces and routers that fail, and wires that lose, break or delay what they carry."""

from collections.abc import Iterator

import numpy as np

from twin.diagnose.effects import Candidate, Effect
from twin.diagnose.judged import Judged
from twin.faults import Fault, FaultKind
from twin.live.network import Flags
from twin.observe.expectation import Residuals
from twin.observe.observation import Observation

_K = FaultKind
_DARK = 0.01  # share of the predicted load below which a link carries nothing
_TOLERANCE = 4.0  # standard errors
_LEAST_LOSS = 0.002
_LEAST_SHORTFALL = 0.01
_LEAST_DROP = 0.0005

EFFECTS: dict[FaultKind, Effect] = {
    _K.LINK_DOWN: Effect(),
    _K.DEVICE_DOWN: Effect(),
    _K.CAPACITY: Effect(),
    _K.SILENT_LOSS: Effect(),
}


def candidates(observation: Observation, judged: Judged) -> Iterator[Candidate]:
    """Outages where links are dark, lost capacity where links drop below what they were built for, lossy wires."""
    yield from map(Candidate, _down(observation, judged.residuals))
    yield from map(Candidate, _degraded(observation))
    yield from map(Candidate, _lossy(observation))


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
            yield Fault(kind=_K.LINK_DOWN, element=circuit)
    for position, node in enumerate(network.nodes):
        touching = [i for i, link in enumerate(network.links) if node.name in (link.tail, link.head)]
        if not observation.answered[position] or (touching and dark[touching].all()):
            yield Fault(kind=_K.DEVICE_DOWN, element=node.id)


def _degraded(observation: Observation) -> Iterator[Fault]:
    """A link that drops while it sends less than it was built for: what it sends is its capacity."""
    network, window = observation.inventory, observation.window
    dropping = np.nan_to_num(window.dropped_mbps) > 1 + _LEAST_DROP * np.nan_to_num(window.out_mbps)
    for circuit, positions in network.circuits.items():
        plateaus = [float(window.out_mbps[dropping[:, i], i].mean()) for i in positions if dropping[:, i].any()]
        built = min(network.links[i].capacity for i in positions)
        if plateaus and 0 < max(plateaus) < (1 - _LEAST_SHORTFALL) * built:
            yield Fault(kind=_K.CAPACITY, element=circuit, severity=1 - max(plateaus) / built)


def _lossy(observation: Observation) -> Iterator[Fault]:
    readings = zip(
        observation.inventory.links, np.nan_to_num(observation.wire_loss), observation.wire_error, strict=True
    )
    for link, share, error in readings:
        if share - link.loss > max(_LEAST_LOSS, _TOLERANCE * error):
            yield Fault(kind=_K.SILENT_LOSS, element=link.interface, severity=float(min(share, 1.0)))
