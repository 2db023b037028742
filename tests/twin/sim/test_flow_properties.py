"""What holds for every network, whatever its shape."""

from dataclasses import replace

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.twin.sim.oracle import random_network
from twin.sim.simulate import simulate, single_failures

networks = st.builds(random_network, st.integers(0, 10_000), lossless=st.just(True))


@settings(max_examples=100)
@given(networks)
def test_flow_is_conserved_at_every_node(network):
    verified = tuple(x.model_copy(update={"on_invalid": "igp"}) for x in network.tunnels)
    network = replace(network, tunnels=verified)  # what labels lead nowhere ends on the way
    outcome, offered = simulate(network), np.where(np.isfinite(simulate(network).delay_ms), network.offered, 0.0)
    balance = offered.sum(0) - offered.sum(1)
    for load, link in zip(outcome.load, network.links, strict=True):
        balance[network.node_index[link.tail]] += load
        balance[network.node_index[link.head]] -= load
    np.testing.assert_allclose(balance, 0, atol=1e-8)


@settings(max_examples=60)
@given(networks, st.integers(0, 100), st.floats(1, 10))
def test_more_capacity_never_raises_a_utilisation(network, pick, factor):
    link = pick % len(network.links)
    grown = network.links[link]._replace(capacity=network.links[link].capacity * factor)
    wider = replace(network, links=(*network.links[:link], grown, *network.links[link + 1 :]))
    failures = single_failures(network)
    before, after = simulate(network, failures=failures), simulate(wider, failures=failures)
    assert (after.utilisation <= before.utilisation).all()
    assume(before.sweep and after.sweep)  # where nothing is up, nothing can fail
    assert (after.sweep.worst_utilisation <= before.sweep.worst_utilisation * (1 + 1e-12)).all()
    assert (after.sweep.overload <= before.sweep.overload * (1 + 1e-12) + 1e-9).all()


@settings(max_examples=60)
@given(networks, st.floats(0.1, 10))
def test_loads_grow_in_proportion_to_the_demands(network, factor):
    grown = simulate(network.with_demands(network.demands * factor))
    np.testing.assert_allclose(grown.load, simulate(network).load * factor, rtol=1e-9, atol=1e-9)


@settings(max_examples=60)
@given(networks)
def test_weights_all_twice_as_heavy_route_alike(network):
    heavier = replace(network, links=tuple(x._replace(weight=2 * x.weight) for x in network.links))
    np.testing.assert_allclose(simulate(heavier).load, simulate(network).load, rtol=1e-12, atol=1e-12)
