"""The methods that a forecast is chosen from, all from what is known at the origin and nothing later."""

from typing import Literal, NamedTuple, get_args

import numpy as np

from twin.model import Floats, Ints

from .boosted import LEAST_ROWS, Boosted, boost, is_installed
from .features import Features
from .ridge import Ridge, fit, sample_of
from .series import Series

Method = Literal["last value", "seasonal naive", "week x level", "pooled ridge", "boosted trees", "ridge and trees"]
METHODS: tuple[Method, ...] = get_args(Method)
LEARNT: tuple[Method, ...] = ("pooled ridge", "boosted trees", "ridge and trees")
"""Methods that are fitted to the past."""
_DAY_S = 86_400.0
_LEVEL_BINS = 4


class Periods(NamedTuple):
    """Bins per day and per week; None where the history does not hold one and what the backtest needs."""

    day: int | None
    week: int | None

    @property
    def season(self) -> int | None:
        """The longest period that is there."""
        return self.week or self.day

    @property
    def known(self) -> tuple[int, ...]:
        """The periods that are there, bins."""
        return tuple(x for x in self if x)


def periods(series: Series, horizon: int) -> Periods:
    """Which periods the history holds, with room for origins after the first one."""
    room = len(series.values) - horizon - 48
    day = round(_DAY_S / series.interval_s)
    fits = [x if 2 <= x <= room else None for x in (day, 7 * day)]
    return Periods(fits[0], fits[1])


class Methods:
    """Every method that the history allows, for one horizon in bins."""

    def __init__(self, series: Series, horizon: int, groups: tuple[Ints, ...] = ()) -> None:
        self.values, self.horizon = series.values, horizon
        self.periods = periods(series, horizon)
        self._features = Features(series.values, horizon, self.periods.known, groups)
        self._ridge: Ridge | None = None
        self._trees: Boosted | None = None

    def learn(self, before: int, needed: Method | None = None) -> None:
        """Fit regression and trees to what was known before a bin; no trees where the one method `needed` has none."""
        sample = sample_of(self._features, before)
        self._ridge = None if sample is None else fit(self._features, before, sample)
        grows = needed != "pooled ridge" and is_installed()
        self._trees = boost(sample) if grows and sample is not None and sample.goals.size >= LEAST_ROWS else None

    def predict(self, origin: int) -> dict[Method, Floats]:
        """Forecast of every series `horizon` bins after `origin`, by each method that can [S]."""
        found: dict[Method, Floats] = {"last value": self.values[origin]}
        season = self.periods.season
        then = origin + self.horizon - season * -(-self.horizon // season) if season else -1
        if season and then >= 0:
            found["seasonal naive"] = self.values[then]
            found["week x level"] = self.values[then] * self._level_ratio(origin, season)
        if self._ridge and origin >= self._features.first:
            found["pooled ridge"] = self._ridge.predict(self._features, origin)
            if self._trees:
                found["boosted trees"] = self._trees.predict(self._features, origin)
                found["ridge and trees"] = (found["pooled ridge"] + found["boosted trees"]) / 2
        return found

    def _level_ratio(self, origin: int, season: int) -> Floats:
        """Level of each series now over its level a season before, at most a factor of 3 either way."""
        begin = max(origin - season - _LEVEL_BINS + 1, 0)
        now = self.values[origin - _LEVEL_BINS + 1 : origin + 1].mean(axis=0)
        before = self.values[begin : max(origin - season, 0) + 1].mean(axis=0)
        return np.clip(np.where(before > 0, now / np.maximum(before, 1e-9), 1.0), 1 / 3, 3.0)
