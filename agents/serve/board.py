"""The state of an operations room: what its events add up to. Adding the same events again gives the same state."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal

from pydantic import AwareDatetime, Field

from twin.errors import InputError
from twin.model import Frozen

from .record import (
    Adopted,
    Audited,
    Began,
    CalendarMoved,
    DeadLetter,
    Delivered,
    Family,
    Grew,
    Moment,
    Moved,
    Owned,
    Queued,
    Remarked,
    Returned,
    RoomEvent,
    RunBegan,
    RunEnded,
    RunsDeleted,
    Scheduled,
    Silenced,
    State,
    Subsided,
)

HOLD = timedelta(minutes=15)
"""How long nothing may be seen of an incident before it ends, and what each return adds to that."""
REMEMBERED, LONGEST = timedelta(hours=2), timedelta(hours=1)
_LINES, _AUDITED, _ELEMENTS = 200, 2_000, 50
_NUMBERED = re.compile(r"(?:I-?)?([0-9]{1,9})", re.IGNORECASE)

MOVES: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        "open": frozenset[State]({"acknowledged", "mitigating", "mitigated", "closed"}),
        "acknowledged": frozenset[State]({"mitigating", "mitigated", "closed"}),
        "mitigating": frozenset[State]({"open", "acknowledged", "mitigated", "closed"}),
        "mitigated": frozenset[State]({"open", "acknowledged", "mitigating", "closed"}),
        "closed": frozenset[State](),
    }
)


class BoardLine(Frozen):
    """One line of an incident's timeline."""

    time: AwareDatetime
    who: str
    words: str


class Incident(Frozen):
    """What is wrong at one place, from its first sample to its end."""

    id: str
    network: str
    source: str
    family: Family
    kind: str
    elements: tuple[str, ...]
    opened: AwareDatetime
    since: AwareDatetime
    state: State = "open"
    acknowledged: str = Field(default="", description="Who has seen it.")
    owner: str = ""
    parent: str | None = None
    quiet: AwareDatetime | None = Field(default=None, description="Since when nothing of it is seen.")
    returns: tuple[AwareDatetime, ...] = Field(default=(), description="When it came back after it was quiet.")
    run: str | None = Field(default=None, description="The run that works on it, or did last.")
    runs: int = 0
    working: bool = False
    outcome: str = ""
    because: str = ""
    closed: AwareDatetime | None = None
    timeline: tuple[BoardLine, ...] = ()

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self.state != "closed"

    def ends_after(self, now: datetime) -> timedelta:
        """How long it has to stay quiet: the longer, the more often it came back lately."""
        lately = sum(now - x <= REMEMBERED for x in self.returns)
        return min(HOLD * (1 + lately), LONGEST)


class Message(Frozen):
    """One message to one receiver."""

    queued: Queued
    state: Literal["waiting", "delivered", "dead"] = "waiting"
    attempts: int = 0
    because: str = ""


class Entry(Frozen):
    """One entry of the calendar."""

    scheduled: Scheduled
    state: Literal["waiting", "in place", "refused", "missed", "taken back", "stuck", "cancelled"] = "waiting"
    because: str = ""
    run: str | None = None


class BoardRun(Frozen):
    """A run that was begun here: for which incident, and when it was last heard of."""

    incident: str
    time: AwareDatetime


class Board(Frozen):
    """Everything that a room knows of its incidents, messages, silences and calendar."""

    incidents: Mapping[str, Incident] = Field(default_factory=dict[str, Incident])
    messages: Mapping[int, Message] = Field(default_factory=dict[int, Message])
    silences: tuple[Silenced, ...] = ()
    calendar: Mapping[str, Entry] = Field(default_factory=dict[str, Entry])
    audit: tuple[Audited, ...] = ()
    runs: Mapping[str, BoardRun] = Field(
        default_factory=dict[str, BoardRun], description="Begun here and not deleted, by name."
    )
    numbered: int = Field(default=0, description="Messages so far.")
    opened: int = Field(default=0, description="Incidents so far.")

    @property
    def alive(self) -> tuple[Incident, ...]:
        """Incidents that have not ended, the oldest first."""
        return tuple(x for x in self.incidents.values() if x.alive)

    def incident(self, name: str) -> Incident:
        """Return an incident. Raises `InputError` when there is none of that id."""
        found = self.incidents.get(name)
        if found is None:
            raise InputError(f"there is no incident {name!r}", fix="`twinops serve` lists them on its wall")
        return found

    def is_root(self, incident: Incident) -> bool:
        """Whether an incident stands for itself: it is part of none, or of one that has ended."""
        parent = self.incidents.get(incident.parent) if incident.parent else None
        return parent is None or not parent.alive

    def is_silenced(self, incident: Incident, now: datetime) -> bool:
        """Whether nothing is told of an incident now."""
        return any(x.until > now and x.element in ("*", incident.source, *incident.elements) for x in self.silences)

    def add(self, event: RoomEvent) -> "Board":  # noqa: C901 - one branch per kind of event
        """Return the board after an event. Raises `InputError` on one that cannot follow, such as a forbidden move."""
        match event:
            case Began():
                return self._with(_begun(event), opened=self.opened + 1)
            case Grew():
                before = self.incident(event.id)
                more = tuple(dict.fromkeys((*before.elements, *event.elements)))[:_ELEMENTS]
                return self._with(before.model_copy(update={"elements": more}))
            case Adopted():
                return self._change(event, f"part of {event.parent}", parent=event.parent)
            case Subsided():
                return self._change(event, "nothing of it is seen any more", quiet=event.time)
            case Returned():
                came = tuple(x for x in self.incident(event.id).returns if event.time - x <= REMEMBERED)
                return self._change(event, "it is back", quiet=None, returns=(*came, event.time))
            case Moved():
                return self._moved(event)
            case Owned():
                return self._change(event, f"taken by {event.who}", owner=event.who)
            case Remarked():
                return self._change(event, event.words)
            case RunBegan() | RunEnded():
                return self._run(event)
            case Queued() | Delivered() | DeadLetter():
                return self._messaged(event)
            case Silenced():
                kept = tuple(x for x in self.silences if x.until > event.time)
                return self.model_copy(update={"silences": (*kept, event)})
            case Scheduled():
                return self.model_copy(update={"calendar": {**self.calendar, event.id: Entry(scheduled=event)}})
            case CalendarMoved():
                entry = self._entry(event.id).model_copy(update={"state": event.state, "because": event.because})
                return self.model_copy(update={"calendar": {**self.calendar, event.id: entry}})
            case RunsDeleted():
                kept = {name: x for name, x in self.runs.items() if name not in event.runs}
                return self.model_copy(update={"runs": kept})
            case Audited():
                return self.model_copy(update={"audit": (*self.audit, event)[-_AUDITED:]})

    def forget(self, before: datetime) -> "Board":
        """Return the board without what ended before a time: closed incidents, delivered messages, past silences."""
        incidents = {x.id: x for x in self.incidents.values() if x.alive or (x.closed or x.opened) >= before}
        messages = {n: x for n, x in self.messages.items() if x.state == "waiting" or x.queued.incident in incidents}
        ended = ("missed", "taken back", "cancelled", "refused")
        calendar = {
            name: x for name, x in self.calendar.items() if x.state not in ended or x.scheduled.begins >= before
        }
        return self.model_copy(
            update={
                "incidents": incidents,
                "messages": messages,
                "calendar": calendar,
                "silences": tuple(x for x in self.silences if x.until >= before),
            }
        )

    def _entry(self, name: str) -> Entry:
        found = self.calendar.get(name)
        if found is None:
            raise InputError(f"there is no entry {name!r} in the calendar", fix="the wall lists them")
        return found

    def _with(self, incident: Incident, **more: int) -> "Board":
        return self.model_copy(update={"incidents": {**self.incidents, incident.id: incident}, **more})

    def _change(
        self,
        event: Adopted | Subsided | Returned | Moved | Owned | Remarked | RunBegan | RunEnded,
        words: str,
        **changed: object,
    ) -> "Board":
        before = self.incident(event.id)
        line = BoardLine(time=event.time, who=getattr(event, "who", "") or "twinops", words=words)
        timeline = (*before.timeline, line)
        if len(timeline) > _LINES:  # how it began is kept, and the newest
            timeline = (*timeline[: _LINES // 4], *timeline[-(_LINES * 3 // 4) :])
        return self._with(before.model_copy(update={**changed, "timeline": timeline}))

    def _moved(self, event: Moved) -> "Board":
        before = self.incident(event.id)
        if event.state not in MOVES[before.state]:
            raise InputError(f"incident {event.id} is {before.state}: it cannot become {event.state}")
        changed: dict[str, object] = {"state": event.state}
        if event.state == "acknowledged" and event.who:
            changed["acknowledged"] = event.who
        if event.state == "closed":
            changed["closed"] = event.time
        words = f"{event.state}{f': {event.because}' if event.because else ''}"
        return self._change(event, words, **changed)

    def _run(self, event: RunBegan | RunEnded) -> "Board":
        if event.id in self.calendar:
            entry = self.calendar[event.id].model_copy(update={"run": event.run})
            return self.model_copy(update={"calendar": {**self.calendar, event.id: entry}})
        if isinstance(event, RunBegan):
            count = self.incident(event.id).runs + 1
            return self._heard_of(event)._change(event, "the agents begin", run=event.run, working=True, runs=count)
        words = f"{event.outcome}{f': {event.because}' if event.because else ''}"
        known = {"outcome": event.outcome, "because": event.because, "run": event.run}
        return self._heard_of(event)._change(event, words, working=False, **known)

    def _heard_of(self, event: RunBegan | RunEnded) -> "Board":
        if isinstance(event, RunEnded) and event.run not in self.runs:
            return self
        run = BoardRun(incident=event.id, time=event.time)
        return self.model_copy(update={"runs": {**self.runs, event.run: run}})

    def _messaged(self, event: Queued | Delivered | DeadLetter) -> "Board":
        if isinstance(event, Queued):
            messages = {**self.messages, event.number: Message(queued=event)}
            return self.model_copy(update={"messages": messages, "numbered": max(self.numbered, event.number)})
        before = self.messages.get(event.number)
        if before is None:
            return self
        state = "delivered" if isinstance(event, Delivered) else "dead"
        because = "" if isinstance(event, Delivered) else event.because
        attempts = event.attempts if isinstance(event, Delivered) else before.attempts
        after = before.model_copy(update={"state": state, "because": because, "attempts": attempts})
        return self.model_copy(update={"messages": {**self.messages, event.number: after}})


def incident_id(text: str) -> str:
    """The id that people mean by a text such as `2`, `I-2` or `i-0002`; any other text stays."""
    number = _NUMBERED.fullmatch(text)
    return f"I-{int(number[1]):04d}" if number else text


def _begun(event: Began) -> Incident:
    first = BoardLine(time=event.time, who="twinops", words=event.words or "opened")
    return Incident(
        id=event.id,
        network=event.network,
        source=event.source,
        family=event.family,
        kind=event.kind,
        elements=event.elements[:_ELEMENTS],
        opened=event.time,
        since=event.since,
        parent=event.parent,
        timeline=(first,),
    )


__all__ = ["HOLD", "MOVES", "Board", "BoardLine", "Entry", "Incident", "Message", "Moment", "incident_id"]
