"""How far the next error may lie, by the errors of origins in a row that are closer than the horizon.

Outcomes of `overlap` origins in a row share what moved traffic between them, so that few of their errors are
independent (Hansen, Hodrick 1980). Of a random walk the correlation falls in a straight line; traffic that falls back
to what is usual shares less. How fast it does, the errors themselves say, each speed being as likely as they are by it.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from twin.model import Floats

_FALLS = np.array([1e-6, *2.0 ** np.arange(-2, 7)])
"""How far a shock falls back within a horizon, minus a logarithm: from a random walk's to errors that share nothing."""
_REACH = np.concatenate([[0.0], np.geomspace(0.02, 3000.0, 160)])
_SINES = np.sin((np.arange(24) + 0.5) / 24 * np.pi / 2) ** 2
_RATES = np.geomspace(1e-4, 1e8, 256)
_NOTHING = 1e-12


def independent_origins(origins: int, overlap: int) -> float:
    """How many independent errors tell as much of a variance as those of so many origins in a row.

    Outcomes of `overlap` origins share ever less of what moved them, in a straight line; a mean of squares of such
    normal errors has origins² / (sum of their squared correlations) degrees of freedom (Satterthwaite 1946).
    """
    apart = np.arange(1, min(origins, overlap))
    return origins**2 / (origins + 2 * float(((origins - apart) * (1 - apart / overlap) ** 2).sum()))


def next_error(errors: Floats, overlap: int, levels: Floats) -> Floats:
    """Quantiles at some levels [L] of the next error over the root of the mean square of errors [O] so far.

    All are normal, of mean 0. Student's t with as many degrees of freedom as the mean square has is no such law: a sum
    of squares that go together is hardly ever as small as one of so few that do not, and t reaches much too far.
    """
    laws = _laws(len(errors), overlap)
    squares = np.maximum(((laws.white @ errors) ** 2).sum(axis=1), _NOTHING)
    told = laws.told - len(errors) / 2 * np.log(squares)
    odds = np.exp(told - told.max())
    beyond = odds @ laws.beyond / odds.sum()
    tails = np.minimum(levels, 1 - levels)
    reach: Floats = np.interp(-np.log(tails), -np.log(np.maximum(beyond, _NOTHING)), _REACH).astype(np.float64)
    return np.where(levels < 0.5, -reach, reach)


class _Laws(NamedTuple):
    """Of errors that fall back by each of `_FALLS` [A]."""

    white: Floats  # [A, O, O] makes them independent
    told: Floats  # [A] minus half the logarithm of the determinant of their correlation
    beyond: Floats  # [A, _REACH] chance that the next one lies so far above, over the root of their mean square


@lru_cache(maxsize=512)
def _laws(origins: int, overlap: int) -> _Laws:
    """Chances by the formula of Craig (1991), over the Laplace transform of a sum of squares of normal errors."""
    falls = _FALLS[:, None, None] if overlap > 1 else _FALLS[:1, None, None]
    apart = np.abs(np.subtract.outer(np.arange(origins), np.arange(origins)))
    shared = np.maximum(1 - apart / overlap, 0.0)
    values, vectors = np.linalg.eigh(
        np.exp(-falls * apart / overlap) * np.expm1(-2 * falls * shared) / np.expm1(-2 * falls)
    )
    values = np.maximum(values, _NOTHING)
    halves = np.log1p(_RATES[:, None] * values[:, None] / origins).sum(axis=2) / 2  # [A, _RATES]
    rates = np.log(_REACH[1:, None] ** 2 / _SINES)
    sums: Floats = np.array([np.interp(rates, np.log(_RATES), half) for half in halves], np.float64)
    beyond: Floats = np.exp(-sums).mean(axis=2) / 2
    return _Laws(
        (np.swapaxes(vectors, 1, 2) / np.sqrt(values)[:, :, None]).astype(np.float64),
        -np.log(values).sum(axis=1) / 2,
        np.column_stack([np.full(len(falls), 0.5), beyond]),
    )
