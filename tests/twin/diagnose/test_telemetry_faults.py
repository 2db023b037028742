"""Faults of the measurement: read back they give what an honest network would have said, and they are told apart."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.twin.observe.incidents import ABILENE, NOBEL, Incident, network, run, struck
from twin.diagnose import as_believed, diagnose
from twin.diagnose.rereading import columns, true_exports, unscaled, unswapped, without_stuck
from twin.faults import TELEMETRY_KINDS, Fault, FaultKind, with_fault
from twin.observe import measured_harm, observe
from twin.plan import SetWeight
from twin.sim.simulate import simulate

K = FaultKind
SEEN = [kind for kind in TELEMETRY_KINDS if kind not in (K.STALE_CONFIGURATION, K.WRONG_CAPACITY, K.MISSING_COUNTERS)]


def busiest(name: str = NOBEL):
    whole = network(name)
    return whole.links[whole.link(simulate(whole).busiest)]


def with_and_without(fault: Fault) -> tuple[Incident, Incident]:
    """The same hour with the fault and without it: the network does the same, what is read differs."""
    return run(network(NOBEL), fault), run(network(NOBEL))


def test_a_scaled_counter_is_read_as_the_true_one():
    fault = Fault(kind=K.SCALED_COUNTER, element=busiest().interface, severity=8.0)
    lying, honest = with_and_without(fault)
    seen = unscaled(lying.observation, fault).observation
    for name in ("out_mbps", "in_mbps", "dropped_mbps"):
        np.testing.assert_allclose(getattr(seen.window, name), getattr(honest.observation.window, name), rtol=1e-12)


def test_swapped_counters_are_put_back():
    link = busiest()
    other = next(x for x in network(NOBEL).links if x.tail == link.tail and x != link)
    fault = Fault(kind=K.SWAPPED_COUNTERS, element=link.interface, target=other.interface)
    lying, honest = with_and_without(fault)
    seen = unswapped(lying.observation, fault).observation
    np.testing.assert_array_equal(seen.window.out_mbps[-1], honest.observation.window.out_mbps[-1])
    np.testing.assert_array_equal(seen.window.in_mbps[-1], honest.observation.window.in_mbps[-1])
    assert Fault(kind=fault.kind, element=fault.target, target=fault.element) == fault


def test_a_stuck_counter_is_taken_out_and_the_rest_is_as_it_was():
    fault = Fault(kind=K.STUCK_COUNTER, element=busiest().interface)
    lying, honest = with_and_without(fault)
    seen, at = without_stuck(lying.observation, fault).observation, columns(network(NOBEL), fault.element)
    assert np.isnan(seen.window.out_mbps[:, at.sends]).all()
    assert np.isnan(seen.window.in_mbps[:, at.receives]).all()
    for found, true, position in (
        (seen.window.out_mbps, honest.observation.window.out_mbps, at.sends),
        (seen.window.in_mbps, honest.observation.window.in_mbps, at.receives),
    ):
        np.testing.assert_array_equal(np.delete(found, position, axis=1), np.delete(true, position, axis=1))
    # what is taken out was read: it is no poll that went unanswered, and leaves no doubt
    best = diagnose(lying.observation).best
    assert (best.faults, best.confidence > 0.9) == ((fault,), True)


@pytest.mark.parametrize("element", ["node/Berlin", "network/sndlib/nobel-germany"])
def test_exports_are_divided_by_what_they_are_off_by(element):
    fault = Fault(kind=K.DEMAND_INPUT, element=element, severity=1.2)
    lying, honest = with_and_without(fault)
    seen = true_exports(lying.observation, fault).observation
    np.testing.assert_allclose(seen.network.demands, honest.observation.network.demands, rtol=1e-9)


@pytest.mark.parametrize("name", [NOBEL, ABILENE])
@pytest.mark.parametrize("kind", SEEN)
def test_what_lies_is_named(name, kind):
    incident = struck(name, kind, seed=2, hour=15)
    best = diagnose(incident.observation).best
    assert best.name == str(incident.fault)
    if kind in (K.SCALED_COUNTER, K.DEMAND_INPUT):
        assert best.fault.severity == pytest.approx(incident.fault.severity, rel=0.05)


@pytest.mark.parametrize("share", [0.6, 1.0])
def test_counters_that_miss_polls_are_named(share):
    fault = Fault(kind=K.MISSING_COUNTERS, element=busiest().interface, severity=share)
    incident = run(network(NOBEL), fault, after=4)
    assert diagnose(incident.observation).best.name == str(fault)


def test_a_single_missed_poll_is_nobody_s_fault():
    incident, position = run(network(NOBEL)), network(NOBEL).link(busiest().interface)
    links = incident.telemetry.links
    gap = (links.link == position) & (links.time >= np.unique(links.time)[-2])
    holed = links._replace(out_mbps=np.where(gap, np.nan, links.out_mbps))
    assert diagnose(observe(network(NOBEL), replace(incident.telemetry, links=holed))).best.fault is None


def test_a_capacity_that_is_recorded_too_small_shows_when_more_is_carried():
    fault = Fault(kind=K.WRONG_CAPACITY, element=busiest().circuit, severity=0.1)
    best = diagnose(run(network(NOBEL), fault).observation).best
    assert best.name == str(fault)
    assert best.fault.severity == pytest.approx(0.1, rel=0.01)


@pytest.mark.parametrize("kind", [K.SILENT_LOSS, K.LINK_DOWN, K.ONE_WAY, K.WEIGHT])
def test_a_broken_network_is_not_taken_for_a_broken_measurement(kind):
    incident = struck(NOBEL, kind, seed=5)
    best = diagnose(incident.observation).best
    assert str(incident.fault) in (best.name, *best.alike)


def test_an_old_configuration_is_named_where_the_network_follows_the_new_one():
    whole = network(NOBEL)
    incident = run(whole, Fault(kind=K.STALE_CONFIGURATION, element=f"node/{busiest().tail}"))
    link = next(x for x in whole.links if x.tail == busiest().tail)
    incident.live.apply(SetWeight(link=link.name, weight=2 * link.weight))
    incident.live.wait(16)
    telemetry = incident.live.read_telemetry(incident.live.now.replace(hour=0))
    configuration = incident.live.read_configuration()
    seen = observe(incident.live.read_topology(), telemetry, configuration=configuration)
    assert diagnose(seen).best.name == f"stale_configuration at node/{link.tail}"
    assert diagnose(observe(incident.live.read_topology(), telemetry)).best.fault is None


def test_probes_that_a_filter_takes_tell_of_no_harm_and_others_still_do():
    filtered = Fault(kind=K.PROBE_FILTER, element="node/Leipzig")
    refused = Fault(kind=K.HOST_BLACKHOLE, element="node/Hamburg", target="node/Bremen")
    live = run(network(NOBEL), filtered, hour=18, after=0).live
    live.inject(refused)
    live.wait(3)
    seen = observe(live.read_topology(), live.read_telemetry(live.now - timedelta(days=1)))
    true = live.true_harm(0.8)
    state = with_fault(seen.network, refused)
    assert measured_harm(seen, 0.8).total > 5 * true.total
    told = measured_harm(as_believed(seen, (filtered, refused), state), 0.8)
    assert told.total == pytest.approx(true.total, rel=0.1)
    assert true.total > 10
    assert np.isfinite(as_believed(seen, (refused,), state).window.probe_loss).all()
