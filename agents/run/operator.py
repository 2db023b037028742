"""The one who acts: signs, executes, measures and takes back. Nothing here can be reached from a tool or a role."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from agents.record.events import (
    ExecutionStep,
    Figures,
    IncidentEnding,
    Noted,
    Outcome,
)
from agents.roles.chat import Session
from tools.box.beside import in_thread
from tools.box.handover import Decision, PlanSubmission
from tools.box.run_state import RunState
from twin.diagnose import PlanTrial, explains, left_by, misread, set_anew
from twin.execute.agreement import Tolerance
from twin.execute.executor import Execution, KeptPart, OnStep, StepRecord, execute, no_longer_in_place, recover
from twin.execute.preflight import Coming, find, look_around, preflight
from twin.execute.render import Inventory
from twin.execute.running import Running, read_running
from twin.gate.certificate import NOBODY, Authority, SigningKey
from twin.live.network import LiveNetwork
from twin.model import Network
from twin.observe import Observation
from twin.plan import Plan
from twin.store import TwinStore

from . import loads
from .by_people import approved
from .incidents import endings_of, still_harmed, with_plan
from .others_work import OthersWork
from .release import Release
from .trial import benefit, trial_in_place, trial_of
from .twin_record import TwinRecord
from .unbroken_work import UnbrokenWork
from .watching import WATCH, harm_foreseen, outlasting, seen_later, until_next_look

WINDOW = 3  # samples that the last measurement is over


@dataclass
class NetworkOperator:
    """Acts on one live network for one run, and keeps the twin's store up to date."""

    run_state: RunState
    session: Session
    store: TwinStore
    live: LiveNetwork
    key: SigningKey
    folder: Path
    others: OthersWork
    authority: Authority = NOBODY
    known: Inventory | None = None
    accepted: bool = False
    watched: timedelta = WATCH  # for how long it may still watch
    settled: tuple[Plan, ...] = ()  # plans that were confirmed before another one was made
    written: TwinRecord = field(init=False)
    release: Release = field(init=False)
    work: UnbrokenWork = field(init=False)
    trial: PlanTrial | None = None  # what the plan that was made last showed, where it was not what was predicted
    _in_part: bool = False  # whether only a part of the plan in place could be made
    _diagnosed: Observation | None = None
    _configured: Network | None = None

    def __post_init__(self) -> None:
        """Begin the record of this run."""
        self.work = UnbrokenWork(self.session.journal)
        self.written = TwinRecord(self.run_state, self.session, self.store, self.live)
        self.release = Release(
            self.run_state,
            self.session.journal,
            self.written,
            self.live,
            self.key,
            self.folder,
            self.authority,
            self.known,
        )

    @property
    def figures(self) -> Figures:
        """The figures of the run, as far as they are known."""
        return self.written.figures

    async def record_before(self) -> None:
        """Record the measured state and the incident."""
        self.written.before()
        self.written.incident()

    async def record_diagnosis(self) -> None:
        """Record the diagnosed state, which becomes the twin's newest, and the hypotheses."""
        if not self.settled:  # what an incident harms at first is told of the network without any plan
            self._diagnosed = self.run_state.look()
        self.written.diagnosed()
        if not self.settled and misread(self.run_state.faults):
            self.written.corrected(self.noise)

    def harm_foreseen(self) -> float:
        """Mbit/s that the diagnosed state would harm under the most traffic that the policy foresees."""
        return harm_foreseen(self.run_state)

    async def watch(self) -> str:
        """Let time pass until the network is to be diagnosed anew, and say why; empty where it is not in that time."""
        found, seen, stated = self.run_state.chosen, self.run_state.look(), set[str]()
        while self.watched > timedelta(0):
            began = self.live.now
            why = await self.work.finished(lambda: seen_later(self.run_state, self.live, self.noise, stated))
            self.watched -= max(self.live.now - began, timedelta(seconds=1))
            if why:
                self.run_state.met += outlasting(found, seen, self.run_state.look()) if found else ()
                self.written.before()
                return why
        return ""

    async def look_again(self) -> bool:
        """Wait for a whole window of new samples while it may still watch: whether they are there."""
        if self.watched <= timedelta(0):
            return False
        await self.work.finished(lambda: until_next_look(self.run_state, self.live, WINDOW))
        self.written.before()
        return True

    async def execute(self) -> Execution:
        """Apply the plan step by step, watched. A cancellation is answered by taking everything back, then raised."""
        submission, decision = approved(self.run_state)
        before, started = self.live.read_topology(), self.live.now
        self.run_state.acted = self.run_state.acted or started

        def record(step: StepRecord) -> None:
            if step.action == "apply":  # nothing of a plan is in place before its first step is announced
                self._configured = before
                self.run_state.said.clear()
            self._record(step)

        execution, cancelled = await self.work.done(lambda: self._execute(submission, record))
        self.accepted = True
        self.trial = trial_of(submission.plan, execution, before, self.live)
        self.written.execution(submission.plan, execution, started)
        self._in_part = execution.part is not None
        if execution.status != "applied":
            self._configured = None
        elif execution.part is not None:
            self._keep(submission, decision, execution.part)
        if cancelled:
            raise asyncio.CancelledError
        return execution

    def _keep(self, submission: PlanSubmission, decision: Decision, part: KeptPart) -> None:
        """Go on with the steps that stay as with a plan of their own: it is what the gate's newest verdict is about."""
        self.run_state.submission = submission.model_copy(update={"plan": part.plan})
        self.run_state.decision = decision.model_copy(update={"plan": part.plan.hash, "verdict": part.verdict})
        self.written.verdict()

    async def take_up(self) -> None:
        """Measure what the live network is now, and believe that: the next plan is made for it and signed anew."""
        run_state, tolerance = self.run_state, self._tolerance
        found = find(
            run_state.state, self.live, look_around(run_state.state, self.live, tolerance), run_state.inventory
        )
        run_state.inventory, run_state.state, run_state.observation = found.configured, found.base, None
        self._hear(found.running)
        self.written.believed()
        self.release.withdraw()
        self.written.loads_believed()

    async def confirm(self) -> bool:
        """Let the network settle and measure again: whether less is harmed than would be, the twin says, without it."""
        return await self.work.finished(self._confirm)

    def _confirm(self) -> bool:
        run_state = self.run_state
        self.live.wait(WINDOW)
        if gone := self._gone():
            self.session.journal.append(Noted(text=f"the plan is not in place any more: {gone}"))
        observation = self.written.observed()
        found = benefit(run_state, observation, approved(run_state)[0].plan, None if self.settled else self._diagnosed)
        self.written.after(observation, found.after)
        self.written.telemetry()
        self.written.without(found.without.total + found.untold)
        helps = found.helps(run_state.policy.min_gain, self.negligible, self.noise)
        self.trial = None if helps or gone else trial_in_place(observation, self._configured or run_state.inventory)
        return not gone and helps

    def _gone(self) -> str | None:
        plan, configured = approved(self.run_state)[0].plan, self._configured
        return None if configured is None else no_longer_in_place(plan, self.run_state.state, configured, self.live)

    async def settle(self) -> None:
        """Keep the plan that was confirmed, and believe the network with it: the next plan is made on top of it."""
        run_state, plan = self.run_state, approved(self.run_state)[0].plan
        self.settled, self._configured, self.release.certificate = (*self.settled, plan), None, None
        run_state.inventory, run_state.state = self.live.read_topology(), with_plan(run_state, plan)
        self._hear(read_running(self.live, run_state.state))
        self.written.believed()

    def _hear(self, running: Running | None) -> None:
        """Take what the routers run now for a reading: what they said before the network was changed is none."""
        self.run_state.said.clear()
        self.run_state.hear(running.said if running else {})

    def explained(self) -> bool:
        """Whether what was diagnosed explains what is measured now, of the network as it is configured now.

        A wrong weight that the plan has set back is over; what the plan has drained may still be down.
        """
        seen, faults = self.run_state.as_said(self.written.observed()), self.run_state.faults
        left = left_by(seen.inventory, set_anew(self.run_state.state, seen.inventory), faults)
        return explains(seen, faults) or (left != faults and explains(seen, left))

    def learn(self) -> bool:
        """Keep for the next diagnosis what was measured while the plan was in place: whether there is something."""
        trial, self.trial = self.trial, None
        self.run_state.trials = (*self.run_state.trials, trial) if trial else self.run_state.trials
        return trial is not None

    def moved(self) -> bool:
        """Whether something is configured that was not when the plan was made."""
        return self.live.read_topology() != self.run_state.inventory

    def still_harmed(self) -> bool:
        """Whether there may be a further plan: for another incident, or for a rest of this one that did not hold."""
        return self._in_part or still_harmed(self.run_state, approved(self.run_state)[0].plan, self.negligible)

    def incidents(self, outcome: Outcome) -> tuple[IncidentEnding, ...]:
        """Say how each of several incidents ended, in a run that ended like this."""
        return endings_of(
            self.run_state, self._diagnosed, self.plans, outcome, harmed=self.harmed, least=self.negligible
        )

    async def roll_back(self, because: str) -> None:
        """Take back whatever of the plan is in place. Raises `ExecutionError` when something could not be undone."""
        self.take_back(because)
        self.live.wait(WINDOW)
        observation = self.written.observed()
        self.written.after(observation, self.run_state.harm_of(observation, self.run_state.state))

    def take_back(self, because: str) -> bool:
        """Undo every step still in place; False if there is none. Raises `ExecutionError` as `recover` does."""
        if self._configured is None or self.run_state.submission is None:
            return False
        plan = self.run_state.submission.plan
        with self.run_state.span("roll_back", plan=plan.hash):
            recover(plan, self.run_state.state, self._configured, self.live, because=because, on_step=self._record)
        self._configured = None
        return True

    def record_verdict(self) -> None:
        """Record the plan that was decided on and what the gate found."""
        self.written.verdict()

    @property
    def in_place(self) -> bool:
        """Whether a plan has been applied and not taken back."""
        return bool(self.plans)

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plans that were applied and not taken back, in order."""
        submission = self.run_state.submission if self._configured is not None else None
        return self.settled if submission is None else (*self.settled, submission.plan)

    @property
    def harmed(self) -> bool:
        """Whether users are still harmed, as far as was measured."""
        before, after = self.figures.harm_before, self.figures.harm_after
        diagnosed = self.run_state.diagnosis.harm if self.run_state.diagnosis and after is None else 0.0
        return diagnosed > self.negligible or ((before if after is None else after) or 0.0) > self.noise

    @property
    def negligible(self) -> float:
        """Harm, in Mbit/s, that is nothing to act on."""
        return loads.negligible(self.run_state.state)

    @property
    def noise(self) -> float:
        """Measured harm, in Mbit/s, that cannot be told from none."""
        return loads.noise(self.run_state.state, self.run_state.look(), self.run_state.policy.max_utilisation)

    @property
    def by_hand(self) -> bool:
        """Whether a person makes the changes of this network."""
        return self.live.declared.by_hand

    @property
    def hands_over(self) -> bool:
        """Whether that person is handed each step, and waited for."""
        return self.live.declared.handed_over

    async def objection_now(self) -> str | None:
        """Look at the network as it is now: why the approved plan must not be made to it; None when it may."""
        plan, run_state = approved(self.run_state)[0].plan, self.run_state

        def look() -> str | None:
            unknown = self.others.unknown("a person makes the plan")
            known = (
                run_state.policy,
                self._tolerance,
                run_state.inventory,
                Coming(run_state.outlook, run_state.works, run_state.unmodelled),
            )
            return unknown or preflight(plan, run_state.state, self.live, *known).refusal

        with run_state.span("preflight", snapshot=run_state.state.id, plan=plan.hash):
            return await in_thread(look)

    @property
    def _tolerance(self) -> Tolerance:
        return Tolerance(put_right=self.run_state.put_right)

    def _execute(self, submission: PlanSubmission, record: OnStep) -> Execution:
        run_state = self.run_state
        if (unknown := self.others.unknown("the plan is made")) is not None:
            return Execution(status="refused", reason=unknown, records=())
        with run_state.span("execute", snapshot=run_state.state.id, plan=submission.plan.hash) as span:
            execution = execute(
                submission.plan, self.release.certificate, run_state.state, self.live, policy=run_state.policy,
                public_key=self.key.public, current=self.store.current or "", authority=self.authority,
                tolerance=self._tolerance, inventory=run_state.inventory,
                outlook=run_state.outlook, works=run_state.works,
                works_now=lambda: self.others.known("a step is made"), unmodelled=run_state.unmodelled,
                turns=run_state.turns(run_state.look(), run_state.state),
                # what somebody asked for is made whole or not
                in_part=run_state.goal is None and run_state.brought is None,
                on_step=record,
            )  # fmt: skip
            span.set_attribute("twin.execution", execution.status)
        return execution

    def _record(self, record: StepRecord) -> None:
        self.session.journal.append(ExecutionStep(**record.model_dump()))
        if record.action != "roll back":
            self.work.stop_where_told()
