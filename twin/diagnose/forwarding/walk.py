"""Traffic for one target, hop by hop, where one router does not do what the IGP says: numba, no I/O.

The routers' choices are those of the simulator's shortest paths; only the deviation differs, and a packet that meets a
loop ends after 64 hops, as its time-to-live does.
"""

from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints
from twin.sim.arrays import FAR, Arrays, Flags
from twin.sim.jit import kernel
from twin.sim.kernels import Paths

MOST_HOPS = 64
NONE = -1
_NEGLIGIBLE = 1e-12  # share of what starts below which nothing more is followed


class Deviation(NamedTuple):
    """What one router does otherwise; positions of nodes and arcs in a compiled network, `NONE` where not."""

    node: int = NONE  # it sends all for the target by `via`, by no arc where that is `NONE`
    via: int = NONE
    barred: int = NONE  # arc by which nothing for the target may leave: it is dropped before
    left_out: int = NONE  # arc that is left out of groups of equal paths


IGP = Deviation()
"""Every router does what the IGP says."""


class Walked(NamedTuple):
    """What traffic for one target puts on each arc [m], and how much of it arrives, with its delay, Mbit/s x ms."""

    load: Floats
    arrived: float
    delay: float


def walk(arrays: Arrays, paths: Paths, target: int, start: Floats, way: Deviation = IGP) -> Walked:
    """Send what starts at each node, `start` [n] in Mbit/s, to the target; links deliver their share `keep`."""
    load = np.zeros(arrays.head.size)
    arrived, delay = _walk(_Ground(*(getattr(arrays, x) for x in _Ground._fields)), paths.dist[target], target, start,
                           way, load)  # fmt: skip
    return Walked(load, float(arrived), float(delay))


def regrouped(arrays: Arrays, paths: Paths, volume: Floats, arc: int) -> tuple[Floats, Ints]:
    """What leaving an arc out of every group of equal paths adds to each arc [m], Mbit/s, and the targets it changes.

    `volume` is what the IGP carries between nodes, by target first [n, n].
    """
    tail = int(arrays.tail[arc])
    targets = grouped_targets(arrays, paths, arc)
    change, way = np.zeros(arrays.head.size), Deviation(left_out=arc)
    for target in targets:
        t = int(target)
        start = np.zeros(arrays.up.size)
        start[tail] = walk_to(arrays, paths, t, volume[t], tail)
        if start[tail] > 0:
            change += walk(arrays, paths, t, start, way).load - walk(arrays, paths, t, start).load
    return change, targets


def grouped_targets(arrays: Arrays, paths: Paths, arc: int) -> Ints:
    """Targets towards which an arc is one of several equal next hops of its tail."""
    tail = int(arrays.tail[arc])
    first, last = int(arrays.first_out[tail]), int(arrays.first_out[tail + 1])
    tight = np.stack([tight_targets(arrays, paths, x) for x in range(first, last)])
    return np.flatnonzero(tight[arc - first] & (tight.sum(axis=0) > 1)).astype(np.int64)


def tight_targets(arrays: Arrays, paths: Paths, arc: int) -> Flags:
    """Targets [n] towards which an arc is on a shortest path of its tail."""
    u, v = int(arrays.tail[arc]), int(arrays.head[arc])
    to_tail, to_head = paths.dist[:, u], paths.dist[:, v]
    tight = (to_tail < FAR) & (arrays.weight[arc] + to_head == to_tail)
    return tight & ((not arrays.no_transit[v]) | (np.arange(arrays.up.size) == v))


def walk_to(arrays: Arrays, paths: Paths, target: int, start: Floats, node: int) -> float:
    """How much of what starts at each node for the target passes a node or starts there, Mbit/s."""
    if node == target:
        return 0.0
    entering = walk(arrays, paths, target, start).load[arrays.head == node]
    keep = arrays.keep[arrays.head == node]
    return float(start[node] + np.dot(entering, keep))


class _Ground(NamedTuple):
    """The arrays that a walk looks at."""

    first_out: Ints
    head: Ints
    weight: Ints
    keep: Floats
    delay: Floats
    no_transit: Ints


@kernel
def _walk(ground: _Ground, dist: Ints, target: int, start: Floats, way: Deviation, load: Floats) -> tuple[float, float]:
    n = dist.size
    here, spent = start.copy(), np.zeros(n)
    after, after_spent = np.zeros(n), np.zeros(n)
    hops = np.empty(load.size, np.int64)
    least = _NEGLIGIBLE * start.sum()
    arrived, delay = here[target], 0.0
    here[target] = 0.0
    for _ in range(MOST_HOPS):
        moved = 0.0
        for u in range(n):
            if here[u] <= 0.0:
                continue
            count = _choices(ground, dist, u, way, hops)
            for i in range(count):
                arc = hops[i]
                if arc == way.barred:
                    continue
                amount, time = here[u] / count, spent[u] / count
                load[arc] += amount
                v = ground.head[arc]
                after[v] += amount * ground.keep[arc]
                after_spent[v] += (time + amount * ground.delay[arc]) * ground.keep[arc]
                moved += amount
        arrived += after[target]
        delay += after_spent[target]
        after[target], after_spent[target] = 0.0, 0.0
        here, after = after, here
        spent, after_spent = after_spent, spent
        after[:] = 0.0
        after_spent[:] = 0.0
        if moved <= least:
            break
    return arrived, delay


@kernel
def _choices(ground: _Ground, dist: Ints, u: int, way: Deviation, hops: Ints) -> int:
    """Put the next hops of a router into `hops`; how many there are."""
    if u == way.node:
        hops[0] = way.via
        return 0 if way.via == NONE else 1
    count, out = 0, False
    if dist[u] >= FAR:
        return 0
    for arc in range(ground.first_out[u], ground.first_out[u + 1]):
        v = ground.head[arc]
        if ground.weight[arc] + dist[v] == dist[u] and (dist[v] == 0 or not ground.no_transit[v]):
            if arc == way.left_out:
                out = True
            else:
                hops[count] = arc
                count += 1
    if out and count == 0:
        hops[0] = way.left_out
        count = 1
    return count
