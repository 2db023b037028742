"""Forecast of the GEANT matrices, one hour ahead, rolling: `python -m tests.benchmarks.geant_forecast`.

480 matrices of 15 minutes; every bin of the last three days is forecast from what was known an hour before. The
regression is fitted anew every `--refit` origins, intervals learn an error when it is known.
"""

import argparse
import os
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from twin.forecast import arrange, forecast
from twin.forecast.backtest import Backtest, backtest, calibrate
from twin.forecast.conformal import load_groups
from twin.forecast.methods import Methods
from twin.forecast.series import Series
from twin.forecast.sources import matrix_series
from twin.formats import read_network, read_traffic
from twin.live.network import Flags
from twin.model import Floats, Ints

DATA = Path(os.environ.get("TWINOPS_DATA", Path(__file__).parents[3] / "shared" / "data")) / "geant"
DAY = 96
_POINTS = 0.02  # of coverage, that a tenth may be off
_ALIKE = 24  # bins of one block at least


def rolling(ahead: int, refit: int, first: int = 2 * DAY):
    network = read_network(DATA / "GEANT.json")
    demands = read_traffic(DATA / "traffic.parquet", network).demands
    pairs = matrix_series(900.0 * np.arange(len(demands)), demands, network, interval_s=900.0)
    methods = Methods(pairs.series, ahead, (pairs.source, pairs.target))
    test = backtest(methods, np.arange(first - ahead, len(demands) - ahead), refit_every=refit)
    assert not pairs.series.empty.any()
    return test, calibrate(test, test.best, 0.9, ~pairs.series.empty, lag=ahead).held


def coverage_by_load(test: Backtest, inside: Flags) -> list[float]:
    """Share that intervals covered for each tenth of the series, by what they carry, the smallest first."""
    groups = load_groups(test.level)
    return [float(inside[:, groups == group].mean()) for group in range(int(groups.max()) + 1)]


class Held(NamedTuple):
    """Share of the series of each tenth by load that intervals covered, and its standard error, both [10].

    Moments that are closer than the horizon, or than six hours, see the same traffic: they are one block, and the error
    is told by what blocks differ in.
    """

    share: Floats
    error: Floats
    blocks: int

    @property
    def off(self) -> int:
        """Tenths that are further than 2 points from 90 %."""
        return int((np.abs(self.share - 0.9) > _POINTS).sum())

    @property
    def surely_off(self) -> int:
        """Those of them of which chance is no explanation: by two standard errors more."""
        return int((np.abs(self.share - 0.9) > _POINTS + 2 * self.error).sum())


def held_of(rows: list[list[float]], moments: Ints, ahead: int) -> Held:
    """What was held from several moments [O], each with the share of each tenth."""
    table, block = np.array(rows), (moments - moments[0]) // max(ahead, _ALIKE)
    means = np.array([table[block == x].mean(axis=0) for x in np.unique(block)])
    return Held(table.mean(axis=0), means.std(axis=0, ddof=1) / np.sqrt(len(means)), len(means))


def forecasts(series: Series, came: Floats, horizons: tuple[int, ...], groups: tuple[Ints, ...] = ()):
    """Share that the intervals of one forecast cover of each tenth of the series by load, for each horizon."""
    told, tenth = forecast(series, horizons=horizons, groups=groups), load_groups(series.values.mean(axis=0))
    for row in range(len(horizons)):
        ok = (came[row] >= told.low[row]) & (came[row] <= told.high[row])
        yield [float(ok[tenth == x].mean()) for x in range(int(tenth.max()) + 1)]


def held(count: int, horizons: tuple[int, ...]) -> dict[int, Held]:
    """What intervals of `forecast` cover on GEANT, from `count` moments on."""
    network = read_network(DATA / "GEANT.json")
    demands = read_traffic(DATA / "traffic.parquet", network).demands
    moments = np.unique(np.linspace(2.5 * DAY, len(demands) - max(horizons) - 1, count).round().astype(int))
    rows: dict[int, list[list[float]]] = {ahead: [] for ahead in horizons}
    for now in moments.tolist():
        pairs = matrix_series(900.0 * np.arange(now + 1), demands[: now + 1], network, interval_s=900.0)
        came = demands[now + np.array(horizons)][:, pairs.source, pairs.target]
        told = forecasts(pairs.series, came, horizons, (pairs.source, pairs.target))
        for ahead, shares in zip(horizons, told, strict=True):
            rows[ahead].append(shares)
    return {ahead: held_of(rows[ahead], moments, ahead) for ahead in horizons}


class Drawing(NamedTuple):
    """How drawn traffic is drawn, and how much less of it there is on weekends, as a logarithm."""

    seed: int = 1
    weekend: float = 0.3
    size: int = 240


def held_drawn(count: int, horizons: tuple[int, ...], drawing: Drawing) -> dict[int, Held]:
    """The same of drawn traffic, four days of history before each of `count` moments that are a day and an hour apart.

    Levels over four orders of magnitude, days and weeks, noise of all together and of each, the smaller the rougher.
    """
    rng, size = np.random.default_rng(drawing.seed), drawing.size
    history, apart = 4 * DAY, DAY + 4
    bins = history + count * apart + max(horizons)
    level, shared, own = np.exp(rng.normal(3, 2, size)), np.zeros(bins), np.zeros((bins, size))
    roughness = 0.15 * (level / np.median(level)) ** -0.15
    for now in range(1, bins):
        shared[now] = 0.98 * shared[now - 1] + 0.02 * rng.standard_normal()
        own[now] = 0.9 * own[now - 1] + np.sqrt(1 - 0.9**2) * roughness * rng.standard_normal(size)
    clock = 900.0 * np.arange(bins)
    usual = 0.4 * np.sin(2 * np.pi * clock / 86_400) - drawing.weekend * (clock // 86_400 % 7 >= 5)
    values = level * np.exp(usual[:, None] + shared[:, None] + own)
    moments = history + apart * np.arange(count)
    rows: dict[int, list[list[float]]] = {ahead: [] for ahead in horizons}
    for now in moments.tolist():
        kept = slice(now - history, now + 1)
        series = arrange(clock[kept], values[kept], [str(x) for x in range(size)], interval_s=900.0)
        told = forecasts(series, values[now + np.array(horizons)], horizons)
        for ahead, shares in zip(horizons, told, strict=True):
            rows[ahead].append(shares)
    return {ahead: held_of(rows[ahead], moments, ahead) for ahead in horizons}


def speed(count: int = 2000) -> tuple[float, float]:
    rng, clock = np.random.default_rng(1), 300.0 * np.arange(2016)
    day = 0.3 * np.sin(2 * np.pi * clock / 86400)[:, None]
    values = np.exp(rng.normal(4, 1, count) + day + 0.1 * rng.standard_normal((2016, count)))
    series = arrange(clock, values, [str(i) for i in range(count)])
    wall, cpu = time.perf_counter(), time.process_time()
    forecast(series, horizons=(12,))
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--refit", type=int, default=16)
    parser.add_argument("--ahead", type=int, nargs="*", default=[4])
    parser.add_argument("--forecasts", type=int, default=0, help="Also from so many moments, by load.")
    parser.add_argument("--drawn", type=int, default=0, help="The same of drawn traffic, from so many moments.")
    parser.add_argument("--seed", type=int, default=1, help="Of drawn traffic.")
    parser.add_argument("--weekend", type=float, default=0.3, help="How much less is drawn on weekends, a logarithm.")
    options = parser.parse_args()
    drawing = partial(held_drawn, drawing=Drawing(options.seed, options.weekend))
    for of, made, count in (("GEANT", held, options.forecasts), ("drawn", drawing, options.drawn)):
        for ahead, found in (made(count, (1, 4, 24, 48, 96)) if count else {}).items():
            tenths = " ".join(f"{100 * x:.1f}±{100 * y:.1f}" for x, y in zip(found.share, found.error, strict=True))
            print(f"{of}, {15 * ahead} min ahead: 90 % intervals cover {100 * found.share.mean():.1f} %; "
                  f"by load {tenths}; "
                  f"{found.off} off by more than 2 points, {found.surely_off} beyond chance ({found.blocks} blocks)",
                  flush=True)  # fmt: skip
    for ahead in options.ahead:
        test, inside = rolling(ahead, options.refit)
        gain = 1 - test.wape[test.best] / test.wape[test.naive]
        figures = ", ".join(f"{name} {100 * wape:.2f} %" for name, wape in test.wape.items())
        print(f"{15 * ahead} min ahead: WAPE {figures}; {test.best} is {100 * gain:.1f} % below {test.naive}; "
              f"90 % intervals cover {100 * inside.mean():.1f} %", flush=True)  # fmt: skip
    wall, cpu = speed()
    print(f"2,000 series of 2,016 bins, one horizon: {wall:.2f} s, {cpu:.2f} s of CPU")


if __name__ == "__main__":
    main()
