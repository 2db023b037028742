"""The course of a run from its first record to its last: the same for a new run and for one that is taken up again."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from opentelemetry.trace import Span, Tracer

from agents.goals.limits import tighten
from agents.goals.plan import goal_in_force
from agents.models import Model
from agents.record.events import Outcome, QuestionAnswered, RunFinished, RunStarted, Stage
from agents.record.journal import Journal
from agents.roles.budget import Meter, price_for
from agents.roles.call_trail import JournalAudit
from agents.roles.chat import Session
from agents.roles.contracts import CONTRACTS, FOR_DOCUMENTS, FOR_EYES, alone, contracts
from agents.roles.team import Team, assemble
from agents.show.picture import illustrator
from agents.wording import counted, fault_words, mbps
from tools.box.goal import GoalInForce
from tools.box.registry import Toolbox
from tools.box.run_state import ReadSide, RunState
from tools.box.tracing import OUTCOME, traceparent_of, workflow_span
from tools.catalogue import TOOLS
from tools.recommendations import recommendations
from twin.errors import BudgetError, DivergedError, RehearsedError, TwinError
from twin.execute.render import Inventory
from twin.formats.stored import unmodelled_of
from twin.gate.certificate import NOBODY, Approval, Authority, SigningKey
from twin.model import Network
from twin.policy import Policy
from twin.store import TwinStore
from twin.version import version

from .driver import Driver
from .ending import Account, finished
from .memory import recollection, remember
from .operator import NetworkOperator
from .others_work import CalendarReader, OthersWork
from .request import RunRequest
from .staging import Scene
from .transitions import Answering, nobody
from .watching import WATCH


@dataclass(frozen=True)
class Ground:
    """What a run works on and with.

    `authority` says who may approve and which policy is in force, at any moment. `known` is what is known of the
    routers, where they are people's own; `calendar` reads what others plan. Of a run that was there before, `worked_s`
    is the time that it took, seconds, and `trace` its first span as a traceparent. `differing` takes the names of tools
    that answer otherwise than then.
    """

    run: str
    folder: Path
    request: RunRequest
    network: Network
    scene: Scene
    model: Model
    key: SigningKey
    journal: Journal
    store: TwinStore
    tracer: Tracer
    approvals: Sequence[Approval] = ()
    authority: Authority = NOBODY
    known: Inventory | None = None
    calendar: CalendarReader | None = None
    worked_s: float = 0.0
    differing: list[str] = field(default_factory=list[str])
    answers: Sequence[QuestionAnswered] = ()
    answering: Answering = nobody
    trace: str = ""


@dataclass(frozen=True)
class Ended:
    """How a run ended: its last record, and the error of the tree that made it fail, if one did."""

    finished: RunFinished
    error: TwinError | None = None


async def follow(ground: Ground) -> Ended:
    """Drive a run to its end and write its last record.

    A cancellation is answered: whatever was applied is taken back, and the run ends as `interrupted`. An error of the
    tree `TwinError` ends it as `failed`, any other error does, too, and is then raised. Raises `DivergedError` when the
    run does not come out as its journal recalls, `RehearsedError` when the journal may not go on.
    """
    try:
        return await _followed(ground)
    finally:
        await ground.model.client.close()


def _operator(ground: Ground, session: Session, run_state: RunState) -> NetworkOperator:
    others = OthersWork(run_state, ground.journal, ground.calendar, ground.request.asked)
    return NetworkOperator(
        run_state, session, ground.store, ground.scene.live, ground.key, ground.folder, others,
        authority=ground.authority, known=ground.known,
        # of one's own network `twinops watch` goes on looking
        watched=WATCH if ground.request.site is None else timedelta(0),
    )  # fmt: skip


def _store_networks(ground: Ground, run_state: RunState) -> None:
    """Store the network as it was planned, and as it is configured, which is the twin's newest state."""
    now = ground.scene.live.now
    ground.store.save_snapshot(ground.network, now=now)
    if run_state.inventory.id != ground.network.id:
        ground.store.save_snapshot(run_state.inventory, now=now, parent=ground.network.id)
    ground.store.set_current(run_state.inventory.id)


async def _followed(ground: Ground) -> Ended:
    started = time.monotonic() - ground.worked_s
    request = ground.request
    meter = Meter(request.budget, price_for(request.budget, request.model), ground.worked_s)
    session = Session(ground.run, ground.model, ground.journal, ground.tracer, meter=meter)
    run_state = _run_state(ground)
    operator = _operator(ground, session, run_state)
    _store_networks(ground, run_state)
    team = _team(ground, session, run_state)
    driver = Driver(run_state, session, team, operator, rounds=ground.request.rounds, answering=_answering(ground))
    later = {x.question: x for x in ground.answers if x.waited}
    stage: Stage = "observe"
    opening: RunStarted | None = None
    while True:
        trace = opening.trace if opening else ground.trace
        with workflow_span(ground.tracer, "incident", run=ground.run, continues=trace) as span:
            opening = opening or _opened(ground, span)
            ending = await _drive(driver, operator, stage)
            span.set_attribute(OUTCOME, ending.outcome)
            if ending.outcome not in (
                "awaiting approval",
                "awaiting answer",
            ):  # who approves sees whether the twin is still the one it was
                operator.written.mirror()
            account = _account(operator, ending.outcome, time.monotonic() - started)
        last = finished(ending.outcome, ending.because, account, ground.scene)
        ground.journal.append(last)
        remember(ground.folder, ground.run, run_state, last)
        if ending.bug is not None:
            raise ending.bug
        asked = run_state.open_question
        if ending.outcome == "awaiting answer" and asked is not None and asked.id in later:
            run_state.answers = {**run_state.answers, asked.id: later[asked.id].choice}
            run_state.heard, stage = (*run_state.heard, (asked, later[asked.id].choice)), driver.interrupted
            ground.scene.live.catch_up_outside()
            continue
        if ending.outcome != "awaiting approval" or not ground.approvals or operator.release.approvals:
            return Ended(last, ending.error)
        operator.release.approvals, stage = tuple(ground.approvals), "approve"
        ground.scene.live.catch_up_outside()


def _team(ground: Ground, session: Session, run_state: RunState) -> Team:
    audit = JournalAudit(ground.journal, differing=ground.differing, spent=session.spent)
    terms = dict.fromkeys(CONTRACTS, alone()) if ground.request.alone else contracts()
    if ground.request.compact:
        terms = {role: one.for_small_model() for role, one in terms.items()}
    rights = {one.role: one.tools for one in terms.values()}
    toolbox = Toolbox(run_state, TOOLS, rights, audit=audit, past=audit)
    unread = frozenset[str]() if run_state.documents else FOR_DOCUMENTS
    return assemble(session, toolbox, terms, without=unread if run_state.illustrator else unread | FOR_EYES)


def _answering(ground: Ground) -> Answering:
    """Answer as it is on record of a run that was there before, and else as whoever started the run does."""
    before = {x.question: (x.choice, x.by) for x in ground.answers if not x.waited}
    return lambda question: before.get(question.id) or ground.answering(question)


@dataclass(frozen=True)
class _Ending:
    outcome: Outcome
    because: str
    error: TwinError | None = None
    bug: Exception | None = None


def _run_state(ground: Ground) -> RunState:
    return RunState(
        inventory=_inventory(ground),
        policy=_policy(ground.request),
        live=ReadSide(ground.scene.live),
        since=ground.scene.begin,
        seed=ground.request.seed,
        tracer=ground.tracer,
        memory=recollection(ground.folder, ground.network.name, again=ground.journal.recorded.ahead > 0),
        goal=_goal_in_force(ground),
        unmodelled=(*unmodelled_of(ground.store, ground.network.id), *ground.request.asked),
        works=ground.request.works,
        documents=ground.request.documents,
        brought=ground.request.plan,
        illustrator=illustrator(ground.folder) if ground.request.vision else None,
    )


def _goal_in_force(ground: Ground) -> GoalInForce | None:
    live, goal = ground.scene.live, ground.request.goal
    day = live.declared.day or ground.request.policy.day
    return goal_in_force(goal, _inventory(ground), live.now, day) if goal else None


def _inventory(ground: Ground) -> Network:
    """What agents are told that the network is: of an emulated one its own inventory, which may be wrong."""
    return ground.network if ground.request.site else ground.scene.live.read_topology()


def _policy(request: RunRequest) -> Policy:
    """What holds for this run: the policy, and the limits that were asked for where they are tighter."""
    return tighten(request.policy, request.goal) if request.goal else request.policy


async def _drive(driver: Driver, operator: NetworkOperator, stage: Stage) -> _Ending:
    try:
        ending = await driver.run(stage)
    except (DivergedError, RehearsedError):
        raise
    except asyncio.CancelledError:
        return _taken_back(operator, _Ending("interrupted", "the run was cancelled"))
    except BudgetError as error:
        because = f"{error}. So far: {_so_far(operator.run_state)}"
        return _taken_back(operator, _Ending("out of budget", because, error))
    except TwinError as error:
        because = f"{error}; {error.fix}" if error.fix else str(error)
        return _taken_back(operator, _Ending("failed", because, error))
    except Exception as error:
        return _taken_back(operator, _Ending("failed", f"{type(error).__name__}: {error}", bug=error))
    return _Ending(ending.outcome, ending.because)


def _taken_back(operator: NetworkOperator, ended: _Ending) -> _Ending:
    try:
        undone = operator.take_back(ended.because)
    except TwinError as error:
        words = f"{ended.because}, and not everything could be taken back: {error}"
        return replace(ended, outcome="failed", because=words, error=error)
    words = f"{ended.because}; every step that was applied has been taken back" if undone else ended.because
    return replace(ended, because=words)


def _opened(ground: Ground, span: Span) -> RunStarted:
    """Write the first record, which names the run's first span."""
    opening = _opening(ground, ground.trace or traceparent_of(span))
    ground.journal.append(opening)
    return opening


def _opening(ground: Ground, trace: str) -> RunStarted:
    request, scene, network = ground.request, ground.scene, ground.network
    return RunStarted(
        run=ground.run,
        network=request.network,
        seed=request.seed,
        model=request.model,
        policy=_policy(request),
        rounds=request.rounds,
        budget=request.budget,
        goal=request.goal,
        site=request.site,
        routers=ground.known.routers if ground.known else None,
        works=request.works,
        asked=request.asked,
        documents=request.documents,
        plan=request.plan,
        alone=request.alone,
        compact=request.compact,
        vision=request.vision,
        inventory=network.id,
        nodes=len(network.nodes),
        circuits=len(network.circuits),
        trace=trace,
        version=version(),
        history=(scene.live.now - scene.begin).total_seconds() / 3600,
        live_time=scene.live.now,
    )


def _account(operator: NetworkOperator, outcome: Outcome, seconds: float) -> Account:
    run_state, spent = operator.run_state, operator.session.spent
    return Account(
        figures=operator.figures,
        diagnosis=run_state.diagnosis,
        met=tuple(y for x in run_state.met for y in x.faults),
        incidents=operator.incidents(outcome),
        recommendations=recommendations(run_state, harmed=operator.harmed),
        advice=run_state.advice,
        question=run_state.open_question,
        plan=operator.plans[-1].hash
        if operator.plans
        else run_state.submission.plan.hash
        if run_state.submission
        else None,
        in_place=operator.in_place,
        waits_for=operator.release.waits_for,
        certificate_checked=operator.accepted,
        rounds=len({*run_state.rejected_plans, *(x.hash for x in operator.settled), *_submitted(run_state)}),
        model_calls=spent.model_calls,
        tool_calls=spent.tool_calls,
        input_tokens=spent.input_tokens,
        output_tokens=spent.output_tokens,
        repeated_calls=spent.repeated_calls,
        spent=operator.session.meter.total,
        seconds=seconds,
    )


def _so_far(run_state: RunState) -> str:
    """Say what is known when a run ends before its end: a partial result is one, too."""
    found: list[str] = []
    if run_state.incident is not None:
        found.append(f"{counted(len(run_state.incident.symptoms), 'symptoms')}, {mbps(run_state.incident.harm)} harmed")
    if run_state.diagnosis is not None:
        found.append(f"cause: {fault_words(run_state.diagnosis.cause)}")
    if run_state.submission is not None:
        decided = run_state.decision is not None and run_state.decision.plan == run_state.submission.plan.hash
        found.append(f"{run_state.submission.handle} was submitted and {'decided on' if decided else 'not decided on'}")
    return "; ".join(found) or "nothing was found out"


def _submitted(run_state: RunState) -> set[str]:
    return {run_state.submission.plan.hash} if run_state.submission else set()
