"""What counts among plans that serve a goal: one measure, or several in the order of their worth."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, TypeVar, get_args

from twin.closest import closest
from twin.errors import InputError

Objective = Literal["utilisation", "margin", "delay", "energy", "changes", "money"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
"""Peak with everything up; peak under the worst single failure; mean delay; watts; steps; cost of upgrades."""
SPELT: Mapping[str, Objective] = MappingProxyType({"power": "energy", "cost": "money"})
"""Other words for these."""
WITHIN = 0.05
"""How near to the best counts as good as it, as a share of the way from the best to the worst."""

Preference = tuple[Objective, ...]
"""What counts, the most important first; what stands last, and what is left out, only breaks ties."""

_Point = TypeVar("_Point")


def read_preference(text: str) -> Preference:
    """Read `delay` or `delay>changes>power`. Raises `InputError` on a word that is none, or stands twice."""
    found: list[Objective] = []
    for word in text.split(">"):
        name = SPELT.get(word.strip(), word.strip())
        if name not in OBJECTIVES:
            near = closest(name, OBJECTIVES, most=1)
            fix = f"did you mean {near[0]}?" if near else "order some of them as delay>changes>power"
            raise InputError(f"no objective {name!r}; objectives: {', '.join(OBJECTIVES)}", fix=fix)
        if name in found:
            raise InputError(f"{name} stands twice in {text!r}", fix="name each objective once")
        found.append(name)
    return tuple(found)


def ranked(points: Sequence[tuple[_Point, Sequence[float]]], preference: Preference) -> list[_Point]:
    """Order points by a preference, best first; each with its measures in the order of `OBJECTIVES`, less is better.

    The best point is found as in hierarchical optimisation (Waltz 1967, IEEE Trans. AC 12): of all points those stay
    that are best by the first measure or within `WITHIN` of its whole range, of these those that are so by the second,
    and so on; the last measure decides exactly, and then the others in their order. The next one is the best of the
    rest.
    """
    order = [OBJECTIVES.index(name) for name in preference]
    order += [i for i in range(len(OBJECTIVES)) if i not in order]
    spans = [WITHIN * (max(x) - min(x)) for x in zip(*(measures for _, measures in points), strict=True)]
    left, found = list(points), list[_Point]()
    while left:
        near = left
        for i in order[: max(len(preference) - 1, 0)]:
            least = min(measures[i] for _, measures in near)
            near = [x for x in near if x[1][i] <= least + spans[i]]
        decides = order[max(len(preference) - 1, 0) :] + order
        best = min(near, key=lambda x: [x[1][i] for i in decides])
        left = [x for x in left if x is not best]
        found.append(best[0])
    return found
