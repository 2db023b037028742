"""The best split of every demand over two-segment paths, by Frank-Wolfe on the soft maximum of the utilisations.

Each round prices the arcs by how much they weigh in the soft maximum, sends every demand over its cheapest midpoint,
and moves towards that routing by line search; the prices also bound the optimum from below (weak duality). The sharper
the bound, the sharper the soft maximum. [Frank, Wolfe, 1956; Bienstock, Potential Function Methods, 2002]
"""

from typing import NamedTuple, Protocol

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from twin.model import Floats, Ints
from twin.sim.arrays import FAR, Arrays, Flags
from twin.sim.kernels import Paths, expect, spread

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
    prices: tuple[Floats, ...]  # [m] of the arcs, from now and then: `flow_bound_by` each
    rounds: int


class DemandRoutes(Protocol):
    """How demands load arcs, and what they meet of prices; all by target first."""

    def load(self, volume: Floats, via: Ints) -> Floats:
        """Return the load of every arc [m] with the demands over these midpoints."""
        ...

    def cost(self, price: Floats) -> Floats:
        """Return what every pair meets of the arcs' prices; inf where there is no path."""
        ...

    def fixed_cost(self, price: Floats, cost: Floats) -> float:
        """Return what all that stays meets of the prices; `cost` is that of every pair."""
        ...


class WholeRoutes(NamedTuple):
    """The routes of all demands of a network."""

    arrays: Arrays
    paths: Paths
    fixed: Floats  # [n, n] legs that stay as they are

    def load(self, volume: Floats, via: Ints) -> Floats:
        """Return the load of every arc [m] with the demands over these midpoints."""
        return spread(self.arrays, self.paths, as_legs(volume, via) + self.fixed)[0]

    def cost(self, price: Floats) -> Floats:
        """Return what every pair meets of the arcs' prices [n, n]; inf where there is no path."""
        return expect(self.arrays._replace(delay=price), self.paths).delay

    def fixed_cost(self, price: Floats, cost: Floats) -> float:
        """Return what the legs that stay meet of the prices."""
        del price
        return float(np.dot(self.fixed[self.fixed > 0], cost[self.fixed > 0]))


def split_demands(capacity: Floats, routes: DemandRoutes, demands: Demands, allowance: Allowance) -> Mixture:
    """Minimise the peak utilisation over all splits of the demands over two-segment paths."""
    return _Search(capacity, routes, demands).run(allowance)


def soft_prices(load: Floats, capacity: Floats, sharpness: float) -> Floats:
    """Return what one Mbit/s more on each arc adds to the soft maximum of the utilisations [m]."""
    return _weights(load / capacity, sharpness) / capacity


def flow_bound_by(arrays: Arrays, paths: Paths, price: Floats) -> float:
    """Weigh every demand by its shortest path under the prices: no routing can do with less; 0 where links lose."""
    n, usable = len(arrays.up), arrays.weight < FAR
    if (arrays.keep < 1).any():
        return 0.0
    order = np.argsort(-price[usable], kind="stable")  # of parallel arcs the cheapest is written last
    cheapest = np.full((n, n), np.inf)
    cheapest[arrays.tail[usable][order], arrays.head[usable][order]] = price[usable][order]
    linked = np.isfinite(cheapest)
    graph = csr_array((np.maximum(cheapest[linked], 1e-300), np.nonzero(linked)), shape=(n, n))
    dist = dijkstra(graph).T
    offered = np.where(paths.dist < FAR, arrays.offered, 0.0)
    return float(np.dot(offered[offered > 0], dist[offered > 0]))


def _weights(utilisation: Floats, sharpness: float) -> Floats:
    raised = np.exp(sharpness * (utilisation - utilisation.max(initial=0.0)))
    return raised / raised.sum()


class _Search:
    def __init__(self, capacity: Floats, routes: DemandRoutes, demands: Demands) -> None:
        self.capacity, self.routes, self.demands = capacity, routes, demands
        n = len(demands.midpoint)
        self.load = routes.load(demands.volume, np.full((n, n), -1, dtype=np.int64))
        self.mix = np.zeros((n, n, n))
        self.mix[:, np.arange(n), np.arange(n)] = 1.0
        self.source, self.target = np.meshgrid(np.arange(n), np.arange(n))
        self.scale, self.sharpness = 1.0, _FIRST_SHARPNESS / max(self._peak(), 1e-9)
        self.bound, self.prices = 0.0, list[Floats]()

    def run(self, allowance: Allowance) -> Mixture:
        rounds = 0
        while rounds < ROUNDS and not self._closed() and not allowance.spent:
            self._step()
            rounds += 1
            if rounds % _BOUND_EVERY == 0:
                self._sharpen()
        self._sharpen()
        return Mixture(self.mix * self.scale, self.load, self._peak(), self.bound, tuple(self.prices), rounds)

    def _step(self) -> None:
        volume, capacity = self.demands.volume, self.capacity
        detours = self._detours(soft_prices(self.load, capacity, self.sharpness))
        there = self.routes.load(volume, detours.via)
        length = self._line_search(self.load / capacity, (there - self.load) / capacity)
        self.load = self.load + length * (there - self.load)
        self.scale *= 1 - length
        if self.scale < 1e-9:
            self.mix, self.scale = self.mix * self.scale, 1.0
        chosen = np.where(detours.via < 0, self.source, detours.via)
        self.mix[self.target, self.source, chosen] += length / self.scale

    def _detours(self, price: Floats) -> Detours:
        """Send every demand over its cheapest midpoint, and keep the bound that the prices prove."""
        volume, cost = self.demands.volume, self.routes.cost(price)
        detours = best_midpoints(cost, self.demands.midpoint, volume > 0)
        proved = float(np.dot(volume[volume > 0], detours.cost[volume > 0])) + self.routes.fixed_cost(price, cost)
        self.bound = max(self.bound, proved)
        return detours

    def _sharpen(self) -> None:
        """Note the prices, which prove bounds, and fit the soft maximum to the gap that is left."""
        self.prices.append(soft_prices(self.load, self.capacity, self.sharpness))
        gap = max(self._peak() - self.bound, GAP * self._peak(), 1e-9)
        wanted = min(_SHARPNESS * np.log(self.capacity.size + 1) / gap, _LAST_SHARPNESS)
        self.sharpness = max(self.sharpness, wanted)

    def _line_search(self, now: Floats, direction: Floats) -> float:
        low, high = 0.0, _LONGEST
        for _ in range(20):
            middle = (low + high) / 2
            if np.dot(_weights(now + middle * direction, self.sharpness), direction) > 0:
                high = middle
            else:
                low = middle
        return (low + high) / 2

    def _peak(self) -> float:
        return float((self.load / self.capacity).max(initial=0.0))

    def _closed(self) -> bool:
        return self.bound > 0 and self._peak() - self.bound <= GAP * self._peak()
