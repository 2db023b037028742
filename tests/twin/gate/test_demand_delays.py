"""A limit on how long a demand takes holds for every way by which a share of it goes."""

from dataclasses import replace

import numpy as np
import pytest

from evals.oracle.carried import carried
from tests.twin.gate.test_repair_and_delay import OPEN, OVER_C, checks, with_delays
from tests.twin.optimise.networks import network_of
from twin.demand_limits import DemandLimits
from twin.model import Link, Node, SegmentList
from twin.plan import SetTunnel, SetWeight, apply_all
from twin.sim.simulate import simulate


def slow_beside(kind):
    """A plan by which half of what A sends takes 30 ms, and the rest 2 ms as before; who receives it."""
    ends = {"parallel circuits": "AB AB", "equal paths": "AB AC CB", "segment lists": "AB AC CB", "exits": "AB AC"}
    slow = {"equal paths": 5, "segment lists": 5, "parallel circuits": 2, "exits": 2}[kind]
    circuits = [(x[0], x[1], 10_000, 1 if x == "AB" else slow) for x in ends[kind].split()]
    network = with_delays(network_of(circuits, {("A", "B"): 10.0}), AB=2.0, AC=15.0, BC=15.0)
    if kind == "parallel circuits":
        links = (x._replace(delay_ms=30.0, weight=2) if x.index == 2 else x for x in network.links)
        return replace(network, links=tuple(links)), (SetWeight(link="A->B.2", weight=1),), "B"
    if kind == "equal paths":
        return network, (SetWeight(link="A->B", weight=10),), "B"
    if kind == "segment lists":
        halves = (SegmentList(via=("C",), share=0.5), SegmentList(via=(), share=0.5))
        return network, (SetTunnel(tunnel=OVER_C.tunnel.model_copy(update={"paths": halves})),), "B"
    out = tuple(Link(x, "world", 10_000, 1, ms) for x, ms in (("B", 0.0), ("C", 15.0)))
    demands = np.zeros((4, 4))
    demands[0, 3] = 10.0
    nodes = (*network.nodes, Node("world", 0, 0, kind="exits"))
    network = replace(network, nodes=nodes, links=(*network.links, *out), demands=demands)
    return network, (SetWeight(link="A->C", weight=1),), "world"


@pytest.mark.parametrize("kind", ["parallel circuits", "equal paths", "segment lists", "exits"])
def test_a_limit_holds_for_every_way_that_a_demand_takes_and_not_for_their_mean(kind):
    network, steps, target = slow_beside(kind)
    final, pair = apply_all(network, steps), (network.node("A"), network.node(target))
    assert simulate(final).delay_ms[pair] == pytest.approx(16.0)
    assert carried(final).longest["A", target] == pytest.approx(30.0)
    for limits, limit in (
        ({"max_demand_delay_ms": 20.0}, 20.0),
        ({"max_demand_stretch": 10.0}, 20.0),
        ({"demands": {"A->*": DemandLimits(max_delay_ms=20.0)}}, 20.0),
    ):
        nominal = checks(network, *steps, policy=OPEN.model_copy(update=limits))["nominal"]
        found = nominal.counterexample
        assert (found.element, found.measured) == (f"demand/A->{target}", pytest.approx(30.0))
        assert found.limit == pytest.approx(limit)
        assert "30.000 ms by its longest way after step" in nominal.detail
    assert checks(network, *steps, policy=OPEN.model_copy(update={"max_demand_delay_ms": 30.0}))["nominal"].passed
    back = SetWeight(link="A->B", weight=50)  # all of it goes by what half of it took
    slower = checks(final, back, policy=OPEN.model_copy(update={"max_demand_delay_ms": 20.0}))["nominal"]
    assert "30.000 ms in the mean over its ways" in slower.detail


def test_a_limit_under_failures_holds_for_every_way():
    """A-B fails, and half goes by C, 6 ms, half by D, 80 ms, once a weight is set."""
    circuits = [("A", "B", 100, 1), ("A", "C", 100, 2), ("C", "B", 100, 2), ("A", "D", 100, 3), ("D", "B", 100, 2)]
    network = with_delays(network_of(circuits, {("A", "B"): 10.0}), AB=2.0, AC=3.0, BC=3.0, AD=40.0, BD=40.0)
    step, policy = SetWeight(link="A->D", weight=2), OPEN.model_copy(update={"max_failure_delay_ms": 50.0})
    found = checks(network, step, policy=policy)["survivable"].counterexample
    assert (found.element, found.failure, found.measured) == ("demand/A->B", "link/A:B--B:A", pytest.approx(80.0))
    assert checks(network, step, policy=policy.model_copy(update={"max_failure_delay_ms": 80.0}))["survivable"].passed
