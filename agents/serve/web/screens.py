"""What each screen shows, as values: made from the room's board, the newest look and the records of runs."""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from agents.record.charter import Register
from agents.record.files import JOURNAL
from agents.record.history import RunHistory, read_history
from agents.record.waiting import Pending, describe, pending
from agents.serve.board import Entry, Incident, incident_id
from agents.serve.crew import begins_by_itself
from agents.serve.jointly import JointRefusal, objections
from agents.serve.room import Room
from agents.serve.troubles import Trouble
from agents.serve.watch import GONE, LATE
from agents.show.approval_view import ApprovalView, approval_view
from agents.show.deciding import Row
from agents.show.earlier_view import EarlierView, earlier_view
from agents.show.incident_view import IncidentView, incident_view, unworked, view_within
from agents.show.incident_words import incident_title
from agents.show.live_views import Live, TriedView, live_within, try_out
from agents.show.report.folder import read_story
from agents.show.report.page import Sources
from agents.show.report.story import Story
from agents.show.trial_plan import GateAnswer, judge_trial
from agents.wording import age_words, counted
from twin.clock import utc_now
from twin.errors import InputError, TwinError
from twin.files import exists

from .decided import DecidedPlans
from .hits import Hit, hits_of
from .rail import Item, rail
from .rights import Visitor, changed, places, planned, trimmed
from .rows import CalendarRow, IncidentRow, calendar_row, incident_row, interval_words, work_row
from .seen import Seeing

_STRIP = 48  # samples on the strip of time
_WORKS = 6  # works of others on the wall
_JUDGED = 20  # plans that wait and whose figures are kept
_AUTONOMY = {
    "observe": "only observes",
    "suggest": "suggests only",
    "approve": "asks a person",
    "act": "acts alone at low risk",
}


class Shell(NamedTuple):
    """What is around every screen."""

    title: str
    rail: tuple[Item, ...]
    network: str
    size: str
    age: str
    fresh: str
    autonomy: str
    autonomy_words: str
    clock: str
    own_clock: str
    looked: str
    interval: str
    troubles: tuple[Trouble, ...]
    token: str
    who: str
    may_operate: bool
    may_plan: bool
    everywhere: bool
    may_leave: bool
    passkeys: bool
    full: bool


class Screens:
    """Makes the values of the screens of one room; what a look costs is paid once for all who look."""

    def __init__(self, room: Room, *, passkeys: bool) -> None:
        self.room, self._passkeys = room, passkeys
        self._lock = threading.Lock()
        self.seeing, self.decided = Seeing(room), DecidedPlans(room)
        self._judged: dict[str, tuple[tuple[str, ...], ApprovalView, tuple[JointRefusal, ...]]] = {}
        self._told: tuple[tuple[str, int, bool], tuple[Story, Sources]] | None = None

    def shell(self, here: str, title: str, visitor: Visitor, *, full: bool = False) -> Shell:
        """What is around a screen."""
        room, seen = self.room, self.seeing.newest()
        age = room.watch.age()
        interval = room.watch.interval_s
        fresh = "gone" if age is None or age.total_seconds() > GONE * interval else ""
        fresh = fresh or ("late" if age is not None and age.total_seconds() > LATE * interval else "")
        network = seen.look.network if seen else None
        troubles = room.troubles
        newest = seen.look.newest if seen else None
        level = seen.live.autonomy if seen else "observe"
        return Shell(
            title=title,
            rail=rail(self._standing(visitor), here, visitor),
            network=room.title,
            size=f"{counted(len(network.nodes), 'nodes')}, {counted(len(network.circuits), 'circuits')}"
            if network
            else "",
            age=f"measured {age_words(age)} ago" if age is not None else "nothing measured yet",
            fresh=fresh,
            autonomy=level,
            autonomy_words=_AUTONOMY.get(level, level),
            clock=f"{room.now:%H:%M}",
            own_clock=f"by this machine's clock, now {utc_now():%d %b %H:%M}" if room.emulated else "",
            looked=f"{newest:%H:%M}" if newest else "never",
            interval=interval_words(interval),
            troubles=troubles if visitor.everywhere else tuple(x._replace(why="", then="") for x in troubles),
            token=visitor.token,
            who=f"{visitor.name}, {visitor.words}",
            may_operate=visitor.may("operator"),
            may_plan=visitor.may("planner", everywhere=True),
            everywhere=visitor.everywhere,
            may_leave=room.settings.proxy_header is None,
            passkeys=self._passkeys,
            full=full,
        )

    def live(self, visitor: Visitor) -> Live | None:
        """The network as it is measured, of it what somebody may see; None before the first sample."""
        seen = self.seeing.newest()
        if seen is None or visitor.everywhere:
            return seen.live if seen else None
        network = seen.look.network
        links = [visitor.sees(x.name) or visitor.sees(x.circuit) for x in network.links]
        return live_within(seen.live, network, links, [visitor.sees(x.id) for x in network.nodes])

    def earlier(self, at: str) -> EarlierView | None:
        """The wall at an earlier time, or the strip of the last hours; None before anything is measured.

        Raises `InputError` on a text that is no time.
        """
        seen = self.seeing.newest()
        if seen is None or seen.look.newest is None:
            return None
        now, interval = seen.look.newest, self.room.watch.interval_s
        moment = min(_time(at), now) if at else now
        until = min(now, moment + timedelta(seconds=_STRIP * interval / 4))
        since = until - timedelta(seconds=_STRIP * interval)
        incidents = [
            (x.since.timestamp(), incident_title(x.kind, x.source), x.id)
            for x in self.room.board.incidents.values()
            if since <= x.since <= until and self.room.board.is_root(x)
        ]
        loads = self.room.watch.loads.between(since, until)
        return earlier_view(
            seen.look.network,
            loads.times,
            loads.shares,
            limit=self.room.policy.max_utilisation,
            at=moment.timestamp() if at else None,
            incidents=incidents,
        )

    def incidents(self, visitor: Visitor, *, ended: bool = False) -> tuple[IncidentRow, ...]:
        """The incidents that have not ended and are no parts of others; or all of them, the newest first."""
        board = self.room.board
        found = list(board.incidents.values()) if ended else self._standing(visitor)
        seen = (x for x in found if visitor.everywhere or visitor.sees(*places(board, x)))
        parts = Counter(x.parent for x in board.incidents.values())
        newest = sorted(seen, key=lambda x: x.opened, reverse=True)
        return tuple(incident_row(trimmed(x, visitor), parts[x.id]) for x in newest)

    def _standing(self, visitor: Visitor) -> list[Incident]:
        """The incidents that have not ended and stand for themselves, as far as somebody sees what they are part of."""
        board = self.room.board
        alive = [x for x in board.alive if visitor.everywhere or visitor.sees(*places(board, x))]
        ids = {x.id for x in alive}
        return [x for x in alive if board.is_root(x) or x.parent not in ids]

    def entries(self, visitor: Visitor) -> list[Entry]:
        """The entries of the calendar, as far as somebody may see what they are about, the next first."""
        every = self.room.board.calendar.values()
        seen = (x for x in every if visitor.everywhere or visitor.sees(*changed(x.scheduled.plan.steps)))
        return sorted(seen, key=lambda x: x.scheduled.begins)

    def calendar(self, visitor: Visitor) -> tuple[CalendarRow, ...]:
        """The same as rows, and after them the next work of others that is known."""
        now, works = self.room.now, self.room.calendars.newest.works
        seen = [x for x in works if x.ends > now and (visitor.everywhere or visitor.sees(*x.elements))]
        own = tuple(calendar_row(x) for x in self.entries(visitor))
        return (*own, *(work_row(x, now) for x in seen[:_WORKS]))

    def found(self, name: str, visitor: Visitor) -> Incident:
        """Return an incident. Raises `InputError` on one that is not there, or not for somebody to see: alike."""
        board = self.room.board
        incident = board.incidents.get(incident_id(name))
        if incident is None or not (visitor.everywhere or visitor.sees(*places(board, incident))):
            raise InputError(f"there is no incident {name[:20]!r}", fix="the wall lists them")
        return incident

    def incident(self, name: str, visitor: Visitor, *, step: int | None = None) -> tuple[Incident, IncidentView]:
        """One incident and its run, its plan after a step. Raises `InputError` when there is none of that id."""
        incident = self.found(name, visitor)
        story = sources = None
        folder = self.room.place.runs / incident.run if incident.run else None
        if folder is not None and exists(folder / JOURNAL):
            story, sources = self._story(folder, twin=not incident.working)
        lead = f"Since {incident.since:%d %b %H:%M} UTC, {age_words(self.room.now - incident.since)}. "
        lead += f"{counted(len(incident.elements), 'elements')} show it"
        lead += f"; it came back {counted(len(incident.returns), 'times')}" if incident.returns else ""
        view = incident_view(
            incident.kind,
            incident.source,
            state=incident.state,
            lead=f"{lead}.",
            story=story,
            sources=sources or Sources(),
            policy=self.room.policy,
            effects=self._effects(incident, visitor),
            missing=unworked(
                ended=not incident.alive,
                run=incident.run or "",
                outcome=incident.outcome,
                because=incident.because if visitor.everywhere else "",
                by_itself=self.room.settings.agents and begins_by_itself(incident),
            ),
            step=step,
        )
        if visitor.everywhere:
            return incident, view
        own = visitor.sees(*_touched(folder)) if story is not None and folder is not None else True
        return trimmed(incident, visitor), view_within(view, whole_run=own, sees=visitor.sees)

    def _effects(self, incident: Incident, visitor: Visitor) -> tuple[Row, ...]:
        """What the plan of an incident would do, while it waits for people."""
        if incident.outcome != "awaiting approval" or incident.working or not incident.run:
            return ()
        try:
            return self.approval(incident.run, visitor)[1].told.rows
        except TwinError:  # its run is being taken up, or is not this home's: the approvals screen says so
            return ()

    def _story(self, folder: Path, *, twin: bool) -> tuple[Story, Sources]:
        """A run's story, made once for each length of its record; its twin file is left alone while it is worked on."""
        key = (str(folder), (folder / JOURNAL).stat().st_size, twin)
        with self._lock:
            if self._told is None or self._told[0] != key:
                self._told = key, read_story(folder, twin=twin)
            return self._told[1]

    def waiting(self, visitor: Visitor) -> tuple[Pending, ...]:
        """The plans that wait for people, as far as somebody may see what they are about."""
        found = pending(self.room.place.runs, utc_now(), self.room.place.home)
        if visitor.everywhere:
            return found
        return tuple(x for x in found if visitor.sees(*planned(read_history(self.run_folder(x.run)))))

    def approval(self, run: str, visitor: Visitor) -> tuple[RunHistory, ApprovalView, tuple[JointRefusal, ...]]:
        """One plan that waits, and the other plans with which it would not pass. Raises as reading its run does.

        Whoever holds every element that a plan changes sees all that it does, also elsewhere: they decide on that.
        """
        past = read_history(self.run_folder(run))
        if not visitor.everywhere and not visitor.sees(*planned(past)):
            raise InputError(f"no run is called {run[:80]!r}", fix="the history lists them")
        waits = describe(past, utc_now(), Register(self.room.place.home, past.started.run).authority)
        others = self.room.crew.waiting(but=run)
        judged = waits.plan, *sorted(x.started.run for x in others)
        with self._lock:
            known = self._judged.get(run)
            if known is None or known[0] != judged:
                known = judged, approval_view(past, waits), tuple(objections(past, others))
                self._judged = {**{k: v for k, v in self._judged.items() if k != run}, run: known}
                while len(self._judged) > _JUDGED:
                    del self._judged[next(iter(self._judged))]
        found = known[2] if visitor.everywhere else tuple(x._replace(shown=None) for x in known[2])
        return past, known[1]._replace(plan=waits), found

    def run_folder(self, run: str) -> Path:
        """The folder of a run of this room. Raises `InputError` on a name that leads elsewhere."""
        if not run or "/" in run or run.startswith("."):
            raise InputError(f"no run is called {run[:80]!r}", fix="the history lists them")
        return self.room.place.runs / run

    def what_if(self, asked: Mapping[str, str]) -> TriedView | None:
        """What would be; None before anything is measured. Raises what `try_out` raises."""
        seen = self.seeing.newest()
        if seen is None:
            return None
        started = time.perf_counter()
        tried = try_out(
            seen.base,
            fail=asked["fail"].split(","),
            drain=asked["drain"].split(","),
            grow=_number(asked["grow"]),
        )
        return tried._replace(milliseconds=(time.perf_counter() - started) * 1000)

    def gate_answer(self, asked: Mapping[str, str]) -> GateAnswer | None:
        """What the gate says of drains that are tried; None before anything is measured. Raises as `judge_trial`."""
        seen = self.seeing.newest()
        return None if seen is None else judge_trial(seen.base.network, seen.look.run_state, asked["drain"].split(","))

    def hits(self, tried: TriedView, asked: Mapping[str, str]) -> tuple[Hit, ...]:
        """Where the what-if map can be clicked: every circuit and node, to fail it or to put it back."""
        seen = self.seeing.newest()
        if seen is None:
            return ()
        return hits_of(seen.look.network, tried, asked)


def _touched(folder: Path) -> tuple[str, ...]:
    """What a run is about: the causes that it found, and what its plan changes."""
    past = read_history(folder)
    cause = past.diagnosis.cause if past.diagnosis else None
    return (*((cause.element,) if cause else ()), *planned(past))


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text[:40]!r} is no time", fix="write for example 2026-03-03T18:25") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _number(text: str) -> float:
    try:
        return float(text or "1")
    except ValueError:
        raise InputError(f"{text[:20]!r} is no number", fix="give a factor such as 1.2") from None
