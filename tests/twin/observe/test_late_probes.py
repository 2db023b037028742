"""Probes that come late: by a longer way, by a queue, or because somebody was busy; only the first is a fault."""

from dataclasses import replace

import numpy as np
import pytest

from tests.twin.observe.incidents import ABILENE, Incident, network, run, struck
from twin.diagnose import diagnose
from twin.diagnose.likelihood import judge
from twin.faults import FaultKind
from twin.live.network import Telemetry
from twin.model import Floats, Ints
from twin.observe import find_symptoms, observe
from twin.observe.expect.expectation import Expectation
from twin.observe.expect.probing import delay_error


@pytest.fixture(scope="module")
def slowed() -> Incident:
    return struck(ABILENE, FaultKind.LATENCY)


def circuit(incident: Incident) -> Ints:
    assert incident.fault is not None
    return np.array(incident.observation.inventory.circuits[incident.fault.element])


def test_probes_that_wait_in_a_queue_that_is_measured_to_be_full_are_no_longer_way(slowed: Incident) -> None:
    assert [x.kind for x in diagnose(slowed.observation).best.faults] == [FaultKind.LATENCY]
    full = observe(slowed.live.read_topology(), filled(slowed, 0.99), now=slowed.live.now)
    assert FaultKind.LATENCY not in [x.kind for x in diagnose(full).best.faults]
    assert "probe_delay" not in {x.kind for x in find_symptoms(full)}


def test_a_longer_way_is_told_while_its_links_are_busy_but_far_from_full(slowed: Incident) -> None:
    assert slowed.fault is not None
    busy = observe(slowed.live.read_topology(), filled(slowed, 0.6), now=slowed.live.now)
    expectation = Expectation(busy)
    longer, nothing = (judge(busy, expectation, x).likelihood.probe_delay.sum() for x in ((slowed.fault,), ()))
    assert longer > nothing + 10


def test_only_pairs_whose_way_has_the_full_queue_are_less_well_known(slowed: Incident) -> None:
    errors = list[Floats]()
    for share in (0.6, 0.99):
        seen = observe(slowed.live.read_topology(), filled(slowed, share), now=slowed.live.now)
        errors.append(delay_error(Expectation(seen).residuals(seen.network).prediction, seen.declared))
    less = errors[1] > errors[0] + 1
    assert 0 < less.sum() < less.size
    assert np.allclose(errors[0][~less], errors[1][~less], atol=0.05)


def filled(incident: Incident, share: float) -> Telemetry:
    """The telemetry with the slow circuit's links carrying this share of their capacity, not one packet dropped."""
    telemetry, over = incident.telemetry, circuit(incident)
    links = telemetry.links
    rate = share * np.array([x.capacity for x in network(ABILENE).links])[links.link]
    late = np.isin(links.link, over) & (links.time >= incident.observation.window.time[0])
    out, arrived = (np.where(late, rate, x) for x in (links.out_mbps, links.in_mbps))
    return replace(telemetry, links=links._replace(out_mbps=out, in_mbps=arrived))


@pytest.mark.parametrize(("samples", "told"), [(1, False), (3, True)])
def test_a_prober_that_was_busy_for_one_sample_of_three_makes_no_path_longer(samples: int, told: bool) -> None:
    healthy = run(network(ABILENE))
    window = healthy.observation.window
    late = np.isin(healthy.telemetry.probes.time, window.time[:samples])
    delay = healthy.telemetry.probes.delay_ms + np.where(late, 20.0, 0.0)
    probes = healthy.telemetry.probes._replace(delay_ms=delay)
    seen = observe(healthy.live.read_topology(), replace(healthy.telemetry, probes=probes), now=healthy.live.now)
    assert len(window.time) == 3
    assert ("probe_delay" in {x.kind for x in find_symptoms(seen)}) == told
