"""A line through weeks whose growth may have changed once, and what it says of weeks to come.

A few weeks since a change hardly show it: growth that doubles is told from growth that stays only after half a year,
where weeks differ by a twentieth. So none is chosen. Lines that bend in each of the weeks, and the one that does not,
count by how likely the weeks make them (Bayesian model averaging, Hoeting, Madigan, Raftery, Volinsky 1999), and the
interval is as wide as what is not known of the newest weeks. A growth lasts `LASTS` weeks in the mean, and changes by
about as much as it is: it may stop, or double. Both are assumptions, of which one link tells next to nothing.
"""

from typing import NamedTuple

import numpy as np

from twin.model import Floats

from .breaks import ALIKE, LEAST_GROWN

LASTS = 104
"""Weeks that a growth stays the same in the mean."""
_DRAWS = 400
_MOST_BENDS = 104  # of longer histories not every week is tried
_NOTHING = 1e-12


class Futures(NamedTuple):
    """What may come: growth a week, and the logarithms of the levels of the weeks ahead."""

    slopes: Floats  # [D]
    levels: Floats  # [D, ahead]


class _Laid(NamedTuple):
    """Lines for each of `ALIKE` and each week in which they may bend, the first of them never [A, K]."""

    odds: Floats  # [A, K]
    squares: Floats  # [A, K] around the line
    centre: Floats  # [A, K, 3] start, slope and, before the bend, the slope there less that since
    inverse: Floats  # [A, K, 3, 3] covariance of these, over a week's variance


def draw_futures(
    week: Floats, rest: Floats, line: tuple[float, float], ahead: int, rng: np.random.Generator
) -> Futures:
    """Draw lines through the weeks [W], and weeks around them; `rest` [W] is what each is off the line that was found.

    `line` is slope and start of that, a logarithm, at week 0, the newest.
    """
    slope, start = line
    laid = _laid(week, rest, slope)
    which = rng.choice(laid.odds.size, _DRAWS, p=laid.odds.ravel())
    one, bend = np.unravel_index(which, laid.odds.shape)
    alike, spread = ALIKE[one], np.sqrt(laid.squares[one, bend] / rng.chisquare(rest.size - 2, _DRAWS))
    root = np.linalg.cholesky(laid.inverse[one, bend]).astype(np.float64)
    off = laid.centre[one, bend] + spread[:, None] * (root @ rng.standard_normal((_DRAWS, 3, 1)))[:, :, 0]
    around = rest[-1] - off[:, 0] - off[:, 1] * week[-1]
    fresh = (spread * np.sqrt(1 - alike**2))[:, None] * rng.standard_normal((_DRAWS, ahead))
    levels = start + off[:, :1] + (slope + off[:, 1:2]) * np.arange(1, ahead + 1)
    for later in range(ahead):
        around = alike * around + fresh[:, later]
        levels[:, later] += around
    return Futures(slope + off[:, 1], levels)


def _laid(week: Floats, rest: Floats, slope: float) -> _Laid:
    """Lay lines by least squares through weeks that are alike as far as each of `ALIKE` says, which is as likely.

    The posterior of that likeness and of the line is exact where what weeks do around it is normal (Zellner, Tiao
    1964).
    """
    told, cross, goal, total = _sums(week, rest)
    freedom = week.size - 2

    def lie(cross: Floats, goal: Floats, total: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        inverse = np.linalg.inv(cross).astype(np.float64)
        centre: Floats = (inverse @ goal[..., None])[..., 0]
        squares = np.maximum(total - (centre * goal).sum(axis=-1), _NOTHING)
        return -np.linalg.slogdet(cross)[1] / 2 - freedom / 2 * np.log(squares), squares, centre, inverse

    likely, squares, centre, inverse = lie(cross[:, 0, :2, :2], goal[:, 0, :2], total)
    weights = np.exp(told + likely - (told + likely).max())
    second = (slope + centre[:, 1]) ** 2 + squares / freedom * inverse[:, 1, 1]
    cross[:, :, 2, 2] += float(weights @ squares) / freedom / float(weights @ second)  # a change is as large as growth
    likely, squares, centre, inverse = lie(cross, goal, total[:, None])
    bends, stays = cross.shape[1] - 1, float(np.exp(-week.size / LASTS))
    odds = np.exp(told[:, None] + likely - (told[:, None] + likely).max())
    odds *= np.concatenate([[stays], np.full(bends, (1 - stays) / max(bends, 1))])
    return _Laid(odds / odds.sum(), squares, centre, inverse)


class _Sums(NamedTuple):
    """What least squares need of weeks that were made independent by each of `ALIKE`, for lines that bend [A, K]."""

    told: Floats  # [A] minus half the logarithm of the determinant of their correlation
    cross: Floats  # [A, K, 3, 3] of start, slope and bend; no line that bends has zeros
    goal: Floats  # [A, K, 3] of these with what weeks are off
    total: Floats  # [A] of that with itself


def _sums(week: Floats, rest: Floats) -> _Sums:
    apart = -(-week.size // _MOST_BENDS)
    bends = [np.minimum(week - week[bend], 0.0) for bend in range(1, week.size - LEAST_GROWN, apart)]
    table = np.column_stack([np.ones(week.size), week, rest, np.zeros(week.size), *bends])
    alike = ALIKE[:, None] ** np.diff(week)  # weeks that were left out lie between some
    fresh = np.sqrt(1 - alike**2)
    white = (table[1:] - alike[:, :, None] * table[:-1]) / fresh[:, :, None]
    white = np.concatenate([np.tile(table[:1], (ALIKE.size, 1, 1)), white], axis=1)
    sides: Floats = np.swapaxes(white[:, :, :3], 1, 2) @ white  # [A, 3, 3 + K]
    cross = np.zeros((ALIKE.size, white.shape[2] - 3, 3, 3))
    cross[:, :, :2, :2] = sides[:, None, :2, :2]
    cross[:, :, :2, 2] = cross[:, :, 2, :2] = np.swapaxes(sides[:, :2, 3:], 1, 2)
    cross[:, :, 2, 2] = (white[:, :, 3:] ** 2).sum(axis=1)
    goal = np.empty(cross.shape[:3])
    goal[:, :, :2], goal[:, :, 2] = sides[:, None, :2, 2], sides[:, 2, 3:]
    return _Sums(-np.log(fresh).sum(axis=1), cross, goal, sides[:, 2, 2])
