"""Times as policies write them: hours of the week in which something may be done, and spans in which nothing may.

    Tue-Thu 01:00-05:00 Europe/Zurich       a window, by the clock of its zone; it may go past midnight
    2026-12-20/2027-01-04 Europe/Zurich     a freeze, its last day included
    2026-12-20T18:00/2027-01-04T06:00       a freeze to the minute, UTC where no zone is named
    2026-12-20T18:00Z/2027-01-04T07:00+01:00    the same: an offset at a time comes before the zone

A zone is an IANA name, `UTC` or `UTC+02:00`.

A window is read off the wall clock: where a clock is put forward the hour that it skips is in no window, and where it
is put back the hour that it shows twice is in it twice. A freeze has every moment that its words may mean: one that
ends at a time that is shown twice ends with the second.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, Field

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = re.compile(r"(?:(?P<days>[A-Za-z,-]+) )?(?P<start>\d{2}:\d{2})-(?P<end>\d{2}:\d{2})(?: (?P<zone>\S+))?")
_TIME = r"(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2})(?::00)?(Z|[+-]\d{2}:\d{2})?)?"
_SPAN = re.compile(rf"{_TIME}/{_TIME}(?: (?P<zone>\S+))?")
_OFFSET = re.compile(r"(?:UTC)?([+-])(\d{2}):(\d{2})")
_MIDNIGHT = "24:00"


def _has_24_hours(day: tuple[float, ...]) -> tuple[float, ...]:
    if len(day) not in (0, 24):
        raise ValueError(f"24 shares of traffic, one an hour, not {len(day)}")
    return day


SharesOfDay = Annotated[tuple[Annotated[float, Field(gt=0, le=10)], ...], AfterValidator(_has_24_hours)]
"""Traffic of each hour from midnight on as a share of what is planned for; empty where nobody says."""


class WeeklyWindow(NamedTuple):
    """Hours of some days of the week, by the clock of a zone; minutes since the midnight of the day it begins on."""

    days: frozenset[int]
    start: int
    end: int  # above 24 hours where it goes past midnight
    zone: tzinfo

    def holds(self, moment: datetime) -> bool:
        """Whether a moment is in the window; its end is not."""
        local = moment.astimezone(self.zone)
        minutes = 60 * local.hour + local.minute + local.second / 60
        today = local.weekday() in self.days and self.start <= minutes < self.end
        return today or ((local.weekday() - 1) % 7 in self.days and minutes + 1440 < self.end)


class ClockSpan(NamedTuple):
    """A time from one moment to another, UTC; the second is not in it."""

    begins: datetime
    ends: datetime

    def holds(self, moment: datetime) -> bool:
        """Whether a moment is in it."""
        return self.begins <= moment < self.ends

    def meets(self, begins: datetime, ends: datetime) -> bool:
        """Whether it has a moment in common with another time."""
        return self.begins < ends and begins < self.ends


def read_weekly(text: str) -> WeeklyWindow:
    """Read `Tue-Thu 01:00-05:00 Europe/Zurich`. Raises `ValueError` that says how to write one."""
    found = _WINDOW.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no window: write Tue-Thu 01:00-05:00 Europe/Zurich")
    start, end = _minutes(found["start"]), _minutes(found["end"])
    if start == end or start == _minutes(_MIDNIGHT):
        raise ValueError(f"{text!r} is no window: it has to begin at one time and end at another")
    return WeeklyWindow(
        _days(found["days"], text), start, end if end > start else end + 1440, zone_named(found["zone"])
    )


def read_span(text: str) -> ClockSpan:
    """Read `2026-12-20/2027-01-04 Europe/Zurich`. Raises `ValueError` that says how to write one."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no freeze: write 2026-12-20/2027-01-04 Europe/Zurich")
    zone = zone_named(found["zone"])
    (first, opens, before, last, closes, after) = found.groups()[:6]
    begins = _moments(date.fromisoformat(first), opens or "00:00", zone_named(before) if before else zone)
    ends = _moments(date.fromisoformat(last), closes or "24:00", zone_named(after) if after else zone)
    span = ClockSpan(begins[0], ends[1])
    if span.ends <= span.begins:
        raise ValueError(f"{text!r} ends before it begins")
    return span


def turns(texts: Iterable[str], begins: datetime, ends: datetime) -> list[datetime]:
    """Return every moment from one to another, both included, at which a window or a freeze may open or close.

    Zones are whole quarters of an hour off UTC and change their clocks at such, so that a time of theirs falls on a
    minute that is as far from a quarter as it is on their clocks.
    """
    past = {0, *(int(minute) % 15 for text in texts for minute in re.findall(r"\d{2}:(\d{2})", text))}
    first, count = begins.astimezone(UTC).replace(minute=0, second=0, microsecond=0), 0
    found = {begins, ends}
    while (quarter := first + count * timedelta(minutes=15)) <= ends:
        found |= {x for x in (quarter + timedelta(minutes=m) for m in past) if begins < x < ends}
        count += 1
    return sorted(found)


def read_either(text: str) -> WeeklyWindow | ClockSpan:
    """Read a window or a freeze. Raises `ValueError`."""
    return read_span(text) if _SPAN.fullmatch(text.strip()) else read_weekly(text)


def zone_named(name: str | None) -> tzinfo:
    """The zone of an IANA name or an offset, `UTC+02:00`, `+02:00` or `Z`; UTC for none. Raises `ValueError`."""
    if not name or name in ("UTC", "Z"):
        return UTC
    offset = _OFFSET.fullmatch(name)
    if offset is not None and int(offset[2]) < 15 and int(offset[3]) < 60:
        size = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(size if offset[1] == "+" else -size)
    try:
        if name in available_timezones():
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError):
        pass
    raise ValueError(f"{name!r} is no time zone: write UTC, UTC+02:00 or one such as Europe/Zurich")


def may_be(shown: datetime) -> tuple[datetime, datetime]:
    """The first and the last moment, UTC, at which the clock of a zone may show this: one put back does so twice.

    What a clock that is put forward skips is the moment at which that is done.
    """
    first, last = sorted(shown.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(shown.tzinfo).replace(tzinfo=None) != shown.replace(tzinfo=None):
        after, minute = last.astimezone(shown.tzinfo).utcoffset(), timedelta(minutes=1)
        while first.astimezone(shown.tzinfo).utcoffset() != after:
            first += minute
        last = first
    return first, last


def _minutes(text: str) -> int:
    hour, minute = (int(x) for x in text.split(":"))
    if minute > 59 or hour > 24 or (hour == 24 and minute):
        raise ValueError(f"{text} is no time of day")
    return 60 * hour + minute


def _days(text: str | None, window: str) -> frozenset[int]:
    if not text:
        return frozenset(range(7))
    found = set[int]()
    for part in text.lower().split(","):
        first, _, last = part.partition("-")
        if first not in _DAYS or (last and last not in _DAYS):
            raise ValueError(f"{window!r}: {part} is no day: write Mon, Tue, Wed, Thu, Fri, Sat or Sun")
        begin, end = _DAYS.index(first), _DAYS.index(last or first)
        found |= {(begin + k) % 7 for k in range((end - begin) % 7 + 1)}
    return frozenset(found)


def _moments(day: date, clock: str, zone: tzinfo) -> tuple[datetime, datetime]:
    hour, minute = divmod(_minutes(clock), 60)
    return may_be(datetime.combine(day + timedelta(days=hour // 24), time(hour % 24, minute), zone))
