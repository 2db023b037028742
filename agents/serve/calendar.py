"""The calendar: certified plans are made when their window begins, after a fresh verdict, and taken back at its end.

A start that was missed is told and never caught up: nobody agreed to that hour. An end is: what is in place too long is
taken back as soon as the room is there again. Both ends are incidents where the network or the gate refuses them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import ValidationError

from agents.record.charter import Register
from agents.record.files import CERTIFICATE, TWIN
from agents.record.history import read_history
from agents.run.run import signing_key
from tools.box.known import known_to
from tools.box.run_state import RunState
from twin.errors import CertificateError, InputError, TwinError
from twin.execute.executor import Execution, execute, recover
from twin.files import read_text
from twin.gate.certificate import Certificate
from twin.gate.verdict import verify_knowing
from twin.live.network import LiveNetwork
from twin.model import Network
from twin.plan import apply_all, way_back
from twin.policy import Policy
from twin.printed import utc
from twin.store import TwinStore

from .board import Board, Entry
from .record import Began, CalendarMoved, RoomEvent, Scheduled
from .site_calendars import SiteCalendars

GRACE = timedelta(minutes=5)
"""How late a start may be: beyond, it is missed."""


class Due(NamedTuple):
    """What has to be done of an entry now."""

    entry: Entry
    what: Literal["make", "take back"]


def due(board: Board, now: datetime) -> Iterator[Due]:
    """What has to be done now; entries that were missed are not among it."""
    for entry in board.calendar.values():
        said = entry.scheduled
        if entry.state == "waiting" and said.begins <= now <= said.begins + GRACE:
            yield Due(entry, "make")
        elif entry.state == "in place" and said.ends is not None and now >= said.ends:
            yield Due(entry, "take back")


def missed(board: Board, network: str, now: datetime) -> Iterable[RoomEvent]:
    """Say of every start that is past by more than the grace that it was missed, and open an incident for it."""
    number = board.opened
    for entry in board.calendar.values():
        said = entry.scheduled
        if entry.state == "waiting" and now > said.begins + GRACE:
            number += 1
            words = f"it was to begin at {said.begins:%F %H:%M} UTC, and nobody was there"
            yield CalendarMoved(time=now, id=said.id, state="missed", because=words)
            yield _trouble(number, network, entry, "missed", words, now)


def schedule(run: Path, *, number: int, who: str, now: datetime) -> Scheduled:
    """Make an entry of a run that ended with a plan certified for its window.

    Raises `InputError` on any other run, or when its window has begun, and what reading it raises.
    """
    past = read_history(run)
    plan, certificate = past.certified, certificate_of(run)
    if past.finished is None or past.finished.outcome != "scheduled" or plan is None or past.started.goal is None:
        raise InputError(f"run {past.started.run} has no plan for a window", fix="give its goal from: and until:")
    if certificate.not_before <= now:
        raise InputError(f"the window of {past.started.run} has begun: {utc(certificate.not_before)}", fix="plan again")
    return Scheduled(
        time=now,
        id=f"C-{number:04d}",
        words=past.started.goal.text[:1_000] or past.started.goal.words[:1_000],
        understood=past.started.goal.words[:1_000],
        plan=plan,
        begins=certificate.not_before,
        ends=certificate.expires,
        run=past.started.run,
        who=who,
    )


Look = Callable[[], RunState | None]


class RoomCalendar:
    """Makes and takes back what is due. To be called by whoever may change the network, one at a time."""

    def __init__(
        self, live: LiveNetwork, folders: tuple[Path, Path], policy: Policy, look: Look, site: SiteCalendars
    ) -> None:
        """`folders` are that of runs and the operator's home; `look` measures anew, `site` reads who else works."""
        self._live, self._policy, self._look, self._site = live, policy, look, site
        self._runs, self._home = folders

    def make(self, entry: Entry, board: Board, network: str) -> list[RoomEvent]:
        """Judge the plan of an entry on what is measured now, and make it. Raises nothing: what went wrong is told."""
        now = self._live.now
        try:
            run_state = self._look()
            against = self._against(entry, run_state) if run_state else "nothing is measured"
            done = None if against or run_state is None else self._execute(entry, run_state)
            because = against or (done.reason if done else "")
            applied = done is not None and done.status == "applied"
        except TwinError as error:
            applied, because = False, str(error)
        if applied:
            return [CalendarMoved(time=now, id=entry.scheduled.id, state="in place", because=because[:1_000])]
        moved = CalendarMoved(time=now, id=entry.scheduled.id, state="refused", because=because[:1_000])
        return [moved, _trouble(board.opened + 1, network, entry, "refused", because[:1_000], now)]

    def take_back(self, entry: Entry, board: Board, network: str) -> list[RoomEvent]:
        """Undo the plan of an entry. Raises nothing: what could not be undone is told."""
        now, said = self._live.now, entry.scheduled
        try:
            base = self._base(entry)
            before = apply_all(self._live.read_topology(), way_back(base, said.plan.steps))
            reason = recover(said.plan, base, before, self._live, because="its window ended").reason
        except TwinError as error:
            moved = CalendarMoved(time=now, id=said.id, state="stuck", because=str(error)[:1_000])
            return [moved, _trouble(board.opened + 1, network, entry, "stuck", str(error)[:1_000], now)]
        return [CalendarMoved(time=now, id=said.id, state="taken back", because=reason[:1_000])]

    def _against(self, entry: Entry, run_state: RunState) -> str:
        """Why the plan may not be made on what is measured now, and while others work; empty when it may."""
        state = run_state.look().network
        read = self._site.read(state, self._live.now)
        if read.unknown:
            return f"what others plan is not known: {read.unknown[0].name}: {read.unknown[0].failed}"
        plan = entry.scheduled.plan.model_copy(update={"base": state.id})
        known = replace(known_to(run_state), starts=self._live.now, works=read.works)
        verdict = verify_knowing(known, plan, state, self._policy)
        failed = next((x for x in verdict.checks if not x.passed and x.name != "useful"), None)
        return "" if failed is None else f"{failed.name}: {failed.detail}"

    def _execute(self, entry: Entry, run_state: RunState) -> Execution:
        folder = self._runs / entry.scheduled.run
        past = read_history(folder)
        register = Register(self._home, past.started.run)
        register.known(past)
        base = self._base(entry)
        return execute(
            entry.scheduled.plan,
            certificate_of(folder),
            base,
            self._live,
            policy=past.started.policy,
            public_key=signing_key(self._home, self._runs).public,
            current=base.id,
            authority=register.authority,
            inventory=self._snapshot(entry, past.started.inventory),
            outlook=run_state.outlook,
            works=self._site.newest.works,
            works_now=lambda: self._site.newest.works,
            unmodelled=run_state.unmodelled,
        )

    def _base(self, entry: Entry) -> Network:
        return self._snapshot(entry, entry.scheduled.plan.base)

    def _snapshot(self, entry: Entry, name: str) -> Network:
        with TwinStore.open(self._runs / entry.scheduled.run / TWIN) as store:
            return store.load_snapshot(name)


def certificate_of(folder: Path) -> Certificate:
    """Return the certificate in a run's folder. Raises `CertificateError` when it is none, `InputError` without one."""
    try:
        return Certificate.model_validate_json(read_text(folder / CERTIFICATE, below=folder))
    except ValidationError as error:
        raise CertificateError(f"{folder / CERTIFICATE} is no certificate", fix="do not trust this folder") from error


def _trouble(number: int, network: str, entry: Entry, kind: str, words: str, now: datetime) -> Began:
    said = entry.scheduled
    element = f"calendar/{said.id}"
    return Began(
        time=now,
        id=f"I-{number:04d}",
        network=network,
        source=element,
        family="state",
        kind=kind,
        elements=(element,),
        since=now,
        words=f"{said.understood}: {words}"[:2_000],
    )
