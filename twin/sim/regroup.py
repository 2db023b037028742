"""What a router that leaves an arc out of its groups of equal paths changes, and for which targets."""

import numpy as np

from twin.model import Bools, Floats, Ints

from .arrays import EXIT, FAR, Arrays
from .kernels import Paths
from .walk import Deviation, walk


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


def tight_targets(arrays: Arrays, paths: Paths, arc: int) -> Bools:
    """Targets [n] towards which an arc is on a shortest path of its tail."""
    u, v = int(arrays.tail[arc]), int(arrays.head[arc])
    to_tail, to_head = paths.dist[:, u], paths.dist[:, v]
    tight = (to_tail < FAR) & (arrays.weight[arc] + to_head == to_tail)
    return tight & ((not arrays.no_transit[v]) | (to_head % EXIT == 0))


def walk_to(arrays: Arrays, paths: Paths, target: int, start: Floats, node: int) -> float:
    """How much of what starts at each node for the target passes a node or starts there, Mbit/s."""
    if node == target:
        return 0.0
    entering = walk(arrays, paths, target, start).load[arrays.head == node]
    keep = arrays.keep[arrays.head == node]
    return float(start[node] + np.dot(entering, keep))
