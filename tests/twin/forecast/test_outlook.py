"""The hours ahead by what was measured."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from tests.twin.gate.declared_day import DAY
from tests.twin.optimise.networks import network_of
from twin.forecast.outlook import outlook_ahead
from twin.gate.outlook import outlook_by_day
from twin.live.declared import Declaration
from twin.live.network import TrafficSamples

NOW = datetime(2026, 11, 30, 5, tzinfo=UTC)
PAIRS = {("a", "b"): 10.0, ("b", "c"): 20.0, ("c", "a"): 5.0}
NETWORK = network_of([("a", "b", 100.0, 1), ("b", "c", 100.0, 1), ("c", "a", 100.0, 1)], PAIRS)


def telemetry(days, *, peak, growth=0.0, step=1800.0, seed=1, weekend=1.0):
    """Measured demands whose day is at its fullest at the hour `peak`, UTC."""
    rng, count = np.random.default_rng(seed), round(days * 86_400 / step)
    clock = NOW.timestamp() - step * np.arange(count)[::-1]
    source, target = np.nonzero(NETWORK.demands)
    shape = 0.55 + 0.45 * np.cos(2 * np.pi * ((clock / 3600) % 24 - peak) / 24)
    saturday = NOW.timestamp() - 53 * 3600.0  # NOW is five o'clock of a Monday
    shape *= np.where((clock > saturday) & (clock <= saturday + 2 * 86_400), weekend, 1.0)
    shape *= (1 + growth) ** ((clock - clock[-1]) / 86_400)
    rates = NETWORK.demands[source, target] * shape[:, None] * np.exp(0.03 * rng.standard_normal((count, source.size)))
    return TrafficSamples(np.repeat(clock, source.size), np.tile(source, count), np.tile(target, count), rates.ravel())


class Measured:
    """As much of telemetry as demands need."""

    def __init__(self, traffic, day=()):
        self.traffic, self.declared = traffic, Declaration(day=day)
        self.links = SimpleNamespace(time=np.zeros(0), link=np.zeros(0, int), out_mbps=np.zeros(0))


def ahead(traffic, hours=24, day=()):
    now = NETWORK.with_demands(NETWORK.demands * 0.3)
    return outlook_ahead(now, Measured(traffic, day), NOW, hours, planned=NETWORK), now


@pytest.mark.parametrize("peak", [12, 20])
def test_the_fullest_hour_is_that_of_the_measured_day_and_not_of_the_stated_one(peak):
    outlook, _ = ahead(telemetry(6, peak=peak))
    assert "6 days of measurements" in outlook.source
    assert abs(outlook.fullest.begins.hour - peak) <= 1
    # the upper end: what comes is below it, and not far
    full = float(NETWORK.demands.sum())
    assert full * 0.95 < outlook.fullest.demands.sum() < 1.4 * full


def test_the_hours_are_those_of_the_day_without_a_gap_and_its_quantiles_rise():
    outlook, now = ahead(telemetry(5, peak=20), day=DAY)  # what was measured comes before what is declared
    stated = outlook_by_day(now, NOW, 24, day=DAY)
    assert [x[:2] for x in outlook.hours] == [x[:2] for x in stated.hours]
    assert (outlook.hours[0].demands >= now.demands - 1e-9).all()
    for hour, quantiles in zip(outlook.hours[1:], outlook.quantiles[1:], strict=True):
        assert [x.name.split(" %")[0] for x in quantiles] == ["forecast 50", "forecast 95", "forecast 99"]
        middle, upper, far = (x.demands for x in quantiles)
        assert (middle <= upper + 1e-9).all()
        assert (upper <= far + 1e-9).all()
        assert np.array_equal(upper, hour.demands)
    assert (
        outlook.quantiles_before(None)[1].demands is outlook.quantiles[outlook.hours.index(outlook.fullest)][1].demands
    )
    for cut, whole in zip(outlook.quantiles[-3:], list(outlook.quantiles)[-3:], strict=True):
        assert [x.name for x in cut] == [x.name for x in whole]
        assert all(np.array_equal(x.demands, y.demands) for x, y in zip(cut, whole, strict=True))
    early = outlook.hours[4].begins
    assert outlook.fullest_before(early) in outlook.hours[:4]
    assert outlook.quantiles_before(early)[0].name.endswith(outlook.fullest_before(early).clock)


@pytest.mark.parametrize("days", [4, 7, 14])
def test_a_monday_is_held_by_the_upper_ends_that_a_weekend_comes_before(days):
    outlook, _ = ahead(telemetry(days, peak=14, weekend=0.6))
    for hour, (_, upper, far) in zip(outlook.hours, outlook.quantiles, strict=True):
        middle = hour.begins.hour + 0.5
        came = NETWORK.demands * (0.55 + 0.45 * np.cos(2 * np.pi * (middle - 14) / 24))
        assert (upper.demands >= 0.97 * came).all()
        assert upper.demands.sum() <= far.demands.sum()
    assert outlook.quantiles_before(None)[2].demands.sum() < 4 * NETWORK.demands.sum()
    assert "the most of that hour in the last week" in outlook.source


def test_what_is_too_far_ahead_for_intervals_lies_below_ends_that_widen():
    outlook, _ = ahead(telemetry(4, peak=14), hours=7 * 24)
    upper = np.array([x.demands.sum() for x in outlook.hours])
    assert np.isfinite(upper).all()
    assert (upper[48:72] > 1.02 * upper[24:48]).all()
    assert upper.max() < 4 * NETWORK.demands.sum()


LITTLE = [(0.9, 1800.0), (0.0125, 30.0), (0.03, 60.0), (0.125, 300.0), (2, 7200.0)]


@pytest.mark.parametrize(("days", "step"), LITTLE)
def test_with_little_history_the_declared_day_counts_and_says_so(days, step):
    """Also with less than the hour that samples are taken together to."""
    outlook, now = ahead(telemetry(days, peak=12, step=step), day=DAY)
    stated = outlook_by_day(now, NOW, 24, day=DAY)
    assert outlook.source == stated.source == "the declared profile of a day"
    assert np.array_equal(outlook.fullest.demands, stated.fullest.demands)
    assert outlook.quantiles == ()


@pytest.mark.parametrize("of", ["demands", "link loads"])
@pytest.mark.parametrize("days", [1, 2.5])
def test_with_a_day_or_two_of_history_the_day_is_learnt_from_them(days, of):
    traffic = telemetry(days, peak=12)
    measured = Measured(traffic, DAY)
    if of == "link loads":  # the three pairs have a link of their own each
        nothing = np.zeros(0)
        link = [NETWORK.link(f"{'abc'[s]}->{'abc'[t]}") for s, t in zip(traffic.source, traffic.target, strict=True)]
        measured.links = SimpleNamespace(time=traffic.time, link=np.array(link), out_mbps=traffic.mbps)
        measured.traffic = TrafficSamples(nothing, nothing.astype(int), nothing.astype(int), nothing)
    begin = NOW + timedelta(hours=3)
    outlook = outlook_ahead(NETWORK, measured, begin, 24, planned=NETWORK, now=NOW)
    assert f"measured {of} show" in outlook.source
    assert outlook.quantiles == ()
    # by hand: the most that the total had in each hour of the day, in proportion to that of the hour of now
    totals = traffic.mbps.reshape(-1, 3).sum(axis=1)
    begun = np.floor((traffic.time[::3] - 900) / 3600).astype(int)
    means = {hour: totals[begun == hour].mean() for hour in set(begun.tolist())}
    most = {k: max(x for hour, x in means.items() if hour % 24 == k) for k in range(24)}
    for hour in outlook.hours:
        ratio = most[hour.begins.hour] / most[NOW.hour]
        np.testing.assert_allclose(hour.demands, NETWORK.demands * ratio)
    assert abs(outlook.fullest.begins.hour - 12) <= 2


def test_what_the_policy_states_counts_where_nothing_is_declared_or_measured():
    now = NETWORK.with_demands(NETWORK.demands * 0.3)
    stated = outlook_by_day(now, NOW, 24, day=DAY)
    for declared, day in (((), DAY), (DAY, (1.0,) * 24)):
        outlook = outlook_ahead(now, Measured(telemetry(0.5, peak=12), declared), NOW, 24, planned=NETWORK, day=day)
        assert np.array_equal(outlook.fullest.demands, stated.fullest.demands)


@pytest.mark.parametrize("share", [None, 0.5])
def test_without_history_and_without_a_declared_day_every_hour_is_at_the_planned_peak(share):
    now = NETWORK.with_demands(NETWORK.demands * 0.3)
    now = now.with_demands(np.where(now.demands == now.demands.max(), 90.0, now.demands))  # one pair has more already
    outlook = outlook_ahead(now, Measured(telemetry(0.9, peak=12)), NOW, 24, planned=NETWORK, share=share)
    assert "no day is declared" in outlook.source
    assert len(outlook.hours) == 24
    for hour in outlook.hours:
        assert np.array_equal(hour.demands, np.maximum(NETWORK.demands, now.demands))
