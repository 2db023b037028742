"""Calendars of planned work: iCalendar files, mails that carry one, and tables.

Providers' maintenance notes are iCalendar events with X-MAINTNOTE properties (the "Maintenance Notification" BCOP); of
other events RESOURCES (RFC 5545) names the elements. What is cancelled, completed or without impact takes nothing
away. Of several notes of one work the one with the highest SEQUENCE counts. A missing start, end or element, and an
object that nobody knows, is a question and never a guess.
"""

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from email import message_from_bytes, policy
from pathlib import Path
from typing import NamedTuple, cast

from twin.elements import find_elements
from twin.errors import AmbiguousElementError, FormatError, InputError, UnknownElementError
from twin.files import SMALL, read_bytes, read_text
from twin.model import Network
from twin.planned import PlannedWork
from twin.untrusted import LINE, clean
from twin.windows import may_be

from .event_times import CalendarEvent, decoded, moment, times_of, values

_MOST = 16 * SMALL
_OVER = frozenset({"CANCELLED", "COMPLETED"})
_TYPES = ("text/calendar", "application/ics")
_HARMLESS = frozenset({"NO-IMPACT"})
_TAG = "tag:"
_DAY = re.compile(r"\d{4}-?\d{2}-?\d{2}")
Tags = Mapping[str, Sequence[str]]
"""Element ids by a name for them, as policies have them."""
NO_TAGS: Tags = {}


class Calendar(NamedTuple):
    """Planned work of the next two weeks, by its beginning, and what has to be asked about the rest."""

    works: tuple[PlannedWork, ...]
    questions: tuple[str, ...]


class _Note(NamedTuple):
    """One event or row, before its elements are looked up."""

    key: str
    replaced: datetime | None  # of work that recurs the one time that this is about; None for all of it
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
    tags: Tags = NO_TAGS,
    zone: tzinfo = UTC,
) -> Calendar:
    """Read planned work that is not over at `now`.

    `objects` maps the names of providers to those of elements, several with `;` between; `tag:NAME` stands for all
    that `tags`, those of a policy, have by that name. Times without a zone are of `zone`. Raises `FormatError` on what
    is no calendar, and `InputError` when it cannot be read.
    """
    newest: dict[tuple[str, datetime | None], _Note] = {}
    for path in paths:
        for note in _notes(path, now, zone):
            key = note.key, note.replaced
            if key not in newest or newest[key].order <= note.order:
                newest[key] = note
    works, questions = list[PlannedWork](), list[str]()
    for note in _standing(newest.values()):
        if note.over or (note.times and max(end for _, end in note.times) <= now):
            continue
        elements, unknown = _elements(note, network, objects or {}, tags)
        questions += [f"planned work {note.name}: {x}" for x in _open(note, unknown, network.name)]
        spans = [(begin, end) for begin, end in note.times if begin < end and end > now] if elements else []
        works += [
            PlannedWork(name=note.name, elements=elements, begins=begin, ends=end, who=note.who) for begin, end in spans
        ]
    return Calendar(tuple(sorted(works, key=lambda x: (x.begins, x.name))), tuple(questions))


def _open(note: _Note, unknown: Iterable[str], network: str) -> Iterator[str]:
    """What a note leaves open, of which these names are `unknown`."""
    if note.missing:
        yield note.missing
    for name in unknown:
        if name.startswith(_TAG):
            yield f"the policy has no tag {name.removeprefix(_TAG)!r}"
        else:
            yield f"no element {name!r} in {network}: name it in the table of objects"
    if not note.objects and not note.missing:
        yield "it names no element"


def _standing(notes: Collection[_Note]) -> Iterator[_Note]:
    """The notes as they stand beside each other: a time of work that recurs is where its own note has moved it.

    Work that was taken back as a whole takes along what earlier notes said of single times.
    """
    whole = {x.key: x for x in notes if x.replaced is None}
    moved = {(x.key, x.replaced) for x in notes if x.replaced is not None}
    for note in notes:
        all_of_it = whole.get(note.key)
        if note.replaced is None:
            yield note._replace(times=tuple(x for x in note.times if (note.key, x[0]) not in moved))
        elif all_of_it is None or not all_of_it.over or all_of_it.order < note.order:
            yield note


def read_objects(path: str | Path) -> Mapping[str, str]:
    """Read what providers call the elements: columns `object` and `element`, a row for each element.

    Those of one object are joined by `;`. Raises `FormatError`.
    """
    found: dict[str, str] = {}
    for row in _rows(path, {"object"}, {"element"}):
        name, element = row.get("object", ""), row.get("element", "")
        if name and element:
            found[name] = f"{found[name]};{element}" if name in found else element
    return found


def _notes(path: str | Path, now: datetime, zone: tzinfo) -> Iterator[_Note]:
    kind = Path(path).suffix.lower()
    if kind == ".csv":
        yield from _table(path, zone)
        return
    content = read_bytes(path, most=_MOST)
    texts = _attached(content) if kind == ".eml" else [content]
    if not texts:
        raise FormatError(str(path), "the whole mail", "a calendar: a part of the type text/calendar, or a file .ics")
    for part, text in enumerate(texts, start=1):
        yield from _events(path, f"{path}#{part}." if len(texts) > 1 else f"{path}#", text, now, zone)


def _attached(content: bytes) -> list[bytes]:
    """The calendars of a mail, in UTF-8: by their type, or files by their name, which many senders give no type."""
    mail = message_from_bytes(content, policy=policy.default)
    parts = [
        x for x in mail.walk() if x.get_content_type() in _TYPES or (x.get_filename() or "").lower()[-4:] == ".ics"
    ]
    found = [(x.get_payload(decode=True), x.get_content_charset("utf-8")) for x in parts]
    return [_in_utf8(x, charset) for x, charset in found if isinstance(x, bytes)]


def _in_utf8(text: bytes, charset: str) -> bytes:
    try:
        return text.decode(charset).encode()
    except (LookupError, UnicodeDecodeError):  # as it is: who reads it says what is wrong
        return text


def _events(path: str | Path, place: str, content: bytes, now: datetime, zone: tzinfo) -> Iterator[_Note]:
    """The notes of a calendar; one without a name is called by the `place` where its number follows."""
    try:
        events = _parsed(content)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise FormatError(str(path), "the whole file", f"an iCalendar file: {clean(str(error), 80)}") from error
    for number, (event, taken_back) in enumerate(events, start=1):
        try:
            yield _note(event, f"{place}{number}", now, zone, taken_back=taken_back)
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise FormatError(str(path), f"event {number}", f"an event to read: {clean(str(error), 80)}") from error


def _parsed(content: bytes) -> list[tuple[CalendarEvent, bool]]:
    """The events of a file, and whether its sender takes each back. Raises `ValueError` where it holds no calendar."""
    from icalendar import Calendar as Parsed

    calendars = Parsed.from_ical(content, multiple=True)
    if not calendars:
        raise ValueError("it holds no calendar")
    found = list[tuple[CalendarEvent, bool]]()
    for calendar in calendars:
        walk = cast("Callable[[str], list[CalendarEvent]]", calendar.walk)  # pyright: ignore[reportUnknownMemberType]
        off = _text(calendar, "METHOD").upper() == "CANCEL"
        found += [(event, off) for event in walk("VEVENT")]
    return found


def _note(event: CalendarEvent, place: str, now: datetime, zone: tzinfo, *, taken_back: bool) -> _Note:
    when, stamp = times_of(event, now, zone), moment(event.get("DTSTAMP"), zone)
    replaced = moment(event.get("RECURRENCE-ID"), zone)
    return _Note(
        key=_text(event, "UID") or place,
        replaced=replaced.astimezone(UTC) if replaced else None,
        order=(int(_text(event, "SEQUENCE") or 0), stamp.timestamp() if stamp else 0.0),
        name=_text(event, "X-MAINTNOTE-MAINTENANCE-ID") or _text(event, "UID") or place,
        who=_text(event, "X-MAINTNOTE-PROVIDER") or _text(event, "ORGANIZER").removeprefix("mailto:"),
        objects=tuple(_objects(event, _text(event, "X-MAINTNOTE-IMPACT").upper())),
        times=when.times,
        over=taken_back or bool({_text(event, key).upper() for key in ("X-MAINTNOTE-STATUS", "STATUS")} & _OVER),
        missing=when.missing,
    )


def _objects(event: CalendarEvent, impact: str) -> Iterator[tuple[str, str]]:
    for key in ("X-MAINTNOTE-OBJECT-ID", "RESOURCES"):
        for value in values(event, key):
            params = cast("Mapping[str, object]", getattr(value, "params", {}))
            own = str(params.get("X-MAINTNOTE-OBJECT-IMPACT") or impact).upper()
            names = decoded(value).replace("\\,", ",").split(",") if key == "RESOURCES" else [str(value)]
            yield from ((clean(x, LINE), own) for x in names if x.strip())


def _text(event: CalendarEvent, key: str) -> str:
    given = values(event, key)
    return clean(str(given[0]), LINE) if given else ""


def _table(path: str | Path, zone: tzinfo) -> Iterator[_Note]:
    """Columns `element` (several with spaces between), `begins`, `ends`, and at will `name`, `who`, `status`."""
    for number, row in enumerate(_rows(path, {"element", "elements"}, {"begins", "start"}, {"ends", "end"}), start=2):
        begin = _written(path, number, _first(row, ("begins", "start")), zone)
        end = _written(path, number, _first(row, ("ends", "end")), zone, last=True)
        name = clean(_first(row, ("name", "id")) or f"{Path(path).name} line {number}", LINE)
        missing = "" if begin and end else f"it has no {'end' if begin else 'start'}"
        if begin and end and end <= begin:
            missing = "it ends no later than it begins"
        objects = _first(row, ("element", "elements")).replace(";", " ").split()
        yield _Note(
            key=f"{name}/{objects}/{begin}" if not _first(row, ("name", "id")) else f"{name}/{objects}",
            replaced=None,
            order=(0, float(number)),
            name=name,
            who=clean(_first(row, ("who", "provider")), LINE),
            objects=tuple((x, "") for x in objects),
            times=((begin, end),) if begin and end and not missing else (),
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


def _written(path: str | Path, number: int, text: str, zone: tzinfo, *, last: bool = False) -> datetime | None:
    """The first moment that a time may be, or the `last` one: a clock may show it twice, and a day is a whole one."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise FormatError(str(path), f"line {number}", f"a time such as 2026-12-01T02:00, not {text[:40]!r}") from error
    if last and _DAY.fullmatch(text):
        moment += timedelta(days=1)
    return moment.astimezone(UTC) if moment.tzinfo else may_be(moment.replace(tzinfo=zone))[last]


def _elements(
    note: _Note, network: Network, objects: Mapping[str, str], tags: Tags
) -> tuple[tuple[str, ...], list[str]]:
    """The elements that are taken away, and the names that are none of this network."""
    found, unknown = dict[str, None](), list[str]()
    for name, impact in note.objects:
        if impact in _HARMLESS:
            continue
        named = objects[name].split(";") if name in objects else (name,)
        for element in (x for one in named for x in _tagged(one, tags)):
            try:
                found |= dict.fromkeys(_meant(network, element))
            except (UnknownElementError, AmbiguousElementError, InputError):
                unknown.append(element)
    return tuple(found), unknown


def _tagged(name: str, tags: Tags) -> Sequence[str]:
    """What a tag stands for; any other name, and a tag that nobody knows, for itself."""
    return tags.get(name.removeprefix(_TAG), (name,)) if name.startswith(_TAG) else (name,)


def _meant(network: Network, name: str) -> Sequence[str]:
    """The elements that a name means: a node, circuits, or those of a risk group, with `risk-group/` or without."""
    try:
        return find_elements(network, name)
    except UnknownElementError:
        groups = {group.name: group.circuits for group in network.risk_groups}
        if (circuits := groups.get(name.removeprefix("risk-group/"))) is None:
            raise
        return circuits
