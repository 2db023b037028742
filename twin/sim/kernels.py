"""Shortest paths, ECMP loads and path expectations over a whole network; no I/O, no Python objects.

Distances are exact integers. Matrices are by target first: `dist[t, s]` is the distance from s to t.
"""

from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints

from .arrays import FAR, Arrays, Flags, Ids, TunnelArrays
from .graph import Graph, Incoming, Records, ends, graph_of, incoming_of, on_path
from .heap import pop, push
from .jit import part


class Paths(NamedTuple):
    """Distances to every target, and the nodes in the order of their distance."""

    dist: Ints  # [n, n] FAR where there is no path
    order: Ids  # [n, n] reachable sources of target t by growing distance, t itself first
    sources: Ids  # [n] how many entries of each row of `order` are set


class Expectation(NamedTuple):
    """What a packet from s to t meets on average over its equal-cost paths."""

    delay: Floats  # [n, n] ms, inf where there is no path
    survival: Floats  # [n, n] share delivered


def shortest_paths(arrays: Arrays) -> Paths:
    """Dijkstra to every target over the arcs with weight below FAR; a drained node is entered only as the target."""
    n = len(arrays.up)
    paths = Paths(np.full((n, n), FAR), np.empty((n, n), np.int32), np.zeros(n, np.int32))
    find_paths(arrays, paths, arrays.up)
    return paths


def find_paths(arrays: Arrays, paths: Paths, targets: Flags) -> None:
    """Enter the shortest paths to some targets that are up [n], as `shortest_paths` has them, over what is there."""
    paths.dist[targets], paths.sources[targets] = FAR, 0
    asked = targets.view()
    asked.flags.writeable = False
    incoming = incoming_of(arrays)._replace(up=asked)
    settle_all(incoming, paths, np.zeros(len(arrays.head) + 2, np.int64), len(arrays.up).bit_length())


@part
def settle_all(incoming: Incoming, paths: Paths, heap: Ints, bits: int) -> None:
    """Settle every target that is up, whose row of `dist` is FAR."""
    for t in range(incoming.up.size):
        if incoming.up[t]:
            paths.sources[t] = _settle(incoming, t, paths.dist[t], paths.order[t], heap, bits)


@part
def _settle(incoming: Incoming, t: int, dist: Ints, order: Ids, heap: Ints, bits: int) -> int:
    """Dijkstra to t; returns how many nodes reach it.

    Keys are the distance and, in the low `bits`, the node: ties settle in node order.
    """
    first, tail, weight, no_transit, _ = incoming
    settled = 0
    dist[t] = 0
    push(heap, t)
    while heap[0] > 0:
        key = pop(heap)
        reached, node = key >> bits, key & ((1 << bits) - 1)
        if reached > dist[node]:
            continue
        order[settled] = node
        settled += 1
        if no_transit[node] and not ends(reached):
            continue
        for k in range(first[node], first[node + 1]):
            candidate = reached + weight[k]
            if candidate < dist[tail[k]]:
                dist[tail[k]] = candidate
                push(heap, int((candidate << bits) | tail[k]))
    return settled


@part
def steer(  # noqa: PLR0913 - a kernel
    tunnels: TunnelArrays,
    offered: Floats,
    failed: Flags,
    cut: Flags,
    survival: Floats,
    volume: Floats,
    used: Floats,
) -> float:
    """Rewrite tunnelled demands as legs, in the entries of `volume` [t, s] that tunnels touch, Mbit/s.

    `cut` says which legs have no path, `survival` which share of its traffic a leg delivers [G]: the next one starts
    with that. Sets `used` [P] to each segment list's share of its tunnel: all zero for a tunnel with no valid list,
    whose demand stays with the IGP. Returns the Mbit/s on labels that lead nowhere, which end where a leg is cut; of a
    demand whose source or target is `failed` [n] nothing is on any list.
    """
    blackholed = 0.0
    source, target, leg_from, leg_to = tunnels.source, tunnels.target, tunnels.leg_from, tunnels.leg_to
    for leg in range(leg_to.size):
        volume[leg_to[leg], leg_from[leg]] = offered[leg_to[leg], leg_from[leg]]
    for i in range(source.size):
        stands = not failed[source[i]] and not failed[target[i]]
        carried = _share_out(tunnels, tunnels.first_list[i], tunnels.first_list[i + 1], cut, stands, used)
        volume[target[i], source[i]] = 0.0 if carried else offered[target[i], source[i]]
    for i in range(source.size):
        for p in range(tunnels.first_list[i], tunnels.first_list[i + 1]):
            amount = used[p] * offered[target[i], source[i]]
            for leg in range(tunnels.first_leg[p], tunnels.first_leg[p + 1]):
                if cut[leg]:
                    blackholed += amount
                    break
                volume[leg_to[leg], leg_from[leg]] += amount
                amount *= survival[leg]
    return blackholed


@part
def _share_out(tunnels: TunnelArrays, first: int, last: int, cut: Flags, stands: bool, used: Floats) -> bool:
    """Set the shares of one tunnel's lists; whether any is in use. `stands` is whether both its ends do."""
    total = 0.0
    for p in range(first, last):
        used[p] = tunnels.share[p] if tunnels.healthy[p] else 0.0
        for leg in range(tunnels.first_leg[p], tunnels.first_leg[p + 1]):
            if cut[leg] and not (tunnels.holds[p] and stands):
                used[p] = 0.0
        total += used[p]
    for p in range(first, last):
        used[p] = used[p] / total if total > 0 else 0.0
    return total > 0


def spread(arrays: Arrays, paths: Paths, volume: Floats) -> tuple[Floats, Floats]:
    """Send `volume[t, s]` along all shortest paths, split evenly over the next-hop arcs of each node (RFC 2992).

    Returns the load of each arc [m] and what passes each node on its way to each target [t, u], both in Mbit/s.
    """
    load, passing = np.zeros(len(arrays.head)), np.where(paths.dist < FAR, volume, 0.0)
    spread_all(graph_of(arrays), paths, load, passing, np.zeros(len(load), np.int64))
    return load, passing


@part
def spread_all(graph: Graph, paths: Paths, load: Floats, passing: Floats, hops: Ints) -> None:
    """Add to `load` [m] what starts at each node for each target, `passing` [t, s], and to that what passes each."""
    for t in range(paths.sources.size):
        if _starts(passing[t]):
            _spread(graph, paths.order[t, : paths.sources[t]], paths.dist[t], passing[t], load, hops)


@part
def _starts(volume: Floats) -> bool:
    for amount in volume:  # noqa: SIM110 - a kernel
        if amount > 0:
            return True
    return False


@part
def _spread(graph: Graph, order: Ids, dist: Ints, through: Floats, load: Floats, hops: Ints) -> None:
    """Let what starts at each node, `through` [n], pass on to the next hops and add up there, farthest node first."""
    arcs, first_out = graph.arcs, graph.first_out
    for position in range(order.size - 1, 0, -1):
        u = order[position]
        if through[u] <= 0:
            continue
        count = 0
        for arc in range(first_out[u], first_out[u + 1]):
            if on_path(arcs, dist, arc):
                hops[count] = arc
                count += 1
        for i in range(count):
            arc = hops[i]
            load[arc] += through[u] / count
            through[arcs[arc].head] += through[u] / count * arcs[arc].keep


@part
def count_hops(arcs: Records, dist: Ints, first: int, last: int) -> int:
    """Return how many of the arcs from `first` to before `last` are on a shortest path."""
    hops = 0
    for arc in range(first, last):
        if on_path(arcs, dist, arc):
            hops += 1
    return hops


def expect(arrays: Arrays, paths: Paths) -> Expectation:
    """Mean propagation delay and share delivered over the equal-cost paths of every pair, without listing paths."""
    expected = Expectation(np.empty(paths.dist.shape), np.empty(paths.dist.shape))
    _expect_all(graph_of(arrays), paths, expected)
    return expected


@part
def _expect_all(graph: Graph, paths: Paths, expected: Expectation) -> None:
    for t in range(paths.sources.size):
        expect_one(graph, paths, t, expected)


@part
def expect_one(graph: Graph, paths: Paths, t: int, expected: Expectation) -> None:
    """Set what a packet to one target meets from everywhere."""
    for s in range(paths.sources.size):
        expected.delay[t, s], expected.survival[t, s] = np.inf, 0.0
    expected.delay[t, t], expected.survival[t, t] = 0.0, 1.0
    _expect(graph, paths.order[t, : paths.sources[t]], paths.dist[t], expected.delay[t], expected.survival[t])


@part
def _expect(graph: Graph, order: Ids, dist: Ints, delay: Floats, survival: Floats) -> None:
    arcs, first_out = graph.arcs, graph.first_out
    for u in order[1:]:
        hops, sum_delay, sum_survival = 0, 0.0, 0.0
        for k in range(first_out[u], first_out[u + 1]):
            if on_path(arcs, dist, k):
                arc = arcs[k]
                hops += 1
                sum_delay += arc.delay + delay[arc.head]
                sum_survival += arc.keep * survival[arc.head]
        delay[u], survival[u] = sum_delay / hops, sum_survival / hops


def delays_of_paths(arrays: Arrays, paths: Paths) -> tuple[Floats, Floats]:
    """Delay of the longest of the equal-cost paths of every pair, and their mean, ms [n, n]; inf without a path."""
    longest, mean = np.full(paths.dist.shape, np.inf), np.full(paths.dist.shape, np.inf)
    _delays_all(graph_of(arrays), paths, longest, mean)
    return longest, mean


@part
def _delays_all(graph: Graph, paths: Paths, longest: Floats, mean: Floats) -> None:
    for t in range(paths.sources.size):
        longest[t, t], mean[t, t] = 0.0, 0.0
        _delays(graph, paths.order[t, : paths.sources[t]], paths.dist[t], longest[t], mean[t])


@part
def _delays(graph: Graph, order: Ids, dist: Ints, longest: Floats, mean: Floats) -> None:
    arcs, first_out = graph.arcs, graph.first_out
    for u in order[1:]:
        hops, most, total = 0, 0.0, 0.0
        for k in range(first_out[u], first_out[u + 1]):
            if on_path(arcs, dist, k):
                arc = arcs[k]
                hops += 1
                most = max(most, arc.delay + longest[arc.head])
                total += arc.delay + mean[arc.head]
        longest[u], mean[u] = most, total / hops


def lost_demand(volume: Floats, dist: Ints, up: Flags) -> float:
    """Mbit/s between nodes that are up which have no path."""
    apart = dist >= FAR
    return float(volume[apart & np.outer(up, up)].sum()) if apart.any() else 0.0
