"""When an event of an iCalendar file takes place: once, or as often as it says (RFC 5545).

Recurrence is by the wall clock of the event's zone. A duration's days are days of that clock and its hours are hours
that pass (section 3.3.6); what lasts until a DTEND lasts as long every time (section 3.8.5.3); a whole day without an
end is one day (section 3.6.1).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple, Protocol, cast

from twin.untrusted import LINE, clean

AHEAD = timedelta(days=14)
"""How far ahead work that recurs is looked for: twice the longest horizon."""
_MOST_TIMES = 2_000
_DAY = timedelta(days=1)
_NONE = timedelta(0)


class CalendarEvent(Protocol):
    """An event as the iCalendar library gives it: properties by name, a list where there are several."""

    def get(self, key: str) -> object:
        """A property, None where there is none."""
        ...


class _Length(NamedTuple):
    """How long an event lasts: so many days of the wall clock, and then so much time; no less than `least`."""

    days: timedelta
    time: timedelta
    least: timedelta = _NONE

    def after(self, begin: datetime) -> datetime:
        return max((begin + self.days).astimezone(UTC) + self.time, begin.astimezone(UTC) + self.least)


class EventTimes(NamedTuple):
    """From when to when an event takes place, UTC, each time; and what it leaves open, in words."""

    times: tuple[tuple[datetime, datetime], ...]
    missing: str = ""


def times_of(event: CalendarEvent, now: datetime, zone: tzinfo) -> EventTimes:
    """Tell when an event takes place; of one that recurs, within the time that is looked at.

    Times without a zone are of `zone`. Raises `ValueError` on a rule that cannot be read, or recurs by the minute.
    """
    for key in ("DTSTART", "DTEND"):
        unknown = _unknown_zone(event.get(key))
        if unknown:
            return EventTimes((), f"its time zone {unknown!r} is not known")
    start = moment(event.get("DTSTART"), zone)
    if start is None:
        return EventTimes((), "it has no start")
    length = _length(event, start, zone)
    if length is None:
        return EventTimes((), "it has no end")
    if length.after(start) <= start:
        return EventTimes((), "it ends no later than it begins")
    if not (values(event, "RRULE") or values(event, "RDATE")):
        return EventTimes(((start.astimezone(UTC), length.after(start)),))
    return EventTimes(tuple(_recurring(event, start, length, now, zone)))


def moment(value: object, zone: tzinfo) -> datetime | None:
    """The time that a property holds, the first moment of a day; None where it holds none."""
    return _aware(inside(value), zone)


def values(event: CalendarEvent, key: str) -> list[object]:
    """All values of a property."""
    given = event.get(key)
    return cast("list[object]", given) if isinstance(given, list) else [] if given is None else [given]


def inside(value: object) -> object:
    """The moment or duration that a property holds."""
    return cast("object", getattr(value, "dt", None))


def decoded(value: object) -> str:
    """A structured property as it is written."""
    written = cast("Callable[[], bytes | str] | None", getattr(value, "to_ical", None))
    text = written() if written is not None else b""
    return text.decode() if isinstance(text, bytes) else text


def _aware(value: object, zone: tzinfo) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=zone)
    return datetime.combine(value, time(), zone) if isinstance(value, date) else None


def _unknown_zone(value: object) -> str:
    """The name of a zone that a time is of and nobody knows."""
    when = inside(value)
    params = cast("dict[str, object]", getattr(value, "params", {}))
    named = isinstance(when, datetime) and when.tzinfo is None and params.get("TZID")
    return clean(str(named), LINE) if named else ""


def _length(event: CalendarEvent, start: datetime, zone: tzinfo) -> _Length | None:
    first, last = inside(event.get("DTSTART")), inside(event.get("DTEND"))
    lasts = inside(event.get("DURATION"))
    if last is None and isinstance(lasts, timedelta):
        return _duration(lasts, whole=not isinstance(first, datetime))
    if isinstance(first, date) and not isinstance(first, datetime):
        if last is None:
            return _Length(_DAY, _NONE)
        if isinstance(last, date) and not isinstance(last, datetime):
            return _Length(last - first, _NONE)
    end = _aware(last, zone)
    return None if end is None else _Length(_NONE, end.astimezone(UTC) - start.astimezone(UTC))


def _duration(lasts: timedelta, *, whole: bool = False) -> _Length:
    """How long a duration is, of `whole` days or not: of others the library does not tell 24 hours from one day."""
    days = timedelta(days=lasts.days)
    return _Length(days, lasts - days, _NONE if whole else lasts)


def _recurring(
    event: CalendarEvent, start: datetime, length: _Length, now: datetime, zone: tzinfo
) -> Iterator[tuple[datetime, datetime]]:
    local = start.tzinfo or zone
    found: dict[datetime, datetime] = {}
    for begin in _ruled(event, start, local, (now - (length.after(start) - start), now + AHEAD)):
        found[begin.astimezone(UTC)] = length.after(begin)
    found |= _dated(event, length, local)
    moments, days = set[datetime](), set[date]()
    for one in _listed(event, "EXDATE"):
        if isinstance(one, datetime):
            moments.add((one if one.tzinfo else one.replace(tzinfo=local)).astimezone(UTC))
        elif isinstance(one, date):
            days.add(one)
    for begin, end in sorted(found.items()):
        if begin not in moments and begin.astimezone(local).date() not in days:
            yield begin, end


def _ruled(
    event: CalendarEvent, start: datetime, local: tzinfo, looked_at: tuple[datetime, datetime]
) -> Iterator[datetime]:
    """When its rules have it begin, within a time that is looked at; its start alone where it has none."""
    from dateutil.rrule import rrulestr

    rules = values(event, "RRULE")
    if not rules:
        yield start
    begin, last = (x.astimezone(local).replace(tzinfo=None) for x in looked_at)
    for rule in map(decoded, rules):
        if re.search(r"FREQ=(SECONDLY|MINUTELY)", rule, re.IGNORECASE):
            raise ValueError("it recurs by the minute")
        # by the wall clock: what recurs at 02:00 does so on both sides of a change of clocks
        recurs = rrulestr(_until_by_the_wall(rule, local), dtstart=start.replace(tzinfo=None))
        for naive in recurs.between(begin, last, inc=True)[:_MOST_TIMES]:
            yield naive.replace(tzinfo=local)


def _until_by_the_wall(rule: str, local: tzinfo) -> str:
    """The rule with its last moment, which is written in UTC, as the wall clock shows it; a last day counts whole."""

    def shown(found: re.Match[str]) -> str:
        last = datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC).astimezone(local)
        return f"UNTIL={last:%Y%m%dT%H%M%S}"

    return re.sub(r"UNTIL=(\d{8})(?![\dT])", r"UNTIL=\1T235959", re.sub(r"UNTIL=(\d{8}T\d{6})Z", shown, rule))


def _dated(event: CalendarEvent, length: _Length, local: tzinfo) -> dict[datetime, datetime]:
    """The times that it lists one by one, with the end of each."""
    found = dict[datetime, datetime]()
    for one in _listed(event, "RDATE"):
        pair = cast("tuple[object, object]", one) if isinstance(one, tuple) else (one, None)
        begin, last = _aware(pair[0], local), pair[1]
        if begin is None:
            continue
        end = length.after(begin)
        if isinstance(last, timedelta):
            end = _duration(last).after(begin)
        elif isinstance(last, datetime):
            end = (last if last.tzinfo else last.replace(tzinfo=local)).astimezone(UTC)
        found[begin.astimezone(UTC)] = end
    return found


def _listed(event: CalendarEvent, key: str) -> Iterator[object]:
    for listed in values(event, key):
        for one in cast("Iterable[object]", getattr(listed, "dts", ())):
            yield inside(one)
