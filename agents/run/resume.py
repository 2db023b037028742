"""Taking up a run that was killed: it goes once more through its own past, and then on from where it was.

A run is deterministic but for its models and the wall clock. Their part comes from the journal, what the network went
through comes from the network's own record, and everything else is computed again and compared with the journal.
No model is asked twice, and no change is made twice. A run that had been told to stop, or that does not come out as
its record says, is not gone through again: what is in place of its plan is taken back, and the record is closed.
"""

import asyncio
from contextlib import ExitStack
from pathlib import Path

from agents.models import Model, resolve
from agents.record.charter import Register
from agents.record.events import ChatRequested, ExecutionStep, Outcome, RunResumed, ToolReturned, is_opening
from agents.record.files import JOURNAL, TRACE, TWIN
from agents.record.history import RunHistory, read_history
from agents.record.home import home_folder
from agents.record.journal import Clock, Journal, Listener
from agents.record.ownership import own
from agents.record.rerun import RecordsAhead
from agents.record.tracing import Tracing
from agents.record.waiting import may_go_on, require_waiting
from agents.roles.budget import Meter, price_for
from twin.clock import utc_now
from twin.errors import DivergedError, StoreError, TwinError
from twin.execute.executor import StepRecord, recover
from twin.model import Network
from twin.policy import Policy
from twin.store import TwinStore
from twin.version import version

from .ending import Account, finished
from .lifecycle import Ended, Ground, follow
from .others_work import calendar_reader
from .replay import replay_run
from .request import RunRequest, known_of, request_of
from .run import RunResult, signing_key
from .silent_tracer import SilentTracer
from .staging import restore_scene


async def resume_run(
    folder: Path,
    *,
    home: Path | None = None,
    clock: Clock = utc_now,
    on_event: Listener | None = None,
    model: Model | None = None,
    policy: Policy | None = None,
) -> RunResult:
    """Take up the run in a folder and bring it to its end; a run that has ended, or still waits, is left as it is.

    `on_event` sees new records only, `model` answers what no record answers. A cancellation is answered as in
    `run_incident`. Raises `InputError` when there is no run to take up, `StoreBusyError` that names the process which
    works on it, `JournalError` or `StoreError` when its record is broken, `AuthorityError` when the operator's home
    does not know it or knows it otherwise, and `CertificateError` when its plan was approved by people who may not, or
    may not be executed any more. A run that waits and was begun by another version, where it went another way, is left
    waiting: `DivergedError`. `policy`, given again by the operator, takes over a run that was started elsewhere.
    """
    home = home or home_folder()
    read_history(folder)  # before anything is written into what may be no run at all
    with ExitStack() as stack:
        stack.enter_context(own(folder))
        past = read_history(folder)
        register = Register(home, past.started.run)
        if policy is not None:
            register.take_over(past, policy)
        if _is_left_alone(past, register, clock) and past.finished is not None:
            return RunResult(past.started.run, folder, past.finished, past.reading.head)
        if past.finished is not None and past.started.version != version():
            await _require_same_events(past)
        model = model or resolve(past.started.model)
        key = signing_key(home, folder.parent)
        store = stack.enter_context(TwinStore.open(folder / TWIN))
        network = _inventory(past, store)
        scene = restore_scene(folder, network, past.started.site)
        tracing = Tracing(folder / TRACE, version=version())
        stack.callback(tracing.close)
        witness = register.witness(past.started, on_event)
        journal = stack.enter_context(Journal.reopen(folder / JOURNAL, past.reading, clock=clock, listener=witness))
        journal.append(RunResumed(records=len(past.reading.records), torn=past.reading.torn))
        stage = (past.started.run, folder, request_of(past), network, scene, model, key, journal, store)
        ground = Ground(
            *stage,
            SilentTracer(tracing.tracer, journal),
            past.approvals,
            answers=past.answers_given,
            authority=register.authority,
            known=known_of(past, store),
            calendar=calendar_reader(past.started.site, past.started.policy),
            worked_s=past.worked_s,
            trace=past.started.trace,
        )
        ended = await _go_on(ground, past)
        return RunResult(past.started.run, folder, ended.finished, journal.head, ended.error)


def _is_left_alone(past: RunHistory, register: Register, clock: Clock) -> bool:
    """Whether a run has ended, or still waits for people. Raises `AuthorityError` when it is not what home knows."""
    if past.question is not None:
        register.known(past)
        return past.answer is None
    if past.finished is not None and past.waits is None:
        return True
    register.known(past)
    if past.finished is None:
        return False
    if not may_go_on(past, register.authority):
        return True
    require_waiting(past, register, clock())
    return False


async def _require_same_events(past: RunHistory) -> None:
    """Make sure that a run which waits comes out as in the version that began it, before anything is written.

    Raises `DivergedError`: closing its record for a difference that nobody on the network has made would lose the run.
    """
    gone_through = await replay_run(past.folder)
    if not gone_through.same:
        begun = f"version {past.started.version}" if past.started.version else "an earlier version"
        raise DivergedError(
            f"run {past.started.run} was begun by {begun}, and comes out otherwise in {version()}: "
            f"{gone_through.difference}; it waits as before",
            fix="take it up with the version that began it, or begin a run anew",
        )


async def _go_on(ground: Ground, past: RunHistory) -> Ended:
    if len(past.undisturbed) < len(past.reading.records):
        return close(ground, past, "interrupted", "the run was killed while it took back what it had applied")
    ground.journal.recorded = RecordsAhead(past.reading.records)
    try:
        return await follow(ground)
    except DivergedError as error:
        ground.journal.recorded = RecordsAhead()
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            return close(ground, past, "interrupted", "the run was cancelled")
        return close(ground, past, "failed", f"the run does not come out as its record says: {error}")


def close(ground: Ground, past: RunHistory, outcome: Outcome, because: str) -> Ended:
    """Take back whatever of a certified plan is in place, as the network itself says, and write the last record."""
    live = restore_scene(ground.folder, ground.network, past.started.site).live
    configured, plan, error = live.read_topology(), past.certified, None
    live.catch_up()
    if plan is not None and live.effects:
        try:
            base = ground.store.load_snapshot(plan.base)
            recover(plan, base, configured, live, because=because, on_step=lambda x: _record(ground, x))
            because = f"{because}; every step that was applied has been taken back"
        except TwinError as raised:
            outcome, error = "failed", raised
            because = f"{because}, and not everything could be taken back: {raised}"
    ground.store.save_snapshot(live.read_topology(), now=live.now, parent=ground.network.id)
    ground.store.set_current(live.read_topology().id)
    last = finished(outcome, because, _account(past, ground.request), ground.scene)
    ground.journal.append(last)
    return Ended(last, error)


def _record(ground: Ground, step: StepRecord) -> None:
    ground.journal.append(ExecutionStep(**step.model_dump()))


def _account(past: RunHistory, request: RunRequest) -> Account:
    meter = Meter(request.budget, price_for(request.budget, request.model))
    for answer in past.answers:
        meter.add(answer)
    return Account(
        figures=past.figures,
        diagnosis=past.diagnosis,
        met=(),
        incidents=past.finished.incidents if past.finished else (),
        recommendations=past.finished.recommendations if past.finished else (),
        advice=past.finished.advice if past.finished else (),
        question=None,
        plan=past.plan_and_verdict[0].hash if past.plan_and_verdict else None,
        in_place=False,
        waits_for=past.waits,
        certificate_checked=any(isinstance(event, ExecutionStep) for event in past.events),
        rounds=past.rounds,
        model_calls=sum(isinstance(event, ChatRequested) for event in past.events),
        tool_calls=sum(len(x.tool_calls) for x in past.answers) + sum(map(is_opening, past.events)),
        input_tokens=sum(answer.input_tokens for answer in past.answers),
        output_tokens=sum(answer.output_tokens for answer in past.answers),
        repeated_calls=sum(isinstance(event, ToolReturned) and event.repeated for event in past.events),
        spent=meter.total,
        seconds=past.worked_s,
    )


def _inventory(past: RunHistory, store: TwinStore) -> Network:
    try:
        return store.load_snapshot(past.started.inventory)
    except TwinError as error:
        raise StoreError(
            f"{store.path} does not hold the network that the run began with", fix="restore the run's folder"
        ) from error
