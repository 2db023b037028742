"""Lines over time as a picture: geometry only, no markup."""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from twin.model import Floats

from .labels import Box, Label, text_width

_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 132.0, 22.0, 26.0
_MARGIN = 12.0  # left of what is written at the axis
_TEXT, _TICK_TEXT = 10.5, 12.0
_BOLD = 1.12  # how much wider the fault is written than the rest
_TICK = 52.0  # between two times


class Series(NamedTuple):
    """One line: a value per time, NaN where nothing was measured."""

    name: str
    values: Floats


class Moment(NamedTuple):
    """Something that happened: the fault, a step."""

    time: float  # epoch seconds
    text: str
    kind: str


class Panel(NamedTuple):
    """What one chart shows; `limit` draws a line that should not be crossed."""

    title: str
    times: Floats  # [k] epoch seconds
    series: Sequence[Series]
    moments: Sequence[Moment] = ()
    limit: float | None = None
    write: Callable[[float], str] = str
    least_top: float = 0.0


class Tick(NamedTuple):
    """A position on an axis and what is written there."""

    at: float
    text: str


class ChartLine(NamedTuple):
    """A line's path, its style number, and its name beside its end."""

    style: int
    path: str
    name: str
    name_y: float
    title: str


class Flag(NamedTuple):
    """A moment: a vertical line with a word on top."""

    x: float
    label: Label
    kind: str
    title: str


class Chart(NamedTuple):
    """Everything on one chart; sizes in pixels."""

    title: str
    width: float
    height: float
    plot: Box
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    lines: tuple[ChartLine, ...]
    flags: tuple[Flag, ...]
    limit: Tick | None
    named: bool = True  # whether the lines carry their names, or a legend does


def draw(panel: Panel, *, width: float = 960, height: float = 250, named: bool = True) -> Chart:
    """Lay a chart out. Gaps in a series stay gaps."""
    first, last = float(panel.times[0]), float(panel.times[-1])
    span = max(last - first, 1.0)
    top = _round_up(max([panel.least_top, panel.limit or 0.0, *(_peak(series.values) for series in panel.series)]))
    steps = [(top * i / 4, panel.write(top * i / 4)) for i in range(5)]
    left = max(_LEFT, _MARGIN + max(text_width(text, _TICK_TEXT) for _, text in steps))
    right = _RIGHT if named else text_width("00:00", _TICK_TEXT) / 2 + 2  # half of the last time stands beyond the plot
    plot = Box(left, _TOP + 16, width - right, height - _BOTTOM)

    def across(time: float) -> float:
        return plot.left + (time - first) / span * (plot.right - plot.left)

    def up(value: float) -> float:
        return plot.bottom - value / top * (plot.bottom - plot.top)

    paths = [
        _path([across(float(t)) for t in panel.times], [up(float(v)) for v in series.values]) for series in panel.series
    ]
    ends = [up(_last(series.values)) for series in panel.series]
    lines = tuple(
        ChartLine(i, path, series.name, y, f"{series.name}: at most {panel.write(_peak(series.values))}")
        for i, (series, path, y) in enumerate(zip(panel.series, paths, _apart(ends, plot), strict=True))
    )
    limit = None if panel.limit is None else Tick(up(panel.limit), f"limit {panel.write(panel.limit)}")
    ticks = tuple(Tick(up(value), text) for value, text in steps)
    flags = _flags([moment for moment in panel.moments if first <= moment.time <= last], across, plot, width)
    return Chart(panel.title, width, height, plot, _clock(first, span, across), ticks, lines, flags, limit, named)


def _path(xs: Sequence[float], ys: Sequence[float]) -> str:
    path, pen = "", "M"
    for x, y in zip(xs, ys, strict=True):
        if not math.isfinite(y):
            pen = "M"
            continue
        path += f"{pen}{x:.1f} {y:.1f}"
        pen = "L"
    return path


def _peak(values: Floats) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.max()) if len(finite) else 0.0


def _last(values: Floats) -> float:
    finite = values[np.isfinite(values)]
    return float(finite[-1]) if len(finite) else 0.0


def _round_up(value: float) -> float:
    """The next of 1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8 times a power of ten: quarters of it read well."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10) if step * power >= value * 0.999)


def _clock(first: float, span: float, across: Callable[[float], float]) -> tuple[Tick, ...]:
    room = min(9.0, max(2.0, (across(first + span) - across(first)) / _TICK))
    minutes = next((m for m in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440) if span / 60 / m <= room), 2880)
    step = minutes * 60
    start = math.ceil(first / step) * step
    times = [start + i * step for i in range(int((first + span - start) // step) + 1)]
    return tuple(Tick(across(time), f"{datetime.fromtimestamp(time, UTC):%H:%M}") for time in times)


def _apart(ys: Sequence[float], plot: Box) -> list[float]:
    """Move names at the line ends apart so that each can be read."""
    moved = list(ys)
    below = plot.top - _TEXT
    for i in sorted(range(len(ys)), key=lambda i: ys[i]):
        moved[i] = below = max(ys[i], below + _TEXT + 3)
    lift = max(0.0, below - plot.bottom)
    return [y - lift for y in moved]


def _flags(moments: Sequence[Moment], across: Callable[[float], float], plot: Box, width: float) -> tuple[Flag, ...]:
    flags: list[Flag] = []
    free = [-math.inf, -math.inf]
    for moment in sorted(moments, key=lambda moment: moment.time):
        x, size = across(moment.time), _BOLD * text_width(moment.text, _TEXT)
        middle = min(max(x, size / 2 + 2), width - size / 2 - 2)
        row = next((i for i, edge in enumerate(free) if middle - size / 2 > edge), None)
        text = moment.text if row is not None else ""
        base = plot.top - 6 - 13 * (row or 0)
        if row is not None:
            free[row] = middle + size / 2 + 4
        box = Box(middle - size / 2, base - _TEXT, middle + size / 2, base + 2)
        flags.append(Flag(x, Label(text, middle, base, "middle", box), moment.kind, moment.text))
    return tuple(flags)
