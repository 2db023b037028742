"""What a run that is taken up again has already been through: it goes the same way once more, and nothing is redone.

A run is deterministic but for its models and the wall clock. Their part is taken from the record; everything else is
computed again and must come out as it did, event by event.
"""

import json
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import takewhile

from pydantic import JsonValue

from tools.box.handover import Role
from twin.errors import DivergedError
from twin.gate.certificate import Certificate

from .events import CalendarRead, CertificateIssued, ChatAnswered, Event, ToolCalled, ToolReturned
from .records import Record

_BY_CHANCE = frozenset({"seconds", "model", "trace", "version"})
"""Fields that say how long something took, who spoke, in which trace or version: no decision follows from them."""
_ASIDE = frozenset({"noted", "run resumed", "approval given", "question answered"})
"""Kinds that are written from outside a run's own course: met wherever they are, and asked for nowhere."""
_CALLS = frozenset({"tool called", "tool returned"})
"""Kinds of calls that a model made at once: their order among each other may be another."""


class RecordsAhead:
    """The records that lie ahead of a run on its way through its own past."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._ahead = deque(records)
        self._met: Record | None = None

    @property
    def ahead(self) -> int:
        """How many records have not been met yet."""
        return len(self._ahead)

    def meet(self, event: Event) -> Record | None:
        """Return the record of an event that the past holds, None when it is new.

        Raises `DivergedError` when something else happened there.
        """
        while self._ahead:
            if (met := self._find(event)) is not None:
                self._ahead.remove(met)
                self._met = met
                return met
            if self._ahead[0].event.kind in _ASIDE:
                self._ahead.popleft()
            elif event.kind in _ASIDE:
                return self._met
            else:
                raise DivergedError(_difference(self._ahead[0], event), fix="see `twinops replay`")
        return None

    def answer(self, role: Role, call: int) -> ChatAnswered | None:
        """Return what the run's model answered in its n-th call, None when it has not answered yet."""
        for event in self._events():
            if isinstance(event, ChatAnswered):
                return event if (event.role, event.call) == (role, call) else None
        return None

    def returned(self, role: Role, tool: str, call_id: str) -> ToolReturned | None:
        """Return what a call that is made now gave, None when it has not returned yet."""
        calls = takewhile(lambda event: event.kind in _CALLS | _ASIDE, self._events())
        wanted = (role, tool, call_id)
        return next((x for x in calls if isinstance(x, ToolReturned) and (x.role, x.tool, x.id) == wanted), None)

    def calendar(self, before: str) -> CalendarRead | None:
        """Return what was read of others' work before this was done, None where nothing new was."""
        event = next((event for event in self._events() if event.kind not in _ASIDE), None)
        return event if isinstance(event, CalendarRead) and event.before == before else None

    def _events(self) -> Iterator[Event]:
        return (record.event for record in self._ahead)

    def _find(self, event: Event) -> Record | None:
        first = self._ahead[0]
        if event.kind not in _CALLS or first.event.kind not in _CALLS:
            return first if _same(first.event, event) else None
        together = takewhile(lambda record: record.event.kind in _CALLS, self._ahead)
        return next((record for record in together if _same(record.event, event)), None)


def decisive(event: Event) -> dict[str, JsonValue]:
    """Everything in an event that must come out the same again: whose key signed it is no decision either."""
    content = event.model_dump(mode="json", exclude={name for name in _BY_CHANCE if name in type(event).model_fields})
    if isinstance(event, CertificateIssued):
        certificate = Certificate.model_validate(event.certificate)
        content["certificate"] = certificate.model_dump(mode="json", exclude={"issuer", "signature"})
    return content


def _same(one: Event, other: Event) -> bool:
    return one.kind == other.kind and _text(decisive(one)) == _text(decisive(other))


def _text(content: JsonValue) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False)


def _difference(record: Record, event: Event) -> str:
    place = f"record {record.seq + 1}"
    if record.event.kind != event.kind:
        return f"{place} says {record.event.kind!r} where {_named(event)} comes now"
    was, now = decisive(record.event), decisive(event)
    field = next(name for name in was if _text(was[name]) != _text(now.get(name)))
    return f"{place}, {_named(event)}: {field} was {_cut(was[field])} and is {_cut(now.get(field))}"


def _named(event: Event) -> str:
    if isinstance(event, ToolCalled | ToolReturned):
        return f"{event.kind!r} of {event.tool}"
    stage = getattr(event, "stage", "")
    return f"{event.kind!r}{f' of {stage}' if stage else ''}"


def _cut(value: JsonValue) -> str:
    text = _text(value)
    return text if len(text) <= 120 else f"{text[:120]}…"
