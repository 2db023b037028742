"""Circuits, interfaces and routers that fail, and wires that lose, break or delay what they carry."""

from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from twin.diagnose.effects import Candidate, Effect, Readings, Scene, operational, unchanged
from twin.diagnose.judged import Judged
from twin.errors import TopologyError
from twin.faults import Fault, FaultKind, afflict, check, interfaces, struck_links
from twin.live.network import Flags
from twin.model import Floats
from twin.observe.readings.observation import Observation

from .delays import delayed
from .flapping import flapping, flaps

_K = FaultKind
_DARK = 0.01  # share of the predicted load below which a link carries nothing
_TOLERANCE = 4.0  # standard errors
_LEAST_LOSS, _LEAST_BROKEN = 0.002, 0.001
_LEAST_SHORTFALL = 0.01
_LEAST_DROP = 0.0005
_AT_REST = -3.0  # nats: for a circuit that is down for good, where it is logged to have come up again and again
_FLAP_ERROR = 0.03  # of the share of time that a circuit is down in one interval


def _broken(readings: Readings, fault: Fault, scene: Scene) -> Readings:
    """Frames that arrive broken are lost between the two counters, and counted as errors."""
    broken = readings.broken.copy()
    broken[list(struck_links(scene.state, fault))] += fault.severity / max(1 - fault.severity, 1e-3)
    return readings._replace(broken=broken)


def _detached(readings: Readings, fault: Fault, scene: Scene) -> Readings:
    missing = readings.missing.copy()
    missing[[scene.state.link(x) for x in interfaces(scene.state, fault)]] = 1.0
    return readings._replace(missing=missing)


def _flapping(readings: Readings, fault: Fault, scene: Scene) -> Readings:
    """Means over the two states, by the share of time in each."""
    down, links = fault.severity, list(struck_links(scene.state, fault))
    dark = afflict(scene.state, Fault(kind=_K.LINK_DOWN, element=fault.element))
    other, probes = scene.expectation.residuals(dark), scene.observation.probes
    through = other.prediction.survival[probes.source, probes.target]
    arriving = (1 - down) * readings.through, down * through
    late = np.nan_to_num(other.prediction.delay_ms[probes.source, probes.target], posinf=0.0)
    spent = arriving[0] * np.nan_to_num(readings.delay_ms, posinf=0.0) + arriving[1] * late
    total = arriving[0] + arriving[1]
    up, adjacent = readings.up.copy(), readings.adjacent.copy()
    up[links] *= 1 - down
    adjacent[links] *= 1 - down
    return readings._replace(
        arrived=(1 - down) * readings.arrived + down * other.predicted,
        sigma=np.hypot(readings.sigma, _FLAP_ERROR * np.abs(readings.arrived - other.predicted)),
        through=total,
        delay_ms=np.divide(spent, total, out=np.full(total.size, np.inf), where=total > 0),
        swing=readings.swing + (1 - down) * np.maximum(other.predicted - readings.arrived, 0.0),
        up=up,
        adjacent=adjacent,
    )


EFFECTS: dict[FaultKind, Effect] = {
    _K.LINK_DOWN: Effect(),
    _K.DETACH: Effect(readings=_detached),
    _K.FLAP: Effect(state=unchanged, readings=_flapping, planned=afflict),
    _K.DEVICE_DOWN: Effect(),
    _K.CAPACITY: Effect(),
    _K.CORRUPTION: Effect(readings=_broken),
    _K.DEVICE_CORRUPTION: Effect(readings=_broken),
    _K.SILENT_LOSS: Effect(),
    _K.LATENCY: Effect(),
}


def candidates(observation: Observation, judged: Judged) -> Iterator[Candidate]:
    """Outages where links are dark, lost capacity where links drop below what they were built for, bad wires."""
    yield from outages(observation, judged)
    yield from flapping(observation, judged)
    yield from map(Candidate, _degraded(observation))
    yield from map(Candidate, _lossy(observation, judged))
    yield from map(Candidate, _breaking(observation, judged))
    yield from delayed(observation, judged)


def dark_links(observation: Observation, judged: Judged) -> Flags:
    """Links [m] that are reported down though they should be up, or that carry nothing though they should."""
    measured, residuals = np.nan_to_num(judged.residuals.measured), judged.residuals
    expected = operational(judged.state) > 0
    unused = (residuals.predicted > _TOLERANCE * residuals.sigma) & (measured < _DARK * residuals.predicted)
    return np.asarray(expected & (unused | ~observation.up))


def outages(observation: Observation, judged: Judged) -> Iterator[Candidate]:
    """Circuits, interfaces, conduits, line cards and nodes that are down where links are dark or say so."""
    network, dark = observation.inventory, dark_links(observation, judged)
    asked, missing = observation.unread
    gone = (asked > 0) & (missing >= asked)
    for circuit, positions in network.circuits.items():
        if dark[list(positions)].any():
            hint = _AT_REST if flaps(observation, circuit) else 0.0
            yield Candidate(Fault(kind=_K.LINK_DOWN, element=circuit), hint=hint)
            for position in positions:
                if gone[position]:
                    yield Candidate(Fault(kind=_K.DETACH, element=network.links[position].interface))
    yield from _grouped(observation, dark, gone)
    tails, heads = observation.ends
    for position, node in enumerate(network.nodes):
        touching = (tails == position) | (heads == position)
        if not observation.answered[position] or (touching.any() and dark[touching].all()):
            yield Candidate(Fault(kind=_K.DEVICE_DOWN, element=node.id))


def _grouped(observation: Observation, dark: Flags, gone: Flags) -> Iterator[Candidate]:
    """Conduits and line cards all of whose circuits are dark: one cause where there would be several."""
    network = observation.inventory
    for group in network.risk_groups:
        circuits = [list(network.circuits[x]) for x in group.circuits]
        if len(circuits) > 1 and all(dark[x].any() for x in circuits):
            yield Candidate(Fault(kind=_K.LINK_DOWN, element=f"risk-group/{group.name}"))
            if all(gone[x].any() for x in circuits):
                with suppress(TopologyError):  # a conduit: its circuits share no router
                    card = Fault(kind=_K.DETACH, element=f"risk-group/{group.name}")
                    check(network, card)
                    yield Candidate(card)


def _degraded(observation: Observation) -> Iterator[Fault]:
    """A link that drops while it sends less than it was built for: what it sends is its capacity."""
    network, window = observation.inventory, observation.window
    dropping = np.nan_to_num(window.dropped_mbps) > 1 + _LEAST_DROP * np.nan_to_num(window.out_mbps)
    for circuit, positions in network.circuits.items():
        plateaus = [float(window.out_mbps[dropping[:, i], i].mean()) for i in positions if dropping[:, i].any()]
        built = min(network.links[i].capacity for i in positions)
        if plateaus and 0 < max(plateaus) < (1 - _LEAST_SHORTFALL) * built:
            yield Fault(kind=_K.CAPACITY, element=circuit, severity=1 - max(plateaus) / built)


def _lost(observation: Observation, judged: Judged) -> Floats:
    """Share of what is sent over each wire that arrives nowhere and is not explained yet [m]; 0 where not clear."""
    excess = np.nan_to_num(observation.wire_loss - judged.readings.wire_loss)
    return np.where(excess > np.maximum(_LEAST_LOSS, _TOLERANCE * observation.wire_error), excess, 0.0)


def _lossy(observation: Observation, judged: Judged) -> Iterator[Fault]:
    lost = _lost(observation, judged)
    for position in np.flatnonzero(lost):
        interface = observation.inventory.links[position].interface
        yield Fault(kind=_K.SILENT_LOSS, element=interface, severity=float(min(lost[position], 1.0)))


def _breaking(observation: Observation, judged: Judged) -> Iterator[Fault]:
    """Circuits, and routers on all they send, whose frames arrive broken; the share is that of what was sent."""
    network, excess = observation.inventory, _broken_share(observation, judged)
    breaking = excess > np.maximum(_LEAST_BROKEN, _TOLERANCE * observation.broken_error)
    for circuit, positions in network.circuits.items():
        if breaking[list(positions)].any():
            yield Fault(kind=_K.CORRUPTION, element=circuit, severity=_share(observation, excess, np.array(positions)))
    tails, _ = observation.ends
    for position in map(int, np.unique(tails[breaking])):
        sent = np.flatnonzero(tails == position)
        element = network.nodes[position].id
        yield Fault(kind=_K.DEVICE_CORRUPTION, element=element, severity=_share(observation, excess, sent))


def _broken_share(observation: Observation, judged: Judged) -> Floats:
    """Frames that arrive broken as a share of those received, beyond what is explained [m].

    Where no errors are reported at all, whatever the wire loses may have been broken.
    """
    unreported = np.isnan(observation.window.errors_per_s).all(axis=0)
    lost = np.minimum(_lost(observation, judged), 1 - 1e-6)
    return np.where(unreported, lost / (1 - lost), np.nan_to_num(observation.broken - judged.readings.broken))


def _share(observation: Observation, broken: Floats, links: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> float:
    """Frames that arrive broken as a share of those sent, over some links together, by what each receives."""
    received = np.nan_to_num(observation.in_mbps)[links]
    errors = float((np.maximum(broken[links], 0.0) * received).sum())
    return float(np.clip(errors / max(errors + float(received.sum()), 1e-9), 1e-6, 1 - 1e-6))
