"""A day of traffic: the profile that a maintenance window is rehearsed with, and the window as one writes it."""

import re
from pathlib import Path
from typing import NamedTuple

from twin.errors import InputError
from twin.files import read_text
from twin.formats.source import Source

_WINDOW = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")
_MOST = 10.0


class Span(NamedTuple):
    """Whole hours of a day, from `start`; it may go past midnight."""

    start: int
    hours: int


def read_day(path: str | Path) -> tuple[float, ...]:
    """Read 24 shares of the provisioned traffic, midnight first, separated by commas, spaces or lines.

    Raises `FormatError` naming the line, `InputError` when the file cannot be read.
    """
    source, factors = Source(str(path)), list[float]()
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        for word in line.replace(",", " ").split():
            factor = source.number(word, f"line {number}", "a share of the traffic", least=0)
            if factor > _MOST:
                raise source.error(f"line {number}", f"a share of the traffic up to {_MOST:g}, not {word}")
            factors.append(factor)
    if len(factors) != 24:
        raise source.error("the whole file", f"24 shares of the traffic, one an hour, not {len(factors)}")
    return tuple(factors)


def parse_window(text: str) -> Span:
    """Read a window such as `02:00-04:00` or `22:30-01:00`; hours begun count whole. Raises `InputError`."""
    fix = "write the hours of the day as 02:00-04:00"
    found = _WINDOW.fullmatch(text.strip())
    if found is None:
        raise InputError(f"{text!r} is no window", fix=fix)
    first, first_minute, last, last_minute = (int(part) for part in found.groups())
    begin, end = 60 * first + first_minute, 60 * last + last_minute
    if max(first_minute, last_minute) > 59 or begin >= 1440 or end > 1440 or begin == end:
        raise InputError(f"{text!r} is no window of a day", fix=fix)
    end += 1440 if end < begin else 0
    start = begin // 60
    return Span(start, min(-(-end // 60) - start, 24))
