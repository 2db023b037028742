"""One unit for each of many pairs along the shortest paths, as probes go: numba, no I/O."""

from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints

from .arrays import Arrays
from .graph import Graph, graph_of, on_path
from .jit import part
from .kernels import Paths

_HOPS = 16  # of a pair, for which there is room at first


class Trips(NamedTuple):
    """What one unit sent for each of p pairs does along the shortest paths: at q nodes, and on r arcs of these."""

    at: Ints  # [p + 1] where the nodes of each pair begin
    node: Ints  # [q] nodes that it leaves
    share: Floats  # [q] of it that leaves there
    by: Ints  # [p + 1] where the arcs of each pair begin
    arc: Ints  # [r]
    load: Floats  # [r] share of it that is on the arc


def trips(arrays: Arrays, paths: Paths, sources: Ints, targets: Ints) -> Trips:
    """Follow one unit from each source to its target [p], split evenly at every fork."""
    graph, first = graph_of(arrays), np.zeros((2, sources.size + 1), np.int64)
    most, work = max(_HOPS * sources.size, arrays.head.size), _Work(sources, targets, np.zeros(arrays.up.size))
    while True:
        ids, shares = np.zeros((2, most), np.int64), np.zeros((2, most))
        found = Trips(first[0], ids[0], shares[0], first[1], ids[1], shares[1])
        if _follow(graph, paths, work, found):
            at, by = first[:, -1]
            return Trips(first[0], ids[0, :at], shares[0, :at], first[1], ids[1, :by], shares[1, :by])
        most *= 2


class _Work(NamedTuple):
    source: Ints  # [p]
    target: Ints  # [p]
    here: Floats  # [n] room, zero before and after


@part
def _follow(graph: Graph, paths: Paths, work: _Work, found: Trips) -> bool:
    """Enter every trip; whether there was room."""
    first_out, here, nodes, used = graph.first_out, work.here, 0, 0
    for p in range(work.source.size):
        t = work.target[p]
        here[work.source[p]] = 1.0
        for position in range(paths.sources[t] - 1, 0, -1):
            u = paths.order[t, position]
            if here[u] <= 0.0:
                continue
            if nodes == found.node.size or used + first_out[u + 1] - first_out[u] > found.arc.size:
                here[:] = 0.0
                return False
            found.node[nodes], found.share[nodes] = u, here[u]
            nodes += 1
            used = _part_at(graph, paths.dist[t], u, here, found, used)
        here[t] = here[work.source[p]] = 0.0
        found.at[p + 1], found.by[p + 1] = nodes, used
    return True


@part
def _part_at(graph: Graph, dist: Ints, u: int, here: Floats, found: Trips, used: int) -> int:
    """Take what is at a node one hop on; returns how many arcs are entered by then."""
    first = used
    for arc in range(graph.first_out[u], graph.first_out[u + 1]):
        if on_path(graph.arcs, dist, arc):
            found.arc[used] = arc
            used += 1
    share = here[u] / max(used - first, 1)
    for k in range(first, used):
        arc = graph.arcs[found.arc[k]]
        found.load[k] = share
        here[arc.head] += share * arc.keep
    here[u] = 0.0
    return used
