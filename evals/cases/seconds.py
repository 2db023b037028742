"""Where the time of a run went, by its record: models, tools, and what is the product's own."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from agents.record.events import ChatAnswered, ChatRequested, ToolCalled, ToolReturned
from agents.record.records import Record

Stretch = tuple[datetime, datetime]


def time_taken(records: Sequence[Record]) -> Mapping[str, float]:
    """Seconds by the clock: `model_seconds`, `tool_seconds`, and `own_seconds`, the rest.

    Calls of one answer wait for each other, so their stretches overlap: what lies in several counts once.
    """
    if not records:
        return {"model_seconds": 0.0, "tool_seconds": 0.0, "own_seconds": 0.0}
    asked: dict[int, datetime] = {}
    called: dict[tuple[str, str], datetime] = {}
    thought: list[Stretch] = []
    worked: list[Stretch] = []
    for record in records:
        event = record.event
        if isinstance(event, ChatRequested):
            asked[event.call] = record.time
        elif isinstance(event, ChatAnswered) and event.call in asked:
            thought.append((asked.pop(event.call), record.time))
        elif isinstance(event, ToolCalled):
            called[event.role, event.id] = record.time
        elif isinstance(event, ToolReturned) and (event.role, event.id) in called:
            worked.append((called.pop((event.role, event.id)), record.time))
    whole = (records[-1].time - records[0].time).total_seconds()
    model, tools = _covered(thought), _covered(worked)
    return {"model_seconds": model, "tool_seconds": tools, "own_seconds": whole - _covered([*thought, *worked])}


def _covered(stretches: Iterable[Stretch]) -> float:
    total, until = 0.0, None
    for begin, end in sorted(stretches):
        begin = begin if until is None or begin > until else until
        total += max((end - begin).total_seconds(), 0.0)
        until = end if until is None or end > until else until
    return total
