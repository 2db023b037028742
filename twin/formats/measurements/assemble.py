"""From single rates, each at its own time, to samples that every link has at one time."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin.live.network import InterfaceSamples, LinkSamples
from twin.model import Floats, Ints

from .counters import usual_gap

_UNTOLD_S = 300.0


class Series(NamedTuple):
    """Values of one quantity of links: over the time up to `end` that lasted `seconds`, NaN where it is not known."""

    quantity: str  # out, in, dropped, up, errors or adjacent
    end: Floats
    seconds: Floats
    link: Ints
    value: Floats


class RateGrid(NamedTuple):
    """Times of samples: those of the file itself where all links share them, else one every `interval_s`."""

    times: Floats
    interval_s: float
    skew_s: float
    """Seconds that a reading is at most away from the time of the sample that it is put into."""

    def place(self, end: Floats) -> Ints:
        """Position of the sample nearest to each time."""
        after = np.clip(np.searchsorted(self.times, end), 1, max(self.times.size - 1, 1))
        if self.times.size < 2:
            return np.zeros(end.size, dtype=np.int64)
        before = np.abs(end - self.times[after - 1]) <= np.abs(end - self.times[after])
        return np.where(before, after - 1, after).astype(np.int64)


def grid_of(series: Sequence[Series], interval_s: float | None = None) -> RateGrid:
    """Choose the times of the samples that some series become."""
    end = np.concatenate([x.end for x in series])
    of = np.concatenate([x.link + number * (1 << 32) for number, x in enumerate(series)])
    end, of = end[np.isfinite(end)], of[np.isfinite(end)]
    times, rows = np.unique(end, return_counts=True)
    apart = _spacing(end, of)
    interval = interval_s or apart or _UNTOLD_S
    common = np.median(rows) > 0.5 * np.unique(of).size
    if not times.size or (common and interval_s is None) or (times.size == 1):
        return RateGrid(times, interval, 0.0)
    turn = np.exp(2j * np.pi * (end % interval) / interval).sum()
    phase = (float(np.angle(turn)) / (2 * np.pi)) % 1.0 * interval
    number = np.round((end - phase) / interval)
    placed = np.unique(number) * interval + phase
    return RateGrid(placed, interval, float(np.abs(end - (number * interval + phase)).max()))


def samples_of(series: Sequence[Series], grid: RateGrid, links: int) -> tuple[LinkSamples, InterfaceSamples]:
    """Put series into samples of links: values of one sample are averaged by how long they lasted."""
    found = {name: _dense([x for x in series if x.quantity == name], grid, links) for name in
             ("out", "in", "dropped", "up", "errors", "adjacent")}  # fmt: skip
    some = np.isfinite(found["out"]) | np.isfinite(found["in"]) | np.isfinite(found["up"])
    row, link = np.nonzero(some)
    dropped = found["dropped"] if np.isfinite(found["dropped"]).any() else np.zeros_like(found["out"])
    samples = LinkSamples(
        grid.times[row], link, found["out"][some], found["in"][some], dropped[some], found["up"][some]
    )
    more = np.isfinite(found["errors"]) | np.isfinite(found["adjacent"])
    row, link = np.nonzero(more)
    adjacent = np.nan_to_num(found["adjacent"][more], nan=1.0) > 0.5
    return samples, InterfaceSamples(grid.times[row], link, found["errors"][more], adjacent)


def _spacing(end: Floats, of: Ints) -> float | None:
    """Seconds that usually lie between two readings of one series, None where no series has two."""
    order = np.lexsort((end, of))
    same = np.flatnonzero(of[order][1:] == of[order][:-1])
    apart = (end[order][1:] - end[order][:-1])[same]
    series = np.unique(of[order][:-1][same], return_inverse=True)[1]
    positive = apart > 0
    if not positive.any():
        return None
    return float(np.median(usual_gap(apart[positive], series[positive], int(series.max()) + 1)))


def _dense(series: Sequence[Series], grid: RateGrid, links: int) -> Floats:
    """One matrix [K, m] of series of one quantity, NaN where there is no value."""
    total, weight = np.zeros((grid.times.size, links)), np.zeros((grid.times.size, links))
    told = np.zeros((grid.times.size, links), dtype=bool)
    for one in series:
        good = np.isfinite(one.end) & np.isfinite(one.value)
        place, link = grid.place(one.end[good]), one.link[good]
        lasting = np.nan_to_num(one.seconds[good], nan=1.0)
        if one.quantity in ("up", "adjacent"):  # a state does not average: the last one counts
            order = np.argsort(one.end[good], kind="stable")
            total[place[order], link[order]], weight[place[order], link[order]] = one.value[good][order], 1.0
        else:
            np.add.at(total, (place, link), one.value[good] * lasting)
            np.add.at(weight, (place, link), lasting)
        told[place, link] = True
    return np.where(told, total / np.where(weight > 0, weight, 1.0), np.nan)
