"""Pooled regression: one set of coefficients for all series of a kind, for the least absolute error."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from twin.live.network import Flags
from twin.model import Floats, Ints

from .features import Features

MOST_ROWS = 48_000
"""Rows that one fit sees; origins are thinned to keep to it."""
_MOST_ORIGINS = 240
_LEAST_ROWS, _LEAST_ORIGINS = 400, 12
_CARRIED = 0.995
_KINDS = (1, 3, 6)
"""Into how many kinds the series are divided by their roughness; the forecast is the mean over the divisions."""
_PENALTY = 1e-4
_ROUNDS = 12
_ROUGH_BINS = 672
_LEAST_RESIDUAL = 0.01


class TrainingSample(NamedTuple):
    """What is learnt from: features [O, M, p], their outcome and weight [O, M]; O origins, M series, which ones [M]."""

    tables: Floats
    goals: Floats
    weights: Floats
    members: Ints


@dataclass(frozen=True)
class Division:
    """Series divided by roughness, each part with its coefficients [p]; positions of the part of each series [S]."""

    part: Ints
    coefficients: tuple[Floats, ...]


@dataclass(frozen=True)
class Ridge:
    """A fitted regression for one horizon."""

    divisions: tuple[Division, ...]

    def predict(self, features: Features, origin: int) -> Floats:
        """Forecast of every series, `features.horizon` bins after `origin` [S]; never negative."""
        level = features.level(origin)
        table = features.at(origin, level)
        moved = [np.sum(table * np.array(x.coefficients)[x.part], axis=1) for x in self.divisions]
        return np.maximum((table[:, 0] + np.mean(moved, axis=0)) * level, 0.0)


def fit(features: Features, before: int, sample: TrainingSample) -> Ridge:
    """Fit to a sample of origins whose outcome lies before bin `before`.

    Iteratively reweighted least squares towards the least sum of absolute errors, every series weighted by its level as
    WAPE does, with a small ridge penalty on the distance from the last value. The series that together carry next to
    nothing are forecast, and not learnt from.
    """
    rough, large = _roughness(_before(features, before))
    parts = [_parts(rough, large, kinds) for kinds in _KINDS]
    return Ridge(tuple(_divided(sample, part, sample.members) for part in parts))


def sample_of(features: Features, before: int) -> TrainingSample | None:
    """What can be learnt from origins whose outcome lies before a bin; None where there are too few."""
    origins = np.arange(features.first, before - features.horizon)[-_MOST_ORIGINS:]
    heavy = _heavy(_before(features, before).mean(axis=0))
    if origins.size * heavy.size < _LEAST_ROWS or origins.size < _LEAST_ORIGINS:
        return None
    count = min(origins.size, max(_LEAST_ORIGINS, MOST_ROWS // heavy.size))
    rows = [_rows(features, int(origin), heavy) for origin in _thinned(origins, count)]
    tables, goals, weights = (np.stack(column) for column in zip(*rows, strict=True))
    return TrainingSample(tables, goals, weights, heavy)


def _before(features: Features, before: int) -> Floats:
    return features.values[max(before - _ROUGH_BINS, 0) : before]


def _heavy(level: Floats) -> Ints:
    """Positions of the series that together carry nearly everything, the largest first."""
    order = np.argsort(-level, kind="stable")
    carried = np.cumsum(level[order])
    count = int(np.searchsorted(carried, _CARRIED * float(carried[-1]))) + 1
    return order[:count].astype(np.int64)


def _rows(features: Features, origin: int, members: Ints) -> tuple[Floats, Floats, Floats]:
    level = features.level(origin)
    table = features.at(origin, level)
    goal = features.values[origin + features.horizon] / level - table[:, 0]
    return table[members], goal[members], level[members]


def _thinned(origins: Ints, count: int) -> Ints:
    return origins[np.linspace(0, origins.size - 1, count).round().astype(np.int64)]


def _roughness(past: Floats) -> tuple[Floats, Flags]:
    """How far each series moves per bin relative to its whole swing, and which ones are the larger half [S]."""
    level = past.mean(axis=0)
    swing = np.abs(past - level).mean(axis=0)
    rough = np.abs(np.diff(past, axis=0)).mean(axis=0) / np.maximum(swing, 1e-9)
    return rough, np.asarray(level >= np.median(level), dtype=np.bool_)


def _parts(rough: Floats, large: Flags, kinds: int) -> Ints:
    """Divide the series into parts by how rough they are; equal parts of the larger ones."""
    edges = np.quantile(rough[large], np.linspace(0, 1, kinds + 1)[1:-1])
    return np.searchsorted(edges, rough).astype(np.int64)


def _divided(sample: TrainingSample, part: Ints, members: Ints) -> Division:
    columns = sample.tables.shape[2]
    coefficients: list[Floats] = []
    none: Floats = np.array([0.0] * columns)
    for kind in range(int(part.max()) + 1):
        of_kind = part[members] == kind
        table = sample.tables[:, of_kind].reshape(-1, columns)
        goal, weight = sample.goals[:, of_kind].ravel(), sample.weights[:, of_kind].ravel()
        enough = table.shape[0] >= 4 * columns
        coefficients.append(_least_absolute(table, goal, weight) if enough else none)
    return Division(part, tuple(coefficients))


def _least_absolute(table: Floats, goal: Floats, weight: Floats) -> Floats:
    weight = weight / max(float(weight.mean()), 1e-9)
    now, columns = weight, table.shape[1]
    found = goal[:columns] * 0
    for _ in range(_ROUNDS):
        weighted = table * now[:, None]
        normal = weighted.T @ table
        penalty = _PENALTY * float(np.trace(normal)) / columns + 1e-12
        found = _solved(normal + penalty * np.eye(columns), weighted.T @ goal)
        now = weight / np.maximum(np.abs(goal - table @ found), _LEAST_RESIDUAL)
    return found


def _solved(normal: Floats, right: Floats) -> Floats:
    return np.linalg.solve(normal, right).astype(np.float64)
