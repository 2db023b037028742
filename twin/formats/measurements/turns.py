"""Changes of state that no poll met: when interfaces say that they last changed (RFC 2863, ifLastChange), or how often.

Such a change becomes a line of its router's log, in words of our own, where the log itself has none of that interface
and time. Nobody knows more of the moments of n changes than that they lie between two polls: they are expected evenly
spaced there, the last one at its own time where that is said.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from twin.live.network import Event, Flags
from twin.model import Floats, Ints

from .counters import UInts

COUNTED_TURN = "counted: Interface {}, changed state to {}"
"""The line of a change, of an interface and `up` or `down`."""
_MOST = 64
"""Changes of one interval that are told; more of them say no more."""
_EPOCH_NS = 1e15  # above it a time of last change is nanoseconds since 1970 (OpenConfig), below hundredths of uptime
_NOTICE = 5


class TurnReadings(NamedTuple):
    """What polls say, in any order [R]: epoch seconds, of which interface, and its state (NaN where nobody says).

    `changes` counts changes of state where `counted`; `last` is the time of the last one as its router says it, NaN
    where it does not, and `uptime` the seconds that the router has been up.
    """

    time: Floats
    series: Ints
    up: Floats
    changes: UInts
    counted: Flags
    last: Floats
    uptime: Floats


class MissedTurns(NamedTuple):
    """Changes of one interface between two polls, epoch seconds, and the state before them."""

    series: int
    begin: float
    end: float
    times: tuple[float, ...]
    was_up: bool


class CountedTurn(NamedTuple):
    """A line of a change that was counted, and the polls that it lies between."""

    line: Event
    interface: str
    begin: float
    end: float


def missed_turns(readings: TurnReadings) -> Iterator[MissedTurns]:
    """Yield every two polls of an interface between which it changed more often than they tell by themselves.

    A router that was started in between says nothing: its interfaces came up with it.
    """
    order = np.lexsort((readings.time, readings.series))
    series, time = readings.series[order], readings.time[order]
    for k in np.flatnonzero((series[1:] == series[:-1]) & (series[1:] >= 0) & (time[1:] > time[:-1])).tolist():
        one, other = int(order[k]), int(order[k + 1])
        begin, end = float(time[k]), float(time[k + 1])
        if _restarted(readings, one, other):
            continue
        before, after = (float(readings.up[x]) for x in (one, other))
        was_up = before != 0.0
        last = _moment(readings, other, begin, end)
        count = _changes(readings, one, other)
        if count is None:
            if not _entered(readings, one, other):
                continue
            count = 1 if before + after == 1.0 else 2
        if np.isfinite(before + after):
            count -= count % 2 != (before != after)  # state and count are not of one instant
        count = min(count, _MOST + count % 2)
        if count >= 2:
            until, spaces = (end, count + 1) if last is None else (last, count)
            times = tuple(begin + (until - begin) * (i + 1) / spaces for i in range(count))
            yield MissedTurns(int(series[k]), begin, end, times, was_up)


def lines_of(turns: MissedTurns, node: str, interface: str) -> Iterator[CountedTurn]:
    """Yield the lines of the changes of an interface of a node."""
    for i, time in enumerate(turns.times):
        state = "down" if turns.was_up == (i % 2 == 0) else "up"
        event = Event(time, node, _NOTICE, COUNTED_TURN.format(interface, state))
        yield CountedTurn(event, interface, turns.begin, turns.end)


def unlogged(counted: Sequence[CountedTurn], events: Sequence[Event]) -> Iterator[Event]:
    """Yield the lines of changes between polls of which the router's own log names the interface nowhere."""
    logged: dict[str, list[Event]] = {}
    for event in events:
        logged.setdefault(event.node, []).append(event)
    known: dict[tuple[str, str, float], bool] = {}
    for turn in counted:
        key = turn.line.node, turn.interface, turn.begin
        if key not in known:
            named = re.compile(rf"(?<![\w.&+-]){re.escape(turn.interface)}(?![\w&+-])")
            near = (x for x in logged.get(turn.line.node, ()) if turn.begin < x.time <= turn.end)
            known[key] = any(named.search(x.message) for x in near)
        if not known[key]:
            yield turn.line


def _restarted(readings: TurnReadings, one: int, other: int) -> bool:
    passed = readings.time[other] - readings.time[one]
    return bool(readings.uptime[other] < max(float(readings.uptime[one]), float(passed) - 1.0))


def _changes(readings: TurnReadings, one: int, other: int) -> int | None:
    """Changes that were counted between two polls; None where nobody counts, or the count began anew."""
    if not (readings.counted[one] and readings.counted[other]):
        return None
    before, after = int(readings.changes[one]), int(readings.changes[other])
    return after - before if after >= before else None


def _entered(readings: TurnReadings, one: int, other: int) -> bool:
    """Whether the state of the later poll began after the earlier one."""
    return bool(readings.last[other] > readings.last[one])


def _moment(readings: TurnReadings, row: int, begin: float, end: float) -> float | None:
    """When the state of a poll began, epoch seconds, where that is said and lies between the polls."""
    last = float(readings.last[row])
    ago = float(readings.uptime[row]) - last / 100.0
    found = last / 1e9 if last > _EPOCH_NS else end - ago
    return found if begin < found <= end else None
