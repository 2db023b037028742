"""Classes of traffic: which part of each demand is served before which other part where links are full.

Routing knows no classes: all of them take the same ways. Without any there is one, and nothing of this is computed.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from .numeric import Floats, np

MOST_CLASSES = 8
"""Classes that a network may have, the default one included: MPLS has three bits for them (RFC 5462)."""
DEFAULT = "default"
"""The class of what no other class claims."""
LAST = 8
"""The priority that is served last."""


class TrafficClass(NamedTuple):
    """One class. `priority` 1 is served first; classes of one priority share what is left by their `weight`.

    `share` is its part of every demand of which no `ClassShare` says otherwise.
    """

    name: str
    priority: int = LAST
    weight: float = 1.0
    share: float = 0.0


class ClassShare(NamedTuple):
    """What part of one demand is of a class."""

    source: str
    target: str
    name: str
    share: float


def complaint(classes: Sequence[TrafficClass], shares: Sequence[ClassShare], nodes: Mapping[str, int]) -> str:
    """Say what is wrong with classes of a network with these nodes; nothing where they can be."""
    if not classes and not shares:
        return ""
    names = [x.name for x in classes]
    if len(names) + (DEFAULT not in names) > MOST_CLASSES:
        return f"{len(names)} classes: at most {MOST_CLASSES}, with the default one"
    if len(set(names)) < len(names):
        return f"classes repeat: {', '.join(sorted({x for x in names if names.count(x) > 1}))}"
    for entry in classes:
        if not (entry.name and len(entry.name) <= 40 and entry.name.isprintable() and "/" not in entry.name):
            return f"class name {entry.name!r} is not allowed"
        if not 1 <= entry.priority <= LAST or not 0 < entry.weight <= 1e6 or not 0 <= entry.share <= 1:
            return f"class {entry.name}: a priority in 1..{LAST}, a weight above 0 and a share in 0..1 are needed"
    for part in shares:
        if part.name not in names or part.name == DEFAULT or not {part.source, part.target} <= set(nodes):
            return f"the share of class {part.name!r} of {part.source}->{part.target} names no class or node"
        if not 0 <= part.share <= 1:
            return f"class {part.name}: {part.share} is no share"
    if len({x[:3] for x in shares}) < len(shares):
        return "the share of a class of one demand is said twice"
    given = {x.name: x.share for x in classes if x.name != DEFAULT}
    if sum(given.values()) > 1 + 1e-9:
        return f"the classes claim {sum(given.values()):g} of every demand, more than all"
    return _over_claimed(given, shares)


def _over_claimed(given: Mapping[str, float], shares: Sequence[ClassShare]) -> str:
    pairs: dict[tuple[str, str], dict[str, float]] = {}
    for part in shares:
        pairs.setdefault((part.source, part.target), {})[part.name] = part.share
    for (source, target), own in pairs.items():
        total = sum({**given, **own}.values())
        if total > 1 + 1e-9:
            return f"the classes claim {total:g} of {source}->{target}, more than all"
    return ""


def with_default(classes: Sequence[TrafficClass]) -> tuple[TrafficClass, ...]:
    """Return the classes, the default one among them, in the order of their priority."""
    known = any(x.name == DEFAULT for x in classes)
    whole = (*classes, *(() if known else (TrafficClass(DEFAULT),)))
    return tuple(sorted(whole, key=lambda x: x.priority))


@lru_cache(maxsize=32)
def shares_of(classes: tuple[TrafficClass, ...], shares: tuple[ClassShare, ...], nodes: tuple[str, ...]) -> Floats:
    """Part of each demand that is of each class, in the order of `with_default` [C, n, n]; they sum to 1."""
    ordered, index = with_default(classes), {name: i for i, name in enumerate(nodes)}
    place = {x.name: c for c, x in enumerate(ordered)}
    found = np.zeros((len(ordered), len(nodes), len(nodes)))
    for entry in ordered:
        found[place[entry.name]] = entry.share if entry.name != DEFAULT else 0.0
    for part in shares:
        found[place[part.name], index[part.source], index[part.target]] = part.share
    found[place[DEFAULT]] = np.maximum(1 - found.sum(axis=0), 0.0)
    found.setflags(write=False)
    return found
