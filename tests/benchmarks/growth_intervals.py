"""How often intervals of growth hold the truth: `python -m tests.benchmarks.growth_intervals`.

Links of one law, 30 % a year, of which each week is off by 5 %, more or less alike from week to week: how many of the
90 % intervals hold that growth, and the week in which the busy level goes past its limit for the first time, and how
wide they are. Some of the histories have a step, another growth, holidays, or weeks in which nothing was measured.
"""

import argparse
from collections.abc import Iterator
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
    step: float = 0.0  # of all levels, a logarithm, so many weeks before now
    later: float = _YEARLY  # growth a year from then on
    since: int = 0
    dips: tuple[int, ...] = ()  # single weeks before now in which there was less
    left: float = 0.5  # of the traffic in these, as a share; NaN where nothing was measured


def drawn(law: Law) -> Floats:
    """Busy levels of each week, and of those ahead, Mbit/s [weeks + ahead, links]."""
    rng, count = np.random.default_rng(law.seed), law.weeks + _AHEAD
    off = _NOISE * rng.standard_normal((count, law.links))
    for week in range(1, count):
        off[week] = law.alike * off[week - 1] + np.sqrt(1 - law.alike**2) * off[week]
    years = np.arange(count)[:, None] / 52.18
    since = np.maximum(years - (law.weeks - law.since) / 52.18, 0.0)
    changed = np.where(np.arange(count) < law.weeks - law.since, 0.0, law.step)[:, None]
    grown: Floats = np.log1p(_YEARLY) * (years - since) + np.log1p(law.later) * since + changed
    return 100.0 * np.exp(grown + off)


def told(law: Law, busy: Floats, limit: float) -> tuple[SeriesGrowth, ...]:
    """What is told of it from its history, by samples of six hours."""
    samples = 7 * _A_DAY
    day = 0.5 + 0.5 * np.tile(np.linspace(0, 1, samples), law.weeks)[:, None]
    known = busy[: law.weeks].copy()
    known[[law.weeks - x for x in law.dips]] *= law.left
    values = np.repeat(known, samples, axis=0) * day
    clock = _START.timestamp() + 86_400 / _A_DAY * (np.arange(len(values)) + 1)
    series = arrange(clock, values, [str(x) for x in range(law.links)])
    limits = np.full(law.links, limit)
    return growth(series, limits, _START + (law.weeks + _AHEAD) * WEEK).series


class Held(NamedTuple):
    """Shares of links whose interval holds their growth, and the week in which they pass, and whose change is told.

    And how wide the intervals are in the mean: of growth a year, as a logarithm, and weeks of the 60 that are ahead.
    """

    grown: float
    passed: float
    changed: float
    spread: float
    weeks: float


def held(law: Law) -> Held:
    busy = drawn(law)
    limit = _BUSY * float(np.median(busy[law.weeks + _AHEAD // 2]))
    end = _START + (law.weeks + _AHEAD) * WEEK
    rows = list[tuple[float, ...]]()
    for found in told(law, busy, limit):
        grows = found.per_year_low <= law.later <= found.per_year_high
        over = np.flatnonzero(_BUSY * busy[law.weeks :, int(found.name)] > limit)
        truth = _START + (law.weeks + int(over[0])) * WEEK if over.size else end
        begins, ends = found.earliest or end, found.latest or end
        passes = begins - WEEK <= truth <= ends + WEEK
        spread = float(np.log1p(found.per_year_high) - np.log1p(found.per_year_low))
        rows.append((grows, passes, found.changed is not None, spread, (ends - begins) / WEEK))
    return Held(*np.mean(rows, axis=0).tolist())


def _cases(links: int, seed: int) -> Iterator[tuple[str, Law]]:
    for weeks in (6, 8, 12, 26, 40, 52, 104):
        for alike in (0.0, 0.5, 0.8):
            yield f"{weeks} weeks, alike {alike}", Law(weeks, alike, links, seed)
    for since in (4, 8, 12, 20, 26):
        for step, later in ((-0.35, _YEARLY), (0.3, _YEARLY), (0.0, 2 * _YEARLY)):
            name = f"40 weeks, {since} since a step of {step} to {later} a year"
            yield name, Law(40, 0.0, links, seed, step, later, since)
    for since in (13, 26, 52):
        for alike in (0.0, 0.5):
            name = f"104 weeks, alike {alike}, {since} since growth doubled"
            yield name, Law(104, alike, links, seed, 0.0, 2 * _YEARLY, since)
    yield "40 weeks, three holidays at half", Law(40, 0.0, links, seed, dips=(20, 2, 1))
    yield "40 weeks, three of restarts at 30 %", Law(40, 0.0, links, seed, dips=(33, 21, 9), left=0.3)
    yield "40 weeks, four of them not measured", Law(40, 0.0, links, seed, dips=(30, 29, 20, 3), left=float("nan"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--links", type=int, default=400)
    parser.add_argument("--seed", type=int, default=31)
    options = parser.parse_args()
    for name, law in _cases(options.links, options.seed):
        found = held(law)
        print(
            f"{name}: growth {100 * found.grown:.1f} % ({found.spread:.3f} wide), "
            f"week {100 * found.passed:.1f} % ({found.weeks:.1f} wide); "
            f"{100 * found.changed:.1f} % are said to have changed",
            flush=True,
        )


if __name__ == "__main__":
    main()
