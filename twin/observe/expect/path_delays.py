"""How far apart the delays of the paths are that a pair's packets may take: numba, no I/O."""

import numpy as np

from twin.model import Floats, Ints
from twin.sim.arrays import Arrays, Ids
from twin.sim.graph import Graph, graph_of, on_path
from twin.sim.jit import part
from twin.sim.kernels import Paths


def delay_spread(arrays: Arrays, paths: Paths, used: Floats) -> Floats:
    """Longest less shortest propagation delay among the paths of each pair, ms by target first [n, n].

    Those of equal cost, and of a pair in a tunnel those of all its segment lists that carry a share: `used` is that of
    each list. Which of them a prober's port draws nobody can say.
    """
    shape = paths.dist.shape
    least, most = np.zeros(shape), np.zeros(shape)
    _range_all(graph_of(arrays), paths.order, paths.sources, paths.dist, least, most)
    apart, tunnels = most - least, arrays.tunnels
    for i, pair in enumerate(zip(tunnels.target, tunnels.source, strict=True)):
        lists = [p for p in range(tunnels.first_list[i], tunnels.first_list[i + 1]) if used[p] > 0]
        cuts = [slice(tunnels.first_leg[p], tunnels.first_leg[p + 1]) for p in lists]
        legs = [(tunnels.leg_to[x], tunnels.leg_from[x]) for x in cuts]
        if legs:
            apart[pair] = max(float(most[x].sum()) for x in legs) - min(float(least[x].sum()) for x in legs)
    return apart


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
