"""The operations room: one network watched, its incidents worked on, people called, the calendar kept. One process.

Everything that is decided here is on the room's log before it has an effect, and every thread decides through it.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import JsonValue

from agents.record.files import JOURNAL
from agents.record.home import policy_in_force
from agents.record.journal import Record
from agents.show.incident_words import incident_summary
from tools.box.run_state import RunState
from twin.clock import utc_now
from twin.errors import InputError, StoreError, TwinError
from twin.policy import Policy

from .alerts import PREFIX as ALERT
from .alerts import alert_events, read_alerts
from .board import Board, Incident
from .calendar import Due, RoomCalendar, due, missed
from .channels import require_secrets
from .crew import Crew, Job, begins_by_itself, wants_run
from .delivery import Postman, to_tell
from .ledger import Ledger
from .place import Place, advance
from .record import Audited, CalendarMoved, Moved, Owned, Remarked, RoomEvent, RunEnded, Silenced, State
from .run_folders import RunFolders
from .settings import Settings
from .sightings import Sighting, consequences
from .site_calendars import SiteCalendars
from .syslog import AuditTrail
from .troubles import Trouble, troubles_of
from .turns import RunTurns
from .watch import Watch

_TIDY = timedelta(hours=1)  # between two looks at what is kept of runs


class Room:
    """The room of one network. `step` looks once and draws every consequence; `run` does so for as long as it may."""

    def __init__(self, place: Place, settings: Settings, *, policy: Policy | None = None) -> None:
        """Open the room and look for the first time. Raises what the site, its policy or the log raise."""
        require_secrets(settings.channels)
        self.place, self.settings = place, settings
        self.policy = policy or policy_in_force(place.home) or Policy()
        self.live = place.opened()
        self.calendars = SiteCalendars(place.site_file(), tags=self.policy.tags)
        self.watch = Watch(
            self.live,
            place.folder,
            policy=self.policy,
            alarms_per_week=settings.alarms_per_week,
            samples_for=timedelta(days=settings.samples_days),
            works=lambda: self.calendars.newest.works,
        )
        self.ledger = Ledger(place.folder, retention=timedelta(days=settings.retention_days))
        self.network = self.watch.name
        among = place.among
        self.title = f"{among.name}, {self.network}" if among and among.name != self.network else self.network
        self.turns = RunTurns(among) if among else None
        self.crew = self._crew()
        self._syslog = AuditTrail(settings.syslog) if settings.syslog else None
        if self._syslog:
            self._syslog.follow(self.ledger)
        self.postman = Postman(self.ledger, settings.channels)
        self._calendar = RoomCalendar(self.live, (place.runs, place.home), self.policy, self._run_state, self.calendars)
        self.run_folders = RunFolders(place.runs, keep=timedelta(days=settings.runs_days), most=settings.runs_gb * 1e9)
        self._tidied: datetime | None = None
        self._stop, self._turn = threading.Event(), threading.Lock()
        self._hearing: list[Callable[[str, Record], None]] = []
        self._looking: list[Callable[[], None]] = []
        self._given: set[str] = set()
        self.unwritten: tuple[datetime, str] | None = None
        # until what belongs together is seen together: two samples. Looks are never exactly an interval apart, and one
        # that comes a moment early is the second look all the same
        self._settle = timedelta(seconds=1.5 * self.watch.interval_s)
        self.emulated = place.emulated

    def _crew(self) -> Crew:
        return Crew(
            self.ledger,
            site=self.place.site,
            network=self.network,
            runs=self.place.runs,
            home=self.place.home,
            policy=self.policy,
            model=self.settings.model,
            vision=self.settings.vision,
            clock=lambda: self.now,
            told=self._told,
            turns=self.turns,
        )

    @property
    def now(self) -> datetime:
        """The network's clock, UTC; the wall's where it does not answer."""
        try:
            return self.live.now
        except (TwinError, OSError):
            return utc_now()

    @property
    def board(self) -> Board:
        """What the room knows."""
        return self.ledger.board

    def start(self) -> None:
        """Begin to deliver and to work."""
        self.postman.start()
        self.crew.start()

    def stop(self) -> None:
        """End in good order: whatever a run has applied and not confirmed is taken back."""
        self._stop.set()
        self.crew.stop()
        self.postman.stop()
        with self._turn:
            self.watch.close()
        self.ledger.close()
        if self._syslog:
            self._syslog.close()

    def run(
        self, *, pace_s: float | None = None, looks: int | None = None, between: Callable[[], None] = lambda: None
    ) -> None:
        """Look at the network's own interval, or every `pace_s` seconds, until `stop` or so many looks.

        `between` is called before each.
        """
        done = 0
        while not self._stop.is_set() and done != looks:
            begun = time.monotonic()
            between()
            self.step()
            done += 1
            pace = self.watch.interval_s if pace_s is None else pace_s
            if done != looks:
                self._stop.wait(max(0.0, pace - (time.monotonic() - begun)))

    def settle(self, most_s: float = 600.0) -> None:
        """Wait until the agents have nothing left to do and every message is delivered, or for so long."""
        until = time.monotonic() + most_s
        while time.monotonic() < until and not (self.crew.idle and self.postman.idle):
            time.sleep(0.05)

    def step(self) -> None:
        """Look once, and let follow what follows."""
        with self._turn:
            seen = self.watch.look(advance)
        if self.watch.latest is not None:
            self.calendars.look(self.watch.latest.network, self.now)
        for looked in self._looking:
            looked()
        try:
            self.draw(seen)
        except StoreError as error:  # a full disk: nothing of it happened, and it follows from the next look again
            self.unwritten = (
                self.unwritten[0] if self.unwritten else self.now,
                f"{error}; free some space",
            )
        else:
            self.unwritten = None

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """What keeps the room from its work, the gravest first."""
        return troubles_of(self.watch, self.calendars.newest, self.unwritten)

    def draw(self, seen: Iterable[Sighting]) -> None:
        """Let follow what follows from what is seen."""
        now, sightings = self.now, tuple(seen)

        def work(board: Board) -> list[RoomEvent]:
            known = [x for x in board.alive if x.source.startswith(("calendar/", ALERT)) and x.quiet is None]
            standing = [Sighting(source=x.source, kind=x.kind, elements=x.elements, since=x.since) for x in known]
            return [*consequences(board, self.network, [*sightings, *standing], now)]

        self.change(work)
        self.change(lambda board: [*missed(board, self.network, now)])
        self._set_to_work(now)
        self.ledger.tidy(now)
        if self._tidied is None or now - self._tidied >= _TIDY:
            self._tidied = now
            self.crew.put(Job("call", "", self._prune))  # on the crew's thread: no run is at work meanwhile

    def change(self, work: Callable[[Board], Iterable[RoomEvent]]) -> tuple[RoomEvent, ...]:
        """Put on the log what follows from the board, with every message that has to be delivered of it."""

        def with_messages(board: Board) -> list[RoomEvent]:
            events = list(work(board))
            after = board
            for event in events:
                after = after.add(event)
            told = to_tell(after, self.settings.channels, _summary, now=self.now, settle=self._settle)
            return [*events, *told]

        return self.ledger.decide(with_messages)

    def move(self, name: str, state: State, *, who: str, because: str = "") -> None:
        """Let somebody move an incident. Raises `InputError` where it cannot be moved there."""
        self.change(lambda _: [Moved(time=self.now, id=name, state=state, who=who, because=because)])

    def take(self, name: str, *, who: str) -> None:
        """Let somebody own an incident."""
        self.change(lambda _: [Owned(time=self.now, id=name, who=who)])

    def remark(self, name: str, words: str, *, who: str) -> None:
        """Let somebody say something about an incident."""
        self.change(lambda _: [Remarked(time=self.now, id=name, who=who, words=words[:2_000])])

    def silence(self, element: str, hours: float, *, who: str, because: str) -> None:
        """Let nothing be delivered of an element for some hours. Raises `InputError` on none, or more than a month."""
        if not 0 < hours <= 744:
            raise InputError(f"a silence of {hours:g} hours", fix="give more than 0 and at most 744 hours")
        until = self.now + timedelta(hours=hours)
        self.change(lambda _: [Silenced(time=self.now, element=element, until=until, who=who, because=because[:2_000])])

    def take_alerts(self, body: Mapping[str, JsonValue], *, who: str) -> int:
        """Let what an Alertmanager sends open incidents, or say that they are over; returns how many events follow.

        Raises `InputError` on a body that is none of its own, or before the network was read.
        """
        alerts, look = read_alerts(body), self.watch.latest
        if look is None:
            raise InputError("the network has not been read yet", fix="send it again in a moment")
        followed = self.change(lambda board: alert_events(board, look.network, self.network, alerts, self.now))
        if followed:
            self.audit(who, f"sent {len(alerts)} alerts")
        return len(followed)

    def audit(self, who: str, what: str) -> None:
        """Write down who did, or read, what."""
        self.change(lambda _: [Audited(time=utc_now(), who=who, what=what[:2_000])])

    def begin_run(self, name: str) -> None:
        """Have the agents begin on an incident again. Raises `InputError` when it has ended, or is worked on."""
        incident = self.board.incident(name)
        if not incident.alive or incident.working:
            raise InputError(f"incident {name} {'has ended' if not incident.alive else 'is being worked on'}")
        self.crew.put(Job("begin", name))

    def go_on_with(self, run: str) -> None:
        """Have a run taken up whose plan was approved."""
        for incident in self.board.alive:
            if incident.run == run:
                self.crew.put(Job("resume", incident.id))

    def settled(self, run: str) -> None:
        """Note that a person rejected the plan of a run: nothing waits any more."""

        def work(board: Board) -> list[RoomEvent]:
            now, found = self.now, [x for x in board.alive if x.run == run]
            return [RunEnded(time=now, id=x.id, run=run, outcome="rejected", because="a person said no") for x in found]

        self.change(work)

    def on_look(self, looked: Callable[[], None]) -> None:
        """Call `looked` after every look from now on; it may not take long."""
        self._looking.append(looked)

    def hear(self, heard: Callable[[str, Record], None]) -> Callable[[], None]:
        """Call `heard` with the records of runs as they are written; returns what ends that."""
        self._hearing.append(heard)
        return lambda: self._hearing.remove(heard) if heard in self._hearing else None

    def _told(self, run: str, record: Record) -> None:
        for heard in tuple(self._hearing):
            heard(run, record)

    def _run_state(self) -> RunState | None:
        return self.watch.latest.run_state if self.watch.latest else None

    def _set_to_work(self, now: datetime) -> None:
        for entry in due(self.board, now):
            self._give(
                f"{entry.what} {entry.entry.scheduled.id}", Job("call", "", lambda entry=entry: self._keep(entry))
            )
        for incident in self.board.alive:
            if incident.outcome == "awaiting approval" and incident.run and not incident.working:
                length = _length(self.place.runs / incident.run / JOURNAL)
                job = Job("call", "", lambda name=incident.id: self.crew.catch_up(name))
                self._give(f"decided {incident.run} {length}", job)
        if not self.settings.agents:
            return
        for incident in self.board.alive:
            ripe = now - incident.opened >= self._settle
            if ripe and self.board.is_root(incident) and wants_run(incident) and begins_by_itself(incident):
                self._give(f"run {incident.runs + 1} {incident.id}", Job("begin", incident.id))

    def _give(self, what: str, job: Job) -> None:
        if what not in self._given:
            self._given.add(what)
            self.crew.put(job)

    def _keep(self, entry: Due) -> None:
        """Do what is due of the calendar; on the crew's thread, so that no run changes the network meanwhile."""
        now = self.board.calendar[entry.entry.scheduled.id]
        if now.state != entry.entry.state:
            return
        work = self._calendar.make if entry.what == "make" else self._calendar.take_back
        events = work(now, self.board, self.network)
        self.change(lambda _: events)

    def _prune(self) -> None:
        """Delete the folders of runs that are too old, or too many."""
        deleted = self.run_folders.prune(self.board, self.now)
        if deleted is not None:
            self.change(lambda _: [deleted])

    def cancel(self, name: str, *, who: str) -> None:
        """Take an entry out of the calendar before it begins. Raises `InputError` afterwards."""
        entry = self.board.calendar.get(name)
        if entry is None or entry.state != "waiting":
            raise InputError(f"entry {name} {'is not there' if entry is None else f'is {entry.state}'}")
        self.change(lambda _: [CalendarMoved(time=self.now, id=name, state="cancelled", because=f"by {who}")])


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _summary(incident: Incident) -> str:
    return incident_summary(incident.kind, incident.source, len(incident.elements), incident.outcome)
