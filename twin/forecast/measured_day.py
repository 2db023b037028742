"""The day of a network's traffic by what was measured: how much all of it is in each hour, without a forecast."""

from datetime import datetime
from typing import NamedTuple

import numpy as np

from twin.errors import InputError
from twin.gate.outlook import local_shift
from twin.live.network import Telemetry
from twin.model import Floats, Network

from .series import Series
from .sources import load_series, measured_series

_HOUR_S = 3600.0
_HOURS = 24
_HALF = 0.5


class MeasuredDay(NamedTuple):
    """All traffic by the hour of local time, Mbit/s [24], the most that any day had in it, and what it is of."""

    hours: tuple[float, ...]
    days: float
    of: str


def measured_day(network: Network, telemetry: Telemetry) -> MeasuredDay | None:
    """Learn the day from the demands that were exported, or else from what links carried.

    None with less than a day of either, or where an hour has less than half of its samples.
    """
    for read, of in ((_demands, "demands"), (load_series, "link loads")):
        try:
            series = read(network, telemetry)
        except InputError:  # none of these was measured, or more than can be arranged
            continue
        hours = _by_hour(series, local_shift(network).total_seconds())
        if hours is not None:
            return MeasuredDay(hours, float(series.time[-1] - series.time[0] + series.interval_s) / 86_400, of)
    return None


def hour_of(network: Network, moment: datetime) -> int:
    """The hour of local time that a moment is in."""
    return (moment + local_shift(network)).hour


def _demands(network: Network, telemetry: Telemetry) -> Series:
    return measured_series(network, telemetry).series


def _by_hour(series: Series, shift_s: float) -> tuple[float, ...] | None:
    if series.interval_s > _HOUR_S:
        return None
    enough = series.known.mean(axis=1) >= _HALF
    middle = series.time[enough] - series.interval_s / 2 + shift_s  # a bin is told by its end
    total: Floats = series.values[enough].sum(axis=1)
    number = np.floor(middle / _HOUR_S).astype(np.int64)
    wanted, most = _HALF * _HOUR_S / series.interval_s, np.zeros(_HOURS)
    for hour in np.unique(number).tolist():
        here = total[number == hour]
        if here.size >= wanted:
            most[hour % _HOURS] = max(most[hour % _HOURS], float(here.mean()))
    return tuple(most.tolist()) if (most > 0).all() else None
