from dataclasses import replace
from math import isclose

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evals.oracle.walker import expected_share
from tests.twin.optimise.networks import network_of
from tests.twin.random_networks import changes, networks
from twin.gate.checks.moved import moved_share
from twin.model import SegmentList, Tunnel
from twin.plan import LimitDemand, SetWeight, apply


@settings(max_examples=60)
@given(st.data(), networks(max_nodes=5))
def test_the_traffic_moved_equals_a_walk_from_the_definitions(data, network):
    assume(network.offered.sum() > 0)
    changed = network
    for _ in range(data.draw(st.integers(1, 3))):
        changed = apply(changed, data.draw(changes(changed)))
    assert isclose(moved_share(network, changed), expected_share(network, changed), abs_tol=1e-9)


def test_half_moves_when_a_second_equal_path_opens():
    circuits = [("A", "B", 10, 1), ("B", "D", 10, 1), ("A", "C", 10, 1), ("C", "D", 10, 2)]
    network = network_of(circuits, {("A", "D"): 6.0, ("A", "B"): 4.0})
    assert isclose(moved_share(network, apply(network, SetWeight(link="C->D", weight=1))), 0.3)


def test_what_a_rate_limit_sheds_has_moved():
    network = network_of([("A", "B", 10, 1)], {("A", "B"): 8.0})
    assert isclose(moved_share(network, apply(network, LimitDemand(source="A", target="B", limit=2.0))), 0.75)


def test_what_a_list_that_leads_nowhere_loses_is_neither_moved_by_leaving_it_nor_by_its_repair():
    network = network_of([("A", "B", 10, 1), ("B", "C", 10, 1)], {("A", "B"): 4.0})
    lists = (SegmentList(via=(), share=0.25), SegmentList(via=("C",), share=0.75))
    tunnel = Tunnel(name="T", source="A", target="B", paths=lists, path="explicit", on_invalid="blackhole")
    whole = replace(network, tunnels=(tunnel,))
    cut = replace(whole, links=tuple(x._replace(up="C" not in (x.tail, x.head)) for x in whole.links))
    for after in (cut, whole, replace(cut, tunnels=())):
        assert isclose(moved_share(cut, after), expected_share(cut, after), abs_tol=1e-12)
    assert isclose(moved_share(cut, cut), 0.0, abs_tol=1e-12)
    assert isclose(moved_share(cut, whole), 0.0, abs_tol=1e-12)
    assert isclose(moved_share(whole, cut), 0.75)


@settings(max_examples=30)
@given(networks())
def test_nothing_moves_when_nothing_changes(network):
    assert abs(moved_share(network, network)) < 1e-12
