"""The hours ahead by what was measured: the upper end of a forecast, hour by hour, where there is enough history."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple, overload

import numpy as np

from twin.errors import InputError
from twin.gate.outlook import Outlook, Scenario, outlook_at_peak, outlook_by_day
from twin.live.network import Telemetry
from twin.model import Floats, Ints, Network
from twin.printed import share

from .forecast import forecast
from .measured_day import hour_of, measured_day
from .report import Forecast
from .series import Series, arrange
from .sources import PairSeries, measured_series

LEAST_DAYS = 4
"""Days of history from which hours of a day are forecast: two for a backtest of a day ahead that knows the day before,
and half a day's room each. Below that the day counts that was measured, or stated."""
COVERAGE, FAR = 0.9, 0.98
DAYS_OF_WEEKS = 21
"""Days of history whose newest third, on which methods are tried, holds every day of the week."""
_HOUR_S = 3600.0
_NOTHING = 1e-9
_STRETCHES = 4  # that history holds of the farthest horizon whose errors count


def outlook_ahead(  # noqa: PLR0913 - what is carried when, and all that may be known of the hours
    network: Network,
    telemetry: Telemetry,
    begin: datetime,
    hours: float,
    *,
    planned: Network,
    share: float | None = None,
    now: datetime | None = None,
    day: Sequence[float] = (),
) -> Outlook:
    """Expect of each of the next hours what a forecast of the measured demands says, at the upper end of its interval.

    Pairs share out what a node sends and receives as they did in the same hour of the day before, and each grows as far
    as the upper end of the busier of its two nodes: pairs do not all reach upper ends of their own at once. Hours begun
    count whole, and the hour of now never has less than what is carried now. With less than four days of history the
    day counts that one to four of them show, the most of each hour, and with less than one the day that the network
    declares, or else the `day` that is stated for it, as `outlook_by_day` has it from what is carried at `now` (`begin`
    where that is not said). Where there is none, every hour carries what is `planned`, the declared peak, at least.
    So it is, measured or not, where `network` carries the demands of an hour with the share `share`.
    """
    stated = telemetry.declared.day or tuple(day)
    if share is not None:
        if stated:
            return outlook_by_day(network, begin, hours, day=stated, share=share)
        return outlook_at_peak(network, begin, hours, planned=planned, because="no day is declared")
    hourly, pairs = _measured(network, telemetry)
    if hourly is not None and pairs is not None:
        ahead = outlook_at_peak(network, begin, hours, planned=network, because="")
        return _forecast(network, ahead, hourly, pairs) if ahead.hours else ahead
    hour = hour_of(network, (now or begin).astimezone(UTC))
    learnt = measured_day(network, telemetry)
    if learnt is not None:
        source = f"the day that {learnt.days:.3g} days of measured {learnt.of} show, the most of each hour"
        return outlook_by_day(network, begin, hours, day=learnt.hours, share=learnt.hours[hour], source=source)
    if stated:
        return outlook_by_day(network, begin, hours, day=stated, share=stated[hour])
    because = "no day is declared and less than one was measured"
    return outlook_at_peak(network, begin, hours, planned=planned, because=because)


def _measured(network: Network, telemetry: Telemetry) -> tuple[Series, PairSeries] | tuple[None, None]:
    """The measured demands by the hour, and whose they are; none where there are too few to tell days from."""
    try:
        pairs = measured_series(network, telemetry)
    except InputError:  # nothing was exported
        return None, None
    if len(pairs.series.values) // _per_hour(pairs.series) < 24 * LEAST_DAYS:
        return None, None
    return _hourly(pairs.series), pairs


def _forecast(network: Network, stated: Outlook, hourly: Series, pairs: PairSeries) -> Outlook:
    ahead = [max(1, round((x.begins.timestamp() + _HOUR_S - hourly.time[-1]) / _HOUR_S)) for x in stated.hours]
    n = len(network.nodes)
    nodes = np.zeros((len(hourly.values), 2 * n))
    np.add.at(nodes.T, pairs.source, hourly.values.T)
    np.add.at(nodes.T, n + pairs.target, hourly.values.T)
    totals = arrange(hourly.time, nodes, [str(i) for i in range(2 * n)], interval_s=_HOUR_S)
    near = len(hourly.values) // _STRETCHES
    horizons = tuple(dict.fromkeys((*ahead, min(near, max(ahead)))))
    told = _ends(totals, forecast(totals, horizons=horizons, coverage=COVERAGE, feared=FAR), horizons)

    day = _Day(n, pairs.source, pairs.target, hourly.values[-24:].copy())
    found = [
        hour._replace(demands=day.demands(bins, told[bins].upper))
        for hour, bins in zip(stated.hours, ahead, strict=True)
    ]
    found[0] = found[0]._replace(demands=np.maximum(found[0].demands, network.demands))
    levels = (0.5, (1 + COVERAGE) / 2, (1 + FAR) / 2)
    asked = [
        _Asked(hour.clock, bins, tuple(zip(levels, told[bins], strict=True)))
        for hour, bins in zip(found, ahead, strict=True)
    ]
    source = f"a forecast from {len(hourly.values) / 24:.3g} days of measurements, upper end of {share(COVERAGE)}"
    if not _knows_weeks(totals):
        source += f"; with less than {DAYS_OF_WEEKS} days around no less than the most of that hour in the last week"
    return Outlook(tuple(found), source, _Quantiles(day, tuple(asked)))


class _Ends(NamedTuple):
    """What nodes send and receive in an hour ahead: the middle, and the upper ends of both intervals [2n], Mbit/s."""

    middle: Floats
    upper: Floats
    far: Floats


def _knows_weeks(totals: Series) -> bool:
    return len(totals.values) >= 24 * DAYS_OF_WEEKS


def _ends(totals: Series, told: Forecast, horizons: tuple[int, ...]) -> dict[int, _Ends]:
    """The ends of each horizon.

    Who knows no weeks takes a Monday for a Sunday. So until errors of every day of the week are known the ends lie
    around the most that the hour had on any of the last seven days, where this is more than the forecast. What is
    farther ahead than a quarter of the history, of which methods are tried on a third, has the ends of the farthest
    hour before that, wider by the root of how much farther it is, as a random walk's would be.
    """
    near = len(totals.values) // _STRETCHES
    sure = [i for i in range(len(horizons)) if horizons[i] <= near and np.isfinite(told.high[i]).any()]
    last = max(sure, key=lambda row: horizons[row], default=None)
    found = dict[int, _Ends]()
    for row, bins in enumerate(horizons):
        middle = told.values[row]
        known, wider = (row, 1.0) if row in sure or last is None else (last, float(np.sqrt(bins / horizons[last])))
        most = middle if _knows_weeks(totals) else np.maximum(middle, _most(totals.values, bins))
        wider *= max(float(most.sum()) / max(float(told.values[known].sum()), _NOTHING), 1.0)
        upper, far = (most + wider * np.maximum(x[known] - told.values[known], 0.0) for x in (told.high, told.feared))
        found[bins] = _Ends(middle, upper, far)
    return found


def _most(values: Floats, bins: int) -> Floats:
    """The most of each series in that hour of the last seven days [S]."""
    hours = np.arange(len(values))
    alike = (hours - len(values) + 1 - bins) % 24 == 0
    return values[alike & (hours >= len(values) - 7 * 24)].max(axis=0)


class _Day(NamedTuple):
    """The newest day by the hour: whose demands they are, once for all of its hours, and Mbit/s of each [24, pairs]."""

    nodes: int
    source: Ints
    target: Ints
    hours: Floats

    def demands(self, bins: int, ends: Floats) -> Floats:
        """Demands [n, n] of the hour that is so many ahead, as nodes grow to these ends [2n]."""
        before = np.zeros((self.nodes, self.nodes))
        before[self.source, self.target] = self.hours[(bins - 1) % 24]
        return _grown(before, ends)


class _Asked(NamedTuple):
    """An hour ahead, and what its nodes reach at each level."""

    clock: str
    bins: int
    ends: tuple[tuple[float, Floats], ...]


class _Quantiles(Sequence[tuple[Scenario, ...]]):
    """What a forecast says of each hour. Matrices are made for the hours that are asked about, one or two of a day."""

    def __init__(self, day: _Day, asked: tuple[_Asked, ...]) -> None:
        self._day, self._asked = day, asked
        self._known: dict[int, tuple[Scenario, ...]] = {}

    def __len__(self) -> int:
        return len(self._asked)

    @overload
    def __getitem__(self, index: int) -> tuple[Scenario, ...]: ...

    @overload
    def __getitem__(self, index: slice) -> "_Quantiles": ...

    def __getitem__(self, index: int | slice) -> "tuple[Scenario, ...] | _Quantiles":
        if isinstance(index, slice):
            return _Quantiles(self._day, self._asked[index])
        row = range(len(self._asked))[index]
        if row not in self._known:
            hour = self._asked[row]
            self._known[row] = tuple(
                Scenario(f"forecast {share(level)} of {hour.clock}", self._day.demands(hour.bins, ends))
                for level, ends in hour.ends
            )
        return self._known[row]


def _grown(demands: Floats, upper: Floats) -> Floats:
    """Demands [n, n] times what the busier of their two nodes grows to: what it sends, and receives, at most [2n]."""
    n = len(demands)
    sums = np.concatenate([demands.sum(axis=1), demands.sum(axis=0)])
    known = (sums > 0) & np.isfinite(upper)
    factor = np.where(known, np.maximum(upper, 0.0) / np.maximum(sums, 1e-9), 1.0)
    return demands * np.maximum(factor[:n, None], factor[None, n:])


def _per_hour(series: Series) -> int:
    """Samples in an hour, one where they are an hour apart or more."""
    return max(1, round(_HOUR_S / series.interval_s))


def _hourly(series: Series) -> Series:
    """Means of whole hours, the newest last."""
    per = _per_hour(series)
    if per == 1:
        return series
    count = len(series.values) // per
    cut = len(series.values) - count * per
    values = series.values[cut:].reshape(count, per, -1).mean(axis=1)
    time = series.time[cut:].reshape(count, per)[:, -1]
    return arrange(time, values, list(series.names), interval_s=_HOUR_S)
