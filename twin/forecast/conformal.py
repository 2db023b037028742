"""Intervals from the errors of the backtest: split conformal prediction where series are many, a law where not.

Vovk, Gammerman, Shafer (2005), algorithmic learning in a random world; Gibbs, Candès (2021), adaptive conformal
inference under distribution shift. All traffic rises and falls together, and of that a few days of history hold few
independent samples: with m of them no quantile beyond m / (m + 1) can be had without a law (Dunn, Wasserman, Ramdas
2022). So an error is taken apart into what all series of a group have in common at an origin, which is taken for a
log-normal factor whose spread few samples tell, and what each does beside it, of which there is enough for quantiles.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints

from .overlapping import independent_origins, next_error

STEP = 0.02
"""How far the level moves after one origin at least, times how far its coverage was off."""
_WINDOW = 96  # origins whose errors count
LEAST_ORIGINS = 8
_LEAST_TAIL = 0.005
_NOTHING = 1e-9
_LEAST_RELATIVE, _MOST_POWER = 0.05, 2.0
_TWOFOLD = float(np.log(2))
_OWN, _COMMON = ((np.arange(x) + 0.5) / x for x in (41, 99))  # levels of either part of an error


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
        self._relative: list[Floats] = []

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
        low, high = self._reach(self._ratios(centre, scale))
        return ForecastInterval(np.maximum(centre + low * scale, 0.0), centre + high * scale)

    def _reach(self, relative: Floats) -> ForecastInterval:
        past, then = np.stack(self._errors[-_WINDOW:]), np.stack(self._relative[-_WINDOW:])
        low, high = np.zeros(past.shape[1]), np.zeros(past.shape[1])
        for group, members in enumerate(self._members):
            if members.size:
                tail = min(max(float(self._miss[group]) / 2, _LEAST_TAIL), 0.5)
                ratio = (then[:, group], float(relative[group]))
                low[members], high[members] = _ends(past[:, members], ratio, tail, self._overlap)
        return ForecastInterval(np.minimum(low, 0.0), np.maximum(high, 0.0))

    def _ratios(self, centre: Floats, scale: Floats) -> Floats:
        """The scale of all series of each group together, as a share of what is forecast for them."""
        return np.array([max(_share(scale[x].sum(), centre[x].sum()), _NOTHING) for x in self._members])

    def learn(self, truth: Floats, centre: Floats, scale: Floats) -> float | None:
        """Take in what came true; returns the share of series that the interval covered, None before there was one.

        Where outcomes overlap the level stays as it was asked: an interval of now knows their neighbours.
        """
        share = None
        if self.ready and self._overlap == 1:
            low, high = self.interval(centre, scale)
            held = (truth >= low) & (truth <= high)
            share = float(held.mean())
            for group, members in enumerate(self._members):
                if members.size:
                    off = float(held[members].mean()) - self.coverage
                    self._miss[group] = min(max(self._miss[group] + self._step * off, 2 * _LEAST_TAIL), 0.6)
        self._errors.append((truth - centre) / scale)
        self._relative.append(self._ratios(centre, scale))
        return share


def _ends(errors: Floats, relative: tuple[Floats, float], tail: float, overlap: int) -> tuple[float, float]:
    """The ends beyond which the next error of a group lies with a probability of `tail`, from errors [O, M] so far.

    What all have in common is a factor: the logarithm of traffic is normal (Alasmar, Clegg, Zakhleniuk, Parisis 2021),
    straight on beyond its double, which tails of few samples go far beyond.
    A mean of the series strays by their own errors too, of which it has nothing in common (analysis of variance, Fisher
    1925). Those are a sample: the next one is beyond its k-th largest of n with a probability of k / (n + 1), of which
    the sample itself has (k - 1) / n beyond.
    `relative` is the unit of errors as a share of the traffic, then [O] and now.
    """
    then, now = relative
    common: Floats = errors.mean(axis=1)
    beside = errors - common[:, None]
    own, of_own = np.quantile(beside, _OWN), float((beside**2).mean())
    factors = np.log1p(np.maximum(common * then, _LEAST_RELATIVE - 1)) / then
    of_common = max(float((factors**2).mean()) - of_own / max(errors.shape[1] - 1, 1), 0.0)
    factor = np.sqrt(of_common) * now * next_error(factors, overlap, _COMMON)
    away = (np.expm1(np.minimum(factor, _TWOFOLD)) + 2 * np.maximum(factor - _TWOFOLD, 0.0)) / now
    sampled = of_own / max(of_own + of_common, _NOTHING)
    samples = independent_origins(len(errors), overlap) * errors.shape[1]
    seen = max(tail - sampled * (1 - tail) / samples, 0.0)
    low, high = np.quantile(own[:, None] + away, [seen, 1 - seen])
    return float(low), float(high)


def _share(part: float, whole: float) -> float:
    return part / max(whole, _NOTHING)


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
    """Mean absolute change of each series over the horizon, of all that ended in the day before, and a floor [S]."""
    begin = max(origin - day - horizon, 0)
    past = values[begin : origin + 1]
    lag = min(horizon, max(len(past) - 1, 1))
    moves = np.abs(past[lag:] - past[:-lag]).mean(axis=0) if len(past) > lag else np.zeros(values.shape[1])
    return moves + 0.02 * past.mean(axis=0) + 1e-6
