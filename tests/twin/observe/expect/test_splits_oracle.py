from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

from twin.model import Link, Network, Node
from twin.observe.expect.along_paths import DemandErrors, weighed_variance
from twin.observe.expect.prediction import hashing_variance
from twin.sim.arrays import compile_network
from twin.sim.kernels import shortest_paths


def random_network(seed: int, *, weights: tuple[int, ...]) -> Network:
    rng = np.random.default_rng(seed)
    graph = nx.connected_watts_strogatz_graph(9, 4, 0.4, seed=seed)
    nodes = tuple(Node(f"N{i}", float(i), 0.0) for i in graph)
    links = [
        Link(f"N{a}", f"N{b}", 100.0, int(rng.choice(weights)), 1.0)
        for u, v in sorted(graph.edges)
        for a, b in ((u, v), (v, u))
    ]
    demands = rng.uniform(0, 10, (9, 9)) * (rng.random((9, 9)) < 0.7)
    np.fill_diagonal(demands, 0)
    return Network("random", nodes, tuple(links), demands)


def fractions(network: Network, source: int, target: int) -> np.ndarray:
    """Share of the demand on each link, by walking the shortest-path graph from the source."""
    graph = nx.DiGraph()
    for link in network.links:
        graph.add_edge(network.node_index[link.tail], network.node_index[link.head], weight=link.weight)
    distance = nx.single_source_dijkstra_path_length(graph.reverse(), target)
    share, on_link = {source: 1.0}, np.zeros(len(network.links))
    for node in sorted(distance, key=lambda x: -distance[x]):
        nexts = [v for v in graph.successors(node) if graph[node][v]["weight"] + distance[v] == distance[node]]
        for v in nexts if node != target and node in share else ():
            part = share[node] / len(nexts)
            share[v] = share.get(v, 0) + part
            on_link[network.link(f"{network.nodes[node].name}->{network.nodes[v].name}")] += part
    return on_link


@pytest.mark.parametrize("seed", range(5))
def test_the_variance_bounds_the_exact_one_within_a_small_factor(seed):
    network = random_network(seed, weights=(1, 2))
    exact = np.zeros(len(network.links))
    for s, t in zip(*np.nonzero(network.demands), strict=True):
        f = fractions(network, int(s), int(t))
        exact += f * (1 - f) * network.demands[s, t] ** 2 * 0.15
    bound = hashing_variance(network, 0.15)
    assert exact.max() > 0
    assert (bound >= exact - 1e-9).all()
    assert ((exact > 1e-9) >= (bound > 1e-9)).mean() > 0.8
    assert bound.sum() < 3 * exact.sum()


def test_nothing_varies_where_no_demand_splits():
    assert not hashing_variance(random_network(1, weights=tuple(2**k for k in range(20))), 1.0).any()


def ways(network: Network, source: int, target: int) -> list[tuple[float, list[int]]]:
    """Every shortest path as links, with the chance that hop by hop even choices take it."""
    graph = nx.DiGraph()
    for link in network.links:
        graph.add_edge(network.node_index[link.tail], network.node_index[link.head], weight=link.weight)
    distance = nx.single_source_dijkstra_path_length(graph.reverse(), target)
    found, begun = list[tuple[float, list[int]]](), [(source, 1.0, list[int]())]
    while begun:
        node, chance, links = begun.pop()
        if node == target:
            found.append((chance, links))
            continue
        nexts = [v for v in graph.successors(node) if graph[node][v]["weight"] + distance[v] == distance[node]]
        for v in nexts:
            position = network.link(f"{network.nodes[node].name}->{network.nodes[v].name}")
            begun.append((v, chance / len(nexts), [*links, position]))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_an_error_of_a_demand_adds_up_along_its_way_as_every_path_walked_by_itself_says(seed):
    network, rng = random_network(seed, weights=(1, 2)), np.random.default_rng(seed)
    value = rng.normal(size=len(network.links))
    measured, hashed = rng.uniform(0, 1, (2, *network.demands.shape))
    exact = 0.0
    for s, t in np.argwhere(network.demands > 0):
        chances, sums = np.array([(x, value[links].sum()) for x, links in ways(network, int(s), int(t))]).T
        mean = chances @ sums
        exact += measured[s, t] * mean**2 + hashed[s, t] * (chances @ (sums - mean) ** 2)
    arrays, asked = compile_network(network), network.demands > 0
    errors = DemandErrors(*(np.ascontiguousarray((x * asked).T) for x in (measured, hashed)))
    on_arcs = np.zeros(value.size)
    on_arcs[arrays.arc_of] = value
    assert weighed_variance(arrays, shortest_paths(arrays), on_arcs, errors) == pytest.approx(exact)


def test_a_target_that_is_down_has_no_way_and_what_memory_held_in_its_row_is_not_read():
    network = random_network(1, weights=(1, 2))
    nodes = tuple(x._replace(up=x.name != "N0") for x in network.nodes)
    arrays = compile_network(replace(network, nodes=nodes))
    paths, value = shortest_paths(arrays), np.ones(arrays.head.size)
    assert paths.sources[0] == 0
    found = []
    for held in (0, 10**9):
        paths.order[0] = held
        found.append(weighed_variance(arrays, paths, value, DemandErrors(network.demands, network.demands)))
    assert found[0] == found[1] > 0
