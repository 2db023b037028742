"""Where a line may end: between words, never before a unit, and inside a name only between its two ends."""

import re
from itertools import pairwise

from rich.cells import cell_len

_UNIT = re.compile(r"(?<=\d) (?=[kMGT]?bit/s|ms|s|min|h|k?W|%|pp)")
_TIED = "\x1f"  # stands for a space that no line ends with
_JOINT = re.compile(r"(?<=[^\s-]->)(?=\S)|(?<=[^\s-]--)(?=[^\s>-])")
"""Between the ends of `A->B` and `A--B`: where a name that is wider than the place may go on in the next line."""


def ends_of(word: str) -> list[str]:
    """Split the name of a link or a circuit into its two ends, the arrow with the first; any other word is one."""
    return _JOINT.split(word)


def breaks(line: str, width: int, indent: int = 0) -> list[int]:
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
        for end in (*(x.start() for x in _JOINT.finditer(text, match.start(), match.end())), match.end()):
            if not fits(end) and text[begin:last].strip():
                begin = last
                found.append(begin)
            last = end
    return found


def wrapped(line: str, width: int) -> str:
    """Wrap a line, the next ones indented as it is."""
    indent = line[: len(line) - len(line.lstrip())]
    starts = breaks(line, width, len(indent))
    first, *rest = (line[a:b].rstrip() for a, b in pairwise((0, *starts, len(line))))
    return "\n".join((first, *(f"{indent}{x}" for x in rest)))
