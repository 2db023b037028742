"""What changed since a moment: states, settings, loads beyond their error, and what people and calendars say of it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Literal, get_args

from pydantic import AwareDatetime, BeforeValidator, Field, WithJsonSchema

from twin.difference import difference
from twin.documents import Document
from twin.errors import InputError, TwinError
from twin.live.network import Telemetry, since_then
from twin.model import Frozen
from twin.observe.expect.changed import LoadMove, StateFlip, load_changes, state_flips
from twin.observe.readings.readback import Item
from twin.observe.readings.syslog import read_events
from twin.plan import Change, SetWeight, subject
from twin.printed import mbps, rates, utc
from twin.untrusted import PersonText, clean

from .box.results import next_after
from .box.run_state import RunState

PAGE = 12
_TEXT = 160  # characters of a text on a page
_USUALLY = timedelta(hours=1)

ChangeKind = Literal["state", "setting", "commit", "calendar", "ticket", "note", "importance", "load"]
_KINDS: tuple[ChangeKind, ...] = get_args(ChangeKind)
_STATES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "interface": ("up", "down"),
        "neighbour": ("has its routing neighbour", "has no routing neighbour"),
        "node": ("answers its polls", "does not answer its polls"),
        "routes": ("has routes", "has no routes"),
    }
)

Since = Annotated[
    AwareDatetime | None,
    BeforeValidator(lambda value: value or None),
    WithJsonSchema({"type": "string", "description": "A time as answers write it; empty: an hour ago."}),
]


class ChangeReading(Frozen):
    """One thing that changed. `text` is somebody's, cut; reading the document by its id gives all of it."""

    time: datetime | None = Field(description="When it was first so; of a setting, when it was read; null: unknown.")
    kind: ChangeKind
    element: str
    what: str = Field(description="What is so now and was not, in figures of the twin.")
    document: str | None = None
    text: PersonText | None = None


class ChangesSince(Frozen):
    """What changed: states first, then settings and what is written of them, and loads by how far they are off."""

    since: datetime
    now: datetime
    compared_with: datetime | None = Field(description="The last sample up to `since`; null: none, loads are left out.")
    traffic: float | None = Field(description="What all demands together are times what they were.")
    counts: dict[ChangeKind, int]
    total: int
    changes: tuple[ChangeReading, ...]
    next_offset: int | None
    not_compared: str | None = Field(default=None, description="Why the inventory could not be read again.")


def changes_since(run_state: RunState, since: Since = None, offset: Annotated[int, Field(ge=0)] = 0) -> ChangesSince:
    """List what changed since a time: states, settings, loads beyond error, commits, tickets, calendar entries."""
    observation, now = run_state.look(), run_state.live.now
    begin = (since or now - _USUALLY).astimezone(UTC)
    if begin >= now:
        raise InputError(f"{utc(begin)} is not past", fix=f"it is {utc(now)} on the network")
    measured = run_state.live.read_telemetry(run_state.since)
    with run_state.span("compare", snapshot=run_state.inventory.id):
        loads = load_changes(measured, observation, begin.timestamp())
        flips = state_flips(run_state.inventory, measured, begin.timestamp())
    settings, refused = _inventory_now(run_state)
    found = [
        *map(_flip, flips),
        *settings,
        *_read_settings(run_state),
        *_log_commits(run_state, measured, begin),
        *(x for document in run_state.documents for x in _document(document, begin, now)),
        *_works(run_state, begin, now),
    ]
    found.sort(key=lambda x: (_KINDS.index(x.kind), -(x.time.timestamp() if x.time else 0.0), x.element, x.what))
    found += [_load(run_state, x) for x in loads.moved]
    counts = Counter(x.kind for x in found)
    return ChangesSince(
        since=begin,
        now=now,
        compared_with=None if loads.baseline is None else datetime.fromtimestamp(loads.baseline, UTC),
        traffic=None if loads.traffic is None else round(loads.traffic, 3),
        counts={kind: counts[kind] for kind in _KINDS if counts[kind]},
        total=len(found),
        changes=tuple(found[offset : offset + PAGE]),
        next_offset=next_after(offset + PAGE, found),
        not_compared=refused,
    )


def _flip(found: StateFlip) -> ChangeReading:
    good, bad = _STATES[found.state]
    words = good if found.now else bad
    if found.times > 1:
        words = f"{words} now, after {found.times} changes"
    return ChangeReading(time=datetime.fromtimestamp(found.began, UTC), kind="state", element=found.element, what=words)


def _inventory_now(run_state: RunState) -> tuple[list[ChangeReading], str | None]:
    """What the inventory says that it did not when the run read it, and why that is not known, if so."""
    before = run_state.inventory
    try:
        after = run_state.live.read_topology()
    except TwinError as error:
        return [], clean(str(error))
    if after.id == before.id:
        return [], None
    found = difference(before, after)
    element = f"network/{before.name}"
    said = [x for x in found.others if not x.startswith("traffic ")]
    return [
        *(_setting(subject(x), f"inventory: {_worded(x)}", None) for x in found.changes),
        *(_setting(element, f"inventory: {x}", None) for x in said),
    ], None


def _worded(change: Change) -> str:
    if isinstance(change, SetWeight):
        return f"weight {change.weight}"
    return change.op.replace("_", " ")


def _read_settings(run_state: RunState) -> Iterator[ChangeReading]:
    """What routers said of their configuration that the inventory does not have."""
    for said in run_state.look().readbacks:
        taken = datetime.fromtimestamp(said.taken, UTC)
        yield from (_setting(x.element, f"{said.router} runs {_running(x)}", taken) for x in said.items)


def _running(item: Item) -> str:
    match item.kind:
        case "weight":
            words = f"weight {item.value:g}"
        case "drained":
            words = "a drain" if item.value else "no drain"
        case "route" | "filter":
            words = f"a {item.kind} for {item.target or 'routing packets'}"
        case _:
            words = f"{item.kind} settings of its own"
    return f"{words}, which the inventory has otherwise"


def _setting(element: str, what: str, time: datetime | None) -> ChangeReading:
    return ChangeReading(time=time, kind="setting", element=element, what=what)


def _log_commits(run_state: RunState, measured: Telemetry, begin: datetime) -> Iterator[ChangeReading]:
    for fact in read_events(run_state.inventory, since_then(measured, begin).events):
        if fact.kind == "commit":
            time = datetime.fromtimestamp(fact.time, UTC)
            yield ChangeReading(time=time, kind="commit", element=fact.element, what="its log says: committed")


def _document(document: Document, begin: datetime, now: datetime) -> Iterator[ChangeReading]:
    """What was written, began or ended since."""
    begins = document.kind == "calendar"
    for time, words in ((document.time, "begins" if begins else "written"), (document.until, "ends")):
        if time is not None and begin < time <= now:
            text = clean(document.text, _TEXT)
            yield ChangeReading(
                time=time, kind=document.kind, element=document.element, what=words, document=document.id, text=text
            )


def _works(run_state: RunState, begin: datetime, now: datetime) -> Iterator[ChangeReading]:
    for work in run_state.works:
        for time, words in ((work.begins, "planned work begins"), (work.ends, "planned work ends")):
            if begin < time <= now:
                text = clean(f"{work.name} {work.who}", _TEXT)
                yield from (
                    ChangeReading(time=time, kind="calendar", element=x, what=words, text=text) for x in work.elements
                )


def _load(run_state: RunState, moved: LoadMove) -> ChangeReading:
    carries, due = rates(moved.now, moved.due)
    off = f"{abs(moved.score):.0f} standard errors off"
    words = f"carries {carries}, {due} due by its traffic now, {mbps(moved.before)} before; {off}"
    link = run_state.inventory.links[moved.link].name
    return ChangeReading(time=None, kind="load", element=link, what=words)
