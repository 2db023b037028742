"""Loads under every failure, demand by demand: what moving one demand does to all of them without sweeping anew.

Routing does not look at load, so that the loads of the demands add up, under each failure too. A network whose links
lose traffic and that has tunnels is the exception only in cost: it is routed in full for every failure.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from twin.engines.seam import Engine, Serial, in_order
from twin.model import Floats, Ints, Network, Tunnel

from .anew import fail_each_anew, state_of
from .arrays import Arrays, Flags, Ids, compile_network, flatten_tunnels, read_only
from .chunks import PIECES, failed_in
from .failing import Base, FailureArrays, FailureFigures, fail_each, no_figures, record, record_each, state_for
from .failure_sweep import base_state, flatten, in_links, shrunk, steering
from .graph import graph_of
from .kernels import Paths, lost_demand, spread
from .reweighted import Reweighted, differs_in_weights
from .route import Routing, needs_full, route, steered, without
from .simulate import Failure, FailureSweep
from .walked import adds_up, walk_failures, walked_targets

_HERE = Serial()
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

    def settled(self) -> "MovedLoads":
        """Return the same loads, worked out under every failure, so that further moves cost no more than the first."""
        return MovedLoads(self.at(np.arange(len(self.before.lost))), ())

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

    def __init__(self, network: Network, failures: Sequence[Failure], *, like: "Superposition | None" = None) -> None:
        """Take a network and its failures; `like` is one of the same failures on the same links, if there is one."""
        self.network, self.failures = network, tuple(failures)
        self.arrays = compile_network(network)
        self.routing = route(self.arrays)
        self._flat = flatten(self.arrays, self.failures) if like is None else like._flat
        self._shrunk = tuple(row for row, failure in enumerate(self.failures) if failure.members)
        self._reweighted = tuple(
            row for row in self._shrunk if (shrunk(network, self.failures[row]).weight != self.arrays.weight).any()
        )

    def total(self, engine: Engine = _HERE) -> SweptLoads:
        """Return the loads of all demands, on the network's own tunnels; whoever does it, to the last bit the same."""
        return self.total_under(np.arange(len(self.failures)), engine)

    def total_under(self, rows: Ints, engine: Engine = _HERE) -> SweptLoads:
        """Return the loads of all demands under some of the failures."""
        pieces = 1 if engine.workers == 1 else max(1, min(max(PIECES, 4 * engine.workers), len(rows) // 8))
        chunks = [select(self._flat, some) for some in np.array_split(rows, pieces)]
        parts = in_order(engine, sweep_loads, _Ground(self.arrays, self.routing), chunks)
        swept = parts[0]
        if len(parts) > 1:
            joined = (np.concatenate(x) for x in zip(*(x[1:] for x in parts), strict=True))
            swept = SweptLoads(swept.intact, *joined)
        return self._with_members(self.arrays, swept, rows)

    def reweighted(self, state: Network) -> Reweighted | None:
        """Return what a state changes that differs from this one in its weights alone; None for any other."""
        arrays = compile_network(state)
        if self._reweighted or not differs_in_weights(self.arrays, arrays):
            return None
        return Reweighted((self.arrays, self.routing), arrays)

    def changed(self, swept: SweptLoads, change: Reweighted, rows: Ints) -> SweptLoads:
        """Return the loads under some failures once weights have changed; `swept` are those before, under all."""
        before, added = swept.at(rows), change.added(select(self._flat, rows))
        load, lost = before.load + added.load, before.lost + added.lost
        return SweptLoads(change.routing.load, load, lost, before.severed)

    def alone(self, source: int, target: int, tunnel: Tunnel | None) -> LoneLoads:
        """Return the loads of one Mbit/s between two nodes, by position, on a tunnel or on its shortest paths."""
        arrays, routing = self._lone(source, target, tunnel)
        # what is dropped on the way puts nothing on the rest of it, where a failure changes the way all the same
        ordinary = _routed(arrays.ordinary(), routing.paths) if arrays.astray else routing
        rows = self._touching(ordinary.load, source, target)
        found = self._with_members(arrays, _swept(arrays, routing, select(self._flat, rows)), rows)
        lost = routing.lost + routing.blackholed + routing.discarded
        return LoneLoads(routing.load, lost, rows, found.load, found.lost, found.severed)

    def _lone(self, source: int, target: int, tunnel: Tunnel | None) -> tuple[Arrays, Routing]:
        offered = np.zeros_like(self.arrays.offered)
        offered[target, source] = 1.0
        tunnels = flatten_tunnels(() if tunnel is None else (tunnel,), self.network)
        arrays = self.arrays._replace(offered=offered, tunnels=tunnels)
        if not {x.target for x in arrays.astray} & {target, *map(int, tunnels.leg_to)}:
            arrays = arrays.ordinary()
        return arrays, route(arrays, self.routing.paths) if arrays.astray else _routed(arrays, self.routing.paths)

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
        places = {int(row): place for place, row in enumerate(rows)} if self._reweighted else {}
        for row, place in ((x, places[x]) for x in self._reweighted if x in places):
            weight = shrunk(self.network, self.failures[row]).weight
            failed = route(without(arrays._replace(weight=weight), *failed_in(self._flat, row)))
            swept.load[place], swept.lost[place] = failed.load, failed.lost + failed.blackholed
        return swept

    def sweep(self, swept: SweptLoads | MovedLoads, limit: float = 1.0, *, rows: Ints | None = None) -> FailureSweep:
        """Word loads as a sweep of the network's failures; excess counts from `limit`, a share of capacity.

        With `rows`, under these failures alone.
        """
        rows = np.arange(len(self.failures)) if rows is None else rows
        return self._worded(swept, rows, rows, limit)

    def sweep_of(self, swept: SweptLoads, rows: Ints, limit: float = 1.0) -> FailureSweep:
        """Word loads that are those under some of the failures, as `total_under` has them."""
        return self._worded(swept, np.arange(len(rows)), rows, limit)

    def _worded(self, swept: SweptLoads | MovedLoads, places: Ints, rows: Ints, limit: float) -> FailureSweep:
        """Word what is at `places` of the loads as a sweep of the failures `rows`."""
        base, figures = self._base._replace(limit=limit), no_figures(len(rows), len(self.arrays.head))
        size = max(1, _BLOCK // max(len(self.arrays.head), 1))
        for first in range(0, len(rows), size):
            part = slice(first, first + size)
            self._word(base, swept.at(places[part]), rows[part], first, figures)
        return in_links(self.arrays, tuple(self.failures[int(row)] for row in rows), figures, swept.intact)

    @cached_property
    def _base(self) -> Base:
        return base_state(self.arrays, self.routing)

    def _word(self, base: Base, swept: SweptLoads, rows: Ints, first: int, figures: FailureFigures) -> None:
        """Enter the loads of some failures, the first of them in row `first` of the figures."""
        here = slice(first, first + len(rows))
        figures.lost[here], figures.severed[here] = np.maximum(swept.lost, 0.0), swept.severed
        if not self._shrunk:
            record_each(base, swept.load, first, figures)
            return
        for place, failure in enumerate(self.failures[int(row)] for row in rows):
            capacity = shrunk(self.network, failure).capacity if failure.members else base.capacity
            own = base if capacity is base.capacity else read_only(base._replace(capacity=capacity))
            record_each(own, swept.load[place : place + 1], first + place, figures)


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


class _Ground(NamedTuple):
    arrays: Arrays
    routing: Routing


def sweep_loads(ground: _Ground, failures: FailureArrays) -> SweptLoads:
    """Evaluate one chunk of failures."""
    return _swept(ground.arrays, ground.routing, read_only(failures))


def _swept(arrays: Arrays, routing: Routing, failures: FailureArrays) -> SweptLoads:
    rows, m = len(failures.first_arc) - 1, len(arrays.head)
    figures, base = no_figures(rows, m, loads=True), base_state(arrays, routing)
    walked = walked_targets(arrays) if adds_up(arrays) else None
    if walked is not None:
        loads, lost, severed = np.zeros((rows, m)), np.zeros(rows), np.zeros(rows)
        for row, found in enumerate(walk_failures(arrays, walked, base, steering(arrays, routing), failures)):
            loads[row], lost[row], severed[row] = found
        return SweptLoads(routing.load, loads, lost, severed)
    if not needs_full(arrays._replace(astray=())):
        steers = steering(arrays, routing)
        fail_each(graph_of(arrays), base, steers, failures, state_for(base, steers), figures)
        return SweptLoads(routing.load, figures.load, figures.lost, figures.severed)
    if not arrays.astray:
        fail_each_anew(base, failures, state_of(arrays), figures)
        return SweptLoads(routing.load, figures.load, figures.lost, figures.severed)
    for row in range(rows):
        state = without(arrays, *failed_in(failures, row))
        failed = route(state)
        record(base, failed.load, row, figures)
        figures.lost[row] = failed.lost + failed.blackholed
        figures.severed[row] = state.severed - arrays.severed
    return SweptLoads(routing.load, figures.load, figures.lost, figures.severed)
