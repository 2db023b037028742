"""Where a line may end: between words, never before a unit, and inside a name or a path only between its parts."""

import re
from itertools import pairwise

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.text import Text

_UNIT = re.compile(r"(?<=\d) (?=[kMGT]?bit/s|ms|s|min|h|k?W|%|pp)")
_ANY = 10_000  # cells: as wide as anything
_TIED = "\0"  # stands for a space that no line ends with
_ENDS = re.compile(r"(?<=[^\s-]->)(?=\S)|(?<=[^\s-]--)(?=[^\s>-])")
"""Between the ends of `A->B` and `A--B`: where a name that is wider than the place goes on below."""
_PARTS = re.compile(rf"{_ENDS.pattern}|(?<=[^\s/]/)(?=[^\s/])")
"""And behind a slash: in a box nothing may stand out, and on a line of its own a path is whole."""


def parts_of(word: str) -> list[str]:
    """Split a name into its two ends, the arrow with the first, and a path into its steps; any other word is one."""
    return _PARTS.split(word)


def breaks(line: str, width: int, indent: int = 0, *, joint: re.Pattern[str] = _ENDS) -> list[int]:
    """Return where each line after the first begins, so that none takes more than `width` cells of a terminal.

    Later lines leave `indent` cells free. What is wider than the place and has no end to break at stands out.
    """
    text, found, begin = _UNIT.sub(_TIED, line), list[int](), 0

    def fits(end: int) -> bool:
        return cell_len(text[begin:end].replace(_TIED, " ")) + (indent if begin else 0) <= width

    for match in re.finditer(r"\S+", text):
        if not fits(match.end()) and text[begin : match.start()].strip():
            begin = match.start()
            found.append(begin)
        last = begin
        for end in (*(x.start() for x in joint.finditer(text, match.start(), match.end())), match.end()):
            if not fits(end) and text[begin:last].strip():
                begin = last
                found.append(begin)
            last = end
    return found


def tied(text: str) -> str:
    """Write a text for a page, where a no-break space keeps a figure and its unit on one line."""
    return _UNIT.sub("\N{NO-BREAK SPACE}", text)


def wrapped(line: str, width: int) -> str:
    """Wrap a line, the next ones indented as it is."""
    indent = line[: len(line) - len(line.lstrip())]
    starts = breaks(line, width, len(indent))
    first, *rest = (line[a:b].rstrip() for a, b in pairwise((0, *starts, len(line))))
    return "\n".join((first, *(f"{indent}{x}" for x in rest)))


def widest_part(text: str, *, parted: bool = True) -> int:
    """Cells of the widest part of a text that no line may end inside; of its widest word where names stay whole."""
    words = _UNIT.sub(_TIED, text).split()
    parts = (part.replace(_TIED, " ") for word in words for part in (parts_of(word) if parted else (word,)))
    return max(map(cell_len, parts), default=0)


class WrappedText:
    """A text on as many lines as it takes: no word is cut, and none is split that has no parts."""

    def __init__(self, text: Text) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Wrap it to the width there is."""
        for line in self._text.split("\n", allow_blank=True):
            for part in line.divide(breaks(line.plain, options.max_width, joint=_PARTS)):
                part.rstrip()
                part.overflow = "fold"
                yield part

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """As wide as its widest part at least, as its widest line at most."""
        most = max(map(cell_len, self._text.plain.split("\n")), default=0)
        return Measurement(min(widest_part(self._text.plain), options.max_width), min(most, options.max_width))


class Indented:
    """Something set in by some cells; where a name would not fit then, at the margin."""

    def __init__(self, body: RenderableType, by: int) -> None:
        self._body, self._by = body, by

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Set it in as far as there is room."""
        roomy = least_width(console, self._body) + self._by <= options.max_width
        yield Padding(self._body, (0, 0, 0, self._by if roomy else 0))


def least_width(console: Console, body: RenderableType) -> int:
    """Cells below which something could not be shown without a name being split."""
    return Measurement.get(console, console.options.update(width=_ANY, max_width=_ANY), body).minimum
