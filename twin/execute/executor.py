"""Execution of a certified plan on the live network: step by step, watched, and taken back when anything is off."""

from asyncio import CancelledError
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Literal, NamedTuple

from pydantic import Field

from twin.errors import CertificateError, TwinError
from twin.gate.certificate import NOBODY, Authority, Certificate, PublicKey, check
from twin.gate.outlook import Outlook
from twin.gate.verdict import Verdict
from twin.live.network import LiveNetwork
from twin.model import Frozen, Network
from twin.observe.quality.fidelity import OtherState
from twin.plan import Plan
from twin.planned import PlannedWork
from twin.policy import Policy
from twin.printed import counted

from .agreement import Tolerance
from .logbook import Logbook, OnStep, StepRecord
from .preflight import Coming, Preflight, preflight
from .remaining import VerifiedFor, part_made
from .steps import Rollout

__all__ = ["Execution", "OnStep", "StepRecord", "execute", "recover"]


class KeptPart(Frozen):
    """The steps of a plan that stay where what was left of it did not hold any more, and their verdict."""

    plan: Plan
    verdict: Verdict


class Execution(Frozen):
    """How an execution ended. After `interrupted` the caller should stop: the interrupt was answered, not raised."""

    status: Literal["applied", "rolled_back", "refused"]
    reason: str
    records: tuple[StepRecord, ...]
    verdict: Verdict | None = Field(default=None, description="Of the verification against the state found live.")
    interrupted: bool = False
    part: KeptPart | None = Field(
        default=None, description="What of an applied plan was made; none where all of it was."
    )
    contradicted: int = Field(
        default=0, description="Steps that were in place when telemetry contradicted what was predicted of them."
    )


def execute(  # noqa: PLR0913 - what is asked, what is in force, and who watches
    plan: Plan,
    certificate: Certificate | None,
    network: Network,
    live: LiveNetwork,
    *,
    policy: Policy,
    public_key: PublicKey,
    current: str,
    authority: Authority = NOBODY,
    on_step: OnStep | None = None,
    tolerance: Tolerance | None = None,
    inventory: Network | None = None,
    outlook: Outlook | None = None,
    works: Sequence[PlannedWork] = (),
    works_now: Callable[[], Sequence[PlannedWork]] = tuple,
    unmodelled: Sequence[str] = (),
    turns: Sequence[OtherState] = (),
    in_part: bool = False,
) -> Execution:
    """Apply a certified plan to the live network, and stay until telemetry has confirmed each step.

    `network` is the snapshot the plan was made for, `current` the id of the twin's newest one, `inventory` what the
    diagnosis of that snapshot started from; `outlook` and `works` are what the hours ahead bring, `works_now` tells
    which works are known by then, `unmodelled` what decides routing and is not in the twin; `turns` are the states that
    flapping circuits put the network into beside `network`. Before the first step the live state is measured, and the
    plan verified on it under its own demands and those measured: refused if it fails, if what is configured is in
    neither snapshot nor diagnosis, or if telemetry contradicts the twin. Before each step the configuration is read
    again, certificate and `authority` must hold, and what is left of the plan is verified under the newest demands, and
    in hours and work of others that it was not verified for; after each configuration and telemetry are compared.
    `on_step` is called before every effect and after it; it may raise to stop. On a disagreement, an error or an
    interrupt, all steps made are undone in reverse order; with `in_part` they may stay where only the rest fails. An
    error that is not of the project's is raised again.

    Raises `CertificateError` without a valid certificate for exactly this plan, state and policy, and `ExecutionError`
    when something could not be undone, saying what is still in place.
    """

    def permit() -> None:
        check(certificate, plan, network, policy, public_key=public_key, now=live.now, authority=authority)

    permit()
    _require_newest(network, current)
    tolerance, coming = tolerance or Tolerance(), Coming(outlook, tuple(works), tuple(unmodelled))
    start = preflight(plan, network, live, policy, tolerance, inventory, coming, turns)
    log = Logbook(live, len(plan.steps), on_step)
    if start.refusal or start.before is None:
        return _refused(start, log)
    rollout = Rollout(plan, start.base, live, configured=start.configured, running=start.running, log=log)
    before, planned = start.before, start.base.with_demands(network.demands)
    verified = VerifiedFor(plan, planned, policy, coming, start.starts, start.step_lasts, inventory, start.evidence)

    def permit_next() -> None:
        permit()
        verified.require(rollout.applied, live.now, works_now())

    stands = partial(rollout.stands, tolerance, before, policy) if in_part else bool
    keep = partial(_part, stands, rollout, verified, lambda: (live.now, works_now()), network)
    advance = partial(rollout.advance, tolerance, before, policy, permit_next)
    return _ended(_play(rollout, advance, keep, tolerance), rollout, log, start.verdict)


def _part(
    stands: Callable[[], bool],
    rollout: Rollout,
    verified: VerifiedFor,
    ahead: Callable[[], tuple[datetime, Sequence[PlannedWork]]],
    network: Network,
) -> KeptPart | None:
    """The steps made, where they stand and the gate lets them pass, for the snapshot and for the state found live."""
    if not stands():
        return None
    made, (now, known) = rollout.applied, ahead()
    here, verdict = (verified.standing(made, now, known, x) for x in (verified.base, network))
    if not (here.passed and verdict.passed):
        return None
    return KeptPart(plan=part_made(verified.plan, made, network), verdict=verdict)


def _refused(start: Preflight, log: Logbook) -> Execution:
    """Nothing was changed: say why, and what was found."""
    refusal = start.refusal or "nothing was seen of the network"
    log.write(0, "refused", refusal, agreement=start.agreement)
    return Execution(status="refused", reason=refusal, records=tuple(log.records), verdict=start.verdict)


def _require_newest(network: Network, current: str) -> None:
    if current != network.id:
        raise CertificateError(
            f"the twin has moved on from snapshot {network.id} to {current}", fix="plan again on the current snapshot"
        )


def recover(
    plan: Plan,
    network: Network,
    configured: Network,
    live: LiveNetwork,
    *,
    because: str = "the process that made it was killed",
    on_step: OnStep | None = None,
) -> Execution:
    """Undo whatever part of a plan is in place, when it did not help or the process that executed it was killed.

    `network` is the snapshot the plan was executed on, `configured` what `live.read_topology()` said before it. Raises
    `ExecutionError` when the live configuration is none of those that the plan passes through.
    """
    log = Logbook(live, len(plan.steps), on_step)
    rollout = Rollout(plan, network, live, configured=configured, log=log)
    rollout.find()
    rollout.say_not_made()
    reason = f"{because}; {counted(rollout.applied, 'steps')} had been made"
    rollout.roll_back(because, Tolerance())
    return Execution(status="rolled_back", reason=reason, records=tuple(log.records))


def no_longer_in_place(plan: Plan, network: Network, configured: Network, live: LiveNetwork) -> str | None:
    """Return what a plan that was confirmed has configured and is not so any more, None while all of it is.

    `network` is the snapshot it was executed on, `configured` what `live.read_topology()` said before it.
    """
    log = Logbook(live, len(plan.steps), None)
    return Rollout(plan, network, live, configured=configured, log=log).in_place()


class _Ending(NamedTuple):
    reason: str
    turned_back: bool = True
    interrupted: bool = False
    part: KeptPart | None = None


def _ended(ending: _Ending, rollout: Rollout, log: Logbook, verdict: Verdict | None) -> Execution:
    return Execution(
        status="rolled_back" if ending.turned_back else "applied",
        reason=ending.reason,
        records=tuple(log.records),
        verdict=verdict,
        interrupted=ending.interrupted,
        part=ending.part,
        contradicted=rollout.contradicted,
    )


def _play(
    rollout: Rollout, advance: Callable[[], str | None], keep: Callable[[], KeptPart | None], tolerance: Tolerance
) -> _Ending:
    part = None
    try:
        reason = advance()
        part = keep() if reason else None
    except (KeyboardInterrupt, CancelledError):
        ending = _Ending("interrupted", interrupted=True)
    except TwinError as error:
        ending = _Ending(str(error))
    except BaseException as error:
        rollout.turn_back(f"{type(error).__name__}: {error}", tolerance)
        raise
    else:
        if reason is None:
            return _Ending(f"{counted(rollout.applied, 'steps')} made, each confirmed by telemetry", turned_back=False)
        if part is not None:
            words = f"{counted(rollout.applied, 'steps')} made, each confirmed by telemetry, which stay: {reason}"
            return _Ending(words, turned_back=False, part=part)
        ending = _Ending(reason)
    rollout.turn_back(ending.reason, tolerance)
    return ending
