"""Gradient-boosted trees over all series at once, where LightGBM is installed (extra `forecast`)."""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol, cast

import numpy as np

from twin.model import Floats

from .features import Features
from .ridge import TrainingSample

LEAST_ROWS = 8_000
"""Rows below which trees learn the noise."""
_ROUNDS = 80
_MOST_ROWS = 16_000
_SETTINGS = {
    "objective": "l1",  # WAPE is a sum of absolute errors
    "learning_rate": 0.1,
    "num_leaves": 20,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "num_threads": 1,
    "seed": 1,
    "deterministic": True,
    "force_col_wise": True,
    "verbose": -1,
}


class _Trees(Protocol):
    def predict(self, table: Floats) -> Floats: ...


class _Library(Protocol):
    """What is used of LightGBM."""

    def Dataset(self, table: Floats, goal: Floats, *, weight: Floats) -> object: ...  # noqa: N802 - its own name

    def train(self, settings: dict[str, object], data: object, rounds: int) -> _Trees: ...


def is_installed() -> bool:
    """Whether the library is there."""
    return find_spec("lightgbm") is not None


def warm() -> None:
    """Load the library where it is installed, and use it once: its memory is had from then on."""
    if is_installed():
        library, ramp = cast("_Library", import_module("lightgbm")), np.arange(256.0)
        library.train(dict(_SETTINGS), library.Dataset(ramp[:, None], ramp, weight=np.ones(256)), 1)


@dataclass(frozen=True)
class Boosted:
    """Fitted trees for one horizon."""

    trees: _Trees

    def predict(self, features: Features, origin: int) -> Floats:
        """Forecast of every series, `features.horizon` bins after `origin` [S]; never negative."""
        level = features.level(origin)
        table = features.at(origin, level)
        return np.maximum((table[:, 0] + self.trees.predict(table)) * level, 0.0)


def boost(sample: TrainingSample) -> Boosted:
    """Fit trees to what the regression learns from: how far each series moves away from its last value.

    Every series counts by its level, as WAPE does. Same sample, same trees.
    """
    library = cast("_Library", import_module("lightgbm"))
    columns = sample.tables.shape[2]
    table, goal, weight = sample.tables.reshape(-1, columns), sample.goals.ravel(), sample.weights.ravel()
    step = max(1, -(-len(goal) // _MOST_ROWS))
    table, goal, weight = table[::step], goal[::step], weight[::step]
    data = library.Dataset(table, goal, weight=weight / max(float(weight.mean()), 1e-9))
    return Boosted(library.train(dict(_SETTINGS), data, _ROUNDS))
