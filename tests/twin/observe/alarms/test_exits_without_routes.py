"""An exit by which its router has no route is an alarm, also where it carries nothing; an unknown one is none."""

from dataclasses import replace

import numpy as np
import pytest

from agents.serve.sightings import FAMILIES
from agents.show.incident_words import incident_title
from tests.twin.live.beyond_exits import EVER, FIRST, NETWORK, SECOND, SPARE, START, WAYLESS, measured
from twin.faults import Fault, FaultKind
from twin.live.emulated import EmulatedNetwork
from twin.live.peerings import no_peerings
from twin.observe import find_symptoms, observe
from twin.observe.alarms.anomaly import Detector
from twin.observe.alarms.incidents import Signal, correlate


def alarms(network, telemetry):
    """The exits without routes that a run sees at its beginning, and those that a watch sees."""
    shown = {x.element for x in find_symptoms(observe(network, telemetry)) if x.kind == "no_routes"}
    begun = {x.element for x in Detector().update(network, telemetry) if x.kind == "no_routes"}
    return shown, begun


def altered(element, **changed):
    links, position = list(NETWORK.links), NETWORK.link(element)
    links[position] = links[position]._replace(**changed)
    return replace(NETWORK, links=tuple(links))


@pytest.mark.parametrize("seed", range(2))
def test_healthy_exits_are_silent(seed):
    assert alarms(NETWORK, measured(seed=seed)) == (set(), set())


@pytest.mark.parametrize("kind", WAYLESS)
def test_an_exit_out_of_use_shows_although_it_carries_nothing(kind):
    assert alarms(NETWORK, measured(Fault(kind=kind, element=SPARE))) == ({SPARE}, {SPARE})


def test_a_dark_exit_is_a_circuit_down_and_not_said_twice():
    dark = NETWORK.links[NETWORK.link(SECOND)].circuit
    found = find_symptoms(observe(NETWORK, measured(Fault(kind=FaultKind.LINK_DOWN, element=dark))))
    assert [x.element for x in found if x.kind in ("down", "no_routes")] == [dark]


def test_only_an_exit_that_is_due_and_spoken_of_is_missed():
    telemetry = measured(Fault(kind=FaultKind("bgp_session"), element=SPARE))
    assert alarms(NETWORK, replace(telemetry, peerings=no_peerings())) == (set(), set())
    said = telemetry.peerings
    nobody = np.full(said.time.size, np.nan)
    unknown = said._replace(established=nobody, received=nobody, accepted=nobody)
    assert alarms(NETWORK, replace(telemetry, peerings=unknown)) == (set(), set())
    for changed in ({"drained": True}, {"drained": True, "cost_out": True}, {"up": False}, {"asleep": True}):
        assert alarms(altered(SPARE, **changed), telemetry) == (set(), set())
    router = NETWORK.node(NETWORK.links[NETWORK.link(SPARE)].tail)
    nodes = [x._replace(drained=True) if i == router else x for i, x in enumerate(NETWORK.nodes)]
    assert alarms(replace(NETWORK, nodes=tuple(nodes)), telemetry) == (set(), set())


def test_a_watch_names_it_once_and_ends_it_when_its_routes_are_back():
    live, watch = EmulatedNetwork(NETWORK, seed=5, start=START), Detector()
    live.wait(2)
    live.inject(Fault(kind=FaultKind("bgp_advertisement"), element=SPARE))
    live.wait(2)
    assert [x.element for x in watch.update(NETWORK, live.read_telemetry(EVER)) if x.kind == "no_routes"] == [SPARE]
    seen = live.now
    live.clear(live.faults[0])
    live.wait(3)
    assert not [x for x in watch.update(NETWORK, live.read_telemetry(seen)) if x.kind == "no_routes"]
    assert not [x for x in watch.open if x.kind == "no_routes"]


def test_what_follows_from_a_lost_session_is_one_incident_at_the_exit():
    seen = observe(NETWORK, measured(Fault(kind=FaultKind("bgp_session"), element=FIRST), seed=3))
    found = find_symptoms(seen)
    assert not any(x.element.startswith("probe/internet/") for x in found)
    (group,) = correlate(seen.network, [Signal.of(x) for x in found], seen.declared)
    assert (group.source, group.kind, group.reported) == (FIRST, "no_routes", True)
    assert len(group.signals) == len(found) > 5


def test_an_incident_of_one_is_called_by_its_place():
    assert incident_title("no_routes", SPARE).startswith("Exit without routes: ")
    assert FAMILIES["no_routes"] == "state"
