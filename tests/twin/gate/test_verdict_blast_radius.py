from math import isclose

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evals.oracle.walker import expected_share
from tests.twin.optimise.networks import network_of
from tests.twin.random_networks import changes, networks
from twin.gate.checks.moved import moved_share
from twin.plan import LimitDemand, SetWeight, apply


@settings(max_examples=60, deadline=None)
@given(st.data(), networks(max_nodes=5))
def test_the_traffic_moved_equals_a_walk_over_networkx_distances(data, network):
    assume(network.offered.sum() > 0)
    changed = network
    for _ in range(data.draw(st.integers(1, 3))):
        changed = apply(changed, data.draw(changes(changed)))
    assert isclose(moved_share(network, changed), expected_share(network, changed), abs_tol=1e-9)


def test_half_moves_when_a_second_equal_path_opens():
    circuits = [("A", "B", 10, 1), ("B", "D", 10, 1), ("A", "C", 10, 1), ("C", "D", 10, 2)]
    network = network_of(circuits, {("A", "D"): 6.0, ("A", "B"): 4.0})
    assert isclose(moved_share(network, apply(network, SetWeight(link="C->D", weight=1))), 0.3)


def test_what_a_rate_limit_sheds_has_moved():
    network = network_of([("A", "B", 10, 1)], {("A", "B"): 8.0})
    assert isclose(moved_share(network, apply(network, LimitDemand(source="A", target="B", limit=2.0))), 0.75)


@settings(max_examples=30, deadline=None)
@given(networks())
def test_nothing_moves_when_nothing_changes(network):
    assert abs(moved_share(network, network)) < 1e-12
