from dataclasses import replace

import numpy as np
import pytest

from tests.twin.observe.expect.test_splits_oracle import random_network
from tests.twin.observe.incidents import NOBEL, network
from twin.diagnose.weights import LoadSteps
from twin.model import Network, SegmentList, Tunnel
from twin.sim.simulate import simulate


def with_weight(whole: Network, position: int, weight: int) -> Network:
    links = list(whole.links)
    links[position] = links[position]._replace(weight=weight)
    return replace(whole, links=tuple(links))


def with_tunnel(whole: Network) -> Network:
    tunnel = Tunnel(name="T", source="N0", target="N5", paths=(SegmentList(via=("N3",)),), on_invalid="igp")
    return replace(whole, tunnels=(tunnel,))


@pytest.mark.parametrize("tunnelled", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_the_steps_give_the_load_of_every_weight_and_equal_routing_within_a_step(seed, tunnelled):
    whole = random_network(seed, weights=(2, 3, 5, 9))
    whole = with_tunnel(whole) if tunnelled else whole
    for position in range(0, len(whole.links), 5):
        steps = LoadSteps(whole).of(position)
        assert [x.low for x in steps[1:]] == [x.high + 1 for x in steps[:-1]]
        assert (steps[0].low, steps[-1].high) == (1, 65_535)
        loads = {w: simulate(with_weight(whole, position, w)).load for w in range(1, 30)}
        for step in steps:
            inside = [loads[w] for w in range(step.low, min(step.high, 29) + 1)]
            for load in inside:
                assert step.least - 1e-9 <= load[position] <= step.most + 1e-9
                np.testing.assert_allclose(load, inside[0], atol=1e-9)


def test_far_ends_of_a_step_route_alike_on_a_real_network():
    whole = network(NOBEL)
    for position in (0, 17, 40):
        for step in LoadSteps(whole).of(position)[::7]:
            ends = [simulate(with_weight(whole, position, w)).load for w in (step.low, step.high)]
            np.testing.assert_allclose(ends[0], ends[1], rtol=1e-9)


def test_a_link_that_no_traffic_can_use_has_no_steps():
    whole = random_network(1, weights=(1,)).with_demands(np.zeros((9, 9)))
    assert LoadSteps(whole).of(0) == []
