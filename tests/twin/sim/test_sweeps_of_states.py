"""Scenarios, plans and failure sets: many states of one network, each equal to its own simulation."""

from dataclasses import replace

import numpy as np
import pytest

from tests.twin.sim.oracle import random_network
from twin.errors import PlanError, TopologyError
from twin.model import DemandLimit
from twin.plan import DrainLink, SetWeight, UndrainLink
from twin.sim.failure_sets import circuit_pairs, failure_set
from twin.sim.rollout import rollout
from twin.sim.scenarios import sweep_scenarios
from twin.sim.simulate import simulate, single_failures


@pytest.mark.parametrize("seed", range(40))
def test_every_scenario_equals_its_own_simulation(seed):
    network = random_network(seed)
    if seed % 2 and len(network.nodes) > 1:
        network = replace(network, limits=(DemandLimit("n0", "n1", 20.0),))
    rng, n = np.random.default_rng(seed), len(network.nodes)
    demands = rng.exponential(100, (4, n, n)) * (1 - np.eye(n))
    demands[3] = 0
    sweep = sweep_scenarios(network, demands)
    for row, matrix in enumerate(demands):
        outcome = simulate(network.with_demands(matrix))
        np.testing.assert_allclose(sweep.load[row], outcome.load, rtol=1e-12, atol=1e-12)
        assert sweep.max_utilisation[row] == pytest.approx(outcome.max_utilisation)
        assert (sweep.lost[row], sweep.severed[row]) == pytest.approx((outcome.lost, outcome.severed))
        busiest = network.links[sweep.busiest[row]].name if sweep.busiest[row] >= 0 else None
        assert busiest == outcome.busiest


def test_scenarios_that_do_not_fit_the_network_are_refused():
    network = random_network(1)
    n = len(network.nodes)
    with pytest.raises(TopologyError, match="shape"):
        sweep_scenarios(network, np.zeros((2, n + 1, n + 1)))
    with pytest.raises(TopologyError, match="negative"):
        sweep_scenarios(network, np.full((1, n, n), -1.0))


def test_a_rollout_shows_the_state_before_the_first_step_and_after_each():
    network = random_network(12)
    link = next(x for x in network.links if x.usable)
    circuit = next(x.circuit for x in network.links if not x.drained and x.circuit != link.circuit)
    steps = (SetWeight(link=link.name, weight=9), DrainLink(circuit=circuit))
    failures = single_failures(network)[:3]
    outcomes = rollout(network, steps, failures=failures)
    assert [len(x.sweep.failures) for x in outcomes] == [3, 3, 3]
    assert outcomes[0].network == network
    assert outcomes[1].network.links[network.link(link.name)].weight == 9
    np.testing.assert_array_equal(outcomes[2].load, simulate(outcomes[2].network).load)


def test_a_step_that_cannot_be_made_is_named():
    network = random_network(12)
    circuit = next(x.circuit for x in network.links if not x.drained)
    with pytest.raises(PlanError, match="step 1"):
        rollout(network, [UndrainLink(circuit=circuit)])


def test_failure_sets_are_chosen_by_kind():
    network = random_network(5)
    circuits = failure_set(network, ["circuits"])
    assert {x.name.split("/")[0] for x in circuits} == {"link"}
    assert failure_set(network, ["circuits", "nodes", "risk-groups"]) == single_failures(network)
    assert len(failure_set(network, ["pairs"])) == len(circuits) * (len(circuits) - 1) // 2


def test_a_pair_fails_both_its_circuits():
    network = random_network(5)
    pair = circuit_pairs(network)[0]
    first, second = pair.name.split(" & ")
    assert set(pair.links) == {*network.circuits[first], *network.circuits[second]}
