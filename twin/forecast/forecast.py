"""The forecast of many series at once: a method per horizon, chosen by a rolling backtest, with intervals."""

from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from twin.errors import InputError
from twin.live.network import Flags
from twin.model import Floats, Ints

from .backtest import Backtest, backtest, calibrate
from .conformal import usual_move
from .drift import drifting
from .methods import LEARNT, Method, Methods, periods
from .report import Forecast, ForecastReport, HorizonForecast
from .series import Series

ORIGINS = 24
"""Past origins on which the methods are compared."""
_SHOWN = 10
_FARTHEST_S = 1e9


class _One(NamedTuple):
    """One horizon: forecast and interval ends [S], and what there is to say."""

    values: Floats
    low: Floats
    high: Floats
    feared: Floats
    report: HorizonForecast
    drift: Floats  # [S] 1 where a series drifts


def forecast(
    series: Series,
    *,
    horizons: tuple[int, ...] = (1, 4),
    coverage: float = 0.9,
    feared: float | None = None,
    groups: tuple[Ints, ...] = (),
) -> Forecast:
    """Forecast every series some bins ahead.

    Each horizon takes the method of least WAPE on a rolling backtest over the newest past, so that on it none is worse
    than last value or seasonal naive, which are among the methods. Histories too short for a backtest get the last
    value, without intervals, and the report says so. `feared` is the coverage of a second, wider interval of which the
    upper end is told. `groups` as for `Features`. Raises `InputError` on a horizon below
    1 or years away, a coverage that is no share, or series of which none has a value.
    """
    if not horizons or min(horizons) < 1 or not 0 < coverage < 1:
        raise InputError(f"no forecast {horizons} bins ahead at {coverage}", fix="ask for 1 bin or more, and 0 to 1")
    if max(horizons) * series.interval_s > _FARTHEST_S:
        raise InputError(f"no forecast {max(horizons)} bins ahead: that is years", fix="ask for fewer bins")
    if series.empty.all():
        raise InputError("none of the series has a value", fix="give at least one series that was measured")
    found = [_horizon(series, ahead, (coverage, feared), groups) for ahead in horizons]
    values, low, high, far = (np.stack(x) for x in zip(*(x[:4] for x in found), strict=True))
    return Forecast(_report(series, found, coverage), series.names, values, low, high, far)


def _report(series: Series, found: list[_One], coverage: float) -> ForecastReport:
    """What is to be said of a forecast; of series that drift, the largest are named."""
    drift = np.max([x.drift for x in found], axis=0) > 0
    size = series.values[-min(len(series.values), 96) :].mean(axis=0)
    ranked = [int(i) for i in np.argsort(-size, kind="stable") if drift[i]]
    remarks = [*series.remarks, *_limits(series, found)]
    if len(ranked) > _SHOWN:
        remarks.append(f"{len(ranked)} series drift; the largest {_SHOWN} are named")
    return ForecastReport(
        series=len(series.names),
        bins=len(series.values),
        interval_s=series.interval_s,
        end=datetime.fromtimestamp(float(series.time[-1]), UTC),
        asked_coverage=coverage,
        horizons=tuple(x.report for x in found),
        drifting=tuple(series.names[i] for i in ranked[:_SHOWN]),
        empty=int(series.empty.sum()),
        constant=int(series.constant.sum()),
        remarks=tuple(remarks),
    )


def _horizon(series: Series, ahead: int, coverages: tuple[float, float | None], groups: tuple[Ints, ...]) -> _One:
    methods = Methods(series, ahead, groups)
    origins = _origins(len(series.values), ahead)
    newest = len(series.values) - 1
    if not origins.size:
        return _untested(series, ahead)
    test = backtest(methods, origins)
    chosen = test.best
    counted = ~series.empty
    lag = int(np.ceil(ahead * (origins.size - 1) / (origins[-1] - origins[0])))
    if chosen in LEARNT:
        methods.learn(newest + 1, needed=chosen)
    values = np.where(series.constant, series.values[-1], methods.predict(newest)[chosen])
    scale = usual_move(series.values, newest, ahead, methods.periods.day or 96)

    def ends(coverage: float) -> tuple[Floats, Floats, Flags]:
        conformal, levels, held = calibrate(test, chosen, coverage, counted, lag)
        low, high = np.full(values.size, np.nan), np.full(values.size, np.nan)
        if conformal.ready:
            centre = values[counted]
            low[counted], high[counted] = conformal.interval(centre, levels.at(centre, scale[counted]))
            low, high = (np.where(series.constant, values, x) for x in (low, high))
        return low, high, held

    low, high, held = ends(coverages[0])
    far = np.full(values.size, np.nan) if coverages[1] is None else np.maximum(ends(coverages[1])[1], high)
    drift = drifting(test.errors(chosen), ahead)
    report = _told(series, ahead, chosen, (values, low, high), test, float(held.mean()) if held.size else None)
    return _One(values, low, high, far, report, (drift & counted).astype(np.float64))


def _origins(bins: int, ahead: int) -> Ints:
    """Evenly spread origins in the newest third of the history, whose outcome is known; none when it is too short."""
    last = bins - 1 - ahead
    first = max(last - max(bins // 3, ORIGINS), min(8, last))
    if last - first < 2:
        return np.zeros(0, dtype=np.int64)
    return np.unique(np.linspace(first, last, ORIGINS).round().astype(np.int64))


def _untested(series: Series, ahead: int) -> _One:
    values = series.values[-1]
    none = np.full(values.size, np.nan)
    report = _told(series, ahead, "last value", (values, none, none), None, None)
    return _One(values, none, none, none, report, np.zeros(values.size))


def _told(
    series: Series,
    ahead: int,
    method: Method,
    ends: tuple[Floats, Floats, Floats],
    test: Backtest | None,
    covered: float | None,
) -> HorizonForecast:
    values, low, high = ends
    known = np.isfinite(low)
    naive = test.wape[test.naive] if test else 0.0
    return HorizonForecast(
        time=datetime.fromtimestamp(float(series.time[-1]) + ahead * series.interval_s, UTC),
        ahead_s=ahead * series.interval_s,
        method=method,
        total=float(values.sum()),
        low=float(low[known].sum()) if known.any() else None,
        high=float(high[known].sum()) if known.any() else None,
        wape=test.wape if test else {},
        gain=1 - test.wape[method] / naive if test and naive > 0 else 0.0,
        coverage=covered,
    )


def _limits(series: Series, found: list[_One]) -> list[str]:
    remarks: list[str] = []
    if series.empty.any():
        remarks.append(f"{int(series.empty.sum())} series never had a value: taken for 0, without intervals")
    if series.constant.any():
        remarks.append(
            f"{int(series.constant.sum())} series never changed: their value stays, their intervals are points"
        )
    farthest = round(max(x.report.ahead_s for x in found) / series.interval_s)
    if any(x.report.wape for x in found) and periods(series, farthest).week is None:
        remarks.append("too short to know weeks: intervals are those of days like the ones that were measured")
    for one in (x.report for x in found):
        if not one.wape:
            remarks.append(f"too short to backtest {one.ahead_s / 60:g} min ahead: the last value, without intervals")
        elif one.method in ("last value", "seasonal naive"):
            remarks.append(f"nothing beat {one.method} {one.ahead_s / 60:g} min ahead: fell back to it")
        if one.wape and "seasonal naive" not in one.wape:
            remarks.append(f"less than a day of history for {one.ahead_s / 60:g} min ahead: no seasonal method")
    return remarks
