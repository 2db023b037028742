"""Where demands split over equal paths, and how much of their squared rate each link sees: numba, no I/O."""

import numpy as np

from twin.model import Floats, Ints
from twin.sim.arrays import FAR, Arrays
from twin.sim.graph import Graph, graph_of, on_path
from twin.sim.jit import part
from twin.sim.kernels import Paths


def split_squares(arrays: Arrays, paths: Paths) -> Floats:
    """Sum over the demands that reach an arc after a split of (share on the arc) x demand^2, (Mbit/s)^2 [m]."""
    whole, parted = on_legs(arrays, paths.dist, arrays.offered**2)
    on_arc = np.zeros(arrays.head.size)
    _spread_squares(graph_of(arrays), paths, whole, parted, on_arc, np.zeros(on_arc.size, dtype=np.int64))
    return on_arc


def on_legs(arrays: Arrays, dist: Ints, squares: Floats) -> tuple[Floats, Floats]:
    """Squares of demands by target first, whole and already parted, with those of tunnels put on their legs."""
    tunnels, whole = arrays.tunnels, squares.copy()
    parted = np.zeros_like(whole)
    for i, (s, t) in enumerate(zip(tunnels.source, tunnels.target, strict=True)):
        square = float(squares[t, s])
        lists = range(tunnels.first_list[i], tunnels.first_list[i + 1])
        legs = {p: slice(tunnels.first_leg[p], tunnels.first_leg[p + 1]) for p in lists if tunnels.healthy[p]}
        valid = [p for p, x in legs.items() if (dist[tunnels.leg_to[x], tunnels.leg_from[x]] < FAR).all()]
        if not valid:
            continue
        whole[t, s] -= square
        for p in valid:
            share = tunnels.share[p] / tunnels.share[valid].sum()
            put = whole if len(valid) == 1 else parted
            np.add.at(put, (tunnels.leg_to[legs[p]], tunnels.leg_from[legs[p]]), share * square)
    return np.maximum(whole, 0.0), parted


@part
def _spread_squares(graph: Graph, paths: Paths, whole: Floats, parted: Floats, on_arc: Floats, used: Ints) -> None:
    """Add to `on_arc` [m]; `whole` and `parted` [t, s] become what passes each node. `used` [m] is room to work in."""
    arcs, first_out = graph.arcs, graph.first_out
    for t in range(paths.sources.size):
        one, split = whole[t], parted[t]
        for position in range(paths.sources[t] - 1, 0, -1):
            u = paths.order[t, position]
            if one[u] + split[u] <= 0:
                continue
            hops = 0
            for arc in range(first_out[u], first_out[u + 1]):
                if on_path(arcs, paths.dist[t], arc):
                    used[hops] = arc
                    hops += 1
            for i in range(hops):
                arc = used[i]
                head = arcs[arc].head
                if hops > 1:
                    split[head] += (one[u] + split[u]) / hops
                    on_arc[arc] += (one[u] + split[u]) / hops
                else:
                    one[head] += one[u]
                    split[head] += split[u]
                    on_arc[arc] += split[u]
