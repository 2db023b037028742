"""What errors of demands add up to along their paths: numba, no I/O."""

from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints
from twin.sim.arrays import Arrays, Ids
from twin.sim.graph import Graph, graph_of, on_path
from twin.sim.jit import part
from twin.sim.kernels import Paths


class DemandErrors(NamedTuple):
    """Variances of demands by target first, (Mbit/s)^2 [n, n]."""

    measured: Floats  # of the rate, which all links of its way share
    hashed: Floats  # what whole flows on one of the equal paths move, times f (1 - f)


def weighed_variance(arrays: Arrays, paths: Paths, value: Floats, errors: DemandErrors) -> float:
    """Variance of the sum over the arcs of `value` [m] times what errors of demands put on each.

    A demand's error is on all arcs of its way together; where equal paths part, a flow is on one of them.
    """
    room = np.zeros(arrays.up.size), np.zeros(arrays.up.size)
    graph = graph_of(arrays._replace(delay=value))
    return float(_weighed(graph, paths.order, paths.sources, paths.dist, errors.measured, errors.hashed, *room))


@part
def _weighed(  # noqa: PLR0913 - a kernel
    graph: Graph,
    order: Ids,
    sources: Ids,
    dist: Ints,
    measured: Floats,
    hashed: Floats,
    mean: Floats,
    square: Floats,
) -> float:
    """`mean` and `square` [n] are room for what a path from each node adds up to, and its square."""
    arcs, first_out, total = graph.arcs, graph.first_out, 0.0
    for t in range(sources.size):
        if not sources[t]:  # a target that is down: nothing is set in its row of `order`
            continue
        mean[order[t, 0]] = square[order[t, 0]] = 0.0
        for position in range(1, sources[t]):
            u = order[t, position]
            hops, ahead, squares = 0, 0.0, 0.0
            for arc in range(first_out[u], first_out[u + 1]):
                if on_path(arcs, dist[t], arc):
                    here = arcs[arc]
                    hops += 1
                    ahead += here.delay + mean[here.head]
                    squares += here.delay**2 + 2 * here.delay * mean[here.head] + square[here.head]
            mean[u], square[u] = ahead / hops, squares / hops
            total += measured[t, u] * mean[u] ** 2 + hashed[t, u] * (square[u] - mean[u] ** 2)
    return total
