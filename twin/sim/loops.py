"""Loops while routers converge: each changes over on its own, so that old and new next hops stand side by side.

A packet can loop on its way to a target if and only if the union of the old and the new next hops has a cycle: each
router of the cycle uses one of the two, and some order of changing over makes just that mixture [Francois, Bonaventure,
"Avoiding transient loops during the convergence of link-state routing protocols", IEEE/ACM ToN 15(6), 2007].
"""

from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints

from .arrays import Arrays, Flags
from .graph import Graph, graph_of, on_path
from .jit import part
from .route import Routing


class Loops(NamedTuple):
    """Where packets may loop between two states of a network. n nodes."""

    caught: Flags  # [n, n] by target first: what stands at a node for this target can reach a cycle
    volume: Floats  # [n] Mbit/s to each target that can reach one, the larger of both states

    @property
    def possible(self) -> bool:
        """Whether there is a cycle for any target."""
        return bool(self.caught.any())


def loops_between(before: tuple[Arrays, Routing], after: tuple[Arrays, Routing]) -> Loops:
    """Return what may loop while routers change over from one state to the other, of the same nodes and links.

    `volume` is a bound: which packets really loop, and for how long, depends on the order in which routers change over.
    """
    (first, was), (second, now) = before, after
    n = len(first.up)
    caught = np.zeros((n, n), dtype=np.bool_)
    union = _Union(graph_of(first), graph_of(second), was.paths.dist, now.paths.dist)
    _find_cycles(union, np.zeros(n, np.int64), np.zeros(n, np.int64), caught)
    volume = np.where(caught, np.maximum(was.volume, now.volume), 0.0)
    return Loops(caught, volume.sum(axis=1))


class _Union(NamedTuple):
    """Both states' graphs, with the same arcs, and distances by target first."""

    first: Graph
    second: Graph
    was: Ints  # [n, n]
    now: Ints  # [n, n]


@part
def _find_cycles(union: _Union, degree: Ints, queue: Ints, caught: Flags) -> None:
    """Peel off, target by target, the nodes all of whose next hops are peeled off: what is left can reach a cycle."""
    first, n = union.first, degree.size
    for t in range(n):
        filled, position = 0, 0
        for node in range(n):
            degree[node] = 0
            for arc in range(first.first_out[node], first.first_out[node + 1]):
                degree[node] += _leads(union, t, arc)
            if degree[node] == 0:
                queue[filled] = node
                filled += 1
        while position < filled:
            node = queue[position]
            position += 1
            for k in range(first.first_in[node], first.first_in[node + 1]):
                tail = first.arcs[first.arc_in[k]].tail
                if _leads(union, t, first.arc_in[k]):
                    degree[tail] -= 1
                    if degree[tail] == 0:
                        queue[filled] = tail
                        filled += 1
        for node in range(n):
            caught[t, node] = degree[node] > 0


@part
def _leads(union: _Union, t: int, arc: int) -> bool:
    """Whether the arc is a next hop to the target in either state."""
    return on_path(union.first.arcs, union.was[t], arc) or on_path(union.second.arcs, union.now[t], arc)
