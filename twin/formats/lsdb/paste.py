"""What a terminal leaves in a text besides the router's words: line ends, pager marks with their backspaces, fences."""

import re
from typing import NamedTuple

_PAGER = re.compile(
    r"[ \t]*-*\(?\s?-{1,3}\s?[Mm]ore\s?-{1,3}\)?[^\n]*?(?:\x08+[ \t]*\x08*)+"
    r"|[ \t]*-{2,3}\(?[Mm]ore[^\n)]*\)?-{2,3}[ \t]*(?=\n|$)"
)
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]")
_PROMPT = re.compile(r"^\s*(?:[A-Z]:)?(?:RP/[\w/]+:)?[\w.@/-]+(?:\([\w-]+\))?\s?[#>]\s?(.*)$")


class Line(NamedTuple):
    """One line of a paste, and its number there, from 1."""

    number: int
    text: str


def lines_of(text: str) -> list[Line]:
    """Return the lines without pager marks, control sequences and trailing blanks; tabs are eight blanks wide."""
    plain = _ESCAPE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    plain = re.sub(r"[^\n]\x08", "", _PAGER.sub("", plain)).replace("\x08", "").replace("\ufeff", "")
    lines = [Line(i, line.expandtabs(8).rstrip()) for i, line in enumerate(plain.split("\n"), start=1)]
    return [line for line in lines if not line.text.strip().startswith("```")]


def command_of(line: str) -> str | None:
    """Return the command that is typed behind a prompt, in lower case, None on a line without a prompt."""
    match = _PROMPT.match(line)
    return None if match is None else " ".join(match[1].lower().split())
