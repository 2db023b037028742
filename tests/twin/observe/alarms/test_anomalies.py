"""Anomalies: seen within two samples, never on a healthy day, at thresholds that mean what they say."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks.anomalies import healthy, next_anomalies, struck
from tests.twin.observe.incidents import ABILENE, NOBEL, network
from twin.errors import InputError
from twin.faults import EXIT_KINDS, Fault, FaultKind
from twin.formats import load_network
from twin.live.emulated import EmulatedNetwork
from twin.observe.alarms.anomaly import Detector
from twin.observe.alarms.threshold import FLOOR, median, pareto_quantile, step_of_chance

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
SEEN = [kind for kind in FaultKind if kind not in (FaultKind.ECMP_MISSING, FaultKind.ECMP_STALE, *EXIT_KINDS)]


@pytest.mark.parametrize("kind", SEEN)
def test_what_moves_a_reading_is_seen_within_two_samples(kind):
    case = struck(network(NOBEL), kind, 7)
    assert case is not None
    assert case.early == 0
    assert not case.moved or (case.delay or 99) <= 2


def test_a_day_with_crowds_and_maintenance_raises_no_alarm():
    assert healthy(network(ABILENE), 11, 288, 0.5) == []


def test_an_outage_is_told_at_once_and_ends_when_it_is_over():
    live, detector = EmulatedNetwork(network(ABILENE), seed=3, start=START), Detector()
    fault = Fault(kind=FaultKind.LINK_DOWN, element="link/Denver:Kansas_City--Kansas_City:Denver")
    assert [next_anomalies(detector, live) for _ in range(6)] == [()] * 6
    live.inject(fault)
    (began,) = next_anomalies(detector, live)
    assert (began.kind, began.element, began.since) == ("down", fault.element, live.now)
    assert next_anomalies(detector, live) == ()
    assert detector.open == (began,)
    live.clear(fault)
    for _ in range(4):
        assert next_anomalies(detector, live) == ()
    assert detector.open == ()


def test_the_same_samples_alarm_alike_one_by_one_or_all_at_once_and_only_once():
    live, single = EmulatedNetwork(network(ABILENE), seed=5, start=START), Detector()
    one = [x for _ in range(20) for x in next_anomalies(single, live)]
    live.inject(Fault(kind=FaultKind.SILENT_LOSS, element="interface/Denver/Kansas_City", severity=0.2))
    one += [x for _ in range(4) for x in next_anomalies(single, live)]
    whole, everything = Detector(), live.read_telemetry(START)
    assert list(whole.update(live.read_topology(), everything)) == one
    assert one
    assert whole.update(live.read_topology(), everything) == ()
    assert whole.samples == 24


def test_a_load_that_creeps_away_is_a_drift():
    live, detector = EmulatedNetwork(network(ABILENE), seed=6, start=START, retention=200), Detector()
    live.wait(14 * 12)
    telemetry, link = live.read_telemetry(START), 18
    rows = telemetry.links.link == link
    age = (telemetry.links.time - START.timestamp()) / 3600
    creep = np.where(rows, 1 + 0.012 * np.clip(age - 9, 0, None), 1.0)
    crept = telemetry.links._replace(out_mbps=telemetry.links.out_mbps * creep, in_mbps=telemetry.links.in_mbps * creep)
    found = detector.update(live.read_topology(), type(telemetry)(crept, *list(vars(telemetry).values())[1:]))
    assert ("drift", live.read_topology().links[link].interface) in [(x.kind, x.element) for x in found]


def test_nothing_to_watch_is_nothing_found_and_a_rate_of_nought_is_an_error():
    live = EmulatedNetwork(network(ABILENE), seed=1, start=START)
    assert Detector().update(live.read_topology(), live.read_telemetry(live.now)) == ()
    for rate, interval in ((0, 300), (1, 0), (float("nan"), 300)):
        with pytest.raises(InputError):
            Detector(alarms_per_week=rate, interval_s=interval)


def test_rows_of_the_future_and_of_no_time_are_not_watched():
    live, detector = EmulatedNetwork(network(ABILENE), seed=1, start=START), Detector()
    live.wait(3)
    detector.update(live.read_topology(), live.read_telemetry(START), now=START + timedelta(minutes=5))
    assert detector.samples == 1


@pytest.mark.parametrize(("draw", "slack"), [("exponential", 0.25), ("pareto", 0.4), ("half_normal", 0.35)])
def test_the_threshold_is_exceeded_about_as_often_as_was_asked_for(draw, slack):
    rng, risk = np.random.default_rng(8), 1e-4
    sample = {
        "exponential": lambda size: rng.exponential(1, size),
        "pareto": lambda size: rng.pareto(5, size),
        "half_normal": lambda size: np.abs(rng.standard_normal(size)),
    }[draw]
    truth = float(np.quantile(sample(4_000_000), 1 - risk))
    found = float(np.median([pareto_quantile(sample(2016), risk) for _ in range(60)]))
    assert found == pytest.approx(truth, rel=slack)


def test_with_little_history_the_floor_holds():
    assert pareto_quantile(np.ones(20), 1e-5) == 0.0
    assert set(Detector().thresholds.values()) >= {FLOOR}


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 4))
@settings(max_examples=60)
def test_the_median_is_that_of_what_is_there(seed, rows, columns):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((rows, columns))
    values[rng.random(values.shape) < 0.3] = np.nan
    for found, column in zip(median(values), values.T, strict=True):
        known = column[np.isfinite(column)]
        assert np.isnan(found) if not known.size else found == pytest.approx(np.median(known))


@pytest.mark.parametrize("streams", [12, 200])
def test_a_step_that_chance_makes_among_many_streams_is_as_rare_as_was_asked_for(streams):
    rng, risk, samples = np.random.default_rng(4), 0.02, 8_000
    values = rng.standard_normal((samples, 4, streams))
    step = values[:, 2:].min(axis=1) - values[:, :2].max(axis=1)
    down = values[:, :2].min(axis=1) - values[:, 2:].max(axis=1)
    made = np.maximum(step, down).max(axis=1) > step_of_chance(streams, risk)
    assert made.mean() == pytest.approx(risk, rel=0.25)


def test_few_large_demands_that_stray_raise_no_alarm_in_the_first_hours():
    """A node that one demand goes to doubles by chance now and then, among two hundred."""
    whole = load_network("synthetic/200-77")
    rng, alone = np.random.default_rng(3), np.zeros(whole.demands.shape)
    for source in range(200):
        alone[source, (source + 1 + int(rng.integers(198))) % 200] = 1000.0 * rng.lognormal(0, 0.7)
    network = whole.with_demands(alone)
    live, detector = EmulatedNetwork(network, seed=5, start=START), Detector()
    found = []
    for _ in range(10):
        before = live.now
        live.wait()
        found += detector.update(live.read_topology(), live.read_telemetry(before))
    assert [x for x in found if x.kind == "growth"] == []
