"""What routers that do not do what the IGP says make of the traffic: loads, and what they drop."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Network

from .arrays import EXIT, FAR, Arrays
from .kernels import Paths
from .reflected import reflected_arcs, variants
from .regroup import grouped_targets
from .walk import NONE, Deviation, Walked, arrivals, walk

_ROUNDING = 1e-9


class Strayed(NamedTuple):
    """Load of each arc [m] and what is dropped that has a path, Mbit/s."""

    load: Floats
    dropped: float


def strayed(arrays: Arrays, paths: Paths, volume: Floats, load: Floats) -> Strayed:
    """Follow anew what goes to the targets concerned; `load` is what the IGP alone puts on the arcs.

    `volume` is what the IGP carries between nodes, by target first [n, n]. What a leg of a tunnel loses is not taken
    off the next one. A loop fills its links, and no more: what goes round and round is dropped once.
    """
    load, dropped = load.copy(), 0.0
    for target, ways in _ways(arrays, paths).items():
        start = np.where(paths.dist[target] < FAR, volume[target], 0.0)
        if not start.any():
            continue
        led = _led_astray(arrays, paths, target)
        before, after = walk(arrays, paths, target, start), _mean_walk(arrays, led.paths, target, start, ways)
        load = _without_circling(arrays, load - before.load, before.load, after.load, float(start.sum()))
        lost_on_links = float(np.dot(after.load, 1 - arrays.keep))
        for node, arc in led.ends:
            if arc != NONE:  # what comes to its tail, and starts there, leaves by it
                load[arc] += start[node] + float((after.load * arrays.keep)[arrays.head == node].sum())
        dropped += max(float(start.sum()) - after.arrived - lost_on_links, 0.0)
    return Strayed(np.maximum(load, 0.0), dropped)


def arriving(network: Network, arrays: Arrays, paths: Paths, survival: Floats) -> Floats:
    """Share of packets between two nodes that arrive, by target first [n, n]; `survival` is what the IGP alone leaves.

    `arrays` are those of `network`.
    """
    if not network.astray:
        return survival
    survival = still_arriving(arrays, paths, survival)
    for entry in network.astray:
        if entry.does == "refuse":
            survival[network.node(entry.target), network.node(entry.at)] = 0.0
    return survival


def still_arriving(arrays: Arrays, paths: Paths, survival: Floats) -> Floats:
    """The same but for what routers refuse where it enters: that is no demand of the arrays any more."""
    survival = survival.copy()
    for target, ways in _ways(arrays, paths).items():
        survival[target] = _arriving_at(arrays, paths, target, ways, survival[target])
    return survival


def still_arriving_at(arrays: Arrays, paths: Paths, target: int) -> Floats:
    """Share of what is sent to one target that arrives there [n], where all have a way and links lose nothing."""
    return _arriving_at(arrays, paths, target, _ways(arrays, paths).get(target, ((),)), np.ones(arrays.up.size))


def _arriving_at(arrays: Arrays, paths: Paths, target: int, ways: Sequence["Way"], survival: Floats) -> Floats:
    concerned = (paths.dist[target] < FAR) & (np.arange(arrays.up.size) != target)
    led = _led_astray(arrays, paths, target).paths
    arrives = np.mean([arrivals(arrays, led, target, *way) for way in ways], axis=0)
    return np.where(concerned, arrives, survival)


def diverted_delays(arrays: Arrays, paths: Paths, delay: Floats) -> Floats:
    """Mean delay of what arrives, ms by target first [n, n], where routers send by ways of their own.

    `delay` is what the IGP alone takes; inf where nothing arrives.
    """
    delay, start = delay.copy(), np.zeros(arrays.up.size)
    for target, ways in _ways(arrays, paths).items():
        if not any((x.node != NONE and x.via != NONE) or x.leads is not None for way in ways for x in way):
            continue
        led = _led_astray(arrays, paths, target).paths
        for source in range(start.size):
            start[:] = 0.0
            start[source] = 1.0
            walked = _mean_walk(arrays, led, target, start, ways)
            if source != target:
                delay[target, source] = walked.delay / walked.arrived if walked.arrived > 0 else np.inf
    return delay


Way = tuple[Deviation, ...]


def _mean_walk(arrays: Arrays, paths: Paths, target: int, start: Floats, ways: Sequence[Way]) -> Walked:
    """What equal shares of the traffic make together that meet routers which deviate otherwise each."""
    walked = [walk(arrays, paths, target, start, *way) for way in ways]
    load = np.mean([x.load for x in walked], axis=0)
    return Walked(load, float(np.mean([x.arrived for x in walked])), float(np.mean([x.delay for x in walked])))


def _ways(arrays: Arrays, paths: Paths) -> dict[int, tuple[Way, ...]]:
    """What routers do otherwise, by the targets that it concerns: for equal shares of the flows to a target."""
    others: dict[int, list[Deviation]] = {}
    for entry in arrays.astray:
        if entry.reflects != NONE:
            continue
        if entry.claims != NONE:
            others.setdefault(entry.target, [])
            continue
        way = Deviation(entry.node, entry.via, entry.barred, entry.left_out)
        targets = [entry.target] if entry.target != NONE else map(int, grouped_targets(arrays, paths, entry.left_out))
        for target in targets:
            others.setdefault(target, []).append(way)
    ways: dict[int, tuple[Way, ...]] = {target: (tuple(x),) for target, x in others.items()}
    reflectors = [x.reflects for x in arrays.astray if x.reflects != NONE]
    claimed = {x.target for x in arrays.astray if x.claims != NONE}  # what beats all exits is every reflector's choice
    for target, leads in (reflected_arcs(arrays, paths, reflectors) if reflectors else {}).items():
        if target not in claimed:
            beside = others.get(target, ())
            ways[target] = tuple((Deviation(leads=x), *beside) for x in variants(arrays, leads))
    return ways


class _Led(NamedTuple):
    """Where routers believe a target to be, and the nodes that they are led to, with the arc by which it goes on."""

    paths: Paths
    ends: tuple[tuple[int, int], ...]


def _led_astray(arrays: Arrays, paths: Paths, target: int) -> _Led:
    """What false claims make of the distances to a group of exits.

    A router that claims it for itself comes before all exits: its path is the shorter one. One whose neighbour claims
    it competes with the best of them by distance alone.
    """
    false = [x for x in arrays.astray if x.claims != NONE and x.target == target]
    if not false:
        return _Led(paths, ())
    dist, exits = paths.dist.copy(), arrays.head == target
    best = int(arrays.weight[exits].min(initial=FAR))
    best = EXIT if best >= FAR else best
    for entry in false:
        ahead = 0 if entry.via == NONE else best
        dist[target] = np.minimum(
            dist[target], np.where(paths.dist[entry.claims] < FAR, paths.dist[entry.claims] + ahead, FAR)
        )
    return _Led(paths._replace(dist=dist), tuple((x.claims, x.via) for x in false))


def _without_circling(arrays: Arrays, rest: Floats, before: Floats, after: Floats, whole: float) -> Floats:
    """Load of each arc [m]: where more than all of it passes, without loss, it circles and fills what is left."""
    circles = (after > whole * (1 + _ROUNDING)) & (arrays.keep >= 1)
    full = np.maximum(arrays.capacity, rest + before)
    return np.where(circles, np.minimum(rest + after, full), rest + after)
