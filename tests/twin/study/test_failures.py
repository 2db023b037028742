"""A planner's study names the worst case of each link and the failure causing it."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

from twin.elements import find_elements, find_failing
from twin.errors import UnknownElementError
from twin.formats import load_network
from twin.model import Link, Network, Node, RiskGroup
from twin.policy import Policy
from twin.sim.simulate import single_failures
from twin.study.failures import find_failures, study


@pytest.fixture(scope="module")
def small():
    return load_network("synthetic/8-1")


def tree(*pairs):
    """A network without a choice of path: each link's load follows by adding up."""
    names = sorted({name for pair in pairs for name in pair})
    links = [Link(a, b, 1_000, 1) for a, b in pairs]
    both = tuple(x for link in links for x in (link, link._replace(tail=link.head, head=link.tail)))
    demands = np.full((len(names), len(names)), 10.0)
    np.fill_diagonal(demands, 0)
    return Network("tree", tuple(Node(name, 0, 0) for name in names), both, demands)


def test_the_worst_case_is_the_highest_over_all_failures_and_the_intact_state(small):
    failures = find_failures(small, ["all"])
    together = study(small, failures)
    alone = {failure.name: study(small, [failure]) for failure in failures}
    for case in together.links:
        seen = {name: next(x for x in one.links if x.link == case.link) for name, one in alone.items()}
        assert case.worst_utilisation == pytest.approx(max(x.worst_utilisation for x in seen.values()))
        if case.worst_failure is not None:
            assert seen[case.worst_failure].worst_utilisation == pytest.approx(case.worst_utilisation)


def test_a_failed_ring_carries_what_an_independent_routing_says():
    ring = tree(("A", "B"), ("B", "C"), ("C", "D"), ("D", "A"))
    (failure,) = find_failures(ring, ["A--B"])
    result = study(ring, [failure])
    graph = nx.path_graph(["B", "C", "D", "A"])
    load = dict.fromkeys([*graph.edges, *((b, a) for a, b in graph.edges)], 0.0)
    for source in graph:
        for target in graph:
            for hop in nx.utils.pairwise(nx.shortest_path(graph, source, target)):
                load[hop] += 10.0
    assert result.failures[0].max_utilisation == pytest.approx(max(load.values()) / 1_000)
    assert result.failures[0].lost == 0


def test_what_a_failure_cuts_off_is_lost_and_what_a_dead_node_had_is_severed():
    star = tree(("A", "M"), ("B", "M"), ("C", "M"))
    cut, dead = study(star, find_failures(star, ["A--M"])), study(star, find_failures(star, ["M"]))
    assert cut.failures[0].lost == 60  # A to and from three others
    assert dead.failures[0].severed == 60
    assert dead.failures[0].lost == 60  # A, B, C among each other


def test_the_worst_come_first(small):
    result = study(small, find_failures(small, ["all"]))
    worst = [case.worst_utilisation for case in result.links]
    assert worst == sorted(worst, reverse=True)
    lost = [case.lost for case in result.failures]
    assert lost == sorted(lost, reverse=True)


def test_without_failures_the_intact_state_is_the_worst_case(small):
    result = study(small, ())
    assert result.failures == ()
    assert all(case.worst_utilisation == case.utilisation and case.worst_failure is None for case in result.links)


def test_sets_of_failures_have_names(small):
    everything = [failure.name for failure in single_failures(small)]
    links, nodes = find_failures(small, ["all-links"]), find_failures(small, ["all-nodes"])
    assert [x.name for x in find_failures(small, ["all"])] == everything == [x.name for x in (*links, *nodes)]
    assert find_failures(small, ["risk-groups"]) == ()
    assert find_failures(small, ["all-links,all-nodes"]) == find_failures(small, ["all-links", "all-nodes"])
    pairs = find_failures(small, ["pairs"])
    assert len(pairs) == len(links) * (len(links) - 1) // 2
    assert {len(x.links) for x in pairs} == {4}


def test_a_risk_group_fails_by_its_name_and_all_of_it_at_once(small):
    ducts = RiskGroup("Duct 7", tuple(small.circuits)[:2]), RiskGroup("other", tuple(small.circuits)[1:2])
    grouped = replace(small, risk_groups=ducts)
    (failure,) = find_failures(grouped, ["duct 7"])
    assert failure.name == "risk-group/Duct 7"
    assert failure.links == tuple(sorted(i for x in ducts[0].circuits for i in small.circuits[x]))
    assert find_failures(grouped, ["risk-group/Duct 7"]) == find_failures(grouped, ["risk-groups"])[:1] == (failure,)
    with pytest.raises(UnknownElementError, match="node, circuit or risk group 'duct 8'") as wrong:
        find_failing(grouped, "duct 8")
    assert "Duct 7" in wrong.value.fix


@pytest.mark.parametrize("write", [lambda x: x.circuit, lambda x: x.name, lambda x: f"{x.head}--{x.tail}"])
def test_a_circuit_is_found_by_id_by_link_and_by_its_ends(small, write):
    link = small.links[0]
    (failure,) = find_failures(small, [write(link)])
    assert failure.name == link.circuit
    assert failure.links == small.circuits[link.circuit]


def test_parallel_circuits_between_two_nodes_fail_one_by_one_or_together():
    pair = tree(("A", "B"))
    double = Network("double", pair.nodes, (*pair.links, *(x._replace(index=2) for x in pair.links)), pair.demands)
    assert len(find_failures(double, ["A-B"])) == 2
    assert len(find_failures(double, ["A--B"])) == 1
    (both,) = find_failures(double, ["A-B"], together=True)
    assert study(double, [both]).failures[0].lost == 20


def test_the_same_failure_named_twice_counts_once(small):
    assert len(find_failures(small, ["R1", "node/R1", "all-nodes"])) == len(small.nodes)


@pytest.mark.parametrize("name", ["R99", "R1--R1", "R1--", "--", "", "link/", "alll"])
def test_an_unknown_element_is_refused(small, name):
    with pytest.raises(UnknownElementError):
        find_failures(small, [name])


@pytest.mark.parametrize("names", [["all"], ["all-links,pairs"]])
def test_growth_fits_up_to_its_factor_and_no_further(small, names):
    policy, failures = Policy(max_utilisation=0.7, max_failure_utilisation=0.9), find_failures(small, names)
    result = study(small, failures, policy)

    def fits(factor):
        grown = study(small.with_demands(small.demands * factor), failures, policy)
        return (
            grown.max_utilisation <= 0.7,
            grown.max_utilisation <= 0.7 and all(x.max_utilisation <= 0.9 for x in grown.failures),
        )

    for which, growth in enumerate((result.growth, result.growth_under_failures)):
        assert fits(growth.factor * (1 - 1e-6))[which]
        assert not fits(growth.factor * (1 + 1e-6))[which]
    assert result.growth_under_failures.factor <= result.growth.factor


def test_headroom_is_what_a_link_takes_before_the_first_limit():
    ring = tree(("A", "B"), ("B", "C"), ("C", "D"), ("D", "A"))
    policy = Policy(max_utilisation=0.05, max_failure_utilisation=0.06)
    intact = study(ring, (), policy)
    failing = study(ring, find_failures(ring, ["all-links"]), policy)
    for case in intact.links:
        assert case.headroom == pytest.approx(50 - 1_000 * case.utilisation)
    for case in failing.links:
        assert case.headroom == pytest.approx(min(50 - 1_000 * case.utilisation, 60 - 1_000 * case.worst_utilisation))


def test_without_traffic_no_growth_fills_a_link(small):
    idle = study(small.with_demands(np.zeros_like(small.demands)), find_failures(small, ["all"]))
    assert (idle.growth.factor, idle.growth_under_failures.factor) == (None, None)


def test_elements_are_found_by_every_name_that_is_in_use(small):
    link = small.links[0]
    for name in (link.circuit, link.name, f"{link.tail}--{link.head}"):
        assert find_elements(small, name) == (link.circuit,)
    assert find_elements(small, "R1") == find_elements(small, "node/R1") == ("node/R1",)
