"""Two answers to the same cases: whether the difference is more than chance."""

from collections.abc import Sequence
from math import comb
from typing import NamedTuple

from .intervals import ScoreInterval, mean_interval


class PairedDifference(NamedTuple):
    """The second against the first on shared cases. `gained` and `lost` count cases that only one of them passed."""

    cases: int
    gained: int
    lost: int
    probability: float  # of a split as uneven as this one by chance alone, two-sided

    @property
    def certain(self) -> bool:
        """Whether chance alone gives such a split in less than one in twenty."""
        return self.probability < 0.05


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> PairedDifference:
    """Exact McNemar test (Psychometrika 12, 1947): of the cases that differ, half should go either way."""
    gained = sum(b and not a for a, b in zip(first, second, strict=True))
    lost = sum(a and not b for a, b in zip(first, second, strict=True))
    differing = gained + lost
    tail = sum(comb(differing, i) for i in range(min(gained, lost) + 1)) / 2**differing
    return PairedDifference(len(first), gained, lost, min(1.0, 2 * tail))


def paired_difference(first: Sequence[float], second: Sequence[float], clusters: Sequence[str]) -> ScoreInterval:
    """Mean of second minus first on shared cases, with a clustered bootstrap interval."""
    return mean_interval([b - a for a, b in zip(first, second, strict=True)], clusters)
