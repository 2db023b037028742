from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tests.twin.optimise.networks import data_folder, network_of, random_network
from twin.formats import read_network
from twin.gate.verdict import verify
from twin.model import Network
from twin.optimise import fractions
from twin.optimise.fractions import ecmp_fractions
from twin.optimise.lp import lowest_utilisation
from twin.optimise.segments import relieve_by_segments, route_by_segments
from twin.optimise.tunnels import Move, tunnel_over
from twin.plan import SetTunnel, apply, apply_all
from twin.policy import Policy
from twin.sim.arrays import FAR, compile_network
from twin.sim.route import route
from twin.sim.simulate import simulate


def routed(network: Network, moves) -> Network:
    for move in moves:
        network = apply(network, SetTunnel(tunnel=tunnel_over(network, Move(*move))))
    return network


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_the_shares_are_what_a_single_demand_loads(seed):
    network = random_network(seed)
    arrays = compile_network(network)
    share = ecmp_fractions(arrays, route(arrays).paths).share
    for s, t in ((0, 1), (2, 5), (4, 3)):
        alone = np.zeros_like(network.demands)
        alone[s, t] = 7.0
        load = simulate(network.with_demands(alone)).load
        assert share[t, s][arrays.arc_of] * 7 == pytest.approx(load, abs=1e-9)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), loss=st.sampled_from([0.0, 0.2]))
def test_a_pair_on_its_own_has_the_shares_of_the_table(seed, loss):
    network = random_network(seed)
    links = (network.links[0]._replace(loss=loss), *network.links[1:])
    arrays = compile_network(replace(network, links=links))
    paths = route(arrays).paths
    share = ecmp_fractions(arrays, paths).share
    source, target = np.array([0, 2, 4]), np.array([1, 5, 3])
    assert fractions.pair_shares(arrays, paths, source, target) == pytest.approx(share[target, source])
    price = np.random.default_rng(seed).random(arrays.head.size)
    assert fractions.exposure(arrays, paths, price) == pytest.approx(share @ price)


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_the_peak_is_what_the_simulator_measures_with_these_tunnels(seed):
    network = random_network(seed)
    found = route_by_segments(network)
    outcome = simulate(routed(network, found.moves))
    assert found.load == pytest.approx(outcome.load, abs=1e-6)
    assert found.max_utilisation == pytest.approx(outcome.max_utilisation)


def best_split(network: Network) -> float:
    """Oracle: the split optimum over two-segment paths as a linear programme over all midpoints."""
    arrays = compile_network(network)
    paths = route(arrays).paths
    share = ecmp_fractions(arrays, paths).share
    n, columns, owners = len(network.nodes), [], []
    demands = [(s, t) for s, t in product(range(n), range(n)) if arrays.offered[t, s] > 0 and paths.dist[t, s] < FAR]
    for row, (s, t) in enumerate(demands):
        ways = [share[t, s]] + [
            share[k, s] + share[t, k]
            for k in range(n)
            if k not in (s, t) and paths.dist[k, s] < FAR and paths.dist[t, k] < FAR
        ]
        columns += [way * arrays.offered[t, s] for way in ways]
        owners += [row] * len(ways)
    usage = np.hstack([np.array(columns).T, -arrays.capacity[:, None]])
    once = np.zeros((len(demands), len(columns) + 1))
    once[owners, range(len(columns))] = 1
    cost = [0.0] * len(columns) + [1.0]
    return float(linprog(cost, A_ub=usage, b_ub=np.zeros(len(usage)), A_eq=once, b_eq=np.ones(len(demands))).fun)


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_the_split_optimum_lies_between_its_bound_and_its_value(seed):
    network = random_network(seed, nodes=6, extra=4)
    found, optimum = route_by_segments(network), best_split(network)
    flow = lowest_utilisation(network).max_utilisation
    assert found.flow_bound <= flow + 1e-6
    assert found.bound <= optimum + 1e-6
    assert optimum <= found.split + 1e-6
    assert found.split <= optimum * 1.1
    assert flow <= optimum + 1e-6
    assert optimum <= found.max_utilisation + 1e-6


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.integers(0, 6))
def test_the_number_of_tunnels_keeps_its_cap_and_never_makes_it_worse(seed, most):
    network = random_network(seed)
    found = route_by_segments(network, most=most)
    assert len(found.moves) <= most
    assert found.max_utilisation <= simulate(network).max_utilisation + 1e-9


def test_unsplit_routing_on_tiny_networks_is_near_the_best_of_all():
    for seed in range(6):
        network = random_network(seed, nodes=4, extra=3)
        demands = np.argsort(-network.offered, axis=None)[:4]
        kept = np.zeros_like(network.demands)
        kept.flat[demands] = network.offered.flat[demands]
        network = network.with_demands(kept)
        pairs = [divmod(int(flat), 4) for flat in demands if kept.flat[flat] > 0]
        values = []
        for choice in product(range(-1, 4), repeat=len(pairs)):
            if all(k not in pair for k, pair in zip(choice, pairs, strict=True)):
                moves = [(s, t, k) for k, (s, t) in zip(choice, pairs, strict=True) if k >= 0]
                values.append(simulate(routed(network, moves)).max_utilisation)
        assert route_by_segments(network).max_utilisation <= min(values) * 1.15 + 1e-9


def test_existing_tunnels_stay_where_they_are():
    network = random_network(1062)
    first = route_by_segments(network)
    assert first.moves
    kept = routed(network, first.moves[:1])
    again = route_by_segments(kept)
    assert first.moves[0][:2] not in [move[:2] for move in again.moves]
    outcome = simulate(routed(kept, again.moves))
    assert again.max_utilisation == pytest.approx(outcome.max_utilisation)


def test_drained_and_failed_nodes_are_no_midpoints():
    circuits = [("a", "b", 10, 1), ("a", "c", 10, 1), ("c", "b", 10, 1), ("a", "d", 10, 1), ("d", "b", 10, 1)]
    network = network_of(circuits, {("a", "b"): 9.0})
    nodes = tuple(x._replace(drained=x.name == "c", up=x.name != "d") for x in network.nodes)
    assert route_by_segments(replace(network, nodes=nodes)).moves == ()


def allow_nodes(monkeypatch, network: Network, count: int) -> None:
    """Leave room for the shares of the pairs of `count` nodes alone."""
    monkeypatch.setattr(fractions, "ENTRY_LIMIT", count * count * len(compile_network(network).head))


@pytest.mark.parametrize("seed", range(6))
def test_where_the_table_has_no_room_demands_between_the_nodes_of_the_worst_links_move(monkeypatch, seed):
    network = random_network(seed, nodes=9, extra=8, load=1.5)
    network = network if seed % 2 else routed(network, route_by_segments(network).moves[:1])
    whole, optimum = route_by_segments(network), lowest_utilisation(network).max_utilisation
    allow_nodes(monkeypatch, network, 6)
    found = route_by_segments(network)
    outcome, before = simulate(routed(network, found.moves)), simulate(network)
    assert len({node for move in found.moves for node in move[:3]}) <= 6
    assert found.load == pytest.approx(outcome.load, abs=1e-6)
    assert found.max_utilisation == pytest.approx(outcome.max_utilisation)
    assert found.max_utilisation <= before.max_utilisation + 1e-9
    assert found.flow_bound <= optimum + 1e-6
    assert found.bound <= whole.split + 1e-6  # the bounds are those of all demands
    assert len(route_by_segments(network, most=1).moves) <= 1
    gained, possible = (before.max_utilisation - x.max_utilisation for x in (found, whole))
    assert possible < 1e-9 or not gained or gained > 0.2 * possible


def test_the_affected_part_of_a_network_is_where_its_one_hot_link_is(monkeypatch):
    ring = [(f"r{i}", f"r{(i + 1) % 12}", 100, 1) for i in range(12)]
    circuits = [*ring, ("a", "b", 10, 1), ("a", "c", 10, 2), ("c", "b", 10, 2), ("r0", "a", 100, 1)]
    network = network_of(circuits, {("a", "b"): 9.0, ("r3", "r5"): 2.0, ("r0", "b"): 4.0})
    allow_nodes(monkeypatch, network, 5)
    found = route_by_segments(network)
    names = [[network.nodes[i].name for i in move[:3]] for move in found.moves]
    assert names in ([["a", "b", "c"]], [["r0", "b", "c"]])
    assert found.max_utilisation == pytest.approx(0.9)
    assert found.bound == pytest.approx(0.65, abs=0.01)  # 13 Mbit/s from a to b over twice 10


def test_the_same_input_gives_the_same_tunnels_and_the_plan_passes_the_gate():
    policy = Policy(max_blast_radius=1, max_delay_stretch=50, max_failure_utilisation=50, max_utilisation=0.3)
    plans = 0
    for seed in range(8):
        network = random_network(seed, nodes=7, extra=6, load=1.5)
        first, again = (relieve_by_segments(x, policy, seed=3) for x in (network, replace(network)))
        assert first.plan == again.plan
        if first.plan:
            plans += 1
            assert verify(first.plan, network, policy).passed
            reached = simulate(apply_all(network, first.plan.steps))
            assert first.after.max_utilisation == pytest.approx(reached.max_utilisation)
    assert plans >= 4


@pytest.mark.parametrize("name", ["Abilene", "Geant2012"])
def test_unsplit_tunnels_come_within_two_per_cent_of_any_routing(name):
    folder = data_folder("repetita")
    network = read_network(folder / f"{name}.graph", folder / f"{name}.0000.demands")
    flow = lowest_utilisation(network).max_utilisation
    assert flow == pytest.approx(0.9, abs=0.002)
    assert flow - 1e-6 <= route_by_segments(network).max_utilisation <= 1.02 * flow
