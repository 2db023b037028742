"""Where a text names elements of the network, and which ones it means. Nothing is chosen where several would do."""

import re
from difflib import get_close_matches
from itertools import pairwise
from typing import NamedTuple

from twin.errors import UnknownElementError
from twin.model import Network

from .names import Evidence, Match, key, match
from .types import Question
from .vocabulary import COMMON
from .words import ELEMENT, Reading

_ID = re.compile(r"(?:node|link|interface)/[^\s,;?!]+[^\s,;?!.]|[\w.&+-]+->[\w.&+]*\w")
_WORD = re.compile(r"[a-z0-9ß](?:[\w.&+']*[\w])?")
_RATE = re.compile(r"\d+(?:[.,]\d+)?(?:[kmgt](?:bit|bits|bps|b)?|ms|h|min|x|s|w|kw)?(?:/s)?")
_ARROW = re.compile(r"\s*(?:-{1,2}>?|<-{1,2}>?|>|/|:)\s*|\s+(?:to|towards|and then to)\s+(?:the\s+)?")
_AND = re.compile(r"\s*(?:-{1,2}|/|\s(?:and|to)\s)\s*")
_BETWEEN = re.compile(r"\bbetween\s+(?:the\s+)?(?:nodes?\s+|routers?\s+|sites?\s+)?$")
_SPOT = re.compile(
    r"(?:\b(?:node|router|site|pop|link|circuit|span|trunk|line|drain|undrain|wake|upgrade|reach|via|through|at|near|around)"
    r"|\b(?:between|from|to|of))\s+(?:the\s+)?$"
)


class Mention(NamedTuple):
    """One place that names something: nodes that the words may mean, or circuits and links where they say which.

    A pair names both ends, in `ends`; `directed` when its words say which way. `elements` are what it may mean.
    """

    start: int
    end: int
    elements: tuple[str, ...]
    evidence: Evidence
    ends: tuple[str, str] | tuple[()] = ()
    directed: bool = False

    @property
    def is_node(self) -> bool:
        """Whether it names a node."""
        return not self.ends and all(x.startswith("node/") for x in self.elements)


class _Spot(NamedTuple):
    start: int
    end: int
    found: Match


def find_mentions(reading: Reading, network: Network) -> list[Mention]:
    """Find every element that the text names, in order, and mark the places as understood."""
    mentions = _ids(reading, network)
    spots = _spots(reading, network)
    while spots:
        first = spots.pop(0)
        if spots and _is_pair(reading, first, spots[0]):
            mentions.append(_pair(reading, network, first, spots.pop(0)))
        else:
            mentions.append(_node(first))
    for mention in mentions:
        reading.take(mention.start, mention.end, ELEMENT)
    return sorted(mentions)


def doubt(mention: Mention, reading: Reading, network: Network, *, strict: bool) -> Question | None:
    """The question that a mention leaves open, if any; `strict` where what is meant must not be inferred."""
    words = reading.text[mention.start : mention.end]
    if not mention.elements:
        return _unknown(mention, words, network)
    if len(mention.elements) > 1:
        text = f"which one is meant by {words!r}: {', '.join(mention.elements[:8])}?"
        return Question(
            code="ambiguous element",
            question=text,
            choices=mention.elements[:8],
            words=words,
            start=mention.start,
            end=mention.end,
        )
    if strict and mention.evidence in ("typo", "prefix"):
        meant = next(iter(mention.elements))
        return Question(
            code="similar element",
            question=f"nothing is called {words!r}: is {meant} meant?",
            choices=(meant,),
            words=words,
            start=mention.start,
            end=mention.end,
        )
    return None


def circuits_between(network: Network, first: str, second: str) -> tuple[str, ...]:
    """Ids of the circuits that join two nodes."""
    ends = {first, second}
    return tuple(x for x, (i, *_) in network.circuits.items() if {network.links[i].tail, network.links[i].head} == ends)


def closest(network: Network, words: str) -> tuple[str, ...]:
    """Node ids whose names are the most like some words."""
    keys = {key(node.name): node.id for node in network.nodes}
    return tuple(keys[x] for x in get_close_matches(key(words), list(keys), n=3, cutoff=0.5))


def _unknown(mention: Mention, words: str, network: Network) -> Question:
    choices = closest(network, words)
    text = f"there is no element {words!r} in {network.name}"
    if mention.ends:
        first, second = mention.ends
        at = [x for end in mention.ends for x, (i, *_) in network.circuits.items() if end in network.links[i][:2]]
        choices = tuple(dict.fromkeys(at))[:8]
        text = f"there is no circuit between {first} and {second} in {network.name}"
    hint = f": is one of {', '.join(choices)} meant?" if choices else ": what is meant?"
    return Question(
        code="unknown element",
        question=text + hint,
        choices=choices,
        words=words,
        start=mention.start,
        end=mention.end,
    )


def _ids(reading: Reading, network: Network) -> list[Mention]:
    found: list[Mention] = []
    for hit in _ID.finditer(reading.text):
        if reading.is_taken(*hit.span()):
            continue
        mention = _by_id(hit, network)
        if mention is not None:
            found.append(mention)
            reading.take(mention.start, mention.end, ELEMENT)
    return found


def _by_id(hit: "re.Match[str]", network: Network) -> Mention | None:
    name, (start, end) = hit.group(), hit.span()
    try:
        if name.startswith("node/"):
            return Mention(start, end, (network.nodes[network.node(name)].id,), "exact")
        if name.startswith("link/"):
            network.circuit(name)
            return Mention(start, end, (name,), "exact", _ends(network, name))
        link = network.links[network.link(name)]
    except UnknownElementError:
        return None if "->" in name else Mention(start, end, (), "none")
    return Mention(start, end, (link.circuit,), "exact", (link.tail, link.head), directed=True)


def _ends(network: Network, circuit: str) -> tuple[str, str]:
    link = network.links[network.circuit(circuit)[0]]
    return link.tail, link.head


def _spots(reading: Reading, network: Network) -> list[_Spot]:
    words = [hit.span() for hit in _WORD.finditer(reading.left)]
    spots: list[_Spot] = []
    at = 0
    while at < len(words):
        for size in (3, 2, 1):
            spot = _spot(reading, network, words[at : at + size]) if at + size <= len(words) else None
            if spot is not None:
                spots.append(spot)
                at += size
                break
        else:
            at += 1
    return spots


def _spot(reading: Reading, network: Network, words: list[tuple[int, int]]) -> _Spot | None:
    start, end = words[0][0], words[-1][1]
    original = reading.text[start:end]
    gaps = (reading.left[a[1] : b[0]] for a, b in pairwise(words))
    if any(gap not in (" ", "-", " - ") for gap in gaps):
        return None
    if len(words) > 1:
        found = match(original, network)
        return _Spot(start, end, found) if found.nodes and found.evidence in ("exact", "alias") else None
    word = reading.left[start:end]
    if word in COMMON or len(word) == 1:
        return _named_like_a_word(start, end, original, reading, network)
    found = match(original, network)
    if _RATE.fullmatch(word) and found.evidence != "exact":
        return None
    if found.evidence in ("exact", "alias") and (not word.isdigit() or _is_element_spot(reading, start, end)):
        return _Spot(start, end, found)
    looks_named = original[0].isupper() or _is_element_spot(reading, start, end)
    if not looks_named or word.replace(".", "").isdigit() or (start == 0 and not found.nodes):
        return None
    return _Spot(start, end, found)


def _named_like_a_word(start: int, end: int, original: str, reading: Reading, network: Network) -> _Spot | None:
    """A node may be called `A` or `Core`: only its exact name is it, and never an article."""
    if original not in network.node_index or not original[0].isupper():
        return None
    article = (
        original == "A"
        and re.match(r"\s+[a-z]{2,}", reading.left[end:])
        and not re.match(
            r"\s+(?:to|and|fails?|goes|is|or|down|from|tonight|tomorrow|now|between|in|on|at)\b", reading.left[end:]
        )
    )
    return None if article else _Spot(start, end, Match((original,), "exact"))


def _is_element_spot(reading: Reading, start: int, end: int) -> bool:
    before, after = reading.left[:start], reading.left[end:]
    return bool(_SPOT.search(before) or re.match(r"-{1,2}>?\w|\s?<?->", after) or re.search(r"\w-{1,2}>?$", before))


def _is_pair(reading: Reading, first: _Spot, second: _Spot) -> bool:
    gap = reading.left[first.end : second.start]
    if _ARROW.fullmatch(gap):
        return True
    return bool(_AND.fullmatch(gap) and _BETWEEN.search(reading.left[: first.start]))


def _pair(reading: Reading, network: Network, first: _Spot, second: _Spot) -> Mention:
    start, end = first.start, second.end
    pairs = [(a, b) for a in first.found.nodes for b in second.found.nodes if a != b]
    joined = [(a, b) for a, b in pairs if circuits_between(network, a, b)]
    evidence = _weaker(first.found.evidence, second.found.evidence) if len(pairs) == 1 else "typo"
    chosen = joined or pairs
    elements = tuple(dict.fromkeys(x for a, b in joined for x in circuits_between(network, a, b)))
    directed = ">" in reading.left[first.end : second.start] and "<" not in reading.left[first.end : second.start]
    index = re.match(r"\.(\d+)\b", reading.left[end:])
    if index and elements:
        elements = tuple(x for x in elements if f".{index[1]}--" in x)
        end += index.end()
    return Mention(start, end, elements, evidence, chosen[0] if len(chosen) == 1 else (), directed)


def _weaker(first: Evidence, second: Evidence) -> Evidence:
    order: tuple[Evidence, ...] = ("none", "typo", "prefix", "alias", "exact")
    return order[min(order.index(first), order.index(second))]


def _node(spot: _Spot) -> Mention:
    return Mention(spot.start, spot.end, tuple(f"node/{name}" for name in spot.found.nodes), spot.found.evidence)
