"""Rates from counters: differences at the samples' own times, and nothing where the difference proves none.

A counter wraps at its width and starts anew after a reboot (RFC 2863, sections 3.1.6 and 3.1.5). A difference over a
gap, over a restart, or that no interface of that speed could have made is missing, never negative and never drawn out.
"""

from typing import NamedTuple

import numpy as np

from twin.model import Bools, Floats, Ints

UInts = np.ndarray[tuple[int], np.dtype[np.uint64]]
GAP = 1.5
"""Usual intervals after which two readings are no neighbours."""
_FULL = 1.05  # of its capacity, the most that an interface can have counted
_ALIKE = 2.0  # times the usual rate of a series that a wrapped difference may be, where nothing else tells
_ONE = 1e-3  # seconds within which two readings are one


class Readings(NamedTuple):
    """Readings of counters in any order: epoch seconds, which series each belongs to, and what was counted.

    `known` is whether there was a count at all. `per_count` is Mbit in one count of each series [S], `ceiling` the most
    Mbit/s it can have [S] (NaN where unknown), and `wide` whether it has 64 bits [S]. `uptime` [rows] is the seconds
    that the device has been up, NaN where it is not said.
    """

    time: Floats
    series: Ints
    counted: UInts
    known: Bools
    per_count: Floats
    ceiling: Floats
    wide: Bools
    uptime: Floats


class Rates(NamedTuple):
    """Mean rates [R] over the interval from `begin` to `end`, NaN where it is missing, and why that is so.

    `wrapped` counts differences over a wrap, which are rates; `restarted`, `gaps` and `impossible` are missing ones.
    """

    begin: Floats
    end: Floats
    series: Ints
    rate: Floats
    wrapped: int
    restarted: int
    gaps: int
    impossible: int


def rates_of(readings: Readings) -> Rates:
    """Turn readings into rates; of readings of one series at one time the last counts."""
    order = np.lexsort((readings.time, readings.series))
    order = order[readings.known[order] & np.isfinite(readings.time[order])]
    time, series = readings.time[order], readings.series[order]
    later = np.concatenate(
        [(series[1:] != series[:-1]) | (time[1:] > time[:-1] + _ONE), np.ones(min(1, order.size), bool)]
    )
    order = order[later]
    time, series, count = readings.time[order], readings.series[order], readings.counted[order]
    pair = np.flatnonzero(series[1:] == series[:-1])
    begin, end, of = time[pair], time[pair + 1], series[pair]
    seconds = end - begin
    before, after = count[pair], count[pair + 1]
    per_count, ceiling = readings.per_count[of], readings.ceiling[of]
    plain: Floats = np.where(after >= before, after - before, 0).astype(np.float64) * per_count / seconds
    gap = seconds > GAP * usual_gap(seconds, of, readings.per_count.size)
    restarted = _restarted(readings.uptime[order][pair], readings.uptime[order][pair + 1], seconds)
    fell = after < before
    wrapped_rate = _wrapped(before, after, readings.wide[of]) * per_count / seconds
    steady = ~gap & ~restarted & ~fell & ~(plain > _FULL * ceiling)
    usual = _usual(plain, of, steady, readings.per_count.size)[of]
    may_wrap = fell & ~gap & ~restarted & ~_neighbours_fell(fell & ~readings.wide[of], begin, end)
    wrapped = may_wrap & (wrapped_rate <= np.where(np.isfinite(ceiling), _FULL * ceiling, np.inf))
    wrapped &= (wrapped_rate <= _ALIKE * usual) & (wrapped_rate >= usual / _ALIKE)
    impossible = ~gap & ~restarted & ~fell & (plain > _FULL * ceiling)
    rate = np.where(steady, plain, np.where(wrapped, wrapped_rate, np.nan))
    lost = restarted | (fell & ~wrapped & ~gap)
    return Rates(begin, end, of, rate, *(int(x.sum()) for x in (wrapped, lost, gap & ~restarted, impossible)))


def usual_gap(seconds: Floats, series: Ints, count: int) -> Floats:
    """Seconds that usually lie between two readings, for each of them: the median of its series, else of all."""
    if not seconds.size:
        return seconds
    found = np.full(count, float(np.median(seconds)))
    order = np.lexsort((seconds, series))
    at, first, rows = np.unique(series[order], return_index=True, return_counts=True)
    enough = rows >= 3
    found[at[enough]] = seconds[order][first[enough] + (rows[enough] - 1) // 2]
    return found[series]


def _restarted(before: Floats, after: Floats, seconds: Floats) -> Bools:
    """Whether the device was started between two readings: it has been up for less than the time between them."""
    with np.errstate(invalid="ignore"):
        return (after < before) | (after < seconds - 1.0)


def _wrapped(before: UInts, after: UInts, wide: Bools) -> Floats:
    """Counts between two readings of which the second is smaller, if the counter went past its end once."""
    narrow = (after + np.uint64(2**32) - before).astype(np.float64)
    full = (after - before).astype(np.float64)  # modulo 2^64 by the type's own arithmetic
    return np.where(wide, full, np.where(before < 2**32, narrow, np.inf))


def _neighbours_fell(fell: Bools, begin: Floats, end: Floats) -> Bools:
    """Differences of intervals in which most counters fell at once: that is a restart of what they are on."""
    if not fell.any():
        return fell
    _, interval, members = np.unique(np.stack([begin, end]), axis=1, return_inverse=True, return_counts=True)
    interval = interval.ravel()
    fallen = np.bincount(interval, fell, members.size)
    return ((members >= 4) & (fallen > 0.5 * members))[interval]


def _usual(rate: Floats, series: Ints, good: Bools, count: int) -> Floats:
    """Median rate of each series over its good differences [S], NaN where it has none."""
    found = np.full(count, np.nan)
    order = np.lexsort((rate, series))
    order = order[good[order]]
    at, first, rows = np.unique(series[order], return_index=True, return_counts=True)
    found[at] = rate[order][first + rows // 2]
    return found
