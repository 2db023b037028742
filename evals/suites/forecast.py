"""Forecasts of traffic matrices against what came: error, gain over the plainest methods, how often intervals hold."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from evals.cases.case import Case, Split
from evals.cases.result import Measures
from evals.cases.suite import NETWORKS, SEEDS, Metric, Suite, Workplace, of_split, scaled
from evals.score.series import coverage, gain, wape
from twin.forecast import forecast, matrix_series
from twin.formats import load_network, read_network, read_traffic
from twin.model import Floats, Network

from . import data_folder, has_data

KINDS = {
    "dev": ("daily rhythm", "weekly rhythm", "growing", "bursts", "gaps"),
    "held-out": ("level shift", "sudden crowds"),
}
BINS, DAY, STEP_S = 480, 96, 900.0
AHEAD = (1, 4)
_START = datetime(2026, 3, 2, tzinfo=UTC).timestamp()


class ForecastHistory(NamedTuple):
    """Matrices up to now [T, n, n], and those that came at each horizon [H, n, n]."""

    network: Network
    time: Floats
    known: Floats
    came: Floats
    published: bool


class Foreseen(NamedTuple):
    """A forecast per horizon [H, n, n], with interval ends, NaN where there are none."""

    values: Floats
    low: Floats
    high: Floats


def _stage(case: Case, workplace: Workplace) -> ForecastHistory:
    del workplace
    if case.kind == "published":
        folder = data_folder("geant")
        network = read_network(folder / "GEANT.json")
        matrices = read_traffic(folder / "traffic.parquet", network).demands
        rng = np.random.default_rng([case.seed, 61])
        now = int(rng.integers(3 * DAY, len(matrices) - max(AHEAD)))
        time = _clock(len(matrices))
        return _cut(network, time, matrices, now, published=True)
    network = scaled(load_network(case.network), case)
    time = _clock(BINS)
    return _cut(network, time, _matrices(case, network, time), BINS - max(AHEAD) - 1, published=False)


def _clock(bins: int) -> Floats:
    return (_START + STEP_S * np.arange(bins)).astype(np.float64)


def _cut(network: Network, time: Floats, matrices: Floats, now: int, *, published: bool) -> ForecastHistory:
    came = np.stack([matrices[now + ahead] for ahead in AHEAD])
    return ForecastHistory(network, time[: now + 1], matrices[: now + 1], came, published)


def _matrices(case: Case, network: Network, time: Floats) -> Floats:
    """Five days of one kind of traffic [T, n, n]: a rhythm by the hour, correlated noise, and what the kind adds."""
    rng, n = np.random.default_rng([case.seed, 62]), len(network.nodes)
    hour = (time[:, None] / 3600 + rng.uniform(-2, 2, n)[None, :]) % 24
    rhythm = 0.6 + 0.4 * np.cos(2 * np.pi * (hour - 20) / 24)
    noise = np.zeros((len(time), n, n))
    for t in range(1, len(time)):
        noise[t] = 0.9 * noise[t - 1] + 0.06 * rng.standard_normal((n, n))
    matrices = network.demands[None] * rhythm[:, None, :] * np.exp(noise)
    matrices *= _SHAPES[case.kind](time, rng)[:, None, None]
    if case.kind in ("bursts", "sudden crowds"):
        crowd = rng.random((len(time), 1, n)) < (0.02 if case.kind == "bursts" else 0.005)
        matrices *= np.where(crowd, rng.uniform(2, 5, crowd.shape), 1.0)
    if case.kind == "gaps":
        matrices[:-5][rng.random(len(time) - 5) < 0.08] = np.nan
    return matrices


def _one(time: Floats, rng: np.random.Generator) -> Floats:
    del rng
    return np.ones(len(time))


def _weekend(time: Floats, rng: np.random.Generator) -> Floats:
    day = (time // 86_400 + int(rng.integers(7))) % 7
    return np.where(day >= 5, 0.6, 1.0)


def _growth(time: Floats, rng: np.random.Generator) -> Floats:
    return np.exp(np.linspace(0, float(rng.uniform(0.1, 0.5)), len(time)))


def _shift(time: Floats, rng: np.random.Generator) -> Floats:
    at = int(rng.integers(len(time) // 2, len(time) - 8))
    return np.where(np.arange(len(time)) >= at, float(rng.uniform(0.5, 1.8)), 1.0)


_SHAPES = {
    "daily rhythm": _one,
    "weekly rhythm": _weekend,
    "growing": _growth,
    "bursts": _one,
    "gaps": _one,
    "level shift": _shift,
    "sudden crowds": _one,
}


def _twin(history: ForecastHistory) -> Foreseen:
    """The twin's forecast: the best method of a rolling backtest, with conformal intervals."""
    pairs = matrix_series(history.time, history.known, history.network, interval_s=STEP_S)
    found = forecast(pairs.series, horizons=AHEAD, groups=(pairs.source, pairs.target))
    return Foreseen(*(_spread(x, (pairs.source, pairs.target), history) for x in (found.values, found.low, found.high)))


def _last_value(history: ForecastHistory) -> Foreseen:
    return _naive(history, [_filled(history)[-1] for _ in AHEAD])


def _seasonal(history: ForecastHistory) -> Foreseen:
    """The value of the same time on the day before."""
    filled = _filled(history)
    return _naive(history, [filled[len(filled) - 1 + ahead - DAY] for ahead in AHEAD])


def _naive(history: ForecastHistory, values: list[Floats]) -> Foreseen:
    none = np.full((len(AHEAD), *history.known.shape[1:]), np.nan)
    return Foreseen(np.stack(values), none, none)


def _filled(history: ForecastHistory) -> Floats:
    filled = history.known.copy()
    for t in range(1, len(filled)):
        np.copyto(filled[t], filled[t - 1], where=np.isnan(filled[t]))
    return np.nan_to_num(filled)


def _spread(values: Floats, pairs: tuple[np.ndarray, np.ndarray], history: ForecastHistory) -> Floats:
    """Series [H, S] back to matrices [H, n, n]; pairs without a series are NaN."""
    spread = np.full((len(values), *history.known.shape[1:]), np.nan)
    spread[:, pairs[0], pairs[1]] = values
    return spread


def score(history: ForecastHistory, foreseen: Foreseen) -> Measures:
    """Error over all pairs and horizons, gain over the better of two naive methods, coverage of intervals."""
    told, naives = np.nan_to_num(foreseen.values), [x(history).values for x in (_last_value, _seasonal)]
    error, naive = wape(told, history.came), min(wape(x, history.came) for x in naives)
    by_hour = wape(told[-1], history.came[-1]), min(wape(x[-1], history.came[-1]) for x in naives)
    values = {
        "wape": error,
        "gain": gain(error, naive),
        "gain_hour": gain(*by_hour),
        "no_worse": float(error <= 1.05 * naive),
        "generated": float(not history.published),
        "published": float(history.published),
    }
    busy = history.came > 0
    if np.isfinite(foreseen.low).any():
        values["covered"] = coverage(foreseen.low[busy], foreseen.high[busy], history.came[busy])
    words = f"WAPE {error:.3f}, the better naive one {naive:.3f}"
    return Measures(bool(values["no_worse"]), values, words, f"{len(history.time)} bins of {STEP_S:g} s")


def _draw(split: Split) -> Iterator[Case]:
    kinds, places = of_split(split, KINDS["dev"], KINDS["held-out"]), NETWORKS[split][:4]
    published = split == "dev" and has_data("geant")
    for number, seed in enumerate(SEEDS[split]):
        if published and 20 <= number < 32:
            yield Case(suite="forecast", kind="published", network="geant", seed=seed, split=split)
            continue
        kind, network = kinds[number % len(kinds)], places[(number // len(kinds)) % len(places)]
        yield Case(suite="forecast", kind=kind, network=network, seed=seed, split=split)


SUITE = Suite(
    name="forecast",
    purpose="whole traffic matrices a quarter of an hour and an hour ahead, with intervals",
    draw=_draw,
    stage=_stage,
    systems={"twin": _twin, "last value": _last_value, "seasonal naive": _seasonal},
    score=score,
    metrics=(
        Metric("WAPE, generated", "mean", "wape", where="generated", higher=False),
        Metric("below the better naive one, generated", "mean", "gain", where="generated"),
        Metric("the same an hour ahead, generated", "mean", "gain_hour", where="generated", bar=0.1),
        Metric("no worse than naive, generated", "share", "no_worse", where="generated"),
        Metric("90 % intervals cover, generated", "mean", "covered", where="generated", higher=None),
        Metric("WAPE, published", "mean", "wape", where="published", higher=False),
        Metric("below the better naive one, published", "mean", "gain", where="published"),
        Metric("the same an hour ahead, published", "mean", "gain_hour", where="published", bar=0.1),
        Metric("90 % intervals cover, published", "mean", "covered", where="published", higher=None),
    ),
    cases=84,
    slice=3,
)
