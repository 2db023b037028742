"""The growth factor is where the busiest link meets the limit, with rate limits too."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest

from tests.twin.sim.oracle import random_network
from twin.model import DemandLimit, Link, Network, Node
from twin.sim.simulate import simulate, single_failures
from twin.study.growth import growth_headroom


@pytest.mark.parametrize("seed", range(25))
def test_at_the_factor_the_worst_link_is_exactly_at_the_limit(seed):
    network = random_network(seed)
    failures = single_failures(network) if seed % 2 else ()
    headroom = growth_headroom(network, limit=0.8, failures=failures)
    if headroom.factor == inf:
        assert simulate(network).max_utilisation == 0
        return
    grown = simulate(network.with_demands(network.demands * headroom.factor), failures=failures)
    worst = grown.sweep.worst_utilisation if failures else grown.utilisation
    assert worst.max() == pytest.approx(0.8)
    assert worst[network.link(headroom.link)] == pytest.approx(0.8)
    if headroom.failure:
        row = [failure.name for failure in failures].index(headroom.failure)
        assert grown.sweep.max_utilisation[row] == pytest.approx(0.8)


def pair(limits=(), demand=(40.0, 10.0)) -> Network:
    """a-b-c with demands a to b and a to c over one link of 100 Mbit/s."""
    demands = np.zeros((3, 3))
    demands[0, 1], demands[0, 2] = demand
    links = tuple(Link(x, y, 100.0, 1) for x, y in ("ab", "ba", "bc", "cb"))
    return Network("pair", tuple(Node(x, 0, 0) for x in "abc"), links, demands, limits=limits)


def test_without_rate_limits_the_factor_is_the_inverse_of_the_utilisation():
    assert growth_headroom(pair()) == (2.0, "a->b", None)


def test_a_rate_limit_leaves_more_room_for_the_other_demands():
    headroom = growth_headroom(pair((DemandLimit("a", "b", 50.0),)))
    assert headroom.factor == pytest.approx(5.0)
    assert headroom.link == "a->b"


def test_when_every_demand_is_limited_below_capacity_growth_has_no_end():
    limits = (DemandLimit("a", "b", 50.0), DemandLimit("a", "c", 20.0))
    assert growth_headroom(pair(limits)) == (inf, None, None)


def test_when_all_limits_together_are_too_much_growth_ends_before_the_last_limit():
    limits = (DemandLimit("a", "b", 90.0), DemandLimit("a", "c", 90.0))
    headroom = growth_headroom(pair(limits))
    assert headroom.factor == pytest.approx(2.0)
    grown = simulate(pair(limits).with_demands(pair().demands * headroom.factor))
    assert grown.max_utilisation == pytest.approx(1.0)


def test_no_traffic_can_grow_for_ever():
    assert growth_headroom(pair(demand=(0.0, 0.0))).factor == inf


def test_a_failure_is_named_when_it_is_what_stops_growth():
    ring = [Link(x, y, 100.0, 1) for a, b in ("ab", "bc", "ca") for x, y in ((a, b), (b, a))]
    network = replace(pair(), links=tuple(ring))
    headroom = growth_headroom(network, failures=single_failures(network))
    assert (headroom.link, headroom.failure) == ("a->b", "link/a:c--c:a")
    assert headroom.factor == pytest.approx(2.0)
