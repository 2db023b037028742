"""Failures after a change of weights, by differences, against sweeping the changed state."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.formats import load_network
from twin.model import Network
from twin.plan import DrainLink, DrainNode, SetWeight, apply_all
from twin.sim.arrays import compile_network
from twin.sim.failure_sweep import sweep_failures
from twin.sim.route import route
from twin.sim.simulate import single_failures
from twin.sim.superposed import Superposition

NETWORK = load_network("synthetic/30-3")
FAILURES = single_failures(NETWORK)
DRAINED = apply_all(NETWORK, [DrainNode(node=NETWORK.nodes[4].name)])
BEFORE = {x.id: (demands := Superposition(x, FAILURES), demands.total()) for x in (NETWORK, DRAINED)}


def agrees(network: Network, state: Network) -> None:
    demands, swept = BEFORE[network.id]
    change = demands.reweighted(state)
    assert change is not None
    rows = np.arange(len(FAILURES))[::-1].copy()
    found = demands.sweep_of(demands.changed(swept, change, rows), rows, 0.8)
    truth = sweep_failures(state, [FAILURES[i] for i in rows], route(compile_network(state)), 0.8)
    for name in ("max_utilisation", "worst_utilisation"):
        np.testing.assert_allclose(getattr(found, name), getattr(truth, name), rtol=1e-9, err_msg=name)
    for name in ("lost", "severed", "overload", "excess", "dropped"):
        np.testing.assert_allclose(getattr(found, name), getattr(truth, name), rtol=1e-9, atol=1e-5, err_msg=name)


@settings(max_examples=60)
@given(data=st.data(), drained=st.booleans())
def test_any_change_of_weights_does_under_every_failure_what_a_sweep_of_the_changed_state_finds(data, drained):
    network = DRAINED if drained else NETWORK
    links = data.draw(st.lists(st.sampled_from(network.links), min_size=1, max_size=3, unique_by=lambda x: x.name))
    weights = st.one_of(st.integers(1, 60), st.integers(1, 2000), st.just(65_535))
    agrees(network, apply_all(network, [SetWeight(link=x.name, weight=data.draw(weights)) for x in links]))


@pytest.mark.parametrize("number", [0, 7, 20])
def test_a_circuit_that_is_drained_is_a_change_of_weights(number):
    agrees(NETWORK, apply_all(NETWORK, [DrainLink(circuit=list(NETWORK.circuits)[number])]))


def test_what_changes_more_than_weights_is_not_taken_for_one():
    demands, _ = BEFORE[NETWORK.id]
    assert demands.reweighted(DRAINED) is None
    assert demands.reweighted(NETWORK.with_demands(NETWORK.demands * 1.1)) is None
    lossy = tuple(x._replace(loss=0.1) if i == 3 else x for i, x in enumerate(NETWORK.links))
    assert demands.reweighted(replace(NETWORK, links=lossy)) is None
