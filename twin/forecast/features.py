"""What the past of every series says at one moment, in units of the series' own level: inputs of the regression."""

import numpy as np

from twin.model import Floats, Ints

_LAGS = 4
_SHORT, _MEDIUM = 8, 16
_CLIP = 0.5
LEAST = 24
"""Bins that must lie behind an origin."""


class Features:
    """Features of S series at any origin, from nothing later than it.

    `day` and `week` are bins per day and week; a period enters once the history holds it. `groups` [G, S] are labels of
    series that share something (their source, their target): the growth of a group's total is a feature of its members.
    """

    def __init__(self, values: Floats, horizon: int, periods: tuple[int, ...], groups: tuple[Ints, ...] = ()) -> None:
        self.values, self.horizon, self.periods = values, horizon, periods
        self._sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
        self._total = values.sum(axis=1)
        self._groups = [(_totals(values, group), group) for group in groups]
        self._level = min(max([LEAST, *periods[:1]]), len(values))

    @property
    def first(self) -> int:
        """First origin at which every feature is there."""
        return max([LEAST, *(period + 4 for period in self.periods)])

    def level(self, origin: int) -> Floats:
        """Mean of each series over the day before, the unit of its features [S]."""
        return np.maximum(self._mean(origin - self._level + 1, origin + 1), 1e-9)

    def at(self, origin: int, level: Floats) -> Floats:
        """Features [S, p]; the first is the last value."""
        values = self.values
        last = values[origin]
        long = self._mean(origin - _MEDIUM + 1, origin + 1)
        columns = [values[origin - lag] for lag in range(_LAGS)]
        columns += [self._mean(origin - _SHORT + 1, origin + 1), long, level]
        columns += [self._mean(origin - max(self._level // 2, 1) + 1, origin + 1)]
        columns += [
            np.median(values[origin - 4 : origin + 1], axis=0),
            np.median(values[origin - 12 : origin + 1], axis=0),
        ]
        columns += [np.minimum(last, long), np.maximum(last, 1.5 * long)]
        columns += self._spread(origin, last - long)
        columns += self._seasons(origin)
        columns += [last * growth for growth in self._growths(origin)]
        return np.stack(columns, axis=1) / level[:, None]

    def _mean(self, begin: int, end: int) -> Floats:
        begin = max(begin, 0)
        return (self._sums[end] - self._sums[begin]) / (end - begin)

    def _spread(self, origin: int, away: Floats) -> list[Floats]:
        """Recent extremes and roughness, and how far the last value is away from the mean, in several shapes."""
        recent = self.values[max(origin - LEAST + 1, 0) : origin + 1]
        rough = np.abs(np.diff(recent, axis=0)).mean(axis=0)
        score = np.clip(away / np.maximum(rough, 1e-9), -3, 3)
        shapes = [np.abs(score) * away, np.tanh(score) * rough, np.clip(away, -rough, rough)]
        return [recent.min(axis=0), recent.max(axis=0), rough, *shapes]

    def _seasons(self, origin: int) -> list[Floats]:
        """Per period, what each series did a period ago over the horizon, smoothed over three bins."""
        found: list[Floats] = []
        for period in self.periods:
            there = origin - period
            ahead = min(self.horizon, period - 1)
            found.append(self._mean(there + ahead - 1, there + ahead + 2) - self._mean(there - 1, there + 2))
        return found

    def _growths(self, origin: int) -> list[Floats]:
        """Relative growth of the total: over the last hour's worth of bins, and a period ago over the horizon."""
        total, one = self._total, np.ones(self.values.shape[1])
        found = [one * _growth(total[origin - 1 : origin + 1].mean(), total[origin - 5 : origin - 3].mean())]
        for period in self.periods:
            there, ahead = origin - period, min(self.horizon, period - 1)
            later, then = total[there + ahead - 1 : there + ahead + 2].mean(), total[there - 1 : there + 2].mean()
            found.append(one * _growth(later, then))
        for totals, group in self._groups:
            recent = _growth(totals[origin - 1 : origin + 1].mean(axis=0), totals[origin - 5 : origin - 3].mean(axis=0))
            away = _growth(totals[origin], totals[origin - _MEDIUM + 1 : origin + 1].mean(axis=0))
            found += [recent[group], away[group]]
        return found


def _totals(values: Floats, group: Ints) -> Floats:
    member = np.zeros((values.shape[1], int(group.max()) + 1))
    member[np.arange(group.size), group] = 1.0
    return values @ member


def _growth(later: Floats, before: Floats) -> Floats:
    return np.clip(later / np.maximum(before, 1e-9) - 1, -_CLIP, _CLIP)
