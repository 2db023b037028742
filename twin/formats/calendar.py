"""Calendars of planned work: iCalendar files, mails that carry one, and tables.

Providers' maintenance notes are iCalendar events with X-MAINTNOTE properties (the "Maintenance Notification" BCOP); of
other events RESOURCES (RFC 5545) names the elements. What is cancelled, completed or without impact takes nothing
away. Of several notes of one work the one with the highest SEQUENCE counts. A missing start, end or element, and an
object that nobody knows, is a question and never a guess.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from email import message_from_bytes, policy
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from twin.elements import find_elements
from twin.errors import AmbiguousElementError, FormatError, InputError, UnknownElementError
from twin.files import SMALL, read_bytes, read_text
from twin.model import Network
from twin.planned import PlannedWork
from twin.untrusted import LINE, clean

_MOST = 16 * SMALL
_OVER = frozenset({"CANCELLED", "COMPLETED"})
_HARMLESS = frozenset({"NO-IMPACT"})
_AHEAD = timedelta(days=14)
"""How far ahead work that recurs is looked for: twice the longest horizon."""
_MOST_TIMES = 2_000


class Calendar(NamedTuple):
    """Planned work of the next two weeks, by its beginning, and what has to be asked about the rest."""

    works: tuple[PlannedWork, ...]
    questions: tuple[str, ...]


class _Note(NamedTuple):
    """One event or row, before its elements are looked up."""

    key: str
    order: tuple[int, float]  # sequence number, then the time of the note
    name: str
    who: str
    objects: tuple[tuple[str, str], ...]  # with the impact of each
    times: tuple[tuple[datetime, datetime], ...]
    over: bool
    missing: str = ""


def read_calendar(
    paths: Iterable[str | Path],
    network: Network,
    *,
    now: datetime,
    objects: Mapping[str, str] | None = None,
    zone: tzinfo = UTC,
) -> Calendar:
    """Read planned work that is not over at `now`; `objects` maps the names of providers to those of elements.

    Times without a zone are of `zone`. Raises `FormatError` on a file that is no calendar, and `InputError` when it
    cannot be read.
    """
    newest: dict[str, _Note] = {}
    for path in paths:
        for note in _notes(path, now, zone):
            if note.key not in newest or newest[note.key].order <= note.order:
                newest[note.key] = note
    works, questions = list[PlannedWork](), list[str]()
    for note in newest.values():
        if note.over or (note.times and max(end for _, end in note.times) <= now):
            continue
        elements, unknown = _elements(note, network, objects or {})
        asked = [note.missing] if note.missing else []
        asked += [f"no element {x!r} in {network.name}: name it in the table of objects" for x in unknown]
        if not note.objects and not note.missing:
            asked.append("it names no element")
        questions += [f"planned work {note.name}: {x}" for x in asked]
        spans = [(begin, end) for begin, end in note.times if begin < end and end > now] if elements else []
        works += [
            PlannedWork(name=note.name, elements=elements, begins=begin, ends=end, who=note.who) for begin, end in spans
        ]
    return Calendar(tuple(sorted(works, key=lambda x: (x.begins, x.name))), tuple(questions))


def read_objects(path: str | Path) -> Mapping[str, str]:
    """Read what providers call the elements: columns `object` and `element`. Raises `FormatError`."""
    found = {row.get("object", ""): row.get("element", "") for row in _rows(path, {"object"}, {"element"})}
    return {name: element for name, element in found.items() if name and element}


def _notes(path: str | Path, now: datetime, zone: tzinfo) -> Iterator[_Note]:
    kind = Path(path).suffix.lower()
    if kind == ".csv":
        yield from _table(path, zone)
        return
    content = read_bytes(path, most=_MOST)
    texts = _attached(content) if kind == ".eml" else [content]
    if not texts:
        raise FormatError(str(path), "the whole mail", "a part of the type text/calendar")
    for text in texts:
        yield from _events(path, text, now, zone)


def _attached(content: bytes) -> list[bytes]:
    mail = message_from_bytes(content, policy=policy.default)
    parts = [x for x in mail.walk() if x.get_content_type() == "text/calendar"]
    found = [x.get_payload(decode=True) for x in parts]
    return [x for x in found if isinstance(x, bytes)]


class _Event(Protocol):
    """An event as the iCalendar library gives it: properties by name, a list where there are several."""

    def get(self, key: str) -> object: ...


def _events(path: str | Path, content: bytes, now: datetime, zone: tzinfo) -> Iterator[_Note]:
    try:
        events = _parsed(content)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise FormatError(str(path), "the whole file", f"an iCalendar file: {clean(str(error), 80)}") from error
    for number, event in enumerate(events, start=1):
        try:
            yield _note(event, f"{path}#{number}", now, zone)
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise FormatError(str(path), f"event {number}", f"an event to read: {clean(str(error), 80)}") from error


def _parsed(content: bytes) -> list[_Event]:
    """The events of a file. Raises `ValueError` where it holds no calendar."""
    from icalendar import Calendar as Parsed

    calendars = Parsed.from_ical(content, multiple=True)
    if not calendars:
        raise ValueError("it holds no calendar")
    walks = [cast("Callable[[str], list[_Event]]", calendar.walk) for calendar in calendars]  # pyright: ignore[reportUnknownMemberType]
    return [event for walk in walks for event in walk("VEVENT")]


def _note(event: _Event, place: str, now: datetime, zone: tzinfo) -> _Note:
    start, end, missing = _at(event, "DTSTART", zone), _at(event, "DTEND", zone), ""
    lasts = _inside(event.get("DURATION"))
    if start is not None and end is None and isinstance(lasts, timedelta):
        end = start + lasts
    if start is None or end is None:
        missing = f"it has no {'start' if start is None else 'end'}"
    stamp = _at(event, "DTSTAMP", zone)
    return _Note(
        key=f"{_text(event, 'UID') or place}/{_at(event, 'RECURRENCE-ID', zone)}",
        order=(int(_text(event, "SEQUENCE") or 0), stamp.timestamp() if stamp else 0.0),
        name=_text(event, "X-MAINTNOTE-MAINTENANCE-ID") or _text(event, "UID") or place,
        who=_text(event, "X-MAINTNOTE-PROVIDER") or _text(event, "ORGANIZER").removeprefix("mailto:"),
        objects=tuple(_objects(event, _text(event, "X-MAINTNOTE-IMPACT").upper())),
        times=() if start is None or end is None else tuple(_times(event, start, end, now, zone)),
        over=bool({_text(event, key).upper() for key in ("X-MAINTNOTE-STATUS", "STATUS")} & _OVER),
        missing=missing,
    )


def _objects(event: _Event, impact: str) -> Iterator[tuple[str, str]]:
    for key in ("X-MAINTNOTE-OBJECT-ID", "RESOURCES"):
        for value in _values(event, key):
            params = cast("Mapping[str, object]", getattr(value, "params", {}))
            own = str(params.get("X-MAINTNOTE-OBJECT-IMPACT") or impact).upper()
            names = _decoded(value).replace("\\,", ",").split(",") if key == "RESOURCES" else [str(value)]
            yield from ((clean(x, LINE), own) for x in names if x.strip())


def _times(
    event: _Event, start: datetime, end: datetime, now: datetime, zone: tzinfo
) -> Iterator[tuple[datetime, datetime]]:
    """When it takes place: once, or as often as its rule says within the time that is looked at."""
    rule = _decoded(event.get("RRULE"))
    if not rule:
        yield start.astimezone(UTC), end.astimezone(UTC)
        return
    from dateutil.rrule import rrulestr

    local, length = start.tzinfo or zone, end - start
    begin, last = (x.astimezone(local).replace(tzinfo=None) for x in (now - length, now + _AHEAD))
    # by the wall clock: what recurs at 02:00 does so on both sides of a change of clocks
    plain = re.sub(r"(UNTIL=\d{8}T\d{6})Z", r"\1", rule)
    left_out = {x.astimezone(UTC) for x in _left_out(event, local)}
    times = rrulestr(plain, dtstart=start.replace(tzinfo=None)).between(begin, last, inc=True)
    for naive in times[:_MOST_TIMES]:
        moment = naive.replace(tzinfo=local).astimezone(UTC)
        if moment not in left_out:
            yield moment, (naive + length).replace(tzinfo=local).astimezone(UTC)


def _left_out(event: _Event, local: tzinfo) -> Iterator[datetime]:
    for listed in _values(event, "EXDATE"):
        for one in cast("Iterable[object]", getattr(listed, "dts", ())):
            moment = _inside(one)
            if isinstance(moment, datetime):
                yield moment if moment.tzinfo else moment.replace(tzinfo=local)


def _at(event: _Event, key: str, zone: tzinfo) -> datetime | None:
    value = _inside(event.get(key))
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=zone)
    return datetime.combine(value, time(), zone) if isinstance(value, date) else None


def _inside(value: object) -> object:
    """The moment or duration that a property holds."""
    return cast("object", getattr(value, "dt", None))


def _values(event: _Event, key: str) -> list[object]:
    given = event.get(key)
    return cast("list[object]", given) if isinstance(given, list) else [] if given is None else [given]


def _decoded(value: object) -> str:
    """A structured property as it is written."""
    written = cast("Callable[[], bytes | str] | None", getattr(value, "to_ical", None))
    text = written() if written is not None else b""
    return text.decode() if isinstance(text, bytes) else text


def _text(event: _Event, key: str) -> str:
    values = _values(event, key)
    return clean(str(values[0]), LINE) if values else ""


def _table(path: str | Path, zone: tzinfo) -> Iterator[_Note]:
    """Columns `element` (several with spaces between), `begins`, `ends`, and at will `name`, `who`, `status`."""
    for number, row in enumerate(_rows(path, {"element", "elements"}, {"begins", "start"}, {"ends", "end"}), start=2):
        begin, end = (
            _written(path, number, _first(row, keys), zone) for keys in (("begins", "start"), ("ends", "end"))
        )
        name = clean(_first(row, ("name", "id")) or f"{Path(path).name} line {number}", LINE)
        missing = "" if begin and end else f"it has no {'end' if begin else 'start'}"
        objects = _first(row, ("element", "elements")).replace(";", " ").split()
        yield _Note(
            key=f"{name}/{objects}/{begin}" if not _first(row, ("name", "id")) else f"{name}/{objects}",
            order=(0, float(number)),
            name=name,
            who=clean(_first(row, ("who", "provider")), LINE),
            objects=tuple((x, "") for x in objects),
            times=((begin, end),) if begin and end else (),
            over=_first(row, ("status",)).upper() in _OVER,
            missing=missing,
        )


def _first(row: Mapping[str, str], keys: Iterable[str]) -> str:
    return next((row[key] for key in keys if row.get(key)), "")


def _rows(path: str | Path, *columns: set[str]) -> Iterator[dict[str, str]]:
    """The rows of a table that has one of each set of columns. Raises `FormatError`."""
    text = read_text(path, most=_MOST)
    head = text.partition("\n")[0]
    table = csv.DictReader(io.StringIO(text), delimiter=max(",;\t", key=head.count), strict=True)
    try:
        rows = [{str(k).strip().lower(): str(v or "").strip() for k, v in row.items()} for row in table]
    except csv.Error as error:
        raise FormatError(str(path), "the whole file", f"a table; {error}") from error
    names = {str(x).strip().lower() for x in table.fieldnames or ()}
    for wanted in columns:
        if not wanted & names:
            raise FormatError(str(path), "the header", f"a column {' or '.join(sorted(wanted))}")
    yield from rows


def _written(path: str | Path, number: int, text: str, zone: tzinfo) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise FormatError(str(path), f"line {number}", f"a time such as 2026-12-01T02:00, not {text[:40]!r}") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _elements(note: _Note, network: Network, objects: Mapping[str, str]) -> tuple[tuple[str, ...], list[str]]:
    """The elements that are taken away, and the names that are none of this network."""
    found, unknown = dict[str, None](), list[str]()
    for name, impact in note.objects:
        if impact in _HARMLESS:
            continue
        try:
            found |= dict.fromkeys(find_elements(network, objects.get(name, name)))
        except (UnknownElementError, AmbiguousElementError, InputError):
            unknown.append(name)
    return tuple(found), unknown
