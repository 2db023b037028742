"""Loads under every failure, demand by demand: what moving one demand does to all of them without sweeping anew.

Routing does not look at load, so that the loads of the demands add up, under each failure too. A network whose links
lose traffic and that has tunnels is the exception only in cost: it is routed in full for every failure.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Network, Tunnel

from .arrays import Arrays, compile_network, flatten_tunnels
from .chunks import failed_in
from .failing import FailureArrays, fail_each, no_figures, record, state_for
from .failure_sweep import base_state, flatten, shrunk, steering
from .graph import graph_of
from .kernels import Paths, lost_demand, spread
from .route import Routing, needs_full, route, steered, without
from .simulate import Failure, FailureSweep

_ROUNDING = 1e-12  # share of all traffic
_TIE = 1 + 1e-9  # a failure is worse than the intact state only beyond rounding


class SweptLoads(NamedTuple):
    """What demands put on the arcs, intact and under each failure. F failures, m arcs."""

    intact: Floats  # [m] Mbit/s
    load: Floats  # [F, m] Mbit/s
    lost: Floats  # [F] Mbit/s with both ends up and no path left
    severed: Floats  # [F] Mbit/s from or to a failed node

    def moved(self, off: "SweptLoads", onto: "SweptLoads", volume: float) -> "SweptLoads":
        """Return these loads with `volume` times those of `off` taken away and those of `onto` added."""
        return SweptLoads(*(total + volume * (new - old) for total, old, new in zip(self, off, onto, strict=True)))

    def grown(self, factor: float) -> "SweptLoads":
        """Return these loads when every demand is `factor` times what it is."""
        return SweptLoads(*(factor * x for x in self))


class Superposition:
    """The failures of one network, and what each of its demands, on its own, does under them."""

    def __init__(self, network: Network, failures: Sequence[Failure]) -> None:
        self.network, self.failures = network, tuple(failures)
        self.arrays = compile_network(network)
        self.routing = route(self.arrays)
        self._flat = flatten(self.arrays, self.failures)
        self._shrunk = tuple(row for row, failure in enumerate(self.failures) if failure.members)

    def total(self) -> SweptLoads:
        """Return the loads of all demands, on the network's own tunnels."""
        return self._with_members(self.arrays, _swept(self.arrays, self.routing, self._flat))

    def alone(self, source: int, target: int, tunnel: Tunnel | None) -> SweptLoads:
        """Return the loads of one Mbit/s between two nodes, by position, on a tunnel or on its shortest paths."""
        offered = np.zeros_like(self.arrays.offered)
        offered[target, source] = 1.0
        tunnels = flatten_tunnels(() if tunnel is None else (tunnel,), self.network)
        arrays = self.arrays._replace(offered=offered, tunnels=tunnels)
        return self._with_members(arrays, _swept(arrays, _routed(arrays, self.routing.paths), self._flat))

    def _with_members(self, arrays: Arrays, swept: SweptLoads) -> SweptLoads:
        """Correct the loads under failures in which the metric of a bundle changes that loses a member."""
        for row in self._shrunk:
            weight = shrunk(self.network, self.failures[row]).weight
            if (weight != self.arrays.weight).any():
                state = without(arrays._replace(weight=weight), *failed_in(self._flat, row))
                failed = route(state)
                swept.load[row], swept.lost[row] = failed.load, failed.lost
        return swept

    def sweep(self, swept: SweptLoads, limit: float = 1.0) -> FailureSweep:
        """Word loads as a sweep of the network's failures; excess counts from `limit`, a share of capacity."""
        arrays, noise = self.arrays, _ROUNDING * float(self.arrays.offered.sum())
        capacity, links = arrays.capacity, arrays.arc_of
        load = np.where(swept.load > noise, swept.load, 0.0)
        if self._shrunk:
            capacity = np.repeat(capacity[None, :], len(self.failures), axis=0)
            for row in self._shrunk:
                capacity[row] = shrunk(self.network, self.failures[row]).capacity
        utilisation = (load / capacity)[:, links]
        intact, rows = (swept.intact / arrays.capacity)[links], np.arange(len(self.failures))
        busiest = utilisation.argmax(axis=1)
        peak = utilisation[rows, busiest]
        cause = utilisation.argmax(axis=0)
        worst = utilisation[cause, np.arange(links.size)]
        return FailureSweep(
            failures=self.failures,
            max_utilisation=peak,
            busiest=np.where(peak > 0, busiest, -1),
            lost=np.maximum(swept.lost, 0.0),
            severed=swept.severed + arrays.severed,
            overload=np.maximum(load - capacity, 0.0).sum(axis=1),
            excess=np.maximum(load - limit * capacity, 0.0).sum(axis=1),
            dropped=load @ (1 - arrays.keep),
            worst_utilisation=np.maximum(worst, intact),
            worst_failure=np.where(worst > intact * _TIE, cause, -1),
        )


def _routed(arrays: Arrays, paths: Paths) -> Routing:
    """Send the arrays' demands over paths that are known."""
    volume, used = steered(arrays, paths)
    load, passing = spread(arrays, paths, volume)
    return Routing(paths, volume, used, load, passing, lost_demand(volume, paths.dist, arrays.up))


def _swept(arrays: Arrays, routing: Routing, failures: FailureArrays) -> SweptLoads:
    rows, m = len(failures.first_arc) - 1, len(arrays.head)
    figures, base = no_figures(rows, m, loads=True), base_state(arrays, routing)
    if not needs_full(arrays._replace(astray=())):
        steers = steering(arrays, routing)
        fail_each(graph_of(arrays), base, steers, failures, state_for(base, steers), figures)
        return SweptLoads(routing.load, figures.load, figures.lost, figures.severed)
    for row in range(rows):
        state = without(arrays, *failed_in(failures, row))
        failed = route(state)
        record(base, failed.load, row, figures)
        figures.lost[row], figures.severed[row] = failed.lost, state.severed - arrays.severed
    return SweptLoads(routing.load, figures.load, figures.lost, figures.severed)
