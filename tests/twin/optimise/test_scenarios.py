import numpy as np
import pytest

from tests.twin.optimise.networks import random_network
from twin.errors import InputError
from twin.formats.load import load_network
from twin.gate.rules import cvar
from twin.model import Network
from twin.optimise.scenarios import plan_for_scenarios
from twin.optimise.tunnels import relieve_by_tunnels
from twin.plan import apply_all
from twin.policy import Policy
from twin.sim.simulate import simulate

LOOSE = Policy(max_blast_radius=1, max_delay_stretch=50, max_failure_utilisation=50, cvar_alpha=0.7, min_gain=0.01)


def drawn(network: Network, count: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [network.demands * rng.lognormal(0.1, 0.5, network.demands.shape) for _ in range(count)]


def peaks(network: Network, scenarios) -> np.ndarray:
    return np.array([simulate(network.with_demands(matrix)).max_utilisation for matrix in scenarios])


@pytest.mark.parametrize("measure", ["mean", "cvar"])
def test_the_measure_is_what_the_simulator_gives_over_the_scenarios(measure):
    plans = 0
    for seed in range(5):
        network = random_network(seed, nodes=6, extra=5, load=2)
        scenarios = drawn(network, 7, seed)
        weigh = np.mean if measure == "mean" else lambda values: cvar(values, LOOSE.cvar_alpha)
        proposal = plan_for_scenarios(network, scenarios, LOOSE, measure=measure)
        assert proposal.before.max_utilisation == pytest.approx(weigh(peaks(network, scenarios)))
        assert proposal.bound <= proposal.after.max_utilisation + 1e-6
        if proposal.plan:
            plans += 1
            reached = peaks(apply_all(network, proposal.plan.steps), scenarios)
            assert proposal.after.max_utilisation == pytest.approx(weigh(reached))
            assert proposal.after.beats(proposal.before)
    assert plans > 0


def test_one_scenario_that_is_the_present_traffic_gives_the_plan_of_plain_relief():
    network = random_network(3, nodes=6, extra=5, load=2)
    plain = relieve_by_tunnels(network, LOOSE)
    alone = plan_for_scenarios(network, [network.demands], LOOSE, measure="mean")
    assert plain.plan
    assert set(plain.plan.steps) <= set(alone.plan.steps)


def test_planning_for_the_tail_serves_the_tail_at_least_as_well_as_planning_for_today():
    network = load_network("sndlib/polska")
    scenarios = drawn(network, 10, 4)
    policy = Policy(max_blast_radius=1, min_gain=0.01)
    robust = plan_for_scenarios(network, scenarios, policy)
    today = relieve_by_tunnels(network, policy)
    alone = apply_all(network, today.plan.steps) if today.plan else network
    harm = [simulate(alone.with_demands(matrix)).harm(policy.max_utilisation).routable for matrix in scenarios]
    assert robust.plan
    assert robust.after.harm <= cvar(np.array(harm), policy.cvar_alpha) + 1e-6


def test_scenarios_of_another_shape_are_refused():
    network = random_network(1)
    for wrong in ([], [np.zeros((2, 2))]):
        with pytest.raises(InputError, match="shape"):
            plan_for_scenarios(network, wrong, LOOSE)
