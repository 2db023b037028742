"""Where demands split over equal paths, and how much of their squared rate each link sees: numba, no I/O."""

import numpy as np

from twin.model import Floats, Ints
from twin.sim.arrays import FAR, Arrays
from twin.sim.jit import kernel
from twin.sim.remembered import remembered_paths


def split_squares(arrays: Arrays, dist: Ints | None = None) -> Floats:
    """Sum over the demands that reach an arc after a split of (share on the arc) x demand^2, (Mbit/s)^2 [m].

    `dist` are the distances by target first, where they are known.
    """
    dist = remembered_paths(arrays).dist if dist is None else dist
    whole, parted = _squares(arrays, dist)
    if not parted.any() and not _any_tie(arrays, dist):
        return np.zeros(arrays.head.size)
    return _spread_squares(arrays, dist, whole, parted)


def _squares(arrays: Arrays, dist: Ints) -> tuple[Floats, Floats]:
    """Squared demands by target first, whole and already parted, with tunnels put on their legs."""
    tunnels, whole = arrays.tunnels, arrays.offered**2
    parted = np.zeros_like(whole)
    for i, (s, t) in enumerate(zip(tunnels.source, tunnels.target, strict=True)):
        square = float(arrays.offered[t, s]) ** 2
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


def _any_tie(arrays: Arrays, dist: Ints) -> bool:
    n = arrays.up.size
    reached = dist[:, arrays.head] < FAR
    tight = reached & (arrays.weight + dist[:, arrays.head] == dist[:, arrays.tail])
    target, arc = np.nonzero(tight)
    return bool((np.bincount(target * n + arrays.tail[arc], minlength=n * n) > 1).any())


@kernel
def _spread_squares(arrays: Arrays, dist: Ints, whole: Floats, parted: Floats) -> Floats:
    n = arrays.up.size
    on_arc = np.zeros(arrays.head.size)
    for t in range(n):
        order = np.argsort(dist[t])
        one, split = whole[t].copy(), parted[t].copy()
        for position in range(n - 1, -1, -1):
            u = order[position]
            if u == t or dist[t, u] >= FAR or one[u] + split[u] <= 0:
                continue
            hops = 0
            for arc in range(arrays.first_out[u], arrays.first_out[u + 1]):
                v = arrays.head[arc]
                if arrays.weight[arc] + dist[t, v] == dist[t, u] and (v == t or not arrays.no_transit[v]):
                    hops += 1
            for arc in range(arrays.first_out[u], arrays.first_out[u + 1]):
                v = arrays.head[arc]
                if arrays.weight[arc] + dist[t, v] == dist[t, u] and (v == t or not arrays.no_transit[v]):
                    if hops > 1:
                        split[v] += (one[u] + split[u]) / hops
                        on_arc[arc] += (one[u] + split[u]) / hops
                    else:
                        one[v] += one[u]
                        split[v] += split[u]
                        on_arc[arc] += split[u]
    return on_arc
