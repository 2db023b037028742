"""Incidents and entries of the calendar as rows of a list."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from agents.serve.board import Entry, Incident
from agents.show.incident_words import incident_title
from agents.wording import capital, counted, duration, place
from twin.planned import PlannedWork


class IncidentRow(NamedTuple):
    """One incident in a list."""

    id: str
    title: str
    state: str
    tone: str
    when: str
    words: str
    waits: bool
    parts: str


class CalendarRow(NamedTuple):
    """One entry of the calendar: what was understood, louder than what was said."""

    understood: str
    said: str
    when: str
    words: str
    tone: str


def incident_row(incident: Incident, parts: int) -> IncidentRow:
    """Put an incident into a row; `parts` is how many others are folded into it."""
    waits = incident.outcome == "awaiting approval"
    words = capital(incident.because or f"seen at {counted(len(incident.elements), 'elements')}").rstrip(".")
    ended = "" if waits or not incident.outcome else f"{capital(incident.outcome)}: "
    return IncidentRow(
        id=incident.id,
        title=incident_title(incident.kind, incident.source),
        state=incident.state,
        tone={"open": "crit", "mitigated": "good", "closed": "stop"}.get(incident.state, "warn"),
        when=f"{incident.since:%d %b %H:%M}",
        words=f"{ended}{words}"[:300] + ".",
        waits=waits,
        parts=counted(parts, "incidents") if parts else "",
    )


def calendar_row(entry: Entry) -> CalendarRow:
    """Put an entry of the calendar into a row."""
    said = entry.scheduled
    until = f" to {said.ends:%H:%M}" if said.ends else ""
    tone = {"waiting": "info", "in place": "good", "taken back": "good"}.get(entry.state, "stop")
    words = f"{entry.state}{f': {entry.because}' if entry.because else ''}"
    return CalendarRow(said.understood, said.words, f"{said.begins:%d %b %H:%M}{until}", words, tone)


def work_row(work: PlannedWork, now: datetime) -> CalendarRow:
    """Put work that others have planned into a row."""
    under_way = work.begins <= now
    what = ", ".join(place(x) for x in work.elements[:3]) + (
        f" and {len(work.elements) - 3} more" if work.elements[3:] else ""
    )
    until = (
        f"{work.ends.astimezone(UTC):%H:%M}" if work.ends - work.begins < timedelta(days=1) else f"{work.ends:%d %b}"
    )
    words = (
        "under way: what follows from it calls nobody, harm does" if under_way else "counts as failed while it lasts"
    )
    return CalendarRow(
        understood=f"Work of {work.who or 'others'} at {what}",
        said=work.name,
        when=f"{work.begins.astimezone(UTC):%d %b %H:%M} to {until}",
        words=capital(words),
        tone="warn" if under_way else "info",
    )


def interval_words(seconds: float) -> str:
    """Say how long it is from one sample to the next."""
    return f"{seconds / 60:g} min" if seconds >= 60 and seconds % 60 == 0 else duration(seconds)
