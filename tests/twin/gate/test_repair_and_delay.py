"""What users feel before the network has converged, and what single demands feel of a plan."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.optimise.networks import network_of
from tests.twin.random_networks import networks
from tests.twin.sim.oracle import _Towards, broken, reference
from tests.twin.square import plan_for
from twin.demand_limits import DemandLimits
from twin.formats.load import load_network
from twin.formats.nodelink import write_node_link
from twin.gate.checks.stressed import Stressed
from twin.gate.outlook import outlook_by_day
from twin.gate.verdict import Check, verify
from twin.model import RiskGroup, SegmentList, Tunnel
from twin.optimise.judge import Judge
from twin.plan import DrainLink, RemoveTunnel, SetTunnel, SetWeight, apply
from twin.planned import PlannedWork
from twin.policy import Policy
from twin.sim.arrays import compile_network
from twin.sim.repair import circuit_failures, repaired, repaired_failures, repairs
from twin.sim.route import DemandDelays, needs_full, route
from twin.sim.simulate import single_failures
from twin.site import read_site
from twin.store import TwinStore

OPEN = Policy(max_blast_radius=1, max_delay_stretch=10, demand_factors=(1.0,), min_gain=0)
SIX = datetime(2026, 11, 30, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "worst", "failure"),
    [
        ("sndlib/germany50", 2.326, "link/Dortmund:Essen--Essen:Dortmund"),
        ("sndlib/geant", 1.725, None),
        ("sndlib/abilene", 1.510, None),
        ("sndlib/nobel-germany", 1.161, None),
    ],
)
def test_the_worst_repair_is_the_one_that_was_computed_elsewhere(name, worst, failure):
    found = repairs(load_network(name))[0]
    assert found.max_utilisation == pytest.approx(worst, abs=5e-4)
    assert failure in (None, found.failure)


def test_traffic_runs_up_to_the_failure_and_then_around_it():
    # w-u-v-t, and w-x-t: when v-t fails, what was on its way to t turns round at v
    network = network_of(
        [("w", "u", 10, 1), ("u", "v", 10, 1), ("v", "t", 10, 1), ("w", "x", 10, 5), ("x", "t", 10, 5)],
        {("w", "t"): 6.0},
    )
    found = next(x for x in repairs(network) if x.failure == "link/t:v--v:t")
    assert found.max_utilisation == pytest.approx(0.6)
    busy = next(x for x in repairs(network.with_demands(network.demands * 1.5)) if x.failure == "link/t:v--v:t")
    assert busy.max_utilisation == pytest.approx(0.9)


def by_hand(network, failure):
    """Every demand hop by hop, segment by segment: as before up to the failure, then as once all have converged."""
    old = {node.name: _Towards(network, node) for node in network.nodes}
    after, dead = broken(network, failure), {network.nodes[i].name for i in failure.nodes}
    gone = {i for i, x in enumerate(network.links) if i in failure.links or dead & {x.tail, x.head}}
    new = {node.name: _Towards(after, node) for node in after.nodes}
    load = np.zeros(len(network.links))
    tunnels = {(x.source, x.target): x.paths for x in network.tunnels}
    for s, t in np.argwhere(network.offered).tolist():
        ends = network.nodes[s].name, network.nodes[t].name
        for path in tunnels.get(ends, (SegmentList(via=()),)):
            for source, target in pairwise((ends[0], *path.via, ends[1])):
                if source in dead:
                    break
                here = dict.fromkeys(old[target].dist, 0.0)
                here[source] = network.offered[s, t] * path.share
                for node in sorted(old[target].dist, key=lambda x: -old[target].dist[x]):
                    hops = old[target].next_hops(node)
                    for i in hops:
                        part = here[node] / len(hops)
                        if i not in gone:
                            load[i] += part
                            here[network.links[i].head] += part
                        elif node in new[target].dist:
                            new[target].send(node, part, load)
    return load


@pytest.mark.parametrize("seed", range(6))
def test_every_repair_is_what_hop_by_hop_gives(seed):
    rng = np.random.default_rng(seed)
    names = [f"R{i}" for i in range(7)]
    circuits = [(names[i], names[(i + 1) % 7], 10.0, int(rng.integers(1, 4))) for i in range(7)]
    circuits += [(names[0], names[3], 10.0, 2), (names[1], names[5], 10.0, 2)]
    network = network_of(circuits, {(a, b): float(rng.uniform(0, 1)) for a in names for b in names if a != b})
    drawn = [list(network.circuits)[int(i)] for i in rng.permutation(len(network.circuits))]
    groups = (RiskGroup("duct", tuple(drawn[:2])), RiskGroup("bridge", tuple(drawn[2:5])))
    lists = SegmentList(via=("R2", "R5"), share=0.5), SegmentList(via=("R4",), share=0.5)
    tunnel = Tunnel(name="T", source="R0", target="R3", paths=lists, on_invalid=("igp", "blackhole")[seed % 2])
    network = replace(
        network,
        risk_groups=groups,
        links=tuple(x._replace(members=2) for x in network.links),
        tunnels=(tunnel,),
        demands=np.where(network.demands == network.demands[0, 3], 6.0, network.demands),
    )
    capacity = np.array([link.capacity for link in network.links])
    found = {x.failure: x for x in repairs(network, repaired_failures(network))}
    for above in (0.2, 0.4, 0.6):  # none that goes above is left out
        few = repairs(network, repaired_failures(network), above=above)
        assert [x for x in few if x.max_utilisation > above] == [x for x in found.values() if x.max_utilisation > above]
    assert len(found) == len(network.circuits) + len(network.nodes) + len(groups)
    for failure in repaired_failures(network):
        expected = by_hand(network, failure) / capacity
        assert found[failure.name].max_utilisation == pytest.approx(expected.max())


def test_a_bundle_whose_metric_changes_with_a_member_carries_what_it_carried_until_routers_have_converged():
    """A-B at 8 of 20: of 10 once a member is gone, until all goes by C; without a metric of its own it stays there."""
    network = network_of([("A", "B", 20, 1), ("A", "C", 20, 1), ("C", "B", 20, 1)], {("A", "B"): 8.0})
    bundle = "link/A:B--B:A"
    links = tuple(x._replace(members=2, degraded_weight=5 * (x.circuit == bundle)) for x in network.links)
    network = replace(network, links=links)
    member = f"member of {bundle}"
    for repair in ("ti-lfa", "rsvp-bypass"):
        network = replace(network, repair=repair)
        failures = [x for x in repaired_failures(network) if x.members]
        assert [x.name for x in failures] == [member]
        (found,) = repairs(network, tuple(failures))
        assert (found.max_utilisation, found.busiest) == (pytest.approx(0.8), "A->B")
    back = replace(network, links=tuple(x._replace(weight=9) if x.name == "A->B" else x for x in network.links))
    limited = OPEN.model_copy(update={"max_repair_utilisation": 0.7})
    found = checks(back, SetWeight(link="A->B", weight=1), policy=limited)["survivable"]
    assert (found.counterexample.failure, found.counterexample.measured) == (member, pytest.approx(0.8))
    short = replace(network, links=tuple(x._replace(min_members=2) for x in network.links))
    assert not [x for x in repaired_failures(short) if x.members]  # it goes down, and fails as its circuit does


@pytest.mark.parametrize("seed", range(4))
def test_an_rsvp_bypass_carries_all_that_would_have_crossed_a_circuit_from_one_of_its_ends_to_the_other(seed):
    """By networkx: the load of each direction goes down the one shortest path without the circuit."""
    rng = np.random.default_rng(seed)
    names = [f"R{i}" for i in range(7)]
    ends = [*((i, (i + 1) % 6) for i in range(6)), (0, 3), (1, 4), (5, 6)]  # without R5-R6 nobody reaches R6
    circuits = [(names[a], names[b], 10.0, int(rng.integers(1, 1_000))) for a, b in ends]
    demands = {(a, b): float(rng.uniform(0, 1)) for a in names for b in names if a != b and rng.random() < 0.6}
    network = replace(network_of(circuits, demands), repair="rsvp-bypass")
    found = {x.failure: x for x in repairs(network)}
    assert set(found) == set(network.circuits)
    for circuit, pair in network.circuits.items():
        graph = nx.DiGraph()
        kept = [x for x in network.links if x.circuit != circuit]
        graph.add_weighted_edges_from((x.tail, x.head, x.weight) for x in kept)
        cut = "R6" in circuit  # what would cross is lost, and on no link after it
        known = network if not cut else network.with_demands(_without_crossing(network, "R6"))
        load = reference(known).load.copy()
        crossing = {i: float(load[i]) for i in pair}
        load[list(pair)] = 0.0
        for i, mbps in crossing.items():
            hops = (
                () if cut else pairwise(nx.shortest_path(graph, network.links[i].tail, network.links[i].head, "weight"))
            )
            for a, b in hops:
                load[network.link(f"{a}->{b}")] += mbps
        if cut:  # up to the circuit everything goes on
            towards = np.where(np.arange(7) == network.node("R6"), network.demands, 0.0)
            load += np.where(
                [x.circuit == circuit for x in network.links], 0.0, reference(network.with_demands(towards)).load
            )
        assert found[circuit].max_utilisation == pytest.approx(load.max() / 10.0), circuit
    assert set(repaired_failures(network)) == set(circuit_failures(network))  # links are protected, nodes are not
    assert "while RSVP repairs" in checks(network, SetWeight(link="R0->R1", weight=7))["survivable"].detail


def _without_crossing(network, node):
    demands, at = network.demands.copy(), network.node(node)
    demands[at, :] = demands[:, at] = 0.0
    return demands


@pytest.mark.parametrize("repair", ["ti-lfa", "rsvp-bypass"])
def test_how_a_network_repairs_is_kept_in_files_in_the_twin_and_by_its_site(tmp_path, repair):
    network = replace(long_detour(), repair=repair)
    assert (network.id == long_detour().id) is (repair == "ti-lfa")
    write_node_link(network, tmp_path / "net.json")
    assert load_network(str(tmp_path / "net.json")).repair == repair
    with TwinStore.open(tmp_path / "twin.duckdb") as store:
        base = store.save_snapshot(network, now=datetime(2026, 12, 1, tzinfo=UTC))
        assert store.load_snapshot(base).repair == repair
    write_node_link(long_detour(), tmp_path / "plain.json")
    (tmp_path / "site.toml").write_text(f'repair = "{repair}"\n[sources]\ntopology = "plain.json"\n')
    assert read_site(tmp_path).reading().network.repair == repair


def checks(network, *steps, policy=OPEN) -> dict[str, Check]:
    verdict = verify(plan_for(network, *steps, objective="change"), network, policy)
    return {check.name: check for check in verdict.checks}


def with_delays(network, **ms):
    """The network with these delays on its circuits, by the letters of their two ends."""
    links = tuple(x._replace(delay_ms=ms["".join(sorted((x.tail, x.head)))]) for x in network.links)
    return replace(network, links=links)


def long_detour():
    """One demand of many may go over C: 24 ms for 2 ms, of which neither the mean nor the longest tells much."""
    circuits = [("A", "B", 10_000, 1), ("A", "C", 10_000, 5), ("C", "B", 10_000, 5), ("A", "D", 10_000, 1)]
    network = network_of(circuits, {("A", "B"): 10.0, ("A", "D"): 3_000.0, ("C", "B"): 100.0})
    return with_delays(network, AB=2.0, AC=12.0, BC=12.0, AD=30.0)


OVER_C = SetTunnel(tunnel=Tunnel(name="T", source="A", target="B", paths=(SegmentList(via=("C",)),), on_invalid="igp"))


def test_one_demand_that_gets_twelve_times_as_slow_is_found():
    network = long_detour()
    policy = OPEN.model_copy(update={"max_delay_stretch": 1.5})
    assert checks(network, OVER_C, policy=policy)["nominal"].passed
    nominal = checks(network, OVER_C, policy=policy.model_copy(update={"max_demand_stretch": 1.5}))["nominal"]
    found = nominal.counterexample
    assert not nominal.passed
    assert (found.element, found.measured, found.limit) == ("demand/A->B", pytest.approx(24.0), pytest.approx(3.0))


def test_the_longest_delay_counts_for_every_demand_that_was_not_longer_before():
    network = long_detour()
    found = checks(network, OVER_C, policy=OPEN.model_copy(update={"max_demand_delay_ms": 20.0}))["nominal"]
    assert (found.counterexample.element, found.counterexample.limit) == ("demand/A->B", 20.0)
    other = SetWeight(link="A->D", weight=2)  # 30 ms before and after
    assert checks(network, other, policy=OPEN.model_copy(update={"max_demand_delay_ms": 20.0}))["nominal"].passed


def test_delays_count_under_a_failure_where_the_policy_says_so():
    circuits = [("A", "B", 100, 1), ("A", "C", 100, 2), ("C", "B", 100, 2), ("A", "D", 100, 3), ("D", "B", 100, 3)]
    network = with_delays(network_of(circuits, {("A", "B"): 10.0}), AB=2.0, AC=3.0, BC=3.0, AD=40.0, BD=40.0)
    slow = SetWeight(link="A->C", weight=9)  # A-B fails: then over D
    assert checks(network, slow)["survivable"].passed
    found = checks(network, slow, policy=OPEN.model_copy(update={"max_failure_delay_ms": 20.0}))["survivable"]
    example = found.counterexample
    assert (example.element, example.failure) == ("demand/A->B", "link/A:B--B:A")
    assert (example.measured, example.limit) == (pytest.approx(80.0), 20.0)


def test_a_demand_is_held_to_its_limit_on_the_way_that_it_takes_once_its_tunnel_is_cut():
    """Over C it takes 2 ms; once C is gone the IGP's own way, which C is not on: over E 2 ms, over D 80."""
    circuits = [("A", "C", 100, 20), ("C", "B", 100, 20)] * 2
    circuits += [("A", "D", 100, 7), ("D", "B", 100, 7), ("A", "E", 100, 5), ("E", "B", 100, 5)]
    network = with_delays(network_of(circuits, {("A", "B"): 10.0}), AC=1.0, BC=1.0, AD=40.0, BD=40.0, AE=1.0, BE=1.0)
    over_c = Tunnel(name="T", source="A", target="B", paths=(SegmentList(via=("C",)),), on_invalid="igp")
    network = replace(network, tunnels=(over_c,))
    for limit in ({"max_failure_delay_ms": 20.0}, {"max_failure_stretch": 10.0}):
        policy = OPEN.model_copy(update=limit)
        example = checks(network, SetWeight(link="A->E", weight=30), policy=policy)["survivable"].counterexample
        assert (example.element, example.failure, example.measured) == ("demand/A->B", "node/C", pytest.approx(80.0))


def test_a_demand_that_is_late_between_two_steps_alone_is_found():
    """A-B takes 2 ms, as by D once two weights are set, and 24 by C in between, unless the weights are set first."""
    circuits = [("A", "B", 100, 10), ("A", "C", 100, 10), ("C", "B", 100, 10), ("A", "D", 100, 15), ("D", "B", 100, 15)]
    network = with_delays(network_of(circuits, {("A", "B"): 10.0}), AB=2.0, AC=12.0, BC=12.0, AD=1.0, BD=1.0)
    drain, *nearer = (
        DrainLink(circuit="link/A:B--B:A"),
        SetWeight(link="A->D", weight=2),
        SetWeight(link="D->B", weight=2),
    )
    policy = OPEN.model_copy(update={"max_demand_delay_ms": 3.0})
    found = checks(network, drain, *nearer, policy=policy)["transient"]
    example = found.counterexample
    assert (example.element, example.step, example.measured) == ("demand/A->B", 1, pytest.approx(24.0))
    assert checks(network, *nearer, drain, policy=policy)["transient"].passed


def test_a_demand_may_be_no_later_while_others_work_and_something_fails():
    """Without C-B, which others take away for an hour, A-B has E beside it, or D alone, which takes 24 ms."""
    ends = (
        ("A", "B", 10),
        ("A", "C", 10),
        ("C", "B", 10),
        ("A", "D", 30),
        ("D", "B", 30),
        ("A", "E", 12),
        ("E", "B", 12),
    )
    network = network_of([(x, y, 100, weight) for x, y, weight in ends], {("A", "B"): 10.0})
    network = with_delays(network, AB=2.0, AC=1.0, BC=1.0, AD=12.0, BD=12.0, AE=1.0, BE=1.0)
    begins = SIX + timedelta(hours=3)
    work = PlannedWork(name="CHG", elements=("link/B:C--C:B",), begins=begins, ends=begins + timedelta(hours=1))
    policy = OPEN.model_copy(update={"max_failure_delay_ms": 6.0})
    plan = plan_for(network, DrainLink(circuit="link/A:E--E:A"), objective="change")
    day = outlook_by_day(network, SIX, 24, day=[1.0] * 24)
    for works in ((), (work,)):
        verdict = verify(plan, network, policy, outlook=day, starts=SIX, works=works)
        failed = {x.name: x.counterexample for x in verdict.checks if not x.passed}
        assert list(failed) == ["horizon"] * len(works)
    assert (failed["horizon"].failure, failed["horizon"].measured) == ("link/A:B--B:A", pytest.approx(24.0))


def test_delays_stretch_under_a_failure_by_what_the_policy_says():
    """A-B takes 2 ms, over C 6, over D 80: three times as long, or forty times."""
    circuits = [("A", "B", 100, 1), ("A", "C", 100, 2), ("C", "B", 100, 2), ("A", "D", 100, 3), ("D", "B", 100, 3)]
    network = with_delays(network_of(circuits, {("A", "B"): 10.0}), AB=2.0, AC=3.0, BC=3.0, AD=40.0, BD=40.0)
    slow, long = SetWeight(link="A->C", weight=9), SetWeight(link="D->A", weight=9)

    def judged(state, step, **limits):
        return checks(state, step, policy=OPEN.model_copy(update=limits))["survivable"]

    for limits in ({"max_failure_stretch": 3.0}, {"demands": {"A->B": DemandLimits(max_failure_stretch=3.0)}}):
        assert judged(network, long, **limits).passed
        example = judged(network, slow, **limits).counterexample
        assert (example.element, example.failure) == ("demand/A->B", "link/A:B--B:A")
        assert (example.measured, example.limit, example.unit) == (pytest.approx(80.0), pytest.approx(6.0), "ms")
        assert judged(apply(network, slow), long, **limits).passed  # it took as long before
    assert judged(network, slow, max_failure_stretch=40.0).passed
    assert judged(network, slow, demands={"B->A": DemandLimits(max_failure_stretch=1.0, max_failure_delay_ms=1)}).passed


def test_of_several_limits_of_a_demand_the_strictest_counts():
    own = {"A->B": DemandLimits(max_delay_ms=23.0, max_stretch=11.0)}
    for limits, limit in (
        ({"max_demand_delay_ms": 20.0, "demands": own}, 20.0),
        ({"max_demand_stretch": 6.0, "demands": own}, 12.0),
        ({"max_demand_stretch": 50.0, "max_demand_delay_ms": 20.0}, 20.0),
    ):
        nominal = checks(long_detour(), OVER_C, policy=OPEN.model_copy(update=limits))["nominal"]
        assert (nominal.passed, nominal.counterexample.limit) == (False, pytest.approx(limit))


@pytest.mark.parametrize(
    ("name", "limits", "limit"),
    [
        ("A->B", {"max_stretch": 1.5}, 3.0),
        ("A->B", {"max_delay_ms": 20.0}, 20.0),
        ("*->B", {"max_delay_ms": 20.0, "max_stretch": 8.0}, 16.0),
        ("A->*", {"max_stretch": 6.0}, 12.0),
        ("*->*", {"max_delay_ms": 1.0}, 2.0),  # two before, which may stay
        ("A->D", {"max_stretch": 1.0, "max_delay_ms": 1.0}, None),  # 30 ms, before and after
        ("C->*", {"max_delay_ms": 12.0}, None),
        ("A->B", {"max_failure_delay_ms": 1.0}, None),  # intact nothing is asked of it
    ],
)
def test_each_demand_has_limits_of_its_own(name, limits, limit):
    network, demands = long_detour(), {name: DemandLimits(**limits)}
    nominal = checks(network, OVER_C, policy=OPEN.model_copy(update={"demands": demands}))["nominal"]
    assert nominal.passed is (limit is None)
    if limit:
        found = nominal.counterexample
        assert (found.element, found.measured, found.limit) == ("demand/A->B", pytest.approx(24), pytest.approx(limit))


def test_limits_of_a_demand_that_cannot_be_are_told_before_anything_else():
    for name in ("A->Nowhere", "Nowhere->*"):
        policy = OPEN.model_copy(update={"demands": {name: DemandLimits(max_delay_ms=5.0)}})
        found = checks(long_detour(), OVER_C, policy=policy)["policy"]
        assert not found.passed
        assert "does not have: correct the policy" in found.detail


@settings(max_examples=60)
@given(networks(), st.floats(1.0, 3.0))
def test_no_failure_that_makes_a_demand_late_is_overlooked(drawn, stretch):
    """With tunnels, ties, parallel circuits, drained and costed-out nodes and bundles among them."""
    odd = [x._replace(delay_ms=1.0 + i // 2, members=1 + i // 2 % 2) for i, x in enumerate(drawn.links)]
    network = replace(drawn, links=tuple(odd))
    state = Stressed(network, single_failures(network), 1.0)
    asked, intact = network.offered > 0, state.outcome.delays
    most = DemandDelays(*(np.where(np.isfinite(x), stretch * x, np.inf) for x in intact))
    found = set(state.maybe_late(most).tolist())
    late = set()
    for row in range(len(state.failures)):
        both = zip(state.during(row).delays, most, strict=True)
        if any((np.where(asked & np.isfinite(x), x, 0.0) > limit).any() for x, limit in both):
            late.add(row)
    assert late <= found
    if not network.tunnels and not needs_full(compile_network(network)):
        assert late == found


@settings(max_examples=60)
@given(networks())
def test_repairs_by_differences_are_those_of_paths_that_are_all_walked_anew(drawn):
    """With tunnels, ties, parallel circuits, loss, drained and costed-out nodes, risk groups and exits among them."""
    arrays = compile_network(drawn)
    routing, failures = route(arrays), repaired_failures(drawn)
    for repair in repairs(drawn, failures, shares=(0.5, 1.0)):
        failure = next(x for x in failures if x.name == repair.failure)
        load = repaired(arrays, routing, failure)
        use = load / arrays.capacity
        sums = [np.maximum(load - share * arrays.capacity, 0).sum() for share in (0.5, 1.0)]
        assert repair.above == pytest.approx(sums, rel=1e-9, abs=1e-6), failure.name
        assert repair.max_utilisation == pytest.approx(use.max(), rel=1e-9, abs=1e-9), failure.name
        arc = next(i for i, x in enumerate(drawn.links) if x.name == repair.busiest)
        assert use[arrays.arc_of[arc]] == pytest.approx(use.max(), rel=1e-9, abs=1e-9)


def test_a_plan_that_makes_a_repair_worse_fails_where_the_policy_limits_repairs():
    """Traffic from A for B that goes through C turns round there when C-B fails, beside what C sends to A itself."""
    network = network_of(
        [("A", "B", 10, 1), ("A", "C", 10, 1), ("C", "B", 10, 1), ("A", "E", 10, 9), ("E", "B", 10, 1)],
        {("A", "B"): 6.0, ("C", "A"): 6.0},
    )
    step, limited = SetWeight(link="A->B", weight=9), OPEN.model_copy(update={"max_repair_utilisation": 1.0})
    told = checks(network, step)["survivable"]
    assert told.passed
    assert "while TI-LFA repairs circuit B--C, C->A is at 120.0 %" in told.detail
    refused = checks(network, step, policy=limited)["survivable"]
    example = refused.counterexample
    assert (example.element, example.failure) == ("C->A", "link/B:C--C:B")
    assert (example.measured, example.limit) == (pytest.approx(1.2), 1.0)
    worse = apply(network, step)
    assert checks(worse, SetWeight(link="A->E", weight=8), policy=limited)["survivable"].passed  # no worse than before
    between = checks(network, step, SetWeight(link="A->C", weight=20), policy=limited)["transient"].counterexample
    assert (between.element, between.step, between.measured) == ("C->A", 1, pytest.approx(1.2))
    calm = network.with_demands(network.demands * 0.8)
    evening = outlook_by_day(calm, SIX, 24, day=[0.8] * 20 + [1.0] * 4)
    verdict = verify(plan_for(calm, step, objective="change"), calm, limited, outlook=evening, starts=SIX)
    failed = {x.name: x.counterexample for x in verdict.checks if not x.passed}
    assert list(failed) == ["horizon"]
    assert (failed["horizon"].when, failed["horizon"].measured) == ("20:00", pytest.approx(1.2))
    growing = limited.model_copy(update={"demand_factors": (1.0, 1.25)})
    verdict = verify(plan_for(calm, step, objective="change"), calm, growing)
    failed = {x.name: x.counterexample for x in verdict.checks if not x.passed}
    assert list(failed) == ["uncertain"]
    grown = failed["uncertain"]
    assert (grown.element, grown.failure, grown.measured) == ("C->A", "link/B:C--C:B", pytest.approx(1.2))
    assert verify(plan_for(calm, step, objective="change"), calm, limited).passed
    planner = Judge(calm, growing)
    assert "with demand x1.25 while the failure of circuit B--C is repaired" in planner.objection(apply(calm, step))
    fuller = Judge(worse, limited)  # what is beyond the limit already may stay so, for planners as well
    assert not fuller.objection(apply(worse, SetWeight(link="A->E", weight=8)))
    lossy = apply(replace(network, links=tuple(x._replace(loss=0.1) for x in network.links)), OVER_C)
    assert "TI-LFA repairs is not known where" in checks(lossy, SetWeight(link="A->E", weight=8))["survivable"].detail


def test_no_repair_may_fill_other_links_than_the_fullest_where_that_breaks_the_limit_already():
    """By hand: the 8 from A for D turn round at A when A-D fails and go by A-B-C-D, beside the 10 of A-B.

    Without the tunnel the 5 of B-C are on that way too: A-B is at 180 % either way, B-C at 80 % or 130 %.
    """
    network = network_of(
        [
            ("A", "D", 20, 1),
            ("A", "B", 10, 1),
            ("B", "C", 10, 1),
            ("C", "D", 10, 1),
            ("B", "E", 10, 2),
            ("C", "E", 10, 2),
        ],
        {("A", "D"): 8.0, ("A", "B"): 10.0, ("B", "C"): 5.0},
    )
    limited = OPEN.model_copy(update={"max_repair_utilisation": 1.2, "max_failure_utilisation": 4.0})
    tunnel = Tunnel(name="T", source="B", target="C", paths=(SegmentList(via=("E",)),), on_invalid="igp")
    around = SetTunnel(tunnel=tunnel)
    relieved = apply(network, around)
    (was,), (now,) = (
        [x for x in repairs(state, shares=(1.2, 1.0)) if x.failure == "link/A:D--D:A"] for state in (relieved, network)
    )
    assert (was.busiest, was.max_utilisation, was.above) == ("A->B", pytest.approx(1.8), pytest.approx((6.0, 8.0)))
    assert (now.busiest, now.max_utilisation, now.above) == ("A->B", pytest.approx(1.8), pytest.approx((7.0, 11.0)))
    refused = checks(relieved, RemoveTunnel(name="T"), policy=limited)["survivable"]
    example = refused.counterexample
    assert (example.element, example.failure) == ("B->C", "link/A:D--D:A")
    assert (example.measured, example.limit) == (pytest.approx(1.3), pytest.approx(1.2))
    assert checks(network, around, policy=limited)["survivable"].passed  # the other way it is no worse


def test_repairs_of_nodes_are_worked_out_on_a_large_network_where_they_may_break_a_limit():
    """X goes through A and C, and back through X once C dies: 6 beside the 5 that A sends to X itself."""
    tail = [(f"N{k}", f"N{k + 1}", 10.0, 1) for k in range(200)]
    pairs = [("A", "C", 20.0, 1), ("C", "D", 20.0, 1)] * 2
    circuits = [*pairs, ("X", "A", 10.0, 1), ("X", "D", 10.0, 9), ("D", "N0", 10.0, 1), *tail]
    state = Stressed(network_of(circuits, {("X", "D"): 6.0, ("A", "X"): 5.0}), (), 1.0)
    found = [(x.failure, x.busiest, x.max_utilisation) for x in state.repairs(1.05) if x.max_utilisation > 1.05]
    assert found == [("node/C", "A->X", pytest.approx(1.1))]
    assert state.repairs(2.0) == ()
    assert state.repairs(None) is None  # nobody asked: *survivable* says so
