"""The states of one network that differ in their weights alone, under its failures: only the affected part is swept.

What a failure does to the traffic for one target is the same before and after a change of weights, unless the change
matters for that target. With everything up it does where a changed link is, or comes to be, on a shortest path. Where
it is on none, it can get onto one only once a failure makes the way of its tail longer, so that something fails which
is on a shortest path from there. All other pairs of failure and target are left out on both sides of the difference.
"""

from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints

from .arrays import EXIT, FAR, Arrays, Flags, Ids
from .failing import (
    Base,
    FailureArrays,
    FailureFigures,
    State,
    erase,
    lift,
    lost_now,
    no_figures,
    record,
    state_for,
    still_lost,
    strike,
)
from .failure_sweep import base_state, steering
from .graph import Graph, graph_of
from .jit import part
from .route import Routing, needs_full, route
from .update import matters, redistance, reroute


class _Concerned(NamedTuple):
    """Which pairs of failure and target a change of weights may matter for. n nodes."""

    target: Flags  # [n] with everything up
    tails: Ids  # of the changed arcs
    dist: Ints  # [n, n] before the change


class LoadsUnder(NamedTuple):
    """Loads of the arcs under some failures, less what no change of weights concerns. R failures, m arcs."""

    load: Floats  # [R, m] Mbit/s
    lost: Floats  # [R] Mbit/s


class Reweighted:
    """A network before and after a change of weights: what the change adds to the loads under its failures."""

    def __init__(self, before: tuple[Arrays, Routing], after: Arrays) -> None:
        """Take the arrays and the routing of the network, and the arrays of the changed state."""
        self.routing = route(after)
        self._sides = before, (after, self.routing)
        self._concerned = _concerned(before, (after, self.routing))

    def added(self, failures: FailureArrays) -> LoadsUnder:
        """Return what the change adds to the loads and to what is lost under each failure, Mbit/s."""
        was, now = (self._side(arrays, routing, failures) for arrays, routing in self._sides)
        return LoadsUnder(now.load - was.load, now.lost - was.lost)

    def _side(self, arrays: Arrays, routing: Routing, failures: FailureArrays) -> FailureFigures:
        base, steers = base_state(arrays, routing), steering(arrays, routing)
        figures = no_figures(len(failures.first_arc) - 1, len(arrays.head), loads=True)
        everything = base._replace(noise=-np.inf)  # rounding cancels in the difference, and is cut off there
        fail_concerned(graph_of(arrays), everything, self._concerned, failures, state_for(base, steers), figures)
        return figures


def differs_in_weights(before: Arrays, after: Arrays) -> bool:
    """Whether two states of one network differ in weights alone, and failures can be evaluated by differences."""
    plain = not len(before.tunnels.source) and not len(after.tunnels.source) and not needs_full(after)
    same = (
        np.array_equal(before.no_transit, after.no_transit)
        and np.array_equal(before.up, after.up)
        and np.array_equal(before.capacity, after.capacity)
        and np.array_equal(before.keep, after.keep)
    )
    offered = before.offered is after.offered or np.array_equal(before.offered, after.offered)
    exits = bool(((before.weight >= EXIT) & (before.weight < FAR)).any())
    return plain and same and offered and not exits and not needs_full(before)


def _concerned(before: tuple[Arrays, Routing], after: tuple[Arrays, Routing]) -> _Concerned:
    arrays, changed = before[0], np.flatnonzero(before[0].weight != after[0].weight)
    target = np.zeros(len(arrays.up), dtype=np.bool_)
    for arc in changed:
        for side, routing in (before, after):
            dist, weight = routing.paths.dist, side.weight[arc]
            tight = weight + dist[:, arrays.head[arc]] == dist[:, arrays.tail[arc]]
            target |= tight & (weight < FAR) & (dist[:, arrays.tail[arc]] < FAR)
    return _Concerned(target, np.unique(arrays.tail[changed]).astype(np.int32), before[1].paths.dist)


@part
def fail_concerned(
    graph: Graph,
    base: Base,
    concerned: _Concerned,
    failures: FailureArrays,
    state: State,
    figures: FailureFigures,
) -> None:
    """Evaluate every failure for the targets that are concerned, into the loads and the losses of `figures`."""
    broken, load = state.broken, state.load
    for row in range(figures.lost.size):
        strike(graph, failures, row, state.failed, broken)
        for arc in range(load.size):
            load[arc] = base.load[arc]
        arcs = broken[1 : broken[0] + 1]
        lost = still_lost(base, state.failed)
        for t in range(base.dist.shape[0]):
            if concerned.target[t] or _lengthens(graph, concerned, arcs, t):
                lost += _change(graph, base, state, arcs, t)
        for arc in arcs:
            load[arc] = 0.0
        figures.lost[row] = lost
        record(base, load, row, figures)
        lift(graph, failures, row, state.failed, broken)


@part
def _change(graph: Graph, base: Base, state: State, broken: Ints, t: int) -> float:
    """Change the loads by what the failure does to the traffic for one target; returns what of it is lost."""
    old, passing = base.dist[t], base.passing[t]
    if state.failed[t]:
        erase(graph, old, passing, state.load)
        return 0.0
    if not matters(graph.arcs, old, broken):
        return 0.0
    redistance(graph, old, broken, state.scratch)
    lost = lost_now(base.volume[t], state.failed, state.scratch)
    reroute(graph, old, passing, broken, state.scratch, state.load)
    return lost


@part
def _lengthens(graph: Graph, concerned: _Concerned, broken: Ints, t: int) -> bool:
    """Whether something that fails is on a shortest path from the tail of a changed arc to the target."""
    dist = concerned.dist
    for u in concerned.tails:
        if dist[t, u] >= FAR:
            continue
        for k in broken:
            arc = graph.arcs[k]
            if dist[arc.tail, u] + arc.weight + dist[t, arc.head] == dist[t, u]:
                return True
    return False
