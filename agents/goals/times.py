"""When: clock times of a zone, counted from a given moment. What happens twice or never there is a question."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import available_timezones

from twin.closest import closest
from twin.model import Network
from twin.windows import zone_named

from .types import OpenError, TimeWindow

_CLOCK = re.compile(r"(?:(\d{4}-\d{2}-\d{2})T)?([01]\d|2[0-3]):([0-5]\d)(?::00)?(Z|[+-]\d{2}:\d{2})?")
_DAY = timedelta(days=1)


def read_window(start: str, until: str, zone: str, *, now: datetime, default: str) -> TimeWindow | None:
    """Read a window; None where none is stated. `default` is the zone of times that name none.

    A clock time without a date is its next occurrence: of the start after `now`, of the end after the start. Raises
    `OpenError` on half a window, one that is over, an unknown zone, and times that a clock skips or shows twice.
    """
    if not start and not until:
        if zone:
            raise OpenError("incomplete window", f"zone:{zone} without a window: from when, until when?")
        return None
    if not start or not until:
        given, missing = (f"from:{start}", "until when") if start else (f"until:{until}", "from when")
        raise OpenError("incomplete window", f"{given}: {missing}? write from:02:00 until:04:00")
    if start == until:
        raise OpenError("contradiction", f"from:{start} until:{until} is no window: between which times?")
    named = zone or default
    place = zone_of(named)
    begin = _moment(start, "from", place, named, after=now)
    end = _moment(until, "until", place, named, after=begin + timedelta(minutes=1))
    if end.astimezone(UTC) <= begin.astimezone(UTC):
        raise OpenError("contradiction", f"until:{until} is not after from:{start}: which one is meant?")
    if end <= now:
        clock = now.astimezone(place)
        raise OpenError("past window", f"the window until {until} is over, it is {clock:%Y-%m-%dT%H:%M} {named}: when?")
    return TimeWindow(start=begin, end=end, zone=named)


def zone_of(name: str) -> tzinfo:
    """The zone of an IANA name, `UTC` or `UTC+02:00`. Raises `OpenError` with the closest names."""
    try:
        return zone_named(name)
    except ValueError as error:
        near = tuple(closest(name, available_timezones()))
        hint = f": one of {', '.join(near)}?" if near else ": write it as Europe/Berlin, UTC or UTC+02:00"
        raise OpenError("unknown zone", f"which time zone is {name!r}{hint}", words=name, choices=near) from error


def _moment(text: str, key: str, place: tzinfo, zone: str, *, after: datetime) -> datetime:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise OpenError(
            "bad value", f"{key}:{text} is no time: write {key}:02:00 or {key}:2026-07-09T02:00", words=text
        )
    clock = time(int(found[2]), int(found[3]))
    if found[4]:
        place = zone_of(found[4])
    if found[1]:
        return _at(_date(found[1], key), clock, place, zone)
    today = after.astimezone(place)
    day = today.date() if clock >= today.time().replace(second=0, microsecond=0, tzinfo=None) else today.date() + _DAY
    at = _at(day, clock, place, zone)
    return at if at >= after else _at(day + _DAY, clock, place, zone)


def _date(text: str, key: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise OpenError(
            "bad value", f"{key}:{text} is no day of the calendar: which one is meant?", words=text
        ) from error


def _at(day: date, clock: time, place: tzinfo, zone: str) -> datetime:
    """The moment at which a clock of the zone shows this, with its offset from UTC."""
    local = datetime.combine(day, clock, place)
    first, second = local.utcoffset(), local.replace(fold=1).utcoffset()
    if first != second:
        never = local.astimezone(UTC).astimezone(place).replace(tzinfo=None) != local.replace(tzinfo=None)
        happens = "does not exist" if never else "happens twice"
        text = f"{local:%Y-%m-%d %H:%M} {happens} in {zone}, where the clock changes then: which time, in zone:UTC?"
        raise OpenError("ambiguous time", text)
    return local.replace(tzinfo=UTC if not first else timezone(first))


def local_hours(window: TimeWindow, network: Network) -> tuple[int, int]:
    """First hour and length of a window by the network's local time, hours begun counting whole.

    The local time is that of the mean longitude of the nodes, an hour for every 15 degrees.
    """
    longitude = sum(node.longitude for node in network.nodes) / len(network.nodes)
    shift = timedelta(hours=longitude / 15)
    begin, end = window.start.astimezone(UTC) + shift, window.end.astimezone(UTC) + shift
    length = end - begin.replace(minute=0, second=0, microsecond=0)
    return begin.hour, min(max(-(-length // timedelta(hours=1)), 1), 24)
