"""Incidents and entries of the calendar as rows of a list."""

from datetime import timedelta
from typing import NamedTuple

from agents.serve.board import Entry, Incident
from agents.show.incident_words import incident_title
from agents.wording import counted


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
    words = incident.because or f"seen at {counted(len(incident.elements), 'elements')}"
    return IncidentRow(
        id=incident.id,
        title=incident_title(incident.kind, incident.source),
        state=incident.state,
        tone={"open": "crit", "mitigated": "good", "closed": "stop"}.get(incident.state, "warn"),
        when=f"{incident.since:%d %b %H:%M}",
        words=f"{f'{incident.outcome}: ' if incident.outcome else ''}{words}"[:300],
        waits=incident.outcome == "awaiting approval",
        parts=counted(parts, "incidents") if parts else "",
    )


def calendar_row(entry: Entry) -> CalendarRow:
    """Put an entry of the calendar into a row."""
    said = entry.scheduled
    until = f" to {said.ends:%H:%M}" if said.ends else ""
    tone = {"waiting": "info", "in place": "good", "taken back": "good"}.get(entry.state, "stop")
    words = f"{entry.state}{f': {entry.because}' if entry.because else ''}"
    return CalendarRow(said.understood, said.words, f"{said.begins:%d %b %H:%M}{until}", words, tone)


def age_words(age: timedelta) -> str:
    """Say how old something is."""
    seconds = max(0.0, age.total_seconds())
    if seconds >= 172_800:
        return f"{seconds / 86_400:.0f} days"
    if seconds >= 7_200:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
