"""Several faults at once, faults that end, and changes that put a fault right."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.live.ladder import START, ladder, last, live, same
from tests.twin.live.test_fault_traces import TRACES
from twin.errors import InputError, TopologyError, UnknownElementError
from twin.faults import EXIT_KINDS, Fault, FaultKind, with_faults
from twin.live.sensors import Noise
from twin.plan import DrainLink, SetWeight

K = FaultKind
CIRCUIT, INTERFACE = "link/a1:a2--a2:a1", "interface/a1/a2"


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind not in EXIT_KINDS])  # theirs: test_exit_faults
def test_a_fault_that_ends_leaves_nothing_behind(kind: FaultKind):
    fault, _ = TRACES[kind]
    network, untouched = live(noise=Noise.off()), live(noise=Noise.off())
    network.inject(fault)
    network.wait(2)
    network.clear(fault)
    network.wait(2)  # counters need two polls in a row, a stuck one catches up
    untouched.wait(4)
    assert network.faults == ()
    assert network.truth == network.read_topology() == ladder()
    one, two = last(network), last(untouched)
    assert np.allclose(one.links.out_mbps, two.links.out_mbps, rtol=1e-6)
    assert np.allclose(one.probes.loss, two.probes.loss)
    assert one.links.up.all()
    assert one.interfaces.adjacent.all()
    assert np.array_equal(one.traffic.mbps, two.traffic.mbps)


def test_two_faults_show_both_traces_and_end_one_by_one():
    first, second = (
        Fault(kind=K.LINK_DOWN, element=CIRCUIT),
        Fault(kind=K.SILENT_LOSS, element="interface/b0/b1", severity=0.2),
    )
    network = live(noise=Noise.off())
    network.inject(first)
    network.inject(second)
    lossy, down = ladder().link("b0->b1"), list(ladder().circuit(CIRCUIT))
    got = last(network).links
    assert np.isclose(got.in_mbps[lossy] / got.out_mbps[lossy], 0.8)
    assert not got.up[down].any()
    assert network.truth == with_faults(ladder(), [first, second])
    network.clear(first)
    got = last(network).links
    assert np.isclose(got.in_mbps[lossy] / got.out_mbps[lossy], 0.8)
    assert got.up.all()
    assert [fault.kind for fault in network.faults] == [K.SILENT_LOSS]


steady = st.sampled_from([TRACES[kind][0] for kind in TRACES if kind is not K.FLAP])


@settings(max_examples=25)
@given(st.lists(steady, min_size=2, max_size=3, unique_by=lambda x: x.kind))
def test_any_faults_together_are_carried_without_making_traffic(faults: list[Fault]):
    network = live(noise=Noise.off())
    for fault in faults:
        network.inject(fault)
    got = last(network)
    links = got.links
    capacity = np.array([link.capacity for link in network.truth.links])
    lying = {K.SCALED_COUNTER, K.SWAPPED_COUNTERS, K.STUCK_COUNTER} & {fault.kind for fault in faults}
    if not lying:
        known = np.isfinite(links.out_mbps) & np.isfinite(links.in_mbps)
        assert (links.in_mbps[known] <= links.out_mbps[known] * (1 + 1e-6) + 1e-4).all()
        assert (links.out_mbps[known] <= capacity[known] * (1 + 1e-6)).all()
    for fault in faults:
        network.clear(fault)
    assert network.truth == network.read_topology() == ladder()


def test_the_same_faults_in_any_order_make_the_same_network():
    faults = [TRACES[kind][0] for kind in (K.CORRUPTION, K.AREA, K.SURGE, K.LATENCY, K.STATIC_ROUTE)]
    one, two = live(noise=Noise.off()), live(noise=Noise.off())
    for fault in faults:
        one.inject(fault)
    for fault in faults[::-1]:
        two.inject(fault)
    a, b = last(one), last(two)
    assert np.allclose(a.links.out_mbps, b.links.out_mbps)
    assert np.allclose(a.probes.loss, b.probes.loss)


def test_a_fault_that_is_not_there_cannot_end():
    network = live()
    with pytest.raises(InputError, match="no fault"):
        network.clear(Fault(kind=K.LINK_DOWN, element=CIRCUIT))


def test_a_weight_set_right_and_a_drain_made_known_put_the_fault_right():
    network = live()
    network.inject(Fault(kind=K.WEIGHT, element=INTERFACE, severity=9))
    network.inject(Fault(kind=K.STALE_TOPOLOGY, element=CIRCUIT))
    network.inject(Fault(kind=K.LINK_DOWN, element="link/b1:b2--b2:b1"))
    network.apply(SetWeight(link="a1->a2", weight=10))
    network.apply(DrainLink(circuit=CIRCUIT))
    assert [fault.kind for fault in network.faults] == [K.LINK_DOWN]
    assert all(network.read_topology().links[i].drained for i in ladder().circuit(CIRCUIT))


def test_faults_to_come_strike_at_their_onsets_as_if_injected_then():
    announced, by_hand = live(), live()
    fault = Fault(kind=K.AREA, element="node/b1")
    announced.inject(fault.since(START + timedelta(seconds=600)))
    by_hand.wait(2)
    by_hand.inject(fault)
    by_hand.wait(2)
    announced.wait(4)
    assert same(announced.read_telemetry(START), by_hand.read_telemetry(START))
    assert announced.faults == by_hand.faults


def test_what_cannot_strike_is_refused_and_leaves_the_network_alone():
    network = live()
    wrong = [
        (Fault(kind=K.BLACKHOLE, element="node/a1"), TopologyError),
        (Fault(kind=K.BLACKHOLE, element="node/a1", target="node/a1"), TopologyError),
        (Fault(kind=K.LINK_DOWN, element=CIRCUIT, target="node/a1"), TopologyError),
        (Fault(kind=K.SWAPPED_COUNTERS, element=INTERFACE, target="interface/b1/b2"), TopologyError),
        (Fault(kind=K.SCALED_COUNTER, element=INTERFACE, severity=1.0), TopologyError),
        (Fault(kind=K.DEMAND_INPUT, element="network/other", severity=1.1), UnknownElementError),
        (Fault(kind=K.STATIC_ROUTE, element=INTERFACE, target="node/zz"), UnknownElementError),
        (Fault(kind=K.MTU, element=CIRCUIT), UnknownElementError),
    ]
    for fault, error in wrong:
        with pytest.raises(error):
            network.inject(fault)
    assert network.truth == ladder()
    assert network.faults == ()
