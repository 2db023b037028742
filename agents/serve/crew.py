"""The agents at work in a room: one run at a time on a network, each for one incident, every one on the room's log.

Runs follow each other, because a plan that is being made while another one changes the network is judged on nothing.
While plans wait for people, a new run may carry nothing out by itself: its plan waits as well, and is judged together
with them before anybody can approve it.
"""

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context, copy_context
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

from agents.record.charter import Register
from agents.record.events import Outcome, RunStarted
from agents.record.history import SENSELESS, RunHistory, read_history
from agents.record.journal import Listener, Record
from agents.record.ownership import holder
from agents.record.waiting import may_go_on
from agents.run.request import RunRequest
from agents.run.resume import resume_run
from agents.run.run import RunResult, run_incident
from agents.show.report.folder import write_report
from twin.errors import StoreBusyError, StoreError, TwinError
from twin.files import exists
from twin.policy import Policy

from .alerts import PREFIX as ALERT
from .board import Board, Incident
from .ledger import Ledger
from .record import Moved, Remarked, RoomEvent, RunBegan, RunEnded
from .turns import RunTurns

HELPED: frozenset[Outcome] = frozenset({"resolved", "relieved", "done"})
_AGAIN_S = 30.0  # until a job is tried again that the log had no space for
_LOOK_S = 0.5  # between two looks whether the turn of a run has come
_ATTEMPTS = 3  # runs that failed in a row before only a person begins another

Told = Callable[[str, Record], None]


class Job(NamedTuple):
    """Something to do: begin a run for an incident, take its run up, or anything else that changes the network."""

    what: Literal["begin", "resume", "call"]
    incident: str
    call: Callable[[], None] | None = None


class Crew:
    """Works through jobs in the background, one at a time."""

    def __init__(  # noqa: PLR0913 - where, on what, and who hears
        self,
        ledger: Ledger,
        *,
        site: str,
        network: str,
        runs: Path,
        home: Path,
        policy: Policy,
        model: str,
        vision: bool = False,
        clock: Callable[[], datetime],
        told: Told = lambda _run, _record: None,
        turns: RunTurns | None = None,
    ) -> None:
        """`turns` are those of this network among others, whose runs are not all at work at once."""
        self._ledger, self._site, self._network = ledger, site, network
        self.runs, self.home, self._policy = runs, home, policy
        self._model, self._vision = model, vision
        self._clock, self._told, self._turns = clock, told, turns
        self._held: deque[tuple[Job, Context]] = deque()  # runs whose turn has not come
        self._jobs: queue.Queue[tuple[Job, Context] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._serve, name="crew", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[RunResult] | None = None
        self._ending = threading.Event()
        self.busy = ""

    def start(self) -> None:
        """Work from now on; runs that were under way when the room was killed are taken up first."""
        for incident in self._ledger.board.alive:
            if incident.working:
                self.put(Job("resume", incident.id))
        self._thread.start()

    def stop(self) -> None:
        """End, once what is under way has been taken back or finished; what waits is found on the log again."""
        self._ending.set()
        self._jobs.put(None)
        loop, task = self._loop, self._task
        if loop is not None and task is not None:
            loop.call_soon_threadsafe(task.cancel)
        if self._thread.is_alive():
            self._thread.join(timeout=120)

    def put(self, job: Job) -> None:
        """Have something done when its turn comes, as a part of the trace of whoever asks for it."""
        self._jobs.put((job, copy_context()))

    @property
    def idle(self) -> bool:
        """Whether nothing is under way and nothing waits."""
        return not self._jobs.unfinished_tasks

    def waiting(self, but: str = "") -> list[RunHistory]:
        """The runs of incidents whose plans wait for people, but one."""
        found: list[RunHistory] = []
        for incident in self._ledger.board.alive:
            if (
                incident.run
                and incident.run != but
                and incident.outcome == "awaiting approval"
                and not incident.working
            ):
                try:
                    past = read_history(self.runs / incident.run)
                except TwinError:
                    continue
                if past.waits is not None:
                    found.append(past)
        return found

    def catch_up(self, name: str) -> None:
        """Note what was decided on an incident's plan elsewhere, or before the room was killed; on this thread alone.

        A run that ended meanwhile is told of, and one whose plan has its approvals is taken up, unless somebody is at
        work on it.
        """
        incident = self._ledger.board.incidents.get(name)
        if incident is None or not incident.alive or incident.working or incident.outcome != "awaiting approval":
            return
        folder = self.runs / (incident.run or "")
        try:
            past = read_history(folder)
            if past.finished is not None and past.waits is None:
                self._note_end(name, past.started.run, past.finished.outcome, past.finished.because)
            elif past.waits is not None and holder(folder) is None and self._may_go_on(past):
                self.put(Job("resume", name))
        except (TwinError, *SENSELESS) as error:  # its record is somebody's to mend, and *approvals* says so
            self._say(name, f"its run cannot be looked at: {error}")

    def _may_go_on(self, past: RunHistory) -> bool:
        return may_go_on(past, Register(self.home, past.started.run).authority)

    def _serve(self) -> None:
        while (given := self._next()) is not None:
            job, context = given
            self.busy = job.incident
            try:
                context.run(self._do, job)
            except StoreError:  # the log has no space: what was done is on the run's own record, and taken up
                self._put_off(job)
            except Exception as error:
                self._say(job.incident, f"the work failed: {type(error).__name__}: {error}"[:1_000])
            finally:
                self.busy = ""
                self._jobs.task_done()
                if self._turns and job.what != "call":
                    self._turns.end()
        if self._turns:
            self._turns.end()

    def _next(self) -> tuple[Job, Context] | None:
        """Return the next job, None at the end; while a run waits for its turn, what is no run goes before it.

        A run that is taken up again goes at once: it may have changes to take back, or somebody has approved it.
        """
        while True:
            if self._held and not self._ending.is_set() and self._may_begin(self._held[0][0]):
                return self._held.popleft()
            try:
                given = self._jobs.get(timeout=_LOOK_S if self._held else None)
            except queue.Empty:
                continue
            if given is None or given[0].what == "call":
                return given
            self._held.append(given)

    def _may_begin(self, job: Job) -> bool:
        return self._turns is None or self._turns.come(now=job.what == "resume")

    def _put_off(self, job: Job) -> None:
        """Try again later what could not be written down: a run that the log knows of is taken up, else one begins."""
        if job.what == "call":
            return
        self._ending.wait(_AGAIN_S)
        incident = self._ledger.board.incidents.get(job.incident)
        self.put(Job("resume" if incident is not None and incident.working else "begin", job.incident))

    def _do(self, job: Job) -> None:
        if job.call is not None:
            job.call()
            return
        incident = self._ledger.board.incidents.get(job.incident)
        if incident is None or not incident.alive:
            return
        again = incident.run if job.what == "resume" else None
        if again and not exists(self.runs / again):
            again = None
        result = self._run(incident, again)
        if result is not None:
            self._ended(incident.id, result)

    def _run(self, incident: Incident, again: str | None) -> RunResult | None:
        def heard(record: Record) -> None:
            if isinstance(record.event, RunStarted):
                self._began(incident.id, record.event.run)
            self._told(again or self._known(incident.id), record)

        if again:
            self._began(incident.id, again)
        try:
            return asyncio.run(self._stoppable(self._work(again, heard)))
        except asyncio.CancelledError:
            return None
        except StoreBusyError:  # somebody reads the run's files: they are done in a moment
            time.sleep(0.5)
            self.put(Job("resume" if again else "begin", incident.id))
            return None
        except TwinError as error:
            self._failed(incident.id, again, error)
            return None

    async def _work(self, again: str | None, heard: Listener) -> RunResult:
        if again:
            return await resume_run(self.runs / again, home=self.home, on_event=heard)
        policy = self._policy
        if self.waiting():
            policy = policy.model_copy(update={"person_from": "low"})
        request = RunRequest(
            network=self._network, seed=0, site=self._site, model=self._model, policy=policy, vision=self._vision
        )
        return await run_incident(request, runs=self.runs, home=self.home, on_event=heard)

    async def _stoppable(self, work: Coroutine[object, object, RunResult]) -> RunResult:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.ensure_future(work)
        try:
            return await self._task
        finally:
            self._loop = self._task = None

    def _known(self, name: str) -> str:
        return self._ledger.board.incident(name).run or ""

    def _began(self, name: str, run: str) -> None:
        def work(board: Board) -> list[RoomEvent]:
            now, incident = self._clock(), board.incident(name)
            moved = incident.alive and incident.state != "mitigating"
            state: list[RoomEvent] = [Moved(time=now, id=name, state="mitigating")] if moved else []
            return [RunBegan(time=now, id=name, run=run), *state]

        self._ledger.decide(work)

    def _ended(self, name: str, result: RunResult) -> None:
        done = result.finished
        try:
            write_report(result.folder)
        except TwinError as error:
            self._say(name, f"the report could not be written: {error}")

        self._note_end(name, result.run, done.outcome, done.because)

    def _note_end(self, name: str, run: str, outcome: Outcome, because: str) -> None:
        def work(board: Board) -> list[RoomEvent]:
            now, incident = self._clock(), board.incident(name)
            ended = RunEnded(time=now, id=name, run=run, outcome=outcome, because=because[:1_000])
            return [ended, *self._moved(incident, outcome in HELPED)]

        self._ledger.decide(work)

    def _failed(self, name: str, run: str | None, error: TwinError) -> None:
        def work(board: Board) -> list[RoomEvent]:
            incident = board.incident(name)
            words = f"{error}{f' ({error.fix})' if error.fix else ''}"[:1_000]
            known = run or incident.run or "none"
            ended = RunEnded(time=self._clock(), id=name, run=known, outcome="failed", because=words)
            return [ended, *self._moved(incident, helped=False)]

        self._ledger.decide(work)

    def _moved(self, incident: Incident, helped: bool) -> list[RoomEvent]:
        if incident.state != "mitigating":
            return []
        now = self._clock()
        if helped or incident.quiet is not None:
            return [Moved(time=now, id=incident.id, state="mitigated")]
        return [Moved(time=now, id=incident.id, state="acknowledged" if incident.acknowledged else "open")]

    def _say(self, name: str, words: str) -> None:
        if name in self._ledger.board.incidents:
            with suppress(StoreError):
                self._ledger.write(Remarked(time=self._clock(), id=name, who="twinops", words=words))


def begins_by_itself(incident: Incident) -> bool:
    """Whether the agents begin on such an incident without being asked: it is about what is measured of elements.

    Loads that exports do not explain are, wherever they are off: a weight that moves much of the traffic shows there.
    """
    return incident.kind == "exports" or not incident.source.startswith(("calendar/", "network/", ALERT))


def wants_run(incident: Incident) -> bool:
    """Whether the agents should begin on an incident by themselves: it is new, or it came back and no plan waits."""
    if not incident.alive or incident.working or incident.quiet is not None:
        return False
    if incident.outcome == "awaiting approval" or incident.state in ("mitigating", "mitigated"):
        return False
    return incident.runs == 0 or (incident.outcome == "failed" and incident.runs < _ATTEMPTS)
