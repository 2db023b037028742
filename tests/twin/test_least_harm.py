"""What no plan can spare a network, against the optimum over all routings by a linear programme."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tests.twin.optimise.networks import network_of, random_network
from twin.gate.checks.gain import least_harm, relief
from twin.gate.verdict import verify
from twin.model import Network
from twin.optimise.judge import Judge
from twin.plan import DrainLink, Plan, SetWeight, apply, apply_all
from twin.policy import Policy
from twin.sim.simulate import simulate


def least_by_programme(network: Network, limit: float) -> float:
    """Oracle: flow per target and link, what is not carried and what is above the limit at one each."""
    n, m, links = len(network.nodes), len(network.links), network.links
    ends = [(network.node(x.tail), network.node(x.head)) for x in links]
    flows, spilt = n * m, n * n
    cost = np.concatenate([np.zeros(flows), np.ones(spilt), np.ones(m)])
    rows, entering = [], []
    for t in range(n):
        for u in (x for x in range(n) if x != t):
            row = np.zeros(cost.size)
            for a, (tail, head) in enumerate(ends):
                row[t * m + a] += (tail == u) - (head == u)
            row[flows + u * n + t] = 1.0
            rows.append(row)
            entering.append(network.offered[u, t])
    above = np.zeros((m, cost.size))
    for a in range(m):
        above[a, [t * m + a for t in range(n)]] = 1.0
        above[a, flows + spilt + a] = -1.0
    capacity = [limit * x.capacity for x in links]
    shut = [not (x.up and x.adjacent) for x in links]
    closed = [(0, 0) if shut[a] or t == ends[a][0] else (0, None) for t in range(n) for a in range(m)]
    bounds = [*closed, *[(0, float(x)) for x in network.offered.ravel()], *[(0, None)] * m]
    return float(linprog(cost, A_ub=above, b_ub=capacity, A_eq=np.array(rows), b_eq=entering, bounds=bounds).fun)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), cut=st.sampled_from([None, "up", "adjacent"]))
def test_no_routing_does_less_harm(seed, cut):
    network = random_network(seed, nodes=5, extra=2, load=2.5)
    if cut:
        network = replace(
            network, links=tuple(x._replace(**{cut: "n4" not in (x.tail, x.head)}) for x in network.links)
        )
    least, best = least_harm(network, 0.8), least_by_programme(network, 0.8)
    assert least <= best + 1e-6
    assert best <= simulate(network).harm(0.8).total + 1e-6


def test_where_one_node_asks_for_too_much_the_bound_is_what_the_programme_finds():
    ring = [("a", "b", 100.0, 1), ("b", "c", 100.0, 1), ("c", "d", 100.0, 1), ("d", "a", 100.0, 1)]
    network = network_of(ring, {("a", "c"): 300.0, ("b", "c"): 5.0})
    assert least_harm(network, 0.8) == pytest.approx(least_by_programme(network, 0.8)) == pytest.approx(145.0)
    assert least_harm(apply(network, DrainLink(circuit="link/a:b--b:a")), 0.8) == pytest.approx(145.0)


def flooded() -> Network:
    """c is asked for more than its links take, and 20 Mbit/s between a and b more than need be are above the limit."""
    circuits = [("a", "b", 100.0, 1), ("a", "d", 100.0, 1), ("d", "b", 100.0, 1), ("b", "c", 100.0, 1)]
    return network_of(circuits, {("b", "c"): 2080.0, ("a", "b"): 100.0, ("d", "b"): 10.0})


def test_a_plan_that_spares_all_that_can_be_spared_is_useful_however_much_is_out_of_reach():
    network, policy = flooded(), Policy(max_blast_radius=1, max_failure_utilisation=100, max_uncertain_utilisation=100)
    steps = (SetWeight(link="a->b", weight=2),)
    assert simulate(network).harm(0.8).total == pytest.approx(2020)
    assert least_harm(network, 0.8) == pytest.approx(2000)
    gain, words = relief(simulate(network), simulate(apply_all(network, steps)), 0.8)
    assert gain == pytest.approx(1.0)
    assert "2 Gbit/s of it out of any plan's reach" in words
    verdict = verify(Plan(goal="relieve", base=network.id, steps=steps), network, policy)
    assert [x.name for x in verdict.checks if not x.passed] == []


def test_what_a_router_without_neighbours_loses_takes_nothing_from_what_a_plan_is_good_for():
    network = flooded()
    alone = replace(network, links=tuple(x._replace(adjacent="c" not in (x.tail, x.head)) for x in network.links))
    assert least_harm(alone, 0.8) == pytest.approx(2080)
    better = apply_all(alone, (SetWeight(link="a->b", weight=2),))
    assert relief(simulate(alone), simulate(better), 0.8)[0] == pytest.approx(1.0)
    assert Judge(alone, Policy()).removable == pytest.approx(20)


def test_a_plan_is_no_use_where_nothing_can_be_spared():
    network = flooded().with_demands(flooded().demands * (flooded().demands > 200))
    assert relief(simulate(network), simulate(network), 0.8)[0] == 0
