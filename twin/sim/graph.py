"""The graph as the kernels walk it: one record per arc, so that a visit reads one cache line."""

from collections import deque
from operator import is_
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from twin.model import Ints

from .arrays import EXIT, FAR, Arrays, Flags, Ids, read_only
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


class Incoming(NamedTuple):
    """The arcs by head, side by side, for a search that starts at targets; read-only."""

    first: Ids  # [n + 1]
    tail: Ids  # [m]
    weight: Ints  # [m]
    no_transit: Flags  # [n]
    up: Flags  # [n]


class _Laid(NamedTuple):
    """What all states of a network share whose links and drained nodes are the same, laid out once."""

    parts: tuple[object, ...]  # of `Arrays`, the very ones
    arcs: NDArray[Any]  # of ARC, without weights
    rest: Graph  # read-only, without arcs
    tail: Ids  # by head, read-only


_laid: deque[_Laid] = deque(maxlen=16)


def _layout(arrays: Arrays) -> _Laid:
    """Return what is laid out of arrays; states that are evaluated one after the other mostly share it."""
    parts = (
        arrays.head, arrays.tail, arrays.delay, arrays.keep, arrays.no_transit,
        arrays.first_out, arrays.first_in, arrays.arc_in,
    )  # fmt: skip
    for known in tuple(_laid):
        if all(map(is_, known.parts, parts)):
            return known
    arcs = np.zeros(len(arrays.head), dtype=ARC)
    for field in ("tail", "head", "delay", "keep"):
        arcs[field] = getattr(arrays, field)
    arcs["closed"] = arrays.no_transit[arrays.head]
    empty = cast("Records", arcs[:0])
    rest = Graph(empty, arrays.first_out, arrays.first_in, arrays.arc_in, arrays.no_transit)
    tail = arrays.tail[arrays.arc_in]
    tail.setflags(write=False)
    made = _Laid(parts, arcs, read_only(rest), tail)
    _laid.append(made)
    return made


def graph_of(arrays: Arrays) -> Graph:
    """Return the graph of a compiled network: its arcs may be changed at will, the rest is shared and only read."""
    laid = _layout(arrays)
    arcs = laid.arcs.copy()
    arcs["weight"] = arcs["shifted"] = arrays.weight
    return Graph(cast("Records", arcs), *laid.rest[1:])


def incoming_of(arrays: Arrays) -> Incoming:
    """Return the arcs of a compiled network by head."""
    laid = _layout(arrays)
    weight, up = arrays.weight[arrays.arc_in], arrays.up.view()
    for array in (weight, up):
        array.setflags(write=False)
    return Incoming(laid.rest.first_in, laid.tail, weight, laid.rest.no_transit, up)


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
