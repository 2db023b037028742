"""How demands grow, told from links: right where links tell, unsure where they do not, and upgrades by it."""

from dataclasses import replace
from math import log

import numpy as np
import pytest

from tests.twin.optimise.networks import network_of
from tests.twin.sim.oracle import broken, reference
from twin.model import SegmentList, Tunnel
from twin.optimise.demand_growth import growth_of_demands
from twin.optimise.upgrade import upgrades_due, upgrades_due_by_demand
from twin.policy import Policy
from twin.sim.simulate import single_failures


def drawn(seed, spread):
    """A ring with chords and the growth of its demands: a node's own, and a pair's own."""
    rng = np.random.default_rng(seed)
    names = [f"n{i}" for i in range(7)]
    circuits = [(names[i], names[(i + 1) % 7], 1_000.0, int(rng.integers(1, 4))) for i in range(7)]
    circuits += [(names[0], names[3], 1_000.0, 2), (names[1], names[5], 1_000.0, 2)]
    network = network_of(circuits, {(a, b): float(rng.gamma(2, 30)) for a in names for b in names if a != b})
    own = rng.normal(0, 1, (7, 1)) + rng.normal(0, 1, (1, 7)) + rng.normal(0, 1, (7, 7))
    return rng, network, 0.3 + spread / np.sqrt(3) * own


def link_growth(network, growth, error, rng):
    """What links show over half a year before now, by the independent simulator, with an error."""
    loads = [reference(network.with_demands(network.demands * np.exp(growth * x))).load for x in (-0.5, 0.0)]
    return 2 * np.log(loads[1] / loads[0]) + error * rng.standard_normal(len(network.links))


def test_what_links_tell_of_demands_is_closer_than_one_growth_for_all_and_as_sure_as_it_says():
    inside, closer, apart = [], [], []
    for seed in range(8):
        rng, network, truth = drawn(seed, 0.25)
        seen, error = link_growth(network, truth, 0.02, rng), np.full(len(network.links), 0.02)
        found, there = growth_of_demands(network, seen, error), network.demands > 0
        inside.append(np.abs(found.likely - truth)[there] <= 1.645 * found.error[there])
        weight = network.demands[there]
        closer.append(np.average(np.abs(found.likely - truth)[there], weights=weight))
        alike = np.average(truth[there], weights=weight)
        apart.append(np.average(np.abs(alike - truth)[there], weights=weight))
    assert 0.75 <= np.mean(inside) <= 0.97  # of 8 networks, whose demands are alike
    assert np.mean(closer) < 0.75 * np.mean(apart)


def test_links_that_differ_by_their_errors_alone_tell_of_one_growth():
    found = []
    for seed in range(10):
        rng, network, _ = drawn(seed, 0.0)
        alike = np.full(network.demands.shape, 0.3)
        error = np.full(len(network.links), 0.05)
        found.append(growth_of_demands(network, link_growth(network, alike, 0.05, rng), error))
    assert sum(x is None for x in found) >= 4
    assert max(np.abs(x.likely - 0.3).max() for x in found if x) < 0.25


def test_nothing_is_told_by_demand_where_traffic_is_not_on_shortest_paths():
    rng, network, truth = drawn(1, 0.25)
    seen, error = link_growth(network, truth, 0.02, rng), np.full(len(network.links), 0.02)
    tunnel = Tunnel(name="T", source="n0", target="n2", paths=(SegmentList(via=("n5",)),))
    assert growth_of_demands(replace(network, tunnels=(tunnel,)), seen, error) is None
    assert growth_of_demands(network, np.full(len(network.links), np.nan), error) is None


def test_only_what_grows_is_due_in_its_own_week():
    """Three lines apart: one doubles a year, the others stay. By one growth for all, all would be due."""
    lines = network_of([(a, b, 10_000.0, 1) for a, b in ("ab", "cd", "ef")], dict.fromkeys(("ab", "cd", "ef"), 5_000.0))
    growth = np.array(
        [
            log(2) if x.name == "a->b" else 0.0 if lines.offered[lines.node(x.tail), lines.node(x.head)] else np.nan
            for x in lines.links
        ]
    )
    found = growth_of_demands(lines, growth, np.full(len(growth), 0.01))
    (due,) = upgrades_due_by_demand(lines, Policy(), found, 104)
    assert due.circuit == "link/a:b--b:a"
    assert due.weeks[1] == pytest.approx(52.18 * log(8 / 5) / log(2), rel=0.03)
    assert due.weeks[0] <= due.weeks[1] <= due.weeks[2] < 40
    assert due.capacity == 40_000  # 20 Gbit/s after two years, at 80 %
    assert len(upgrades_due(lines, Policy(), (0.2, 0.26, 0.3), 300)) == 3


def test_the_weeks_of_upgrades_are_those_in_which_the_demands_as_they_grow_fill_a_circuit_in_its_worst_failure():
    policy, held, off = Policy(demand_factors=(1.0,)), [], []
    for seed in range(2):
        rng, network, truth = drawn(seed + 50, 0.25)
        seen, error = link_growth(network, truth, 0.02, rng), np.full(len(network.links), 0.02)
        due = upgrades_due_by_demand(network, policy, growth_of_demands(network, seen, error), 260)
        weeks = np.arange(0, 261, 26.0)
        need = np.array(
            [worst_need(network.with_demands(network.demands * np.exp(truth * x / 52.18)), policy) for x in weeks]
        )
        for one in due:
            at = list(network.circuits).index(one.circuit)
            over = np.flatnonzero(need[:, at] > 1_000)
            came = weeks[over[0]] if over.size else np.inf
            early, likely, late = (np.inf if x is None else x for x in one.weeks)
            held.append(early - 26 <= came <= late + 26)
            off += [abs(likely - came)] if np.isfinite(likely) and np.isfinite(came) else []
    assert len(held) >= 12
    assert np.mean(held) >= 0.8
    assert np.median(off) < 20


def worst_need(network, policy):
    """Capacity that each circuit needs under everything that may fail, by the independent simulator."""
    loads = [reference(network).load / policy.max_utilisation]
    loads += [reference(broken(network, x)).load / policy.max_failure_utilisation for x in single_failures(network)]
    worst = np.max(loads, axis=0)
    return [max(worst[i] for i in places) for places in network.circuits.values()]
