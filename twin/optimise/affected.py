"""The part of a network that two segments are chosen in, where it is too large for the ECMP shares of all its pairs.

Tunnels are few, and those that help carry the large demands of the busiest links. So the part holds the ends of these
demands and the midpoints that lead most of them around; the demands of all other pairs stay where they are.
"""

from math import isqrt
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from twin.model import Floats, Ints
from twin.sim.arrays import FAR, Arrays, Flags
from twin.sim.kernels import Paths, spread
from twin.sim.route import Routing

from . import fractions
from .fractions import ecmp_fractions, exposure, pair_shares
from .frank_wolfe import DemandRoutes, Demands, WholeRoutes, soft_prices
from .midpoints import as_legs

_PAIRS = 2_000
"""Demands at most that midpoints are chosen for."""
_SHARPNESS = 20.0
"""Of the prices that tell busy links: one at nine tenths of the peak weighs a seventh of one at the peak."""


class AffectedPart(NamedTuple):
    """Nodes of a network with the shares of every pair of them. k nodes of n, m arcs; by target first."""

    nodes: Ints  # [k] positions in the network, ascending
    share: Floats  # [k, k, m] ECMP share of each arc
    demands: Demands  # between these nodes; `fixed` is not used
    routes: DemandRoutes


class AffectedRoutes:
    """Loads and costs of the demands of a part; `fixed` [m] is what all others load."""

    def __init__(self, share: Floats, reached: Flags, fixed: Floats) -> None:
        self._reached, self._fixed = reached, fixed
        self._share = csr_array(share.reshape(-1, share.shape[2]))

    def load(self, volume: Floats, via: Ints) -> Floats:
        """Return the load of every arc [m] with the demands over these midpoints."""
        return np.asarray(self._share.T @ as_legs(volume, via).ravel()) + self._fixed

    def cost(self, price: Floats) -> Floats:
        """Return what every pair meets of the arcs' prices [k, k]; inf where there is no path."""
        return np.where(self._reached, np.asarray(self._share @ price).reshape(self._reached.shape), np.inf)

    def fixed_cost(self, price: Floats, cost: Floats) -> float:
        """Return what all that stays meets of the prices."""
        del cost
        return float(self._fixed @ price)


def part_of(arrays: Arrays, routing: Routing, demands: Demands) -> AffectedPart:
    """Return the whole network where the table of all its shares has room, else the part that the peak is about."""
    n, m = arrays.up.size, arrays.head.size
    if n * n * m <= fractions.ENTRY_LIMIT:
        table = ecmp_fractions(arrays, routing.paths)
        return AffectedPart(np.arange(n), table.share, demands, WholeRoutes(arrays, routing.paths, demands.fixed))
    nodes = _nodes(arrays, routing.paths, demands, max(3, isqrt(fractions.ENTRY_LIMIT // m)))
    within = np.ix_(nodes, nodes)
    k = nodes.size
    share = pair_shares(arrays.ordinary(), routing.paths, np.tile(nodes, k), np.repeat(nodes, k)).reshape(k, k, m)
    others = demands.volume + demands.fixed
    others[within] = demands.fixed[within]
    routes = AffectedRoutes(share, routing.paths.dist[within] < FAR, spread(arrays, routing.paths, others)[0])
    inside = Demands(demands.volume[within], demands.fixed[within], demands.midpoint[nodes])
    return AffectedPart(nodes, share, inside, routes)


def _nodes(arrays: Arrays, paths: Paths, demands: Demands, most: int) -> Ints:
    """Choose nodes: half of them ends of the demands that weigh most on busy links, the others midpoints for these."""
    load = spread(arrays, paths, demands.volume + demands.fixed)[0]
    price = soft_prices(load, arrays.capacity, _SHARPNESS / max(float((load / arrays.capacity).max(initial=0)), 1e-9))
    met = np.where(paths.dist < FAR, exposure(arrays.ordinary(), paths, price), np.inf)
    ends = _ends(demands.volume * np.where(demands.volume > 0, met, 0.0), max(2, most // 2))
    inside = np.zeros_like(demands.volume)
    inside[np.ix_(ends, ends)] = demands.volume[np.ix_(ends, ends)]
    worth = inside * np.where(inside > 0, met, 0.0)
    pairs = np.argsort(-worth, axis=None, kind="stable")[: min(_PAIRS, int((worth > 0).sum()))]
    target, source = np.divmod(pairs, met.shape[0])
    # spared[p, k]: what demand p meets less of the prices over midpoint k, times its volume
    spared = inside[target, source][:, None] * (met[target, source][:, None] - met[:, source].T - met[target])
    spared = np.maximum(np.where(demands.midpoint, spared, 0.0), 0.0)
    chosen = [int(node) for node in ends]
    best = spared[:, ends].max(axis=1, initial=0.0)
    while len(chosen) < min(most, met.shape[0]):
        gain = np.maximum(spared - best[:, None], 0.0).sum(axis=0)
        gain[chosen] = -1.0
        node = int(gain.argmax())
        if gain[node] <= 0:
            break
        chosen.append(node)
        best = np.maximum(best, spared[:, node])
    return np.array(sorted(chosen), dtype=np.int64)


def _ends(worth: Floats, most: int) -> Ints:
    """Return the ends of the demands that are worth most, `most` nodes at most."""
    found: dict[int, None] = {}
    for flat in np.argsort(-worth, axis=None, kind="stable"):
        pair = divmod(int(flat), worth.shape[0])
        fresh = [node for node in pair if node not in found]
        if worth[pair] <= 0 or len(found) == most:
            break
        if len(found) + len(fresh) <= most:
            found |= dict.fromkeys(fresh)
    return np.array(sorted(found), dtype=np.int64)
