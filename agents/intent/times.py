# ruff: noqa: E501 (a phrase reads best on one line)
"""When: windows as people write them, with a time zone, counted from a given moment. What is ambiguous is asked."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .types import Question, TimeWindow
from .words import NUMBER, Reading, listed, number

_OFFSETS = {
    "utc": 0, "gmt": 0, "z": 0, "wet": 0, "west": 1, "bst": 1, "cet": 1, "cest": 2, "mez": 1, "mesz": 2, "eet": 2,
    "eest": 3, "msk": 3, "jst": 9, "est": -5, "edt": -4, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
}  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = listed("january february march april may june july august september october november december")
_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" if name != "may" else "may" for name in _MONTHS)
_CLOCK = r"(?:(?:[01]?\d|2[0-4])[:h.][0-5]\d|(?:0?[1-9]|1[0-2])\s?[ap]\.?m\b\.?|(?:[01]?\d|2[0-4])\s?(?:o'clock|h\b|hrs?\b|hours\b)|noon|midnight)"
_BARE = r"(?:[01]?\d|2[0-4])"
_JOIN = r"\s*(?:-{1,2}|>|\b(?:to|until|till|and|through|through to|up to|bis)\b)\s*"
_ZONE = (
    r"(?:\s*\(?(?P<zone>(?:utc|gmt)[+-]\d{1,2}(?::?\d{2})?|[a-z]+/[a-z_]+(?:/[a-z_]+)?"
    rf"|(?:{'|'.join(sorted(_OFFSETS, key=len, reverse=True))}|cst|ist)\b|z\b|[+-]\d{{2}}:?\d{{2}}(?!\d))(?:\s+time)?\)?)?"
)
_RANGE = re.compile(
    rf"(?:\b(?:from|between|at|during|in the window(?: of)?|window(?: of)?|starting(?: at)?)\s+)?"
    rf"\b(?P<first>{_CLOCK}|{_BARE}(?=\s*(?:-{{1,2}}|to|until|till|and|bis)\s*{_CLOCK}))"
    rf"{_JOIN}(?P<last>{_CLOCK}|{_BARE}(?![\d:.%]|\s*(?:%|per|steps?|changes?)))(?:\s*(?:o'clock|h\b|hrs?\b|hours\b))?{_ZONE}"
)
_UNIT = r"(?:h|hrs?|hours?|m|mins?|minutes?)"
_SPAN = rf"(?P<length>(?:half an|an|{NUMBER}))[\s-]*(?P<unit>{_UNIT})\b"
_START = re.compile(
    rf"(?:\b(?:from|at|starting(?: at)?|start(?:s|ing)? at|beginning(?: at)?|after|by|around|about|before|until|till)\s+)"
    rf"(?P<first>{_CLOCK}){_ZONE}"
)
_DURATION = re.compile(rf"\bfor\s+(?:the next\s+|up to\s+)?{_SPAN}")
_IN = re.compile(rf"\bin\s+{_SPAN}(?:\s+from now)?")
_NEXT = re.compile(rf"\b(?:for|in|within|during|over) the next\s+{_SPAN}")
_DAY = re.compile(
    r"\b(?:on |this |the )?(?P<day>\d{4}-\d{2}-\d{2}|day after tomorrow"
    r"|tomorrow(?: night| morning| evening| afternoon)?|tonight|to-night|today|this (?:night|morning|evening|afternoon)"
    rf"|(?:next |this |coming )?(?:{'|'.join(_DAYS)})(?: night| morning| evening| afternoon)?"
    rf"|\d{{1,2}}(?:st|nd|rd|th|\.)?(?: of)? (?:{_MONTH})(?: \d{{4}})?|(?:{_MONTH}) \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?"
    r"|(?:at the |on the |this |the )?weekend|next (?:week|month|night)|later(?: today)?|soon|overnight)\b"
)
_NOW = re.compile(r"\b(?:right now|right away|now|immediately|at once|as soon as possible|asap|straight away)\b")
_NIGHT_BEGINS, _NIGHT_ENDS, _NOON = 18, 8, 12


class Given(NamedTuple):
    """What the words say of the time, before it is counted from now."""

    day: str
    first: str
    last: str
    zone: str
    length: timedelta | None
    after: timedelta | None
    start: int
    end: int


def read_window(reading: Reading, *, now: datetime, zone: str) -> TimeWindow | Question | None:
    """Take the window out of a text; None where it names no time. Raises nothing: what is open is a question."""
    given = _take(reading)
    if given is None:
        return None
    words = reading.text[given.start : given.end]
    place = _zone(given.zone or zone)
    if place is None:
        return _ask(
            "ambiguous time", f"which time zone is {given.zone!r}? write it as UTC+02:00 or Europe/Berlin", given, words
        )
    window = _count(
        given, now.astimezone(place), (given.zone or zone).upper() if "/" not in (given.zone or zone) else str(place)
    )
    if isinstance(window, str):
        code, _, text = window.partition(": ")
        return _ask(code, text, given, words)
    if window.end <= now:
        return _ask(
            "past window",
            f"the window {_shown(window)} has passed by {_time(now.astimezone(place))}: which one is meant?",
            given,
            words,
        )
    reading.note("when", given.start, given.end)
    return window


def _ask(code: str, text: str, given: Given, words: str) -> Question:
    return Question.model_validate(
        {"code": code, "question": text, "words": words, "start": given.start, "end": given.end}
    )


def _take(reading: Reading) -> Given | None:
    hits: list[re.Match[str]] = []

    def take(pattern: re.Pattern[str]) -> "re.Match[str] | None":
        hit = pattern.search(reading.left)
        if hit is not None:
            hits.append(hit)
            reading.take(*hit.span())
        return hit

    day = take(_DAY)
    span, later = take(_RANGE), None
    near = take(_NEXT) if span is None else None
    start = take(_START) if span is None else None
    length = take(_DURATION)
    if span is None and start is None and near is None:
        later = take(_IN)
    now = take(_NOW)
    if now is not None and len(hits) == 1:
        reading.note("when", *now.span())
        return None
    if not hits:
        return None
    clock = span or start
    found = clock.groupdict() if clock else {}
    return Given(
        day=day["day"] if day else "",
        first=found.get("first") or "",
        last=found.get("last") or "",
        zone=reading.text[clock.start("zone") : clock.end("zone")] if clock and clock["zone"] else "",
        length=_length(near or length),
        after=_length(later) if later else (timedelta(0) if near or now else None),
        start=min(hit.start() for hit in hits),
        end=max(hit.end() for hit in hits),
    )


def _length(hit: "re.Match[str] | None") -> timedelta | None:
    if hit is None:
        return None
    words, hours = hit["length"], hit["unit"].startswith("h")
    amount = {"half an": 0.5, "an": 1.0}.get(words) or number(words)
    return timedelta(hours=amount) if hours else timedelta(minutes=amount)


def _zone(name: str) -> tzinfo | None:
    low = name.lower().strip()
    if low in _OFFSETS:
        return UTC if _OFFSETS[low] == 0 else timezone(timedelta(hours=_OFFSETS[low]), low.upper())
    offset = re.fullmatch(r"(?:utc|gmt)?([+-])(\d{1,2}):?(\d{2})?", low)
    if offset:
        size = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        return timezone(size if offset[1] == "+" else -size) if size < timedelta(hours=15) else None
    try:
        return ZoneInfo("/".join(part.title().replace("_Of_", "_of_") for part in name.strip().split("/")))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _count(given: Given, now: datetime, zone: str) -> TimeWindow | str:
    if given.after is not None and not given.first:
        begin = now + given.after
        if given.length is None:
            return "incomplete window: until when? give an end, or a length such as for 2 hours"
        return TimeWindow(start=begin, end=begin + given.length, zone=zone)
    if not given.first:
        when = given.day or "then"
        if given.length is not None and not given.day:
            return TimeWindow(start=now, end=now + given.length, zone=zone)
        return f"incomplete window: between which hours {when}? write them as 02:00-04:00"
    first, last = _clock_pair(given.first, given.last)
    if given.last and first == last:
        return f"incomplete window: {given.first}-{given.last} is no window: between which hours?"
    if not given.last and given.length is None:
        return f"incomplete window: from {given.first} until when?"
    day = _day(given.day, now, first)
    if isinstance(day, str):
        return day
    begin = _at(day, first, now)
    end = begin + given.length if given.length is not None and not given.last else _at(day, last, now)
    end += timedelta(days=1) if end <= begin else timedelta(0)
    if not given.day:
        begin, end = _nearest(begin, end, now)
    return TimeWindow(start=begin, end=end, zone=zone)


def _nearest(begin: datetime, end: datetime, now: datetime) -> tuple[datetime, datetime]:
    """Without a day it is the window that is open, or the next one."""
    one = timedelta(days=1)
    if begin - one <= now < end - one:
        return begin - one, end - one
    return (begin, end) if end > now else (begin + one, end + one)


def _at(day: date, clock: float, now: datetime) -> datetime:
    whole = timedelta(minutes=round(clock * 60))
    days, rest = divmod(whole, timedelta(days=1))
    at = time(rest.seconds // 3600, rest.seconds // 60 % 60)
    return datetime.combine(day + timedelta(days=days), at, now.tzinfo)


def _clock_pair(first: str, last: str) -> tuple[float, float]:
    """Hours of the day; `2-4 am` is 2 am to 4 am, `10-2 am` is 10 pm to 2 am."""
    half = re.search(r"[ap](?=\.?m)", last)
    if half and re.fullmatch(_BARE, first):
        begin, end = _clock(f"{first}{half[0]}m"), _clock(last)
        return (begin + 12 if half[0] == "a" else begin - 12) % 24 if begin > end else begin, end
    half = re.search(r"[ap](?=\.?m)", first)
    if half and re.fullmatch(_BARE, last):
        return _clock(first), _clock(f"{last}{half[0]}m")
    return _clock(first), _clock(last) if last else 0.0


def _clock(text: str) -> float:
    if text in ("noon", "midnight"):
        return 12.0 if text == "noon" else 0.0
    found = re.match(r"(\d{1,2})(?:[:h.](\d{2}))?\s?([ap])?", text)
    hour, minute = (int(found[1]), int(found[2] or 0)) if found else (0, 0)
    if found and found[3]:
        hour = hour % 12 + (12 if found[3] == "p" else 0)
    return hour + minute / 60


def _day(words: str, now: datetime, clock: float) -> date | str:
    today, one = now.date(), timedelta(days=1)
    part = words.rpartition(" ")[2] if " " in words else ""
    night = words in ("tonight", "to-night", "overnight") or part == "night"
    if night:
        begun = today - one if now.hour < 6 and "tomorrow" not in words and "next" not in words else today
        begun += one if words.startswith(("tomorrow", "next")) else timedelta(0)
        named = _weekday(words, now)
        begun = named if isinstance(named, date) else begun
        return begun if clock >= _NOON else begun + one
    if re.match(r"\d{4}-", words):
        try:
            return date.fromisoformat(words)
        except ValueError:
            return f"ambiguous time: {words} is no day: which one is meant?"
    if words in ("", "today", "later today") or words.startswith("this "):
        named = _weekday(words, now)
        return today if named is None else named
    if words.startswith("tomorrow"):
        return today + one
    if words == "day after tomorrow":
        return today + 2 * one
    named = _weekday(words, now)
    if named is not None:
        return named
    return _month_day(words, today) or f"ambiguous time: which day is {words!r}? write it as {today + one:%Y-%m-%d}"


def _weekday(words: str, now: datetime) -> date | str | None:
    name = next((day for day in _DAYS if day in words), None)
    if name is None:
        return None
    ahead = (_DAYS.index(name) - now.weekday()) % 7
    coming = now.date() + timedelta(days=ahead)
    if words.startswith("next "):
        options = f"{coming + timedelta(days=0 if ahead else 7):%Y-%m-%d} or {coming + timedelta(days=7 if ahead else 14):%Y-%m-%d}"
        return f"ambiguous time: which day is {words!r}: {options}?"
    return coming


def _month_day(words: str, today: date) -> date | None:
    month = next((i for i, name in enumerate(_MONTHS, start=1) if name[:3] in words), None)
    day = re.search(r"\b(\d{1,2})(?!\d)", words)
    year = re.search(r"\b\d{4}\b", words)
    if month is None or day is None:
        return None
    try:
        found = date(int(year[0]) if year else today.year, month, int(day[1]))
    except ValueError:
        return None
    return found if year or found >= today else found.replace(year=today.year + 1)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M %Z}"


def _shown(window: TimeWindow) -> str:
    return f"{window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} {window.zone}"
