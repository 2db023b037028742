"""Intervals from the errors of the backtest: split conformal prediction, its level adapted to what it really covers.

Vovk, Gammerman, Shafer (2005), algorithmic learning in a random world; Gibbs, Candès (2021), adaptive conformal
inference under distribution shift.
"""

from typing import NamedTuple

import numpy as np

from twin.model import Floats

STEP = 0.02
"""How far the level moves after one origin, times how far its coverage was off."""
_WINDOW = 96  # origins whose errors count
_LEAST_ORIGINS = 8


class Interval(NamedTuple):
    """Lower and upper end for each series [S]."""

    low: Floats
    high: Floats


class Conformal:
    """Errors in units of each series' own scale, and the level that has covered what was asked for."""

    def __init__(self, coverage: float) -> None:
        self.coverage, self._miss = coverage, 1 - coverage
        self._errors: list[Floats] = []

    @property
    def ready(self) -> bool:
        """Whether there are enough errors for an interval."""
        return len(self._errors) >= _LEAST_ORIGINS

    @property
    def level(self) -> float:
        """Share that the quantiles are to cover now."""
        return 1 - self._miss

    def interval(self, centre: Floats, scale: Floats) -> Interval:
        """Interval around a forecast; `scale` [S] is how far each series usually moves."""
        errors = np.concatenate(self._errors[-_WINDOW:])
        tail = min(max(self._miss / 2, 1 / (errors.size + 1)), 0.5)
        low, high = np.quantile(errors, [tail, 1 - tail])
        return Interval(np.maximum(centre + min(low, 0.0) * scale, 0.0), centre + max(high, 0.0) * scale)

    def learn(self, truth: Floats, centre: Floats, scale: Floats) -> float | None:
        """Take in what came true; returns the share of series that the interval covered, None before there was one."""
        covered = None
        if self.ready:
            low, high = self.interval(centre, scale)
            covered = float(np.mean((truth >= low) & (truth <= high)))
            self._miss = min(max(self._miss + STEP * (covered - self.coverage), 0.005), 0.6)
        self._errors.append((truth - centre) / scale)
        return covered


def usual_move(values: Floats, origin: int, horizon: int, day: int) -> Floats:
    """Mean absolute change of each series over the horizon, in the day before the origin, and a floor [S]."""
    begin = max(origin - day, 0)
    past = values[begin : origin + 1]
    lag = min(horizon, max(len(past) - 1, 1))
    moves = np.abs(past[lag:] - past[:-lag]).mean(axis=0) if len(past) > lag else np.zeros(values.shape[1])
    return moves + 0.02 * past.mean(axis=0) + 1e-6
