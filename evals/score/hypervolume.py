"""How much of what could be reached a front covers: the volume that it dominates."""

from collections.abc import Sequence
from math import prod

_ALIKE = 1e-3
Point = tuple[float, ...]


def hypervolume(points: Sequence[Point], reference: Point) -> float:
    """Volume between the points and a reference that is worse than all of them, less being better on every axis.

    Exact, by exclusive volumes (While, Bradstreet, Barone 2012, "A fast way of calculating exact hypervolumes").
    Points that are not better than the reference on every axis add nothing.
    """
    inside = [tuple(p) for p in points if all(x < r for x, r in zip(p, reference, strict=True))]
    return _volume(_not_dominated(inside), tuple(reference))


def covered(front: Sequence[Point], others: Sequence[Point]) -> float:
    """Share of the volume of a front and others together that the front covers by itself, 1 where they add nothing.

    Each axis is scaled by what lies between the best and the worst of all of them; the reference lies a tenth of that
    beyond the worst (Ishibuchi et al. 2018, "How to specify a reference point in hypervolume calculation"). Axes on
    which all are alike to a thousandth do not count. Raises `ValueError` on an empty front.
    """
    both = [*front, *others]
    low, high = (tuple(map(pick, zip(*both, strict=True))) for pick in (min, max))
    axes = [i for i in range(len(low)) if high[i] - low[i] > _ALIKE * max(abs(high[i]), abs(low[i]))]
    if not axes:
        return 1.0

    def scaled(points: Sequence[Point]) -> list[Point]:
        return [tuple((p[i] - low[i]) / (high[i] - low[i]) for i in axes) for p in points]

    reference = (1.1,) * len(axes)
    return hypervolume(scaled(front), reference) / hypervolume(scaled(both), reference)


def _volume(front: list[Point], reference: Point) -> float:
    total = 0.0
    for i, point in enumerate(front):
        box = prod(r - x for x, r in zip(point, reference, strict=True))
        limited = [tuple(map(max, point, other)) for other in front[i + 1 :]]
        total += box - (_volume(_not_dominated(limited), reference) if limited else 0.0)
    return total


def _not_dominated(points: Sequence[Point]) -> list[Point]:
    distinct = sorted(set(points))
    return [p for p in distinct if not any(q != p and all(map(float.__le__, q, p)) for q in distinct)]
