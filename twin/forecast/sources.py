"""Forecasts of what is at hand: matrices in a file that somebody brings, or the measured ones of a twin file."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin.errors import InputError
from twin.live.network import Flags, Telemetry
from twin.model import Floats, Ints, Network

from .forecast import forecast
from .report import Forecast
from .series import Series, arrange

if TYPE_CHECKING:
    from twin.formats.measurements.part import Options
    from twin.formats.traffic import Traffic

BIN_ORIGIN = datetime(2026, 1, 5, tzinfo=UTC)
"""Where the clock of a file begins whose times are numbers of bins: a Monday."""
_EPOCH_SECONDS = 1e8  # numbers above this are epoch seconds, below they count bins


class PairSeries(NamedTuple):
    """Series of node pairs, with the source and the target of each [S]."""

    series: Series
    source: Ints
    target: Ints


def forecast_of(
    source: str | Path | Telemetry,
    network: Network,
    *,
    horizons: tuple[int, ...] = (1, 4),
    interval_s: float = 900.0,
    now: datetime | None = None,
) -> Forecast:
    """Forecast the traffic that was measured, or that is in a Parquet or CSV file as `read_traffic` reads it.

    The times of a file are epoch seconds, dates, or numbers of bins of `interval_s`. Nothing after `now` is looked at.
    Raises `InputError` where times are none of these, and what `read_traffic` and `forecast` raise.
    """
    if isinstance(source, Telemetry):
        pairs = measured_series(network, source, now=now)
    else:
        pairs = file_series(source, network, interval_s=interval_s)
    return forecast(pairs.series, horizons=horizons, groups=(pairs.source, pairs.target))


def file_series(
    path: str | Path, network: Network, *, interval_s: float = 900.0, said: "Options | None" = None
) -> PairSeries:
    """Read the traffic in a file as one series per pair, with what was `said` of it; raises as `forecast_of` does."""
    from twin.formats import read_traffic

    traffic = read_traffic(path, network, said=said, dated=True)
    time, interval = _seconds(path, traffic, interval_s)
    return matrix_series(time, traffic.demands, network, interval_s=interval)


def matrix_series(time: Floats, demands: Floats, network: Network, *, interval_s: float | None = None) -> PairSeries:
    """Matrices [T, n, n] as one series per pair that ever has traffic; all rules of `arrange` hold."""
    n = len(network.nodes)
    if demands.ndim != 3 or demands.shape[1:] != (n, n):
        raise InputError(f"matrices of shape {demands.shape} are not for {n} nodes", fix="give [T, n, n]")
    pair = np.flatnonzero((np.nan_to_num(demands) != 0).any(axis=0))
    return pair_series(time, demands.reshape(-1, n * n)[:, pair], pair, network, interval_s=interval_s)


def pair_series(
    time: Floats,
    mbps: Floats,
    pair: Ints,
    network: Network,
    *,
    now: datetime | None = None,
    interval_s: float | None = None,
) -> PairSeries:
    """Rates [T, q] of pairs, source times nodes plus target [q], as one series per pair that ever has traffic."""
    used: Flags = np.asarray((np.nan_to_num(mbps) != 0).any(axis=0))
    source, target = pair[used] // len(network.nodes), pair[used] % len(network.nodes)
    called = [node.name for node in network.nodes]
    names = [f"{called[int(s)]}->{called[int(t)]}" for s, t in zip(source, target, strict=True)]
    return PairSeries(arrange(time, mbps[:, used], names, now=now, interval_s=interval_s), source, target)


def measured_series(network: Network, telemetry: Telemetry, *, now: datetime | None = None) -> PairSeries:
    """The exported demands of telemetry as one series per pair."""
    traffic, n = telemetry.traffic, len(network.nodes)
    time, row = np.unique(traffic.time, return_inverse=True)
    pair, column = np.unique(traffic.source * n + traffic.target, return_inverse=True)
    mbps = np.full((len(time), len(pair)), 0.0 if telemetry.declared.sparse else np.nan)
    mbps[row, column] = traffic.mbps
    return pair_series(time, mbps, pair, network, now=now)


def load_series(network: Network, telemetry: Telemetry, *, now: datetime | None = None) -> Series:
    """What every link sent, as one series per link in the order of the network's links."""
    samples = telemetry.links
    time, row = np.unique(samples.time, return_inverse=True)
    table = np.full((len(time), len(network.links)), np.nan)
    table[row, samples.link] = samples.out_mbps
    return arrange(time, table, [link.name for link in network.links], now=now)


def _seconds(path: str | Path, traffic: "Traffic", interval_s: float) -> tuple[Floats, float | None]:
    """Times as epoch seconds, and the bin length where it does not follow from them."""
    times = traffic.seconds
    if times is None:
        raise InputError(f"{path} names no times", fix="give a column of epoch seconds, dates or numbers of bins")
    if times.min() >= _EPOCH_SECONDS:
        return times, None
    return BIN_ORIGIN.timestamp() + interval_s * (times + 1), interval_s
