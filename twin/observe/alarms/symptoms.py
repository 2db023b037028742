"""What is unusual about an observation: each symptom with the figures that show it, the strongest first.

The thresholds are set so that healthy networks raise an alarm in less than one observation in fifty.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from twin.model import Floats, Frozen, Link
from twin.observe.expect.expectation import Expectation, Residuals
from twin.observe.expect.probing import clear_delays, delay_error
from twin.observe.readings.observation import Observation
from twin.observe.readings.peerings import without_routes
from twin.observe.readings.turning import turning
from twin.observe.readings.with_gaps import mean

from .harm import WIRE_SCORE

SymptomKind = Literal[
    "down", "silent", "neighbour_lost", "no_counters", "drops", "wire_loss", "frame_errors", "load_shift",
    "traffic_surge", "packet_shift", "probe_loss", "probe_delay", "over_limit", "no_routes", "flapping",
]  # fmt: skip
UNITS: Mapping[SymptomKind, str] = {
    "drops": "Mbit/s", "load_shift": "Mbit/s", "over_limit": "Mbit/s",
    "no_counters": "share", "wire_loss": "share", "frame_errors": "share", "probe_loss": "share",
    "traffic_surge": "times", "packet_shift": "times", "probe_delay": "ms", "flapping": "share",
}  # fmt: skip
"""Of the figures of each kind; the others say yes (1) or no (0)."""
STATES: frozenset[SymptomKind] = frozenset({"down", "silent", "neighbour_lost", "no_routes"})
"""What devices say of themselves, or by saying nothing: no figure that strays."""
_STATE_SCORE = 100.0
# Two kinds of numbers. Levels are in standard errors of what the network declares of its instruments: an observation
# holds some thousand readings whose tails are heavier than the normal law's, and a false alarm sends somebody out.
# Effects are in units of the service: what is smaller harms no customer, however surely it is there.
_SHIFT = 6.0  # level: of a link's arrivals
_SHIFT_SHARE = 0.002  # of capacity: smaller shifts hurt nobody
_SURGE, _SURGE_FACTOR = 5.0, 1.25
_LEAST_LOSS = 0.003  # effect: share of packets, between the counters of a wire and of probes
_DROP_SHARE, _DROP_MBPS = 0.001, 1.0
_DROP_CAPACITY = 0.002  # of a link so small that a Mbit/s is much of it
_PROBES_SHOWN = 10
_SPURIOUS = 0.02  # chance that healthy paths lose as many packets, or interfaces miss as many polls, in an observation
_LATE, _LATE_MS = 6.0, 1.0
_LEAST_BROKEN, _COUNTED = 0.001, 4.0  # share of frames, standard errors of counting them
_LOG_PACKETS = 0.2  # effect: a fifth more packets for the same traffic


class Symptom(Frozen):
    """One unusual reading. `element` is an element id; of a probed pair, `probe/A/B`.

    Units by kind: down, silent, neighbour_lost and no_routes 0 or 1; drops, load_shift and over_limit Mbit/s;
    wire_loss, frame_errors, no_counters (of polls) and probe_loss shares; traffic_surge a factor on the demands towards
    the node, packet_shift one on their packets per Mbit; probe_delay ms; flapping the share of the time that a circuit
    which goes down and comes up again and again was out of routing. `score` is the deviation in standard errors,
    100 at most.
    """

    kind: SymptomKind
    element: str
    measured: float
    expected: float
    score: float


def find_symptoms(observation: Observation, *, limit: float = 0.8) -> tuple[Symptom, ...]:
    """Find what the inventory and the measured traffic do not explain, and links above `limit`, a share of capacity."""
    residuals = Expectation(observation).residuals(observation.network)
    found = [
        *_states(observation),
        *_interfaces(observation),
        *_exits(observation),
        *_losses(observation),
        *_shifts(observation, residuals),
        *_surges(observation),
        *_probes(observation),
        *_delays(observation, residuals),
        *_over_limit(observation, limit),
    ]
    return tuple(sorted(found, key=lambda symptom: (-symptom.score, symptom.kind, symptom.element)))


def silent_nodes(observation: Observation) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Nodes that answer no poll [n]: over two samples at least, or with nothing heard from them by their neighbours."""
    network, node = observation.inventory, observation.inventory.node_index
    heard = np.zeros(len(network.nodes), dtype=bool)
    received = np.nan_to_num(observation.in_mbps)
    for position, link in enumerate(network.links):
        heard[node[link.tail]] |= bool(received[position] > 0)
    built = np.array([x.up for x in network.nodes], dtype=bool)
    return built & ~observation.answered & ((observation.samples > 1) | ~heard)


def _states(observation: Observation) -> Iterator[Symptom]:
    network = observation.inventory
    for position in np.flatnonzero(silent_nodes(observation)):
        yield _symptom("silent", network.nodes[position].id, 0.0, 1.0, _STATE_SCORE)
    expected = np.array([link.up and not link.asleep for link in network.links], dtype=bool)
    down = expected & ~observation.up
    for circuit, positions in network.circuits.items():
        if down[list(positions)].any():
            yield _symptom("down", circuit, 0.0, 1.0, _STATE_SCORE)


def _interfaces(observation: Observation) -> Iterator[Symptom]:
    """Neighbours missing over interfaces that are up, circuits that flap, interfaces whose counters do not answer."""
    from scipy.special import bdtrc

    network = observation.inventory
    up = observation.up & [link.usable for link in network.links]
    alone = up & (observation.adjacent == 0) & observation.answered[observation.ends[0]]
    for circuit, positions in network.circuits.items():
        if alone[list(positions)].any():
            yield _symptom("neighbour_lost", circuit, 0.0, 1.0, _STATE_SCORE)
    for flaps in turning(observation):
        yield _symptom("flapping", flaps.circuit, flaps.down, 0.0, _STATE_SCORE)
    asked, missing = observation.unread
    chance = bdtrc(missing - 1, asked.astype(np.int64), observation.usually_missed)  # of as many
    for position in np.flatnonzero((missing > 1) & (chance * len(network.links) < _SPURIOUS)):
        share = missing[position] / asked[position]
        yield _symptom("no_counters", network.links[position].interface, share, 0.0, share * _STATE_SCORE)


def _exits(observation: Observation) -> Iterator[Symptom]:
    """Exits in use by which their routers say to have no route; one whose interface is down is said to be that."""
    for interface in without_routes(observation.inventory, observation.peerings, observation.up):
        yield _symptom("no_routes", interface, 0.0, 1.0, _STATE_SCORE)


def _losses(observation: Observation) -> Iterator[Symptom]:
    wire = (observation.wire_loss - [link.loss for link in observation.inventory.links]) / observation.wire_error
    for link, lost, worst, share, score in zip(
        observation.inventory.links,
        observation.dropped_mbps,
        _dropped(observation),
        observation.wire_loss,
        wire,
        strict=True,
    ):
        if worst > 1:
            yield _symptom("drops", link.interface, lost, 0.0, worst)
        if score > WIRE_SCORE and share > _LEAST_LOSS:
            yield _symptom("wire_loss", link.interface, share, link.loss, score)
    least = np.maximum(_LEAST_BROKEN, _COUNTED * observation.broken_error)
    for position in np.flatnonzero(np.nan_to_num(observation.broken) > least):
        share = observation.broken[position]
        interface = observation.inventory.links[position].interface
        yield _symptom("frame_errors", interface, share, 0.0, share / (_LEAST_BROKEN / 5))


def _dropped(observation: Observation) -> Floats:
    """How many times more each queue dropped than hurts anybody, in the sample in which it dropped the most of [m].

    Counters of drops are exact: one sample suffices, and the mean with those in which the load was lower hides it.
    """
    least = np.minimum(_DROP_MBPS, _DROP_CAPACITY * _capacities(observation))
    offered, lost = (np.nan_to_num(x) for x in (observation.arrived_mbps, observation.window.dropped_mbps))
    return (lost / np.maximum(least, _DROP_SHARE * offered)).max(axis=0)


def _shifts(observation: Observation, residuals: Residuals) -> Iterator[Symptom]:
    score, difference = np.abs(residuals.score), np.abs(residuals.difference)
    for position in np.flatnonzero((score > _SHIFT) & (difference > _SHIFT_SHARE * _capacities(observation))):
        link = observation.inventory.links[position]
        measured, predicted = residuals.measured[position], residuals.predicted[position]
        yield _symptom("load_shift", link.interface, measured, predicted, score[position])


def _surges(observation: Observation) -> Iterator[Symptom]:
    growth = observation.growth
    factor = np.exp(np.nan_to_num(growth.log_factor))
    for position in np.flatnonzero((growth.score > _SURGE) & (factor > _SURGE_FACTOR)):
        node = observation.inventory.nodes[position]
        yield _symptom("traffic_surge", node.id, factor[position], 1.0, growth.score[position])
    error = observation.packets_error
    least = np.maximum(_LOG_PACKETS, _SHIFT * error)
    for position in np.flatnonzero(np.nan_to_num(observation.log_packets) > least):
        denser, node = observation.log_packets[position], observation.inventory.nodes[position].id
        yield _symptom("packet_shift", node, np.exp(denser), 1.0, denser / error[position])


def _probes(observation: Observation) -> Iterator[Symptom]:
    probes = observation.probes
    sent = observation.declared.probe_packets * observation.samples
    packet = 1 / sent  # share that one lost packet makes
    by_chance = lost_at_most(sent, observation.declared.ordinary_loss, _SPURIOUS / max(probes.loss.size, 1))
    lossy = np.flatnonzero(np.nan_to_num(probes.loss) > np.maximum(_LEAST_LOSS, by_chance * packet))
    worst = sorted(lossy, key=lambda p: (-probes.loss[p], p))[:_PROBES_SHOWN]
    for p in worst:
        yield _symptom("probe_loss", _pair(observation, int(p)), probes.loss[p], 0.0, probes.loss[p] / packet)


def lost_at_most(sent: int, ordinary: float, risk: float) -> float:
    """Packets that healthy probes lose at most: more than that many of `sent` are lost with a chance below `risk`.

    The quantile of Poisson's distribution, each packet being lost with the share `ordinary`.
    """
    from scipy.special import pdtr

    least = 0
    while 1 - float(pdtr(least, sent * ordinary)) > risk:
        least += 1
    return float(least)


def _delays(observation: Observation, residuals: Residuals) -> Iterator[Symptom]:
    """Probes that take longer or shorter than the paths that they should take."""
    probes, prediction = observation.probes, residuals.prediction
    declared = observation.declared
    expected, error = prediction.delay_ms, delay_error(prediction, declared)
    clear = clear_delays(probes, expected, prediction.survival, declared)
    late = np.where(clear, probes.delay_ms, 0.0) - np.where(clear, expected, 0.0)
    score = np.abs(late) / error
    unusual = np.flatnonzero((score > _LATE) & (np.abs(late) > _LATE_MS))
    for p in sorted(unusual, key=lambda p: (-score[p], p))[:_PROBES_SHOWN]:
        yield _symptom("probe_delay", _pair(observation, int(p)), probes.delay_ms[p], expected[p], score[p])


def _pair(observation: Observation, position: int) -> str:
    probes, nodes = observation.probes, observation.inventory.nodes
    return f"probe/{nodes[int(probes.source[position])].name}/{nodes[int(probes.target[position])].name}"


def _over_limit(observation: Observation, limit: float) -> Iterator[Symptom]:
    arrived, capacity = mean(observation.arrived_mbps), _capacities(observation)
    links: tuple[Link, ...] = observation.inventory.links
    error = np.nan_to_num(observation.reading_error) + observation.declared.unexported_mbps
    for position in np.flatnonzero(np.nan_to_num(arrived) > limit * capacity):
        allowed = limit * capacity[position]
        score = (arrived[position] - allowed) / error[position]
        yield _symptom("over_limit", links[position].interface, arrived[position], allowed, score)


def _capacities(observation: Observation) -> Floats:
    return np.array([link.capacity for link in observation.inventory.links])


def _symptom(kind: SymptomKind, element: str, measured: float, expected: float, score: float) -> Symptom:
    return Symptom(
        kind=kind,
        element=element,
        measured=float(measured),
        expected=float(expected),
        score=float(min(score, _STATE_SCORE)),
    )
