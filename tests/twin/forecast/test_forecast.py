"""Forecasts: better than naive where there is something to learn, never worse, and clear about every bad input."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks.geant_forecast import DATA, coverage_by_load, rolling
from tests.twin.formats.sample_files import parquet
from twin.errors import InputError
from twin.forecast import arrange, forecast, forecast_of
from twin.forecast.backtest import Backtest, backtest, calibrate
from twin.forecast.conformal import Conformal, level_scale
from twin.forecast.drift import drifting
from twin.forecast.methods import LEARNT, Methods
from twin.formats import load_network
from twin.live.emulated import EmulatedNetwork
from twin.store import TwinStore

BIN = 900.0


def daily(days=5, series=40, noise=0.1, seed=1):
    rng, clock = np.random.default_rng(seed), BIN * np.arange(int(days * 96))
    shape = 1 + 0.4 * np.sin(2 * np.pi * clock / 86400)[:, None]
    return clock, rng.lognormal(3, 1, series) * shape * np.exp(noise * rng.standard_normal((clock.size, series)))


def named(values):
    return [f"s{i}" for i in range(values.shape[1])]


def test_the_regression_beats_both_naive_methods_on_a_noisy_day():
    clock, values = daily()
    report = forecast(arrange(clock, values, named(values))).report
    for ahead in report.horizons:
        assert ahead.method in LEARNT
        assert ahead.gain > 0.1
        assert ahead.coverage == pytest.approx(0.9, abs=0.05)
    assert report.drifting == ()


def test_the_chosen_method_is_never_worse_than_naive_on_the_backtest():
    for seed in range(4):
        clock, values = daily(days=2 + seed, series=6, noise=0.3, seed=seed)
        for ahead in forecast(arrange(clock, values, named(values)), horizons=(1, 8)).report.horizons:
            assert ahead.wape[ahead.method] <= min(ahead.wape[x] for x in ("last value", "seasonal naive"))


def test_a_walk_that_nothing_predicts_falls_back_to_the_last_value_and_says_so():
    rng = np.random.default_rng(3)
    values = 1000 + np.cumsum(rng.standard_normal((120, 2)), axis=0)
    report = forecast(arrange(BIN * np.arange(120), values, ["a", "b"]), horizons=(1,)).report
    assert report.horizons[0].method == "last value"
    assert "nothing beat last value 15 min ahead: fell back to it" in report.remarks


def test_no_forecast_of_the_past_knows_its_future():
    clock, values = daily()
    changed = values.copy()
    changed[400:] = 7.0
    origins = np.arange(300, 390)
    a, b = (backtest(Methods(arrange(clock, x, named(x)), 4), origins, refit_every=60) for x in (values, changed))
    for method, told in a.forecasts.items():
        np.testing.assert_array_equal(told, b.forecasts[method])


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no GEANT data in {DATA}; set TWINOPS_DATA")
def test_geant_is_forecast_better_than_by_the_naive_methods():
    test, inside = rolling(4, refit=96, first=288)
    assert test.best in LEARNT
    assert test.wape[test.best] < 0.91 * test.wape[test.naive]
    assert 0.88 <= inside.mean() <= 0.92
    by_load = coverage_by_load(test, inside)
    assert len(by_load) == 10
    assert by_load == pytest.approx([0.9] * 10, abs=0.02)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.8, 0.9, 0.95]))
@settings(max_examples=15)
def test_intervals_cover_what_was_asked_for(seed, asked):
    rng, conformal = np.random.default_rng(seed), Conformal(asked, np.arange(50) // 25)
    scale = rng.lognormal(0, 1, 50)
    covered = [conformal.learn(100 + scale * rng.standard_t(3, 50), np.full(50, 100.0), scale) for _ in range(150)]
    assert np.mean([x for x in covered if x is not None]) == pytest.approx(asked, abs=0.03)


def test_intervals_follow_when_errors_grow():
    rng, conformal = np.random.default_rng(5), Conformal(0.9, np.zeros(50, np.int64))
    covered = [
        conformal.learn(100 + (1 + 2 * (t > 80)) * rng.standard_normal(50), np.full(50, 100.0), np.ones(50))
        for t in range(280)
    ]
    assert np.mean(covered[-100:]) == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("overlap", [3, 12])
def test_intervals_of_overlapping_outcomes_cover_what_comes_later(overlap):
    """Errors of neighbouring origins share most of their noise, and so do all series: few are independent."""
    rng, ones, groups = np.random.default_rng(6), np.ones(8), np.zeros(8, np.int64)
    missed = np.zeros(300)
    for trial in range(missed.size):
        walk = np.cumsum(rng.standard_normal(24 + 2 * overlap + 1))
        moved = (walk[overlap:] - walk[:-overlap])[:, None] + rng.standard_normal((25 + overlap, 8))
        conformal = Conformal(0.9, groups, overlap=overlap)
        for error in moved[:24]:
            conformal.learn(100 + error, 100 * ones, ones)
        low, high = conformal.interval(100 * ones, ones)
        came = 100 + moved[-1]  # begins after the last outcome that was learnt from
        missed[trial] = ((came < low) | (came > high)).mean()
    assert missed.mean() == pytest.approx(0.1, abs=0.04)


def test_a_series_that_leaves_its_past_behind_drifts_and_the_others_do_not():
    errors = np.random.default_rng(2).standard_normal((48, 30))
    errors[-12:, 7] += 8
    assert np.flatnonzero(drifting(errors, 1)).tolist() == [7]


def test_empty_input_is_a_clear_error():
    with pytest.raises(InputError, match="no series"):
        arrange(np.zeros(0), np.zeros((0, 1)), ["a"])
    with pytest.raises(InputError, match="no series"):
        arrange(np.zeros(3), np.zeros((3, 0)), [])
    with pytest.raises(InputError, match="shape"):
        arrange(np.arange(3.0), np.zeros((2, 1)), ["a"])
    with pytest.raises(InputError, match="bins ahead"):
        forecast(arrange(np.arange(3.0), np.ones((3, 1)), ["a"]), horizons=(0,))


def test_a_series_without_any_value_is_an_error_alone_and_a_remark_among_others():
    values = np.full((50, 2), np.nan)
    with pytest.raises(InputError, match="none of the series"):
        forecast(arrange(BIN * np.arange(50), values, ["a", "b"]))
    values[:, 0] = np.arange(50.0)
    found = forecast(arrange(BIN * np.arange(50), values, ["a", "b"]))
    assert found.report.empty == 1
    assert "1 series never had a value: taken for 0, without intervals" in found.report.remarks
    assert found.values[0, 1] == 0
    assert np.isnan(found.low[0, 1])


@pytest.mark.parametrize("bins", [1, 2, 5])
def test_a_short_history_gets_the_last_value_and_no_interval(bins):
    values = np.arange(1.0, bins + 1)[:, None]
    found = forecast(arrange(BIN * np.arange(bins), values, ["a"]), horizons=(4,))
    assert found.values.tolist() == [[float(bins)]]
    assert found.report.horizons[0].coverage is None
    assert "too short to backtest 240 min ahead" not in found.report.remarks[0]
    assert found.report.remarks[-1].startswith("too short to backtest")


def test_a_constant_series_stays_with_a_point_for_an_interval():
    clock, values = daily(series=3)
    values[:, 1] = 42.0
    found = forecast(arrange(clock, values, ["a", "b", "c"]))
    assert found.report.constant == 1
    assert found.low[1, 1] == found.high[1, 1] == 42.0
    assert forecast(arrange(clock, values[:, 1:2], ["b"])).values.tolist() == [[42.0], [42.0]]


def test_rows_out_of_order_doubled_or_of_the_future_change_only_the_remarks():
    clock, values = daily(series=3)
    clock = clock + 1_700_000_000
    plain = arrange(clock, values, ["a", "b", "c"])
    order = np.random.default_rng(1).permutation(np.r_[np.arange(clock.size), np.arange(10)])
    times, rows = np.r_[clock[order], clock[-1] + 9e5, np.nan], np.vstack([values[order], values[:2] * 9])
    mixed = arrange(times, rows, ["a", "b", "c"], now=datetime.fromtimestamp(clock[-1], UTC))
    np.testing.assert_array_equal(mixed.values, plain.values)
    assert [x.split(" ", 1)[1] for x in mixed.remarks] == [
        "rows without a possible time were left out",
        "rows dated after the clock were left out",
        "rows were out of order: sorted",
        "rows came twice: the last one counts",
    ]
    with pytest.raises(InputError, match="no row is left"):
        arrange(clock, values, ["a", "b", "c"], now=datetime(2000, 1, 1, tzinfo=UTC))


def test_gaps_and_impossible_values_are_filled_with_the_value_before():
    values = np.array([[1.0], [np.inf], [-3.0], [np.nan], [5.0]])
    series = arrange(np.array([0.0, 1, 2, 3, 5]), values, ["a"])
    assert series.values[:, 0].tolist() == [1, 1, 1, 1, 1, 5]
    assert series.remarks == (
        "1 bins are missing",
        "2 impossible values were taken for missing",
        "4 missing values were filled with the value before",
    )


@given(
    st.lists(st.tuples(st.floats(), st.floats()), min_size=1, max_size=30),
    st.sampled_from([None, datetime(2026, 3, 2, tzinfo=UTC)]),
)
@settings(max_examples=150)
def test_any_numbers_give_finite_forecasts_or_a_clear_error(rows, now):
    table = np.array(rows)
    try:
        values = forecast(arrange(table[:, 0], table[:, 1:], ["a"], now=now)).values
    except InputError:
        values = np.zeros(1)
    assert np.isfinite(values).all()


def test_a_file_and_a_twin_file_are_forecast(tmp_path, monkeypatch):
    monkeypatch.setattr("twin.forecast.methods.is_installed", lambda: False)
    network = load_network("topozoo/Abilene")
    n, (_, values) = len(network.nodes), daily(days=3, series=121)
    demands = values.reshape(-1, n, n) * (1 - np.eye(n))
    report = forecast_of(parquet(tmp_path / "traffic.parquet", network, demands), network).report
    assert (report.series, report.bins, report.interval_s) == (110, 288, 900.0)
    assert report.horizons[1].method in LEARNT
    live = EmulatedNetwork(network, seed=1, start=datetime(2026, 3, 2, 12, tzinfo=UTC))
    live.wait(40)
    since = live.now - timedelta(days=1)
    with TwinStore.open() as store:
        store.append_telemetry(live.read_telemetry(since), network)
        report = forecast_of(store.read_telemetry(network, since), network, horizons=(1, 12), now=live.now).report
    assert (report.bins, report.interval_s) == (40, 300.0)
    assert report.lines[0].startswith("110 series, 40 bins of 300 s")


@pytest.mark.parametrize("grows", [True, False])
def test_intervals_are_right_at_night_and_at_the_peak(grows):
    """Errors in proportion to the level, or the same at every hour: which of them is found out from the errors."""
    rng, origins = np.random.default_rng(5), np.arange(96)
    usual = rng.uniform(50, 500, 120)
    level = (0.6 + 0.4 * np.cos(2 * np.pi * origins / 24))[:, None] * usual
    error = 0.1 * (level if grows else usual) * rng.standard_normal(level.shape)
    scale = np.broadcast_to(0.1 * usual, level.shape)
    test = Backtest(origins, level + error, {"last value": level}, scale, usual)
    found = calibrate(test, "last value", 0.9, np.ones(120, bool))
    assert found.levels.power == pytest.approx(float(grows), abs=0.05)
    told = level[-len(found.held) :]
    full = told > np.median(told, axis=0)
    assert found.held[full].mean() == pytest.approx(0.9, abs=0.02)
    assert found.held[~full].mean() == pytest.approx(0.9, abs=0.02)


def test_a_few_errors_move_no_interval_by_the_level():
    rng = np.random.default_rng(2)
    centre = rng.uniform(50, 150, (6, 2))
    powers = [level_scale(centre + rng.standard_normal((6, 2)), centre, np.ones((6, 2))).power for _ in range(200)]
    assert np.mean(powers) < 0.6
    assert level_scale(centre, centre, np.ones((6, 2))).power == 0


def test_neighbouring_outcomes_that_are_alike_are_no_evidence_for_a_power_of_the_level():
    """Four stretches of six origins, each with a level and a size of errors of its own: they go together by luck."""
    rng = np.random.default_rng(3)
    told: dict[int, list[float]] = {1: [], 6: []}
    for _ in range(150):
        level, size = (np.repeat(np.exp(rng.normal(0, x, 4)), 6)[:, None] for x in (0.3, 0.5))
        centre = 100 * level * np.ones((24, 40))
        truth = centre + size * rng.standard_normal(centre.shape)
        for overlap, powers in told.items():
            powers.append(level_scale(truth, centre, np.ones((24, 40)), overlap).power)
    assert np.mean(told[6]) < 0.4 * np.mean(told[1])
    assert np.mean(told[1]) > 0.3  # each origin taken for itself
    assert level_scale(truth, centre, np.ones((24, 40)), overlap=24).power == 0


def test_each_group_of_series_gets_intervals_of_its_own():
    rng, groups = np.random.default_rng(4), np.arange(60) // 30
    conformal, width = Conformal(0.9, groups), np.where(groups == 0, 1.0, 5.0)
    for _ in range(60):
        conformal.learn(100 + width * rng.standard_normal(60), np.full(60, 100.0), np.ones(60))
    low, high = conformal.interval(np.full(60, 100.0), np.ones(60))
    assert 4 < (high - low)[45] / (high - low)[5] < 6


def test_trees_learn_what_no_line_can_and_the_same_trees_every_time():
    rng, clock = np.random.default_rng(7), BIN * np.arange(4 * 96)
    state = np.zeros((clock.size, 60))
    for t in range(1, clock.size):  # what is high falls back at once, what is low creeps up: not a line
        rise = np.where(state[t - 1] > 0.5, -0.9 * state[t - 1], 0.15)
        state[t] = state[t - 1] + rise + 0.01 * rng.standard_normal(60)
    values = 100 * np.exp(state)
    series = arrange(clock, values, named(values))
    first, again = (forecast(series, horizons=(1,)) for _ in range(2))
    assert first.report.horizons[0].method == "boosted trees"
    assert np.array_equal(first.values, again.values)
    assert first.report.horizons[0].gain > 0.5


def test_without_the_library_the_other_methods_compete(monkeypatch):
    monkeypatch.setattr("twin.forecast.methods.is_installed", lambda: False)
    clock, values = daily(days=3)
    assert "boosted trees" not in forecast(arrange(clock, values, named(values)), horizons=(1,)).report.horizons[0].wape
