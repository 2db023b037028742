"""Settling what a text leaves open: one question to whoever is at the terminal, or the question as the answer."""

from collections.abc import Callable
from typing import TypeVar

from .types import Question

T = TypeVar("T")

Ask = Callable[[str], str]
"""Puts a question to a person and returns the answer."""

_ADDED = frozenset({"incomplete window", "missing value", "missing element", "past window"})
"""Questions whose answer is added to the text; any other answer stands in for the words that it is about."""


def settle(text: str, read: Callable[[str], T | Question], ask: Ask | None) -> T | Question:
    """Read a text; where something is open and somebody can be asked, ask once and read again."""
    found = read(text)
    if not isinstance(found, Question) or ask is None:
        return found
    reply = ask(asked(found)).strip()
    if not reply:
        return found
    return read(answered(text, found, reply))


def asked(question: Question) -> str:
    """The question as a person gets to see it, with its choices numbered."""
    lines = [question.question]
    if len(question.choices) > 1:
        lines += [f"  {number}. {choice}" for number, choice in enumerate(question.choices, start=1)]
    return "\n".join(lines)


def answered(text: str, question: Question, reply: str) -> str:
    """The text with the answer in the place of what was open."""
    chosen = _chosen(question, reply)
    if question.code == "past window":
        return f"{text[: question.start]} {chosen} {text[question.end :]}".strip()
    if question.code in _ADDED:
        return f"{text.rstrip(' .?!')} {chosen}"
    if question.code in ("no goal", "negated goal", "several goals") or question.end <= question.start:
        return chosen
    return f"{text[: question.start]}{chosen}{text[question.end :]}"


def _chosen(question: Question, reply: str) -> str:
    if len(question.choices) == 1 and reply.lower() in ("y", "yes", "1"):
        return question.choices[0]
    if reply.isdigit() and 1 <= int(reply) <= len(question.choices):
        return question.choices[int(reply) - 1]
    return reply
