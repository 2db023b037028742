"""Two circuits failing together, out of what each does on its own: only where they meet is anything evaluated again.

Traffic for different targets does not mix, so that a failure is the sum of what it does towards each of them. Towards
one target let *moved* be the nodes whose distance or next hops a circuit's failure changes, and *touched* those, the
new next hops of those, and every node that more or less traffic passes. If nothing that one circuit moves is touched
by the other, either way round, and no end of a circuit lies where the other one moves anything, then

- distances: each node keeps a next hop that neither failure changes, so that it is as far as in the farther of the two
  states, and no nearer way can appear where links only go away;
- flow: what passes a node that one failure moves is what passed it before the other, so that the differences of both
  add up.

Both hold exactly. Towards the other targets the two fail together by dynamic update, see `update`. Where a failure
leaves a leg of a tunnel without a path, other volumes have to be carried: such pairs are left to `fail_each`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.model import Floats, Ints

from .arrays import FAR, Flags, Ids
from .failing import Base, FailureArrays, FailureFigures, State, Steering, break_each, record
from .graph import Graph, on_shifted_path
from .jit import part
from .update import Scratch, matters, redistance, reroute

Words = NDArray[np.uint64]
_BITS = 6  # of a node's position within a word


class CircuitEffects(NamedTuple):
    """What each of C circuits does on its own, target by target; see the module. Matrices by target first."""

    load: Floats  # [C, m] Mbit/s more or less, summed over targets
    lost: Floats  # [C, n] Mbit/s newly without a path
    severs: Flags  # [C] leaves a leg of a tunnel without a path
    moved: Words  # [C, n, W] sets of nodes
    touched: Words  # [C, n, W] sets of nodes
    first: Ints  # [C * n + 1] where the changes of a circuit at a target start
    arc: Ids
    change: Floats  # Mbit/s


class SweepGround(NamedTuple):
    """What every failure is evaluated against."""

    graph: Graph
    base: Base
    steering: Steering


class Pairs(NamedTuple):
    """Pairs of circuits. P pairs of C circuits."""

    rows: Ints  # [P, 2] rows of both in `circuits`
    both: FailureArrays  # of each pair
    circuits: FailureArrays  # of each circuit on its own; its nodes are the ends of its arcs, and do not fail


def no_effects(circuits: int, n: int, m: int) -> CircuitEffects:
    """Return effects to fill in, with room for changes that `measure_each` asks for where it is not enough."""
    words = (n >> _BITS) + 1
    return CircuitEffects(
        load=np.zeros((circuits, m)),
        lost=np.zeros((circuits, n)),
        severs=np.zeros(circuits, np.bool_),
        moved=np.zeros((circuits, n, words), np.uint64),
        touched=np.zeros((circuits, n, words), np.uint64),
        first=np.zeros(circuits * n + 1, np.int64),
        arc=np.zeros(circuits * n * 8, np.int32),
        change=np.zeros(circuits * n * 8),
    )


def with_room(effects: CircuitEffects, entries: int) -> CircuitEffects:
    """Return the effects with room for twice as many changes, and at least `entries`."""
    size = max(2 * len(effects.arc), entries)
    arc, change = np.zeros(size, np.int32), np.zeros(size)
    arc[: len(effects.arc)], change[: len(effects.arc)] = effects.arc, effects.change
    return effects._replace(arc=arc, change=change)


@part
def measure_each(
    ground: SweepGround, circuits: FailureArrays, state: State, effects: CircuitEffects, begin: int
) -> int:
    """Evaluate every circuit from `begin` on its own into `effects`; returns the first that found no room.

    `state.load` serves as working memory, all zero between two targets.
    """
    graph, base, steering = ground
    n, m = base.dist.shape[0], base.load.size
    state.load[:] = 0.0
    for c in range(begin, effects.severs.size):
        arcs = circuits.arcs[circuits.first_arc[c] : circuits.first_arc[c + 1]]
        break_each(graph, arcs, circuits.nodes[:0], state.broken)
        broken = state.broken[1 : state.broken[0] + 1]
        position = int(effects.first[c * n])
        for t in range(n):
            if position + m > effects.arc.size:
                _mend(graph, broken)
                return c
            if steering.active[t] and matters(graph.arcs, base.dist[t], broken):
                effects.lost[c, t] = _fail_at(ground, t, broken, state)
                if _cuts(steering, t, state.scratch.far):
                    effects.severs[c] = True
                _mark(graph, t, state.scratch, effects.moved[c, t], effects.touched[c, t])
                position = _collect(graph, state.scratch, state.load, effects, position)
            effects.first[c * n + t + 1] = position
        effects.load[c, :] = 0.0
        for position in range(effects.first[c * n], effects.first[(c + 1) * n]):
            effects.load[c, effects.arc[position]] += effects.change[position]
        _mend(graph, broken)
    return int(effects.severs.size)


@part
def _mend(graph: Graph, broken: Ints) -> None:
    for arc in broken:
        graph.arcs[arc].shifted = graph.arcs[arc].weight


@part
def _fail_at(ground: SweepGround, t: int, broken: Ints, state: State) -> float:
    """Add to `state.load` what the broken arcs move of one target's traffic; returns what is newly lost."""
    graph, base = ground.graph, ground.base
    redistance(graph, base.dist[t], broken, state.scratch)
    lost, scratch = 0.0, state.scratch
    for position in range(1, scratch.changed[0] + 1):
        node = scratch.changed[position]
        if scratch.far[node] >= FAR:
            lost += float(base.volume[t, node])
    reroute(graph, base.dist[t], base.passing[t], broken, scratch, state.load)
    return lost


@part
def _cuts(steering: Steering, t: int, far: Ints) -> bool:
    for position in range(steering.first_leg[t], steering.first_leg[t + 1]):
        leg = steering.legs[position]
        if not steering.cut[leg] and far[steering.tunnels.leg_from[leg]] >= FAR:
            return True
    return False


@part
def _mark(graph: Graph, t: int, scratch: Scratch, moved: Words, touched: Words) -> None:
    """Enter the nodes that the failure in hand moves and touches, the target itself left out."""
    for position in range(1, scratch.moved[0] + 1):
        node = scratch.moved[position]
        put(moved, node)
        put(touched, node)
        for arc in range(graph.first_out[node], graph.first_out[node + 1]):
            if graph.arcs[arc].head != t and on_shifted_path(graph.arcs, scratch.far, arc):
                put(touched, graph.arcs[arc].head)
    for position in range(1, scratch.passed[0] + 1):
        put(touched, scratch.passed[position])


@part
def _collect(graph: Graph, scratch: Scratch, load: Floats, effects: CircuitEffects, position: int) -> int:
    """Move what `load` holds to the effects: it can only differ behind nodes that were moved or passed."""
    for items in (scratch.moved, scratch.passed):
        for k in range(1, items[0] + 1):
            node = items[k]
            for arc in range(graph.first_out[node], graph.first_out[node + 1]):
                if load[arc] != 0:
                    effects.arc[position] = arc
                    effects.change[position] = load[arc]
                    load[arc] = 0.0
                    position += 1
    return position


@part
def put(items: Words, node: int) -> None:
    """Put a node into a set."""
    items[node >> 6] |= np.uint64(1) << np.uint64(node & 63)


@part
def holds(items: Words, node: int) -> bool:
    """Whether a node is in a set."""
    return (items[node >> 6] >> np.uint64(node & 63)) & np.uint64(1) != 0


@part
def fail_pairs(
    ground: SweepGround, pairs: Pairs, effects: CircuitEffects, state: State, figures: FailureFigures
) -> None:
    """Evaluate every pair into `figures`.

    Pairs that leave a leg of a tunnel without a path get NaN for what they lose, and count for nothing else.
    """
    graph, base, lost_before = ground.graph, ground.base, ground.steering.blackholed
    for k in range(base.stranded.shape[0]):
        lost_before += float(base.volume[base.stranded[k, 0], base.stranded[k, 1]])
    for row in range(pairs.rows.shape[0]):
        a, b = pairs.rows[row, 0], pairs.rows[row, 1]
        figures.lost[row] = np.nan
        if effects.severs[a] or effects.severs[b]:
            continue
        arcs = pairs.both.arcs[pairs.both.first_arc[row] : pairs.both.first_arc[row + 1]]
        break_each(graph, arcs, pairs.both.nodes[:0], state.broken)
        broken = state.broken[1 : state.broken[0] + 1]
        lost, whole = _fail_both(ground, pairs, row, broken, effects, state)
        if whole:
            figures.lost[row] = lost_before + lost
            record(base, state.load, row, figures)
        _mend(graph, broken)


@part
def _fail_both(
    ground: SweepGround, pairs: Pairs, row: int, broken: Ints, effects: CircuitEffects, state: State
) -> tuple[float, bool]:
    """Set the loads under a pair; returns what is newly lost, and whether no tunnel is cut."""
    a, b = pairs.rows[row, 0], pairs.rows[row, 1]
    load, n, lost, steering = state.load, ground.base.dist.shape[0], 0.0, ground.steering
    for arc in range(load.size):
        load[arc] = ground.base.load[arc] + effects.load[a, arc] + effects.load[b, arc]
    for t in range(n):
        if not steering.active[t]:
            continue
        if _apart(pairs.circuits, a, b, effects, t):
            lost += effects.lost[a, t] + effects.lost[b, t]
            continue
        for c in (a, b):
            for position in range(effects.first[c * n + t], effects.first[c * n + t + 1]):
                load[effects.arc[position]] -= effects.change[position]
        lost += _fail_at(ground, t, broken, state)
        if _cuts(steering, t, state.scratch.far):
            return lost, False
    for arc in broken:
        load[arc] = 0.0
    return lost, True


@part
def _apart(circuits: FailureArrays, a: int, b: int, effects: CircuitEffects, t: int) -> bool:
    """Whether the failures of two circuits do not meet towards a target."""
    moved, touched = effects.moved, effects.touched
    for word in range(moved.shape[2]):
        if (moved[a, t, word] & touched[b, t, word]) | (touched[a, t, word] & moved[b, t, word]):
            return False
    return not (_ends_in(circuits, a, moved[b, t]) or _ends_in(circuits, b, moved[a, t]))


@part
def _ends_in(circuits: FailureArrays, c: int, nodes: Words) -> bool:
    for position in range(circuits.first_node[c], circuits.first_node[c + 1]):
        if holds(nodes, circuits.nodes[position]):
            return True
    return False
