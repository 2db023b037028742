from math import isclose

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.twin.random_networks import changes, networks
from tests.twin.walker import expected_share
from twin.checks.moved import moved_share
from twin.plan import apply


@settings(max_examples=60, deadline=None)
@given(st.data(), networks(max_nodes=5))
def test_the_traffic_moved_equals_a_walk_over_networkx_distances(data, network):
    assume(network.offered.sum() > 0)
    changed = network
    for _ in range(data.draw(st.integers(1, 3))):
        changed = apply(changed, data.draw(changes(changed)))
    assert isclose(moved_share(network, changed), expected_share(network, changed), abs_tol=1e-9)


@settings(max_examples=30, deadline=None)
@given(networks())
def test_nothing_moves_when_nothing_changes(network):
    assert abs(moved_share(network, network)) < 1e-12
