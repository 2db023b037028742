"""Places where what is dropped or diverted would explain loads, balances and probes."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from twin.diagnose.balance import Excess, excess
from twin.diagnose.effects import HINT_BOUND, Candidate
from twin.diagnose.prior import log_prior
from twin.diagnose.simulated_hypothesis import SimulatedHypothesis
from twin.faults import Fault, FaultKind
from twin.model import Floats
from twin.observe.readings.link_rates import arrivals
from twin.observe.readings.observation import Observation
from twin.sim.walk import walk

from .routed import Routed, routed
from .screen import (
    Weighed,
    detour_gains,
    drop_gains,
    filter_gains,
    member_gains,
    weigh,
)

_K = FaultKind
_LEAST_GAIN = 6.0  # nats that the readings must speak for a place before it is simulated
_PLACES = 6  # most places of one kind that are simulated
_LEAST_LOST, _CLEAR = 0.02, 4.0  # share lost behind a link, and standard errors of its node's balance
_WHOLE_S = 1.0  # lines of a log are dated in whole seconds (RFC 3164, 4.1.2)
_SETTLED = 3  # earlier samples that tell how a load was
_TOLD, _UNTOLD = 3.5, -2.5
"""Nats for a line in the log that the fault would have left, and against it where there is none."""


def places(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """The likeliest places of each kind, each a fault to simulate."""
    scene = _Scene(
        judged, routed(judged.residuals.prediction.network), excess(judged.observation, judged.readings.arrived)
    )
    field = weigh(scene.base, judged, scene.excess)
    found = dict.fromkeys(
        [*_drops(scene, field), *_filters(scene, field), *_detours(scene, field), *_members(scene, field)]
    )
    for fault in found:
        yield Candidate(fault, hint=_hint(observation, judged, fault))
    for fault in _losing(scene):
        yield Candidate(fault)


class _Scene(NamedTuple):
    judged: SimulatedHypothesis
    base: Routed
    excess: Excess

    def interface(self, arc: int) -> str:
        return self.judged.state.links[int(self.base.arrays.link_of[arc])].interface

    def node(self, position: int) -> str:
        return self.judged.state.nodes[position].id


def _drops(scene: _Scene, field: Weighed) -> Iterator[Fault]:
    """Routers that drop all for a target, and the filters that do the same where there is one way only."""
    routing, offered = scene.base.routing, scene.base.arrays.offered
    for target, node in _best(drop_gains(field, routing.passing) + field.probe_nodes):
        yield Fault(kind=_K.BLACKHOLE, element=scene.node(node), target=scene.node(target))
        if int((scene.base.arrays.tail == node).sum()) > 1:
            yield Fault(kind=_K.DATA_ACL, element=scene.node(node), target=scene.node(target))
        for arc in np.flatnonzero((scene.base.arrays.tail == node) & (field.shares[target] == 1)):
            yield Fault(kind=_K.DATA_ACL, element=scene.interface(int(arc)), target=scene.node(target))
    for target, node in _best(drop_gains(field, offered) + field.probe_pairs):
        yield Fault(kind=_K.HOST_BLACKHOLE, element=scene.node(node), target=scene.node(target))


def _filters(scene: _Scene, field: Weighed) -> Iterator[Fault]:
    for target, arc in _best(filter_gains(field)):
        yield Fault(kind=_K.DATA_ACL, element=scene.interface(arc), target=scene.node(target))


def _detours(scene: _Scene, field: Weighed) -> Iterator[Fault]:
    for target, arc in _best(detour_gains(field)):
        yield Fault(kind=_K.STATIC_ROUTE, element=scene.interface(arc), target=scene.node(target))


def _members(scene: _Scene, field: Weighed) -> Iterator[Fault]:
    # what one missing member must gain to be likelier than none, less what a line in the log may add: little on a small
    # network, on which hashing hides most of what it moves
    network = scene.judged.observation.network
    some = Candidate(Fault(kind=_K.ECMP_MISSING, element=network.links[0].interface)) if network.links else None
    cost = log_prior(network, ()) - log_prior(network, (some,)) if some else 0.0
    least = min(_LEAST_GAIN, cost - HINT_BOUND)
    for _, arc in _best(member_gains(field)[None, :], least):
        for kind in (_K.ECMP_MISSING, _K.ECMP_STALE):
            yield Fault(kind=kind, element=scene.interface(arc))


def _best(gain: Floats, least: float = _LEAST_GAIN) -> list[tuple[int, int]]:
    """Row and column of the largest gains that are worth a simulation."""
    flat = gain.ravel()
    number = min(_PLACES, flat.size)
    top = np.argpartition(-flat, number - 1)[:number] if number else np.zeros(0, dtype=np.int64)
    ranked = sorted((int(i) for i in top if flat[i] > least), key=lambda i: (-flat[i], i))
    return [(i // gain.shape[1], i % gain.shape[1]) for i in ranked]


def _losing(scene: _Scene) -> Iterator[Fault]:
    """Links behind which a router passes on less than came in by them, or whose own probes do not arrive.

    On the way or behind it: counters tell, which may be too coarse to have shown it first.
    """
    judged, (arrays, routing) = scene.judged, scene.base
    missing = -scene.excess.difference / scene.excess.sigma
    probes = judged.observation.probes
    lost = dict[tuple[int, int], float]()
    for s, t, loss, through in zip(probes.source, probes.target, probes.loss, judged.readings.through, strict=True):
        if through > 0 and loss > 1 - through + _LEAST_LOST:
            lost[int(s), int(t)] = float(1 - (1 - loss) / through)
    for arc in range(arrays.head.size):
        tail, head = int(arrays.tail[arc]), int(arrays.head[arc])
        shares: list[float] = []
        if missing[head] > _CLEAR:
            transit = routing.load[arc] * arrays.keep[arc] - _ending(scene.base, arc)
            if transit > 0:
                shares.append(-float(scene.excess.difference[head]) / transit)
        if (tail, head) in lost and arrays.weight[arc] == routing.paths.dist[head, tail]:
            shares.append(lost[tail, head])
        shares = [min(x, 1.0) for x in shares if _LEAST_LOST < x < 1.2]
        for share in _apart(shares):
            yield Fault(kind=_K.ONE_WAY, element=scene.interface(arc), severity=share)
            yield Fault(kind=_K.SILENT_LOSS, element=scene.interface(arc), severity=share)


def _ending(base: Routed, arc: int) -> float:
    """Mbit/s that an arc brings for its head."""
    head = int(base.arrays.head[arc])
    return float(
        walk(base.arrays, base.routing.paths, head, base.routing.volume[head]).load[arc] * base.arrays.keep[arc]
    )


def _apart(shares: list[float]) -> list[float]:
    return shares[:1] if len(shares) == 2 and abs(shares[0] - shares[1]) < 0.02 else shares


def _hint(observation: Observation, judged: SimulatedHypothesis, fault: Fault) -> float:
    """What the log says: whether the router was configured, whether the circuit has flapped; nothing without a log."""
    if not observation.events and not observation.unread_lines:
        return 0.0
    if fault.kind in (_K.DATA_ACL, _K.STATIC_ROUTE):
        if "commit" not in observation.declared.logs:
            return 0.0
        router, (since, until) = f"node/{fault.element.split('/')[1]}", _onset(observation, judged, fault.element)
        commits = [x.time for x in observation.events if x.kind == "commit" and x.element == router]
        return _TOLD if any(since <= time <= until for time in commits) else _UNTOLD
    if fault.kind in (_K.ECMP_MISSING, _K.ECMP_STALE):
        came_back = any(x.kind == "interface_up" and x.element == fault.element for x in observation.events)
        if came_back == (fault.kind is _K.ECMP_STALE):
            return _TOLD if came_back else 0.0  # that nothing is logged is no more than what a healthy network does
        return _UNTOLD
    return 0.0


def _onset(observation: Observation, judged: SimulatedHypothesis, element: str) -> tuple[float, float]:
    """When what is wrong with the load of an interface can have begun, epoch seconds.

    In the first interval of the newest samples where the load was clearly as it should be before; else any time.
    """
    past, window = observation.past, observation.window
    first, anytime = float(window.time[0]), (-np.inf, float(window.time[-1]))
    if len(past.time) < _SETTLED or not element.startswith("interface/"):
        return anytime
    link = observation.network.link(element)
    carried = [np.nansum(past.matrix(row - _SETTLED)) for row in range(_SETTLED)]
    level = np.array(carried) / float(observation.network.demands.sum())
    before = arrivals(past)[-_SETTLED:, link] / np.maximum(level, 1e-9)
    now, expected = judged.residuals.measured[link], judged.readings.arrived[link]
    usual = float(np.ptp(before)) + judged.readings.sigma[link]
    well = np.abs(before - expected) < np.abs(before - now)
    if well.all() and abs(now - expected) > 2 * usual:
        off = _WHOLE_S + observation.declared.skew_s
        return first - observation.interval_s - off, first + off
    return anytime
