"""Per demand: the slowest path that a failure leaves, and the failures that leave none; networkx is the oracle."""

import networkx as nx
import numpy as np
import pytest

from twin.formats import load_network
from twin.model import Link, Network, Node
from twin.sim.simulate import single_failures
from twin.study.demands import study_demands


def line_with_a_loop():
    """A - B - C - D - B: A hangs on one circuit, the rest is a triangle."""
    ends = [("A", "B", 1.0), ("B", "C", 2.0), ("C", "D", 3.0), ("D", "B", 4.0)]
    links = [Link(x, y, 100.0, int(w), w) for a, b, w in ends for x, y in ((a, b), (b, a))]
    demands = np.zeros((4, 4))
    demands[0, 2], demands[1, 2] = 5.0, 7.0
    return Network("loop", tuple(Node(x, 0.0, 0.0) for x in "ABCD"), tuple(links), demands)


def test_a_demand_knows_what_cuts_it_and_what_slows_it():
    network = line_with_a_loop()
    cases = {case.demand: case for case in study_demands(network, single_failures(network))}
    a_to_c, b_to_c = cases["A->C"], cases["B->C"]
    assert (a_to_c.cut_by, a_to_c.cut_example) == (2, "link/A:B--B:A")  # its one circuit, and node B
    assert (a_to_c.delay_ms, a_to_c.worst_delay_ms, a_to_c.worst_failure) == (3.0, 8.0, "link/B:C--C:B")
    assert (b_to_c.cut_by, b_to_c.worst_delay_ms) == (0, 7.0)


def test_the_demand_that_most_failures_cut_comes_first():
    network = line_with_a_loop()
    assert [case.demand for case in study_demands(network, single_failures(network))] == ["A->C", "B->C"]


def test_without_failures_the_intact_state_is_the_worst():
    case = study_demands(line_with_a_loop(), ())[0]
    assert (case.worst_delay_ms, case.worst_failure, case.cut_by) == (case.delay_ms, None, 0)


@pytest.mark.parametrize("name", ["synthetic/12-1", "synthetic/14-2"])
def test_worst_delays_and_cuts_equal_those_of_networkx(name):
    network = load_network(name)
    failures = single_failures(network)
    cases = {case.demand: case for case in study_demands(network, failures)}
    for s, t in np.argwhere(network.offered > 0)[::7]:
        source, target = network.nodes[s].name, network.nodes[t].name
        found = [_delay(network, failure, s, t) for failure in failures if not {s, t} & set(failure.nodes)]
        case = cases[f"{source}->{target}"]
        assert case.cut_by == sum(delay is None for delay in found)
        longest = max(delay for delay in (*found, _delay(network, None, s, t)) if delay is not None)
        assert case.worst_delay_ms == pytest.approx(longest)


def _delay(network, failure, s, t):
    """Mean delay over the equal-cost paths, split evenly at each hop, by walking the shortest-path graph."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(len(network.nodes)))
    for i, link in enumerate(network.links):
        tail, head = network.node(link.tail), network.node(link.head)
        if failure is None or (i not in failure.links and not {tail, head} & set(failure.nodes)):
            graph.add_edge(tail, head, weight=link.weight, delay=link.delay_ms)
    left = nx.single_source_dijkstra_path_length(graph.reverse(), t)
    if s not in left:
        return None

    def mean(u):
        if u == t:
            return 0.0
        hops = [
            (v, x["delay"])
            for _, v, x in graph.out_edges(u, data=True)
            if v in left and x["weight"] + left[v] == left[u]
        ]
        return sum(delay + mean(v) for v, delay in hops) / len(hops)

    return mean(s)
