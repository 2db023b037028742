"""Traffic for one target, hop by hop, where routers do not do what the IGP says: numba, no I/O.

The routers' choices are those of the simulator's shortest paths; only the deviations differ, and a packet that meets a
loop ends after 64 hops, as its time-to-live does.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin.model import Bools, Floats, Ints

from .arrays import FAR, Arrays
from .graph import ends
from .jit import kernel
from .kernels import Paths

MOST_HOPS = 64
NONE = -1
_IGP = -2
_BLOCK = 32  # nodes
_NEGLIGIBLE = 1e-12  # share of what starts below which nothing more is followed


class Deviation(NamedTuple):
    """What one router does otherwise; positions of nodes and arcs in a compiled network, `NONE` where not."""

    node: int = NONE  # it sends all for the target by `via`, by no arc where that is `NONE`
    via: int = NONE
    barred: int = NONE  # arc by which nothing for the target may leave: it is dropped before
    left_out: int = NONE  # arc that is left out of groups of equal paths
    leads: tuple[int, ...] | None = None  # arcs by which all routers send, where that is not what the IGP says


IGP = Deviation()
"""Every router does what the IGP says."""


class Walked(NamedTuple):
    """What traffic for one target puts on each arc [m], and how much of it arrives, with its delay, Mbit/s x ms."""

    load: Floats
    arrived: float
    delay: float


def walk(arrays: Arrays, paths: Paths, target: int, start: Floats, *ways: Deviation) -> Walked:
    """Send what starts at each node, `start` [n] in Mbit/s, to the target; links deliver their share `keep`.

    Where several deviations bear on one router, the last one counts.
    """
    load = np.zeros(arrays.head.size)
    ground = _Ground(*(getattr(arrays, x) for x in _Ground._fields))
    arrived, delay = _walk(ground, paths.dist[target], target, start, _astray(arrays, ways), load)
    return Walked(load, float(arrived), float(delay))


def arrivals(arrays: Arrays, paths: Paths, target: int, *ways: Deviation) -> Floats:
    """Share of what starts at each node for the target that arrives there [n], as `walk` has it: within 64 hops."""
    ground = _Ground(*(getattr(arrays, x) for x in _Ground._fields))
    share = np.zeros(arrays.up.size)
    _arrive(ground, paths.dist[target], target, _astray(arrays, ways), share)
    return share


class _Astray(NamedTuple):
    via: Ints  # [n] arc by which a router sends everything, NONE where it drops it, _IGP where it does as it should
    barred: Bools  # [m]
    left_out: Bools  # [m]
    leads: Bools  # [m] what routers send by, where `led`
    led: bool


def _astray(arrays: Arrays, ways: Sequence[Deviation]) -> _Astray:
    m = arrays.head.size
    barred, left_out, leads = (np.zeros(m, np.bool_) for _ in range(3))
    led = any(way.leads is not None for way in ways)
    found = _Astray(np.full(arrays.up.size, _IGP, np.int64), barred, left_out, leads, led)
    for way in ways:
        found.leads[list(way.leads or ())] = True
        if way.node != NONE:
            found.via[way.node] = way.via
        if way.barred != NONE:
            found.barred[way.barred] = True
        if way.left_out != NONE:
            found.left_out[way.left_out] = True
    return found


class _Ground(NamedTuple):
    """The arrays that a walk looks at."""

    first_out: Ints
    head: Ints
    weight: Ints
    keep: Floats
    delay: Floats
    no_transit: Ints


@kernel
def _walk(
    ground: _Ground, dist: Ints, target: int, start: Floats, astray: _Astray, load: Floats
) -> tuple[float, float]:
    """Add to `load` [m]. Nodes are looked at in blocks, as what starts at few of them is at few of them at a time."""
    n = dist.size
    here, spent = start.copy(), np.zeros(n)
    after, after_spent = np.zeros(n), np.zeros(n)
    hops = np.empty(load.size, np.int64)
    blocks = (n + _BLOCK - 1) // _BLOCK
    busy, next_busy = np.ones(blocks, np.bool_), np.zeros(blocks, np.bool_)
    least = _NEGLIGIBLE * start.sum()
    arrived, delay = here[target], 0.0
    here[target] = 0.0
    for _ in range(MOST_HOPS):
        moved = 0.0
        for block in range(blocks):
            if not busy[block]:
                continue
            busy[block] = False
            for u in range(block * _BLOCK, min(n, (block + 1) * _BLOCK)):
                if here[u] > 0.0:
                    moved += _pass_on(ground, dist, u, astray, load, (here, spent, after, after_spent, next_busy, hops))
        arrived += after[target]
        delay += after_spent[target]
        after[target], after_spent[target] = 0.0, 0.0
        here, after = after, here
        spent, after_spent = after_spent, spent
        busy, next_busy = next_busy, busy
        if moved <= least:
            break
    return arrived, delay


@kernel
def _pass_on(
    ground: _Ground,
    dist: Ints,
    u: int,
    astray: _Astray,
    load: Floats,
    room: tuple[Floats, Floats, Floats, Floats, Bools, Ints],
) -> float:
    """Take what is at a node one hop on; returns how much that is."""
    here, spent, after, after_spent, busy, hops = room
    count, moved = _choices(ground, dist, u, astray, hops), 0.0
    for i in range(count):
        arc = hops[i]
        if astray.barred[arc]:
            continue
        amount, time = here[u] / count, spent[u] / count
        load[arc] += amount
        v = ground.head[arc]
        after[v] += amount * ground.keep[arc]
        after_spent[v] += (time + amount * ground.delay[arc]) * ground.keep[arc]
        busy[v // _BLOCK] = True
        moved += amount
    here[u], spent[u] = 0.0, 0.0
    return moved


@kernel
def _arrive(ground: _Ground, dist: Ints, target: int, astray: _Astray, share: Floats) -> None:
    """Let what arrives within one hop more count at every node, 64 times or until nothing changes.

    In the order of their distance most nodes hang on nearer ones alone: where one pass in that order leaves nothing to
    change, and no way has more than 64 hops, it is the answer.
    """
    before, hops = np.zeros(share.size), np.empty(ground.head.size, np.int64)
    share[target] = 1.0
    if _arrive_in_order(ground, dist, target, astray, share, hops) <= MOST_HOPS:
        before[:] = share
        if _once_more(ground, dist, target, astray, (before, share), hops) <= _NEGLIGIBLE:
            return
    share[:] = 0.0
    share[target] = 1.0
    for _ in range(MOST_HOPS):
        before[:] = share
        if _once_more(ground, dist, target, astray, (before, share), hops) <= _NEGLIGIBLE:
            break


@kernel
def _arrive_in_order(ground: _Ground, dist: Ints, target: int, astray: _Astray, share: Floats, hops: Ints) -> int:
    """Let the nodes have what arrives from their next hops, the nearest first; returns the most hops of any way."""
    far = np.zeros(share.size, np.int64)
    for u in np.argsort(dist):
        if u == target:
            continue
        count, arrives = _choices(ground, dist, u, astray, hops), 0.0
        for i in range(count):
            v = ground.head[hops[i]]
            if not astray.barred[hops[i]]:
                arrives += ground.keep[hops[i]] * share[v] / count
                far[u] = max(far[u], far[v] + 1)
        share[u] = arrives
    return int(far.max())


@kernel
def _once_more(
    ground: _Ground, dist: Ints, target: int, astray: _Astray, shares: tuple[Floats, Floats], hops: Ints
) -> float:
    """Set the second shares to what arrives within one hop more than the first; returns the largest change."""
    before, share = shares
    most = 0.0
    for u in range(share.size):
        if u == target:
            continue
        count, arrives = _choices(ground, dist, u, astray, hops), 0.0
        for i in range(count):
            if not astray.barred[hops[i]]:
                arrives += ground.keep[hops[i]] * before[ground.head[hops[i]]] / count
        most = max(most, abs(arrives - before[u]))
        share[u] = arrives
    return most


@kernel
def _choices(ground: _Ground, dist: Ints, u: int, astray: _Astray, hops: Ints) -> int:
    """Put the next hops of a router into `hops`; how many there are."""
    if astray.via[u] != _IGP:
        hops[0] = astray.via[u]
        return 0 if astray.via[u] == NONE else 1
    count, out = 0, NONE
    if astray.led:
        for arc in range(ground.first_out[u], ground.first_out[u + 1]):
            if astray.leads[arc]:
                hops[count] = arc
                count += 1
        return count
    if dist[u] >= FAR:
        return 0
    for arc in range(ground.first_out[u], ground.first_out[u + 1]):
        v = ground.head[arc]
        if ground.weight[arc] + dist[v] == dist[u] and (ends(int(dist[v])) or not ground.no_transit[v]):
            if astray.left_out[arc]:
                out = arc
            else:
                hops[count] = arc
                count += 1
    if out != NONE and count == 0:
        hops[0] = out
        count = 1
    return count
