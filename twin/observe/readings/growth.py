"""How much the traffic towards each node has grown against its own recent past, beyond what the whole network did."""

import math
from typing import NamedTuple

import numpy as np

from twin.live.declared import Declaration
from twin.live.network import Flags
from twin.model import Floats, Ints

from .exported import Exported
from .with_gaps import middle

RECENT = 12
"""Samples that make up the recent past."""
_MAD = 1.4826
_STEP = 0.18  # log units: an effect, a fifth more traffic than usual; less is an ordinary day
_CLEAR = 6.0  # standard errors: a level, since the best of all splits of all nodes' series is looked at
_LEAST_ROWS = 4  # samples that tell two means and a spread
_FREE = 0.75  # of the pairs' degrees of freedom: with more left their spread is understated by 13 % at most
_SILENT = math.log(1e-6)  # chance below which no sampled packet is no chance
_NONE = 1e-9  # Mbit/s that no reading tells from nothing
_ROBUST = 4.0  # degrees of freedom of Student's t: no pair alone convicts


class Growth(NamedTuple):
    """One entry per node [n]: NaN where the traffic towards it was not measured."""

    log_factor: Floats  # of all demands towards the node, relative to the network-wide level
    sigma: Floats  # its standard error
    level: float  # network-wide factor
    before: Floats  # [n, n] Mbit/s as the recent past and the network-wide level have it, NaN where unknown
    now: Floats  # [n, n] Mbit/s
    error: Floats  # [n, n] standard error of the pairs' log ratios
    since: Ints | None = None  # [n] samples of the past before the traffic of each node last changed its level

    def total(self, node: int) -> float:
        """Factor on all that goes to a node; NaN where it is not known."""
        known = np.isfinite(self.before[:, node]) & np.isfinite(self.now[:, node])
        before, now = (float(x[known, node].sum()) for x in (self.before, self.now))
        return now / before if before > 0 else float("nan")

    def evenness(self, node: int, factor: float) -> float:
        """Nats by which the pairs towards a node fit the same amount more from every source better than one factor.

        The amounts bring all that goes to the node to `factor` times what it was.
        """
        before, now, error = self.before[:, node], self.now[:, node], self.error[:, node]
        known = (before > 0) & (now > 0) & np.isfinite(error)
        if not known.any():
            return 0.0
        before, now, error = before[known], now[known], error[known]
        added = (factor - 1) * before.sum() / before.size
        alike = np.log(now / before) - float(self.log_factor[node])
        even = np.log(now / (before + added))
        fit = (_ROBUST + 1) / 2 * (np.log1p((alike / error) ** 2 / _ROBUST) - np.log1p((even / error) ** 2 / _ROBUST))
        return float(fit.sum())

    @property
    def score(self) -> Floats:
        """Standard deviations by which a node has grown; 0 where unknown."""
        return np.nan_to_num(self.log_factor / self.sigma)


def growth(
    before: Floats,
    now: Floats,
    per_sample: float,
    samples: tuple[int, int],
    declared: Declaration,
    strays: float = 0.0,
) -> Growth:
    """Compare two mean matrices, Mbit/s [n, n] by source first, over `samples` (before, now) samples each.

    A surge multiplies every demand towards a node by the same factor, so the estimate is the ratio of what its pairs
    carry now to what they did, each weighed by how well it is known: `per_sample` is the rate that one sampled packet
    stands for, Mbit/s, the spread of the pairs around their node is estimated from the matrices themselves (median
    absolute deviation). How far nodes and pairs stray at least, the network declares, and `strays` is how far its
    pairs did from one sample to the next: means of several stray less.
    """
    positive = np.isfinite(before) & np.isfinite(now) & (before > 0) & (now > 0)
    seen = _Rates(before, now, samples, per_sample, positive | _by_chance(before, now, samples, per_sample))
    overall = max(float(seen.now.sum()), _NONE) / max(float(seen.before.sum()), _NONE)
    factor, _ = seen.weighed(np.full(len(before), overall), declared.pair_spread)
    ratio = np.where(positive, np.log(np.where(positive, now, 1.0) / np.where(positive, before, 1.0)), 0.0)
    counting = seen.counting(np.full(len(before), overall))
    least = max(declared.pair_spread, strays * math.sqrt((1 / samples[0] + 1 / samples[1]) / 2))
    spread = max(least, _spread(ratio - np.log(factor), counting, positive))
    factor, weight = seen.weighed(factor, spread)
    log_factor = np.log(factor)
    level = _weighted_median(log_factor, np.sqrt(weight.sum(axis=0)))
    with np.errstate(divide="ignore"):
        sigma = np.sqrt(1 / weight.sum(axis=0) + declared.drift**2)
    error = np.where(positive, np.sqrt(spread**2 + counting), np.nan)
    return Growth(log_factor - level, sigma, float(np.exp(level)), before * np.exp(level), now, error)


class _Rates:
    """Mean rates of pairs, before and now, as so many samples of sampled packets have them, and which are compared."""

    def __init__(
        self, before: Floats, now: Floats, samples: tuple[int, int], per_sample: float, compared: Flags
    ) -> None:
        self.before, self.now = np.where(compared, before, 0.0), np.where(compared, now, 0.0)
        self._samples, self._per_sample, self._compared = samples, per_sample, compared

    def weighed(self, factor: Floats, spread: float) -> tuple[Floats, Floats]:
        """Ratio of now to before of what goes to each node [n], near `factor`, and the weights of its pairs [n, n].

        What weighs is the rate that all samples together give, of which those before and those now have the same share
        by chance: given both counts' sum, one is binomial (Przyborowski and Wilenski, Biometrika 31, 1940). Logarithms
        of few packets, or weights by either count alone, would find a fall wherever one is known less well.
        """
        rate = self._rate(factor)
        weight = np.where(self._compared, 1 / (spread**2 + self.counting(factor)), 0.0)
        now, before = (np.sum(weight / rate * x, axis=0) for x in (self.now, self.before))
        known = (now > 0) & (before > 0)
        return np.where(known, now, np.nan) / np.where(known, before, 1.0), weight

    def counting(self, factor: Floats) -> Floats:
        """Variance that counting sampled packets adds to the log ratio of each pair [n, n]."""
        earlier, newest = self._samples
        return self._per_sample * (factor / earlier + 1 / newest) / self._rate(factor)

    def _rate(self, factor: Floats) -> Floats:
        """What each pair carries now, Mbit/s [n, n], by all samples where its node grew by `factor` [n]."""
        earlier, newest = self._samples
        rate = (earlier * self.before + newest * self.now) / (earlier / factor + newest)
        return np.where(self._compared & (rate > 0), rate, 1.0)


def _by_chance(before: Floats, now: Floats, samples: tuple[int, int], per_sample: float) -> Flags:
    """Pairs [n, n] of which too few packets were sampled to tell, where one of the rates is zero, that it is another.

    A pair that fell silent, or began, is in another state, and says nothing of a factor.
    """
    if not per_sample:
        return np.zeros(before.shape, dtype=np.bool_)
    counts = [np.nan_to_num(rate) * number / per_sample for rate, number in zip((before, now), samples, strict=True)]
    shares = [number / sum(samples) for number in samples]
    chance = counts[0] * np.log(shares[0]) + counts[1] * np.log(shares[1])  # of all packets on the side that has them
    known = np.isfinite(before) & np.isfinite(now) & (counts[0] + counts[1] > 0)
    return np.asarray(known & (chance > _SILENT))


def strayed(demands: Exported) -> float:
    """Log units by which one pair's traffic strays around all pairs' from one sample to the next.

    A robust standard deviation, of samples or, where it comes and goes more slowly, what means of a quarter of them
    would have it be if samples strayed each for itself. 0 where nodes have so many pairs that two matrices tell it, by
    how far pairs are from the mean of their node: one that is alone is at no distance from it.
    """
    seen = (demands.mbps > 0).any(axis=0)
    count, nodes = int(seen.sum()), len(np.unique(demands.target[seen]))
    if len(demands) < 2 or count < 2 or count - nodes >= _FREE * count:
        return 0.0
    rates = np.nan_to_num(demands.mbps[:, seen])
    total = rates.sum(axis=0)
    large = total >= np.median(total)  # small ones are sampled too little
    rates = np.where(rates > 0, rates, np.nan)
    steps, _ = _apart(np.diff(np.log(rates), axis=0), large)
    rows, few = len(rates), len(rates) // 4
    if few:
        blocks = [slice(i * few, (i + 1) * few) for i in range(4)]
        moved = np.log([rates[x].mean(axis=0) / np.delete(rates, x, axis=0).mean(axis=0) for x in blocks])
        means, number = _apart(moved, large)
        surely = means * (1 - 1 / math.sqrt(max(number, 1)))  # by more than it is itself off by
        steps = max(steps, surely / math.sqrt((1 / few + 1 / (rows - few)) / 2))
    return steps * math.sqrt(count / (count - 1))


def _apart(logs: Floats, large: Flags) -> tuple[float, int]:
    """How far the large ones of some pairs are from the middle of all, a robust standard deviation, and of how many."""
    apart = np.abs(logs - middle(logs.T)[:, None])[:, large]
    known = apart[np.isfinite(apart)]
    return (_MAD * float(np.median(known)), known.size) if known.size else (0.0, 0)


def onsets(towards: Floats, declared: Declaration) -> Ints:
    """Row of the traffic towards each node [K, n] from which on it is at its newest level [n]; 0 for none.

    The row that splits the series of each node, taken relative to the network-wide level, into the two means that are
    the most standard errors apart; a step counts from `_STEP` on and above `_CLEAR` of them, where a parabola, of as
    many parameters, does not fit as well: traffic that comes and goes by the hour has no onset. The spread is taken
    from differences of neighbouring rows, so that a step does not hide itself.
    """
    rows, nodes = len(towards), int(towards.shape[-1])
    if rows < _LEAST_ROWS:
        return np.zeros(nodes, np.int64)
    log: Floats = np.log(np.where(towards > 0, towards, 1.0))
    log -= np.median(log, axis=1, keepdims=True)
    spread = np.maximum(_MAD * np.median(np.abs(np.diff(log, axis=0)), axis=0) / np.sqrt(2), declared.drift / 2)
    split = np.arange(1, rows)[:, None]
    below = np.cumsum(log, axis=0)[:-1]
    step = (log.sum(axis=0) - below) / (rows - split) - below / split
    apart = np.abs(step) / (spread * np.sqrt(1 / split + 1 / (rows - split)))
    best: Ints = np.argmax(apart, axis=0)
    columns: Ints = np.arange(nodes, dtype=np.int64)
    clear = (np.abs(step[best, columns]) > _STEP) & (apart[best, columns] > _CLEAR)
    at = best + 1
    held = step[best, columns] ** 2 * at * (rows - at) / rows  # of the sum of squares
    curve = np.linalg.qr(np.vander(np.linspace(-1, 1, rows), 3, increasing=True))[0][:, 1:]
    clear &= held > ((curve.T @ log) ** 2).sum(axis=0)
    return np.asarray(np.where(clear, best + 1, 0), dtype=np.int64)


def _spread(residual: Floats, counting: Floats, known: Flags) -> float:
    """Standard deviation of the pairs around their node, beyond counting noise, from the better half of the pairs."""
    if known.sum() < 4:
        return 0.3
    clear = known & (counting <= float(np.median(counting[known])))
    return _MAD * float(np.median(np.abs(residual[clear])))


def _weighted_median(values: Floats, weight: Floats) -> float:
    known = np.isfinite(values)
    if not known.any():
        return 0.0
    order = np.argsort(values[known])
    cumulated = np.cumsum(weight[known][order])
    middle = int(np.searchsorted(cumulated, float(cumulated[-1]) / 2))
    return float(values[known][order][min(middle, len(order) - 1)])
