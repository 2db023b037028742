from itertools import combinations
from math import log

import pytest

from tests.twin.optimise.networks import network_of
from twin.formats.load import load_network
from twin.formats.provision import STANDARD_CAPACITIES
from twin.gate.verdict import verify
from twin.model import Network
from twin.optimise.lp import lowest_utilisation
from twin.optimise.upgrade import plan_growth, plan_upgrade, plan_upgrade_rerouted, upgrades_due
from twin.plan import SetCapacity, apply_all
from twin.policy import Policy
from twin.sim.simulate import simulate, single_failures

POLICY = Policy()


def added(network, steps):
    """Mbit/s of capacity that the steps of a plan add, one direction of each circuit."""
    return sum(x.capacity - min(network.links[i].capacity for i in network.circuits[x.circuit]) for x in steps)


@pytest.fixture(scope="module")
def polska() -> Network:
    return load_network("sndlib/polska")


def fits(network: Network, steps, growth: float) -> bool:
    grown = apply_all(network.with_demands(network.demands * growth), steps)
    outcome = simulate(grown, failures=single_failures(grown))
    within = outcome.max_utilisation <= POLICY.max_utilisation + 1e-9
    return within and outcome.sweep.max_utilisation.max() <= POLICY.max_failure_utilisation + 1e-9


def test_with_the_upgrade_the_grown_traffic_fits_under_every_failure(polska):
    proposal = plan_upgrade(polska, POLICY, growth=1.5)
    assert fits(polska, proposal.plan.steps, 1.5)
    assert proposal.after.harm == 0
    assert proposal.bound <= proposal.after.max_utilisation + 1e-6


def test_no_upgrade_could_be_left_out_or_be_smaller(polska):
    steps = plan_upgrade(polska, POLICY, growth=1.5).plan.steps
    for step in steps:
        rest = [x for x in steps if x is not step]
        assert not fits(polska, rest, 1.5)
        before = polska.links[polska.circuits[step.circuit][0]].capacity
        smaller = [size for size in STANDARD_CAPACITIES if before < size < step.capacity]
        for size in smaller:
            assert not fits(polska, [*rest, SetCapacity(circuit=step.circuit, capacity=size)], 1.5)


def test_an_upgrade_is_a_request_that_the_gate_never_passes(polska):
    plan = plan_upgrade(polska, POLICY, growth=1.5).plan
    assert not verify(plan, polska, POLICY).passed
    assert added(polska, plan.steps) > 0


def test_rerouting_needs_no_more_capacity_than_the_best_routing_asks_for(polska):
    growth = 3.0
    proposal = plan_upgrade_rerouted(polska, POLICY, growth=growth)
    grown = polska.with_demands(polska.demands * growth)
    assert lowest_utilisation(grown).max_utilisation > POLICY.max_utilisation
    assert lowest_utilisation(apply_all(grown, proposal.plan.steps)).max_utilisation <= 0.8 + 1e-5
    for step in proposal.plan.steps:
        rest = [x for x in proposal.plan.steps if x is not step]
        assert lowest_utilisation(apply_all(grown, rest)).max_utilisation > 0.8
    routed = plan_upgrade(polska, POLICY, growth=growth)
    assert added(polska, proposal.plan.steps) <= added(polska, routed.plan.steps)


def test_the_cheapest_single_upgrade_is_found_by_price():
    mesh = [(a, b, 10_000.0, 1) for a, b in combinations("abc", 2)]
    network = network_of([*mesh, ("c", "d", 10_000.0, 1)], {("a", "d"): 20_000.0})
    steps = plan_upgrade_rerouted(network, Policy(max_utilisation=1.0)).plan.steps
    brute = [
        count
        for count in range(1, 5)
        for chosen in combinations(network.circuits, count)
        if lowest_utilisation(
            apply_all(network, [SetCapacity(circuit=name, capacity=40_000.0) for name in chosen])
        ).max_utilisation
        <= 1 + 1e-6
    ]
    assert len(steps) == min(brute) == 1


def test_sufficient_capacity_needs_no_plan(polska):
    small = polska.with_demands(polska.demands * 0.2)
    assert "sufficient" in plan_upgrade(small, POLICY).reason
    assert "sufficient" in plan_upgrade_rerouted(small, POLICY).reason


def test_beyond_the_largest_size_whole_multiples_are_asked_for():
    line = network_of([("a", "b", 400_000.0, 1)], {("a", "b"): 700_000.0})
    (step,) = plan_upgrade(line, POLICY).plan.steps
    assert step.capacity == 1_200_000.0


def test_growth_is_met_by_routing_where_that_is_enough(polska):
    proposals = plan_growth(polska, POLICY, 1.3)
    assert proposals[0].plan
    assert all(x.plan is None or x.plan.base == polska.id for x in proposals)
    assert {x.method for x in proposals} >= {"igp-weights", "sr-tunnels", "capacity-upgrade"}
    assert proposals[0].after.harm <= min(x.after.harm for x in proposals if x.plan) + 1e-6


def test_a_circuit_is_due_in_the_week_in_which_growth_fills_it_in_its_worst_failure():
    """Two ways of 10G for 5 Gbit/s: one takes all of it when the other fails, and is full with twice as much."""
    circuits = [(a, b, 10_000.0, 1) for a, b in ("ab", "bd", "ac", "cd")]
    square = network_of(circuits, {("a", "d"): 5_000.0})
    policy = Policy(upgrade_costs={"*": 100.0, "link/a:b--b:a": 50.0})
    twice = 52.18 * log(2)
    found = upgrades_due(square, policy, (0.2, 0.5, 0.7), 104)
    assert [x.circuit for x in found] == sorted(square.circuits)
    for due in found:
        early, likely, late = due.weeks
        assert (early, likely) == (pytest.approx(twice / log(1.7)), pytest.approx(twice / log(1.5)))
        assert late is None  # at 20 % a year it takes 198 weeks
        assert (due.capacity, due.cost) == (40_000, 1_500 if due.circuit == "link/a:b--b:a" else 3_000)
    assert upgrades_due(square, policy, (0.2, 0.5, 0.7), 60) == ()
    grown = square.with_demands(square.demands * 1.5 ** (104 / 52.18))
    assert simulate(grown, failures=single_failures(grown)).sweep.max_utilisation.max() > 1
