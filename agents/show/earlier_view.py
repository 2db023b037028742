"""The network at an earlier time, and the strip of time that leads there: from kept samples."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from agents.wording import counted, duration, mbps, place, share, stated
from twin.model import Floats, Network
from twin.printed import utc
from twin.untrusted import one_line

from .live_views import Figure, LinkRow, arrow, link_rows
from .report.map import Drawing, Look, draw

_FLAGS, _LETTER = 3, 9.5  # how many, and how wide a letter is on a phone at most
_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 560.0, 78.0, 12.0, 20.0, 62.0
_TICKS = 5


class Shown(NamedTuple):
    """The network as one sample has it."""

    when: str
    ago: str
    figures: tuple[Figure, ...]
    drawing: Drawing
    rows: tuple[LinkRow, ...]


class Spot(NamedTuple):
    """One sample on the strip: where it is, and its address."""

    x: float
    width: float
    at: str
    title: str


class StripFlag(NamedTuple):
    """Since when something was wrong; `text` is empty where another one's stands in its place."""

    x: float
    text: str
    href: str
    anchor: str
    title: str


class Time(NamedTuple):
    """A time written below the strip."""

    x: float
    text: str


class Strip(NamedTuple):
    """Traffic above the limit over time: geometry only. Pixels."""

    title: str
    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    most: str
    area: str
    ticks: tuple[Time, ...]
    flags: tuple[StripFlag, ...]
    spots: tuple[Spot, ...]
    cursor: float | None


class EarlierView(NamedTuple):
    """The strip, None with fewer than two samples; and the sample that was asked for, None for the newest look.

    `missing` says that nothing is kept of the time that was asked for.
    """

    strip: Strip | None
    shown: Shown | None
    missing: bool


def earlier_view(
    network: Network,
    times: Floats,
    shares: Floats,
    *,
    limit: float,
    at: float | None,
    incidents: Sequence[tuple[float, str, str]] = (),
) -> EarlierView:
    """Put samples into a picture.

    `times` [K] are ends in epoch seconds, `shares` [K, m] of capacity: NaN where unmeasured, -1 where down. `at` asks
    for the newest sample that had ended by then; `incidents` are since when, what, and which.
    """
    by_then = np.flatnonzero(times <= at) if at is not None else np.zeros(0, int)
    row = int(by_then[-1]) if by_then.size else None
    strip = _strip(network, times, shares, limit, row, incidents) if len(times) > 1 else None
    return EarlierView(
        strip,
        _shown(network, times, shares[row], limit, row) if row is not None else None,
        at is not None and row is None,
    )


def _shown(network: Network, times: Floats, values: Floats, limit: float, row: int) -> Shown:
    moment = datetime.fromtimestamp(float(times[row]), UTC)
    load = [float(x) if math.isfinite(x) and x >= 0 else -1.0 for x in values]
    down = tuple(name for name, links in network.circuits.items() if any(values[i] == -1.0 for i in links))
    fullest = int(np.argmax(load)) if load else 0
    above = _above(network, values[np.newaxis], limit)[0]
    peak = max(load, default=0.0)
    title = f"{network.name} at {moment:%F %H:%M} UTC: busiest link at {share(peak)}"
    source = f"counters, the sample that ended at {utc(moment)}"
    figures = (
        Figure(
            "Busiest link",
            f"{100 * max(peak, 0.0):.1f} %",
            arrow(network.links[fullest].name) if load else "",
            source,
            "crit" if peak >= limit else "",
        ),
        Figure("Above the limit", mbps(above), f"{stated(limit)} of each link", source, "crit" if above > 0.5 else ""),
        Figure(
            "Down",
            counted(len(down), "circuits") if down else "nothing",
            ", ".join(map(place, down[:2])),
            source,
            "crit" if down else "",
        ),
    )
    drawing = draw(network, Look(title, load, down=down, limit=limit))
    ago = duration(max(0.0, float(times[-1] - times[row])))
    return Shown(f"{moment:%d %b %H:%M}", ago, figures, drawing, link_rows(network, load, limit))


def _above(network: Network, shares: Floats, limit: float) -> Floats:
    """Mbit/s above the limit, summed over links, per sample [K]."""
    capacity = np.array([x.capacity for x in network.links])
    return np.nansum(np.maximum(shares - limit, 0.0) * capacity, axis=1)


def _strip(
    network: Network,
    times: Floats,
    shares: Floats,
    limit: float,
    row: int | None,
    incidents: Sequence[tuple[float, str, str]],
) -> Strip:
    above = _above(network, shares, limit)
    most, right = max(float(above.max()), 1.0), _WIDTH - _RIGHT
    first, last = float(times[0]), float(times[-1])

    def across(time: float) -> float:
        return _LEFT + (time - first) / (last - first) * (right - _LEFT)

    xs = [across(float(t)) for t in times]
    ys = [_BOTTOM - float(v) / most * (_BOTTOM - _TOP) for v in above]
    line = "".join(f"L{x:.1f} {y:.1f}" for x, y in zip(xs, ys, strict=True))
    chosen = np.unique(np.linspace(0, len(times) - 1, _TICKS).round().astype(int))
    return Strip(
        title="Traffic above the limit over time",
        width=_WIDTH,
        height=_BOTTOM + 22,
        left=_LEFT,
        right=right,
        top=_TOP,
        bottom=_BOTTOM,
        most=mbps(most),
        area=f"M{_LEFT:.1f} {_BOTTOM:.1f}{line}L{right:.1f} {_BOTTOM:.1f}Z",
        ticks=tuple(
            Time(across(float(times[i])), f"{datetime.fromtimestamp(float(times[i]), UTC):%H:%M}") for i in chosen
        ),
        flags=_flags([(across(t), one_line(words, 60), name) for t, words, name in incidents if first <= t <= last]),
        spots=_spots(times, above, xs, (right - _LEFT) / max(len(times) - 1, 1)),
        cursor=across(float(times[row])) if row is not None else None,
    )


def _spots(times: Floats, above: Floats, xs: Sequence[float], each: float) -> tuple[Spot, ...]:
    """Where each sample can be clicked, `each` pixels wide, and what it says."""
    moments = [datetime.fromtimestamp(float(t), UTC) for t in times]
    return tuple(
        Spot(
            x - each / 2,
            each,
            f"{moment:%Y-%m-%dT%H:%M:%S}",
            f"{moment:%H:%M:%S} UTC, {mbps(float(v))} above the limit",
        )
        for moment, v, x in zip(moments, above, xs, strict=True)
    )


def _flags(incidents: Sequence[tuple[float, str, str]]) -> tuple[StripFlag, ...]:
    """Mark the newest incidents, and write on each what it is as far as there is room; the newest goes first."""
    found, taken = list[StripFlag](), list[tuple[float, float]]()
    for x, words, name in reversed(incidents[-_FLAGS:]):
        anchor, length = ("end" if x > _WIDTH / 2 else "start"), _LETTER * len(words)
        begin = x - length if anchor == "end" else x
        free = all(begin + length <= low or begin >= high for low, high in taken)
        taken += [(begin, begin + length)] if free else []
        found.append(StripFlag(x, words if free else "", name, anchor, words))
    return tuple(found)
