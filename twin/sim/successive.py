"""States that follow one another, each under every failure: evaluated again only where a step and a failure meet.

Traffic for different targets does not mix. Towards one target let *moved* be the nodes whose distance or next hops
differ, and *touched* those, the next hops that these have come to use, and every node that more or less traffic passes:
for a failure against the state with everything up, for a step against the state before it. If nothing that the one
moves is touched by the other, either way round, if no arc that fails starts at a node that the step moves, and none
that the step changes at one that the failure moves, then what the failure does after the step is what it does before:
each node has the distance and the next hops that the one has given it which moved it, and where that is neither, the
old ones. Arcs only go away in a failure; where a step brings some nearer, all neighbours of what the failure moves
count as touched, as a way over them may be new. What passes a node that the one moves is then what passed it before the
other, so that differences of traffic add up.

A step may change weights, what is drained, tunnels and demands: it is what differs between two evaluated states. What
leaves a leg of a tunnel without a path, under any of the failures, changes volumes as well: see `severs`. Exits are
not for this, as what reaches one may open a way: whoever asks has to leave them out.
"""

from collections.abc import Sequence
from typing import NamedTuple

from twin.model import Floats, Ints

from .arrays import FAR, Flags, Ids
from .failing import Base, FailureArrays, FailureFigures, break_each, erase, lost_now, record, severed_by, still_lost
from .graph import Graph, Records
from .jit import part
from .meeting import changes_way, fails_moved, meet
from .pairs import Words
from .update import Scratch, matters, redistance, reroute


class Succession(NamedTuple):
    """K states of one network with everything up. Matrices are by target first, and kept once where states share them.

    What tells a state from the one before it is in the rows of that state; those of the first are empty.
    """

    first_out: Ids  # [n + 1]
    first_in: Ids  # [n + 1]
    arc_in: Ids  # [m]
    no_transit: Flags  # [K, n]
    dist: Ints  # [., n, n]
    matrices: Floats  # [., n, n] Mbit/s
    dist_of: Ints  # [K] which of `dist`
    passing_of: Ints  # [K] which of `matrices` passes each node
    volume_of: Ints  # [K] which of them the IGP carries
    offered_of: Ints  # [K] which of them is offered
    load: Floats  # [K, m] Mbit/s
    capacity: Floats  # [K, m] Mbit/s
    loss: Floats  # [m]
    limit: float  # share of capacity above which traffic counts as excess
    arc_of: Ids  # [m]
    active: Flags  # [n] targets with any traffic in any state
    first_stranded: Ints  # [K + 1]
    stranded: Ints  # [., 2] target and source of demands without a path, state by state
    blackholed: Floats  # [K] Mbit/s that labels lead nowhere
    moved: Words  # [K, n, W] sets of nodes
    touched: Words  # [K, n, W] sets of nodes
    differs: Flags  # [K, n] targets for which the step moves or touches anything
    nears: Flags  # [K] whether the step brings anything nearer
    first_changed: Ids  # [K + 1]
    changed: Ids  # arcs whose weight a step changes, or that it closes or opens, step by step
    first_leg: Ids  # [n + 1] legs of tunnels in any state, by target
    leg_from: Ids
    has_tunnels: Flags  # [K]
    ends_leg: Flags  # [n] nodes at which a tunnel or a leg of it begins or ends in any state


class Variants(NamedTuple):
    """What figures are wanted of: states, with all their demands multiplied. V variants."""

    state: Ints  # [V]
    factor: Floats  # [V]
    noise: Floats  # [V] Mbit/s below which a load left over by differences is rounding


class SuccessiveFigures(NamedTuple):
    """What each failure does to each variant of a state. V variants, F failures; see `FailureFigures`."""

    max_utilisation: Floats  # [V, F]
    busiest: Ints
    lost: Floats
    severed: Floats
    overload: Floats
    excess: Floats
    dropped: Floats
    worst_utilisation: Floats  # [V, m]
    worst_failure: Ints
    severs: Flags  # [F] whether it may leave a leg without a path: nothing is entered for states with tunnels


class Block(NamedTuple):
    """Working memory of failures that are evaluated side by side, target by target. B failures."""

    failed: Flags  # [B, n] all false between blocks
    broken: Ints  # [B, K, m + 1] list of arcs in each state
    delta: Floats  # [K, B, m] what the loads differ by from those before the step
    lost: Floats  # [B, K] the same of what is lost


class Work(NamedTuple):
    """Working memory of any one failure."""

    scratch: Scratch
    load: Floats  # [m] zero between two evaluations
    arc: Ints  # list of the arcs on which the last evaluation changes anything
    change: Floats  # Mbit/s by which, in the same places


class InHand(NamedTuple):
    """The failure in hand: its part of a block, and working memory."""

    failed: Flags  # [n]
    broken: Ints  # [K, m + 1] list of arcs in each state
    delta: Floats  # [K, B, m] of the block
    lost: Floats  # [K]
    place: int  # of the failure in its block
    scratch: Scratch
    load: Floats
    arc: Ints
    change: Floats


@part
def fail_successively(  # noqa: PLR0913 - a kernel
    arcs: Sequence[Records],
    states: Succession,
    failures: FailureArrays,
    variants: Variants,
    block: Block,
    work: Work,
    figures: SuccessiveFigures,
) -> None:
    """Evaluate every failure of every state; of the records `arcs` [K, m] of each, `shifted` equals the weight.

    A block of failures goes from target to target together, so that what is known of one is read once for all of them.
    """
    rows, size = figures.severs.size, block.failed.shape[0]
    for first in range(0, rows, size):
        last = min(first + size, rows)
        block.delta[:] = 0.0
        block.lost[:] = 0.0
        for row in range(first, last):
            figures.severs[row] = _begin(arcs, states, failures, row, _in_hand(block, row - first, work))
        for t in range(states.active.size):
            if states.active[t]:
                for row in range(first, last):
                    hand = _in_hand(block, row - first, work)
                    _take_away(arcs, hand.broken)
                    figures.severs[row] = _evaluate(arcs, states, t, hand) or figures.severs[row]
                    _put_back(arcs, hand.broken)
        for row in range(first, last):
            hand = _in_hand(block, row - first, work)
            nodes = failures.nodes[failures.first_node[row] : failures.first_node[row + 1]]
            for v in range(variants.state.size):
                if not (figures.severs[row] and states.has_tunnels[variants.state[v]]):
                    _enter(states, variants, v, nodes, hand, row, figures)
            for node in nodes:
                hand.failed[node] = False


@part
def _in_hand(block: Block, place: int, work: Work) -> InHand:
    return InHand(
        block.failed[place],
        block.broken[place],
        block.delta,
        block.lost[place],
        place,
        work.scratch,
        work.load,
        work.arc,
        work.change,
    )


@part
def _begin(arcs: Sequence[Records], states: Succession, failures: FailureArrays, row: int, work: InHand) -> bool:
    """Take note of what one failure breaks in each state; whether a tunnel or a leg of it ends there."""
    nodes = failures.nodes[failures.first_node[row] : failures.first_node[row + 1]]
    own, severs = failures.arcs[failures.first_arc[row] : failures.first_arc[row + 1]], False
    for k in range(states.dist_of.size):
        break_each(_graph(arcs, states, k), own, nodes, work.broken[k])
    _put_back(arcs, work.broken)
    for node in nodes:
        work.failed[node] = True
        severs = severs or bool(states.ends_leg[node])
    return severs


@part
def _take_away(arcs: Sequence[Records], broken: Ints) -> None:
    """Take the arcs that a failure breaks out of the shifted weights of each state."""
    for k in range(broken.shape[0]):
        for position in range(1, broken[k, 0] + 1):
            arcs[k][broken[k, position]].shifted = FAR


@part
def _put_back(arcs: Sequence[Records], broken: Ints) -> None:
    for k in range(broken.shape[0]):
        for position in range(1, broken[k, 0] + 1):
            arcs[k][broken[k, position]].shifted = arcs[k][broken[k, position]].weight


@part
def _graph(arcs: Sequence[Records], states: Succession, k: int) -> Graph:
    return Graph(arcs[k], states.first_out, states.first_in, states.arc_in, states.no_transit[k])


@part
def _evaluate(arcs: Sequence[Records], states: Succession, t: int, work: InHand) -> bool:
    """Add up the differences of the failure in hand towards one target; whether it leaves any leg without a path."""
    legs = states.leg_from[states.first_leg[t] : states.first_leg[t + 1]]
    lost, at = _fail_state(arcs, states, 0, t, work), 0
    severs = _cuts(legs, work.scratch)
    for k in range(1, states.dist_of.size):
        # most of the time ends here, so that little is handed on
        first, last = states.first_changed[k], states.first_changed[k + 1]
        meets = first < last and work.scratch.moved[0] > 0
        meets = meets and changes_way(arcs[at], arcs[k], states.changed[first:last], work.scratch)
        if not meets and states.differs[k, t]:
            meets = work.failed[t] or fails_moved(
                arcs[k], states.dist[states.dist_of[k], t], work.broken[k], states.moved[k, t]
            )
            meets = meets or meet(
                _graph(arcs, states, at), work.scratch, states.moved[k, t], states.touched[k, t], states.nears[k]
            )
        if meets:
            for position in range(1, work.arc[0] + 1):
                work.delta[k, work.place, work.arc[position]] -= work.change[position]
            work.lost[k] -= lost
            lost, at = _fail_state(arcs, states, k, t, work), k
            severs = _cuts(legs, work.scratch) or severs
    return severs


@part
def _fail_state(arcs: Sequence[Records], states: Succession, k: int, t: int, work: InHand) -> float:
    """Add to a state's differences what the failure does to the traffic for one target; returns what of it is lost."""
    lost = _fail_at(
        _graph(arcs, states, k),
        states.dist[states.dist_of[k], t],
        states.matrices[states.passing_of[k], t],
        states.matrices[states.volume_of[k], t],
        work,
        (k, t),
    )
    work.lost[k] += lost
    return lost


@part
def _fail_at(graph: Graph, old: Ints, passing: Floats, volume: Floats, work: InHand, place: tuple[int, int]) -> float:
    k, t = place
    scratch, broken, lost = work.scratch, work.broken[k, 1 : work.broken[k, 0] + 1], 0.0
    work.arc[0], scratch.moved[0], scratch.passed[0], scratch.changed[0] = 0, 0, 0, 0
    if work.failed[t]:
        erase(graph, old, passing, work.load)
        for arc in range(work.load.size):
            _collect(arc, work.delta[k, work.place], work)
    elif matters(graph.arcs, old, broken):
        redistance(graph, old, broken, scratch)
        lost = lost_now(volume, work.failed, scratch)
        reroute(graph, old, passing, broken, scratch, work.load)
        for items in (scratch.moved, scratch.passed):
            for position in range(1, items[0] + 1):
                for arc in range(graph.first_out[items[position]], graph.first_out[items[position] + 1]):
                    _collect(arc, work.delta[k, work.place], work)
    return lost


@part
def _collect(arc: int, delta: Floats, work: InHand) -> None:
    if work.load[arc] != 0:
        work.arc[0] += 1
        work.arc[work.arc[0]], work.change[work.arc[0]] = arc, work.load[arc]
        delta[arc] += work.load[arc]
        work.load[arc] = 0.0


@part
def _cuts(legs: Ids, scratch: Scratch) -> bool:
    """Whether any of the nodes at which a leg begins has no way any more."""
    for position in range(1, scratch.changed[0] + 1):
        node = scratch.changed[position]
        if scratch.far[node] >= FAR:
            for begin in legs:
                if begin == node:
                    return True
    return False


@part
def _enter(  # noqa: PLR0913 - a kernel
    states: Succession, variants: Variants, v: int, nodes: Ids, work: InHand, row: int, figures: SuccessiveFigures
) -> None:
    """Enter what the failure in hand does to one variant."""
    k, factor, load = variants.state[v], variants.factor[v], work.load
    base = _base_of(states, k, variants.noise[v])
    lost = states.blackholed[k] + still_lost(base, work.failed)
    for arc in range(load.size):
        load[arc] = states.load[k, arc]
    for step in range(k + 1):
        lost += work.lost[step]
        for arc in range(load.size):
            load[arc] += work.delta[step, work.place, arc]
    for position in range(1, work.broken[k, 0] + 1):
        load[work.broken[k, position]] = 0.0
    for arc in range(load.size):
        load[arc] *= factor
    figures.lost[v, row] = factor * lost
    figures.severed[v, row] = factor * severed_by(base.offered, nodes, work.failed)
    record(base, load, row, _of_variant(figures, v))
    load[:] = 0.0


def base_of(states: Succession, k: int, noise: float) -> Base:
    """Return one of the states as a sweep of its own starts from it."""
    return Base(
        dist=states.dist[states.dist_of[k]],
        passing=states.matrices[states.passing_of[k]],
        volume=states.matrices[states.volume_of[k]],
        offered=states.matrices[states.offered_of[k]],
        load=states.load[k],
        capacity=states.capacity[k],
        loss=states.loss,
        limit=states.limit,
        noise=noise,
        arc_of=states.arc_of,
        stranded=states.stranded[states.first_stranded[k] : states.first_stranded[k + 1]],
    )


_base_of = part(base_of)


@part
def _of_variant(figures: SuccessiveFigures, v: int) -> FailureFigures:
    return FailureFigures(
        max_utilisation=figures.max_utilisation[v],
        busiest=figures.busiest[v],
        lost=figures.lost[v],
        severed=figures.severed[v],
        overload=figures.overload[v],
        excess=figures.excess[v],
        dropped=figures.dropped[v],
        worst_utilisation=figures.worst_utilisation[v],
        worst_failure=figures.worst_failure[v],
        load=figures.max_utilisation[:0],
    )
