"""One family of readings over time: its recent past, how far it usually strays, and which score is unusual."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from twin.live.network import Flags
from twin.model import Floats
from twin.observe.expect.residuals import SELF_CENTRED, Residual

RECENT, SKIPPED = 12, 1
"""Samples that make up the recent past, and newest ones left out of it so that a step is not its own baseline."""
FLOOR = 4.5
"""Standard errors, of both samples, below which nothing alarms whatever the tail says."""
_LONG = 288
_ENOUGH, _LEAST_TAIL = 4, 96
_TAIL = 0.9
_MAD = 1.4826


@dataclass
class StreamFamily:
    """One family of streams: what they did, how they usually stray, and how large the largest score has been."""

    kind: str
    risk: float
    values: deque[Floats] = field(default_factory=lambda: deque[Floats](maxlen=RECENT + SKIPPED))
    strays: deque[Floats] = field(default_factory=lambda: deque[Floats](maxlen=_LONG))
    maxima: deque[float] = field(default_factory=lambda: deque[float](maxlen=2016))
    before: deque[Floats] = field(default_factory=lambda: deque[Floats](maxlen=3))
    usual: Floats | None = None  # how far each stream strays [k]
    floor: float = FLOOR
    threshold: float = field(init=False)
    samples: int = 0

    def __post_init__(self) -> None:
        self.threshold = self.floor

    def centre(self, count: int) -> Floats:
        """What each stream did lately [k]; 0 where that is not known, NaN for growth and packets."""
        unknown = np.full(count, np.nan if self.kind in ("growth", "packets") else 0.0)
        if self.kind not in SELF_CENTRED or len(self.values) < SKIPPED + _ENOUGH:
            return unknown
        past = np.array(list(self.values)[:-SKIPPED])
        known = np.isfinite(past).sum(axis=0) >= _ENOUGH
        return np.where(known, median(past), unknown)

    def error(self, residual: Residual) -> Floats:
        """Standard error of `deviation` [k]: what lasts is none of it once there is a recent past."""
        return residual.error_of(centred=len(self.values) >= SKIPPED + _ENOUGH)

    def deviation(self, residual: Residual) -> Floats:
        """How far one sample is off the recent past [k]; growth is what is beyond the whole network's."""
        off = residual.value - self.centre(residual.value.size)
        return off - float(np.nanmedian(off)) if self.kind == "growth" and np.isfinite(off).any() else off

    def score(self, off: Floats, error: Floats) -> Floats:
        """Signed standard errors by which two samples running are off [k], the lesser of both; 0 if only one is.

        Of growth, it is the step: the least by which two samples are above, or below, the two before them. So a crowd
        that gathers is no alarm.
        """
        z = off / (error if self.usual is None or self.usual.size != error.size else np.fmax(error, self.usual))
        before = [x for x in self.before if x.size == z.size]
        self.before.append(z)
        if self.samples < _LEAST_TAIL and self.kind == "growth":
            self.threshold = max(self.floor, step_of_chance(z.size, self.risk))
        if self.kind != "growth":
            last = before[-1] if before else np.zeros(z.size)
            return np.nan_to_num(np.where(np.sign(z) == np.sign(last), np.where(abs(z) < abs(last), z, last), 0.0))
        if len(before) < 3:
            return np.zeros(z.size)
        low, high = np.fmin(before[0], before[1]), np.fmax(before[0], before[1])
        up, down = np.fmin(z, before[2]) - high, np.fmax(z, before[2]) - low
        return np.nan_to_num(np.where(up > 0, up, np.where(down < 0, down, 0.0)))

    def learn(self, off: Floats, centre: Floats, lesser: Floats, strange: Flags, value: Floats) -> None:
        """Take in a sample; what is strange about it is no part of the usual."""
        self.maxima.append(float(np.abs(np.where(strange, 0.0, lesser)).max(initial=0.0)))
        self.values.append(np.where(strange, centre, value))
        self.strays.append(np.where(strange, np.nan, off))
        self.samples += 1
        if self.samples % RECENT == 0 and len(self.strays) >= 2 * RECENT:
            self.usual = _MAD * median(np.abs(np.array(self.strays)))
            self.calibrate()

    def calibrate(self) -> None:
        """Set the score that a healthy network exceeds in a share `risk` of the samples."""
        self.threshold = max(self.floor, pareto_quantile(np.array(self.maxima), self.risk))

    def arrays(self) -> dict[str, Floats]:
        """What it has learned, as arrays by name: what `take_up` goes on from."""
        nothing = np.zeros(0)
        return {
            "values": np.array(self.values) if self.values else nothing,
            "strays": np.array(self.strays) if self.strays else nothing,
            "maxima": np.array(self.maxima),
            "before": np.array(self.before) if self.before else nothing,
            "usual": nothing if self.usual is None else self.usual,
            "told": np.array([self.threshold, float(self.samples)]),
        }

    def take_up(self, arrays: Mapping[str, Floats]) -> None:
        """Go on from what another one had learned."""
        for name, kept in (("values", self.values), ("strays", self.strays), ("before", self.before)):
            kept.clear()
            kept.extend(np.asarray(x, dtype=np.float64) for x in arrays[name])
        self.maxima.clear()
        self.maxima.extend(float(x) for x in arrays["maxima"])
        self.usual = arrays["usual"] if arrays["usual"].size else None
        self.threshold, self.samples = float(arrays["told"][0]), int(arrays["told"][1])

    def forget(self) -> None:
        """Routing is another one: what single links and paths carried says nothing any more."""
        self.values.clear()
        self.before.clear()


@lru_cache(maxsize=64)
def step_of_chance(streams: int, risk: float) -> float:
    """Step that none of so many streams of independent normal values makes in a share `risk` of the samples.

    A step is the least by which two values are all above, or all below, the two before them, in standard errors. It
    holds until tails are known from enough samples.
    """
    from scipy.special import ndtr

    def chance(step: float) -> float:
        return 2 * streams * width * float((density * ndtr(-(grid + step)) ** 2).sum())

    grid, width = np.linspace(-9.0, 9.0, 1801, retstep=True)
    density = 2 * np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi) * ndtr(grid)  # of the larger of two
    low, high = 0.0, 12.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if chance(middle) > risk else (low, middle)
    return high


def pareto_quantile(scores: Floats, risk: float) -> float:
    """Score that a share `risk` of samples exceeds, by a generalised Pareto tail of the largest tenth of `scores`.

    Fitted by moments, its shape between 0 (exponential) and 0.3; 0 where there are too few scores to fit.
    """
    if scores.size < _LEAST_TAIL:
        return 0.0
    edge = float(np.quantile(scores, _TAIL))
    excess = scores[scores > edge] - edge
    if excess.size < 5 or not excess.any():
        return edge
    mean, variance = float(excess.mean()), max(float(excess.var()), 1e-12)
    shape = min(max(0.5 * (1 - mean**2 / variance), 0.0), 0.3)
    scale = mean * (1 - shape)
    rarer = excess.size / scores.size / risk
    return edge + (scale * float(np.log(rarer)) if shape < 1e-3 else scale / shape * (rarer**shape - 1))


def median(values: Floats) -> Floats:
    """Median over the first axis of what is there; NaN where nothing is."""
    ordered, count = np.sort(values, axis=0), np.isfinite(values).sum(axis=0)
    low, high = np.maximum((count - 1) // 2, 0), count // 2
    middle = (np.take_along_axis(ordered, low[None], axis=0) + np.take_along_axis(ordered, high[None], axis=0))[0] / 2
    return np.where(count > 0, middle, np.nan)
