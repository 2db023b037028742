"""The dynamic update against a full evaluation of the same broken state, for any failed set."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.sim.oracle import broken, random_network, with_exits
from twin.errors import UnknownElementError
from twin.model import Link, Network, Node, SegmentList, Tunnel
from twin.sim.arrays import FAR, compile_network
from twin.sim.delta import distances_without
from twin.sim.kernels import shortest_paths
from twin.sim.simulate import Failure, simulate


@st.composite
def broken_networks(draw):
    """A random network and a random set of its links and nodes."""
    seed = draw(st.integers(0, 10_000))
    network = random_network(seed, lossless=draw(st.booleans()))
    nodes = draw(st.sets(st.integers(0, len(network.nodes) - 1), max_size=2))
    network = with_exits(network, seed) if draw(st.booleans()) else network
    links = draw(st.sets(st.integers(0, len(network.links) - 1), max_size=4))
    return network, Failure("any", tuple(links), tuple(nodes))


@settings(max_examples=300)
@given(broken_networks())
def test_any_failed_set_equals_a_full_evaluation(case):
    network, failure = case
    sweep, outcome = simulate(network, failures=(failure,)).sweep, simulate(broken(network, failure))
    capacity = np.array([link.capacity for link in network.links])
    expected = (
        outcome.max_utilisation,
        outcome.lost,
        outcome.severed,
        np.maximum(outcome.load - capacity, 0).sum(),
    )
    figures = sweep.max_utilisation[0], sweep.lost[0], sweep.severed[0], sweep.overload[0]
    assert figures == pytest.approx(expected, rel=1e-9, abs=1e-9)
    worst = np.maximum(simulate(network).utilisation, outcome.utilisation)
    np.testing.assert_allclose(sweep.worst_utilisation, worst, rtol=1e-9, atol=1e-9)


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(0, 100))
def test_the_distances_without_an_arc_are_those_of_a_network_that_never_had_it(seed, pick):
    network = random_network(seed, lossless=True)
    arrays = compile_network(network)
    arc = pick % len(network.links)
    found = distances_without(arrays, shortest_paths(arrays).dist, arc)
    weight = arrays.weight.copy()
    weight[arc] = FAR
    expected = shortest_paths(arrays._replace(weight=weight)).dist
    assert found.tolist() == expected.tolist()


@settings(max_examples=50)
@given(st.integers(0, 10_000), st.permutations(range(6)))
def test_a_failure_has_the_same_figures_wherever_it_stands_in_the_sweep(seed, order):
    network = random_network(seed)
    failures = [Failure(str(i), (i % len(network.links),), (i % len(network.nodes),)) for i in range(6)]
    straight = simulate(network, failures=failures).sweep
    shuffled = simulate(network, failures=[failures[i] for i in order]).sweep
    for name in ("max_utilisation", "lost", "severed", "overload"):
        assert getattr(shuffled, name).tolist() == getattr(straight, name)[list(order)].tolist()


def ring(n: int, **options) -> Network:
    nodes = tuple(Node(f"n{i}", 0, 0) for i in range(n))
    pairs = [(i, (i + 1) % n) for i in range(n)]
    links = tuple(Link(f"n{x}", f"n{y}", 10, 1, 1.0) for a, b in pairs for x, y in ((a, b), (b, a)))
    demands = np.full((n, n), 1.0) - np.eye(n)
    return Network("ring", nodes, links, demands, **options)


def test_a_failure_that_cuts_a_segment_list_moves_its_share_to_the_other_lists():
    lists = (SegmentList(via=("n1",), share=0.5), SegmentList(via=("n4",), share=0.5))
    network = ring(5, tunnels=(Tunnel(name="t", source="n0", target="n2", paths=lists, on_invalid="igp"),))
    failure = Failure("n4", nodes=(4,))
    sweep, outcome = simulate(network, failures=(failure,)).sweep, simulate(broken(network, failure))
    assert sweep.max_utilisation[0] == pytest.approx(outcome.max_utilisation)
    assert outcome.load[network.link("n0->n1")] == pytest.approx(3)


def test_a_cut_in_two_parts_loses_what_crosses_it_and_severs_nothing():
    network = ring(4)
    sweep = simulate(network, failures=(Failure("two circuits", (0, 1, 4, 5)),)).sweep
    assert (sweep.lost[0], sweep.severed[0]) == (8.0, 0.0)
    assert sweep.max_utilisation[0] == pytest.approx(0.1)


def test_a_sweep_without_traffic_has_no_busiest_link():
    idle = ring(4).with_demands(np.zeros((4, 4)))
    sweep = simulate(idle, failures=(Failure("x", (0, 1)),)).sweep
    assert (sweep.busiest[0], sweep.max_utilisation[0], sweep.worst_failure.tolist()) == (-1, 0.0, [-1] * 8)


def test_the_worst_failure_of_a_link_is_the_one_that_loads_it_most():
    network = ring(4)
    sweep = simulate(network, failures=[Failure(str(i), (2 * i, 2 * i + 1)) for i in range(4)]).sweep
    for link, cause in enumerate(sweep.worst_failure):
        loads = [simulate(broken(network, failure)).utilisation[link] for failure in sweep.failures]
        assert loads[cause] == pytest.approx(max(loads))
        assert loads[cause] == pytest.approx(sweep.worst_utilisation[link])


@pytest.mark.parametrize("failure", [Failure("x", links=(8,)), Failure("x", links=(-1,)), Failure("x", nodes=(4,))])
def test_a_failure_beyond_the_network_is_refused(failure):
    with pytest.raises(UnknownElementError):
        simulate(ring(4), failures=(failure,))


def test_the_worst_failure_is_the_one_that_loses_or_overloads_most_then_the_one_with_the_busiest_link():
    sweep = simulate(ring(4), failures=[Failure(str(i), (2 * i, 2 * i + 1)) for i in range(4)]).sweep
    figures = replace(
        sweep,
        lost=np.array([0.0, 5.0, 0.0, 0.0]),
        overload=np.array([0.0, 1.0, 7.0, 0.0]),
        max_utilisation=np.array([0.9, 0.5, 1.2, 0.95]),
    )
    assert figures.worst_first.tolist() == [2, 1, 3, 0]
    assert figures.worst == 2
