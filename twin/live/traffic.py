"""What the emulated network's users offer: a peak-hour matrix, by day and night, with correlated noise per pair."""

from datetime import datetime
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Network

PEAK_HOUR, TROUGH_HOUR, TROUGH = 20.0, 5.0, 0.35
"""Local hours of the daily peak and trough, and the trough as a share of the peak."""
WEEKEND = 0.75
"""Traffic of a Saturday or Sunday as a share of a working day's."""
_TURN_H = 3.0


class Fluctuation(NamedTuple):
    """How far every pair is from its daily profile, in standard deviations; [n, n] arrays."""

    slow: Floats
    fast: Floats


class Swing(NamedTuple):
    """How far traffic strays from its daily profile: log-normal, a slow part (Ornstein-Uhlenbeck) and a fast one.

    Calibrated so that the last value misses the next one, at 5 minutes, by 0.13 of the traffic, as in measured
    matrices of the Abilene network (0.127).
    """

    slow: float = 0.15
    slow_s: float = 7200.0  # correlation time of the slow part
    fast: float = 0.11


def day_profile(hour: Floats) -> Floats:
    """Share of the peak at a local hour: 1 at 20:00, down to the trough at 05:00, half cosines between."""
    since_peak = (hour - PEAK_HOUR) % 24
    fall = (TROUGH_HOUR - PEAK_HOUR) % 24
    phase = np.where(since_peak < fall, since_peak / fall, (24 - since_peak) / (24 - fall))
    return TROUGH + (1 - TROUGH) * (1 + np.cos(np.pi * phase)) / 2


def week_profile(hour: Floats) -> Floats:
    """Share of a working day's traffic at a local hour of the week, Monday 0:00 is 0: less at the weekend.

    It falls over the first hours of Saturday and rises over the first ones of Monday.
    """
    corners = [0.0, _TURN_H, 120.0, 120.0 + _TURN_H, 168.0]
    return np.interp(hour % 168, corners, [WEEKEND, 1.0, 1.0, WEEKEND, WEEKEND])


def first_fluctuation(n: int, seed: int) -> Fluctuation:
    """Draw the noise before the first interval, from its long-run distribution."""
    rng = np.random.default_rng([seed, 4, 0])
    return Fluctuation(rng.standard_normal((n, n)), np.zeros((n, n)))


def next_fluctuation(before: Fluctuation, swing: Swing, interval_s: float, *, seed: int, tick: int) -> Fluctuation:
    """Move the noise on by one interval. Each interval has its own generator: the series depends on nothing else."""
    rng = np.random.default_rng([seed, 4, tick])
    keep = np.exp(-interval_s / swing.slow_s)
    slow = keep * before.slow + np.sqrt(1 - keep**2) * rng.standard_normal(before.slow.shape)
    return Fluctuation(slow, rng.standard_normal(before.slow.shape))


def offered_share(network: Network, fluctuation: Fluctuation, swing: Swing, middle: datetime) -> Floats:
    """Offered share of the peak-hour matrix [n, n]; the day is that of the receiving node's longitude."""
    utc = 24 * middle.weekday() + middle.hour + middle.minute / 60 + middle.second / 3600
    local = np.array([utc + node.longitude / 15 for node in network.nodes])
    log = swing.slow * fluctuation.slow + swing.fast * fluctuation.fast - (swing.slow**2 + swing.fast**2) / 2
    return (day_profile(local % 24) * week_profile(local))[None, :] * np.exp(log)
