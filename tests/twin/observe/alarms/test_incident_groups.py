"""Correlation: what one fault shows is one incident with its source, what two far-apart ones show are two."""

import pytest

from tests.twin.observe.incidents import GERMANY, NOBEL, network, run
from twin.faults import Fault, FaultKind
from twin.live.draw_fault import draw_fault
from twin.observe import find_symptoms
from twin.observe.alarms.incidents import Signal, correlate

K = FaultKind
TOLD = (K.LINK_DOWN, K.DEVICE_DOWN, K.SILENT_LOSS, K.CORRUPTION, K.NEIGHBOUR_MISSING, K.SURGE)


def ends(element):
    if element.startswith("link/"):
        return {end.split(":")[0] for end in element.removeprefix("link/").split("--")}
    return set(element.split("/")[1:3]) if element.startswith("interface/") else {element.removeprefix("node/")}


def groups(observation):
    return correlate(observation.network, [Signal.of(x) for x in find_symptoms(observation)])


@pytest.mark.parametrize("kind", TOLD)
@pytest.mark.parametrize("seed", [3, 4])
def test_the_symptoms_of_one_fault_are_one_incident_at_its_element(kind, seed):
    fault = draw_fault(network(NOBEL), seed, kinds=[kind])
    found = groups(run(network(NOBEL), fault, seed=seed).observation)
    assert len(found) == 1
    assert found[0].reported
    assert ends(found[0].source) & ends(fault.element)


def test_a_fault_that_no_device_reports_is_one_incident_of_shifted_loads():
    fault = draw_fault(network(NOBEL), 5, kinds=[K.WEIGHT])
    found = groups(run(network(NOBEL), fault, seed=5).observation)
    assert len(found) == 1
    assert not found[0].reported


def test_two_faults_at_two_ends_of_the_country_are_two_incidents():
    germany = network(GERMANY)
    names = {node.name for node in germany.nodes}
    north, south = (next(x for x in germany.circuits if city in x) for city in ("Kiel", "Muenchen"))
    assert not ends(north) & ends(south)
    assert ends(north) <= names
    incident = run(germany, Fault(kind=K.LINK_DOWN, element=north), seed=2)
    incident.live.inject(Fault(kind=K.CORRUPTION, element=south, severity=0.1))
    incident.live.wait(3)
    from twin.observe import observe

    since = incident.live.now.replace(hour=0)
    observation = observe(germany, incident.live.read_telemetry(since), now=incident.live.now)
    found = groups(observation)
    told = [ends(x.source) for x in found if x.reported]
    assert len(told) == 2
    assert any(x & ends(north) for x in told)
    assert any(x & ends(south) for x in told)


def test_every_signal_is_in_exactly_one_group_and_the_order_given_does_not_matter():
    observation = run(network(NOBEL), draw_fault(network(NOBEL), 3, kinds=[K.LINK_DOWN]), seed=3).observation
    signals = [Signal.of(x) for x in find_symptoms(observation)]
    signals += [Signal("probe_delay", "probe/Berlin/Koeln", 9.0), Signal("exports", f"network/{NOBEL}", 8.0)]
    found = correlate(observation.network, signals)
    assert sorted(i for x in found for i in x.signals) == list(range(len(signals)))
    turned = correlate(observation.network, signals[::-1])
    assert {(x.source, frozenset(x.elements)) for x in found} == {(x.source, frozenset(x.elements)) for x in turned}


def test_late_probes_alone_point_to_the_circuit_that_they_share():
    fault = Fault(kind=K.LATENCY, element="link/Frankfurt:Koeln--Koeln:Frankfurt", severity=30)
    observation = run(network(NOBEL), fault, seed=1).observation
    slow = [x for x in find_symptoms(observation) if x.kind == "probe_delay"]
    assert len(slow) > 2
    found = correlate(observation.network, [Signal.of(x) for x in slow])
    assert found[0].source == fault.element


def test_sources_at_one_node_are_two_incidents_when_they_began_hours_apart():
    observation = run(network(NOBEL), seed=1).observation
    early = Signal("down", "link/Berlin:Hamburg--Hamburg:Berlin", 100.0, 1_000_000.0)
    late = Signal("wire", "interface/Berlin/Hannover", 50.0, 1_010_000.0)
    assert len(correlate(observation.network, [early, late])) == 2
    assert len(correlate(observation.network, [early, late._replace(since=1_000_300.0)])) == 1


def test_no_signal_is_no_incident_and_an_unknown_element_is_one_of_its_own():
    healthy = run(network(NOBEL), seed=1).observation.network
    assert correlate(healthy, []) == ()
    (found,) = correlate(healthy, [Signal("load", "interface/No/Where", 7.0)])
    assert found.source == "interface/No/Where"
