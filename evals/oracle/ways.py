"""Which ways traffic takes to each node, from the definitions, in plain Python."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cached_property
from math import inf
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import networkx as nx
import numpy as np

from twin.model import Network
from twin.shape import Shape

_RECENT = 200
"""States under a failure whose ways are remembered: the same state is asked about under several matrices."""


class Failed(NamedTuple):
    """What fails together: circuits by id, and a node by name."""

    name: str
    links: frozenset[str] = frozenset()
    node: str | None = None


class Hop(NamedTuple):
    """A link that routers use."""

    name: str
    tail: str
    head: str
    weight: int
    delay: float


class Towards:
    """Shortest paths to one target: drained nodes carry no transit, ties split per link."""

    target: str
    far: dict[str, float]
    hops: dict[str, list[Hop]]
    order: list[str]
    delay: dict[str, float]
    """The mean over the ways, ms."""
    longest: dict[str, float]
    """Of the way that takes longest, ms."""
    passed: Mapping[str, float]
    """Share of what it carries that each link passes on."""
    alive: dict[str, float]

    def __init__(
        self, far: dict[str, float], leaving: Mapping[str, Sequence[Hop]], target: str, drained: set[str]
    ) -> None:
        self.target, self.far, self.hops = target, far, {target: []}
        for node, distance in far.items():
            if node != target:
                self.hops[node] = [
                    hop
                    for hop in leaving[node]
                    if (hop.head == target or hop.head not in drained)
                    and far.get(hop.head, inf) + hop.weight == distance
                ]
        self._expect()

    def _expect(self) -> None:
        self.order = sorted(self.far, key=lambda node: self.far[node])
        self.delay, self.longest = {self.target: 0.0}, {self.target: 0.0}
        for node in self.order[1:]:
            self.delay[node] = sum(x.delay + self.delay[x.head] for x in self.hops[node]) / len(self.hops[node])
            self.longest[node] = max(x.delay + self.longest[x.head] for x in self.hops[node])

    def pass_on(self, passed: Mapping[str, float]) -> None:
        """Have the links pass on such shares of what they carry."""
        self.passed, self.alive = passed, {self.target: 1.0}
        for node in self.order[1:]:
            hops = self.hops[node]
            self.alive[node] = sum(passed[x.name] * self.alive[x.head] for x in hops) / len(hops)

    def passing(self, passed: Mapping[str, float]) -> "Towards":
        """The same ways, by links that pass on such shares."""
        other = Towards.__new__(Towards)
        other.target, other.far, other.hops = self.target, self.far, self.hops
        other.order, other.delay, other.longest = self.order, self.delay, self.longest
        other.pass_on(passed)
        return other


class _Beyond(Towards):
    """Ways to a group of exits: preference by preference, of those that are left the nearest; who is done is done.

    Ranks are kept apart from distances: each stands for a billion.
    """

    def __init__(self, hops: list[Hop], target: str, drained: set[str], up: set[str]) -> None:
        self.target, self.far, self.hops = target, {target: -1.0}, {target: []}
        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        graph.add_nodes_from(up)
        graph.add_edges_from((hop.head, hop.tail, {"weight": hop.weight}) for hop in hops)
        exits = [hop for hop in hops if hop.head == target]
        for rank in sorted({hop.weight for hop in exits}):
            own = {hop.tail for hop in exits if hop.weight == rank} - set(self.far)
            near = _nearest(graph, own, drained, target)
            for node in sorted(set(near) - set(self.far), key=lambda x: near[x]):
                inner = [
                    hop
                    for hop in hops
                    if hop.tail == node
                    and hop.head != target
                    and near.get(hop.head, inf) + hop.weight == near[node]
                    and (hop.head in own or hop.head not in drained)
                ]
                last = [hop for hop in exits if hop.tail == node and hop.weight == rank]
                self.hops[node] = last if node in own else inner
                self.far[node] = rank * 1e9 + near[node]
        self._expect()


def _nearest(graph: "nx.MultiDiGraph[str]", own: set[str], drained: set[str], target: str) -> dict[str, float]:
    """Distance of every node to the nearest of some routers, through no drained one."""

    def allowed(head: str, tail: str, parallels: dict[int, dict[str, int]]) -> int | None:
        blocked = tail == target or head == target or (head in drained and head not in own)
        return None if blocked else min(x["weight"] for x in parallels.values())

    weight: Any = allowed  # the stub knows simple graphs only
    return nx.multi_source_dijkstra_path_length(graph, own, weight=weight) if own else {}


def overloaded(network: Network) -> set[str]:
    """Routers that set the overload bit. One that is costed out, and any drained one of OSPF, does not."""
    return {x.name for x in network.nodes if x.drained and not (x.cost_out or network.igp == "ospf")}


def metrics(network: Network) -> dict[str, int]:
    """What each link costs: the largest metric where its circuit, or the router that it leaves, is costed out."""
    largest = {"isis-narrow": 2**6 - 1, "isis": 2**24 - 2, "ospf": 2**16 - 1}
    beyond = {x.name for x in network.nodes if x.kind == "exits"}
    dear = any(2**16 <= x.weight < 2**24 - 1 for x in network.links)
    last = largest[network.igp] if network.igp else largest["isis" if dear else "ospf"]
    stubs = {x.name for x in network.nodes if x.drained} - overloaded(network)
    out = {x.name for x in network.links if (x.drained and x.cost_out) or (x.tail in stubs and x.head not in beyond)}
    after = {True: 256, False: last}  # of exits the preference counts, of which 255 is the last
    return {x.name: max(after[x.head in beyond], x.weight) if x.name in out else x.weight for x in network.links}


class _Ground:
    """What a network's links are before anything fails."""

    def __init__(self, network: Network) -> None:
        self.kinds = {x.name: x.kind for x in network.nodes}
        self.up = {x.name for x in network.nodes if x.up}
        self.drained, metric = overloaded(network), metrics(network)
        self.passed = {link.name: 1 - link.loss for link in network.links}
        deaf = {(x.head, x.tail, x.index) for x in network.links if not x.up or not x.adjacent or x.asleep}
        self.hops: list[tuple[str, Hop]] = []
        for link in network.links:
            if (link.tail, link.head, link.index) in deaf:  # its head does not tell of it: no router uses it
                continue
            closed = link.asleep or (link.drained and not link.cost_out)
            if link.up and link.adjacent and not closed and {link.tail, link.head} <= self.up:
                hop = Hop(link.name, link.tail, link.head, metric[link.name], link.delay_ms)
                self.hops.append((link.circuit, hop))

    @cached_property
    def _whole(self) -> dict[str, tuple[Towards, frozenset[str]]]:
        """The ways to every node while nothing fails, each with the links on them."""
        ways = self.ways(Failed("nothing"))
        return {name: (x, frozenset(hop.name for hops in x.hops.values() for hop in hops)) for name, x in ways.items()}

    def _untouched(self, dead: Failed) -> dict[str, Towards]:
        """The ways that stay as they are: a circuit that is on no shortest path to a router changes none of them."""
        if dead.node or not dead.links:
            return {}
        cut = {x.name for circuit, x in self.hops if circuit in dead.links}
        return {name: x for name, (x, used) in self._whole.items() if not used & cut and self.kinds[name] != "exits"}

    def ways(self, dead: Failed) -> dict[str, Towards]:
        """The ways to every node under a failure."""
        same = self._untouched(dead)
        hops = [x for circuit, x in self.hops if circuit not in dead.links and dead.node not in (x.tail, x.head)]
        up = self.up - ({dead.node} if dead.node else set[str]())
        leaving: dict[str, list[Hop]] = {name: [] for name in up}
        for hop in hops:
            leaving[hop.tail].append(hop)
        far, found = _distances(hops, sorted(up), self.drained), dict[str, Towards]()
        for name, kind in self.kinds.items():
            if name in same:
                found[name] = same[name]
                continue
            found[name] = (
                _Beyond(hops, name, self.drained, up)
                if kind == "exits"
                else Towards(far.get(name, {}), leaving, name, self.drained)
            )
            found[name].pass_on(self.passed)
        return found


def _distances(hops: Sequence[Hop], names: Sequence[str], drained: set[str]) -> dict[str, dict[str, float]]:
    """Distance of every node that has a way to each target, by Floyd and Warshall; no drained node is on the way."""
    index = {name: i for i, name in enumerate(names)}
    far = np.full((len(names), len(names)), inf)
    np.fill_diagonal(far, 0.0)
    for hop in hops:
        here = index[hop.tail], index[hop.head]
        far[here] = min(far[here], hop.weight)
    for name in names:
        if name not in drained:
            i = index[name]
            np.minimum(far, far[:, i : i + 1] + far[i], out=far)
    return {
        target: {name: d for name, d in zip(names, far[:, i].tolist(), strict=True) if d < inf}
        for i, target in enumerate(names)
    }


_grounds: WeakKeyDictionary[Shape, _Ground] = WeakKeyDictionary()
_recent: OrderedDict[tuple[object, ...], tuple[object, dict[str, Towards]]] = OrderedDict()


def ways_of(network: Network, dead: Failed) -> dict[str, Towards]:
    """The ways to every node, by its name, under one failure; the same whatever the demands and tunnels are."""
    kept = network.nodes, network.links  # by these very tuples; while they are kept no others can have their places
    key = *map(id, kept), network.igp, dead
    if key not in _recent:
        if network.shape not in _grounds:
            _grounds[network.shape] = _Ground(network)
        _recent[key] = kept, _grounds[network.shape].ways(dead)
        if len(_recent) > _RECENT:
            _recent.popitem(last=False)
    return _recent[key][1]
