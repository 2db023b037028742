"""What a command answers: a document for programs, text for people, and an exit code."""

from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple

from pydantic import JsonValue
from rich.console import RenderableType

OK, REJECTED = 0, 3


class Verbatim(NamedTuple):
    """Text for another program, which is written as it is, whatever the width of the terminal."""

    text: str


class Answer(NamedTuple):
    """A command's result; the text is made when it is read."""

    document: dict[str, JsonValue]
    text: Iterable[RenderableType | Verbatim]
    code: int = OK

    def and_then(self, other: "Answer") -> "Answer":
        """Return this result and what another adds to it."""
        return self._replace(document=self.document | other.document, text=chain(self.text, ("",), other.text))
