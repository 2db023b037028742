"""All the failures of a sweep in one pass over the base state: loads, what is lost, and the worst of each arc."""

from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints

from .arrays import FAR, Flags, Ids, TunnelArrays
from .graph import Graph, on_path
from .jit import part
from .kernels import count_hops, steer
from .update import Scratch, add, matters, redistance, reroute, scratch_for


class Base(NamedTuple):
    """The evaluated state that a sweep starts from; matrices by target first."""

    dist: Ints  # [n, n]
    passing: Floats  # [n, n] Mbit/s that pass node u for target t
    volume: Floats  # [n, n] Mbit/s that the IGP carries
    offered: Floats  # [n, n] Mbit/s
    load: Floats  # [m] Mbit/s
    capacity: Floats  # [m] Mbit/s
    loss: Floats  # [m] share of its traffic that an arc loses
    limit: float  # share of capacity above which traffic counts as excess
    noise: float  # Mbit/s below which a load left over by differences is rounding
    arc_of: Ids  # [m] arc of each link
    stranded: Ints  # [., 2] target and source of the demands that have no path though both ends are up


class Steering(NamedTuple):
    """How tunnels bear on each target."""

    tunnels: TunnelArrays
    active: Flags  # [n] targets with any traffic
    cut: Flags  # [G] legs without a path in the base state
    first_leg: Ids  # [n + 1] legs by target
    legs: Ids
    first_pair: Ids  # [n + 1] pairs that tunnels touch, by target
    sources: Ids
    blackholed: float  # Mbit/s that labels lead nowhere in the base state


class FailureArrays(NamedTuple):
    """Failures flattened. F failures."""

    first_arc: Ids  # [F + 1]
    arcs: Ids
    first_node: Ids  # [F + 1]
    nodes: Ids


class FailureFigures(NamedTuple):
    """What each failure does [F], and the worst of each arc [m]; see `FailureSweep`."""

    max_utilisation: Floats
    busiest: Ints  # arc, -1 if none carries traffic
    lost: Floats
    severed: Floats  # by the failure alone
    overload: Floats
    excess: Floats
    dropped: Floats
    worst_utilisation: Floats  # 0 where no failure loads the arc
    worst_failure: Ints  # first row that reaches it, -1 if none
    load: Floats  # [F, m] Mbit/s, or no rows where nobody asked for them


class State(NamedTuple):
    """What the failure in hand has made of the network: working memory of `fail_each`."""

    failed: Flags  # [n] all false between failures
    none: Flags  # [n] all false
    cut: Flags  # [G]
    survival: Floats  # [G] ones: a lossy network with tunnels is not for this kernel
    used: Floats  # [P]
    volume: Floats  # [n, n] as in the base between failures; empty without tunnels, which alone change it
    load: Floats  # [m]
    broken: Ints  # list of arcs
    scratch: Scratch


def no_figures(rows: int, m: int, *, loads: bool = False) -> FailureFigures:
    """Return figures to fill in for a number of failures and arcs, with the loads under each of them if so asked."""
    return FailureFigures(
        max_utilisation=np.zeros(rows),
        busiest=np.full(rows, -1, np.int64),
        lost=np.zeros(rows),
        severed=np.zeros(rows),
        overload=np.zeros(rows),
        excess=np.zeros(rows),
        dropped=np.zeros(rows),
        worst_utilisation=np.zeros(m),
        worst_failure=np.full(m, -1, np.int64),
        load=np.zeros((rows if loads else 0, m)),
    )


def state_for(base: Base, steering: Steering) -> State:
    """Allocate working memory for a sweep from a base state."""
    n, m = len(base.volume), len(base.load)
    return State(
        failed=np.zeros(n, np.bool_),
        none=np.zeros(n, np.bool_),
        cut=steering.cut.copy(),
        survival=np.ones(len(steering.cut)),
        used=np.zeros(len(steering.tunnels.share)),
        volume=base.volume.copy() if len(steering.sources) else np.zeros((0, 0)),
        load=base.load.copy(),
        broken=np.zeros(m + 1, np.int64),
        scratch=scratch_for(n, m),
    )


@part
def fail_each(
    graph: Graph, base: Base, steering: Steering, failures: FailureArrays, state: State, figures: FailureFigures
) -> None:
    """Evaluate every failure against the base state, each on its own, into `figures`.

    The `shifted` weights of the graph must equal its weights, and do so again at the end.
    """
    broken = state.broken
    for row in range(figures.lost.size):
        strike(graph, failures, row, state.failed, broken)
        figures.lost[row] = _evaluate(graph, base, steering, broken[1 : broken[0] + 1], state)
        nodes = failures.nodes[failures.first_node[row] : failures.first_node[row + 1]]
        figures.severed[row] = severed_by(base.offered, nodes, state.failed)
        record(base, state.load, row, figures)
        lift(graph, failures, row, state.failed, broken)


@part
def strike(graph: Graph, failures: FailureArrays, row: int, failed: Flags, broken: Ints) -> None:
    """Let a failure begin: mark its nodes as `failed` [n], and break what it breaks, as `break_each` does."""
    nodes = failures.nodes[failures.first_node[row] : failures.first_node[row + 1]]
    break_each(graph, failures.arcs[failures.first_arc[row] : failures.first_arc[row + 1]], nodes, broken)
    for node in nodes:
        failed[node] = True


@part
def lift(graph: Graph, failures: FailureArrays, row: int, failed: Flags, broken: Ints) -> None:
    """Let a failure end: its nodes are up again, and what is `broken` has its weight."""
    for node in failures.nodes[failures.first_node[row] : failures.first_node[row + 1]]:
        failed[node] = False
    for arc in broken[1 : broken[0] + 1]:
        graph.arcs[arc].shifted = graph.arcs[arc].weight


@part
def break_each(graph: Graph, arcs: Ids, nodes: Ids, broken: Ints) -> None:
    """Take arcs, and all arcs of nodes, out of the shifted weights, and list those that could be used in `broken`."""
    broken[0] = 0
    for arc in arcs:
        _break_arc(graph, arc, broken)
    for node in nodes:
        for arc in range(graph.first_out[node], graph.first_out[node + 1]):
            _break_arc(graph, arc, broken)
        for k in range(graph.first_in[node], graph.first_in[node + 1]):
            _break_arc(graph, graph.arc_in[k], broken)


@part
def _break_arc(graph: Graph, arc: int, broken: Ints) -> None:
    if graph.arcs[arc].shifted < FAR:
        graph.arcs[arc].shifted = FAR
        broken[0] += 1
        broken[broken[0]] = arc


@part
def _evaluate(graph: Graph, base: Base, steering: Steering, broken: Ints, state: State) -> float:
    """Set the loads and return the lost demand; again with other volumes when the failure cuts a leg of a tunnel."""
    tunnels, severs, held = steering.tunnels, _ends_one(steering, state.failed), steering.blackholed
    for leg in range(steering.cut.size):
        state.cut[leg] = steering.cut[leg] or state.failed[tunnels.leg_to[leg]] or state.failed[tunnels.leg_from[leg]]
        severs = severs or (state.cut[leg] and not steering.cut[leg])
    if severs:
        held = steer(tunnels, base.offered, state.failed, state.cut, state.survival, state.volume, state.used)
    lost, cuts = _evaluate_targets(graph, base, steering, broken, state)
    if cuts:
        held = steer(tunnels, base.offered, state.failed, state.cut, state.survival, state.volume, state.used)
        lost, _ = _evaluate_targets(graph, base, steering, broken, state)
    if severs or cuts:
        steer(tunnels, base.offered, state.none, steering.cut, state.survival, state.volume, state.used)
    return lost + held


@part
def _ends_one(steering: Steering, failed: Flags) -> bool:
    """Whether a tunnel that leads nowhere as it is begins or ends at a node that fails: its demand is severed then."""
    if steering.blackholed > 0:
        for i in range(steering.tunnels.source.size):
            if failed[steering.tunnels.source[i]] or failed[steering.tunnels.target[i]]:
                return True
    return False


@part
def _evaluate_targets(graph: Graph, base: Base, steering: Steering, broken: Ints, state: State) -> tuple[float, bool]:
    cuts, load, scratch = False, state.load, state.scratch
    for arc in range(load.size):
        load[arc] = base.load[arc]
    lost = still_lost(base, state.failed)
    for t in range(base.volume.shape[0]):
        old, passing = base.dist[t], base.passing[t]
        if not steering.active[t]:
            continue
        if state.failed[t]:
            erase(graph, old, passing, load)
        elif matters(graph.arcs, old, broken) or steering.first_pair[t] < steering.first_pair[t + 1]:
            redistance(graph, old, broken, scratch)
            cuts = _cut_legs(steering, t, scratch.far, state.cut) or cuts
            volume = state.volume[t] if steering.sources.size else base.volume[t]
            lost += lost_now(volume, state.failed, scratch)
            lost += _add_steered(base, steering, t, state)
            reroute(graph, old, passing, broken, scratch, load)
    for arc in broken:
        load[arc] = 0.0
    return lost, cuts


@part
def lost_now(volume: Floats, failed: Flags, scratch: Scratch) -> float:
    """Mbit/s of `volume` [n] that have no path any more, of nodes that have not failed."""
    lost = 0.0
    for position in range(1, scratch.changed[0] + 1):
        node = scratch.changed[position]
        if scratch.far[node] >= FAR and not failed[node]:
            lost += float(volume[node])
    return lost


@part
def _cut_legs(steering: Steering, t: int, far: Ints, cut: Flags) -> bool:
    found = False
    for position in range(steering.first_leg[t], steering.first_leg[t + 1]):
        leg = steering.legs[position]
        if not cut[leg] and far[steering.tunnels.leg_from[leg]] >= FAR:
            cut[leg] = True
            found = True
    return found


@part
def _add_steered(base: Base, steering: Steering, t: int, state: State) -> float:
    lost, scratch = 0.0, state.scratch
    for position in range(steering.first_pair[t], steering.first_pair[t + 1]):
        s = steering.sources[position]
        difference = state.volume[t, s] - base.volume[t, s]
        if difference != 0 and base.dist[t, s] < FAR:
            add(scratch.far, scratch.delta, scratch.queued, scratch.heap, s, difference)
        elif difference != 0 and not state.failed[s]:
            lost += float(difference)
    return lost


@part
def erase(graph: Graph, old: Ints, passing: Floats, load: Floats) -> None:
    """Take off everything that goes to one target."""
    for node in range(old.size):
        first, last = graph.first_out[node], graph.first_out[node + 1]
        if passing[node] > 0 and old[node] > 0:
            each = passing[node] / count_hops(graph.arcs, old, first, last)
            for arc in range(first, last):
                if on_path(graph.arcs, old, arc):
                    load[arc] -= each


@part
def still_lost(base: Base, failed: Flags) -> float:
    """Demand that had no path before either, but for what the failure severs."""
    lost = 0.0
    for k in range(base.stranded.shape[0]):
        t, s = base.stranded[k, 0], base.stranded[k, 1]
        if not failed[s] and not failed[t]:
            lost += float(base.volume[t, s])
    return lost


@part
def severed_by(offered: Floats, nodes: Ids, failed: Flags) -> float:
    """Mbit/s from or to nodes that fail, all of which are `failed` [n]."""
    severed = 0.0
    for node in nodes:
        for other in range(failed.size):
            severed += float(offered[node, other])
            if not failed[other]:
                severed += float(offered[other, node])
    return severed


@part
def record(base: Base, load: Floats, row: int, figures: FailureFigures) -> None:
    """Enter the loads [m] of one failure."""
    for arc in base.arc_of:
        amount = load[arc] if load[arc] > base.noise else 0.0
        if row < figures.load.shape[0]:
            figures.load[row, arc] = amount
        utilisation = amount / base.capacity[arc]
        figures.overload[row] += max(0.0, amount - base.capacity[arc])
        figures.excess[row] += max(0.0, amount - base.limit * base.capacity[arc])
        figures.dropped[row] += amount * base.loss[arc]
        if utilisation > figures.max_utilisation[row]:
            figures.max_utilisation[row] = utilisation
            figures.busiest[row] = arc
        if utilisation > figures.worst_utilisation[arc]:
            figures.worst_utilisation[arc] = utilisation
            figures.worst_failure[arc] = row


@part
def record_each(base: Base, loads: Floats, first: int, figures: FailureFigures) -> None:
    """Enter the loads [R, m] of the failures from row `first` on."""
    for row in range(loads.shape[0]):
        record(base, loads[row], first + row, figures)
