"""How unevenly flows split over equal paths here: told by repeated samples of the same split, not by a stated bound."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from scipy.special import gammaincinv

from twin.model import Floats, Network
from twin.observe.expect.prediction import export_noise, hashing_variance, predict
from twin.observe.readings.link_rates import arrivals
from twin.observe.readings.observation import Observation
from twin.observe.readings.samples import Samples

_MOST = 9  # samples of the past, and of the window, that are looked at
_LEAST = 3  # differences below which samples tell nothing
_SURE = 0.05  # probability that the spread is larger than what is returned


def split_concentration(observation: Observation, state: Network) -> float:
    """Upper bound for the sum of the squared shares of a demand's flows, never above what the network declares.

    When flows are hashed anew, each sample of a split is another draw from the same distribution, and half the squared
    difference of two in a row estimates the variance of its deviation, in units of the squared demands that split there
    (von Neumann 1941). The median of them counts, so that a change in between does not; its upper confidence limit is
    that of a variance of normal deviates (chi-squared). Noise of counters and exports only adds.
    """
    stated = observation.declared.concentration
    squares: list[float] = []
    for samples in (observation.past.rows(slice(-_MOST, None)), observation.window.rows(slice(-_MOST, None))):
        for before, after in pairwise(_deviations(observation, state, samples)):
            apart: Floats = after - before
            known = apart[np.isfinite(apart)]
            squares += [float(np.mean(known**2)) / 2] if known.size else []
    if len(squares) < _LEAST:
        return stated
    variance = float(np.median(squares)) / _chi_square(0.5, 1)
    return min(stated, variance * len(squares) / _chi_square(_SURE, len(squares)))


def _deviations(observation: Observation, state: Network, samples: Samples) -> Iterator[Floats]:
    """For each sample with a whole matrix, by how much each link strays, as a share of what splits onto it [m]."""
    still = np.zeros(len(state.links))
    for row in range(len(samples.time)):
        demands, sample = samples.matrix(row), samples.rows(slice(row, row + 1))
        if not np.isfinite(demands).all():
            continue
        network = state.with_demands(demands)
        splits = np.sqrt(hashing_variance(network, 1.0))
        noise = export_noise(network, still, observation.declared, samples=1, interval_s=observation.interval_s)
        off = arrivals(sample)[0] - predict(network, still, noise).arrived
        yield np.where(splits > 0, off / np.where(splits > 0, splits, 1.0), np.nan)


def _chi_square(share: float, freedom: int) -> float:
    """Quantile of the chi-square distribution; the statistics of scipy take a second to import for it."""
    return 2 * float(gammaincinv(freedom / 2, share))
