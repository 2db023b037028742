"""What the instruments show when a router forwards otherwise than the IGP says.

Only the traffic for the targets concerned is followed anew, hop by hop; all else stays as it was simulated.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from twin.diagnose.effects import Scene
from twin.faults import Fault, FaultKind, Readings
from twin.model import Floats, Ints, Network
from twin.observe.readings.observation import Observation
from twin.sim.kernels import expect
from twin.sim.regroup import regrouped
from twin.sim.walk import IGP, Deviation, walk

from .routed import Routed, routed

_LATE = 2.5  # standard errors of a reading that a rate may still be from before
_MOVED = 0.02
"""Relative standard error of traffic that goes another way than it was measured on."""
_K = FaultKind


class Rerouted(NamedTuple):
    """What a fault changes: loads of arcs [m], and for which targets and sources probes fare otherwise, and how."""

    change: Floats
    targets: Ints
    way: Deviation
    source: int | None = None  # only what starts there, and that is dropped


def diverted(readings: Readings, fault: Fault, scene: Scene) -> Readings:
    """What is read when a fault drops or diverts what goes to one node, or leaves out a member of equal paths."""
    base = routed(scene.network)
    found = rerouted(base, fault, scene.network)
    arrived = np.maximum(readings.arrived + found.change[base.arrays.arc_of], 0.0)
    through, delay = _fates(readings, scene, base, found)
    sigma = moved_sigma(readings, arrived, scene.observation)
    if fault.kind in (_K.ECMP_MISSING, _K.ECMP_STALE):
        sigma = _unhashed_sigma(scene, fault, arrived, sigma)
    return readings._replace(arrived=arrived, sigma=sigma, through=through, delay_ms=delay)


def _unhashed_sigma(scene: Scene, fault: Fault, arrived: Floats, sigma: Floats) -> Floats:
    """Standard error [m], Mbit/s, where a member is left out of groups of equal paths: less is hashed.

    A weight one larger takes the link out of the same groups; what it predicts alike has its error.
    """
    links = list(scene.state.links)
    position = scene.state.link(fault.element)
    links[position] = links[position]._replace(weight=links[position].weight + 1)
    heavier = scene.expectation.residuals(replace(scene.state, links=tuple(links)))
    floor = scene.observation.declared.unexported_mbps
    return np.where(np.abs(heavier.predicted - arrived) <= floor + _MOVED * arrived, heavier.sigma, sigma)


def rerouted(base: Routed, fault: Fault, network: Network) -> Rerouted:
    """What a fault that drops or diverts adds to each arc of a network that is routed as `base` is."""
    arrays, (paths, volume, *_) = base
    if fault.kind in (_K.ECMP_MISSING, _K.ECMP_STALE):
        way = _deviation(base, fault, network)
        return Rerouted(*regrouped(arrays, paths, volume, way.left_out), way)
    target = network.node(fault.target or "")
    only = np.array([target], dtype=np.int64)
    if fault.kind is _K.HOST_BLACKHOLE:
        source = network.node(fault.element)
        return Rerouted(_without_pair(base, network, source, target), only, IGP, source)
    way = _deviation(base, fault, network)
    before, after = (walk(arrays, paths, target, volume[target], x).load for x in (IGP, way))
    return Rerouted(after - before, only, way)


def _without_pair(base: Routed, network: Network, source: int, target: int) -> Floats:
    """What it adds to each arc [m] that nothing enters at one node for another, Mbit/s."""
    arrays, routing = base
    ends = network.nodes[source].name, network.nodes[target].name
    if any((x.source, x.target) == ends for x in network.tunnels):
        demands = network.demands.copy()
        demands[source, target] = 0.0
        return routed(replace(network, demands=demands)).routing.load - routing.load
    start = np.zeros(len(network.nodes))
    start[source] = arrays.offered[target, source]
    return -walk(arrays, routing.paths, target, start).load


def _fates(readings: Readings, scene: Scene, base: Routed, found: Rerouted) -> tuple[Floats, Floats]:
    """What becomes of the probes: the share that arrives and its delay [p]."""
    probes, through, delay = scene.observation.probes, readings.through.copy(), readings.delay_ms.copy()
    concerned = np.isin(probes.target, found.targets)
    if found.source is not None:
        through[concerned & (probes.source == found.source)] = 0.0
        return through, delay
    start = np.zeros(len(scene.network.nodes))
    for i in np.flatnonzero(concerned):
        pair, start[:] = (int(probes.source[i]), int(probes.target[i])), 0.0
        start[pair[0]] = 1.0
        before, after = (walk(base.arrays, base.routing.paths, pair[1], start, x) for x in (IGP, found.way))
        if before.arrived > 0:
            through[i] *= min(1.0, after.arrived / before.arrived)
            if after.arrived > 0:
                delay[i] += after.delay / after.arrived - before.delay / before.arrived
    return through, delay


def lost_behind(readings: Readings, fault: Fault, scene: Scene) -> Readings:
    """What is read when the router behind a link loses a share: both counters agree, all that comes after misses it."""
    network, probes = scene.network, scene.observation.probes
    links, position = list(network.links), network.link(fault.element)
    links[position] = links[position]._replace(loss=1 - (1 - links[position].loss) * (1 - fault.severity))
    before, after = routed(network), routed(replace(network, links=tuple(links)))
    change = (after.routing.load - before.routing.load)[before.arrays.arc_of]
    arrived = np.maximum(readings.arrived + change, 0.0)
    survival = [expect(x.arrays, x.routing.paths).survival[probes.target, probes.source] for x in (before, after)]
    share = np.divide(survival[1], survival[0], out=np.ones(survival[0].size), where=survival[0] > 0)
    return readings._replace(
        arrived=arrived,
        sigma=moved_sigma(readings, arrived, scene.observation),
        through=readings.through * share,
    )


def _deviation(base: Routed, fault: Fault, network: Network) -> Deviation:
    """What the router at fault does; a static route counts while its interface has light."""
    arc_of = base.arrays.arc_of
    match fault.kind:
        case _K.BLACKHOLE:
            return Deviation(node=network.node(fault.element))
        case _K.STATIC_ROUTE:
            link = network.link(fault.element)
            lit = network.links[link].up and not network.links[link].asleep
            return Deviation(node=network.node(network.links[link].tail), via=int(arc_of[link])) if lit else IGP
        case _K.DATA_ACL if fault.element.startswith("node/"):
            return Deviation(node=network.node(fault.element))
        case _K.DATA_ACL:
            return Deviation(barred=int(arc_of[network.link(fault.element)]))
        case _:
            return Deviation(left_out=int(arc_of[network.link(fault.element)]))


def moved_sigma(readings: Readings, arrived: Floats, observation: Observation) -> Floats:
    """Standard error [m] when links carry `arrived` in place of what was predicted, Mbit/s.

    It falls with what is left of the load, but for what counters that are read late bring over of the rest from before,
    and grows with what was put there and measured elsewhere: where nothing changes it is what it was.
    """
    least = observation.declared.unexported_mbps
    before = np.maximum(readings.arrived, least)
    left = np.minimum(arrived / before, 1.0)
    late = _LATE * np.nan_to_num(observation.reading_error) * (1 - left)
    added = _MOVED * np.maximum(arrived - readings.arrived, 0.0)
    return np.sqrt(least**2 + np.maximum(readings.sigma**2 - least**2, 0.0) * left + late**2 + added**2)
