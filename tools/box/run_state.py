"""What the tools of one run work on. Models never see it, and nothing on it can change the network."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from opentelemetry.trace import NoOpTracer, Span, Tracer

from twin.diagnose import Diagnosis as Ranking
from twin.diagnose import Hypothesis, Measurement, PlanTrial, as_believed, turns, with_configurations
from twin.documents import Document
from twin.errors import ExecutionError, UnknownElementError
from twin.execute.agreement import step_lasts
from twin.faults import Fault
from twin.forecast.outlook import outlook_ahead
from twin.gate.checks.context import Evidence
from twin.gate.outlook import Outlook, hours_to_judge
from twin.gate.verdict import Counterexample, Verdict
from twin.harm import Harm
from twin.live.declared import Declaration
from twin.live.network import Configuration, Measurable, ProbeReading, Telemetry
from twin.model import Network
from twin.observe import Observation, measured_harm, observe
from twin.observe.quality.assess import Assessment, assess_observation
from twin.observe.quality.fidelity import Fidelity, OtherState, fidelity_of
from twin.observe.quality.standing import Standing, data_refusal, evidence_of, standing
from twin.observe.readings.intake import Intake, take_in
from twin.optimise.proposal import Proposal
from twin.plan import Change, Plan
from twin.planned import PlannedWork
from twin.policy import Policy
from twin.store.memory import Recollection

from .goal import GoalInForce
from .handover import Advice, Decision, Diagnosis, Incident, NoPlan, Opinion, PlanSubmission, Question
from .long_results import LongResults
from .pictures import Illustrator
from .tracing import Value, twin_span


class LiveReader(Protocol):
    """The read side of a live network."""

    @property
    def declared(self) -> Declaration:
        """What it says of its instruments and of its day."""
        ...

    @property
    def now(self) -> datetime:
        """The network's clock, UTC."""
        ...

    def read_topology(self) -> Network:
        """Return what is configured."""
        ...

    def read_telemetry(self, since: datetime) -> Telemetry:
        """Return everything measured after `since`."""
        ...


class ReadSide:
    """A live network of which only reading is left."""

    def __init__(self, live: LiveReader) -> None:
        self._live = live

    @property
    def declared(self) -> Declaration:
        """What the network says of its instruments and of its day."""
        return self._live.declared

    @property
    def now(self) -> datetime:
        """The network's clock, UTC."""
        return self._live.now

    def read_topology(self) -> Network:
        """Return what is configured."""
        return self._live.read_topology()

    def read_telemetry(self, since: datetime) -> Telemetry:
        """Return everything measured after `since`."""
        return self._live.read_telemetry(since)

    def probe(self, source: str, target: str) -> ProbeReading:
        """Probe from one node to another now. Raises as `Measurable.probe` does."""
        return self._measurable().probe(source, target)

    def read_router(self, router: str) -> Configuration:
        """Ask one router for its configuration now. Raises as `Measurable.read_router` does."""
        return self._measurable().read_router(router)

    def _measurable(self) -> Measurable:
        if isinstance(self._live, Measurable):
            return self._live
        raise ExecutionError("the network answers no single questions", fix="wait for its next sample")


@dataclass
class RunState:
    """The state of one run: what each role found, as values.

    `inventory` is the network as configured, `state` what it is believed to be now: the inventory, under the measured
    traffic once there is any, with the diagnosed fault once there is a diagnosis. Telemetry counts from `since`.
    `memory` holds past incidents, if it is used. `unmodelled` is what decides routing and is not in the twin; `works`
    is what others have planned; `found_before` are faults that an earlier look found, `met` those that plans in
    place were made for, or that a later look finds usual, `trials` what plans that were taken back have shown,
    `said` what routers, by name, said last of their configuration since the run last changed something; `brought`
    is a plan that somebody had before the run; `illustrator` draws, where the run's model sees; `acted` is when the
    first step of a plan of the run was made.
    """

    inventory: Network
    policy: Policy
    live: ReadSide
    since: datetime
    seed: int = 0
    tracer: Tracer = field(default_factory=NoOpTracer)
    memory: Recollection | None = None
    observation: Observation | None = None
    incident: Incident | None = None
    ranking: Ranking | None = None
    telling: tuple[Ranking, Measurement | None] | None = None  # what would tell the causes of a ranking apart best
    diagnosis: Diagnosis | None = None
    chosen: Hypothesis | None = None
    round: int = 1
    proposals: dict[str, Proposal] = field(default_factory=dict[str, Proposal])
    submission: PlanSubmission | None = None
    no_plan: NoPlan | None = None
    verdicts: dict[str, Verdict] = field(default_factory=dict[str, Verdict])
    decision: Decision | None = None
    rejected: tuple[Decision, ...] = ()
    results: LongResults = field(default_factory=LongResults)
    goal: GoalInForce | None = None
    unplanned: tuple[str, ...] = ()
    hindered: str = ""  # what is in the way of every plan, where none was found
    unmodelled: tuple[str, ...] = ()
    works: tuple[PlannedWork, ...] = ()
    documents: tuple[Document, ...] = ()
    questions: tuple[Question, ...] = ()
    answers: dict[str, str] = field(default_factory=dict[str, str])
    heard: tuple[tuple[Question, str], ...] = ()  # what was answered and its role has not been told
    advice: tuple[Advice, ...] = ()
    opinion: Opinion | None = None
    person_wanted: str = ""
    demanded: tuple[tuple[str, ...], ...] = ()
    broken: tuple[str, ...] = ()
    found_before: tuple[Fault, ...] = ()
    met: tuple[Hypothesis, ...] = ()
    trials: tuple[PlanTrial, ...] = ()
    said: dict[str, Configuration] = field(default_factory=dict[str, Configuration])
    brought: Plan | None = None
    illustrator: Illustrator | None = None
    acted: datetime | None = None
    state: Network = field(init=False)
    _looked_at: datetime | None = field(default=None, init=False)
    _intake: Intake | None = field(default=None, init=False)
    _judged: tuple[Observation, str, Assessment, Fidelity] | None = field(default=None, init=False)
    _ahead: tuple[str, datetime, Outlook] | None = field(default=None, init=False)
    _harmed: tuple[Observation, str, tuple[Fault, ...], Harm] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.state = self.inventory

    def span(self, name: str, **attributes: Value) -> AbstractContextManager[Span]:
        """Open the span of a computation of the twin."""
        return twin_span(self.tracer, name, **attributes)

    def look(self) -> Observation:
        """Return what is measured now; the same until the network's clock moves on."""
        now = self.live.now
        if self.observation is None or self._looked_at != now:
            with self.span("observe", snapshot=self.inventory.id):
                usable, self._intake = take_in(self.live.read_telemetry(self.since), now)
                self.observation = self.as_said(observe(self.inventory, usable, now=now))
            self._looked_at = now
            if self.diagnosis is None:
                self.state = self.observation.network
        return self.observation

    def hear(self, said: Mapping[str, Configuration]) -> None:
        """Take what routers said of their configuration for a reading, of this look and of those to come."""
        self.said |= said
        if self.observation is not None:
            self.observation = with_configurations(self.observation, said)

    def as_said(self, observation: Observation) -> Observation:
        """The observation of now with what routers have said so far."""
        return with_configurations(observation, self.said)

    @property
    def assessment(self) -> Assessment:
        """How far what is measured now can be trusted if the believed state is true, lying counters repaired."""
        return self._judge()[0]

    @property
    def fidelity(self) -> Fidelity:
        """How well the believed state explains what is measured now."""
        return self._judge()[1]

    @property
    def harm(self) -> Harm:
        """What is measured to be harmed now if the believed state is true, lying readings put right."""
        observation, believed = self.look(), (self.state.id, self.faults)
        if self._harmed is None or self._harmed[0] is not observation or self._harmed[1:3] != believed:
            with self.span("measure_harm", snapshot=self.state.id):
                self._harmed = observation, *believed, self.harm_of(observation, self.state)
        return self._harmed[3]

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults that were diagnosed."""
        return self.diagnosis.faults if self.diagnosis else ()

    def harm_of(self, observation: Observation, state: Network) -> Harm:
        """Measure the harm of an observation of a state that is believed, with the faults that were diagnosed."""
        return measured_harm(as_believed(observation, self.faults, state), self.policy.max_utilisation)

    def put_right(self, observation: Observation) -> Observation:
        """The observation with what lies by the diagnosis put right or left out."""
        return as_believed(observation, self.faults, observation.network)

    def turns(self, observation: Observation, state: Network) -> tuple[OtherState, ...]:
        """Other states that what was diagnosed puts the network into by turns; `state` is the one that is believed."""
        return turns(observation, self.faults, state)

    def _judge(self) -> tuple[Assessment, Fidelity]:
        observation = self.look()
        if self._judged is None or self._judged[0] is not observation or self._judged[1] != self.state.id:
            with self.span("assess", snapshot=self.state.id):
                believed = self.state.with_demands(observation.network.demands)
                assessment = assess_observation(replace(observation, network=believed), self._intake)
                fidelity = fidelity_of(observation, believed, assessment, self.turns(observation, believed))
            self._judged = observation, self.state.id, assessment, fidelity
        return self._judged[2:]

    @property
    def evidence(self) -> Evidence:
        """What vouches for the believed state."""
        return evidence_of(self.assessment.report, self.fidelity)

    @property
    def outlook(self) -> Outlook | None:
        """What traffic a plan will meet from its execution on; None where the policy does not look ahead.

        By a forecast where enough was measured, else by the day that was measured or is declared, else at the peak.
        """
        goal = self.goal
        hours = hours_to_judge(self.policy.horizon_hours, self.starts, goal.ends if goal is not None else None)
        if not hours:
            return None
        key = self.state.id, self.starts
        if self._ahead is None or self._ahead[:2] != key:
            share = goal.share if goal is not None and goal.since is not None else None
            with self.span("foresee", snapshot=self.state.id):
                telemetry = self.live.read_telemetry(self.since)
                self._ahead = (*key, self._foreseen(telemetry, hours, share))
        return self._ahead[2]

    def _foreseen(self, telemetry: Telemetry, hours: float, share: float | None) -> Outlook:
        return outlook_ahead(
            self.state, telemetry, self.starts, hours, planned=self.inventory, share=share, day=self.policy.day
        )

    @property
    def starts(self) -> datetime:
        """When the first step of a plan is made."""
        return self.goal.since if self.goal is not None and self.goal.since is not None else self.live.now

    @property
    def step_lasts(self) -> timedelta | None:
        """How long a step takes at most until it is confirmed; None where a person makes it."""
        seen = self.look()
        return step_lasts(seen.declared, seen.interval_s)

    @property
    def standing(self) -> Standing:
        """What may be done on these measurements, and why no more."""
        return standing(self.assessment.report, self.fidelity, self.policy)

    @property
    def data_refusal(self) -> str | None:
        """Why no plan may be made on what is measured, None when it is good enough."""
        return data_refusal(self.assessment.report, self.policy)

    def clear_diagnosis(self) -> None:
        """Forget the diagnosis, which is made anew on what is measured by now."""
        self.observation, self.ranking, self.diagnosis, self.chosen = None, None, None, None

    def clear_plan(self) -> None:
        """Forget what planning handed over in the last round."""
        self.submission, self.no_plan = None, None

    def clear_decision(self) -> None:
        """Forget what verification decided in the last round."""
        self.decision, self.demanded, self.broken = None, (), ()

    @property
    def open_question(self) -> Question | None:
        """The question that waits for an answer."""
        return next((x for x in self.questions if x.id not in self.answers), None)

    def inventory_element(self, element: str) -> None:
        """Make sure that the network has an element. Raises `UnknownElementError`."""
        if element.startswith("node/"):
            self.inventory.node(element)
        elif element.startswith("link/"):
            self.inventory.circuit(element)
        elif element.startswith("interface/") or ("->" in element and not element.startswith("demand/")):
            self.inventory.link(element)
        elif element.startswith("demand/"):
            for name in element.removeprefix("demand/").split("->"):
                self.inventory.node(name)
        elif element not in {f"risk-group/{x.name}" for x in self.inventory.risk_groups} | {
            f"network/{self.inventory.name}"
        }:
            raise UnknownElementError("element", element, [x.id for x in self.inventory.nodes])

    def plan(self, handle: str) -> Plan:
        """Return a proposed plan by its handle. Raises `UnknownElementError`."""
        proposal = self.proposals.get(handle)
        if proposal is None or proposal.plan is None:
            raise UnknownElementError("plan", handle, [name for name, x in self.proposals.items() if x.plan])
        return proposal.plan

    @property
    def rejected_plans(self) -> frozenset[str]:
        """Hashes of the plans that verification sent back."""
        return frozenset(decision.plan for decision in self.rejected)

    @property
    def rejected_steps(self) -> tuple[tuple[Change, ...], ...]:
        """Steps of the plans that were rejected for the state that is believed now: in another they may be right."""
        plans = (x.plan for x in self.proposals.values() if x.plan)
        return tuple(x.steps for x in plans if x.hash in self.rejected_plans and x.base == self.state.id)

    @property
    def counterexamples(self) -> tuple[Counterexample, ...]:
        """Where the rejected plans broke a limit."""
        checks = (check for decision in self.rejected if decision.verdict for check in decision.verdict.checks)
        return tuple(check.counterexample for check in checks if check.counterexample is not None)
