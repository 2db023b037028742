"""A text while it is being read: what has been understood is taken out, and every piece keeps its place."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from .types import Origin

TAKEN, ELEMENT = "\x00", "\x01"
"""What stands in a text where something was understood, and where an element is named."""

_DASHES = dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-")
_QUOTES = dict.fromkeys("\u2018\u2019\u201b\u00b4`", "'")
_SIGNS = {"\u2192": ">", "\u2264": "<", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\n": " ", "\t": " ", "\r": " "}
_PLAIN = {**_DASHES, **_QUOTES, **_SIGNS, TAKEN: " ", ELEMENT: " "}


def listed(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


NUMBER_WORDS = {
    word: value
    for value, word in enumerate(
        listed(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
            "seventeen eighteen nineteen"
        )
    )
} | {
    word: 10 * tens
    for tens, word in enumerate(listed("twenty thirty forty fifty sixty seventy eighty ninety"), start=2)
}
_TENS = "|".join(word for word, value in NUMBER_WORDS.items() if value >= 20)
_ONES = "|".join(sorted((word for word, value in NUMBER_WORDS.items() if value < 20), key=len, reverse=True))
NUMBER = rf"(?:\d+(?:[.,]\d+)?|(?:{_TENS})(?:[ -](?:{_ONES}))?|{_ONES})"
"""A number in figures or words, for use inside a pattern."""


def fold(text: str) -> str:
    """Lower case, no accents, plain dashes and quotes; as long as the text, so that places stay."""
    return "".join(_folded(c) for c in text)


def _folded(char: str) -> str:
    char = _PLAIN.get(char, char)
    base = unicodedata.normalize("NFD", char)[0].lower()
    return base if len(base) == 1 else char


def number(words: str) -> float:
    """The value of what `NUMBER` matched."""
    if words[0].isdigit():
        return float(words.replace(",", "."))
    return float(sum(NUMBER_WORDS[part] for part in re.split(r"[ -]", words)))


@dataclass
class Reading:
    """One text: `left` is what has not been understood yet, place by place; `origins` says what was read from where."""

    text: str
    left: str = ""
    origins: list[Origin] = field(default_factory=list[Origin])

    def __post_init__(self) -> None:
        self.left = fold(self.text)

    def take(self, start: int, end: int, mark: str = TAKEN) -> None:
        """Mark a piece as understood."""
        self.left = self.left[:start] + mark * (end - start) + self.left[end:]

    def is_taken(self, start: int, end: int) -> bool:
        """Whether some of a piece has been understood."""
        return TAKEN in self.left[start:end] or ELEMENT in self.left[start:end]

    def note(self, name: str, start: int, end: int) -> None:
        """Record which words a field came from."""
        self.origins.append(Origin(field=name, start=start, end=end, words=self.text[start:end]))

    def find(self, pattern: str) -> "re.Match[str] | None":
        """The first match of a pattern in what is left."""
        return re.search(pattern, self.left)

    def all(self, pattern: str) -> Iterator["re.Match[str]"]:
        """Every match of a pattern in what is left now."""
        return re.finditer(pattern, self.left)

    def take_match(self, match: "re.Match[str]", name: str = "") -> None:
        """Mark a match as understood, and say what it was."""
        if name:
            self.note(name, match.start(), match.end())
        self.take(match.start(), match.end())


def clause(left: str, start: int, end: int) -> tuple[int, int]:
    """Widen a piece to the clause around it: up to a comma, semicolon or full stop, `and`, `but`, `while` or `with`."""
    breaks = [
        m.span()
        for m in re.finditer(r"[,;!?]|\.(?!\d)|\b(?:and|but|while|whilst|with|then|so that|as long as)\b", left)
    ]
    begin = max((b for _, b in breaks if b <= start), default=0)
    finish = min((a for a, _ in breaks if a >= end), default=len(left))
    return begin, finish
