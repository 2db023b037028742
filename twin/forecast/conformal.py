"""Intervals from the errors of the backtest: split conformal prediction, its level adapted to what it really covers.

Vovk, Gammerman, Shafer (2005), algorithmic learning in a random world; Gibbs, Candès (2021), adaptive conformal
inference under distribution shift. Where outcomes of neighbouring origins overlap, their errors are alike, and the
quantiles of some origins miss more at others than at their own: the tails are narrowed until blocks of origins that
were left out are missed as often as was asked (conformal prediction with groups: Dunn, Wasserman, Ramdas 2022).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin.live.network import Flags
from twin.model import Floats, Ints

STEP = 0.02
"""How far the level moves after one origin at least, times how far its coverage was off."""
_WINDOW = 96  # origins whose errors count
LEAST_ORIGINS = 8
_LEAST_BLOCKS, _MOST_BLOCKS = 2, 6
_NOTHING = 1e-9
_LEAST_RELATIVE, _MOST_POWER = 0.05, 2.0
_NARROWER = np.array([1, 0.8, 0.6, 0.4, 0.25, 0.15, 0.08, 0.03])


class ForecastInterval(NamedTuple):
    """Lower and upper end for each series [S]."""

    low: Floats
    high: Floats


class Conformal:
    """Errors in units of each series' own scale, and the level that has covered what was asked for.

    Series are in `groups` [S], such as those of one load: each group has quantiles and a level of its own, so that the
    intervals of the few that carry much are as right as those of the many that carry little (Mondrian conformal
    prediction, Vovk et al. 2005, section 4.5). `overlap` origins in a row are closer than the horizon. Of `origins`
    that tell of its coverage each moves a level by its part, so that together they move it by their mean shortfall.
    """

    def __init__(self, coverage: float, groups: Ints, *, overlap: int = 1, origins: int = 0) -> None:
        self._step = max(STEP, 1 / origins) if origins else STEP
        self.coverage, self._groups, self._overlap = coverage, groups, overlap
        self._members = [np.flatnonzero(groups == group) for group in range(int(groups.max(initial=0)) + 1)]
        self._miss: Floats = np.array([1 - coverage] * len(self._members))
        self._errors: list[Floats] = []
        self._reached: ForecastInterval | None = None  # as far as the errors so far reach, in units of the scale

    @property
    def ready(self) -> bool:
        """Whether there are enough errors for an interval."""
        return len(self._errors) >= LEAST_ORIGINS

    @property
    def level(self) -> float:
        """Share that the quantiles are to cover now, the mean over the series."""
        return 1 - float(self._miss[self._groups].mean())

    def interval(self, centre: Floats, scale: Floats) -> ForecastInterval:
        """Interval around a forecast; `scale` [S] is how far each series usually moves."""
        if self._reached is None:
            self._reached = self._reach()
        low, high = self._reached
        return ForecastInterval(np.maximum(centre + low * scale, 0.0), centre + high * scale)

    def _reach(self) -> ForecastInterval:
        past = np.stack(self._errors[-_WINDOW:])
        low, high = np.zeros(past.shape[1]), np.zeros(past.shape[1])
        for group, members in enumerate(self._members):
            if members.size:
                errors = past[:, members]
                tail = min(max(float(self._miss[group]) / 2, 1 / (errors.size + 1)), 0.5)
                below, above = _held_out(errors, tail, self._overlap) if self._overlap > 1 else (tail, tail)
                low[members], high[members] = np.quantile(errors, [below, 1 - above])
        return ForecastInterval(np.minimum(low, 0.0), np.maximum(high, 0.0))

    @property
    def sure(self) -> bool:
        """Whether intervals are as wide as blocks of origins that were left out ask for, rather than by a guess."""
        return self.ready and (self._overlap == 1 or len(self._errors) // self._overlap >= _LEAST_BLOCKS)

    def learn(self, truth: Floats, centre: Floats, scale: Floats, held: Flags | None = None) -> float | None:
        """Take in what came true; returns the share of series that the interval covered, None before there was one.

        `held` is which of them an interval covered that was made when the forecast was: with overlapping outcomes that
        of now knows their neighbours, and says nothing.
        """
        if held is None and self.ready and self._overlap == 1:
            low, high = self.interval(centre, scale)
            held = (truth >= low) & (truth <= high)
        if held is not None:
            for group, members in enumerate(self._members):
                if members.size:
                    off = float(held[members].mean()) - self.coverage
                    self._miss[group] = min(max(self._miss[group] + self._step * off, 0.005), 0.6)
        self._errors.append((truth - centre) / scale)
        self._reached = None
        return None if held is None else float(held.mean())


def _held_out(errors: Floats, tail: float, overlap: int) -> tuple[float, float]:
    """Tails below and above, at most `tail`, that miss as much of blocks of origins [O, M] that are left out.

    A block holds at least `overlap` origins. With a single block nothing can be left out: a quarter of the tail.
    """
    count = min(len(errors) // overlap, _MOST_BLOCKS)
    tails = tail * _NARROWER
    if count < _LEAST_BLOCKS:
        return float(tails[-4]), float(tails[-4])
    missed = np.zeros((2, tails.size))
    for block in np.array_split(np.arange(len(errors)), count):
        rest, left_out = np.delete(errors, block, axis=0), errors[block].ravel()[:, None]
        low, high = np.split(np.quantile(rest, [*tails, *(1 - tails)]), 2)
        missed += [(left_out < low).mean(axis=0), (left_out > high).mean(axis=0)]
    below, above = (float(np.interp(tail, x[::-1] / count, tails[::-1])) for x in missed)
    return below, above


class LevelScale(NamedTuple):
    """How errors grow with the traffic: the scale of each series times (all that is forecast / as usual) to a power."""

    usual: float  # all series together, the mean of the forecasts at past origins
    power: float

    def at(self, centre: Floats, scale: Floats) -> Floats:
        """The scale of each series where this is forecast [..., S]."""
        return scale * _relative(centre, self.usual) ** self.power


def level_scale(truth: Floats, centre: Floats, scale: Floats, overlap: int = 1) -> LevelScale:
    """Find how errors grow with the traffic from those of past origins [O, S], by least squares of their logarithms.

    Where there is more traffic it varies more: its variance is a power of its mean, in one network much the same for
    all demands (Gunnar, Johansson, Telkamp, IMC 2004). An interval of one width at night and at the peak is
    too wide at the one and too narrow at the other (normalised conformal prediction, Papadopoulos et al. 2011). The
    hour is told by the forecast of all series together, which is surer than that of each; each is compared with itself
    alone. The power is shrunk by its own error, so that a few errors move nothing. Errors of one origin are alike, and
    so are those of `overlap` origins in a row: how sure the power is, is told by leaving out blocks of them (jackknife,
    Quenouille 1956), and from one block no power is told.
    """
    usual = max(float(centre.sum(axis=1).mean()), _NOTHING)
    blocks = np.array_split(np.arange(len(centre)), max(len(centre) // overlap, 1))
    if len(blocks) < 2:
        return LevelScale(usual, 0.0)
    sums = _sums_by_block(np.abs(truth - centre) / scale, np.log(_relative(centre, usual)), blocks)
    slope, others = (
        _slope(sums.sum(axis=1)),
        np.array([_slope(np.delete(sums, b, axis=1).sum(axis=1)) for b in range(len(blocks))]),
    )
    error = float(((others - others.mean()) ** 2).sum()) * (len(blocks) - 1) / len(blocks)
    kept = max(0.0, 1 - error / slope**2) if slope else 0.0
    return LevelScale(usual, min(max(slope * kept, 0.0), _MOST_POWER))


def _sums_by_block(error: Floats, x: Floats, blocks: Sequence[Ints]) -> Floats:
    """Of each series in each block of origins: how many errors there are, and the sums of x, y, xy and xx [5, B, S].

    y is the logarithm of the error [O, S], x that of the level [O, 1].
    """
    there = error > _NOTHING
    y = np.where(there, np.log(np.where(there, error, 1.0)), 0.0)
    terms = (there, there * x, y, x * y, there * x**2)
    return np.array([[term[block].sum(axis=0) for block in blocks] for term in terms], np.float64)


def _slope(sums: Floats) -> float:
    """Common slope of all series, each about its own means, from its sums [5, S]; 0 where nothing varies."""
    count, x, y, xy, xx = sums
    count = np.maximum(count, 1.0)
    spread = float((xx - x**2 / count).sum())
    return float((xy - x * y / count).sum()) / spread if spread > _NOTHING else 0.0


def _relative(centre: Floats, usual: float) -> Floats:
    return np.maximum(centre.sum(axis=-1, keepdims=True) / usual, _LEAST_RELATIVE)


GROUPS = 10
_LEAST_MEMBERS = 12  # series of a group, below which it is not one of its own


def load_groups(level: Floats) -> Ints:
    """Groups of series by how much they carry [S]: tenths where there are enough of them, the smallest first."""
    count = int(min(GROUPS, max(1, level.size // _LEAST_MEMBERS)))
    rank = np.argsort(np.argsort(level, kind="stable"), kind="stable")
    return (rank * count // max(level.size, 1)).astype(np.int64)


def usual_move(values: Floats, origin: int, horizon: int, day: int) -> Floats:
    """Mean absolute change of each series over the horizon, in the day before the origin, and a floor [S]."""
    begin = max(origin - day, 0)
    past = values[begin : origin + 1]
    lag = min(horizon, max(len(past) - 1, 1))
    moves = np.abs(past[lag:] - past[:-lag]).mean(axis=0) if len(past) > lag else np.zeros(values.shape[1])
    return moves + 0.02 * past.mean(axis=0) + 1e-6
