"""The hours ahead by what was measured: the upper end of a forecast, hour by hour, where there is enough history."""

from datetime import datetime, timedelta

import numpy as np

from twin.errors import InputError
from twin.gate.outlook import Hour, Outlook, outlook_by_day
from twin.live.network import Telemetry
from twin.model import Floats, Network

from .forecast import forecast
from .series import Series, arrange
from .sources import measured_series

LEAST_DAYS = 3
"""Days of history from which hours of a day are told from it; below that the stated day counts."""
COVERAGE = 0.9
_HOUR = timedelta(hours=1)
_HOUR_S = 3600.0


def outlook_ahead(
    network: Network, telemetry: Telemetry, begin: datetime, hours: float, *, share: float | None = None
) -> Outlook:
    """Expect of each of the next hours what a forecast of the measured demands says, at the upper end of its interval.

    Pairs share out what a node sends and receives as they did in the same hour of the day before, and each grows as far
    as the upper end of the busier of its two nodes: pairs do not all reach upper ends of their own at once. Hours begun
    count whole, and the hour of now never has less than what is carried now. With less than three days of history, or
    where `network` carries the demands of an hour with the share `share`, the stated day as `outlook_by_day` has it.
    """
    stated = outlook_by_day(network, begin, hours, share=share)
    if not stated.hours or share is not None:
        return stated
    try:
        pairs = measured_series(network, telemetry)
    except InputError:  # nothing was exported
        return stated
    if len(pairs.series.values) // _per_hour(pairs.series) < 24 * LEAST_DAYS:
        return stated
    hourly = _hourly(pairs.series)
    first = hourly.time[-1]
    ahead = [max(1, round((x.begins.timestamp() + _HOUR_S - first) / _HOUR_S)) for x in stated.hours]
    n, day = len(network.nodes), hourly.values[-24:]
    nodes = np.zeros((len(hourly.values), 2 * n))
    np.add.at(nodes.T, pairs.source, hourly.values.T)
    np.add.at(nodes.T, n + pairs.target, hourly.values.T)
    horizons = tuple(dict.fromkeys(ahead))
    totals = arrange(hourly.time, nodes, [str(i) for i in range(2 * n)], interval_s=_HOUR_S)
    upper = forecast(totals, horizons=horizons, coverage=COVERAGE).high
    found = list[Hour]()
    for hour, bins in zip(stated.hours, ahead, strict=True):
        demands = np.zeros((n, n))
        demands[pairs.source, pairs.target] = day[(bins - 1) % 24]
        found.append(hour._replace(demands=_grown(demands, upper[horizons.index(bins)])))
    found[0] = found[0]._replace(demands=np.maximum(found[0].demands, network.demands))
    days = len(hourly.values) / 24
    return Outlook(tuple(found), f"a forecast from {days:.3g} days of measurements, upper end of {COVERAGE:.0%}")


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
