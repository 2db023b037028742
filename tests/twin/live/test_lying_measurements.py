"""Faults of the measurement: what exactly is told wrongly, and that the network itself is well."""

import numpy as np
import pytest

from tests.twin.live.ladder import ladder, last, live
from tests.twin.live.test_fault_traces import CIRCUIT, INTERFACE, ROOMY, TRACES, K, readings, struck
from twin.faults import TELEMETRY_KINDS, Fault, FaultKind
from twin.live.sensors import Noise


@pytest.mark.parametrize("kind", [x for x in TELEMETRY_KINDS if x is not K.STALE_TOPOLOGY])
def test_a_fault_of_the_measurement_leaves_the_network_well(kind: FaultKind):
    network = live(ROOMY, noise=Noise.off())
    network.inject(TRACES[kind][0])
    assert network.truth == ROOMY
    assert network.true_harm(1.0).total == 0


def test_a_stuck_counter_stands_still_and_catches_up_when_it_ends():
    network, well = live(ROOMY, noise=Noise.off()), live(ROOMY, noise=Noise.off())
    fault = Fault(kind=K.STUCK_COUNTER, element=INTERFACE)
    network.inject(fault)
    rows = [last(network).links for _ in range(3)]
    network.clear(fault)
    rows.append(last(network).links)
    true = last(well, 4).links
    here, back = ladder().link("a1->a2"), ladder().link("a2->a1")
    assert [row.out_mbps[here] for row in rows[:3]] == [0, 0, 0]
    assert rows[3].out_mbps[here] == pytest.approx(true.out_mbps[true.link == here].sum(), rel=1e-6)
    assert rows[3].in_mbps[back] == pytest.approx(true.in_mbps[true.link == back].sum(), rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "severity"), [(K.STUCK_COUNTER, 1.0), (K.SCALED_COUNTER, 8.0), (K.MISSING_COUNTERS, 1.0)]
)
def test_a_lying_interface_lies_about_what_it_sends_and_what_it_receives_alone(kind: FaultKind, severity: float):
    fault = Fault(kind=kind, element=INTERFACE, severity=severity)
    before, after = struck(fault, samples=1)
    for column, link in (("out", "a1->a2"), ("in", "a2->a1")):
        x, y = readings(before)[column], readings(after)[column]
        wrong = np.flatnonzero(~np.isclose(x, y, rtol=1e-9))
        assert wrong.tolist() == [ladder().link(link)]
        expected = {K.STUCK_COUNTER: 0.0, K.SCALED_COUNTER: 8 * x[wrong[0]], K.MISSING_COUNTERS: np.nan}[kind]
        assert np.isclose(y[wrong[0]], expected, equal_nan=True)


def test_counters_that_miss_some_polls_lose_twice_as_many_rates():
    network = live(ROOMY, noise=Noise.off())
    network.inject(Fault(kind=K.MISSING_COUNTERS, element=INTERFACE, severity=0.2))
    links = last(network, 250).links
    missing = np.isnan(links.out_mbps[links.link == ladder().link("a1->a2")]).mean()
    assert missing == pytest.approx(1 - 0.8**2, abs=0.1)


def test_swapped_counters_report_each_other():
    before, after = struck(TRACES[K.SWAPPED_COUNTERS][0], samples=1)
    one, two = ladder().link("a1->a2"), ladder().link("a1->b1")
    assert after.links.out_mbps[[one, two]].tolist() == before.links.out_mbps[[two, one]].tolist()
    back = [ladder().link("a2->a1"), ladder().link("b1->a1")]
    assert after.links.in_mbps[back].tolist() == before.links.in_mbps[back[::-1]].tolist()


@pytest.mark.parametrize(("element", "off"), [("node/a0", 7), ("network/ladder", 56)])
def test_a_demand_input_is_off_for_one_exporter_or_for_all(element: str, off: int):
    before, after = struck(Fault(kind=K.DEMAND_INPUT, element=element, severity=1.05), samples=1)
    ratio = after.traffic.mbps / before.traffic.mbps
    assert np.isclose(ratio, 1.05).sum() == off
    assert np.isclose(ratio, 1.0).sum() == 56 - off


def test_a_wrong_capacity_is_in_the_inventory_alone():
    network = live(ROOMY)
    network.inject(TRACES[K.WRONG_CAPACITY][0])
    said, true = network.read_topology(), network.truth
    wrong = [i for i, (x, y) in enumerate(zip(said.links, true.links, strict=True)) if x != y]
    assert wrong == sorted(ladder().circuit(CIRCUIT))
    assert said.links[wrong[0]].capacity == 4 * true.links[wrong[0]].capacity


def test_a_drain_that_the_inventory_does_not_know_leaves_neighbours_and_interfaces_up():
    network = live(ROOMY, noise=Noise.off())
    network.inject(TRACES[K.STALE_TOPOLOGY][0])
    got, both = last(network), list(ladder().circuit(CIRCUIT))
    assert not got.links.out_mbps[both].any()
    assert got.links.up.all()
    assert got.interfaces.adjacent.all()
    assert {event.node for event in got.events} == {"a1", "a2"}
    assert network.read_topology() == ROOMY
    assert all(network.truth.links[i].drained for i in both)
