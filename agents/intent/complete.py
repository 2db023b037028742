# ruff: noqa: E501 (a phrase reads best on one line)
"""The last look at a goal: its value, the words that nobody understood, and the elements that it needs."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from twin.model import Network

from .elements import Mention
from .types import DESTRUCTIVE, Code, Intent, Limits, Objective, Question, TimeWindow, Verb
from .verbs import Phrase
from .vocabulary import COMMON, FILLER
from .words import Reading, fold, number

_CONDITION = re.compile(
    r"\b(?:if|unless|except|otherwise|provided|only when|in case|when|maybe|perhaps|possibly|either|instead|but not|or else|half)\b"
)
_SCOPE = re.compile(
    r"\b(?:all|every|each|any|some|both|other|another|rest|remaining|neighbou?rs?|adjacent|around|near)\b"
)
_LISTED = re.compile(
    r"(?:\s|\x00|,|&|\+|\b(?:and|as well as|plus|also|both|the|node|nodes|router|routers|link|links|circuit|circuits|site|sites)\b)*"
)


class Goal(NamedTuple):
    """What is to be done, and the phrase that says so; none where a limit is the goal."""

    verb: Verb
    phrase: Phrase | None


def complete(
    reading: Reading,
    network: Network,
    goal: Goal,
    mentions: Sequence[Mention],
    rest: tuple[TimeWindow | None, Limits, Objective | None, bool],
) -> Intent | Question:
    """Put the intent together, or ask for what is missing."""
    when, limits, objective, only_rehearse = rest
    verb = goal.verb
    value = _value(reading, goal)
    if isinstance(value, Question):
        return value
    question = (
        _pronoun(reading, goal, mentions)
        or _open_words(reading, verb)
        or open_elements(reading, network, verb, mentions, limits)
    )
    if question is not None:
        return question
    for mention in mentions:
        reading.note("what", mention.start, mention.end)
    return Intent(
        verb=verb,
        what=elements_of(network, verb, mentions),
        where=network.name,
        when=when,
        limits=limits,
        value=value,
        objective=objective,
        only_rehearse=only_rehearse,
        text=reading.text,
        origins=tuple(sorted(reading.origins, key=lambda x: (x.start, x.field))),
    )


def _pronoun(reading: Reading, goal: Goal, mentions: Sequence[Mention]) -> Question | None:
    """A goal for what a pronoun stands for, and nothing is named that it could stand for."""
    if goal.phrase is None or mentions or goal.verb not in (*DESTRUCTIVE, "sleep", "wake"):
        return None
    hit = re.search(
        r"\b(?:it|them|these|those)\b|\b(?:this|that)$", fold(reading.text[goal.phrase.start : goal.phrase.end])
    )
    return ask("missing element", "what is that? name it", reading, goal.phrase.start, goal.phrase.end) if hit else None


def elements_of(network: Network, verb: Verb, mentions: Sequence[Mention]) -> tuple[str, ...]:
    """What a goal is about: element ids, directed links for a weight, both ends of a demand for a rate limit."""
    if verb == "rate limit":
        return tuple(f"node/{end}" for m in mentions for end in m.ends)
    if verb == "set weight":
        links = [network.links[i] for m in mentions for x in m.elements for i in network.circuit(x)]
        wanted = {m.ends for m in mentions if m.directed}
        return tuple(link.name for link in links if not wanted or (link.tail, link.head) in wanted)
    return tuple(dict.fromkeys(x for m in mentions for x in m.elements))


_RATE = re.compile(r"\b(?:to|at|=|of)\s+(?P<n>\d+(?:[.,]\d+)?)\s?(?P<unit>[mgt](?:bit/s|bps|b/s|bits?|b)?)(?![a-z])")
_MBPS = {"k": 1e-3, "m": 1.0, "g": 1e3, "t": 1e6}


def _value(reading: Reading, goal: Goal) -> float | Question | None:
    phrase = goal.phrase
    if goal.verb == "upgrade":
        hit = _RATE.search(reading.left)
        if hit is None:
            return None
        reading.take_match(hit, "value")
        return number(hit["n"]) * _MBPS[hit["unit"][0]]
    if phrase is None or goal.verb not in ("grow", "set weight", "rate limit"):
        return None
    if not phrase.value:
        return ask("missing value", "by how much does traffic grow? such as 30 %", reading, phrase.start, phrase.end)
    reading.note("value", phrase.start, phrase.end)
    amount = number(phrase.value)
    if goal.verb == "grow":
        return _factor(reading, phrase, amount)
    if goal.verb == "rate limit":
        return amount * _MBPS.get(phrase.unit[:1], 1e-6)
    if not 1 <= amount <= 2**24 or amount != int(amount):
        return ask(
            "contradiction",
            "an IGP weight is a whole number from 1 to 2^24: which one?",
            reading,
            phrase.start,
            phrase.end,
        )
    return amount


def _factor(reading: Reading, phrase: Phrase, amount: float) -> float | Question:
    words = reading.text[phrase.start : phrase.end].lower()
    if phrase.unit.startswith("p") or phrase.unit == "%":
        factor = amount / 100 if re.search(r"\bto \d+", words) and amount > 100 else 1 + amount / 100
    else:
        factor = amount
    if not 1 < factor <= 100:
        return ask(
            "contradiction",
            "growth is a factor above 1, such as 1.3, or a percentage, such as 30 %: how much?",
            reading,
            phrase.start,
            phrase.end,
        )
    return round(factor, 6)


_ASKS = re.compile(r"\s*(?:is|are|was|were|does|did|has|had|why|when|who|how|what)\b")


def _open_words(reading: Reading, verb: Verb) -> Question | None:
    """What nobody understood. Around a goal that changes what it names, no word may be left unread."""
    left = reading.left
    asks = _ASKS.match(left) if verb in DESTRUCTIVE and verb != "upgrade" else None
    if asks is not None:
        return ask("not understood", "is that a question? `twinops ask` answers questions", reading, *asks.span())
    for pattern in (_CONDITION, *((_SCOPE,) if verb in DESTRUCTIVE else ())):
        hit = pattern.search(left)
        if hit is not None:
            return ask("not understood", "what is meant by that?", reading, *hit.span())
    number_left = re.search(r"\d[\d.,:]*\s*%?|\bpercent\b", left)
    if number_left is not None:
        return ask("not understood", "what is that number?", reading, *number_left.span())
    allowed = FILLER if verb in DESTRUCTIVE else COMMON
    for hit in re.finditer(r"[a-z][\w']*", left):
        if hit.group() not in allowed and (verb in DESTRUCTIVE or hit.group() in ("no", "not", "never")):
            return ask("not understood", "what is meant by that?", reading, *hit.span())
    refused = re.search(r"\b(?:no|not|never|without|don't|dont)\b", left)
    return ask("not understood", "what is not to be done?", reading, *refused.span()) if refused else None


_NEEDS: dict[Verb, str] = {
    "drain": "what is to be drained? name a node or a circuit",
    "undrain": "what is to be given back to routing? name a node or a circuit",
    "set weight": "of which link? write it as A->B",
    "rate limit": "which demand? write it as from A to B",
}
_TAKES: dict[Verb, str] = {
    "sleep": "link",
    "wake": "link",
    "upgrade": "link",
    "drain": "",
    "undrain": "",
    "restore": "",
}


def open_elements(
    reading: Reading, network: Network, verb: Verb, mentions: Sequence[Mention], limits: Limits
) -> Question | None:
    """The question that the elements of a goal leave open: none, too many, of the wrong kind, or not to be touched."""
    if verb in _NEEDS and not mentions:
        return ask("missing element", _NEEDS[verb], reading, 0, len(reading.text))
    if mentions and verb in ("relieve", "limit", "grow", "reweight", "steer"):
        first = mentions[0]
        return ask(
            "not understood",
            f"{verb} is for the whole network: what is to be done with that?",
            reading,
            first.start,
            first.end,
        )
    for first, second in pairwise(mentions):
        gap = reading.left[first.end : second.start]
        if not _LISTED.fullmatch(gap):
            return ask("ambiguous element", "are both meant?", reading, first.start, second.end)
    if verb in ("sleep", "wake", "upgrade", "set weight", "rate limit"):
        wrong = next((m for m in mentions if m.is_node), None)
        if wrong is not None:
            return ask(
                "ambiguous element",
                f"{verb} is for circuits: which one?",
                reading,
                wrong.start,
                wrong.end,
                _circuits_at(network, wrong),
            )
    if verb == "rate limit" and any(len(m.ends) != 2 for m in mentions):
        return ask("ambiguous element", _NEEDS[verb], reading, mentions[0].start, mentions[0].end)
    both = set(limits.protected) & {x for m in mentions for x in m.elements}
    if both:
        named = ", ".join(sorted(both))
        return ask(
            "contradiction",
            f"{named} is to be changed and not to be touched: which holds?",
            reading,
            0,
            len(reading.text),
        )
    return None


def _circuits_at(network: Network, mention: Mention) -> tuple[str, ...]:
    names = {x.removeprefix("node/") for x in mention.elements}
    return tuple(
        x for x, (i, *_) in network.circuits.items() if names & {network.links[i].tail, network.links[i].head}
    )[:8]


def ask(code: Code, text: str, reading: Reading, start: int, end: int, choices: tuple[str, ...] = ()) -> Question:
    """Ask about a piece of the text."""
    words = reading.text[start:end].strip()
    return Question(
        code=code,
        question=f"{words!r}: {text}" if len(words) <= 60 else text,
        choices=choices,
        words=words,
        start=start,
        end=end,
    )
