"""How often intervals of growth hold the truth: `python -m tests.benchmarks.growth_intervals`.

Links of one law, 30 % a year, of which each week is off by 5 %, more or less alike from week to week: how many of the
90 % intervals hold that growth, and the week in which the busy level goes past its limit for the first time.
"""

import argparse
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from twin.forecast.growth import SeriesGrowth, growth
from twin.forecast.series import arrange
from twin.model import Floats

WEEK = timedelta(weeks=1)
_A_DAY = 4
_BUSY = 0.975  # of the highest sample of a week, its 95th percentile
_YEARLY, _NOISE, _AHEAD = 0.3, 0.05, 60
_START = datetime(2026, 1, 5, tzinfo=UTC)


class Law(NamedTuple):
    """How many weeks of history there are, how alike neighbouring weeks are, and how many links."""

    weeks: int
    alike: float
    links: int
    seed: int = 0


def drawn(law: Law) -> Floats:
    """Busy levels of each week, and of those ahead, Mbit/s [weeks + ahead, links]."""
    rng, count = np.random.default_rng(law.seed), law.weeks + _AHEAD
    off = _NOISE * rng.standard_normal((count, law.links))
    for week in range(1, count):
        off[week] = law.alike * off[week - 1] + np.sqrt(1 - law.alike**2) * off[week]
    years = np.arange(count)[:, None] / 52.18
    return 100.0 * (1 + _YEARLY) ** years * np.exp(off)


def told(law: Law, busy: Floats, limit: float) -> tuple[SeriesGrowth, ...]:
    """What is told of it from its history, by samples of six hours."""
    samples = 7 * _A_DAY
    day = 0.5 + 0.5 * np.tile(np.linspace(0, 1, samples), law.weeks)[:, None]
    values = np.repeat(busy[: law.weeks], samples, axis=0) * day
    clock = _START.timestamp() + 86_400 / _A_DAY * (np.arange(len(values)) + 1)
    series = arrange(clock, values, [str(x) for x in range(law.links)])
    limits = np.full(law.links, limit)
    return growth(series, limits, _START + (law.weeks + _AHEAD) * WEEK).series


def held(law: Law) -> tuple[float, float]:
    """Share of the links whose interval holds their growth a year, and whose holds the week in which they pass."""
    busy = drawn(law)
    limit = _BUSY * float(np.median(busy[law.weeks + _AHEAD // 2]))
    never = _START + 9999 * WEEK
    grown, passed = 0, 0
    for found in told(law, busy, limit):
        grown += found.per_year_low <= _YEARLY <= found.per_year_high
        over = np.flatnonzero(_BUSY * busy[law.weeks :, int(found.name)] > limit)
        truth = _START + (law.weeks + int(over[0])) * WEEK if over.size else never
        passed += (found.earliest or never) - WEEK <= truth <= (found.latest or never) + WEEK
    return grown / law.links, passed / law.links


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--links", type=int, default=400)
    options = parser.parse_args()
    for weeks in (6, 8, 12, 26, 52):
        for alike in (0.0, 0.5, 0.8):
            grown, passed = held(Law(weeks, alike, options.links))
            print(f"{weeks} weeks, alike {alike}: growth {100 * grown:.1f} %, week {100 * passed:.1f} %", flush=True)


if __name__ == "__main__":
    main()
