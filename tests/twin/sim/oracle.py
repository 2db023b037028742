"""An independent evaluation of a network in networkx and plain Python, written from the definitions alone."""

from dataclasses import replace
from itertools import pairwise
from math import inf
from typing import NamedTuple

import networkx as nx
import numpy as np

from twin.model import Link, Network, Node, RiskGroup, SegmentList, Tunnel
from twin.sim.simulate import Failure


class Reference(NamedTuple):
    load: np.ndarray
    lost: float
    severed: float
    dropped: float
    delivered: float
    delay: np.ndarray
    longest: np.ndarray
    invalid: tuple[str, ...]


def broken(network: Network, failure: Failure) -> Network:
    """The same network with the elements of a failure marked as down."""
    links = tuple(x._replace(up=False) if i in failure.links else x for i, x in enumerate(network.links))
    nodes = tuple(x._replace(up=False) if i in failure.nodes else x for i, x in enumerate(network.nodes))
    return replace(network, links=links, nodes=nodes)


def last_resort(network: Network) -> int:
    """The largest metric in use: what the protocol allows, or what the metrics tell of it."""
    if network.igp:
        return {"isis-narrow": 63, "isis": 16_777_214, "ospf": 65_535}[network.igp]
    return 16_777_214 if any(65_535 < x.weight < 16_777_215 for x in network.links) else 65_535


def told(network: Network) -> tuple[Network, set[str]]:
    """The network with the metrics that routers tell, and the nodes that refuse transit."""
    stub = {x.name for x in network.nodes if x.drained and (x.cost_out or network.igp == "ospf")}
    groups = {x.name for x in network.nodes if x.kind == "exits"}
    most, links = last_resort(network), []
    for x in network.links:
        out = x.drained and x.cost_out
        dear = out or (x.tail in stub and x.head not in groups)
        last = max(most, x.weight) if x.head not in groups else 255  # none that is drawn is preferred less
        links.append(x._replace(weight=last if dear else x.weight, drained=x.drained and not out))
    refusing = {x.name for x in network.nodes if x.drained} - stub
    return replace(network, links=tuple(links)), refusing


class _Towards:
    """Everything about one target: distances, next-hop edges, and expectations."""

    def __init__(self, network: Network, target: Node) -> None:
        network, self.refusing = told(network)
        up = {node.name for node in network.nodes if node.up}
        closed = self.refusing - {target.name}
        self.graph = nx.MultiDiGraph()
        self.graph.add_nodes_from(up)
        back = {(x.tail, x.head, x.index): x for x in network.links}
        for i, x in enumerate(network.links):
            other = back.get((x.head, x.tail, x.index), x)
            if not (other.up and other.adjacent and not other.asleep):
                continue
            if x.up and x.adjacent and not (x.drained or x.asleep) and {x.tail, x.head} <= up and x.head not in closed:
                self.graph.add_edge(x.tail, x.head, key=i, weight=x.weight)
        self.links, self.target, self.dist, self.chosen = network.links, target.name, {}, None
        if target.kind == "exits":
            self._choose_exits(network)
        elif target.up:
            self.dist = nx.single_source_dijkstra_path_length(self.graph.reverse(), target.name)

    def _choose_exits(self, network: Network) -> None:
        """Router by router: the best preference heard of, of that the nearest; what prefers another tells nothing."""
        exits = [(u, i, w) for u, v, i, w in self.graph.edges(keys=True, data="weight") if v == self.target]
        self.graph.remove_edges_from([(u, self.target, i) for u, i, _ in exits])
        closed = self.refusing
        self.chosen, self.dist = {}, {self.target: -1.0}
        for best in sorted({w for _, _, w in exits}):
            telling = {u for u, _, w in exits if w == best and u not in self.chosen}
            far = {}
            for e in telling:
                graph = nx.MultiDiGraph()
                graph.add_nodes_from(self.graph)
                for i, x in enumerate(network.links):
                    open_way = (x.head == e or x.head not in closed) and {x.tail, x.head} <= set(self.graph)
                    if open_way and self._carries(network, x):
                        graph.add_edge(x.head, x.tail, key=i, weight=x.weight)
                far[e] = nx.single_source_dijkstra_path_length(graph, e)
            for r in self.graph:
                lengths = {e: d[r] for e, d in far.items() if r in d}
                if lengths and r not in self.chosen and r != self.target:
                    nearest = min(lengths.values())
                    self.chosen[r] = (
                        [i for u, i, w in exits if u == r and w == best]
                        if nearest == 0
                        else [
                            i
                            for i, x in enumerate(network.links)
                            if x.tail == r
                            and self._carries(network, x)
                            and x.head in self.graph
                            and any(
                                d == nearest
                                and x.head in far[e]
                                and (x.head == e or x.head not in closed)
                                and x.weight + far[e][x.head] == d
                                for e, d in lengths.items()
                            )
                        ]
                    )
                    self.dist[r] = 1e12 * best + nearest

    @staticmethod
    def _carries(network: Network, link: Link) -> bool:
        back = {(x.tail, x.head, x.index): x for x in network.links}.get((link.head, link.tail, link.index), link)
        groups = {x.name for x in network.nodes if x.kind == "exits"}
        heard = back.up and back.adjacent and not back.asleep
        return heard and link.up and link.adjacent and not (link.drained or link.asleep) and link.head not in groups

    def next_hops(self, node: str) -> list[int]:
        if node == self.target:
            return []
        if self.chosen is not None:
            return self.chosen.get(node, [])
        edges = self.graph.out_edges(node, keys=True, data="weight")
        return [i for _, v, i, w in edges if v in self.dist and self.dist[node] == w + self.dist[v]]

    def send(self, source: str, amount: float, load: np.ndarray) -> float:
        """Add the loads of one demand; returns what arrives."""
        here = dict.fromkeys(self.dist, 0.0)
        here[source] = amount
        for node in sorted(self.dist, key=lambda x: -self.dist[x]):
            hops = self.next_hops(node)
            for i in hops:
                load[i] += here[node] / len(hops)
                here[self.links[i].head] += here[node] / len(hops) * (1 - self.links[i].loss)
        return here[self.target]

    def delay(self, node: str) -> float:
        if node not in self.dist:
            return inf
        hops = self.next_hops(node)
        return sum(self.links[i].delay_ms + self.delay(self.links[i].head) for i in hops) / len(hops) if hops else 0.0

    def ways(self, node: str) -> list[float]:
        """How long each single way takes."""
        if node == self.target:
            return [0.0]
        hops = [self.links[i] for i in self.next_hops(node)]
        return [x.delay_ms + rest for x in hops for rest in self.ways(x.head)]


def reference(network: Network) -> Reference:
    towards = {node.name: _Towards(network, node) for node in network.nodes}
    state = {node.name: node for node in network.nodes}
    tunnels = {(x.source, x.target): x for x in network.tunnels}
    load, n = np.zeros(len(network.links)), len(network.nodes)
    delay, longest = np.zeros((n, n)), np.zeros((n, n))
    lost = severed = delivered = 0.0
    invalid = []
    for s, t in ((s, t) for s in range(n) for t in range(n) if s != t):
        source, target, amount = network.nodes[s].name, network.nodes[t].name, network.offered[s, t]
        lists = [([], 1.0)]
        if (source, target) in tunnels:
            tunnel = tunnels[source, target]
            blind = tunnel.path == "explicit" and tunnel.on_invalid == "blackhole"
            blind = blind and state[source].up and state[target].up
            lists = [(path.via, path.share) for path in tunnel.paths if blind or _valid(tunnel, path, towards, state)]
            if not lists:
                invalid.append(tunnel.name)
                lists = [([], 1.0)]
        if not state[source].up or not state[target].up:
            severed += amount
            delay[s, t] = longest[s, t] = inf
            continue
        if source not in towards[target].dist and lists == [([], 1.0)]:
            lost += amount
            delay[s, t] = longest[s, t] = inf
            continue
        total, arriving = sum(share for _, share in lists), 0.0
        for via, share in lists:
            stops, left, lasts, most = [source, *via, target], amount * share / total, 0.0, 0.0
            for a, b in pairwise(stops):
                if a not in towards[b].dist:
                    lost, left, lasts = lost + left, 0.0, inf
                    break
                lasts, most = lasts + towards[b].delay(a), most + max(towards[b].ways(a))
                left = towards[b].send(a, left, load)
            delivered += left
            if lasts < inf:
                delay[s, t], arriving = delay[s, t] + share * lasts, arriving + share
                longest[s, t] = max(longest[s, t], most)
        delay[s, t] = delay[s, t] / arriving if arriving else inf
        longest[s, t] = longest[s, t] if arriving else inf
    dropped = sum(load[i] * x.loss for i, x in enumerate(network.links))
    return Reference(load, lost, severed, dropped, delivered, delay, longest, tuple(sorted(invalid)))


def _valid(tunnel: Tunnel, path: SegmentList, towards: dict, state: dict) -> bool:
    stops = [tunnel.source, *path.via, tunnel.target]
    if any(not state[x].up or (tunnel.path == "dynamic" and state[x].drained) for x in path.via):
        return False
    return all(a in towards[b].dist for a, b in pairwise(stops))


def random_network(seed: int, *, lossless: bool = False) -> Network:
    """A small network full of ties, parallels, one-way links, partitions, drains, tunnels and zero demands."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 11))
    nodes = tuple(Node(f"n{i}", 0, 0, up=rng.random() > 0.06, drained=rng.random() < 0.1) for i in range(n))
    links: dict[str, Link] = {}
    for _ in range(int(rng.integers(1, 3 * n))):
        a, b = (f"n{i}" for i in rng.choice(n, 2, replace=False))
        for tail, head in ((a, b), (b, a)) if rng.random() < 0.85 else ((a, b),):
            links.update(_random_link(rng, tail, head, links, lossless=lossless))
    demands = rng.exponential(100, (n, n)) * (rng.random((n, n)) < 0.7) * (1 - np.eye(n))
    circuits = sorted({x.circuit for x in links.values()})
    picks = rng.choice(circuits, (2, 2))
    groups = tuple(RiskGroup(f"g{i}", tuple(sorted(set(map(str, pick))))) for i, pick in enumerate(picks))
    network = Network("random", nodes, tuple(links.values()), demands, _random_tunnels(rng, n), groups)
    return _with_last_resorts(network, np.random.default_rng([seed, 5]))


def _with_last_resorts(network: Network, rng: np.random.Generator) -> Network:
    """Drains of either mode, circuit by circuit, labels that are verified and such that are not, any protocol."""
    modes = {x.circuit: bool(rng.random() < 0.5) for x in network.links}
    links = tuple(x._replace(cost_out=x.drained and modes[x.circuit]) for x in network.links)
    nodes = tuple(x._replace(cost_out=x.drained and bool(rng.random() < 0.5)) for x in network.nodes)
    kinds = ("blackhole", "igp", "igp")
    tunnels = tuple(x.model_copy(update={"on_invalid": kinds[int(rng.integers(3))]}) for x in network.tunnels)
    igp = ("", "", "isis-narrow", "isis", "ospf")[int(rng.integers(5))]
    return replace(network, nodes=nodes, links=links, tunnels=tunnels, igp=igp)


def with_exits(network: Network, seed: int) -> Network:
    """The network with two groups of exits, some of them preferred, down or lossy, and demands that leave by them."""
    rng, n = np.random.default_rng([seed, 77]), len(network.nodes)
    groups = tuple(Node(f"x{k}", 0, 0, kind="exits") for k in range(2))
    links = list(network.links)
    for group in groups:
        for i in rng.choice(n, min(n, int(rng.integers(1, 5))), replace=False):
            weight, up = int(rng.integers(1, 3)), bool(rng.random() > 0.1)
            loss = 0.0 if not any(x.loss for x in network.links) or rng.random() < 0.8 else 0.3
            out, weight = bool(rng.random() < 0.2), weight * int(rng.choice([1, 100]))
            link = Link(f"n{i}", group.name, 100.0, weight, 0.5, up=up, loss=loss, drained=out, cost_out=out)
            links.append(link)
    demands = np.zeros((n + 2, n + 2))
    demands[:n, :n] = network.demands
    demands[:n, n:] = rng.exponential(100, (n, 2)) * (rng.random((n, 2)) < 0.7)
    return replace(network, nodes=(*network.nodes, *groups), links=tuple(links), demands=demands)


def _random_link(rng: np.random.Generator, tail: str, head: str, links: dict, *, lossless: bool) -> dict[str, Link]:
    index = 1 + sum(x.tail == tail and x.head == head for x in links.values())
    flags = {flag: bool(rng.random() < 0.06) for flag in ("drained", "asleep")}
    loss = 0.0 if lossless or rng.random() < 0.8 else float(rng.random())
    weight, delay = int(rng.integers(1, 4)), float(rng.random())
    capacity, up = float(rng.choice([100, 400])), bool(rng.random() > 0.06)
    adjacent = bool(rng.random() > 0.06)
    link = Link(tail, head, capacity, weight, delay, index, up, loss=loss, adjacent=adjacent, **flags)
    return {link.name: link}


def _random_tunnels(rng: np.random.Generator, n: int) -> tuple[Tunnel, ...]:
    pairs = {tuple(map(int, rng.choice(n, 2, replace=False))) for _ in range(int(rng.integers(0, 5)))}
    tunnels = []
    for number, (s, t) in enumerate(sorted(pairs)):
        shares = rng.dirichlet(np.ones(int(rng.integers(1, 4))))
        shares[-1] = 1 - shares[:-1].sum()
        lists = [
            SegmentList(via=tuple(f"n{i}" for i in rng.integers(0, n, int(rng.integers(0, 4)))), share=float(share))
            for share in shares
        ]
        tunnels.append(Tunnel(name=f"t{number}", source=f"n{s}", target=f"n{t}", paths=tuple(lists)))
    return tuple(tunnels)


def time_at_a_server(rho: float, packets: int = 400_000) -> float:
    """Mean time of Poisson packets at one server, in times to serve a mean one: packet by packet, by no formula."""
    rng = np.random.default_rng(5)
    gaps, sizes = rng.exponential(1 / rho, packets), rng.exponential(1.0, packets)
    start, done, spent = 0.0, 0.0, 0.0
    for gap, size in zip(gaps.tolist(), sizes.tolist(), strict=True):
        start += gap
        done = max(start, done) + size
        spent += done - start
    return spent / packets
