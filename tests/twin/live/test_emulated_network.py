from dataclasses import replace
from datetime import timedelta, timezone

import numpy as np
import pytest

from tests.twin.live.ladder import START, ladder, last, live, same
from twin.errors import ExecutionError, InputError, PlanError, TwinError, UnknownElementError
from twin.faults import Fault, FaultKind
from twin.live.emulated import EmulatedNetwork
from twin.live.network import LiveNetwork, Telemetry
from twin.live.sensors import Noise
from twin.model import Network, Node, SegmentList, Tunnel
from twin.plan import Change, DrainLink, DrainNode, LimitDemand, SetCapacity, SetTunnel, SetWeight, SleepLink, inverse
from twin.sim.simulate import simulate


def test_it_is_a_live_network():
    network: LiveNetwork = live()
    assert network.read_topology() == ladder()


def test_the_same_seed_measures_the_same_and_another_seed_does_not():
    one, two, other = live(seed=3), live(seed=3), live(seed=4)
    for network in (one, two, other):
        network.wait(5)
    assert same(one.read_telemetry(START), two.read_telemetry(START))
    assert not same(one.read_telemetry(START), other.read_telemetry(START))


def test_reading_changes_nothing_and_can_be_repeated():
    quiet, curious = live(), live()
    quiet.wait(6)
    for _ in range(6):
        curious.wait()
        curious.read_telemetry(START)
    assert same(quiet.read_telemetry(START), curious.read_telemetry(START))
    assert same(curious.read_telemetry(START), curious.read_telemetry(START))


def test_telemetry_after_a_moment_has_only_later_samples_up_to_now():
    network = live()
    network.wait(4)
    middle = START + timedelta(seconds=600)
    got = network.read_telemetry(middle)
    assert np.unique(got.links.time).tolist() == [START.timestamp() + 900, START.timestamp() + 1200]
    assert all(middle.timestamp() < event.time <= network.now.timestamp() for event in got.events)
    assert network.read_telemetry(network.now).links.time.size == 0


def test_every_element_has_one_row_per_sample():
    got = last(live(), 3)
    n, m = len(ladder().nodes), len(ladder().links)
    assert got.links.link.tolist() == list(range(m)) * 3
    assert got.nodes.node.tolist() == list(range(n)) * 3
    assert got.traffic.source.size == 3 * n * (n - 1)
    adjacent = {(ladder().node(x.tail), ladder().node(x.head)) for x in ladder().links}
    assert adjacent < set(zip(got.probes.source.tolist(), got.probes.target.tolist(), strict=True))


def test_only_the_retained_samples_are_kept():
    network = EmulatedNetwork(ladder(), seed=1, start=START, retention=3)
    network.wait(10)
    assert np.unique(network.read_telemetry(START).links.time).size == 3


def balance(network: Network, got: Telemetry) -> np.ndarray:
    """What each node keeps of what comes in, and what is offered there: the traffic delivered to it, in Mbit/s."""
    keeps = np.zeros(len(network.nodes))
    for link, out, dropped, into in zip(
        network.links, got.links.out_mbps, got.links.dropped_mbps, got.links.in_mbps, strict=True
    ):
        keeps[network.node(link.head)] += into
        keeps[network.node(link.tail)] -= out + dropped
    np.add.at(keeps, got.traffic.source, got.traffic.mbps)
    return keeps


def test_every_node_keeps_what_is_offered_towards_it():
    got = last(live(noise=Noise.off()))
    towards = np.bincount(got.traffic.target, got.traffic.mbps)
    assert np.allclose(balance(ladder(), got), towards, rtol=1e-6)


def test_what_is_lost_on_the_way_is_what_does_not_arrive():
    network = live(ladder(capacity=2_000.0), noise=Noise.off())
    network.inject(Fault(kind=FaultKind.SILENT_LOSS, element="interface/a0/a1", severity=0.1))
    got = last(network)
    lost = (got.links.out_mbps - got.links.in_mbps).sum() + got.links.dropped_mbps.sum()
    assert lost > 1_000
    arrives, towards = balance(ladder(), got), np.bincount(got.traffic.target, got.traffic.mbps)
    assert (arrives < towards * (1 + 1e-6)).all()
    assert np.isclose(towards.sum() - arrives.sum(), lost)
    assert got.links.out_mbps.max() <= 2_000 * (1 + 1e-6)


def test_a_link_that_is_cut_sends_nothing_and_both_ends_say_so():
    network = live(noise=Noise.off())
    network.inject(Fault(kind=FaultKind.LINK_DOWN, element="link/a0:a1--a1:a0"))
    got = last(network)
    down = [ladder().link("a0->a1"), ladder().link("a1->a0")]
    assert np.flatnonzero(~got.links.up).tolist() == sorted(down)
    assert got.links.out_mbps[down].tolist() == [0, 0]
    assert {event.node for event in got.events} == {"a0", "a1"}
    assert len(got.events) == 4
    assert network.read_topology() == ladder()


def test_a_dead_node_is_silent_and_its_neighbours_see_their_interfaces_down():
    network = live(noise=Noise.off())
    network.inject(Fault(kind=FaultKind.DEVICE_DOWN, element="node/a1"))
    got = last(network)
    dead = ladder().node("a1")
    assert got.nodes.answered.tolist() == [i != dead for i in range(8)]
    leaving = [i for i, link in enumerate(ladder().links) if link.tail == "a1"]
    entering = [i for i, link in enumerate(ladder().links) if link.head == "a1"]
    assert np.isnan(got.links.out_mbps[leaving]).all()
    assert np.isnan(got.links.in_mbps[entering]).all()
    assert got.links.out_mbps[entering].tolist() == [0, 0, 0]
    assert not got.links.up[entering].any()
    assert {event.node for event in got.events} == {"a0", "a2", "b1"}
    assert np.isnan(got.traffic.mbps[got.traffic.source == dead]).all()
    assert (got.probes.loss[(got.probes.target == dead)] == 1).all()
    assert np.isnan(got.probes.loss[(got.probes.source == dead)]).all()


def test_silent_loss_shows_between_the_two_ends_and_nowhere_else():
    network = live(noise=Noise.off())
    network.inject(Fault(kind=FaultKind.SILENT_LOSS, element="interface/a1/a2", severity=0.2))
    got = last(network)
    bad = ladder().link("a1->a2")
    assert np.isclose(got.links.in_mbps[bad] / got.links.out_mbps[bad], 0.8)
    missing = np.delete(got.links.out_mbps - got.links.in_mbps, bad)
    assert np.abs(missing).max() < 1e-3
    assert got.links.up.all()
    assert got.links.dropped_mbps.max() == 0
    assert got.events == ()
    assert got.probes.loss.max() > 0.01


def test_a_bottleneck_drops_above_its_plateau_and_delays():
    network = live(noise=Noise.off())
    delay = last(network).probes.delay_ms
    circuit = "link/a1:a2--a2:a1"
    network.inject(Fault(kind=FaultKind.CAPACITY, element=circuit, severity=0.9))
    got, squeezed = last(network), list(ladder().circuit(circuit))
    assert np.allclose(got.links.out_mbps[squeezed], 1_000, rtol=1e-3)
    assert (got.links.dropped_mbps[squeezed] > 100).all()
    assert got.links.up.all()
    assert np.nanmax(got.probes.delay_ms - delay) > 10


def test_a_wrong_weight_moves_traffic_and_no_state():
    network = live(roomy := ladder(capacity=1e5), noise=Noise.off())
    before = last(network).links
    network.inject(Fault(kind=FaultKind.WEIGHT, element="interface/a1/a2", severity=60_000))
    after = last(network)
    assert after.links.out_mbps[ladder().link("a1->a2")] == 0
    assert after.links.out_mbps[ladder().link("b1->b2")] > before.out_mbps[ladder().link("b1->b2")] * 1.5
    assert after.links.up.all()
    assert after.nodes.answered.all()
    assert network.read_topology() == roomy


def test_a_surge_shows_in_flow_export():
    network = live(noise=Noise.off())
    before = last(network).traffic
    network.inject(Fault(kind=FaultKind.SURGE, element="node/b3", severity=2))
    after = last(network).traffic
    towards = after.target == ladder().node("b3")
    ratio = after.mbps / before.mbps
    assert np.allclose(ratio[towards] / 2, ratio[~towards].mean(), rtol=0.01)


def test_setting_the_weight_right_heals_a_wrong_one():
    network = live()
    network.inject(Fault(kind=FaultKind.WEIGHT, element="interface/a1/a2", severity=60_000))
    network.apply(SetWeight(link="a1->a2", weight=10))
    assert network.truth == network.read_topology() == ladder()


@pytest.mark.parametrize(
    "change",
    [
        SetWeight(link="a1->a2", weight=35),
        DrainLink(circuit="link/a1:a2--a2:a1"),
        SleepLink(circuit="link/a1:a2--a2:a1"),
        DrainNode(node="b1"),
        SetTunnel(
            tunnel=Tunnel(name="t", source="a0", target="b3", paths=(SegmentList(via=("b0",)),), on_invalid="igp")
        ),
    ],
)
def test_a_change_moves_traffic_and_its_inverse_moves_it_back(change: Change):
    network, untouched = live(), live()
    before = network.read_topology()
    network.apply(change)
    untouched.wait()
    moved = last(network)
    assert not np.allclose(moved.links.out_mbps, untouched.read_telemetry(START).links.out_mbps, rtol=0.05)
    assert any("ommit" in event.message for event in moved.events)
    network.apply(inverse(before, change))
    untouched.wait()
    assert network.read_topology() == before
    after, expected = last(network), untouched.read_telemetry(untouched.now - timedelta(seconds=300))
    assert np.allclose(after.links.out_mbps, expected.links.out_mbps, rtol=0.02, equal_nan=True)


def test_what_the_network_cannot_do_is_refused_and_changes_nothing():
    network = live()
    network.inject(Fault(kind=FaultKind.DEVICE_DOWN, element="node/a1"))
    truth = network.truth
    refused = [SetCapacity(circuit="link/a1:a2--a2:a1", capacity=1e5), SetWeight(link="a1->a2", weight=3)]
    for change in refused:
        with pytest.raises(ExecutionError):
            network.apply(change)
    with pytest.raises(PlanError):
        network.apply(inverse(network.read_topology(), DrainNode(node="b1")))
    assert network.truth is truth
    assert network.read_topology() == ladder()


def test_the_zone_of_the_start_changes_nothing():
    network, elsewhere = live(), EmulatedNetwork(ladder(), seed=1, start=START.astimezone(timezone(timedelta(hours=9))))
    network.wait(2)
    elsewhere.wait(2)
    assert same(network.read_telemetry(START), elsewhere.read_telemetry(START))


def test_clocks_and_seeds_that_make_no_sense_are_refused():
    naive = START.replace(tzinfo=None)
    for wrong in ({"seed": -1}, {"interval_s": 0.0}, {"interval_s": np.inf}, {"retention": 0}, {"start": naive}):
        with pytest.raises(InputError):
            EmulatedNetwork(ladder(), **{"seed": 1, "start": START, **wrong})
    with pytest.raises(TwinError):
        live().wait(-1)
    with pytest.raises(TwinError):
        live().read_telemetry(START.replace(tzinfo=None))


def test_harm_counts_what_is_lost_dropped_or_above_the_limit():
    network = live(noise=Noise.off())
    sent = last(network).links.out_mbps
    assert network.true_harm(1.0).total == 0
    assert np.isclose(network.true_harm(0.1).overload, np.maximum(sent - 1_000, 0).sum())
    network.inject(Fault(kind=FaultKind.SILENT_LOSS, element="interface/a1/a2", severity=0.5))
    assert np.isclose(network.true_harm(1.0).silent, sent[ladder().link("a1->a2")] * 0.5)


def test_harm_counts_demands_without_a_path_and_those_of_a_dead_node_as_severed():
    network = live(noise=Noise.off())
    for circuit in ("link/a0:a1--a1:a0", "link/a0:b0--b0:a0"):
        network.inject(Fault(kind=FaultKind.LINK_DOWN, element=circuit))
    traffic = last(network).traffic
    cut = ladder().node("a0")
    both = traffic.mbps[(traffic.source == cut) | (traffic.target == cut)].sum()
    assert network.true_harm(1.0).parts == {"severed": pytest.approx(both)}
    network.inject(Fault(kind=FaultKind.DEVICE_DOWN, element="node/a0"))
    assert network.true_harm(1.0).parts == {"severed": pytest.approx(both)}


def test_a_sleeping_circuit_is_down_and_a_drained_one_is_up():
    network = live(noise=Noise.off())
    network.apply(SleepLink(circuit="link/a1:a2--a2:a1"))
    network.apply(DrainLink(circuit="link/b0:b1--b1:b0"))
    got = last(network).links
    asleep, drained = (list(ladder().circuit(x)) for x in ("link/a1:a2--a2:a1", "link/b0:b1--b1:b0"))
    assert np.flatnonzero(~got.up).tolist() == asleep
    assert not got.out_mbps[asleep + drained].any()


def test_a_rate_limit_holds_back_what_flow_export_still_sees():
    network = live(noise=Noise.off())
    before = last(network)
    network.apply(LimitDemand(source="a0", target="b3", limit=0))
    after = last(network)
    pair = (after.traffic.source == ladder().node("a0")) & (after.traffic.target == ladder().node("b3"))
    assert after.traffic.mbps[pair][0] > 100
    assert after.links.out_mbps.sum() < before.links.out_mbps.sum() - 4 * 100


def test_the_delay_of_a_probe_is_that_of_the_packets_that_arrive():
    network = live(noise=Noise.off())
    before = last(network).probes
    network.inject(Fault(kind=FaultKind.SILENT_LOSS, element="interface/a1/a2", severity=0.9))
    after = last(network).probes
    assert after.loss.max() > 0.3
    one_path = np.isclose(after.loss, 0.9)
    assert one_path.any()
    assert np.allclose(after.delay_ms[one_path], before.delay_ms[one_path], atol=0.01)


def test_networks_with_nothing_to_carry_can_still_be_watched():
    idle, alone = ladder(demand=0), Network("alone", (Node("a", 0, 0),), (), np.zeros((1, 1)))
    assert last(live(idle)).links.out_mbps.tolist() == [0] * len(idle.links)
    got = last(live(alone), 2)
    assert got.nodes.answered.tolist() == [True, True]
    assert got.links.out_mbps.size == got.traffic.mbps.size == got.probes.loss.size == 0


def test_a_fault_at_an_unknown_element_is_refused_and_leaves_the_network_alone():
    network = live()
    with pytest.raises(UnknownElementError):
        network.inject(Fault(kind=FaultKind.DEVICE_DOWN, element="node/a9"))
    assert network.truth == ladder()


def test_flows_come_and_go_so_the_split_over_equal_paths_drifts_and_stays_fair_on_average():
    network = live(noise=replace(Noise.off(), flow_life_s=900.0))
    out = last(network, 200).links.out_mbps.reshape(200, -1)
    one, other = ladder().link("a0->a1"), ladder().link("a0->b0")
    share = out[:, one] / (out[:, one] + out[:, other])
    steady = live(noise=Noise.off())
    fixed = last(steady, 200).links.out_mbps.reshape(200, -1)
    assert np.ptp(fixed[:, one] / (fixed[:, one] + fixed[:, other])) < 1e-6
    assert 0.002 < np.abs(np.diff(share)).mean() < 0.05
    simulated = simulate(ladder()).load
    assert share.mean() == pytest.approx(simulated[one] / (simulated[one] + simulated[other]), rel=0.05)
