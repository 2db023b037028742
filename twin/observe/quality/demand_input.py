"""Whether the demands explain the loads: one factor between the measured matrix and what the links carry."""

import math
from typing import NamedTuple

import numpy as np

from twin.live.network import Flags
from twin.model import Floats
from twin.observe.expect.balance import Expected

_TUNING = 4.685  # Tukey's biweight: 95 % efficient on normal errors, blind to what is farther off
_LEAST_ALARM = 0.025
_ALARM = 4.0
_CLEAR = 0.25  # relative standard error above which a link says too little
_ROUNDS = 30


class DemandFactor(NamedTuple):
    """How many times the measured matrix the links carry, with the standard error of its logarithm."""

    factor: float
    error: float
    links: int  # how many links were asked

    @property
    def threshold(self) -> float:
        """Smallest relative error of the matrix that raises an alarm."""
        return max(_LEAST_ALARM, _ALARM * self.error)

    @property
    def off(self) -> bool:
        """Whether the matrix does not explain the loads; false when too few links can be asked."""
        return self.links > 0 and abs(math.log(self.factor)) > self.threshold


def demand_factor(arrived: Floats, expect: Expected, asked: Flags, total_error: float) -> DemandFactor:
    """Estimate the factor from the loads `arrived` [m] of the links that are `asked` [m].

    A redescending location estimate (Tukey's biweight) of the log ratios, started at their weighted median: links whose
    counters lie, or whose traffic goes another way than the inventory says, stay without influence while they are
    fewer than half. `total_error` is the relative standard error of the sum of the matrix, which no link averages out.
    """
    relative = expect.sigma / np.maximum(expect.arrived, 1e-9)
    used = asked & (expect.arrived > 0) & (np.nan_to_num(arrived) > 0) & (relative < _CLEAR)
    if used.sum() < 3:
        return DemandFactor(1.0, 1.0, 0)
    log_ratio, sigma = np.log(arrived[used] / expect.arrived[used]), relative[used]
    centre = _weighted_median(log_ratio, 1 / sigma)
    spread = 1.4826 * float(np.median(np.abs(log_ratio - centre) / sigma))
    sigma = sigma * max(1.0, spread)
    weight: Floats = 1 / sigma**2
    for _ in range(_ROUNDS):
        far = np.minimum(np.abs(log_ratio - centre) / (_TUNING * sigma), 1.0)
        weight = (1 - far**2) ** 2 / sigma**2
        centre = float(np.sum(weight * log_ratio) / np.sum(weight))
    error = math.hypot(math.sqrt(1 / sum(weight.tolist())), total_error)
    return DemandFactor(math.exp(centre), error, log_ratio.size)


def _weighted_median(values: Floats, weight: Floats) -> float:
    order = np.argsort(values, kind="stable")
    cumulated = np.cumsum(weight[order])
    middle = int(np.searchsorted(cumulated, float(cumulated[-1]) / 2))
    return float(values[order[middle]])
