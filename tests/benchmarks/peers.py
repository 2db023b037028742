"""The same evaluations by other software: a well-written networkx one, and ngraph where it is installed.

ngraph is AGPL: it is measured here and used nowhere else.
"""

from collections.abc import Callable, Iterable
from importlib.util import find_spec
from re import escape
from typing import Any, NamedTuple

import networkx as nx
import numpy as np

from twin.model import Network


class NetworkxPeer:
    """ECMP loads by one `dijkstra_predecessor_and_distance` per target; parallel links of least weight share."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.nodes = [node.name for node in network.nodes]

    def loads(self, down: Iterable[int] = ()) -> np.ndarray:
        """Load of every link, Mbit/s, with some links down."""
        graph, bundles = self._graph(set(down))
        load = np.zeros(len(self.network.links))
        for t, target in enumerate(self.nodes):
            hops, dist = nx.dijkstra_predecessor_and_distance(graph, target)
            here = dict(zip(self.nodes, self.network.offered[:, t].tolist(), strict=True))
            for node in sorted(dist, key=dist.__getitem__, reverse=True):
                if node == target or here[node] == 0:
                    continue
                links = [link for hop in hops[node] for link in bundles[hop, node]]
                each = here[node] / len(links)
                for link in links:
                    load[link] += each
                    here[self.network.links[link].head] += each
        return load

    def _graph(self, down: set[int]) -> tuple[nx.DiGraph, dict[tuple[str, str], list[int]]]:
        """The reversed graph with the least weight of each bundle, and the links that have it."""
        graph, bundles = nx.DiGraph(), dict[tuple[str, str], list[int]]()
        graph.add_nodes_from(self.nodes)
        for i, link in enumerate(self.network.links):
            if i in down or not link.usable:
                continue
            ends = link.head, link.tail
            known = graph.get_edge_data(*ends, {"weight": np.inf})["weight"]
            if link.weight < known:
                graph.add_edge(*ends, weight=link.weight)
                bundles[ends] = [i]
            elif link.weight == known:
                bundles[ends].append(i)
        return graph, bundles


class NgraphRun(NamedTuple):
    """One placement of all demands with one link down."""

    run: Callable[[str | None], Any]
    link_ids: list[str]


def ngraph_installed() -> bool:
    """Whether the extra `bench` is there."""
    return find_spec("ngraph") is not None


def ngraph_peer(network: Network) -> NgraphRun:
    """Prepare ngraph's demand placement, as its failure manager does once for all failures."""
    from ngraph import Link as NgLink
    from ngraph import Network as NgNetwork
    from ngraph import Node as NgNode
    from ngraph.analysis import functions

    peer = NgNetwork()
    for node in network.nodes:
        peer.add_node(NgNode(node.name))
    ids = []
    for positions in network.circuits.values():
        link = network.links[positions[0]]
        added = NgLink(link.tail, link.head, capacity=link.capacity, cost=link.weight)
        peer.add_link(added)
        ids.append(added.id)
    demands = [
        {
            "source": f"^{escape(network.nodes[s].name)}$",
            "target": f"^{escape(network.nodes[t].name)}$",
            "volume": float(network.offered[s, t]),
            "mode": "pairwise",
            "flow_policy": "SHORTEST_PATHS_ECMP_LOSSY",
        }
        for s, t in np.argwhere(network.offered > 0)
    ]
    context, expansion, resolved = functions.build_demand_placement_inputs(peer, demands)

    def run(down: str | None) -> Any:
        return functions.demand_placement_analysis(
            peer,
            set(),
            {down} if down else set(),
            demands,
            context=context,
            expansion=expansion,
            resolved_ids=resolved,
        )

    return NgraphRun(run, ids)
