"""Data quality of seeded states: what lies is told, repaired and scored, what is true is left in peace."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks.data_quality import corrupted, off, scene, tally
from twin.errors import InputError
from twin.faults import Fault, FaultKind
from twin.live.emulated import EmulatedNetwork
from twin.observe.expect.balance import link_ends
from twin.observe.expect.sources import loads_by_source
from twin.observe.quality.assess import assess
from twin.observe.readings.intake import take_in
from twin.policy import Policy
from twin.sim.simulate import simulate

NETWORKS = ("topozoo/Abilene", "sndlib/nobel-germany", "sndlib/germany50")


def struck(name, fault, seed=1):
    true = scene(name, seed)
    live = EmulatedNetwork(true.network, seed=seed, start=datetime(2026, 3, 2, 14, tzinfo=UTC))
    live.wait(6)
    live.inject(fault)
    live.wait(3)
    return assess(live.read_topology(), live.read_telemetry(live.now - timedelta(days=1)), now=live.now).report


@pytest.mark.parametrize("name", NETWORKS)
def test_a_healthy_network_is_believed(name):
    true = scene(name, 3)
    report = assess(true.network, true.telemetry, now=true.now).report
    assert report.score > 0.97
    assert not report.demand.off
    assert report.demand.nodes == ()
    assert report.unrepaired == 0


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("share", [0.0, 0.3])
def test_demands_off_by_five_per_cent_are_reported_and_true_ones_never(name, share):
    for seed in range(4):
        true = scene(name, seed)
        telemetry, wrong = corrupted(true, share, seed)
        assert not tally(true, telemetry, wrong).reported
        for scale in (0.95, 1.05):
            result = tally(true, off(telemetry, scale), wrong)
            assert result.reported
            assert result.score < Policy().min_quality


@pytest.mark.parametrize("name", NETWORKS)
def test_lying_counters_are_found_and_replaced_by_what_is_true(name):
    true = scene(name, 2)
    telemetry, wrong = corrupted(true, 0.1, 2)
    result = tally(true, telemetry, wrong)
    assert result.found > 0.95
    assert result.accused < 0.02
    assert result.wrong_after < 0.02


def test_exports_of_one_node_that_are_off_name_the_node():
    report = struck("sndlib/nobel-germany", Fault(kind=FaultKind.DEMAND_INPUT, element="node/Berlin", severity=1.3))
    assert report.demand.nodes == ("node/Berlin",)


def test_a_counter_of_octets_is_told_by_its_unit():
    true = scene("topozoo/Abilene", 1)
    links = true.telemetry.links
    sent = np.where(links.link == 10, links.out_mbps * 8, links.out_mbps)
    report = assess(true.network, replace(true.telemetry, links=links._replace(out_mbps=sent)), now=true.now).report
    assert [(x.check, x.element, x.repaired) for x in report.doubts if x.check == "units"] == [
        ("units", true.network.links[10].interface, True)
    ]


def test_a_wire_that_loses_is_not_taken_for_a_lying_counter():
    fault = Fault(kind=FaultKind.SILENT_LOSS, element="interface/Denver/Kansas_City", severity=0.2)
    report = struck("topozoo/Abilene", fault)
    accused = [x for x in report.doubts if x.trust < 0.7]
    assert accused == []
    assert not report.demand.off


def test_a_capacity_that_the_traffic_exceeds_is_doubted():
    true = scene("topozoo/Abilene", 1)
    links = list(true.network.links)
    links[18] = links[18]._replace(capacity=1000.0)
    report = assess(replace(true.network, links=tuple(links)), true.telemetry, now=true.now).report
    assert {x.check for x in report.doubts} >= {"capacity", "symmetry"}


def test_old_data_score_less():
    true = scene("topozoo/Abilene", 1)
    fresh, old = (assess(true.network, true.telemetry, now=true.now + timedelta(hours=h)).report for h in (0, 1))
    assert old.score < fresh.score
    assert old.parts["age"] == pytest.approx(0.25)


def test_loads_by_source_add_up_to_the_simulated_loads():
    network = scene("sndlib/nobel-germany", 1).network
    np.testing.assert_allclose(loads_by_source(network).sum(axis=0), simulate(network).load, rtol=1e-9)
    source = loads_by_source(network)[3]
    ends, n = link_ends(network), len(network.nodes)
    kept = np.bincount(ends.tail, source, n) - np.bincount(ends.head, source, n)
    np.testing.assert_allclose(np.delete(kept, 3), -np.delete(network.demands[3], 3), atol=1e-6)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_rows_shuffled_doubled_and_from_the_future_change_nothing_but_the_remarks(seed):
    true = scene_once()
    rng, links = np.random.default_rng(seed), true.telemetry.links
    order = rng.permutation(np.concatenate([np.arange(len(links.time)), rng.integers(0, len(links.time), 20)]))
    mixed = type(links)(*(column[order] for column in links))
    later = type(links)(*(column[:5] for column in links))._replace(time=np.full(5, true.now.timestamp() + 7200))
    late = type(links)(*(np.concatenate(pair) for pair in zip(mixed, later, strict=True)))
    found, intake = take_in(replace(true.telemetry, links=late), true.now)
    assert (intake.future, intake.duplicated) == (5, 20)
    assert found.links.time.max() <= true.now.timestamp()
    report, plain = (assess(true.network, x, now=true.now).report for x in (replace(true.telemetry, links=late), found))
    assert report.demand == plain.demand
    assert report.limits[:2] == (
        "5 rows dated after the clock were left out",
        "20 rows came twice: the last one counts",
    )


def scene_once(known=[]):  # noqa: B006 - one scene for all examples
    if not known:
        known.append(scene("topozoo/Abilene", 1))
    return known[0]


def test_impossible_rates_are_taken_for_missing_and_repaired():
    true = scene("topozoo/Abilene", 1)
    links = true.telemetry.links
    sent = links.out_mbps.copy()
    sent[links.link == 3], sent[links.link == 4], sent[links.link == 5] = -5.0, np.inf, 1e12
    found = assess(true.network, replace(true.telemetry, links=links._replace(out_mbps=sent)), now=true.now)
    assert found.report.failed["complete"] == 3
    np.testing.assert_allclose(found.consensus.sent[3:6], found.consensus.received[3:6])
    assert found.report.score > 0.9


def test_no_usable_row_is_a_clear_error():
    true = scene("topozoo/Abilene", 1)
    with pytest.raises(InputError, match="no telemetry"):
        assess(true.network, true.telemetry, now=true.now - timedelta(days=2))
    with pytest.raises(InputError, match="no time zone"):
        assess(true.network, true.telemetry, now=datetime(2026, 3, 2))  # noqa: DTZ001 - what is tested
    short = true.telemetry.links._replace(link=true.telemetry.links.link[:-1])
    with pytest.raises(InputError, match="differ in length"):
        assess(true.network, replace(true.telemetry, links=short), now=true.now)
