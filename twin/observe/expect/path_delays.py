"""How far apart the delays of a pair's equal-cost paths are: numba, no I/O."""

import numpy as np

from twin.model import Floats, Ints
from twin.sim.arrays import Arrays, Ids
from twin.sim.graph import Graph, graph_of, on_path
from twin.sim.jit import part
from twin.sim.kernels import Paths


def delay_spread(arrays: Arrays, paths: Paths) -> Floats:
    """Longest less shortest propagation delay among the equal-cost paths of each pair, ms by target first [n, n]."""
    shape = paths.dist.shape
    least, most = np.zeros(shape), np.zeros(shape)
    _range_all(graph_of(arrays), paths.order, paths.sources, paths.dist, least, most)
    return most - least


@part
def _range_all(graph: Graph, order: Ids, sources: Ids, dist: Ints, least: Floats, most: Floats) -> None:
    arcs, first_out = graph.arcs, graph.first_out
    for t in range(sources.size):
        for position in range(1, sources[t]):
            u = order[t, position]
            low, high = np.inf, 0.0
            for arc in range(first_out[u], first_out[u + 1]):
                if on_path(arcs, dist[t], arc):
                    here = arcs[arc]
                    low = min(low, here.delay + least[t, here.head])
                    high = max(high, here.delay + most[t, here.head])
            least[t, u], most[t, u] = low, high
