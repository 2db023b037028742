from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from tests.twin.observe.expect.test_splits_oracle import random_network
from tests.twin.observe.incidents import NOBEL, network
from twin.diagnose import diagnose
from twin.diagnose.weights import LoadSteps
from twin.faults import Fault, FaultKind
from twin.live.emulated import EmulatedNetwork
from twin.model import Link, Network, Node, SegmentList, Tunnel
from twin.observe import observe
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


def test_a_weight_is_found_though_a_full_link_drops_what_it_draws_before_it_gets_there():
    ends = {
        "S M": (600, 5),
        "M X": (4000, 5),
        "X T": (4000, 60),
        "S B": (4000, 10),
        "B T": (4000, 10),
        "M B": (4000, 40),
    }
    links = [
        Link(a, b, capacity, weight, 1.0)
        for name, (capacity, weight) in ends.items()
        for a, b in (name.split(), name.split()[::-1])
    ]
    nodes = tuple(Node(x, 0, 0) for x in ("S", "M", "X", "B", "T"))
    demands = np.full((5, 5), 40.0) * (1 - np.eye(5))
    demands[0, 4] = 1500.0
    fault = Fault(kind=FaultKind.WEIGHT, element="interface/X/T", severity=6.0)
    whole = Network("drawn", nodes, tuple(links), demands)
    begin = datetime(2026, 3, 2, 12, tzinfo=UTC)
    live = EmulatedNetwork(whole, seed=1, start=begin)
    live.wait(24)
    live.inject(fault)
    live.wait(3)
    seen = observe(live.read_topology(), live.read_telemetry(begin), now=live.now)
    assert seen.removed.max() > 0.3
    best = diagnose(seen).best
    assert (best.faults[0].kind, best.faults[0].element, len(best.faults)) == (fault.kind, fault.element, 1)
