"""The paths that packets of some pairs may take, and how far apart their delays are: numba, no I/O."""

import numpy as np
from numpy.typing import NDArray

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


def towards(arrays: Arrays, paths: Paths, pairs: tuple[Ints, Ints]) -> Paths:
    """Return paths on which only the nodes are that a packet of some pairs may pass; `pairs` are sources and targets.

    What is worked out along them is the same for these pairs, and is none for all others: of a thousand nodes, a
    handful of pairs with one target pass a few dozen.
    """
    passed = np.zeros(paths.dist.shape, dtype=np.bool_)
    passed[pairs[1], pairs[0]] = True
    order, sources = np.empty_like(paths.order), np.zeros_like(paths.sources)
    _narrow(graph_of(arrays), paths, passed, order, sources)
    return Paths(paths.dist, order, sources)


@part
def _narrow(graph: Graph, paths: Paths, passed: NDArray[np.bool_], order: Ids, sources: Ids) -> None:
    """Set `order` and `sources` to the nodes that are `passed` [t, u], and to those behind them."""
    arcs, first_out = graph.arcs, graph.first_out
    for t in range(paths.sources.size):
        if paths.sources[t] == 0:
            continue
        passed[t, t] = True
        for position in range(paths.sources[t] - 1, 0, -1):
            u = paths.order[t, position]
            if passed[t, u]:
                for arc in range(first_out[u], first_out[u + 1]):
                    if on_path(arcs, paths.dist[t], arc):
                        passed[t, arcs[arc].head] = True
        for position in range(paths.sources[t]):
            u = paths.order[t, position]
            if passed[t, u]:
                order[t, sources[t]] = u
                sources[t] += 1


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
