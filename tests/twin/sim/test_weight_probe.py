"""Loads under other weights by dynamic update, against a full evaluation of the changed network."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.sim.oracle import random_network
from twin.errors import TopologyError
from twin.sim.delta import WeightProbe
from twin.sim.simulate import simulate


def reweighted(network, change):
    links = tuple(x._replace(weight=change.get(i, x.weight)) for i, x in enumerate(network.links))
    return replace(network, links=links)


@st.composite
def networks_and_changes(draw):
    network = random_network(draw(st.integers(0, 10_000)), lossless=draw(st.booleans()))
    change = st.dictionaries(st.integers(0, len(network.links) - 1), st.integers(1, 6), max_size=4)
    return network, draw(st.lists(change, min_size=1, max_size=4))


@settings(max_examples=300)
@given(networks_and_changes())
def test_loads_equal_a_full_evaluation_for_lighter_and_heavier_links(case):
    network, changes = case
    loads = WeightProbe(network).loads(changes)
    for row, change in enumerate(changes):
        expected = simulate(reweighted(network, change)).load
        np.testing.assert_allclose(loads[row], expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=60)
@given(networks_and_changes())
def test_committed_changes_are_the_base_of_the_next(case):
    network, changes = case
    probe = WeightProbe(network)
    for change in changes:
        probe.commit(change)
        network = reweighted(network, change)
        np.testing.assert_allclose(probe.load, simulate(network).load, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(probe.utilisation, simulate(network).utilisation, rtol=1e-9, atol=1e-9)
    assert probe.network == network


@pytest.mark.parametrize("weight", [0, -1, 2**24 + 1])
def test_a_weight_that_no_protocol_has_is_refused(weight):
    with pytest.raises(TopologyError):
        WeightProbe(random_network(7)).loads([{0: weight}])
    with pytest.raises(TopologyError):
        WeightProbe(random_network(7)).commit({0: weight})
