"""Every kind of fault shows where it should be seen, and nowhere else.

Two networks without noise, one of them struck: what differs between their telemetry is the trace.
"""

from datetime import timedelta

import numpy as np
import pytest

from tests.twin.live.ladder import START, ladder, last, live
from twin.faults import EXIT_KINDS, Fault, FaultKind
from twin.live.network import Telemetry
from twin.live.sensors import Noise
from twin.model import Network

K = FaultKind
CIRCUIT, INTERFACE = "link/a1:a2--a2:a1", "interface/a1/a2"
ROOMY = ladder(capacity=40_000)
"""Nothing here comes near to full: what a fault moves does not congest."""
LOADS = {"out", "in"}
LOST = {*LOADS, "loss"}
DARK = {*LOADS, "up", "adjacent", "log", "delay"}
NO_NEIGHBOUR = {*LOADS, "adjacent", "log", "delay"}
DEMANDS = {*LOADS, "traffic", "packets", "flows"}

TRACES: dict[FaultKind, tuple[Fault, set[str]]] = {
    fault.kind: (fault, trace)
    for fault, trace in [
        (Fault(kind=K.LINK_DOWN, element=CIRCUIT), DARK),
        (Fault(kind=K.DETACH, element=INTERFACE), {*DARK, "dropped", "errors"}),
        (Fault(kind=K.FLAP, element=CIRCUIT, severity=0.4), DARK),
        (
            Fault(kind=K.DEVICE_DOWN, element="node/a1"),
            {*DARK, "answered", "loss", "dropped", "errors", "traffic", "packets", "flows"},
        ),
        (Fault(kind=K.CAPACITY, element=CIRCUIT, severity=0.96), {*LOST, "dropped", "delay"}),
        (Fault(kind=K.CORRUPTION, element=CIRCUIT, severity=0.1), {*LOST, "errors"}),
        (Fault(kind=K.DEVICE_CORRUPTION, element="node/a1", severity=0.1), {*LOST, "errors"}),
        (Fault(kind=K.SILENT_LOSS, element=INTERFACE, severity=0.1), LOST),
        (Fault(kind=K.ONE_WAY, element=INTERFACE, severity=0.5), LOST),
        (Fault(kind=K.LATENCY, element=CIRCUIT, severity=30), {"delay"}),
        (Fault(kind=K.ROUTING_DOWN, element="node/a1"), {*NO_NEIGHBOUR, "loss"}),
        (Fault(kind=K.AREA, element="node/a1"), {*NO_NEIGHBOUR, "loss"}),
        (Fault(kind=K.NEIGHBOUR_MISSING, element=INTERFACE), NO_NEIGHBOUR),
        (Fault(kind=K.ACL_BLOCK, element=INTERFACE), NO_NEIGHBOUR),
        (Fault(kind=K.MTU, element=INTERFACE), NO_NEIGHBOUR),
        (Fault(kind=K.WEIGHT, element=INTERFACE, severity=60_000), {*LOADS, "delay", "log"}),
        (Fault(kind=K.ECMP_MISSING, element=INTERFACE), LOADS),
        (Fault(kind=K.ECMP_STALE, element=INTERFACE), {*LOADS, "log"}),
        (Fault(kind=K.HOST_BLACKHOLE, element="node/a0", target="node/a1"), {*LOST, "delay"}),
        (Fault(kind=K.BLACKHOLE, element="node/a1", target="node/a2"), {*LOST, "delay"}),
        (Fault(kind=K.STATIC_ROUTE, element="interface/a1/a0", target="node/a2"), {*LOST, "delay", "dropped", "log"}),
        (Fault(kind=K.DATA_ACL, element=INTERFACE, target="node/a2"), {*LOST, "delay", "log"}),
        (Fault(kind=K.PROBE_FILTER, element="node/a1"), {"loss", "delay"}),
        (Fault(kind=K.SURGE, element="node/b3", severity=2), DEMANDS),
        (Fault(kind=K.WEB_DOS, element="node/b3", severity=2), DEMANDS),
        (Fault(kind=K.INCAST, element="node/b3", severity=2), DEMANDS),
        (Fault(kind=K.SYN_FLOOD, element="node/b3", severity=30), DEMANDS),
        (Fault(kind=K.STUCK_COUNTER, element=INTERFACE), LOADS),
        (Fault(kind=K.SCALED_COUNTER, element=INTERFACE, severity=0.125), LOADS),
        (Fault(kind=K.MISSING_COUNTERS, element=INTERFACE), {*LOADS, "dropped", "errors"}),
        (Fault(kind=K.SWAPPED_COUNTERS, element=INTERFACE, target="interface/a1/b1"), LOADS),
        (Fault(kind=K.STALE_TOPOLOGY, element=CIRCUIT), {*LOADS, "delay", "log"}),
        (Fault(kind=K.WRONG_CAPACITY, element=CIRCUIT, severity=4), {"inventory"}),
        (Fault(kind=K.DEMAND_INPUT, element="node/a0", severity=1.05), {"traffic", "packets", "flows"}),
        (Fault(kind=K.STALE_CONFIGURATION, element="node/a1"), set()),
    ]
}


def readings(telemetry: Telemetry) -> dict[str, np.ndarray]:
    return {
        "out": telemetry.links.out_mbps,
        "in": telemetry.links.in_mbps,
        "dropped": telemetry.links.dropped_mbps,
        "up": telemetry.links.up,
        "answered": telemetry.nodes.answered,
        "loss": telemetry.probes.loss,
        "delay": telemetry.probes.delay_ms,
        "traffic": telemetry.traffic.mbps,
        "errors": telemetry.interfaces.errors_per_s,
        "adjacent": telemetry.interfaces.adjacent,
        "packets": telemetry.flows.packets_per_s,
        "flows": telemetry.flows.flows_per_s,
    }


def struck(fault: Fault, network: Network | None = None, samples: int = 3) -> tuple[Telemetry, Telemetry]:
    """Telemetry of a well network and of one that differs by the fault."""
    network = network or ROOMY
    well, ill = live(network, noise=Noise.off()), live(network, noise=Noise.off())
    ill.inject(fault)
    return last(well, samples), last(ill, samples)


def trace(fault: Fault) -> set[str]:
    before, after = struck(fault)
    pairs = zip(readings(before).items(), readings(after).values(), strict=True)
    off = {"delay": 0.01}  # ms: less is queueing, which follows the load
    found = {
        name for (name, x), y in pairs if not np.allclose(x, y, rtol=1e-6, atol=off.get(name, 1e-5), equal_nan=True)
    }
    well, ill = live(ROOMY), live(ROOMY)
    ill.inject(fault)
    changed = {"inventory"} if well.read_topology() != ill.read_topology() else set[str]()
    return found | changed | ({"log"} if after.events != before.events else set[str]())


def test_every_kind_has_a_trace_to_be_tested():
    assert set(TRACES) == set(FaultKind) - set(EXIT_KINDS)


@pytest.mark.parametrize("kind", TRACES)
def test_a_fault_shows_where_it_should_and_nowhere_else(kind: FaultKind):
    fault, expected = TRACES[kind]
    assert trace(fault) == expected


def test_corrupted_frames_are_counted_at_both_ends_and_silent_loss_at_none():
    after = struck(Fault(kind=K.CORRUPTION, element=CIRCUIT, severity=0.1), samples=1)[1]
    bad = list(ladder().circuit(CIRCUIT))
    lost = after.links.out_mbps[bad] - after.links.in_mbps[bad]
    assert np.allclose(lost / after.links.out_mbps[bad], 0.1)
    assert np.allclose(after.interfaces.errors_per_s[bad], lost * 125, rtol=1e-4)
    assert np.delete(after.interfaces.errors_per_s, bad).max() == 0


def test_a_corrupting_device_is_counted_by_all_its_neighbours():
    after = struck(Fault(kind=K.DEVICE_CORRUPTION, element="node/a1", severity=0.1), samples=1)[1]
    leaving = [i for i, link in enumerate(ladder().links) if link.tail == "a1"]
    assert np.flatnonzero(after.interfaces.errors_per_s > 0).tolist() == leaving


def test_one_way_loss_leaves_both_counters_equal_and_shows_behind_the_link():
    before, after = struck(Fault(kind=K.ONE_WAY, element=INTERFACE, severity=1.0), samples=1)
    assert np.allclose(after.links.out_mbps, after.links.in_mbps, atol=1e-4)
    bad, beyond = ladder().link("a1->a2"), ladder().link("a2->a3")
    assert after.links.out_mbps[bad] == pytest.approx(before.links.out_mbps[bad])
    assert after.links.out_mbps[beyond] < 0.8 * before.links.out_mbps[beyond]
    assert after.probes.loss.max() == 1
    assert after.links.up.all()
    assert after.interfaces.adjacent.all()


def test_latency_is_added_in_both_directions():
    before, after = struck(Fault(kind=K.LATENCY, element=CIRCUIT, severity=30), samples=1)
    ends = [ladder().node("a1"), ladder().node("a2")]
    over = np.isin(before.probes.source, ends) & np.isin(before.probes.target, ends)
    assert over.sum() == 2
    assert np.allclose((after.probes.delay_ms - before.probes.delay_ms)[over], 30)


@pytest.mark.parametrize("kind", [K.NEIGHBOUR_MISSING, K.ACL_BLOCK, K.MTU])
def test_a_lost_neighbour_is_lost_at_both_ends_while_the_interface_is_up_and_carries_nothing(kind: FaultKind):
    after = struck(TRACES[kind][0], samples=1)[1]
    both = sorted(ladder().circuit(CIRCUIT))
    assert np.flatnonzero(~after.interfaces.adjacent).tolist() == both
    assert after.links.up.all()
    assert not after.links.out_mbps[both].any()


def test_the_log_tells_control_plane_faults_apart_and_at_which_end_they_lie():
    logs = {}
    for kind in (K.NEIGHBOUR_MISSING, K.ACL_BLOCK, K.MTU, K.AREA, K.ROUTING_DOWN):
        after = struck(TRACES[kind][0])[1]
        logs[kind] = [(event.node, event.message) for event in after.events]
    marks = {
        K.ACL_BLOCK: ("1-Way", "1WayRcvd"),
        K.MTU: ("larger MTU", "MTU mismatch"),
        K.AREA: ("mismatched area", "area mismatch"),
        K.ROUTING_DOWN: ("ospf(1)", "routing (PID"),
        K.NEIGHBOUR_MISSING: ("dead timer", "InActiveTimer"),
    }
    found = {
        kind: {node for node, line in lines if any(mark in line for mark in marks[kind])}
        for kind, lines in logs.items()
    }
    neighbours = {"a0", "a2", "b1"}
    assert found == {
        K.ACL_BLOCK: {"a2"},
        K.MTU: {"a1"},
        K.AREA: neighbours,
        K.ROUTING_DOWN: {"a1"},
        K.NEIGHBOUR_MISSING: {"a2"},
    }
    committed = {kind: any("ommit" in line for _, line in lines) for kind, lines in logs.items()}
    assert [kind for kind, was in committed.items() if not was] == [K.ROUTING_DOWN]


def test_a_router_without_routing_answers_polls_and_keeps_its_interfaces_up():
    after = struck(Fault(kind=K.ROUTING_DOWN, element="node/a1"), samples=1)[1]
    touching = [i for i, link in enumerate(ladder().links) if "a1" in (link.tail, link.head)]
    assert after.nodes.answered.all()
    assert after.links.up.all()
    assert np.flatnonzero(~after.interfaces.adjacent).tolist() == touching
    assert not after.links.out_mbps[touching].any()


def test_a_detached_interface_does_not_answer_and_its_neighbour_does():
    after = struck(Fault(kind=K.DETACH, element=INTERFACE), samples=1)[1]
    here, back = ladder().link("a1->a2"), ladder().link("a2->a1")
    assert np.isnan(after.links.out_mbps).nonzero()[0].tolist() == [here]
    assert np.isnan(after.links.in_mbps).nonzero()[0].tolist() == [back]
    assert after.links.out_mbps[back] == after.links.in_mbps[here] == 0
    assert not after.links.up[[here, back]].any()


def test_a_flapping_circuit_carries_nothing_while_it_is_down_and_logs_every_turn():
    fault, period = Fault(kind=K.FLAP, element=CIRCUIT, severity=0.4), 97
    well, ill = live(ROOMY, noise=Noise.off()), live(ROOMY, noise=Noise.off())
    ill.inject(fault)
    before, after = last(well, 40), last(ill, 40)
    bad = ladder().link("a1->a2")
    of = before.links.link == bad
    begin, fallen = 300 * np.arange(40)[:, None], period * np.arange(40 * 300 // period + 1)
    down = np.clip(np.minimum(begin + 300, fallen + 0.4 * period) - np.maximum(begin, fallen), 0, None).sum(axis=1)
    assert np.allclose(after.links.out_mbps[of] / before.links.out_mbps[of], 1 - down / 300, atol=1e-6)
    assert 0.45 < after.links.up[of].mean() < 0.75
    turns = 2 * 40 * 300 / period
    assert len(after.events) == pytest.approx(turns * 2 * 2, rel=0.05)


def test_circuits_that_flap_together_share_the_time():
    network, calm = live(ROOMY, noise=Noise.off()), live(ROOMY, noise=Noise.off())
    other = "link/b1:b2--b2:b1"
    for circuit, share in ((CIRCUIT, 0.5), (other, 0.2)):
        network.inject(Fault(kind=K.FLAP, element=circuit, severity=share))
    down = live(ROOMY, noise=Noise.off())
    down.inject(Fault(kind=K.LINK_DOWN, element=CIRCUIT))
    both, one, none = (last(x).links.out_mbps for x in (network, down, calm))
    position = ladder().link("b1->b2")
    # down 48.5 and 19.4 s of every 97, at 0, 97 and 194 s, and again from 291 s to the end at 300
    up, alone = 3 * 48.5 / 300, 3 * (48.5 - 19.4) / 300
    assert both[position] == pytest.approx(up * none[position] + alone * one[position], rel=1e-6)
    assert both[ladder().link("a1->a2")] == pytest.approx(up * none[ladder().link("a1->a2")], rel=1e-6)


def test_a_missing_member_gets_nothing_where_there_was_a_choice_and_all_where_there_was_none():
    before, after = struck(Fault(kind=K.ECMP_MISSING, element="interface/a0/a1"), samples=1)
    link = ladder().link("a0->a1")
    alone = [("a0", f"a{i}") for i in (1, 2, 3)]
    names = [
        (ladder().nodes[s].name, ladder().nodes[t].name)
        for s, t in zip(before.traffic.source, before.traffic.target, strict=True)
    ]
    straight = sum(mbps for pair, mbps in zip(names, before.traffic.mbps, strict=True) if pair in alone)
    assert after.links.out_mbps[link] < before.links.out_mbps[link]
    assert after.links.out_mbps[link] >= straight * (1 - 1e-6)
    assert after.links.out_mbps[ladder().link("a0->b0")] > before.links.out_mbps[ladder().link("a0->b0")]
    assert after.probes.loss.max() == 0


def test_a_blackhole_drops_transit_and_a_host_s_own_does_not():
    losses = {}
    for kind in (K.BLACKHOLE, K.HOST_BLACKHOLE):
        after = struck(Fault(kind=kind, element="node/a1", target="node/a3"), samples=1)[1]
        towards = after.traffic.target == ladder().node("a3")
        entered = after.traffic.mbps[towards].sum()
        arrives = after.links.in_mbps[[i for i, x in enumerate(ladder().links) if x.head == "a3"]].sum()
        transit = after.links.out_mbps[[i for i, x in enumerate(ladder().links) if x.tail == "a3"]].sum()
        own = after.traffic.mbps[after.traffic.source == ladder().node("a3")].sum()
        losses[kind] = entered - (arrives - (transit - own))
    own = readings(last(live(ROOMY, noise=Noise.off())))["traffic"]
    pair = (after.traffic.source == ladder().node("a1")) & (after.traffic.target == ladder().node("a3"))
    assert losses[K.HOST_BLACKHOLE] == pytest.approx(own[pair][0], rel=1e-6)
    assert losses[K.BLACKHOLE] > 1.5 * losses[K.HOST_BLACKHOLE]


def test_a_wrong_static_route_makes_a_loop_that_fills_the_link():
    before, after = struck(Fault(kind=K.STATIC_ROUTE, element="interface/a1/a0", target="node/a2"), samples=1)
    looping = [ladder().link("a0->a1"), ladder().link("a1->a0")]
    assert (after.links.out_mbps[looping] > 3 * before.links.out_mbps[looping]).all()


def test_a_filter_drops_before_the_counter_and_only_for_its_target():
    before, after = struck(Fault(kind=K.DATA_ACL, element=INTERFACE, target="node/a2"), samples=1)
    names = [
        f"{ladder().nodes[s].name}>{ladder().nodes[t].name}"
        for s, t in zip(after.probes.source, after.probes.target, strict=True)
    ]
    worse = {name for name, x, y in zip(names, before.probes.loss, after.probes.loss, strict=True) if y > x + 1e-9}
    assert worse
    assert all(name.endswith(">a2") for name in worse)
    assert after.links.out_mbps[ladder().link("a1->a2")] < before.links.out_mbps[ladder().link("a1->a2")]
    assert np.allclose(after.links.out_mbps, after.links.in_mbps, atol=1e-4)


def pair_growth(kind: FaultKind, severity: float) -> dict[str, np.ndarray]:
    """Growth of what goes to b3, per source: volume, packets and new flows."""
    before, after = struck(Fault(kind=kind, element="node/b3", severity=severity), samples=1)
    to = before.traffic.target == ladder().node("b3")
    others = {
        name: np.allclose(readings(before)[name][~to], readings(after)[name][~to]) for name in ("traffic", "packets")
    }
    assert others == {"traffic": True, "packets": True}
    return {
        name: readings(after)[name][to] / readings(before)[name][to] for name in ("traffic", "packets", "flows")
    } | {"added": readings(after)["traffic"][to] - readings(before)["traffic"][to]}


def test_an_incast_adds_the_same_from_everywhere_and_a_surge_in_proportion():
    surge, incast = pair_growth(K.SURGE, 2), pair_growth(K.INCAST, 2)
    assert np.allclose(surge["traffic"], 2)
    assert np.allclose(incast["added"], incast["added"][0], rtol=1e-3)
    assert incast["traffic"].max() > 1.5 * incast["traffic"].min()
    assert incast["added"].sum() == pytest.approx(surge["added"].sum(), rel=1e-3)


def test_a_syn_flood_is_many_small_packets_each_a_new_flow():
    flood = pair_growth(K.SYN_FLOOD, 30)
    assert np.allclose(flood["packets"], 30, rtol=1e-3)
    assert np.allclose(flood["traffic"], 1 + 29 * 512 / 8000)
    assert (flood["flows"] > 500).all()


def test_the_onset_of_a_fault_is_when_it_struck():
    network = live(ROOMY)
    later = START + timedelta(seconds=700)
    network.inject(Fault(kind=K.LINK_DOWN, element=CIRCUIT, onset=later))
    network.wait(3)
    assert network.faults == ()
    network.wait(1)
    assert [(x.kind, x.onset) for x in network.faults] == [(K.LINK_DOWN, START + timedelta(seconds=900))]
    assert not network.truth.links[ladder().link("a1->a2")].up
