"""Means, medians, ratios and newest values where some are missing, for which NaN stands."""

import numpy as np

from twin.live.network import Flags
from twin.model import Floats, Ints


def mean(values: Floats) -> Floats:
    """Mean over the first axis of what is there; NaN where nothing is."""
    known = np.isfinite(values)
    total: Floats = np.where(known, values, 0.0).sum(axis=0)
    count: Ints = known.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def middle(values: Floats) -> Floats:
    """Median over the first axis of what is there; NaN where nothing is."""
    if not len(values):
        return np.full(values.shape[1:], np.nan)
    ordered = np.sort(values, axis=0)  # NaN comes last; numpy's own median of what is there takes ten times as long
    count = np.asarray((~np.isnan(values)).sum(axis=0))[None]
    low, high = (
        np.take_along_axis(ordered, x, axis=0)[0] for x in (np.maximum(count - 1, 0) // 2, count // 2 % len(values))
    )
    return np.where(np.isfinite(values).any(axis=0), (low + high) / 2, np.nan)


def ratio(part: Floats, whole: Floats) -> Floats:
    """Divide element by element; NaN where the divisor is not positive."""
    positive = whole > 0
    return np.where(positive, part / np.where(positive, whole, 1.0), np.nan)


def missed_polls(missing: Flags) -> Floats:
    """How many polls it takes at least to make these readings missing [K, m] -> [m].

    A rate takes two polls in a row: a gap of r readings is r - 1 missed polls, and one reading alone is one.
    """
    edges = np.zeros((1, missing.shape[1]), dtype=bool)
    padded = np.concatenate([edges, missing, edges])
    begins = missing & ~padded[:-2]
    alone = begins & ~padded[2:]
    return (missing.sum(axis=0) - begins.sum(axis=0) + alone.sum(axis=0)).astype(np.float64)


def newest(values: Floats) -> Floats:
    """The last value of each column that is there; NaN where none is."""
    known = np.isfinite(values)
    last = len(values) - 1 - np.argmax(known[::-1], axis=0)
    return np.where(known.any(axis=0), values[last, np.arange(values.shape[1])], np.nan)
