"""What a network carries, computed with networkx and plain Python: the labels of the gate's cases come from here."""

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from math import inf
from typing import Any, NamedTuple

import networkx as nx
import numpy as np

from twin.model import Network, Tunnel
from twin.policy import Policy

SLACK = 1e-6


class Carried(NamedTuple):
    """One state: utilisation of each link, demands without a path, mean delay of each demand, what lossy links drop."""

    utilisation: dict[str, float]
    load: dict[str, float]
    lost: frozenset[tuple[str, str]]
    delay: dict[tuple[str, str], float]
    dropped: dict[str, float]

    @property
    def peak(self) -> float:
        """Utilisation of the busiest link."""
        return max(self.utilisation.values())

    def above(self, limit: float) -> float:
        """Mbit/s above a share of capacity, summed over links."""
        excess = ((u - limit) * self.load[name] / u for name, u in self.utilisation.items() if u > limit)
        return sum(excess)


class Failed(NamedTuple):
    """What fails together: circuits by id, and a node by name."""

    name: str
    links: frozenset[str] = frozenset()
    node: str | None = None


_List = tuple[tuple[str, ...], float]
_Legs = tuple[dict[tuple[str, str], float], dict[tuple[str, str], float], set[tuple[str, str]]]


class _Hop(NamedTuple):
    name: str
    tail: str
    head: str
    weight: int
    delay: float


class _Towards:
    """Shortest paths to one target, from the definitions: drained nodes carry no transit, ties split per link."""

    passed: Mapping[str, float]
    """Share of what it carries that each link passes on."""
    alive: dict[str, float]

    def __init__(self, graph: "nx.MultiDiGraph[str]", hops: list[_Hop], target: str, drained: set[str]) -> None:
        def allowed(head: str, _tail: str, parallels: dict[int, dict[str, int]]) -> int | None:
            if head in drained and head != target:
                return None
            return min(x["weight"] for x in parallels.values())

        self.far: dict[str, float] = {}
        if target in graph:
            weight: Any = allowed  # the stub knows simple graphs only
            self.far = nx.single_source_dijkstra_path_length(graph, target, weight=weight)
        self.hops: dict[str, list[_Hop]] = {node: [] for node in self.far}
        for hop in hops:
            far = self.far.get(hop.head)
            open_way = hop.head == target or hop.head not in drained
            if far is not None and hop.tail != target and open_way and self.far[hop.tail] == hop.weight + far:
                self.hops[hop.tail].append(hop)
        self._expect(target)

    def _expect(self, target: str) -> None:
        self.order = sorted(self.far, key=lambda node: self.far[node])
        self.delay = {target: 0.0}
        for node in self.order[1:]:
            self.delay[node] = sum(x.delay + self.delay[x.head] for x in self.hops[node]) / len(self.hops[node])

    def passing(self, passed: Mapping[str, float]) -> "_Towards":
        """The same ways, by links that pass on such shares."""
        other = copy(self)
        other.passed, other.alive = passed, dict.fromkeys(self.order[:1], 1.0)
        for node in self.order[1:]:
            hops = self.hops[node]
            other.alive[node] = sum(passed[x.name] * other.alive[x.head] for x in hops) / len(hops)
        return other


class _Beyond(_Towards):
    """Ways to a group of exits: preference by preference, of those that are left the nearest; who is done is done.

    Ranks are kept apart from distances: each stands for a billion.
    """

    def __init__(self, graph: "nx.MultiDiGraph[str]", hops: list[_Hop], target: str, drained: set[str]) -> None:
        self.far: dict[str, float] = {target: -1.0}
        self.hops: dict[str, list[_Hop]] = {target: []}
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
        self._expect(target)


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
    return {x.name: max(last, x.weight) if x.name in out else x.weight for x in network.links}


def _towards(network: Network, dead: Failed) -> dict[str, _Towards]:
    down = {node.name for node in network.nodes if not node.up} | ({dead.node} if dead.node else set[str]())
    drained, metric = overloaded(network), metrics(network)
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    graph.add_nodes_from(node.name for node in network.nodes if node.name not in down)
    hops: list[_Hop] = []
    deaf = {(x.head, x.tail, x.index) for x in network.links if not x.up or not x.adjacent or x.asleep}
    for link in network.links:
        if (link.tail, link.head, link.index) in deaf:  # its head does not tell of it: no router uses it
            continue
        closed = link.asleep or (link.drained and not link.cost_out)
        alive = link.up and link.adjacent and not (closed or down & {link.tail, link.head})
        if alive and link.circuit not in dead.links:
            hops.append(_Hop(link.name, link.tail, link.head, metric[link.name], link.delay_ms))
            graph.add_edge(link.head, link.tail, weight=metric[link.name])
    ways = {node.name: _Beyond if node.kind == "exits" else _Towards for node in network.nodes}
    passed = {link.name: 1 - link.loss for link in network.links}
    return {name: kind(graph, hops, name, drained).passing(passed) for name, kind in ways.items()}


def crossing(network: Network, link: str) -> list[tuple[str, str]]:
    """Pairs with a demand some of whose shortest paths use a link."""
    towards, used = _towards(network, Failed("nothing")), network.links[network.link(link)]
    to_tail, cost = towards[used.tail].far, metrics(network)[link]
    pairs: list[tuple[str, str]] = []
    for s, t in np.argwhere(network.offered).tolist():
        source, target = network.nodes[s].name, network.nodes[t].name
        far = towards[target].far
        if source in to_tail and used.head in far and to_tail[source] + cost + far[used.head] == far.get(source):
            pairs.append((source, target))
    return pairs


@lru_cache(maxsize=4000)
def carried(network: Network, dead: Failed = Failed("nothing")) -> Carried:
    """Evaluate one state, under one failure if given."""
    return _carried(network, dead, _towards(network, dead))


_ways = lru_cache(maxsize=100)(_towards)


def thinned(network: Network, dead: Failed, passed: Mapping[str, float]) -> dict[str, float]:
    """Load of each link where each passes on such a share of what it carries, by name, whatever its own loss is."""
    ways = {name: paths.passing(passed) for name, paths in _ways(network, dead).items()}
    return _carried(network, dead, ways).load


def _carried(network: Network, dead: Failed, towards: dict[str, _Towards]) -> Carried:
    up = {node.name for node in network.nodes if node.up} - ({dead.node} if dead.node else set[str]())
    volume, delay, lost = _legs(network, towards, up)
    load = dict.fromkeys((link.name for link in network.links), 0.0)
    for target, paths in towards.items():
        here = {node: volume.get((node, target), 0.0) for node in paths.order}
        for node in reversed(paths.order[1:]):
            for link in paths.hops[node]:
                load[link.name] += here[node] / len(paths.hops[node])
                here[link.head] += here[node] / len(paths.hops[node]) * paths.passed[link.name]
    utilisation = {link.name: load[link.name] / link.capacity for link in network.links}
    dropped = {link.name: load[link.name] * link.loss for link in network.links if link.loss}
    return Carried(utilisation, load, frozenset(lost), delay, dropped)


def _legs(network: Network, towards: dict[str, _Towards], up: set[str]) -> _Legs:
    volume: dict[tuple[str, str], float] = {}
    delay: dict[tuple[str, str], float] = {}
    lost: set[tuple[str, str]] = set()
    tunnels = {(tunnel.source, tunnel.target): tunnel for tunnel in network.tunnels}
    for s, source in enumerate(network.nodes):
        for t, target in enumerate(network.nodes):
            pair, amount = (source.name, target.name), float(network.offered[s, t])
            if amount == 0 or not set(pair) <= up:
                continue
            lists = _lists(network, tunnels.get(pair), towards, up)
            if source.name not in towards[target.name].far and not lists:
                lost.add(pair)
                continue
            ways = lists or [(pair, 1.0)]
            arriving = [(stops, share) for stops, share in ways if all(a in towards[b].far for a, b in pairwise(stops))]
            if len(arriving) < len(ways):  # labels that lead nowhere: some of it is lost, or all
                lost.add(pair)
            for stops, share in ways:
                left = amount * share
                for a, b in pairwise(stops):
                    if a not in towards[b].far:
                        break
                    if a != b:
                        volume[a, b] = volume.get((a, b), 0.0) + left
                        left *= towards[b].alive[a]
            if arriving:
                whole = sum(share for _, share in arriving)
                lasting = (share * towards[b].delay[a] for x, share in arriving for a, b in pairwise(x) if a != b)
                delay[pair] = sum(lasting) / whole
    return volume, delay, lost


def _lists(network: Network, tunnel: Tunnel | None, towards: dict[str, _Towards], up: set[str]) -> list[_List]:
    if tunnel is None:
        return []
    drained = {node.name for node in network.nodes if node.drained and tunnel.path == "dynamic"}
    valid: list[_List] = []
    for path in tunnel.paths:
        stops = (tunnel.source, *path.via, tunnel.target)
        blind = tunnel.path == "explicit" and tunnel.on_invalid == "blackhole"
        if blind or (set(path.via) <= up - drained and all(a in towards[b].far for a, b in pairwise(stops))):
            valid.append((stops, path.share))
    total = sum(share for _, share in valid)
    return [(stops, share / total) for stops, share in valid]


def failures(network: Network) -> list[Failed]:
    """Every circuit in use and every node, one at a time."""
    circuits = sorted({link.circuit for link in network.links if link.usable})
    routers = [x for x in network.nodes if x.kind != "exits"]
    return [Failed(x, links=frozenset((x,))) for x in circuits] + [Failed(x.id, node=x.name) for x in routers]


def short_of_one(network: Network) -> list[tuple[str, Network]]:
    """The network with one member less in each bundle in turn, and what that failure is called."""
    found: list[tuple[str, Network]] = []
    for circuit in sorted({x.circuit for x in network.links if x.usable and x.members > 1}):
        links = tuple(
            x._replace(capacity=x.capacity * (x.members - 1) / x.members, up=x.members > x.min_members)
            if x.circuit == circuit
            else x
            for x in network.links
        )
        found.append((f"member of {circuit}", replace(network, links=links)))
    return found


def while_repaired(network: Network, circuit: str) -> dict[str, float]:
    """Utilisation of each link while both ends of a failed circuit send around it what would have crossed it.

    From the definition of TI-LFA (RFC 9855): the ends use the paths after convergence, everybody else those before. Not
    for networks with tunnels or lossy links.
    """
    before, after = _towards(network, Failed("nothing")), _towards(network, Failed(circuit, frozenset((circuit,))))
    dead = {x.name for x in network.links if x.circuit == circuit}
    load = dict.fromkeys((x.name for x in network.links), 0.0)
    index = network.node_index
    for target, paths in before.items():
        here = {node: float(network.offered[index[node], index[target]]) for node in paths.order}
        around: dict[str, float] = {}
        for node in reversed(paths.order[1:]):
            for hop in paths.hops[node]:
                share = here[node] / len(paths.hops[node])
                if hop.name in dead:
                    around[node] = around.get(node, 0.0) + share
                else:
                    load[hop.name] += share
                    here[hop.head] += share
        way = after[target]
        rest = {node: around.get(node, 0.0) for node in way.order}
        for node in reversed(way.order[1:]):
            for hop in way.hops[node]:
                load[hop.name] += rest[node] / len(way.hops[node])
                rest[hop.head] += rest[node] / len(way.hops[node])
    return {x.name: load[x.name] / x.capacity for x in network.links}


def hot(state: Carried, limit: float) -> set[str]:
    """Links above a limit."""
    return {name for name, share in state.utilisation.items() if share > limit + SLACK}


def hotter(before: Carried, after: Carried, limit: float) -> set[str]:
    """Links above a limit and above what they carried before: the strict, per-link meaning of getting worse."""
    return {x for x in hot(after, limit) if after.utilisation[x] > before.utilisation[x] + SLACK}


def no_worse(before: Carried, after: Carried, limit: float) -> bool:
    """Whether no link is hotter, nothing is newly lost and no lossy link gets more."""
    gets = any(after.dropped[x] > before.dropped.get(x, 0) + SLACK for x in after.dropped)
    return not (hotter(before, after, limit) or after.lost - before.lost or gets)


def slow(before: Carried, after: Carried, network: Network, stretch: float) -> bool:
    """Whether the mean or the longest delay of the demands with a path before and after grew beyond the factor."""
    both = sorted(set(before.delay) & set(after.delay))
    index, offered = network.node_index, network.offered
    weight = np.array([offered[index[a], index[b]] for a, b in both])
    was, now = (np.array([x.delay[pair] for pair in both]) for x in (before, after))
    return bool(now @ weight > stretch * (was @ weight) + SLACK or now.max() > stretch * was.max() + SLACK)


def gain(before: Carried, after: Carried, limit: float) -> float:
    """Share of the harm removed, or of the peak when there was no harm."""
    was, now = (x.above(limit) + sum(x.dropped.values()) for x in (before, after))
    if was > SLACK:
        return (was - now) / was
    return (before.peak - after.peak) / before.peak if before.peak else -inf


def survives(before: Network, after: Network, policy: Policy) -> bool:
    """Whether every single failure is survived, link by link, or no worse than before; also once demands have grown."""
    limit = policy.max_failure_utilisation
    dead = {*failures(before), *failures(after)}
    pairs = [(before, after), *([(grown(before, x), grown(after, x)) for x in (growth(policy),) if x > 1])]
    return all(no_worse(carried(was, x), carried(now, x), limit) for was, now in pairs for x in dead)


def growth(policy: Policy) -> float:
    """How far a policy lets demands grow before the next failure."""
    return max((1.0, *policy.demand_factors))


@lru_cache(maxsize=400)
def grown(network: Network, factor: float) -> Network:
    """The network with all its demands times a factor."""
    return replace(network, demands=network.demands * factor)
