"""How sure a figure is: Wilson's interval for shares, a seeded clustered bootstrap for everything else."""

from collections.abc import Callable, Sequence
from math import comb, sqrt
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints

RESAMPLES = 1000


class ScoreInterval(NamedTuple):
    """A figure with its 95 % confidence interval."""

    value: float
    low: float
    high: float


def wilson(successes: float, trials: int, z: float = 1.959964) -> ScoreInterval:
    """Score interval of a binomial share (Wilson, JASA 22, 1927); all of 0..1 without trials."""
    if trials == 0:
        return ScoreInterval(0.0, 0.0, 1.0)
    share, spread = successes / trials, z * z / trials
    centre = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    return ScoreInterval(share, max(0.0, centre - half), min(1.0, centre + half))


def bootstrap(
    rows: Floats, clusters: Sequence[str], figure: Callable[[Floats], Floats], *, seed: int = 1
) -> ScoreInterval:
    """Percentile interval over resampled clusters: what belongs to one case is drawn together.

    `rows` [N, K] are summed within their cluster; `figure` turns sums [R, K + 1] of R resamples into R figures,
    the last column counting rows. Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13.
    """
    if not len(rows):
        return ScoreInterval(0.0, 0.0, 0.0)
    sums = _by_cluster(rows, clusters)
    value = float(figure(sums.sum(axis=0, keepdims=True))[0])
    if len(sums) < 2:
        return ScoreInterval(value, value, value)
    drawn = np.random.default_rng([seed, len(sums)]).integers(0, len(sums), (RESAMPLES, len(sums)))
    resampled = np.stack([sums[picks].sum(axis=0) for picks in drawn])
    low, high = np.quantile(figure(resampled), (0.025, 0.975))
    return ScoreInterval(value, float(min(low, value)), float(max(high, value)))


def mean_interval(values: Sequence[float], clusters: Sequence[str], *, seed: int = 1) -> ScoreInterval:
    """Mean with a clustered bootstrap interval."""
    rows = np.array(values, dtype=np.float64).reshape(-1, 1)
    return bootstrap(rows, clusters, lambda sums: sums[:, 0] / sums[:, 1], seed=seed)


def f1_interval(
    counts: Sequence[tuple[float, float, float]], clusters: Sequence[str], *, seed: int = 1
) -> ScoreInterval:
    """F1 over the summed (hit, false, missed) of all cases; 1 when there is nothing to name and nothing was named."""
    rows = np.array(counts, dtype=np.float64).reshape(-1, 3)

    def f1(sums: Floats) -> Floats:
        total = 2 * sums[:, 0] + sums[:, 1] + sums[:, 2]
        return np.where(total > 0, 2 * sums[:, 0] / np.maximum(total, 1e-9), 1.0)

    return bootstrap(rows, clusters, f1, seed=seed)


def quantile_interval(values: Sequence[float], share: float, *, seed: int = 1) -> ScoreInterval:
    """Quantile of values with a bootstrap interval."""
    array = np.array(values, dtype=np.float64)
    if not array.size:
        return ScoreInterval(0.0, 0.0, 0.0)
    value = float(np.quantile(array, share))
    picks: Ints = np.random.default_rng([seed, array.size]).integers(0, array.size, (RESAMPLES, array.size))
    low, high = np.quantile(np.quantile(array[picks], share, axis=1), (0.025, 0.975))
    return ScoreInterval(value, float(min(low, value)), float(max(high, value)))


def all_of_k(passed: int, trials: int, k: int) -> float:
    """Chance that k trials drawn without replacement from these all passed: pass^k of one case.

    Yao et al., "tau-bench", 2024. 0 when there are fewer trials than k.
    """
    return comb(passed, k) / comb(trials, k) if trials >= k else 0.0


def _by_cluster(rows: Floats, clusters: Sequence[str]) -> Floats:
    order = {name: i for i, name in enumerate(dict.fromkeys(clusters))}
    index = np.array([order[name] for name in clusters])
    counted = np.column_stack([rows, np.ones(len(rows))])
    columns = [np.bincount(index, counted[:, k], len(order)) for k in range(counted.shape[1])]
    return np.stack(columns, axis=1).astype(np.float64)
