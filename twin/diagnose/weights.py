"""Which wrong weights of a link are consistent with what it carries: the breakpoints of its load.

The load of a link falls in steps as its weight grows. Each pair leaves it at one value: the pair's distance without the
link, less the distances to and from it. Between two such values all weights route alike, so one of them stands for all.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from twin.faults import MAX_WEIGHT
from twin.model import Floats, Ints, Network


class WeightStep(NamedTuple):
    """Weights `low`..`high` route alike and put between `least` and `most` Mbit/s on the link."""

    low: int
    high: int
    least: float
    most: float


class LoadSteps:
    """The load of any link of a network as a function of that link's weight."""

    def __init__(self, network: Network) -> None:
        from twin.sim.arrays import compile_network
        from twin.sim.route import route

        self._arrays = compile_network(network)
        routing = route(self._arrays)
        self._volume, self._dist = routing.volume, routing.paths.dist

    def of(self, link: int) -> list[WeightStep]:
        """All steps of a link, by position, by growing weight; none when no weight makes traffic use it."""
        thresholds, volume = self._thresholds(link)
        if not thresholds.size:
            return []
        values, inverse = np.unique(thresholds, return_inverse=True)
        leaving = np.bincount(inverse, volume)
        staying = np.append(np.cumsum(leaving[::-1])[::-1], 0.0)  # above each value: carried while weight < value
        return list(_steps(values, staying))

    def _thresholds(self, link: int) -> tuple[Ints, Floats]:
        """Weight up to which each pair with traffic uses the link, and its Mbit/s."""
        from twin.sim.arrays import FAR
        from twin.sim.delta import distances_without

        arrays, arc = self._arrays, int(self._arrays.arc_of[link])
        a, b = int(arrays.tail[arc]), int(arrays.head[arc])
        dist = distances_without(arrays, self._dist, arc)
        before, after = dist[a], dist[:, b]  # from each source to a, from b to each target
        through = (before[None, :] < FAR) & (after[:, None] < FAR) & (self._volume > 0)
        if arrays.no_transit[a]:
            through[:, np.arange(len(before)) != a] = False
        if arrays.no_transit[b]:
            through[np.arange(len(before)) != b] = False
        limit = np.minimum(dist, 2 * FAR // 3) - before[None, :] - after[:, None]
        return np.minimum(limit[through], MAX_WEIGHT + 1), self._volume[through]


def _steps(values: Ints, staying: Floats) -> Iterator[WeightStep]:
    low = 1
    for value, most, least in zip(values.tolist(), staying[:-1].tolist(), staying[1:].tolist(), strict=True):
        if value < 1:
            continue
        high = min(value - 1, MAX_WEIGHT)
        if low <= high:
            yield WeightStep(low, high, most, most)
        if value <= MAX_WEIGHT:
            yield WeightStep(value, value, least, most)
        low = value + 1
    if low <= MAX_WEIGHT:
        yield WeightStep(low, MAX_WEIGHT, float(staying[-1]), float(staying[-1]))
