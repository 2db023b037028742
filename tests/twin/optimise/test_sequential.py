"""Weights first, then segments: never worse than segments alone, never more changes than allowed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depth import examples
from tests.twin.optimise.networks import data_folder, random_network
from twin.formats import read_network
from twin.gate.verdict import verify
from twin.optimise.lp import lowest_utilisation
from twin.optimise.segments import route_by_segments
from twin.optimise.sequential import relieve_in_sequence, route_in_sequence
from twin.optimise.tunnels import tunnel_over
from twin.optimise.weight_search import with_weights
from twin.plan import SetTunnel, apply
from twin.policy import Policy
from twin.sim.simulate import simulate

LOOSE = Policy(max_blast_radius=1, max_delay_stretch=50, max_failure_utilisation=50, max_utilisation=0.3)


@settings(max_examples=examples(4))
@given(seed=st.integers(0, 10_000))
def test_the_peak_is_what_the_simulator_measures_and_never_above_segments_alone(seed):
    network = random_network(seed, nodes=7, extra=5, load=1.5)
    found = route_in_sequence(network, seed=seed)
    state = with_weights(network, found.weights)
    for move in found.segments.moves:
        state = apply(state, SetTunnel(tunnel=tunnel_over(state, move)))
    assert simulate(state).max_utilisation == pytest.approx(found.max_utilisation)
    assert found.max_utilisation <= route_by_segments(network).max_utilisation + 1e-9
    assert found.max_utilisation >= lowest_utilisation(network).max_utilisation - 1e-6


def test_plans_pass_the_gate_within_the_allowed_steps():
    plans = 0
    for seed in range(3, 7):
        network = random_network(seed, nodes=6, extra=4, load=2)
        proposal = relieve_in_sequence(network, LOOSE.model_copy(update={"max_steps": 4}), seed=seed)
        if proposal.plan:
            plans += 1
            assert proposal.steps <= 4
            assert verify(proposal.plan, network, LOOSE.model_copy(update={"max_steps": 4})).passed
    assert plans > 0


def test_without_traffic_or_with_one_step_there_is_nothing_to_do_in_sequence():
    network = random_network(2)
    idle = network.with_demands(np.zeros_like(network.demands))
    assert relieve_in_sequence(idle, Policy()).plan is None
    assert relieve_in_sequence(network, LOOSE.model_copy(update={"max_steps": 1})).plan is None


def test_where_a_demand_that_may_not_be_split_costs_the_peak_weights_split_it():
    folder = data_folder("repetita")
    network = read_network(folder / "Aarnet.graph", folder / "Aarnet.0000.demands")
    assert route_by_segments(network).max_utilisation > 1.04 * 0.9
    assert route_in_sequence(network, seed=0).max_utilisation <= 1.01 * 0.9
