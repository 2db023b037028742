"""Where a step and a failure meet, towards one target: see `successive` for what follows where they do not."""

from twin.model import Floats, Ints

from .arrays import FAR, Flags, Ids
from .graph import Graph, Records, on_path, on_shifted_path
from .jit import part
from .pairs import Words, holds, put
from .update import Scratch

_SAME = 1e-12  # share of the traffic at a node below which a difference is rounding


@part
def compare(  # noqa: PLR0913 - a kernel
    before: Graph,
    after: Graph,
    was: tuple[Ints, Floats],
    now: tuple[Ints, Floats],
    moved: Words,
    touched: Words,
    differs: Flags,
) -> None:
    """Enter what a step moves and touches towards each target; `was` and `now` are distances and what passes [n, n]."""
    for t in range(differs.size):
        for node in range(differs.size):
            if _moves(before, after, was[0][t], now[0][t], node):
                differs[t] = True
                put(moved[t], node)
                put(touched[t], node)
                for arc in range(after.first_out[node], after.first_out[node + 1]):
                    if on_path(after.arcs, now[0][t], arc):
                        put(touched[t], after.arcs[arc].head)
            more = now[1][t, node] - was[1][t, node]
            if abs(more) > _SAME * max(was[1][t, node], now[1][t, node]):
                differs[t] = True
                put(touched[t], node)


@part
def _moves(before: Graph, after: Graph, old: Ints, new: Ints, node: int) -> bool:
    if old[node] != new[node]:
        return True
    for arc in range(before.first_out[node], before.first_out[node + 1]):
        if on_path(before.arcs, old, arc) != on_path(after.arcs, new, arc):
            return True
    return False


@part
def changes_way(before: Records, after: Records, changed: Ids, scratch: Scratch) -> bool:
    """Whether a step changes an arc of a node that the failure moves, on its way there or coming to be on it."""
    far = scratch.far
    for arc in changed:
        here = after[arc]
        nearer = here.shifted < FAR and here.shifted + far[here.head] <= far[here.tail]
        if nearer or on_shifted_path(before, far, arc):
            for position in range(1, scratch.moved[0] + 1):
                if scratch.moved[position] == here.tail:
                    return True
    return False


@part
def fails_moved(after: Records, new: Ints, broken: Ints, moved: Words) -> bool:
    """Whether an arc fails which a node that the step moves sends by after it."""
    for position in range(1, broken[0] + 1):
        arc = broken[position]
        if holds(moved, after[arc].tail) and on_path(after, new, arc):
            return True
    return False


@part
def meet(graph: Graph, scratch: Scratch, moved: Words, touched: Words, nears: bool) -> bool:
    """Whether a failure and a step move what the other one touches; `graph` is that of the state last evaluated."""
    for position in range(1, scratch.passed[0] + 1):
        if holds(moved, scratch.passed[position]):
            return True
    for position in range(1, scratch.moved[0] + 1):
        node = scratch.moved[position]
        if holds(touched, node):
            return True
        for arc in range(graph.first_out[node], graph.first_out[node + 1]):
            if holds(moved, graph.arcs[arc].head) and (nears or on_shifted_path(graph.arcs, scratch.far, arc)):
                return True
    return False
