from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tests.twin.optimise.networks import network_of, random_network
from twin.errors import InputError
from twin.model import Network
from twin.optimise import lp
from twin.optimise.lp import lowest_utilisation
from twin.plan import DrainLink, DrainNode, apply


def best_over_all_simple_paths(network: Network) -> float:
    """Independent oracle: one variable per simple path, solved by scipy."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(node.name for node in network.nodes)
    for i, link in enumerate(network.links):
        if link.usable:
            graph.add_edge(link.tail, link.head, key=i)
    drained = {node.name for node in network.nodes if node.drained}
    columns, share, k = [], [], 0
    for s, source in enumerate(network.nodes):
        for t, target in enumerate(network.nodes):
            if network.offered[s, t] > 0:
                paths = nx.all_simple_edge_paths(graph, source.name, target.name)
                allowed = [path for path in paths if not drained & {head for _, head, _ in path[:-1]}]
                columns += [([i for _, _, i in path], network.offered[s, t]) for path in allowed]
                share += [k] * len(allowed)
                k += bool(allowed)
    usage = np.zeros((len(network.links), len(columns) + 1))
    for column, (path, amount) in enumerate(columns):
        usage[path, column] = amount
    usage[:, -1] = [-link.capacity for link in network.links]
    once = np.zeros((k, len(columns) + 1))
    once[share, range(len(columns))] = 1
    cost = [0.0] * len(columns) + [1.0]
    return float(linprog(cost, A_ub=usage, b_ub=np.zeros(len(usage)), A_eq=once, b_eq=np.ones(k)).fun)


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_the_bound_equals_the_optimum_over_all_simple_paths(seed):
    network = random_network(seed, nodes=5, extra=3)
    assert lowest_utilisation(network).max_utilisation == pytest.approx(best_over_all_simple_paths(network), abs=1e-7)


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_the_bound_keeps_transit_away_from_drained_elements(seed):
    network = random_network(seed, nodes=5, extra=4)
    network = apply(network, DrainNode(node=f"n{seed % 5}"))
    network = apply(network, DrainLink(circuit=list(network.circuits)[seed % 8]))
    assert lowest_utilisation(network).max_utilisation == pytest.approx(best_over_all_simple_paths(network), abs=1e-7)


def test_two_equal_ways_halve_the_peak():
    square = network_of(
        [("a", "b", 10, 1), ("b", "d", 10, 1), ("a", "c", 10, 1), ("c", "d", 10, 9)], {("a", "d"): 10.0}
    )
    optimum = lowest_utilisation(square)
    assert optimum.max_utilisation == pytest.approx(0.5)
    assert optimum.load.max() == pytest.approx(5)


def test_demands_without_a_path_and_at_failed_nodes_are_left_out_and_counted():
    line = network_of([("a", "b", 10, 1), ("b", "c", 10, 1)], {("a", "c"): 5.0, ("a", "b"): 2.0, ("c", "a"): 1.0})
    cut = apply(line, DrainNode(node="b"))
    assert lowest_utilisation(cut).unroutable == 6.0
    assert lowest_utilisation(cut).max_utilisation == pytest.approx(0.2)
    down = replace(line, nodes=tuple(node._replace(up=node.name != "c") for node in line.nodes))
    assert lowest_utilisation(down).severed == 6.0


def test_the_price_foretells_what_more_capacity_brings():
    network = random_network(3, nodes=6, extra=5)
    before = lowest_utilisation(network)
    link = int(np.argmax(before.price))
    links = list(network.links)
    links[link] = links[link]._replace(capacity=links[link].capacity + 0.01)
    after = lowest_utilisation(replace(network, links=tuple(links)))
    assert before.price[link] > 0
    assert before.max_utilisation - after.max_utilisation == pytest.approx(before.price[link] * 0.01, rel=1e-2)


def test_a_programme_beyond_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(lp, "COLUMN_LIMIT", 10)
    with pytest.raises(InputError, match="more than 10"):
        lowest_utilisation(random_network(11))


def test_a_network_without_traffic_has_the_bound_zero():
    network = random_network(1)
    assert lowest_utilisation(network.with_demands(np.zeros_like(network.demands))).max_utilisation == 0
