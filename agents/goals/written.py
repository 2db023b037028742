"""The written form: `drain:Kassel from:02:00 until:04:00 zone:Europe/Berlin protect:Ulm,A-B rehearse`.

A verb, with its elements or its factor behind a colon, then `key:value` in any order. Names with spaces stand in double
quotes. A word that is none of these is a question, and so is one that stands twice.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from twin.closest import closest
from twin.model import Network
from twin.optimise.preference import OBJECTIVES, SPELT, Objective, Preference

from .resolve import resolved
from .suggest import closest_form
from .types import DRAIN_MODES, LONGEST, VERBS, Goal, OpenError, Question, Statement

NUMBERS = ("max_utilisation", "max_failure_utilisation", "max_steps", "max_delay_stretch", "max_blast_radius", "weight")
TEXTS = {"from": "start", "until": "until", "zone": "zone", "capacity": "capacity", "rate": "rate", "mode": "mode"}
KEYS = ("from", "until", "zone", *NUMBERS, "protect", "objective", "prefer", "capacity", "rate", "mode")
PREFERRING = ("objective", "prefer")
REHEARSE = "rehearse"

_TOKEN = re.compile(r'(?:[^\s"]|"[^"]*")+')
_ITEM = re.compile(r'(?:[^,"]|"[^"]*")*')
SHARES = ("max_utilisation", "max_failure_utilisation", "max_blast_radius")
"""What is a share of something: 0.8 may be written as 80%."""
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,30})?")
_PREFERRED = re.compile(rf"(?<!\S)(?:{'|'.join(PREFERRING)}):\s*\w+(?:\s*>\s*\w+)*")
_KEYED = re.compile(r"[A-Za-z_]+:\S")


def read_goal(text: str, network: Network, *, now: datetime, zone: str = "UTC") -> Goal | Question:
    """Read a goal in its written form; plain words are answered with the closest written form.

    `zone` is that of times that name none, `now` the clock that they are counted from. Raises nothing.
    """
    try:
        if not is_written(text):
            return closest_form(text, network, zone)
        return resolved(read_statement(text), network, now=now, zone=zone, text=text)
    except OpenError as error:
        return error.question


def is_written(text: str) -> bool:
    """Whether a text means to be a written form: it begins with `word:`, or each of its words is known or keyed."""
    words = _joined(text).split()
    if not words:
        return False
    if _KEYED.match(words[0]) or words[0] in [f"{verb}:" for verb in VERBS]:
        return True
    return all(word in VERBS or word == REHEARSE or _KEYED.match(word) for word in words)


def read_statement(text: str) -> Statement:
    """Read a written form into what it states. Raises `OpenError` on what is no word of it, or stands twice."""
    head, *rest = tokens(text)
    verb, colon, value = head.partition(":")
    if verb not in VERBS:
        raise unknown(verb, VERBS, "goal")
    fields: dict[str, object] = {"verb": verb}
    if colon:
        fields |= {"factor": number("grow", value)} if verb == "grow" else {"elements": items(verb, value)}
    for token in rest:
        name, read = _field(token)
        if name in fields:
            raise OpenError("repeated word", f"{token.partition(':')[0]} stands twice: which one holds?", words=token)
        fields[name] = read
    return Statement.model_validate(fields)


def tokens(text: str) -> list[str]:
    """The words of a written form. Raises `OpenError` on a quote that is left open, and on far too many words."""
    if len(text) > LONGEST:
        raise OpenError("bad value", f"that has more than {LONGEST} characters: which part of it is wanted?")
    if text.count('"') % 2:
        raise OpenError("bad value", 'a double quote is left open: which words are one name? write "A B"')
    return _TOKEN.findall(_joined(text))


def _joined(text: str) -> str:
    """The text with `prefer: delay > changes` written as the one word that it is."""
    return _PREFERRED.sub(lambda found: "".join(found[0].split()), text)


def _field(token: str) -> tuple[str, object]:
    key, colon, value = token.partition(":")
    if token == REHEARSE:
        return REHEARSE, True
    if not colon or key not in KEYS:
        raise unknown(key if colon else token, [f"{key}:" for key in KEYS] + [REHEARSE], "word of a goal")
    if not value:
        raise OpenError("missing value", f"{key}: of what? nothing stands behind the colon", words=token)
    if key == "protect":
        return "protected", items(key, value)
    if key in PREFERRING:
        return "prefer", _preference(token, value)
    if key == "mode" and value not in DRAIN_MODES:
        raise unknown(value, DRAIN_MODES, "mode of a drain")
    return (
        (TEXTS[key], value.strip('"')[: 26 if key in ("from", "until") else 64])
        if key in TEXTS
        else (key, number(key, value))
    )


def _preference(token: str, value: str) -> Preference:
    """The objectives of `delay>changes>power`. Raises `OpenError` on one that there is not, or that stands twice."""
    found: list[Objective] = []
    for word in value.split(">"):
        name = SPELT.get(word, word)
        if name not in OBJECTIVES:
            raise unknown(word, OBJECTIVES, "objective")
        if name in found:
            raise OpenError("repeated word", f"{name} stands twice in {token}: where does it belong?", words=token)
        found.append(name)
    return tuple(found)


def items(key: str, value: str) -> tuple[str, ...]:
    """The names of a list. Raises `OpenError` where one is empty."""
    names = tuple(part.replace('"', "").strip() for part in _split(value))
    if not all(names):
        raise OpenError("missing element", f"{key}:{value} has an empty place: which elements?", words=f"{key}:{value}")
    if len(names) > 50:
        raise OpenError("bad value", f"{key} names {len(names)} elements, and may name 50: which ones?")
    return names


def _split(value: str) -> Iterable[str]:
    at = 0
    while at <= len(value):
        part = _ITEM.match(value, at)
        end = part.end() if part else len(value)
        yield value[at:end]
        at = end + 1


def number(key: str, value: str) -> float:
    """A plain decimal number; of what is a share `80%` as well. Raises `OpenError`."""
    digits = value.removesuffix("%") if key in SHARES else value
    if not _NUMBER.fullmatch(digits):
        hint = f", such as {key}:0.8 for 80 %" if "%" in value else ", such as 0.8 or 4"
        raise OpenError("bad value", f"{key}:{value} is no number: how much{hint}?", words=f"{key}:{value}")
    return float(Decimal(digits) / 100) if value.endswith("%") else float(digits)


def unknown(word: str, known: Iterable[str], kind: str) -> OpenError:
    """The question about a word that is none of the known ones, with the closest of them."""
    names = tuple(known)
    near = tuple(closest(word, names, most=1))
    hint = f"is {near[0]} meant?" if near else f"known are {', '.join(names)}"
    return OpenError(
        "unknown word", f"{word!r} is no {kind}: {hint}", words=word, choices=tuple(x.rstrip(":") for x in near)
    )
