"""One file being read: numbers and names from it, or an error that says where and what was expected."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from twin.errors import FormatError
from twin.model import MAX_NODES

MAX_WEIGHT = 2**24
_LARGEST = 1e15


class Source(NamedTuple):
    """The path of a file, for its errors."""

    path: str

    def error(self, where: str, expected: str) -> FormatError:
        """Build the error for one place."""
        return FormatError(self.path, where, expected)

    def number(self, text: str | None, where: str, what: str, *, least: float = -math.inf) -> float:
        """Parse a finite number. Raises `FormatError` when it is none, below `least`, or absurdly large."""
        try:
            value = float(text or "")
        except ValueError:
            value = math.nan
        if not (least <= value <= _LARGEST):
            bound = f" of at least {least:g}" if least > -math.inf else ""
            raise self.error(where, f"{what} as a number{bound}, not {_shown(text)}")
        return value

    def whole(self, text: str | None, where: str, what: str, *, least: int = 0, most: int = 2**31 - 1) -> int:
        """Parse an integer between two bounds, both allowed."""
        try:
            value = int(text or "")
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise self.error(where, f"{what} as a whole number in {least}..{most}, not {_shown(text)}")
        return value

    def known(self, name: str, index: Mapping[str, int], where: str) -> int:
        """Position of a node. Raises `FormatError` when the file does not define it."""
        if name not in index:
            raise self.error(where, f"a node of this network, not {_shown(name)}")
        return index[name]

    def require_size(self, nodes: int, where: str) -> None:
        """Raise `FormatError` unless there is a node, and few enough that their matrix fits into memory."""
        if not 1 <= nodes <= MAX_NODES:
            raise self.error(where, f"1 to {MAX_NODES} nodes, not {nodes}")


def numbered(pairs: list[tuple[str, str]]) -> list[int]:
    """Index of each directed link among those with the same tail and head, from 1."""
    seen: dict[tuple[str, str], int] = {}
    indices: list[int] = []
    for pair in pairs:
        seen[pair] = seen.get(pair, 0) + 1
        indices.append(seen[pair])
    return indices


def _shown(text: str | None) -> str:
    if not text:
        return "nothing"
    return repr(text if len(text) <= 40 else text[:37] + "…")
