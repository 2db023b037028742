"""Forecast of the GEANT matrices, one hour ahead, rolling: `python -m tests.benchmarks.geant_forecast`.

480 matrices of 15 minutes; every bin of the last three days is forecast from what was known an hour before. The
regression is fitted anew every `--refit` origins, intervals learn an error when it is known.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np

from twin.forecast import arrange, forecast
from twin.forecast.backtest import Backtest, backtest, calibrate
from twin.forecast.conformal import load_groups
from twin.forecast.methods import Methods
from twin.forecast.sources import matrix_series
from twin.formats import read_network, read_traffic
from twin.live.network import Flags

DATA = Path(os.environ.get("TWINOPS_DATA", Path(__file__).parents[3] / "shared" / "data")) / "geant"
DAY = 96


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


def held(count: int, horizons: tuple[int, ...]) -> dict[int, list[float]]:
    """Share that intervals of `forecast` covered, from `count` moments on, for each tenth of the series by load."""
    network = read_network(DATA / "GEANT.json")
    demands = read_traffic(DATA / "traffic.parquet", network).demands
    moments = np.unique(np.linspace(2.5 * DAY, len(demands) - max(horizons) - 1, count).round().astype(int))
    inside: dict[int, list[list[float]]] = {ahead: [] for ahead in horizons}
    for now in moments.tolist():
        pairs = matrix_series(900.0 * np.arange(now + 1), demands[: now + 1], network, interval_s=900.0)
        told = forecast(pairs.series, horizons=horizons, groups=(pairs.source, pairs.target))
        groups = load_groups(pairs.series.values.mean(axis=0))
        for row, ahead in enumerate(horizons):
            came = demands[now + ahead][pairs.source, pairs.target]
            ok = (came >= told.low[row]) & (came <= told.high[row])
            inside[ahead].append([float(ok[groups == group].mean()) for group in range(int(groups.max()) + 1)])
    return {ahead: np.mean(rows, axis=0).tolist() for ahead, rows in inside.items()}


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
    options = parser.parse_args()
    for ahead, shares in (held(options.forecasts, (1, 4, 24, 48)) if options.forecasts else {}).items():
        tenths = " ".join(f"{100 * x:.1f}" for x in shares)
        print(
            f"{15 * ahead} min ahead: 90 % intervals cover {100 * np.mean(shares):.1f} %; by load {tenths}", flush=True
        )
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
