"""The routing tables of the emulated network: every router's next hops towards every target."""

import heapq
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.model import Ints, Network


class Tables(NamedTuple):
    """The routing of every node towards every target. n nodes, m links."""

    distance: Ints  # [target, node] IGP distance, -1 where there is no path
    first: Ints  # [n * n + 1] start of the next hops of slot target * n + node
    links: Ints  # next-hop links of all slots, in the order of position


def routing_tables(network: Network) -> Tables:
    """Compute every router's next hops. A drained node is entered only as a target; unusable links are left out."""
    n, usable = len(network.nodes), usable_links(network)
    tail, head = link_ends(network)
    weight = np.array([link.weight for link in network.links], dtype=np.int64)
    drained = np.array([node.drained for node in network.nodes], dtype=bool)
    distance = np.full((n, n), -1, dtype=np.int64)
    entering: list[list[tuple[int, int]]] = [[] for _ in range(n)]
    for position in np.flatnonzero(usable).tolist():
        entering[int(head[position])].append((int(weight[position]), int(tail[position])))
    for target in range(n):
        _distances(entering, drained, target, distance[target])
    enters = usable & (~drained[head] | (head == np.arange(n)[:, None]))
    reached = distance[:, head] >= 0
    tight = enters & reached & (distance[:, tail] == weight + distance[:, head])
    target, position = np.nonzero(tight)
    slot = target * n + tail[position]
    order = np.argsort(slot, kind="stable")
    first = np.concatenate(([0], np.cumsum(np.bincount(slot, minlength=n * n))))
    return Tables(distance, first.astype(np.int64), position[order])


def usable_links(network: Network) -> NDArray[np.bool_]:
    """Which links routing may use: usable themselves, both ends up, and each end told of by the other. [m].

    What a router says of a neighbour counts once the neighbour says it, too (ISO 10589 C.2.7, RFC 2328 16.1 (2b)).
    """
    up = {node.name: node.up for node in network.nodes}
    told = {(x.tail, x.head, x.index) for x in network.links if x.up and x.adjacent and not x.asleep}
    there = {(x.tail, x.head, x.index) for x in network.links}
    trusted = {x.at for x in network.astray if x.does == "trust"}
    alive: list[bool] = []
    for link in network.links:
        back = (link.head, link.tail, link.index)
        heard = back in told or back not in there or link.name in trusted
        alive.append(link.usable and up[link.tail] and up[link.head] and heard)
    return np.array(alive, dtype=bool)


def link_ends(network: Network) -> tuple[Ints, Ints]:
    """Node positions of the tail and the head of each link. [m], [m]."""
    tail = np.array([network.node_index[link.tail] for link in network.links], dtype=np.int64)
    head = np.array([network.node_index[link.head] for link in network.links], dtype=np.int64)
    return tail, head


def _distances(entering: list[list[tuple[int, int]]], drained: NDArray[np.bool_], target: int, out: Ints) -> None:
    """Fill the distances to one target (Dijkstra backwards); a drained node is reached but never gone through."""
    heap = [(0, target)]
    while heap:
        near, node = heapq.heappop(heap)
        if out[node] >= 0:
            continue
        out[node] = near
        if node != target and drained[node]:
            continue
        for weight, tail in entering[node]:
            if out[tail] < 0:
                heapq.heappush(heap, (near + weight, tail))
