from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.twin.observe.expect.test_splits_oracle import random_network
from tests.twin.observe.incidents import NOBEL, network, run, struck
from twin.diagnose import diagnose
from twin.faults import Fault, FaultKind
from twin.formats import load_network
from twin.formats.provision import in_small
from twin.live.draw_fault import draw_fault
from twin.live.emulated import EmulatedNetwork
from twin.live.sensors import Noise
from twin.observe import find_symptoms, observe
from twin.observe.alarms.symptoms import SymptomKind
from twin.observe.expect.path_delays import delay_spread
from twin.observe.readings.with_gaps import middle, missed_polls, newest
from twin.sim.arrays import compile_network
from twin.sim.kernels import shortest_paths

K = FaultKind
SHOWN: list[tuple[K, SymptomKind]] = [
    (K.NEIGHBOUR_MISSING, "neighbour_lost"),
    (K.AREA, "neighbour_lost"),
    (K.DETACH, "down"),
    (K.MISSING_COUNTERS, "no_counters"),
    (K.CORRUPTION, "frame_errors"),
    (K.SYN_FLOOD, "packet_shift"),
    (K.LATENCY, "probe_delay"),
    (K.BLACKHOLE, "load_shift"),
    (K.SURGE, "traffic_surge"),
]


@pytest.mark.parametrize(("kind", "symptom"), SHOWN, ids=str)
def test_a_fault_shows_within_two_samples_in_the_reading_that_it_moves(kind: K, symptom: SymptomKind):
    fault = Fault(kind=kind, element=network(NOBEL).links[4].interface, severity=1.0)
    if kind is not K.MISSING_COUNTERS:
        fault = draw_fault(network(NOBEL), 3, kinds=[kind])
    incident = run(network(NOBEL), fault, after=2)
    assert symptom in {x.kind for x in find_symptoms(incident.observation)}


@pytest.mark.parametrize("seed", range(3))
def test_a_healthy_network_shows_none_of_them(seed: int):
    live = run(network(NOBEL), seed=seed, hour=7 * seed).live
    kinds = {symptom for _, symptom in SHOWN}
    for _ in range(4):
        live.wait(1)
        seen = observe(live.read_topology(), live.read_telemetry(live.now - timedelta(hours=2)))
        assert not kinds & {x.kind for x in find_symptoms(seen)}


def test_a_late_probe_is_said_with_what_it_takes_and_what_it_should():
    incident = struck(NOBEL, K.LATENCY, seed=2)
    late = [x for x in find_symptoms(incident.observation) if x.kind == "probe_delay"]
    extra = incident.fault.severity if incident.fault else 0.0
    assert late
    assert max(x.measured - x.expected for x in late) == pytest.approx(extra, abs=1.5)


@given(st.integers(1, 12).flatmap(lambda n: st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=1)))
def test_polls_are_missed_no_more_often_than_readings_and_never_none_of_a_gap(columns: list[list[bool]]):
    missing = np.array(columns).T
    polls = missed_polls(missing)
    for column, found in zip(columns, polls, strict=True):
        gaps = "".join("x" if x else " " for x in column).split()
        assert found == sum(max(1, len(gap) - 1) for gap in gaps)


def test_the_last_reading_that_is_there_is_the_newest():
    values = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, 4.0], [2.0, np.nan, np.nan]])
    np.testing.assert_array_equal(newest(values), [2.0, np.nan, 4.0])
    np.testing.assert_array_equal(middle(values), [1.5, np.nan, 3.5])


@pytest.mark.parametrize("seed", range(4))
def test_the_spread_of_equal_paths_is_that_of_a_list_of_all_of_them(seed: int):
    drawn, rng = random_network(seed, weights=(1, 2)), np.random.default_rng(seed)
    whole = replace(drawn, links=tuple(x._replace(delay_ms=float(rng.uniform(1, 20))) for x in drawn.links))
    arrays = compile_network(whole)
    spread = delay_spread(arrays, shortest_paths(arrays), np.zeros(arrays.tunnels.share.size))
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_edges_from((x.tail, x.head, {"weight": x.weight, "delay": x.delay_ms}) for x in whole.links)
    for s, source in enumerate(whole.nodes):
        for t, target in enumerate(whole.nodes):
            if s != t and nx.has_path(graph, source.name, target.name):
                paths = nx.all_shortest_paths(graph, source.name, target.name, weight="weight")
                delays = [sum(graph.edges[hop]["delay"] for hop in pairwise(path)) for path in paths]
                assert spread[t, s] == pytest.approx(max(delays) - min(delays), abs=1e-9)


@pytest.mark.parametrize("gone", [0.835, 0.86])
def test_a_small_link_that_drops_some_per_cent_is_seen_and_named(gone: float) -> None:
    """On 10 Mbit/s a whole Mbit/s is more than what is lost: 5 and 19 % of what comes to one end of the link."""
    whole = in_small(load_network("synthetic/8-41"), capacity=10.0, peak_utilisation=0.55)
    start = datetime(2026, 3, 1, 19, tzinfo=UTC)
    live = EmulatedNetwork(whole, seed=3, start=start, interval_s=5.0, noise=Noise.off())
    live.wait(6)
    fault = Fault(kind=FaultKind.CAPACITY, element=whole.links[whole.link("R4->R8")].circuit, severity=gone)
    live.inject(fault)
    live.wait(3)
    seen = observe(whole, live.read_telemetry(start - timedelta(days=1)))
    assert 0 < seen.dropped_mbps.max() < 1
    assert "drops" in {x.kind for x in find_symptoms(seen)}
    (found,) = diagnose(seen).best.faults
    assert (found.kind, found.element) == (fault.kind, fault.element)
    assert found.severity == pytest.approx(gone, abs=0.01)


@pytest.mark.parametrize(("share", "shown"), [(0.0005, False), (0.002, True)])
def test_a_queue_that_drops_in_one_sample_of_three_is_seen_though_their_mean_hurts_nobody(share: float, shown: bool):
    seen = run(network(NOBEL), after=3).observation
    dropped = np.zeros_like(seen.window.dropped_mbps)
    busiest = int(np.argmax(seen.window.out_mbps[-1]))
    dropped[-1, busiest] = share * seen.window.out_mbps[-1, busiest]
    found = find_symptoms(replace(seen, window=seen.window._replace(dropped_mbps=dropped)))
    assert dropped.mean(axis=0)[busiest] < 0.001 * seen.out_mbps[busiest]
    assert [x.element for x in found if x.kind == "drops"] == [network(NOBEL).links[busiest].interface] * shown


def test_a_flood_that_lasts_for_longer_than_the_recent_past_is_still_told_from_a_surge_of_users():
    flood = draw_fault(network(NOBEL), 3, kinds=[K.SYN_FLOOD])
    best = diagnose(run(network(NOBEL), flood, after=16).observation).best
    assert [(x.kind, x.element) for x in best.faults] == [(K.SYN_FLOOD, flood.element)]
