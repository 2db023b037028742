"""Delay with queues, and the longest delay under failures."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.random_networks import networks
from tests.twin.sim.oracle import broken, random_network, reference, time_at_a_server
from twin.errors import InputError
from twin.model import Link, Network, Node
from twin.sim.delay import BURSTY, VALID_UTILISATION, delays_with_queues, worst_delays
from twin.sim.simulate import simulate, single_failures


def line(demand: float) -> Network:
    """a-b-c at 100 Mbit/s and 1 ms each, with a demand from a to c."""
    demands = np.zeros((3, 3))
    demands[0, 2] = demand
    links = tuple(Link(x, y, 100.0, 1, 1.0) for x, y in ("ab", "ba", "bc", "cb"))
    return Network("line", tuple(Node(x, 0, 0) for x in "abc"), links, demands)


def test_an_idle_link_adds_the_time_to_send_one_packet():
    delays = delays_with_queues(line(0.0), packet_bytes=1250)
    assert delays.link_ms.tolist() == [0.1] * 4
    assert delays.total_ms[0, 2] == pytest.approx(2.2)
    assert delays.valid()


def test_a_half_full_link_takes_twice_as_long():
    delays = delays_with_queues(line(50.0), packet_bytes=1250)
    assert delays.link_ms == pytest.approx([0.2, 0.1, 0.2, 0.1])
    assert delays.total_ms[0, 2] == pytest.approx(2.4)


def test_a_queue_follows_the_simulated_single_server():
    rho = 0.7
    delays = delays_with_queues(line(100.0 * rho), packet_bytes=1250)
    assert delays.link_ms[0] / 0.1 == pytest.approx(time_at_a_server(rho), rel=0.03)


def test_links_beyond_the_model_are_named_and_counted_as_nearly_full():
    delays = delays_with_queues(line(200.0), packet_bytes=1250)
    assert delays.beyond_model == ("a->b", "b->c")
    assert delays.link_ms[0] == pytest.approx(0.1 / (1 - VALID_UTILISATION))
    assert not delays.valid()


@pytest.mark.parametrize("seed", range(20))
def test_queues_never_shorten_a_delay(seed):
    network = random_network(seed)
    total, propagation = delays_with_queues(network).total_ms, simulate(network).delay_ms
    apart = ~np.eye(len(network.nodes), dtype=bool) & np.isfinite(propagation)
    assert (total[apart] > propagation[apart]).all()
    assert np.isinf(total[np.isinf(propagation)]).all()


@pytest.mark.parametrize("seed", range(15))
def test_longest_delays_are_those_of_the_broken_networks(seed):
    network = random_network(seed)
    failures = single_failures(network)
    states = [reference(network).delay, *(reference(broken(network, x)).delay for x in failures)]
    finite = np.where(np.isinf(states), -1.0, states)
    finite[0] = states[0]
    worst = worst_delays(network, failures)
    np.testing.assert_allclose(worst.delay_ms, finite.max(0), rtol=1e-9, atol=1e-9)
    for (s, t), cause in np.ndenumerate(worst.cause):
        assert worst.delay_ms[s, t] == pytest.approx(states[cause + 1][s, t])


@settings(max_examples=40)
@given(networks(), st.data())
def test_the_longest_way_is_the_longest_of_all_shortest_paths(drawn, data):
    """By networkx, which lists the paths node by node; of parallel circuits at equal cost the slowest counts."""
    ms = data.draw(st.lists(st.floats(0, 9), min_size=len(drawn.links), max_size=len(drawn.links)))
    nodes = tuple(x._replace(drained=False, cost_out=False) for x in drawn.nodes)
    plain = {"drained": False, "asleep": False, "cost_out": False}
    links = tuple(x._replace(delay_ms=y, **plain) for x, y in zip(drawn.links, ms, strict=True))
    network = replace(drawn, nodes=nodes, links=links, tunnels=())
    graph = nx.DiGraph()
    for x in sorted(links, key=lambda x: (-x.weight, x.delay_ms)):  # the last one stays: the cheapest, then the slowest
        graph.add_edge(x.tail, x.head, weight=x.weight, ms=x.delay_ms)
    found = simulate(network).delays.longest
    for s, source in enumerate(network.nodes):
        for t, target in enumerate(network.nodes):
            paths = nx.all_shortest_paths(graph, source.name, target.name, "weight")
            assert found[s, t] == pytest.approx(max(nx.path_weight(graph, x, "ms") for x in paths))


def served(arrivals, sizes):
    """Time in a single-server queue of each packet, by Lindley's recursion."""
    done, spent = 0.0, np.zeros(len(arrivals))
    for i, (arrival, size) in enumerate(zip(arrivals.tolist(), sizes.tolist(), strict=True)):
        done = max(arrival, done) + size
        spent[i] = done - arrival
    return spent


def test_99_of_100_packets_stay_below_the_percentile():
    rng, rho, packets = np.random.default_rng(8), 0.8, 300_000
    spent = served(np.cumsum(rng.exponential(1 / rho, packets)), rng.exponential(1.0, packets))
    delays = delays_with_queues(line(100.0 * rho), packet_bytes=1250)
    assert delays.link_p99_ms[0] / 0.1 == pytest.approx(np.quantile(spent, 0.99), rel=0.06)


def test_trains_of_packets_wait_many_times_as_long_and_within_the_stated_bounds():
    rng, rho = np.random.default_rng(9), 0.8
    trains = np.minimum(np.ceil(rng.pareto(1.5, 20_000) * 5), 200).astype(int) + 1
    starts = np.cumsum(rng.exponential(trains.mean() / rho, trains.size))
    arrivals = np.sort(np.concatenate([s + 4.0 * np.arange(n) for s, n in zip(starts, trains, strict=True)]))
    waited = served(arrivals, np.ones(len(arrivals))).mean() - 1
    poisson = rho / (1 - rho)
    assert 3 < waited / poisson < BURSTY[1]
    bursty = delays_with_queues(line(100.0 * rho), packet_bytes=1250, burstiness=waited / poisson)
    assert bursty.link_ms[0] / 0.1 == pytest.approx(1 + waited)


def test_a_burstiness_that_nobody_measured_is_refused():
    for factor in (0.0, -1.0, 100.0):
        with pytest.raises(InputError, match="never measured"):
            delays_with_queues(line(50.0), burstiness=factor)
