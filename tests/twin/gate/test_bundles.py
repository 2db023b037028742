"""Bundles: what one circuit less does to the link that is made of several."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from tests.twin.optimise.networks import network_of
from tests.twin.sim.oracle import reference
from tests.twin.square import plan_for
from twin.errors import TopologyError
from twin.formats import load_network, write_ietf, write_node_link
from twin.gate.checks.stressed import Stressed
from twin.gate.verdict import Verdict, verify
from twin.model import UNUSED_METRIC, Link, Network, Node
from twin.plan import SetWeight
from twin.policy import Policy
from twin.sim.simulate import simulate, single_failures
from twin.sim.superposed import Superposition
from twin.store import TwinStore

OPEN = Policy(max_blast_radius=1, max_delay_stretch=10, demand_factors=(1.0,))
AB = "link/A:B--B:A"


def bundled(network: Network, circuit: str, **values: int) -> Network:
    links = list(network.links)
    for i in network.circuit(circuit):
        links[i] = links[i]._replace(**values)
    return replace(network, links=tuple(links))


def two_bundles(load: float = 30_960.0, **values: int) -> Network:
    """Two ways of 4 x 10G from A to B; traffic for B on the long one, which a weight brings to the short one."""
    network = network_of(
        [("A", "B", 40_000.0, 1), ("A", "C", 40_000.0, 1), ("C", "B", 40_000.0, 1)], {("A", "B"): load}
    )
    network = replace(network, links=tuple(x._replace(weight=5) if x.circuit == AB else x for x in network.links))
    for circuit in network.circuits:
        network = bundled(network, circuit, members=4, **values)
    return network


def survivable(verdict: Verdict):
    return next(check for check in verdict.checks if check.name == "survivable")


def test_a_bundle_that_is_full_short_of_one_member_is_found():
    network = bundled(two_bundles(), "link/A:C--C:A", members=8)
    network = bundled(network, "link/B:C--C:B", members=8)  # there a member less is 0.885
    network = replace(network, links=tuple(x._replace(weight=1) if x.circuit == AB else x for x in network.links))
    back = SetWeight(link="A->B", weight=5)
    before = replace(network, links=tuple(x._replace(weight=5) if x.name == "A->B" else x for x in network.links))
    verdict = verify(plan_for(before, SetWeight(link="A->B", weight=1), objective="change"), before, OPEN)
    found = survivable(verdict).counterexample
    assert simulate(network).max_utilisation == pytest.approx(0.774)
    assert not survivable(verdict).passed
    assert (found.element, found.failure) == ("A->B", f"member of {AB}")
    assert (found.measured, found.limit) == (pytest.approx(1.032), 1.0)
    assert verify(plan_for(network, back, objective="change"), network, OPEN).passed


def test_below_its_least_number_of_members_a_bundle_goes_down():
    failures = {x.name: x for x in single_failures(two_bundles(min_members=4))}
    member = failures[f"member of {AB}"]
    assert (member.links, member.members) == (failures[AB].links, ())
    outcome = simulate(two_bundles(min_members=4), failures=(member,))
    assert outcome.sweep.lost[0] == 0
    assert outcome.sweep.max_utilisation[0] == pytest.approx(0.774)  # over C, in full


@pytest.mark.parametrize("degraded", [9, UNUSED_METRIC])
def test_a_bundle_short_of_a_member_takes_the_metric_that_it_has_then(degraded):
    network = bundled(two_bundles(), "link/A:C--C:A", degraded_weight=degraded)
    if degraded == UNUSED_METRIC:  # no last resort either
        links = tuple(x._replace(up=x.circuit != AB) for x in network.links)
        member = next(x for x in single_failures(network) if x.name == "member of link/A:C--C:A")
        assert simulate(replace(network, links=links), failures=(member,)).sweep.lost[0] == pytest.approx(30_960.0)
    member = next(x for x in single_failures(network) if x.name == "member of link/A:C--C:A")
    sweep = simulate(network, failures=(member,)).sweep
    assert network.links[sweep.busiest[0]].name == "A->B"
    assert sweep.max_utilisation[0] == pytest.approx(0.774)


@pytest.mark.parametrize("seed", range(12))
def test_every_member_that_fails_is_what_the_oracle_says_of_the_smaller_bundle(seed):
    rng = np.random.default_rng(seed)
    names = [f"R{i}" for i in range(6)]
    circuits = [(names[i], names[(i + 1) % 6], 10.0, int(rng.integers(1, 5))) for i in range(6)]
    network = network_of(
        [*circuits, (names[0], names[3], 10.0, 2)], {(a, b): 1.0 for a in names for b in names if a != b}
    )
    for circuit in network.circuits:
        k = int(rng.integers(1, 5))
        values = {"members": k, "min_members": int(rng.integers(1, k + 1)), "degraded_weight": int(rng.integers(0, 8))}
        network = bundled(network, circuit, **values)
    failures = single_failures(network)
    sweep = simulate(network, failures=failures, limit=0.7).sweep
    demands = Superposition(network, failures)
    other = demands.sweep(demands.total(), 0.7)
    bundles = 0
    for row, failure in enumerate(failures):
        if not failure.name.startswith("member of "):
            continue
        bundles += 1
        links = list(network.links)
        for i in network.circuit(failure.name.removeprefix("member of ")):
            link, left = links[i], links[i].members - 1
            if left < link.min_members:
                links[i] = link._replace(up=False)
            else:
                weight = link.degraded_weight or link.weight
                links[i] = link._replace(capacity=link.capacity / link.members * left, weight=weight)
        by_hand = reference(replace(network, links=tuple(links)))
        capacity = np.array([link.capacity for link in links])
        for figures in (sweep, other):
            assert figures.max_utilisation[row] == pytest.approx((by_hand.load / capacity).max())
            assert figures.lost[row] == pytest.approx(by_hand.lost)
            assert figures.excess[row] == pytest.approx(np.maximum(by_hand.load - 0.7 * capacity, 0).sum(), abs=1e-9)
    assert bundles >= 2
    assert sweep.worst_utilisation == pytest.approx(other.worst_utilisation)


@pytest.mark.parametrize("write", [write_node_link, write_ietf])
def test_bundles_are_written_and_read_back(tmp_path, write):
    network = two_bundles(min_members=2, degraded_weight=7)
    path = tmp_path / "net.json"
    write(network, path)
    assert load_network(str(path)).id == network.id


def test_bundles_are_kept_in_the_twin_file(tmp_path):
    network = two_bundles(min_members=2, degraded_weight=7)
    with TwinStore.open(tmp_path / "twin.duckdb") as store:
        store.save_snapshot(network, now=datetime(2026, 1, 1, tzinfo=UTC))
        assert store.load_snapshot(network.id) == network


def test_an_exit_is_degraded_to_a_preference():
    plain = two_bundles()
    group, way_out = Node("world", 0, 0, kind="exits"), Link("A", "world", 10.0, 1, members=2, degraded_weight=255)
    network = replace(
        plain, nodes=(*plain.nodes, group), links=(*plain.links, way_out), demands=np.pad(plain.demands, (0, 1))
    )
    with pytest.raises(TopologyError, match="preference 256 is above 255"):
        replace(network, links=(*plain.links, way_out._replace(degraded_weight=256)))


def test_a_bundle_needs_no_more_members_than_it_has():
    with pytest.raises(TopologyError, match="no bundle"):
        bundled(two_bundles(), AB, min_members=5)


@pytest.mark.parametrize("degraded", [0, 7])
def test_a_bundle_that_is_costed_out_stays_the_last_resort_when_it_loses_a_member(degraded):
    """It takes nothing back, be it drained itself or by its router; swept as simulated anew."""
    network = network_of([("A", "B", 10, 1), ("B", "C", 10, 1), ("A", "C", 10, 5)], {("A", "C"): 4.0})
    network = bundled(network, AB, members=2, degraded_weight=degraded)
    of_link = bundled(network, AB, drained=True, cost_out=True)
    of_node = replace(network, nodes=tuple(x._replace(drained=x.name == "B", cost_out=True) for x in network.nodes))
    for state in (of_link, of_node):
        failures = tuple(x for x in single_failures(state) if x.members)
        stressed = Stressed(state, failures, 1.0)
        assert len(failures) == 1
        assert stressed.sweep.max_utilisation.tolist() == pytest.approx([0.4])
        assert stressed.during(0).max_utilisation == pytest.approx(0.4)


def test_a_link_that_is_no_bundle_keeps_the_name_of_its_snapshot():
    network = load_network("sndlib/polska")
    assert bundled(network, next(iter(network.circuits)), members=2).id != network.id
