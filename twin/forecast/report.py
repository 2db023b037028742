"""What a forecast says, in few words and figures; the whole matrix is beside it."""

from dataclasses import dataclass
from datetime import datetime

from twin.model import Floats, Frozen
from twin.printed import mbps, percent, share

from .methods import Method


class HorizonForecast(Frozen):
    """The forecast of the total, and how good the method was on the backtest. Rates in Mbit/s; shares 0..1."""

    time: datetime
    ahead_s: float
    method: Method
    total: float
    low: float | None  # sum of the lower ends of the series' intervals: not an interval of the total
    high: float | None
    wape: dict[Method, float]  # of every method on the backtest; empty without one
    gain: float  # share of error below the better of last value and seasonal naive; 0 when one of them is used
    coverage: float | None  # share that the intervals covered on the backtest


class ForecastReport(Frozen):
    """A forecast of many series, with everything that limits it."""

    series: int
    bins: int
    interval_s: float
    end: datetime  # of the newest bin
    asked_coverage: float
    horizons: tuple[HorizonForecast, ...]
    drifting: tuple[str, ...]  # series whose newest errors are of another kind, the largest first
    empty: int  # series without any value: forecast as 0 with no claim
    constant: int
    remarks: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """The report as short lines of text."""
        head = f"{self.series} series, {self.bins} bins of {self.interval_s:g} s up to {self.end:%Y-%m-%d %H:%M}Z"
        told = [
            f"+{x.ahead_s / 60:g} min: {mbps(x.total)} in all by {x.method}"
            + (f", error {percent(x.wape[x.method])}, {percent(x.gain)} below naive" if x.wape else ", not backtested")
            + (f", intervals cover {share(x.coverage)}" if x.coverage is not None else ", no intervals")
            for x in self.horizons
        ]
        drift = [f"drifting: {', '.join(self.drifting)}"] if self.drifting else []
        return (head, *told, *drift, *self.remarks)


@dataclass(frozen=True, eq=False)
class Forecast:
    """A report with the values behind it. H horizons, S series, Mbit/s; intervals are NaN where there are none."""

    report: ForecastReport
    names: tuple[str, ...]
    values: Floats  # [H, S]
    low: Floats  # [H, S]
    high: Floats  # [H, S]
    feared: Floats  # [H, S] upper end of the wider interval, NaN where none was asked for
