"""The graph as the kernels walk it: one record per arc, so that a visit reads one cache line."""

from typing import NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from twin.model import Ints

from .arrays import EXIT, FAR, Arrays, Ids, read_only
from .jit import part


class Arc(Protocol):
    """One directed link in the hands of a kernel."""

    tail: int
    head: int
    weight: int  # FAR where routing may not use it
    shifted: int  # the weight under the failure or change in hand
    delay: float  # ms
    keep: float  # share of the traffic that it delivers
    closed: bool  # the head carries no transit: on a path to the head only


class Records(Protocol):
    """An array of `ARC`, as its elements look."""

    size: int

    def __getitem__(self, position: int) -> Arc: ...


ARC = np.dtype(
    [
        ("tail", np.int32),
        ("head", np.int32),
        ("weight", np.int64),
        ("shifted", np.int64),
        ("delay", np.float64),
        ("keep", np.float64),
        ("closed", np.bool_),
    ],
    align=True,
)


class Graph(NamedTuple):
    """A compiled network's graph. n nodes, m arcs, in the order of `Arrays`."""

    arcs: Records  # [m] of ARC
    first_out: Ids  # [n + 1]
    first_in: Ids  # [n + 1]
    arc_in: Ids  # [m]
    no_transit: NDArray[np.bool_]  # [n]


def graph_of(arrays: Arrays) -> Graph:
    """Return the graph of a compiled network: its arcs may be changed at will, the rest is shared and only read."""
    arcs = np.zeros(len(arrays.head), dtype=ARC)
    for field in ("tail", "head", "weight", "delay", "keep"):
        arcs[field] = getattr(arrays, field)
    arcs["shifted"] = arrays.weight
    arcs["closed"] = arrays.no_transit[arrays.head]
    shape = read_only(Graph(cast("Records", arcs), arrays.first_out, arrays.first_in, arrays.arc_in, arrays.no_transit))
    return shape._replace(arcs=cast("Records", arcs))


@part
def ends(rest: int) -> bool:
    """Whether traffic ends at a node of this distance: it is the target, or leaves by an exit of its own there."""
    return rest & (EXIT - 1) == 0


@part
def on_path(arcs: Records, dist: Ints, arc: int) -> bool:
    """Whether the arc is on a shortest path to the target that `dist` [n] leads to, by the weights."""
    here = arcs[arc]
    far, rest = dist[here.tail], dist[here.head]
    return far < FAR and here.weight + rest == far and (ends(rest) or not here.closed)


@part
def on_shifted_path(arcs: Records, dist: Ints, arc: int) -> bool:
    """Whether the arc is on a shortest path to the target that `dist` [n] leads to, by the shifted weights."""
    here = arcs[arc]
    far, rest = dist[here.tail], dist[here.head]
    return far < FAR and here.shifted + rest == far and (ends(rest) or not here.closed)
