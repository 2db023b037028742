"""The best split of every demand over two-segment paths, by Frank-Wolfe on the soft maximum of the utilisations.

Each round prices the arcs by how much they weigh in the soft maximum, sends every demand over its cheapest midpoint,
and moves towards that routing by line search; the prices also bound the optimum from below (weak duality). The sharper
the bound, the sharper the soft maximum. [Frank, Wolfe, 1956; Bienstock, Potential Function Methods, 2002]
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from twin.model import Floats
from twin.sim.arrays import FAR, Arrays, Flags
from twin.sim.kernels import expect, spread
from twin.sim.route import Routing

from .allowance import Allowance
from .midpoints import Detours, as_legs, best_midpoints

GAP = 0.001
"""Relative gap at which the search ends."""
ROUNDS = 400
_FIRST_SHARPNESS = 20.0
_LAST_SHARPNESS = 5e4
_LONGEST = 0.999  # a whole step would forget every split so far
_BOUND_EVERY = 25
_SHARPNESS = 0.35  # soft maximum per gap: blunter converges slowly, sharper stalls early


class Demands(NamedTuple):
    """What is to be routed, by target first [n, n], Mbit/s."""

    volume: Floats  # demands that may take a midpoint
    fixed: Floats  # legs that stay as they are
    midpoint: Flags  # [n] nodes that may be a midpoint


class Mixture(NamedTuple):
    """Every demand split over midpoints."""

    mix: Floats  # [n, n, n] share of the demand from s to t over k, k = s for the direct path
    load: Floats  # [m] Mbit/s
    max_utilisation: float
    bound: float  # no split over two segments has a lower peak
    flow_bound: float  # no routing at all has a lower peak; 0 where links lose traffic
    rounds: int


def split_demands(arrays: Arrays, routing: Routing, demands: Demands, allowance: Allowance) -> Mixture:
    """Minimise the peak utilisation over all splits of the demands over two-segment paths."""
    return _Search(arrays, routing, demands).run(allowance)


class _Search:
    def __init__(self, arrays: Arrays, routing: Routing, demands: Demands) -> None:
        self.arrays, self.paths, self.demands = arrays, routing.paths, demands
        n = len(arrays.up)
        self.load = spread(arrays, self.paths, demands.volume + demands.fixed)[0]
        self.mix = np.zeros((n, n, n))
        self.mix[:, np.arange(n), np.arange(n)] = 1.0
        self.source, self.target = np.meshgrid(np.arange(n), np.arange(n))
        self.scale, self.sharpness = 1.0, _FIRST_SHARPNESS / max(self._peak(), 1e-9)
        self.bound = self.flow_bound = 0.0

    def run(self, allowance: Allowance) -> Mixture:
        rounds = 0
        while rounds < ROUNDS and not self._closed() and not allowance.spent:
            self._step()
            rounds += 1
            if rounds % _BOUND_EVERY == 0:
                self._sharpen()
        self._sharpen()
        return Mixture(self.mix * self.scale, self.load, self._peak(), self.bound, self.flow_bound, rounds)

    def _step(self) -> None:
        arrays, volume = self.arrays, self.demands.volume
        price = self._weights(self.load / arrays.capacity) / arrays.capacity
        detours = self._detours(price)
        there = spread(arrays, self.paths, as_legs(volume, detours.via) + self.demands.fixed)[0]
        length = self._line_search(self.load / arrays.capacity, (there - self.load) / arrays.capacity)
        self.load = self.load + length * (there - self.load)
        self.scale *= 1 - length
        if self.scale < 1e-9:
            self.mix, self.scale = self.mix * self.scale, 1.0
        chosen = np.where(detours.via < 0, self.source, detours.via)
        self.mix[self.target, self.source, chosen] += length / self.scale

    def _detours(self, price: Floats) -> Detours:
        """Send every demand over its cheapest midpoint, and keep the bound that the prices prove."""
        volume, fixed = self.demands.volume, self.demands.fixed
        cost = expect(self.arrays._replace(delay=price), self.paths).delay
        detours = best_midpoints(cost, self.demands.midpoint, volume > 0)
        proved = np.dot(volume[volume > 0], detours.cost[volume > 0]) + np.dot(fixed[fixed > 0], cost[fixed > 0])
        self.bound = max(self.bound, float(proved))
        return detours

    def _sharpen(self) -> None:
        """Renew the bound over all routings, and fit the soft maximum to the gap that is left."""
        arrays, m = self.arrays, self.arrays.capacity.size
        price = self._weights(self.load / arrays.capacity) / arrays.capacity
        self.flow_bound = max(self.flow_bound, self._shortest(price))
        gap = max(self._peak() - self.bound, GAP * self._peak(), 1e-9)
        self.sharpness = max(self.sharpness, min(_SHARPNESS * np.log(m + 1) / gap, _LAST_SHARPNESS))

    def _shortest(self, price: Floats) -> float:
        """Weigh every demand by its shortest path under the prices: no routing can do with less."""
        arrays, n = self.arrays, len(self.arrays.up)
        usable = arrays.weight < FAR
        if (arrays.keep < 1).any():
            return 0.0
        order = np.argsort(-price[usable], kind="stable")  # of parallel arcs the cheapest is written last
        cheapest = np.full((n, n), np.inf)
        cheapest[arrays.tail[usable][order], arrays.head[usable][order]] = price[usable][order]
        linked = np.isfinite(cheapest)
        graph = csr_array((np.maximum(cheapest[linked], 1e-300), np.nonzero(linked)), shape=(n, n))
        dist = dijkstra(graph).T
        offered = np.where(self.paths.dist < FAR, arrays.offered, 0.0)
        return float(np.dot(offered[offered > 0], dist[offered > 0]))

    def _line_search(self, now: Floats, direction: Floats) -> float:
        low, high = 0.0, _LONGEST
        for _ in range(20):
            middle = (low + high) / 2
            if np.dot(self._weights(now + middle * direction), direction) > 0:
                high = middle
            else:
                low = middle
        return (low + high) / 2

    def _weights(self, utilisation: Floats) -> Floats:
        raised = np.exp(self.sharpness * (utilisation - utilisation.max(initial=0.0)))
        return raised / raised.sum()

    def _peak(self) -> float:
        return float((self.load / self.arrays.capacity).max(initial=0.0))

    def _closed(self) -> bool:
        return self.bound > 0 and self._peak() - self.bound <= GAP * self._peak()
