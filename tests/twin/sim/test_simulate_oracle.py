"""The simulator against networkx, on networks with every oddity at once."""

from dataclasses import replace

import numpy as np
import pytest

from tests.depth import thinned
from tests.twin.sim.oracle import broken, random_network, reference, with_exits
from twin.model import Link, Network, Node, SegmentList, Tunnel
from twin.plan import DrainLink, DrainNode, apply
from twin.sim.arrays import compile_network
from twin.sim.simulate import Failure, simulate, single_failures


def every_second_with_exits(seed: int) -> Network:
    network = random_network(seed)
    return with_exits(network, seed) if seed % 2 else network


@pytest.mark.parametrize("block", range(8))
def test_outcomes_equal_networkx(block):
    for seed in range(25 * block, 25 * block + 25):
        network = every_second_with_exits(seed)
        outcome, expected = simulate(network), reference(network)
        np.testing.assert_allclose(outcome.load, expected.load, rtol=1e-9, atol=1e-9, err_msg=f"seed {seed}")
        np.testing.assert_allclose(outcome.delay_ms, expected.delay, rtol=1e-9, atol=1e-9, err_msg=f"seed {seed}")
        np.testing.assert_allclose(outcome.delays.longest, expected.longest, rtol=1e-9, err_msg=f"seed {seed}")
        np.testing.assert_array_equal(outcome.delays.mean, outcome.delay_ms)
        figures = outcome.lost, outcome.severed, outcome.dropped
        assert figures == pytest.approx((expected.lost, expected.severed, expected.dropped), abs=1e-9)
        assert outcome.invalid_tunnels == expected.invalid


@pytest.mark.parametrize("block", range(8))
def test_every_offered_megabit_is_accounted_for(block):
    for seed in range(25 * block, 25 * block + 25):
        network = every_second_with_exits(seed)
        outcome, delivered = simulate(network), reference(network).delivered
        total = delivered + outcome.lost + outcome.severed + outcome.dropped
        assert total == pytest.approx(network.demands.sum(), abs=1e-9)


@pytest.mark.parametrize("block", thinned(range(8), 2))
def test_failure_sweeps_equal_broken_networks(block):
    for seed in range(25 * block, 25 * block + 25):
        network = every_second_with_exits(seed)
        failures = (*single_failures(network), Failure("pair", (0, len(network.links) - 1), (1,)))
        outcome = simulate(network, failures=failures)
        sweep = outcome.sweep
        capacity = np.array([link.capacity for link in network.links])
        states = [reference(broken(network, failure)) for failure in failures]
        loads = np.array([state.load for state in states])
        np.testing.assert_allclose(sweep.lost, [x.lost for x in states], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(sweep.severed, [x.severed for x in states], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(sweep.max_utilisation, (loads / capacity).max(1), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(sweep.overload, np.maximum(loads - capacity, 0).sum(1), rtol=1e-9, atol=1e-9)
        worst = np.maximum((loads / capacity).max(0), outcome.utilisation)
        np.testing.assert_allclose(sweep.worst_utilisation, worst, rtol=1e-9, atol=1e-9)
        for link, cause in enumerate(sweep.worst_failure):
            intact = outcome.utilisation[link]
            expected = loads[cause, link] / capacity[link] if cause >= 0 else intact
            assert sweep.worst_utilisation[link] == pytest.approx(expected)


def test_busiest_link_of_a_failure_is_one_that_reaches_the_maximum():
    for seed in range(40):
        network = random_network(seed)
        failures = single_failures(network)
        sweep = simulate(network, failures=failures).sweep
        for row, failure in enumerate(failures):
            outcome = simulate(broken(network, failure))
            if sweep.busiest[row] < 0:
                assert not outcome.load.any()
            else:
                assert outcome.utilisation[sweep.busiest[row]] == pytest.approx(outcome.max_utilisation)


def square(**options) -> Network:
    """a-b-d and a-c-d with equal weights, 12 Mbit/s from a to d."""
    links = [Link(x, y, 10, 1, 2.0) for a, b in ("ab", "bd", "ac", "cd") for x, y in ((a, b), (b, a))]
    demands = np.zeros((4, 4))
    demands[0, 3] = 12
    return Network("square", tuple(Node(x, 0, 0) for x in "abcd"), tuple(links), demands, **options)


def test_equal_paths_share_the_demand():
    network = square()
    outcome = simulate(network)
    assert [outcome.load[network.link(x)] for x in ("a->b", "b->d", "a->c", "c->d", "b->a")] == [6, 6, 6, 6, 0]
    assert (outcome.max_utilisation, outcome.busiest, outcome.mean_delay_ms) == (0.6, "a->b", 4.0)


def test_one_failure_moves_the_demand_and_overloads_the_other_path():
    sweep = simulate(square(), failures=single_failures(square())).sweep
    assert sweep.failures[0].name == "link/a:b--b:a"
    assert (sweep.max_utilisation[0], sweep.overload[0], sweep.lost[0]) == (1.2, 4.0, 0.0)
    assert dict(zip((x.name for x in sweep.failures), sweep.severed, strict=True))["node/d"] == 12


def test_tunnel_without_a_valid_list_follows_the_igp_and_is_named():
    tunnel = Tunnel(name="t", source="a", target="d", paths=(SegmentList(via=("b",)),), on_invalid="igp")
    network = square(tunnels=(tunnel,))
    assert simulate(network).load[network.link("a->b")] == 12
    outcome = simulate(broken(network, Failure("b", nodes=(1,))))
    assert (outcome.load[network.link("a->c")], outcome.invalid_tunnels, outcome.lost) == (12, ("t",), 0)


def test_labels_that_nobody_verifies_lose_their_traffic_where_a_mid_point_fails():
    tunnel = Tunnel(name="t", source="a", target="d", paths=(SegmentList(via=("b",)),))
    network = square(tunnels=(tunnel,))
    failed = broken(network, Failure("b", nodes=(1,)))
    outcome = simulate(failed)
    assert (outcome.lost, outcome.load.any(), outcome.invalid_tunnels) == (12, False, ())
    assert (outcome.undelivered.sum(), outcome.harm(1.0).unrouted) == (12, 12)
    assert simulate(network, failures=single_failures(network)).sweep.lost.max() == 12
    dynamic = square(tunnels=(tunnel.model_copy(update={"path": "dynamic"}),))
    assert simulate(broken(dynamic, Failure("b", nodes=(1,)))).lost == 0


def test_labels_carry_their_traffic_as_far_as_there_is_a_way():
    lists = (SegmentList(via=("b", "c"), share=0.75), SegmentList(via=("b",), share=0.25))
    network = square(tunnels=(Tunnel(name="t", source="a", target="d", paths=lists),))
    outcome = simulate(broken(network, Failure("c", nodes=(2,))))
    assert (outcome.load[network.link("a->b")], outcome.load[network.link("b->d")], outcome.lost) == (12, 3, 9)
    assert outcome.delay_ms[0, 3] == 4.0


def test_a_circuit_that_is_costed_out_carries_what_has_no_other_way():
    network = apply(square(), DrainLink(circuit="link/a:b--b:a", mode="cost_out"))
    assert simulate(network).load[network.link("a->b")] == 0
    sweep = simulate(network, failures=single_failures(network)).sweep
    assert sweep.lost.max() == 0
    gone = apply(square(), DrainLink(circuit="link/a:b--b:a"))
    assert simulate(gone, failures=single_failures(gone)).sweep.lost.max() == 12


def test_a_stub_router_is_the_last_resort_of_transit_and_an_overloaded_one_none():
    stub, overloaded = (apply(square(), DrainNode(node="b", mode=mode)) for mode in ("cost_out", "overload"))
    ospf = replace(overloaded, igp="ospf")
    loads = [simulate(x).load[x.link("a->b")] for x in (stub, overloaded, ospf)]
    assert loads == [0, 0, 0]
    lost = [simulate(broken(x, Failure("c", nodes=(2,)))).lost for x in (stub, overloaded, ospf)]
    assert lost == [0, 12, 0]


def test_harm_counts_lost_dropped_and_excess():
    outcome = simulate(broken(square(), Failure("a-b", (0, 1))))
    assert outcome.harm(1.0).total == pytest.approx(4.0)
    assert outcome.harm(0.5).total == pytest.approx(14.0)


def test_compiling_is_done_once_per_network():
    network = square()
    assert compile_network(network) is compile_network(network)


def test_network_without_links_loses_every_demand():
    lonely = Network("lonely", (Node("a", 0, 0), Node("b", 0, 0)), (), np.array([[0, 3.0], [0, 0]]))
    outcome = simulate(lonely, failures=single_failures(lonely))
    assert (outcome.lost, outcome.max_utilisation, outcome.busiest) == (3.0, 0.0, None)
    assert outcome.sweep.severed.tolist() == [3.0, 3.0]
