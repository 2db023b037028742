"""Where words go on a drawing so that they cover neither each other nor what they describe."""

import math
from collections.abc import Iterable
from typing import NamedTuple

_SQUARE = 48.0  # pixels
_NARROW, _WIDE = set("iIljtf.,:;|!'()[]1- "), set("mwMW%@")


class Box(NamedTuple):
    """A rectangle in pixels, y downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Box") -> bool:
        """Whether the two share an area."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def inside(self, width: float, height: float) -> bool:
        """Whether a sheet of this size holds it."""
        return self.left >= 0 and self.top >= 0 and self.right <= width and self.bottom <= height


class Segment(NamedTuple):
    """A straight line between two points."""

    x1: float
    y1: float
    x2: float
    y2: float


class Label(NamedTuple):
    """A word at its place; `anchor` is SVG's text-anchor."""

    text: str
    x: float
    y: float
    anchor: str
    box: Box


def text_width(text: str, size: float) -> float:
    """Estimate the width of a text in a sans-serif face, in pixels."""
    return sum(0.32 if c in _NARROW else 0.86 if c in _WIDE else 0.56 for c in text) * size


def around(text: str, x: float, y: float, *, size: float, gap: float) -> list[Label]:
    """Return the eight places around a point, the best first."""
    width, half = text_width(text, size), size * 0.36
    near = gap * 0.7
    places = [
        (x + gap, y + half, "start"),
        (x - gap, y + half, "end"),
        (x, y - gap, "middle"),
        (x, y + gap + 2 * half, "middle"),
        (x + near, y - near, "start"),
        (x - near, y - near, "end"),
        (x + near, y + near + 2 * half, "start"),
        (x - near, y + near + 2 * half, "end"),
    ]
    return [_label(text, left, base, anchor, width, size) for left, base, anchor in places]


def centred(text: str, x: float, y: float, *, size: float) -> Label:
    """Return a label whose middle is at the point."""
    return _label(text, x, y + size * 0.36, "middle", text_width(text, size), size)


class Lettering:
    """What words may not cover: boxes that are taken; and lines, which they rather do not. Kept by squares.

    A word looks at the squares that it lies in alone, so that a map of 200 nodes is lettered in milliseconds.
    """

    def __init__(self, lines: Iterable[Segment], taken: Iterable[Box] = ()) -> None:
        self._lines: dict[tuple[int, int], list[Segment]] = {}
        self._boxes: dict[tuple[int, int], list[Box]] = {}
        for x in lines:
            for square in _squares(min(x.x1, x.x2), min(x.y1, x.y2), max(x.x1, x.x2), max(x.y1, x.y2)):
                self._lines.setdefault(square, []).append(x)
        for box in taken:
            self.take(box)

    def take(self, box: Box) -> None:
        """Let nothing be written over a box from now on."""
        for square in _squares(*box):
            self._boxes.setdefault(square, []).append(box)

    def choose(self, candidates: Iterable[Label], most: int | None = None) -> Label | None:
        """Return the first that covers no taken box and the fewest lines, at most `most` of them; None without one."""
        best, fewest = None, math.inf if most is None else most + 1
        for label in candidates:
            squares = _squares(*label.box)
            if any(label.box.overlaps(box) for square in squares for box in self._boxes.get(square, ())):
                continue
            near = {line for square in squares for line in self._lines.get(square, ())}
            crossed = sum(_crosses(line, label.box) for line in near)
            if crossed < fewest:
                best, fewest = label, crossed
            if not crossed:
                break
        return best


def _squares(left: float, top: float, right: float, bottom: float) -> list[tuple[int, int]]:
    across = range(int(left // _SQUARE), int(right // _SQUARE) + 1)
    down = range(int(top // _SQUARE), int(bottom // _SQUARE) + 1)
    return [(i, j) for i in across for j in down]


def _label(text: str, x: float, base: float, anchor: str, width: float, size: float) -> Label:
    left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
    return Label(text, x, base, anchor, Box(left - 1, base - 0.78 * size, left + width + 1, base + 0.24 * size))


def _crosses(line: Segment, box: Box) -> bool:
    """Liang-Barsky: whether any part of the segment lies in the box; most lie beside it, which is told first."""
    if max(line.x1, line.x2) < box.left or min(line.x1, line.x2) > box.right:
        return False
    if max(line.y1, line.y2) < box.top or min(line.y1, line.y2) > box.bottom:
        return False
    enter, leave = 0.0, 1.0
    for start, delta, low, high in (
        (line.x1, line.x2 - line.x1, box.left, box.right),
        (line.y1, line.y2 - line.y1, box.top, box.bottom),
    ):
        if abs(delta) < 1e-12:
            if not low <= start <= high:
                return False
            continue
        first, second = sorted(((low - start) / delta, (high - start) / delta))
        enter, leave = max(enter, first), min(leave, second)
    return enter <= leave
