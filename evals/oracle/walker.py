"""Independent oracle for the traffic that a change moves: follows packets hop by hop over networkx distances."""

from functools import cache
from itertools import pairwise

import networkx as nx

from evals.oracle.ways import metrics, overloaded
from twin.model import Network


class Walker:
    """Follows the packets of one state, by pure recursion."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.up = {node.name for node in network.nodes if node.up}
        self.off = {node.name for node in network.nodes if node.drained}
        self.drained = overloaded(network)
        self.weight = metrics(network)
        deaf = {(x.head, x.tail, x.index) for x in network.links if not x.up or not x.adjacent or x.asleep}
        self.usable = [x for x in network.links if x.usable and (x.tail, x.head, x.index) not in deaf]
        self.distances = cache(self._distances)

    def _distances(self, target: str) -> dict[str, int]:
        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        graph.add_nodes_from(node.name for node in self.network.nodes)
        for link in self.usable:
            if link.head == target or link.head not in self.drained:
                graph.add_edge(link.head, link.tail, weight=self.weight[link.name])
        lengths = nx.single_source_dijkstra_path_length(graph, target)
        return {node: round(length) for node, length in lengths.items()}

    def split(self, source: str, target: str) -> dict[str, float]:
        """Share of what stands at `source` for `target` on each link."""
        far = self.distances(target)
        allowed = [x for x in self.usable if x.tail == source and (x.head == target or x.head not in self.drained)]
        hops = [
            x.name
            for x in allowed
            if x.head in far and source in far and far[source] == self.weight[x.name] + far[x.head]
        ]
        return {name: 1 / len(hops) for name in hops}

    def lists(self, source: str, target: str) -> dict[tuple[str, ...], float]:
        """Stops of each segment list that can be used, with its share."""
        for tunnel in self.network.tunnels:
            if (tunnel.source, tunnel.target) == (source, target):
                valid: dict[tuple[str, ...], float] = {}
                for path in tunnel.paths:
                    stops = [source, *path.via, target]
                    legs = [(a, b) for a, b in pairwise(stops) if a != b]
                    connected = all(a in self.distances(b) for a, b in legs)
                    avoids = tunnel.path == "dynamic" and any(via in self.off for via in path.via)
                    kept = (
                        tunnel.path == "explicit" and tunnel.on_invalid == "blackhole" and {source, target} <= self.up
                    )
                    if kept or (connected and not avoids):
                        key = tuple(b for _, b in legs)
                        valid[key] = valid.get(key, 0) + path.share
                if valid:
                    return {key: share / sum(valid.values()) for key, share in valid.items()}
        return {(target,): 1.0}


def stays(before: Walker, after: Walker, source: str, target: str) -> float:
    """Share of what stands at `source` for `target` that takes the same links in both states."""
    if source == target:
        return 1.0
    was, now = before.split(source, target), after.split(source, target)
    heads = {link.name: link.head for link in before.network.links}
    return sum(min(was[x], now[x]) * stays(before, after, heads[x], target) for x in was if x in now)


def expected_share(network: Network, changed: Network) -> float:
    """Share of the offered traffic that is not on the paths of the first state any more."""
    before, after = Walker(network), Walker(changed)
    moved = 0.0
    for s, source in enumerate(network.nodes):
        for t, target in enumerate(network.nodes):
            if network.offered[s, t] > 0 and source.name in before.distances(target.name):
                was, now = before.lists(source.name, target.name), after.lists(source.name, target.name)
                kept = 0.0
                for stops in was:
                    legs = list(zip((source.name, *stops), stops, strict=False))
                    if any(a not in before.distances(b) for a, b in legs):
                        kept += was[stops]  # it led nowhere, so there is nothing to move
                        continue
                    share = min(was[stops], now.get(stops, 0.0))
                    for a, b in legs:
                        share *= stays(before, after, a, b)
                    kept += share
                moved += network.offered[s, t] - min(network.offered[s, t], changed.offered[s, t]) * kept
    return moved / network.offered.sum()
