"""Weights in increments: the same end, no loops on the way, and the gate still passes the plan."""

from itertools import pairwise

import numpy as np
import pytest

from evals.oracle.passing import looping
from tests.twin.optimise.networks import random_network
from twin.model import Network
from twin.optimise.increments import without_loops
from twin.optimise.judge import Judge
from twin.plan import DrainLink, SetWeight, apply_all, states
from twin.policy import Policy

OPEN = Policy(max_blast_radius=1, max_failure_utilisation=1e6, max_utilisation=1, max_delay_stretch=1e6, max_steps=50)


def light(seed: int) -> Network:
    return random_network(seed, nodes=9, extra=7, load=0.01)


def looped(network: Network, steps) -> float:
    reached = states(network, steps)
    return sum(sum(looping(a, b).values()) for a, b in pairwise(reached))


def raised(network: Network, seed: int) -> tuple[SetWeight, ...]:
    rng = np.random.default_rng(seed)
    links = [network.links[int(i)] for i in rng.choice(len(network.links), 2, replace=False)]
    return tuple(SetWeight(link=x.name, weight=x.weight + 40) for x in links)


def test_increments_end_where_the_steps_end_and_let_no_more_loop():
    better = 0
    for seed in range(40):
        network = light(seed)
        steps = raised(network, seed)
        finer = without_loops(Judge(network, OPEN), steps)
        assert apply_all(network, finer).id == apply_all(network, steps).id
        assert len(finer) <= 2 * len(steps)
        before, after = looped(network, steps), looped(network, finer)
        assert after <= before + 1e-6
        better += after < before - 1e-6
        assert finer == steps or after < before
    assert better >= 3


def test_steps_that_cannot_loop_stay_as_they_are():
    found = 0
    for seed in range(20):
        network = light(seed)
        steps = raised(network, seed)
        if looped(network, steps) == 0:
            assert without_loops(Judge(network, OPEN), steps) == steps
            found += 1
    assert found


@pytest.mark.parametrize("most", [2, 3])
def test_the_policy_bounds_the_number_of_steps(most):
    policy = OPEN.model_copy(update={"max_steps": most})
    for seed in range(20):
        network = light(seed)
        assert len(without_loops(Judge(network, policy), raised(network, seed))) <= most


def test_a_drain_is_one_step():
    network = light(3)
    steps = (DrainLink(circuit=network.links[0].circuit),)
    assert without_loops(Judge(network, OPEN), steps) == steps
