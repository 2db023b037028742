"""In which week a link passes its limit: right within the interval, whatever holidays and outages do."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.benchmarks.growth_intervals import Law, held
from twin.errors import InputError
from twin.forecast.growth import growth
from twin.forecast.series import arrange
from twin.forecast.trend import draw_futures

START = datetime(2026, 1, 5, tzinfo=UTC)
HOUR = 3600.0


def history(weeks, per_year, *, level=40.0, noise=0.05, seed=0, step=HOUR, series=1):
    rng = np.random.default_rng(seed)
    count = round(weeks * 7 * 86_400 / step)
    clock = START.timestamp() + step * np.arange(1, count + 1)
    years = (clock - clock[0]) / (365.25 * 86_400)
    day = 0.6 + 0.4 * np.cos(2 * np.pi * ((clock / 3600) % 24 - 20) / 24)
    weekly = np.repeat(rng.normal(0, noise, (weeks, series)), round(7 * 86_400 / step), axis=0)
    values = level * (1 + per_year) ** years[:, None] * day[:, None] * np.exp(weekly)
    return clock, values * np.exp(0.02 * rng.standard_normal(values.shape))


def told(clock, values, limit, until, **how):
    series = arrange(clock, values, [f"s{i}" for i in range(values.shape[1])])
    return growth(series, np.full(values.shape[1], float(limit)), until, **how)


@pytest.mark.parametrize("step", [300.0, HOUR, 4 * HOUR])
def test_the_week_is_right_at_any_resolution(step):
    clock, values = history(40, 0.5, noise=0.01, step=step)
    (found,) = told(clock, values, 80.0, START + timedelta(days=3 * 365)).series
    assert found.per_year == pytest.approx(0.5, abs=0.04)
    passes = START + timedelta(days=365.25 * np.log(80 / 40) / np.log(1.5))
    assert found.earliest <= found.likely <= found.latest
    assert abs(found.likely - passes) < timedelta(weeks=6)


def test_a_flat_link_does_not_pass_and_a_full_one_has_passed():
    clock, values = history(30, 0.0, noise=0.02)
    until = START + timedelta(days=500)
    (flat,) = told(clock, values, 100.0, until).series
    assert (flat.earliest, flat.likely, flat.latest) == (None, None, None)
    (full,) = told(clock, values, 20.0, until).series
    assert full.latest <= START + timedelta(weeks=31)


def test_holidays_and_outages_bend_no_trend_and_are_named():
    clock, values = history(40, 0.5, noise=0.01)
    week = ((clock - clock[0]) // (7 * 86_400)).astype(int)
    dented = values.copy()
    dented[np.isin(week, [20, 38, 39])] *= 0.5
    until = START + timedelta(days=3 * 365)
    plain, holed = (told(clock, x, 80.0, until).series[0] for x in (values, dented))
    assert len(holed.left_out) == 3
    assert abs(plain.likely - holed.likely) < timedelta(weeks=5)


def test_the_interval_holds_the_week_as_often_as_it_says():
    """200 futures of the same law go on past their history: the first week above the limit is in the interval.

    None of them ever changes its growth, for which the interval leaves room: it holds more than nine of ten.
    """
    inside, trials = 0, 200
    clock, whole = history(130, 0.35, noise=0.04, seed=11, step=12 * HOUR, series=trials)
    rows, never = 40 * 14, START + timedelta(weeks=999)
    found = told(clock[:rows], whole[:rows], 50.0, START + timedelta(weeks=130)).series
    week = np.quantile(whole.reshape(130, 14, trials), 0.95, axis=1)
    for one in found:
        over = np.flatnonzero(week[40:, int(one.name[1:])] > 50.0)
        truth = START + timedelta(weeks=40 + int(over[0])) if over.size else never
        inside += (one.earliest or never) <= truth <= (one.latest or never)
    assert 0.86 <= inside / trials <= 0.985


@pytest.mark.parametrize("alike", [0.0, 0.5])
def test_a_few_weeks_tell_little_and_say_so(alike):
    """Of 120 links with ten weeks of history the 90 % interval holds the growth of no fewer than it says."""
    found = held(Law(10, alike, 120))
    assert found.grown >= 0.85
    assert found.changed <= 0.03


@pytest.mark.parametrize(("step", "since"), [(0.3, 4), (0.3, 20), (-0.35, 12)])
def test_a_step_of_level_is_named_and_what_is_told_holds_after_it(step, since):
    """Of 60 links, by the law that they were drawn from."""
    found = held(Law(40, 0.0, 60, step=step, since=since))
    assert found.changed >= 0.9
    assert min(found.grown, found.passed) >= 0.83


def test_a_growth_that_doubled_is_held_where_no_test_could_notice_it():
    """Of 60 links, 20 weeks after; a line that never bends holds the growth of a quarter of them."""
    found = held(Law(40, 0.0, 60, later=0.6, since=20))
    assert found.changed <= 0.05
    assert min(found.grown, found.passed) >= 0.75


def test_an_interval_leaves_room_for_a_change_by_how_little_is_known_of_the_newest_weeks():
    """A year of weeks that differ by 2 %: wider than of a line that never bends, and less the less they differ."""
    rng, week = np.random.default_rng(5), np.arange(-51.0, 1.0)
    alone = 2 * 1.645 / np.sqrt(52**3 / 12)
    wider = []
    for spread in (0.02, 0.0005):
        ends = [
            np.quantile(draw_futures(week, x, (0.005, 0.0), 8, rng).slopes, [0.05, 0.95])
            for x in spread * rng.standard_normal((20, 52))
        ]
        wider.append(float(np.median(np.diff(ends)[:, 0])) / spread / alone)
    assert 1.2 < wider[0] < 2.5
    assert 1.0 < wider[1] < 1.3


def test_a_change_is_told_with_its_week_and_what_rests_on_it():
    clock, values = history(40, 0.3, noise=0.02)
    values[clock > clock[0] + 30 * 7 * 86_400] *= 1.4
    found = told(clock, values, 80.0, START + timedelta(days=900))
    (one,) = found.series
    assert one.changed == START + timedelta(weeks=30)
    assert (one.weeks, one.left_out) == (10, ())
    assert any(
        "changed its level or its growth in the week of 2026-08-03: told by 10 weeks" in x for x in found.remarks
    )


def test_what_is_too_short_or_no_time_ahead_is_refused():
    clock, values = history(5, 0.2)
    with pytest.raises(InputError, match="too few"):
        told(clock, values, 80.0, START + timedelta(days=365))
    clock, values = history(8, 0.2)
    for until in (START, START + timedelta(days=365 * 50)):
        with pytest.raises(InputError, match="no time"):
            told(clock, values, 80.0, until)
