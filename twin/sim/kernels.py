"""Shortest paths, ECMP loads and path expectations over compiled arrays; no I/O, no Python objects.

Distances are exact integers. Matrices are by target first: `dist[t, s]` is the distance from s to t.
"""

from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints

from .arrays import FAR, Arrays, Flags, Ids, TunnelArrays
from .jit import kernel


class Paths(NamedTuple):
    """Distances to every target, and the nodes in the order of their distance."""

    dist: Ints  # [n, n] FAR where there is no path
    order: Ids  # [n, n] reachable sources of target t by growing distance, t itself first
    sources: Ids  # [n] how many entries of each row of `order` are set


class Expectation(NamedTuple):
    """What a packet from s to t meets on average over its equal-cost paths."""

    delay: Floats  # [n, n] ms, inf where there is no path
    survival: Floats  # [n, n] share delivered


@kernel
def push(heap: Ints, size: int, key: int) -> int:
    """Put a key on a binary min-heap and return its new size."""
    child = size
    while child > 0:
        parent = (child - 1) >> 1
        if heap[parent] <= key:
            break
        heap[child] = heap[parent]
        child = parent
    heap[child] = key
    return size + 1


@kernel
def pop(heap: Ints, size: int) -> int:
    """Take the smallest key off a binary min-heap of `size` keys and return it."""
    smallest, last = heap[0], heap[size - 1]
    size -= 1
    parent = 0
    while True:
        child = 2 * parent + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= last:
            break
        heap[parent] = heap[child]
        parent = child
    heap[parent] = last
    return smallest


@kernel
def shortest_paths(arrays: Arrays) -> Paths:
    """Dijkstra to every target over the arcs with weight below FAR; a drained node is entered only as the target.

    Keys on the heap are distance * n + node, so that equal distances settle in the order of the nodes.
    """
    n, m = arrays.first_out.size - 1, arrays.head.size
    dist = np.full((n, n), FAR, dtype=np.int64)
    order = np.empty((n, n), dtype=np.int32)
    sources = np.zeros(n, dtype=np.int32)
    heap = np.empty(m + 1, dtype=np.int64)
    for t in range(n):
        if arrays.up[t]:
            sources[t] = _settle(arrays, t, dist[t], order[t], heap)
    return Paths(dist, order, sources)


@kernel
def _settle(arrays: Arrays, t: int, dist: Ints, order: Ids, heap: Ints) -> int:
    n = dist.size
    dist[t] = 0
    size, settled = push(heap, 0, t), 0
    while size > 0:
        key = pop(heap, size)
        size -= 1
        node = key % n
        reached = key // n
        if reached > dist[node]:
            continue
        order[settled] = node
        settled += 1
        if arrays.no_transit[node] and node != t:
            continue
        for k in range(arrays.first_in[node], arrays.first_in[node + 1]):
            arc = arrays.arc_in[k]
            candidate = reached + arrays.weight[arc]
            if candidate < dist[arrays.tail[arc]]:
                dist[arrays.tail[arc]] = candidate
                size = push(heap, size, int(candidate * n + arrays.tail[arc]))
    return settled


@kernel
def steer(tunnels: TunnelArrays, offered: Floats, dist: Ints, survival: Floats) -> tuple[Floats, Floats]:
    """Rewrite tunnelled demands as legs.

    Returns the volumes [t, s] that the IGP has to carry, Mbit/s, and each segment list's share of its tunnel [P]: all
    zero for a tunnel with no valid list, whose demand stays where it was. A leg starts with what survived the last.
    """
    volume = offered.copy()
    used = np.zeros(tunnels.share.size)
    for i in range(tunnels.source.size):
        s, t = tunnels.source[i], tunnels.target[i]
        total = 0.0
        for p in range(tunnels.first_list[i], tunnels.first_list[i + 1]):
            if _valid(tunnels, p, dist):
                used[p] = tunnels.share[p]
                total += tunnels.share[p]
        if total > 0:
            volume[t, s] = 0.0
            for p in range(tunnels.first_list[i], tunnels.first_list[i + 1]):
                used[p] /= total
    for i in range(tunnels.source.size):
        for p in range(tunnels.first_list[i], tunnels.first_list[i + 1]):
            amount = used[p] * offered[tunnels.target[i], tunnels.source[i]]
            for leg in range(tunnels.first_leg[p], tunnels.first_leg[p + 1]):
                a, b = tunnels.leg_from[leg], tunnels.leg_to[leg]
                volume[b, a] += amount
                amount *= survival[b, a]
    return volume, used


@kernel
def _valid(tunnels: TunnelArrays, p: int, dist: Ints) -> bool:
    if not tunnels.healthy[p]:
        return False
    for leg in range(tunnels.first_leg[p], tunnels.first_leg[p + 1]):
        if dist[tunnels.leg_to[leg], tunnels.leg_from[leg]] >= FAR:
            return False
    return True


@kernel
def spread(arrays: Arrays, paths: Paths, volume: Floats) -> tuple[Floats, Floats]:
    """Send `volume[t, s]` along all shortest paths, split evenly over the next-hop arcs of each node (RFC 2992).

    Returns the load of each arc [m] and what passes each node on its way to each target [t, u], both in Mbit/s.
    """
    n = arrays.up.size
    load = np.zeros(arrays.head.size)
    passing = np.zeros((n, n))
    for t in range(n):
        dist, through = paths.dist[t], passing[t]
        for position in range(paths.sources[t]):
            through[paths.order[t, position]] = volume[t, paths.order[t, position]]
        for position in range(paths.sources[t] - 1, 0, -1):
            u = paths.order[t, position]
            if through[u] > 0:
                _forward(arrays, t, u, dist, through, load)
    return load, passing


@kernel
def _forward(arrays: Arrays, t: int, u: int, dist: Ints, through: Floats, load: Floats) -> None:
    hops = 0
    for arc in range(arrays.first_out[u], arrays.first_out[u + 1]):
        v = arrays.head[arc]
        if arrays.weight[arc] + dist[v] == dist[u] and (v == t or not arrays.no_transit[v]):
            hops += 1
    each = through[u] / hops
    for arc in range(arrays.first_out[u], arrays.first_out[u + 1]):
        v = arrays.head[arc]
        if arrays.weight[arc] + dist[v] == dist[u] and (v == t or not arrays.no_transit[v]):
            load[arc] += each
            through[v] += each * arrays.keep[arc]


@kernel
def expect(arrays: Arrays, paths: Paths) -> Expectation:
    """Mean propagation delay and share delivered over the equal-cost paths of every pair, without listing paths."""
    n = arrays.up.size
    delay = np.full((n, n), np.inf)
    survival = np.zeros((n, n))
    for t in range(n):
        delay[t, t], survival[t, t] = 0.0, 1.0
        dist = paths.dist[t]
        for position in range(1, paths.sources[t]):
            u = paths.order[t, position]
            hops, sum_delay, sum_survival = 0, 0.0, 0.0
            for arc in range(arrays.first_out[u], arrays.first_out[u + 1]):
                v = arrays.head[arc]
                if arrays.weight[arc] + dist[v] == dist[u] and (v == t or not arrays.no_transit[v]):
                    hops += 1
                    sum_delay += arrays.delay[arc] + delay[t, v]
                    sum_survival += arrays.keep[arc] * survival[t, v]
            delay[t, u], survival[t, u] = sum_delay / hops, sum_survival / hops
    return Expectation(delay, survival)


@kernel
def lost_demand(volume: Floats, dist: Ints, up: Flags) -> float:
    """Mbit/s between nodes that are up which have no path."""
    lost = 0.0
    for t in range(up.size):
        for s in range(up.size):
            if up[s] and up[t] and dist[t, s] >= FAR:
                lost += volume[t, s]
    return lost
