from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.twin.observe.incidents import ABILENE, NOBEL, network, run, struck
from twin.errors import InputError
from twin.faults import DRAWN_KINDS, Fault, FaultKind
from twin.live.declared import Declaration
from twin.live.emulated import EmulatedNetwork
from twin.live.network import LinkSamples, NodeSamples, ProbeSamples, Telemetry, TrafficSamples
from twin.model import Link, Network, Node, SegmentList, Tunnel
from twin.observe import observe
from twin.observe.expect.expectation import Expectation
from twin.observe.readings.exported import Exported
from twin.observe.readings.growth import growth, strayed
from twin.observe.readings.with_gaps import mean

NAN = float("nan")


def pair_of_routers() -> Network:
    nodes = (Node("A", 0.0, 0.0), Node("B", 1.0, 0.0))
    links = (Link("A", "B", 1000.0, 1), Link("B", "A", 1000.0, 1))
    return Network("pair", nodes, links, np.array([[0.0, 100.0], [50.0, 0.0]]))


def telemetry(out, received, dropped=None, *, demands=None, answered=None, apart_s=300.0) -> Telemetry:
    """Rows are samples; columns A->B and B->A, or A and B."""
    out, received = np.array(out, dtype=float), np.array(received, dtype=float)
    count = len(out)
    dropped = np.zeros_like(out) if dropped is None else np.array(dropped, dtype=float)
    demands = out if demands is None else np.array(demands, dtype=float)
    answered = np.ones((count, 2), dtype=bool) if answered is None else np.array(answered)
    time = np.repeat(apart_s * np.arange(1, count + 1), 2)
    first = np.tile([0, 1], count)
    nothing = np.zeros(0, dtype=np.int64)
    return Telemetry(
        LinkSamples(time, first, out.ravel(), received.ravel(), dropped.ravel(), np.ones(2 * count, dtype=bool)),
        NodeSamples(time, first, answered.ravel()),
        ProbeSamples(np.zeros(0), nothing, nothing, np.zeros(0), np.zeros(0)),
        TrafficSamples(time, first, 1 - first, demands.ravel()),
        (),
    )


def test_rates_and_demands_are_means_over_the_window():
    rates = [[90, 50], [100, 50], [110, 50], [120, 50]]
    seen = observe(pair_of_routers(), telemetry(rates, rates))
    assert seen.samples == 3
    assert seen.out_mbps.tolist() == [110, 50]
    assert seen.network.demands.tolist() == [[0, 110], [50, 0]]
    assert seen.inventory.demands.tolist() == [[0, 100], [50, 0]]
    assert seen.time == datetime.fromtimestamp(1200, UTC)


def test_a_missing_reading_is_replaced_by_the_far_end():
    seen = observe(
        pair_of_routers(), telemetry([[NAN, 50]] * 3, [[80, 50]] * 3, [[NAN, 0]] * 3, demands=[[80, 50]] * 3)
    )
    assert mean(seen.arrived_mbps).tolist() == [80, 50]
    assert np.isnan(seen.out_mbps[0])


def test_of_repeated_rows_the_last_one_counts():
    once = telemetry([[100, 50]] * 3, [[100, 50]] * 3)
    doubled = LinkSamples(*(np.concatenate([x, x]) for x in once.links))
    corrected = doubled._replace(out_mbps=np.concatenate([once.links.out_mbps * 3, once.links.out_mbps]))
    assert observe(pair_of_routers(), replace(once, links=corrected)).out_mbps.tolist() == [100, 50]


def test_a_node_that_does_not_answer_keeps_its_last_known_demand():
    demands = [[100, 50], [100, 60], [100, NAN]]
    answered = [[True, True], [True, True], [True, False]]
    seen = observe(
        pair_of_routers(), telemetry([[100, 50]] * 3, [[100, 50]] * 3, demands=demands, answered=answered), window=1
    )
    assert seen.network.demands.tolist() == [[0, 100], [60, 0]]
    assert seen.fallback == ("B",)
    assert seen.answered.tolist() == [True, False]


def test_a_demand_that_was_never_measured_is_provisioned_at_the_level_of_the_network():
    seen = observe(pair_of_routers(), telemetry([[20, 10]] * 3, [[20, 10]] * 3, demands=[[20, NAN]] * 3))
    assert seen.network.demands.tolist() == [[0, 20], [pytest.approx(10), 0]]


def test_no_samples_are_refused_and_so_is_a_window_of_none():
    empty = telemetry(np.zeros((0, 2)), np.zeros((0, 2)))
    with pytest.raises(InputError, match="no telemetry"):
        observe(pair_of_routers(), empty)
    with pytest.raises(InputError, match="window of 0"):
        observe(pair_of_routers(), telemetry([[1, 1]], [[1, 1]]), window=0)


def test_telemetry_of_another_inventory_is_refused():
    whole = telemetry([[1, 1]], [[1, 1]])
    with pytest.raises(InputError, match="names link 7"):
        observe(pair_of_routers(), replace(whole, links=whole.links._replace(link=np.array([0, 7]))))


def test_age_counts_from_the_newest_sample():
    now = datetime.fromtimestamp(300, UTC) + timedelta(seconds=42)
    assert observe(pair_of_routers(), telemetry([[1, 1]], [[1, 1]]), now=now).age_s == 42


@pytest.mark.parametrize("kind", DRAWN_KINDS)
def test_samples_from_before_the_fault_are_left_out_of_the_window(kind):
    assert struck(NOBEL, kind, seed=3, after=1).observation.samples == 1


@pytest.mark.parametrize(
    ("rates", "dropped"),
    [(([95, 50], [80, 50]), ([0, 0], [15, 0])), (([1000, 50], [400, 50]), ([0, 0], [0, 0]))],
)
def test_a_lower_rate_and_traffic_that_is_gone_part_the_window_where_counters_are_read_often(rates, dropped):
    sent, demands = np.repeat(rates, 2, axis=0), [rates[0]] * 4
    seen = telemetry(sent, sent, np.repeat(dropped, 2, axis=0), demands=demands, apart_s=30.0)
    assert observe(pair_of_routers(), seen).samples == 2


def test_a_quiet_network_uses_the_whole_window():
    assert [run(network(NOBEL), seed=seed, hour=6).observation.samples for seed in range(4)] == [3] * 4


def with_tunnels(name: str) -> Network:
    whole = network(name)
    names = [node.name for node in whole.nodes]
    half = tuple(SegmentList(via=(names[i],), share=0.5) for i in (5, 7))
    tunnels = (Tunnel(name="T", source=names[0], target=names[3], paths=half, on_invalid="igp"),)
    return replace(whole, tunnels=tunnels)


def with_ties(name: str) -> Network:
    whole = network(name)
    return replace(whole, links=tuple(link._replace(weight=10) for link in whole.links))


@pytest.mark.parametrize("inventory", [network(NOBEL), network(ABILENE), with_tunnels(NOBEL), with_ties(NOBEL)])
def test_the_stated_errors_cover_what_a_healthy_network_measures(inventory):
    scores = []
    for seed in range(6):
        seen = run(inventory, seed=seed, hour=4 * seed).observation
        scores.append(Expectation(seen).residuals(seen.network).score)
    inside = np.abs(np.concatenate(scores)) < 2
    assert inside.mean() > 0.93
    assert np.abs(np.concatenate(scores)).max() < 6


def test_a_silent_router_lowers_the_quality_score():
    inventory = network(NOBEL)
    quiet = run(inventory).observation.quality
    dead = run(inventory, Fault(kind=FaultKind.DEVICE_DOWN, element=inventory.nodes[0].id)).observation.quality
    assert 0 < dead.score < quiet.score <= 1


@given(st.integers(0, 2**32), st.floats(1.5, 4), st.floats(0.3, 1.5), st.integers(0, 19))
def test_growth_finds_the_node_and_the_factor_whatever_the_network_wide_level(seed, factor, level, node):
    rng = np.random.default_rng(seed)
    before = rng.lognormal(4, 1, (20, 20))
    np.fill_diagonal(before, 0)
    now = before * level * np.exp(0.1 * rng.standard_normal(before.shape))
    now[:, node] *= factor
    found = growth(before, now, 0.1, (3, 3), Declaration())
    assert int(np.argmax(found.score)) == node
    assert np.exp(found.log_factor[node]) == pytest.approx(factor, rel=0.25)
    assert found.level == pytest.approx(level, rel=0.1)
    assert np.abs(np.delete(found.score, node)).max() < 5


def exported(rates):
    pair = np.flatnonzero((rates > 0).any(axis=0))
    return Exported(rates.shape[1], pair, rates.reshape(len(rates), -1)[:, pair])


@pytest.mark.parametrize(("sources", "taken_for_one"), [(1, 50), (2, 10), (3, 0)])
def test_few_pairs_that_stray_as_they_did_are_no_surge_and_one_that_triples_is(sources, taken_for_one):
    rng, strays, false, blind, grown = np.random.default_rng(sources), [], 0, 0, 0
    apart = (np.arange(8)[None, :] - np.arange(8)[:, None]) % 8
    usual = np.where((apart > 0) & (apart <= sources), 1000.0, 0.0)
    for _ in range(200):
        rates = usual * np.exp(0.11 * rng.standard_normal((16, 8, 8)))
        strays.append(strayed(exported(rates)))
        known, unknown = (growth(*rates[-2:], 0.1, (1, 1), Declaration(), x).score for x in (strays[-1], 0.0))
        false, blind = false + (np.abs(known).max() > 5), blind + (np.abs(unknown).max() > 5)
        rates[-1, :, 3] *= 3
        grown += growth(*rates[-2:], 0.1, (1, 1), Declaration(), strayed(exported(rates))).score[3] > 5
    assert np.mean(strays) == pytest.approx(0.11 * 2**0.5, rel=0.1)
    assert false <= 2
    assert blind >= taken_for_one
    assert grown > 150


def quick(*, faults: tuple[Fault, ...] = (), after: int = 3) -> EmulatedNetwork:
    """Samples of 30 s: what readers are off by is ten times as much of each as of samples of five minutes."""
    start = datetime(2026, 3, 2, 19, tzinfo=UTC)
    live = EmulatedNetwork(network(ABILENE), seed=4, start=start, interval_s=30.0)
    live.wait(14)
    for fault in faults:
        live.inject(fault)
    live.wait(after)
    return live


def seen_of(live: EmulatedNetwork):
    return observe(live.read_topology(), live.read_telemetry(live.now - timedelta(hours=1)), now=live.now)


def test_short_samples_of_one_state_are_not_taken_for_several():
    assert seen_of(quick()).samples == 3


def test_samples_from_before_probes_were_lost_are_left_out():
    probes, nodes = seen_of(quick()).probes, network(ABILENE).nodes
    source, target = nodes[int(probes.source[0])], nodes[int(probes.target[0])]
    lost = Fault(kind=FaultKind.HOST_BLACKHOLE, element=source.id, target=target.id)
    assert seen_of(quick(faults=(lost,), after=2)).samples == 2


def test_what_strays_follows_from_what_the_network_declares():
    rates = [[90, 50], [100, 50], [110, 50], [120, 50]]
    exact, loose = (
        observe(pair_of_routers(), replace(telemetry(rates, rates), declared=Declaration(drift=x))).growth.sigma
        for x in (0.01, 0.2)
    )
    assert np.all(loose > exact)
    assert Declaration(skew_s=3.0).mistimed(30.0) == 0.1
