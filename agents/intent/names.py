"""Which node a word means: by its name, a city's other names, its beginning, or a name much like it."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

from twin.model import Network

from .gazetteer import ALSO
from .words import fold

Evidence = Literal["exact", "alias", "prefix", "typo", "none"]
SHORTEST_PREFIX, SHORTEST_TYPO = 3, 5


class Match(NamedTuple):
    """The nodes that a word may mean, and on what grounds. None, or several, is for somebody to settle."""

    nodes: tuple[str, ...]
    evidence: Evidence


def key(text: str) -> str:
    """What of a name is compared: its letters and digits, without case and accents."""
    return re.sub(r"[^a-z0-9]", "", fold(text).replace("ß", "ss"))


@lru_cache(maxsize=8)
def index(network: Network) -> Mapping[str, frozenset[str]]:
    """Every spelling of every node name, with the nodes it stands for; `ue` and `u` for one another in umlauts."""
    found: dict[str, set[str]] = {}
    for node in network.nodes:
        plain = key(node.name)
        for spelling in (plain, re.sub(r"([aou])e", r"\1", plain)):
            found.setdefault(spelling, set()).add(node.name)
    return {spelling: frozenset(names) for spelling, names in found.items()}


def match(word: str, network: Network) -> Match:
    """Find the node that a word means. The first ground that finds any decides; it may find several."""
    names, wanted = index(network), key(word)
    if not wanted:
        return Match((), "none")
    exact = [node.name for node in network.nodes if key(node.name) == wanted] or [*names.get(wanted, ())]
    if exact:
        return Match(_sorted(exact), "exact")
    others = ALSO.get(wanted, frozenset())
    called = [node for other in others for node in names.get(other, ())]
    if called:
        return Match(_sorted(called), "alias")
    beginnings = [*(others or ()), *([wanted] if len(wanted) >= SHORTEST_PREFIX else [])]
    begun = [node.name for node in network.nodes if any(key(node.name).startswith(x) for x in beginnings)]
    if begun:
        return Match(_sorted(begun), "prefix")
    return Match(_similar(wanted, names, others), "typo")


def _similar(wanted: str, names: Mapping[str, frozenset[str]], others: Iterable[str]) -> tuple[str, ...]:
    if len(wanted) < SHORTEST_TYPO or wanted.isdigit() or re.search(r"\d", wanted) or tuple(others):
        return ()
    allowed = 1 if len(wanted) < 8 else 2
    spellings = {spelling: [*nodes] for spelling, nodes in names.items()}
    for city, variants in ALSO.items():
        if len(city) >= SHORTEST_TYPO and abs(len(city) - len(wanted)) <= allowed:
            nodes = [node for variant in variants for node in names.get(variant, ())]
            spellings.setdefault(city, []).extend(nodes)
    near = {node: distance(wanted, s) for s, nodes in spellings.items() for node in nodes if _near(wanted, s, allowed)}
    best = min(near.values(), default=0)
    return _sorted(node for node, away in near.items() if away == best)


def _near(first: str, second: str, allowed: int) -> bool:
    return abs(len(first) - len(second)) <= allowed and distance(first, second) <= allowed


def distance(first: str, second: str) -> int:
    """Edits between two words: a letter more, less, other, or two neighbours swapped (optimal string alignment)."""
    above: list[int] = []
    row = [*range(len(second) + 1)]
    for i, a in enumerate(first, start=1):
        above, row, before = row, [i], above
        for j, b in enumerate(second, start=1):
            best = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == second[j - 2] and first[i - 2] == b:
                best = min(best, before[j - 2] + 1)
            row.append(best)
    return row[-1]


def _sorted(nodes: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(nodes)))
