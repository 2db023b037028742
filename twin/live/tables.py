"""The routing tables of the emulated network: every router's next hops towards every target."""

import heapq
from collections.abc import Mapping
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
    """Compute every router's next hops. A drained node is entered only as a target; unusable links are left out.

    Towards a group of exits every router goes by what the exits tell it of: see `_to_exits`.
    """
    n, usable = len(network.nodes), usable_links(network)
    tail, head = link_ends(network)
    weight, drained = advertised(network), refusing_transit(network)
    distance = np.full((n, n), -1, dtype=np.int64)
    entering: list[list[tuple[int, int]]] = [[] for _ in range(n)]
    for position in np.flatnonzero(usable).tolist():
        entering[int(head[position])].append((int(weight[position]), int(tail[position])))
    groups = [i for i, node in enumerate(network.nodes) if node.kind == "exits"]
    for target in range(n):
        _distances(entering, drained, {target: 0}, distance[target])
    enters = usable & (~drained[head] | (head == np.arange(n)[:, None]))
    reached = distance[:, head] >= 0
    tight = enters & reached & (distance[:, tail] == weight + distance[:, head])
    for group in groups:
        tight[group] = _to_exits(network, usable, entering, group, distance[group])
    reflectors = [network.node_index[x.at] for x in network.astray if x.does == "reflect"]
    for group in groups if reflectors else ():
        if not any(x.does == "claim" and x.target == network.nodes[group].name for x in network.astray):
            tight[group] = told_by_reflectors(network, tight, distance, group, reflectors)
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


def refusing_transit(network: Network) -> NDArray[np.bool_]:
    """Which routers set the overload bit, and so are never gone through [n]. OSPF has none: they are stubs there."""
    refuses = [x.drained and not x.cost_out and network.igp != "ospf" for x in network.nodes]
    return np.array(refuses, dtype=bool)


def advertised(network: Network) -> Ints:
    """Metric of each link as its router floods it [m]; circuits and routers that are costed out flood the largest.

    An exit has its preference, which no metric changes; one that is costed out comes after every other.
    """
    metric = np.array([link.weight for link in network.links], dtype=np.int64)
    highest = {"isis-narrow": 63, "isis": (1 << 24) - 2, "ospf": 0xFFFF}.get(network.igp)
    if highest is None:
        in_use = metric[metric < (1 << 24) - 1]
        highest = (1 << 24) - 2 if (in_use > 0xFFFF).any() else 0xFFFF
    stubs = {x.name for x in network.nodes if x.drained and (x.cost_out or network.igp == "ospf")}
    beyond = {x.name for x in network.nodes if x.kind == "exits"}
    for position, link in enumerate(network.links):
        last = link.drained and link.cost_out
        if link.head in beyond:
            metric[position] = 256 if last else link.weight
        else:
            metric[position] = max(highest, link.weight) if last or link.tail in stubs else link.weight
    return metric


def link_ends(network: Network) -> tuple[Ints, Ints]:
    """Node positions of the tail and the head of each link. [m], [m]."""
    tail = np.array([network.node_index[link.tail] for link in network.links], dtype=np.int64)
    head = np.array([network.node_index[link.head] for link in network.links], dtype=np.int64)
    return tail, head


def _to_exits(
    network: Network, usable: NDArray[np.bool_], entering: list[list[tuple[int, int]]], group: int, out: Ints
) -> NDArray[np.bool_]:
    """Which links lead to a group of exits [m], as BGP has it; fills the distances to the exit that each node chooses.

    The most preferred exits tell of themselves first; who hears of them takes the nearest. A router that does so and
    has a less preferred exit of its own keeps quiet about that, and so on for those who have heard of none.
    """
    tail, head = link_ends(network)
    drained = refusing_transit(network)
    out[:] = -1
    leads = np.zeros(len(network.links), dtype=bool)
    ways = [i for i in network.exits if head[i] == group and usable[i]]
    false, weight = _claims(network, group), advertised(network)
    preferences = {i: int(weight[i]) for i in ways}
    for i in false.links:  # as long as the best of the true ones
        preferences[i] = min((preferences[x] for x in ways), default=1)
    ways += [i for i in false.links if usable[i]]
    for preference in sorted({*preferences.values(), *(0 for _ in false.nodes)}):
        own = [i for i in ways if preferences[i] == preference and out[tail[i]] < 0]
        near = np.full(len(out), -1, dtype=np.int64)
        ends = {int(tail[i]): 0 for i in own} | (dict.fromkeys(false.nodes, 0) if preference == 0 else {})
        _distances(entering, drained, ends, near)
        fresh = (near >= 0) & (out < 0)
        inner = usable & (head != group) & fresh[tail] & (near[head] >= 0) & (near[tail] > 0)
        leads |= inner & (near[tail] == weight + near[head]) & (~drained[head] | (near[head] == 0))
        leads[own] = True
        out[fresh] = near[fresh]
    out[group] = 0
    return leads


def told_by_reflectors(
    network: Network, tight: NDArray[np.bool_], distance: Ints, group: int, reflectors: list[int]
) -> NDArray[np.bool_]:
    """Which links lead to a group of exits [m] where reflectors pass on their own best path each, and no other.

    `tight` are the links on shortest paths to each target [n, m], `distance` how far targets are [n, n], -1 without a
    path. Every router takes the best of what it is told and of what it has itself, as `_to_exits` has it.
    """
    tail, _ = link_ends(network)
    usable, weight = usable_links(network), advertised(network)
    mine: dict[int, list[int]] = {}
    for i in network.exits:
        if network.links[i].head == network.nodes[group].name and usable[i]:
            mine.setdefault(int(tail[i]), []).append(i)
    rank = {x: min(int(weight[i]) for i in links) for x, links in mine.items()}
    speaking = set(mine)
    alive = [x for x in reflectors if network.nodes[x].up]
    while True:
        hears = {u: _heard(u, speaking, rank, distance, alive) for u in range(len(network.nodes))}
        still = {x for x in speaking if rank[x] <= min(rank[y] for y in hears[x] | {x})}
        if still == speaking:
            break
        speaking = still
    leads = np.zeros(len(network.links), dtype=bool)
    for u, known in hears.items():
        options = known | ({u} if u in mine else set[int]())
        if not options or network.nodes[u].kind == "exits":
            continue
        best = min(rank[x] for x in options)
        if u in mine and rank[u] == best:
            leads[[i for i in mine[u] if weight[i] == best]] = True
            continue
        near = min(int(distance[x, u]) for x in options if rank[x] == best)
        for x in options:
            if rank[x] == best and distance[x, u] == near:
                leads |= tight[x] & (tail == u)
    return leads


def _heard(u: int, speaking: set[int], rank: dict[int, int], distance: Ints, reflectors: list[int]) -> set[int]:
    """Routers of exits that a router hears of and reaches; a reflector hears of all that speak."""
    if u in reflectors:
        return {x for x in speaking if x != u and distance[x, u] >= 0}
    heard = set[int]()
    for r in reflectors:
        if distance[r, u] < 0 or distance[u, r] < 0:
            continue
        known = {x for x in speaking if distance[x, r] >= 0}
        if known:
            heard.add(min(known, key=lambda x: (rank[x], x != r, int(distance[x, r]), x)))
    return {x for x in heard if x != u and distance[x, u] >= 0}


class _Claims(NamedTuple):
    """Who says falsely to lead to a group: routers, as if it were theirs, and links to others that say so."""

    nodes: list[int]
    links: list[int]


def _claims(network: Network, group: int) -> _Claims:
    at = [x.at for x in network.astray if x.does == "claim" and x.target == network.nodes[group].name]
    return _Claims(
        [network.node_index[x] for x in at if x in network.node_index],
        [network.link_index[x] for x in at if x in network.link_index],
    )


def _distances(
    entering: list[list[tuple[int, int]]], drained: NDArray[np.bool_], to: Mapping[int, int], out: Ints
) -> None:
    """Fill the distances to one target or the nearest of several (Dijkstra backwards).

    A drained node is reached but never gone through.
    """
    heap = [(far, target) for target, far in to.items()]
    heapq.heapify(heap)
    while heap:
        near, node = heapq.heappop(heap)
        if out[node] >= 0:
            continue
        out[node] = near
        if node not in to and drained[node]:
            continue
        for weight, tail in entering[node]:
            if out[tail] < 0:
                heapq.heappush(heap, (near + weight, tail))
