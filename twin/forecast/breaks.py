"""Weeks in which the level or the growth of traffic changed: what was before tells nothing of what comes.

Every week is tried as the first of a new level, and as the first of another growth, beside a line with errors that are
alike from week to week (Quandt 1960, Chow 1960). The most likely one counts where chance would hardly show it in any of
the weeks that were tried (Bonferroni).
"""

from typing import NamedTuple

import numpy as np

from twin.model import Floats

CHANCE = 0.01
"""How many of the series that never changed are said to have, at most."""
LEAST_SINCE = 3
"""Weeks that a new level lasts at least: fewer are a holiday, or an outage."""
LEAST_GROWN = 6
"""Weeks that tell a growth of their own."""
ALIKE = np.linspace(0.0, 0.95, 20)
"""How alike the deviations of two neighbouring weeks may be, as a correlation."""
_NOTHING = 1e-12


class Break(NamedTuple):
    """The position of the first week after a change, by how much the level moved (a logarithm), and its error."""

    first: int
    moved: float
    error: float


def find_break(week: Floats, level: Floats) -> Break | None:
    """The change that is most surely one; None where the logarithms `level` [W] of weeks [W] show none."""
    steps, kinks = (
        np.arange(LEAST_SINCE, week.size - LEAST_SINCE + 1),
        np.arange(LEAST_GROWN, week.size - LEAST_GROWN),
    )
    if not steps.size or week.size < 2 * LEAST_GROWN:
        return None
    columns = [np.where(np.arange(week.size) >= k, 1.0, 0.0) for k in steps]
    columns += [np.maximum(week - week[k], 0.0) for k in kinks]
    found, error, chance = _tried(week, level, np.array(columns).T)
    best = int(np.argmin(chance))
    if chance[best] * len(columns) > CHANCE:
        return None
    first = int(np.concatenate([steps, kinks])[best])
    since = week.size - first
    nearest = found[first - LEAST_SINCE] if since < LEAST_GROWN else found[best]
    return Break(first, float(nearest), float(error[best]))


def _tried(week: Floats, level: Floats, columns: Floats) -> tuple[Floats, Floats, Floats]:
    """Lay a line and each of some columns [W, K] through weeks: how much of it there is, its error, and the chance [K].

    That chance is of finding as much where there is none, the mean over how alike errors of neighbouring weeks may be;
    the other two are of the likeliest.
    """
    from scipy.special import stdtr

    told, found, error = (np.zeros((ALIKE.size, columns.shape[1])) for _ in range(3))
    table = np.column_stack([np.ones(week.size), week, level, columns])
    for row, alike in enumerate(ALIKE):
        power = alike ** np.diff(week)
        fresh = np.sqrt(1 - power**2)
        white = np.concatenate([table[:1], (table[1:] - power[:, None] * table[:-1]) / fresh[:, None]])
        root, corner = np.linalg.qr(white[:, :2])
        rest = white[:, 2:] - root @ (root.T @ white[:, 2:])
        size = np.maximum((rest[:, 1:] ** 2).sum(axis=0), _NOTHING)
        found[row] = rest[:, 0] @ rest[:, 1:] / size
        squares = np.maximum((rest[:, 0] ** 2).sum() - found[row] ** 2 * size, _NOTHING)
        error[row] = np.sqrt(squares / (week.size - 3) / size)
        told[row] = -np.log(fresh).sum() - np.log(np.abs(np.diag(corner))).sum()
        told[row] -= np.log(size) / 2 + (week.size - 3) / 2 * np.log(squares)
    odds = np.exp(told - told.max(axis=0))
    chance = 2 * (odds * stdtr(week.size - 3, -np.abs(found) / error)).sum(axis=0) / odds.sum(axis=0)
    likeliest = np.argmax(told, axis=0)[None]
    found, error = (np.take_along_axis(x, likeliest, axis=0)[0] for x in (found, error))
    return found, error, np.asarray(chance, np.float64)
