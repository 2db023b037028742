"""Loads under every failure, demand by demand: what moving one demand does to all of them without sweeping anew.

Routing does not look at load, so that the loads of the demands add up, under each failure too. A network whose links
lose traffic and that has tunnels is the exception only in cost: it is routed in full for every failure.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints, Network, Tunnel

from .arrays import Arrays, Flags, Ids, compile_network, flatten_tunnels, read_only
from .chunks import failed_in
from .failing import FailureArrays, fail_each, no_figures, record, state_for
from .failure_sweep import base_state, flatten, shrunk, steering
from .graph import graph_of
from .kernels import Paths, lost_demand, spread
from .route import Routing, needs_full, route, steered, without
from .simulate import Failure, FailureSweep

_ROUNDING = 1e-12  # share of all traffic
_TIE = 1 + 1e-9  # a failure is worse than the intact state only beyond rounding


_BLOCK = 1 << 20
"""Loads, of each link under each failure, that are worded at a time."""


class SweptLoads(NamedTuple):
    """What demands put on the arcs, intact and under each failure. F failures, m arcs."""

    intact: Floats  # [m] Mbit/s
    load: Floats  # [F, m] Mbit/s
    lost: Floats  # [F] Mbit/s with both ends up and no path left
    severed: Floats  # [F] Mbit/s from or to a failed node

    def at(self, rows: Ints) -> "SweptLoads":
        """Return these loads under some of the failures."""
        return SweptLoads(self.intact, self.load[rows], self.lost[rows], self.severed[rows])

    def moved(self, off: "LoneLoads", onto: "LoneLoads", volume: float) -> "MovedLoads":
        """Return these loads with `volume` times those of `off` taken away and those of `onto` added."""
        return MovedLoads(self, ()).moved(off, onto, volume)

    def grown(self, factor: float) -> "SweptLoads":
        """Return these loads when every demand is `factor` times what it is."""
        return SweptLoads(*(factor * x for x in self))


class LoneLoads(NamedTuple):
    """What one Mbit/s of one demand puts on the arcs: a failure that is not among `rows` leaves it as it is intact."""

    intact: Floats  # [m] Mbit/s
    lost: float  # Mbit/s without a path, intact
    rows: Ints  # [R] failures that touch it, in order
    load: Floats  # [R, m] Mbit/s
    lost_under: Floats  # [R] Mbit/s
    severed_under: Floats  # [R] Mbit/s

    def add_to(self, swept: SweptLoads, rows: Ints, volume: float) -> None:
        """Add `volume` Mbit/s of it to the loads, in place, which are those under these failures."""
        place = np.full(int(max(rows.max(initial=-1), self.rows.max(initial=-1))) + 1, -1, np.int64)
        place[rows] = np.arange(len(rows))
        at = place[self.rows]
        used = np.flatnonzero(self.intact)
        swept.load[:, used] += volume * self.intact[used]
        swept.lost[:] += volume * self.lost
        chosen, at = np.flatnonzero(at >= 0), at[at >= 0]
        swept.load[at] += volume * (self.load[chosen] - self.intact)
        swept.lost[at] += volume * (self.lost_under[chosen] - self.lost)
        swept.severed[at] += volume * self.severed_under[chosen]


class _Move(NamedTuple):
    off: LoneLoads
    onto: LoneLoads
    volume: float  # Mbit/s


class MovedLoads(NamedTuple):
    """Loads once some demands have gone other ways, worked out for the failures that somebody asks for."""

    before: SweptLoads
    moves: tuple[_Move, ...]
    factor: float = 1.0  # of all demands

    def moved(self, off: LoneLoads, onto: LoneLoads, volume: float) -> "MovedLoads":
        """Return these loads with `volume` times those of `off` taken away and those of `onto` added."""
        return self._replace(moves=(*self.moves, _Move(off, onto, volume)))

    def grown(self, factor: float) -> "MovedLoads":
        """Return these loads when every demand is `factor` times what it is."""
        return self._replace(factor=factor * self.factor)

    @property
    def intact(self) -> Floats:
        """Load of each arc with everything up, Mbit/s [m]."""
        moved = [volume * (onto.intact - off.intact) for off, onto, volume in self.moves]
        return self.factor * np.sum([self.before.intact, *moved], axis=0)

    def at(self, rows: Ints) -> SweptLoads:
        """Return the loads under some of the failures."""
        after = self.before.at(rows)
        for off, onto, volume in self.moves:
            onto.add_to(after, rows, volume)
            off.add_to(after, rows, -volume)
        load, lost, severed = after.load, after.lost, after.severed
        if self.factor != 1:
            load, lost, severed = load * self.factor, lost * self.factor, severed * self.factor
        return SweptLoads(self.intact, load, lost, severed)


class Superposition:
    """The failures of one network, and what each of its demands, on its own, does under them."""

    def __init__(self, network: Network, failures: Sequence[Failure]) -> None:
        self.network, self.failures = network, tuple(failures)
        self.arrays = compile_network(network)
        self.routing = route(self.arrays)
        self._flat = flatten(self.arrays, self.failures)
        self._shrunk = tuple(row for row, failure in enumerate(self.failures) if failure.members)
        self._reweighted = tuple(
            row for row in self._shrunk if (shrunk(network, self.failures[row]).weight != self.arrays.weight).any()
        )

    def total(self) -> SweptLoads:
        """Return the loads of all demands, on the network's own tunnels."""
        everything = np.arange(len(self.failures))
        return self._with_members(self.arrays, _swept(self.arrays, self.routing, self._flat), everything)

    def alone(self, source: int, target: int, tunnel: Tunnel | None) -> LoneLoads:
        """Return the loads of one Mbit/s between two nodes, by position, on a tunnel or on its shortest paths."""
        arrays, routing = self._lone(source, target, tunnel)
        rows = self._touching(routing.load, source, target)
        found = self._with_members(arrays, _swept(arrays, routing, select(self._flat, rows)), rows)
        return LoneLoads(routing.load, routing.lost + routing.blackholed, rows, found.load, found.lost, found.severed)

    def _lone(self, source: int, target: int, tunnel: Tunnel | None) -> tuple[Arrays, Routing]:
        offered = np.zeros_like(self.arrays.offered)
        offered[target, source] = 1.0
        tunnels = flatten_tunnels(() if tunnel is None else (tunnel,), self.network)
        arrays = self.arrays._replace(offered=offered, tunnels=tunnels)
        return arrays, _routed(arrays, self.routing.paths)

    def _touching(self, load: Floats, source: int, target: int) -> Ints:
        """Return the failures that may change the loads [m] of one demand: those of what it uses, and of its ends."""
        arrays = self.arrays
        if (arrays.keep <= 0).any():  # what nothing gets through may lie on a path and show no load behind it
            return np.arange(len(self.failures))
        ends = np.zeros(len(arrays.up), dtype=np.bool_)
        ends[[source, target]] = True
        nodes = ends.copy()
        nodes[arrays.tail[load > 0]] = nodes[arrays.head[load > 0]] = True
        touched = _any_of(self._flat.first_arc, (load > 0)[self._flat.arcs])
        touched |= _any_of(self._flat.first_node, nodes[self._flat.nodes])
        touched[list(self._reweighted)] = True
        return np.flatnonzero(touched)

    def _with_members(self, arrays: Arrays, swept: SweptLoads, rows: Ints) -> SweptLoads:
        """Correct the loads under failures in which the metric of a bundle changes that loses a member."""
        for row in self._reweighted:
            place = int(np.searchsorted(rows, row))
            weight = shrunk(self.network, self.failures[row]).weight
            failed = route(without(arrays._replace(weight=weight), *failed_in(self._flat, row)))
            swept.load[place], swept.lost[place] = failed.load, failed.lost + failed.blackholed
        return swept

    def sweep(self, swept: SweptLoads | MovedLoads, limit: float = 1.0, *, rows: Ints | None = None) -> FailureSweep:
        """Word loads as a sweep of the network's failures; excess counts from `limit`, a share of capacity.

        With `rows`, under these failures alone.
        """
        rows = np.arange(len(self.failures)) if rows is None else rows
        size = max(1, _BLOCK // max(len(self.arrays.head), 1))
        starts = range(0, max(len(rows), 1), size)
        parts = [self._figures(swept.at(rows[x : x + size]), limit, rows[x : x + size]) for x in starts]
        intact = (swept.intact / self.arrays.capacity)[self.arrays.arc_of]
        worst, cause = np.zeros_like(intact), np.zeros(len(intact), np.int64)
        for start, part in zip(starts, parts, strict=True):
            worse = part.worst > worst
            worst[worse], cause[worse] = part.worst[worse], part.cause[worse] + start
        joined = [np.concatenate(column) for column in zip(*(x.by_failure for x in parts), strict=True)]
        failures = tuple(self.failures[int(row)] for row in rows)
        return FailureSweep(
            failures,
            *joined,
            worst_utilisation=np.maximum(worst, intact),
            worst_failure=np.where(worst > intact * _TIE, cause, -1),
        )

    def _figures(self, swept: SweptLoads, limit: float, rows: Ints) -> "_Figures":
        arrays, noise = self.arrays, _ROUNDING * float(self.arrays.offered.sum())
        load = np.where(swept.load > noise, swept.load, 0.0)
        capacity = np.broadcast_to(arrays.capacity, load.shape)
        if self._shrunk:
            capacity = capacity.copy()
            for place, failure in enumerate(self.failures[int(row)] for row in rows):
                if failure.members:
                    capacity[place] = shrunk(self.network, failure).capacity
        utilisation = (load / capacity)[:, arrays.arc_of]
        busiest = utilisation.argmax(axis=1)
        peak = utilisation[np.arange(len(rows)), busiest]
        return _Figures(
            by_failure=(
                peak,
                np.where(peak > 0, busiest, -1),
                np.maximum(swept.lost, 0.0),
                swept.severed + arrays.severed,
                np.maximum(load - capacity, 0.0).sum(axis=1),
                np.maximum(load - limit * capacity, 0.0).sum(axis=1),
                load @ (1 - arrays.keep),
            ),
            worst=utilisation.max(axis=0, initial=0.0),
            cause=utilisation.argmax(axis=0) if len(rows) else np.zeros(utilisation.shape[1], np.int64),
        )


class _Figures(NamedTuple):
    """What some failures do: seven figures of each, as in `FailureSweep`, and what is worst for each link [m]."""

    by_failure: tuple[Floats | Ints, ...]
    worst: Floats  # share of capacity
    cause: Ints  # row


def _any_of(first: Ids, flags: Flags) -> Flags:
    """Whether any flag of a stretch is set; stretch k goes from `first[k]` to `first[k + 1]`."""
    counted = np.concatenate([[0], np.cumsum(flags)])
    return counted[first[1:]] > counted[first[:-1]]


def select(failures: FailureArrays, rows: Ints) -> FailureArrays:
    """Return some of the failures."""
    first_arc, arcs = _stretches(failures.first_arc, failures.arcs, rows)
    return read_only(FailureArrays(first_arc, arcs, *_stretches(failures.first_node, failures.nodes, rows)))


def _stretches(first: Ids, entries: Ids, rows: Ints) -> tuple[Ids, Ids]:
    sizes = (first[1:] - first[:-1])[rows]
    kept = np.concatenate([[0], np.cumsum(sizes)])
    where = np.arange(int(kept[-1])) + np.repeat(first[:-1][rows] - kept[:-1], sizes)
    return kept.astype(np.int32), entries[where].astype(np.int32)


def _routed(arrays: Arrays, paths: Paths) -> Routing:
    """Send the arrays' demands over paths that are known."""
    volume, used, blackholed = steered(arrays, paths)
    load, passing = spread(arrays, paths, volume)
    lost = lost_demand(volume, paths.dist, arrays.up)
    return Routing(paths, volume, used, load, passing, lost, blackholed=blackholed)


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
        figures.lost[row] = failed.lost + failed.blackholed
        figures.severed[row] = state.severed - arrays.severed
    return SweptLoads(routing.load, figures.load, figures.lost, figures.severed)
