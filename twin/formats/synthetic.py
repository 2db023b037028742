"""Made-up networks, `synthetic/NODES-SEED`: planar, of realistic density, and without a single bridge."""

import re
from typing import TYPE_CHECKING, cast

import numpy as np

from twin.errors import UnknownNetworkError
from twin.model import Floats, Ints, Node

from .provision import Circuit, Topology, distance_km

if TYPE_CHECKING:
    import networkx as nx

_NAME = re.compile(r"synthetic/(\d{1,4})-(\d{1,9})")
_SIZES = range(4, 2001)
_EAST, _SOUTH, _WIDTH, _HEIGHT = 0.0, 42.0, 18.0, 10.0  # degrees: about the extent of Europe's core


def read_synthetic(name: str) -> Topology:
    """Draw the Gabriel graph of NODES random points, with bridges doubled by the shortest planar way round.

    The Gabriel graph [Gabriel and Sokal 1969] joins two points when no third lies in the circle between them; it holds
    the minimum spanning tree and resembles physical networks [Cetinkaya et al. 2014]. Raises `UnknownNetworkError`.
    """
    match = _NAME.fullmatch(name)
    if match is None or int(match[1]) not in _SIZES:
        raise UnknownNetworkError(
            f"no synthetic network {name!r}", fix="write synthetic/NODES-SEED with 4 to 2000 nodes, like synthetic/20-1"
        )
    count, seed = int(match[1]), int(match[2])
    points = _points(count, seed)
    width = len(str(count))
    nodes = tuple(Node(f"R{i + 1:0{width}d}", float(x), float(y)) for i, (x, y) in enumerate(points))
    circuits = tuple(Circuit(a, b, distance_km(nodes[a], nodes[b])) for a, b in _planar_graph(points))
    return Topology(name, nodes, circuits)


def _points(count: int, seed: int) -> Floats:
    """Distinct positions [count, 2], degrees to two decimals."""
    rng = np.random.default_rng(seed)
    points: dict[tuple[float, float], None] = {}
    while len(points) < count:
        east, north = rng.random(2)
        points[round(_EAST + _WIDTH * east, 2), round(_SOUTH + _HEIGHT * north, 2)] = None
    return np.array(list(points))


def _planar_graph(points: Floats) -> list[tuple[int, int]]:
    import networkx as nx

    candidates = _delaunay_edges(points)
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(len(points)))
    graph.add_edges_from(candidates[_gabriel(points, candidates)].tolist())
    lengths = np.linalg.norm(points[candidates[:, 0]] - points[candidates[:, 1]], axis=1)
    by_length: list[tuple[int, int]] = [(int(a), int(b)) for a, b in candidates[np.argsort(lengths, kind="stable")]]
    while (bridge := _first_bridge(graph)) is not None:
        graph.remove_edge(*bridge)
        near = set(nx.node_connected_component(graph, bridge[0]))
        graph.add_edge(*bridge)
        crossing = (pair for pair in by_length if (pair[0] in near) != (pair[1] in near) and not graph.has_edge(*pair))
        graph.add_edge(*next(crossing))
    return sorted((min(pair), max(pair)) for pair in graph.edges)


def _first_bridge(graph: "nx.Graph[int]") -> tuple[int, int] | None:
    import networkx as nx

    bridges = cast("list[tuple[int, int]]", list(nx.bridges(graph)))  # the stub has the element type wrong
    return min(((min(pair), max(pair)) for pair in bridges), default=None)


def _delaunay_edges(points: Floats) -> Ints:
    from scipy.spatial import Delaunay

    corners = np.asarray(Delaunay(points).simplices)
    sides = np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]]), axis=1)
    return np.unique(sides, axis=0).astype(np.int64)


def _gabriel(points: Floats, pairs: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether the circle over each pair holds no other point: [len(pairs)]."""
    from scipy.spatial import cKDTree

    a, b = points[pairs[:, 0]], points[pairs[:, 1]]
    centre, radius = (a + b) / 2, np.linalg.norm(a - b, axis=1) / 2
    nearest, _ = cKDTree(points).query(centre)
    return nearest >= radius * (1 - 1e-9)
