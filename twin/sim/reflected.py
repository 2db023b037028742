"""Which way out each router takes where route reflectors tell of exits, each of its own choice alone: no I/O.

RFC 4456: a reflector passes on its best path and no other one. Its clients leave by the exits that are the reflectors'
choice, not by their own nearest ones, and as each router on the way chooses for itself, traffic may leave by another
exit than the one it was sent to, or go round. RFC 4271, section 9.1.2.2, has the order of preference: what the exits
are worth, an exit of one's own, distance; a reflector that finds several as near takes the router that stands first.
"""

from collections.abc import Iterator, Sequence
from itertools import islice, product
from math import prod
from typing import NamedTuple

import numpy as np

from twin.model import Bools, Ints

from .arrays import EXIT, FAR, Arrays
from .kernels import Paths

_MOST_VARIANTS = 256


class _Exits(NamedTuple):
    """The exits of one group that are in use, and what every node has of them. e exits, n nodes."""

    arc: Ints  # [e]
    at: Ints  # [e] the router
    worth: Ints  # [e] the lower the better
    far: Ints  # [e, n] from each node to the router, `FAR` where there is no path
    own: Bools  # [e, n] the node is the router


def reflected_arcs(arrays: Arrays, paths: Paths, reflectors: Sequence[int]) -> dict[int, Bools]:
    """The arcs by which each router sends what goes to a group of exits [m], by the group.

    All other routers have sessions with the reflectors alone, and those with each other.
    """
    exits = (arrays.weight >= EXIT) & (arrays.weight < FAR)
    return {int(group): _leading(arrays, paths, int(group), reflectors) for group in np.unique(arrays.head[exits])}


def variants(arrays: Arrays, leads: Bools) -> Iterator[tuple[int, ...]]:
    """The arcs by which routers send as equal shares of the flows meet them, each such share as likely.

    Where traffic could go round, every router on the way round has one next hop of those that it has: all combinations,
    or `_MOST_VARIANTS` of them evenly spread. Where it could not, there is one: flows are split as they come.
    """
    ways = {u: [a for a in _leaving(arrays, u) if leads[a]] for u in _on_rounds(arrays, leads)}
    others = tuple(a for a in np.flatnonzero(leads).tolist() if int(arrays.tail[a]) not in ways)
    step = -(-prod(map(len, ways.values())) // _MOST_VARIANTS)
    for choice in islice(product(*ways.values()), 0, None, step):
        yield (*others, *choice)


def _leaving(arrays: Arrays, u: int) -> range:
    return range(int(arrays.first_out[u]), int(arrays.first_out[u + 1]))


def _on_rounds(arrays: Arrays, leads: Bools) -> tuple[int, ...]:
    """Routers from which and to which traffic may go round: what is left when ends and beginnings are taken off."""
    tail, head = arrays.tail[leads], arrays.head[leads]
    left = np.unique(tail)
    while True:
        inside = np.isin(tail, left) & np.isin(head, left)
        kept = left[np.isin(left, tail[inside]) & np.isin(left, head[inside])]
        if kept.size == left.size:
            return tuple(left.tolist())
        left = kept


def _leading(arrays: Arrays, paths: Paths, group: int, reflectors: Sequence[int]) -> Bools:
    arc = np.flatnonzero((arrays.head == group) & (arrays.weight < FAR))
    at, nodes = arrays.tail[arc].astype(np.int64), np.arange(arrays.up.size)
    exits = _Exits(arc, at, arrays.weight[arc], paths.dist[at], at[:, None] == nodes)
    chosen = _chosen(exits, paths, [x for x in reflectors if arrays.up[x]])
    leads = np.zeros(arrays.head.size, dtype=np.bool_)
    own = (chosen & exits.own).any(axis=1)
    leads[exits.arc[own]] = True
    for i, router in enumerate(exits.at.tolist()):
        dist = paths.dist[router]
        enters = ~arrays.no_transit[arrays.head] | (arrays.head == router)
        on_path = enters & (arrays.weight < FAR) & (arrays.weight + dist[arrays.head] == dist[arrays.tail])
        leads |= on_path & (chosen & ~exits.own)[i, arrays.tail]
    return leads


def _chosen(exits: _Exits, paths: Paths, reflectors: Sequence[int]) -> Bools:
    """The exits that each node leaves by [e, n].

    The router of an exit that hears of a better one tells of its own no more, so that is asked until nothing changes.
    """
    told = np.ones(exits.arc.size, dtype=np.bool_)
    while True:
        heard = exits.own.copy()
        for reflector in reflectors:
            known = exits.own[:, reflector] | (told & (exits.far[:, reflector] < FAR))
            if known.any():
                session = (paths.dist[reflector] < FAR) & (paths.dist[:, reflector] < FAR)
                pick = min(np.flatnonzero(known).tolist(), key=lambda i: _rank(exits, i, reflector))
                heard[pick] |= session
                heard[:, reflector] |= known
        heard &= exits.far < FAR
        worth = np.where(heard, exits.worth[:, None], FAR)
        best = worth.min(axis=0)
        left = told & (exits.worth <= best[exits.at])
        if (left == told).all():
            break
        told = left
    first = heard & (worth == best)
    far = np.where(first, np.where(exits.own, -1, exits.far), FAR)
    return first & (far == far.min(axis=0))


def _rank(exits: _Exits, i: int, node: int) -> tuple[int, bool, int, int]:
    """The order in which one node prefers exits, the least first."""
    return int(exits.worth[i]), not exits.own[i, node], int(exits.far[i, node]), int(exits.at[i])
