"""Configuration as routers print it, as one path of words for each setting: told by braces, or by indentation.

What a candidate differs by is compared with what was meant as sets of such paths, so that it is no matter at which
level a vendor draws its braces.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Differs(NamedTuple):
    """Settings that are in a candidate alone, and in running alone."""

    added: frozenset[str]
    removed: frozenset[str]


def by_braces(lines: Sequence[str]) -> Differs:
    """Read a comparison with braces: `+` and `-` in front of lines, and `[edit a b]` where it is.

    Raises `ValueError` on braces that do not fit.
    """
    added, removed = set[str](), set[str]()
    above: list[str] = []
    base = ""
    for line in lines:
        text = line.strip()
        if text.startswith("[edit") and text.endswith("]"):
            if above:
                raise ValueError("a block that is not closed")
            base = text[len("[edit") : -1].strip()
            continue
        sign = line[:1] if line[:1] in ("+", "-") else ""
        text = (text[1:] if sign else text).strip().rstrip(";").rstrip()
        if not text:
            continue
        if text.endswith("{"):
            above.append(text[:-1].strip())
        elif text == "}":
            if not above:
                raise ValueError("a block that is closed and was not open")
            above.pop()
        else:
            path = " ".join(x for x in (base, *above, text) if x)
            if sign:
                (added if sign == "+" else removed).add(path)
    if above:
        raise ValueError("a block that is not closed")
    return Differs(frozenset(added), frozenset(removed))


def by_indentation(lines: Iterable[str]) -> frozenset[str]:
    """Read settings that are told apart by how far they stand from the left; `!` and `end` close, blocks are none."""
    found: list[tuple[int, str]] = []
    above: list[tuple[int, str]] = []
    for line in lines:
        text = line.strip()
        if not text or text.startswith("!") or text == "end":
            continue
        depth = len(line) - len(line.lstrip())
        while above and above[-1][0] >= depth:
            above.pop()
        found.append((len(above), " ".join((*(x for _, x in above), text))))
        above.append((depth, text))
    after = [*(depth for depth, _ in found[1:]), 0][: len(found)]
    return frozenset(path for (depth, path), next_one in zip(found, after, strict=True) if next_one <= depth)
