from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.twin.random_networks import networks
from twin.harm import Harm, excess, joined, mean_harm
from twin.model import DemandLimit
from twin.sim.simulate import simulate


def test_the_total_is_what_is_severed_and_what_another_configuration_could_carry():
    harm = Harm(severed=1, unrouted=2, dropped=3, silent=4, discarded=5, refused=6, overload=7)
    assert (harm.total, harm.routable) == (28, 27)
    assert Harm(silent=4.0).parts == {"silent": 4.0}


@given(st.floats(0.05, 3), st.floats(0, 3), st.floats(1, 100))
def test_dropped_and_overload_are_apart_and_together_what_is_above_the_limit(limit, load, capacity):
    dropped, overload = excess(np.array([load * capacity]), np.array([capacity]), limit)
    assert dropped + overload == pytest.approx(max(load - limit, 0) * capacity, abs=1e-9)
    assert dropped <= max(load - 1, 0) * capacity + 1e-9


@given(networks())
def test_what_is_joined_is_what_a_graph_of_the_circuits_that_are_up_joins(network):
    graph = nx.DiGraph()
    up = [node.name for node in network.nodes if node.up]
    graph.add_nodes_from(up)
    graph.add_edges_from(
        (x.tail, x.head) for x in network.links if x.up and x.adjacent and x.tail in up and x.head in up
    )
    reach = {a: nx.descendants(graph, a) | {a} for a in up}
    names = [node.name for node in network.nodes]
    expected = [[b in reach.get(a, ()) and a in reach.get(b, ()) for b in names] for a in names]
    assert joined(network).tolist() == expected


def test_a_mean_weighs_every_part_by_its_time():
    assert mean_harm([(0.25, Harm(silent=4)), (0.75, Harm(overload=8))]) == Harm(silent=1, overload=6)


@given(networks())
def test_the_parts_of_a_simulated_state_sum_up_to_what_is_not_delivered_within_the_limit(network):
    limited = replace(network, limits=(DemandLimit(network.nodes[0].name, network.nodes[-1].name, 1.0),))
    outcome = simulate(limited)
    harm = outcome.harm(0.8)
    assert harm.severed + harm.unrouted == pytest.approx(outcome.severed + outcome.lost)
    assert harm.refused == pytest.approx(float((network.demands - limited.offered).sum()))
    assert harm.silent == outcome.dropped
