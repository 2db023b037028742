"""Settling what a text leaves open: one question to whoever is at the terminal, or the question as the answer."""

import re
from collections.abc import Callable
from typing import TypeVar

from .types import Question

T = TypeVar("T")

Ask = Callable[[str], str]
"""Puts a question to a person and returns the answer."""


def settle(text: str, read: Callable[[str], T | Question], ask: Ask | None) -> T | Question:
    """Read a text; where something is open and somebody can be asked, ask once and read again.

    Plain words without a model are answered and never carried out, whoever is there.
    """
    found = read(text)
    if not isinstance(found, Question) or ask is None or found.code == "plain words":
        return found
    reply = ask(asked(found)).strip()
    return read(answered(text, found, reply)) if reply else found


def asked(question: Question) -> str:
    """The question as a person gets to see it, with its choices numbered."""
    lines = [question.question]
    if len(question.choices) > 1:
        lines += [f"  {number}. {choice}" for number, choice in enumerate(question.choices, start=1)]
    return "\n".join(lines)


def answered(text: str, question: Question, reply: str) -> str:
    """The text with the chosen words in the place of what was open; any other reply stands for the whole text."""
    choices = question.choices
    if len(choices) == 1 and reply.lower() in ("y", "yes", "1"):
        chosen = choices[0]
    elif reply.isdecimal() and 1 <= int(reply) <= len(choices):
        chosen = choices[int(reply) - 1]
    elif reply in choices:
        chosen = reply
    else:
        return reply
    return _put(text, question.words, chosen)


def _put(text: str, words: str, chosen: str) -> str:
    """Put a choice where whole words stand; in place of the text where there are none."""
    place = re.compile(rf'(?<![^\s:,"]){re.escape(words)}(?![^\s,":])') if words else None
    return place.sub(lambda _: chosen, text, count=1) if place and place.search(text) else chosen
