"""Forecasts against what came: error, gain over the plainest methods, how often intervals hold."""

import numpy as np

from twin.model import Floats


def wape(forecast: Floats, truth: Floats) -> float:
    """Weighted absolute percentage error: sum of absolute errors over the sum of the values."""
    total = float(np.abs(truth).sum())
    return float(np.abs(forecast - truth).sum()) / total if total > 0 else 0.0


def gain(error: float, naive: float) -> float:
    """Share of a naive method's error that is gone; 0 when that has none."""
    return 1 - error / naive if naive > 0 else 0.0


def coverage(low: Floats, high: Floats, truth: Floats) -> float:
    """Share of the values that lie in their interval, ends included; values without an interval do not count."""
    known = np.isfinite(low) & np.isfinite(high)
    if not known.any():
        return 0.0
    return float(np.mean((truth[known] >= low[known]) & (truth[known] <= high[known])))


def close(found: float, expected: float, *, relative: float = 1e-6, absolute: float = 1e-6) -> bool:
    """Whether two computations of one figure agree."""
    return abs(found - expected) <= max(absolute, relative * abs(expected))
