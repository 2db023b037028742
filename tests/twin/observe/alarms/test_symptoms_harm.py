from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.twin.observe.incidents import ABILENE, NOBEL, network, run, struck
from twin.faults import EXIT_KINDS, Fault, FaultKind, with_fault
from twin.live.draw_fault import draw_fault
from twin.model import SegmentList, Tunnel
from twin.observe import find_symptoms, measured_harm, observe
from twin.sim.simulate import simulate

SHOWS = {
    FaultKind.LINK_DOWN: "down",
    FaultKind.DEVICE_DOWN: "silent",
    FaultKind.CAPACITY: "drops",
    FaultKind.SURGE: "traffic_surge",
    FaultKind.WEIGHT: "load_shift",
    FaultKind.SILENT_LOSS: "wire_loss",
}


def squeezed(name=NOBEL) -> Fault:
    whole = network(name)
    circuit = whole.links[whole.link(simulate(whole).busiest)].circuit
    return Fault(kind=FaultKind.CAPACITY, element=circuit, severity=0.8)


@pytest.mark.parametrize("name", [NOBEL, ABILENE])
def test_healthy_networks_raise_no_alarm_at_any_time_of_the_day(name):
    alarms = [find_symptoms(run(network(name), seed=seed, hour=3 * seed).observation) for seed in range(8)]
    assert alarms == [()] * 8


@pytest.mark.parametrize("kind", list(SHOWS))
def test_each_fault_shows_its_own_trace_at_its_own_element(kind):
    incident = run(network(NOBEL), squeezed()) if kind is FaultKind.CAPACITY else struck(NOBEL, kind, seed=5)
    element = incident.fault.element
    on = {element, *(network(NOBEL).links[i].interface for i in network(NOBEL).circuits.get(element, ()))}
    traces = [x for x in find_symptoms(incident.observation) if x.kind == SHOWS[kind]]
    assert on & {x.element for x in traces}


def test_the_day_and_night_ramp_is_no_surge():
    for hour in range(0, 24, 3):
        seen = run(network(ABILENE), seed=hour, hour=hour, before=24).observation
        assert not [x for x in find_symptoms(seen) if x.kind == "traffic_surge"]


def test_a_link_above_the_limit_is_reported_with_the_limit():
    seen = run(network(NOBEL), seed=2, hour=19).observation
    busiest = int(np.nanargmax(seen.out_mbps / [link.capacity for link in network(NOBEL).links]))
    link = network(NOBEL).links[busiest]
    limit = 0.9 * seen.out_mbps[busiest] / link.capacity
    over = [x for x in find_symptoms(seen, limit=limit) if x.element == link.interface]
    assert [x.kind for x in over] == ["over_limit"]
    assert over[0].measured == pytest.approx(seen.out_mbps[busiest])
    assert over[0].expected == pytest.approx(limit * link.capacity)


UNTOLD = {FaultKind.FLAP, FaultKind.WRONG_CAPACITY, FaultKind.ONE_WAY, FaultKind.PROBE_FILTER}
"""Means hide what a part of an interval overloads; only a diagnosis says what an inventory has wrong; what a router
loses of traffic that ends there is seen of the probed pairs alone; where probes are filtered they tell of harm that
there is not."""


@pytest.mark.parametrize("kind", sorted(set(FaultKind) - UNTOLD - set(EXIT_KINDS)))
def test_measured_harm_is_the_true_harm_whatever_the_fault(kind):
    whole = network(ABILENE)
    if kind in (FaultKind.ECMP_MISSING, FaultKind.ECMP_STALE):
        whole = replace(whole, links=tuple(link._replace(weight=10) for link in whole.links))
    fault = squeezed(ABILENE) if kind is FaultKind.CAPACITY else draw_fault(whole, 1, kinds=[kind])
    measured, true = both_harms(whole, fault, seed=1)
    assert measured.total == pytest.approx(true, rel=0.1, abs=0.004 * whole.offered.sum())


@pytest.mark.parametrize("kind", [FaultKind.DEVICE_DOWN, FaultKind.ROUTING_DOWN, FaultKind.SCALED_COUNTER])
def test_measured_harm_is_the_true_harm_on_another_network(kind):
    measured, true = both_harms(network(NOBEL), draw_fault(network(NOBEL), 2, kinds=[kind]), seed=2)
    assert measured.total == pytest.approx(true, rel=0.05, abs=30)


def test_a_node_without_neighbours_severs_as_much_as_the_twin_says():
    fault = Fault(kind=FaultKind.ROUTING_DOWN, element="node/Frankfurt")
    incident = run(network(NOBEL), fault)
    twin = simulate(with_fault(incident.observation.network, fault)).harm(0.8)
    measured = measured_harm(incident.observation, 0.8)
    assert measured.severed == pytest.approx(twin.severed, rel=0.01)
    assert twin.severed > 10_000


def both_harms(whole, fault, *, seed):
    live = run(whole, fault, seed=seed, hour=18, after=0).live
    true = []
    for _ in range(3):
        live.wait()
        true.append(live.true_harm(0.8).total)
    seen = observe(live.read_topology(), live.read_telemetry(live.now - timedelta(days=1)))
    return measured_harm(seen, 0.8), np.mean(true[-seen.samples :])


def test_what_queues_drop_of_traffic_in_a_tunnel_is_harm_once():
    whole = network(NOBEL)
    link = whole.links[whole.link(simulate(whole).busiest)]
    pair = link.tail, link.head
    through = Tunnel(name="through", source=pair[0], target=pair[1], paths=(SegmentList(via=(pair[1],)),))
    demands = whole.demands.copy()
    demands[whole.node(pair[0]), whole.node(pair[1])] = 1.2 * link.capacity
    full = replace(whole, demands=demands, tunnels=(through,))
    measured, true = both_harms(full, None, seed=3)
    assert true > 0.05 * link.capacity
    assert measured.dropped > 0.05 * link.capacity
    assert measured.total == pytest.approx(true, rel=0.05)


def test_traffic_between_parts_that_nothing_joins_is_harm():
    whole = network(NOBEL)
    degree = {node.name: [c for c, x in whole.circuits.items() if node.name in _ends(whole, x)] for node in whole.nodes}
    cut_off = min(degree, key=lambda name: len(degree[name]))
    incident = run(whole, Fault(kind=FaultKind.LINK_DOWN, element=degree[cut_off][0]), after=0)
    for circuit in degree[cut_off][1:]:
        incident.live.inject(Fault(kind=FaultKind.LINK_DOWN, element=circuit))
    incident.live.wait(3)
    seen = observe(whole, incident.live.read_telemetry(incident.live.now - timedelta(days=1)))
    position = whole.node(cut_off)
    cut = seen.network.demands[position].sum() + seen.network.demands[:, position].sum()
    assert measured_harm(seen, 0.8).severed == pytest.approx(cut)
    assert cut > 0


def _ends(whole, positions):
    return {whole.links[positions[0]].tail, whole.links[positions[0]].head}
