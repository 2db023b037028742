from dataclasses import replace

import pytest

from tests.twin.optimise.networks import random_network
from twin.formats.load import load_network
from twin.gate.verdict import verify
from twin.model import Network
from twin.optimise.lp import lowest_utilisation
from twin.optimise.pareto import Compromise, pareto_front
from twin.optimise.sleep import plan_sleep
from twin.optimise.tunnels import relieve_by_tunnels
from twin.plan import Plan, apply_all
from twin.policy import Policy
from twin.sim.power import power
from twin.sim.simulate import simulate

# where the evening and growth matter, nothing may sleep here
POLICY = Policy(max_blast_radius=1, horizon_hours=0, demand_factors=(0.8, 1.0))


@pytest.fixture(scope="module")
def polska() -> Network:
    return load_network("sndlib/polska")


@pytest.fixture(scope="module")
def front(polska) -> tuple[Compromise, ...]:
    return pareto_front(polska, POLICY)


def test_no_point_dominates_another(front):
    assert len(front) >= 4
    for one in front:
        for other in front:
            better = [a <= b for a, b in zip(one[:4], other[:4], strict=True)]
            assert one is other or not all(better) or one[:4] == other[:4]


def test_every_point_is_what_the_simulator_measures(polska, front):
    bound = lowest_utilisation(polska).max_utilisation
    for point in front:
        state = apply_all(polska, point.steps)
        outcome = simulate(state)
        expected = (
            outcome.max_utilisation,
            outcome.mean_delay_ms,
            power(state, load=outcome.load).total_watts,
            len(point.steps),
        )
        assert point[:4] == pytest.approx(expected)
        assert point.max_utilisation >= bound - 1e-6


def test_doing_nothing_is_on_the_front_and_so_are_the_planners_ends(polska, front):
    assert any(point.changes == 0 for point in front)
    asleep = plan_sleep(polska, POLICY).plan
    assert asleep
    sleeping = apply_all(polska, asleep.steps)
    assert min(point.watts for point in front) <= power(sleeping, load=simulate(sleeping).load).total_watts + 1e-9
    relieved = relieve_by_tunnels(polska, POLICY)
    if relieved.plan:
        assert front[0].max_utilisation <= relieved.after.max_utilisation + 1e-9


def test_every_point_keeps_the_rules_of_the_gate(polska, front):
    for point in front:
        if point.steps:
            plan = Plan(goal="point", base=polska.id, steps=point.steps, objective="sleep")
            checks = verify(plan, polska, POLICY).checks
            assert all(check.passed for check in checks if check.name != "useful")


def test_the_same_network_gives_the_same_front():
    network = random_network(8, nodes=6, extra=5)
    assert pareto_front(network, POLICY) == pareto_front(replace(network), POLICY)
