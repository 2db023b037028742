"""Plans that wait for people: which they are, what each would do, and what a person decides.

A decision is a person's signature over exactly this plan in this state under this policy, on the record of the run that
waits. It is taken only while all of that still holds and the operator's home says the same of the run; the run is then
taken up, and the executor verifies the plan once more on what it measures.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

from pydantic import Field

from agents.record.home import home_folder
from agents.wording import plan_words
from twin.errors import AuthorityError, CertificateError, InputError, RefusedError, TwinError
from twin.files import is_plain
from twin.formats.plan import read_plan_file
from twin.gate.certificate import Approval, Authority, PublicKey, objection
from twin.gate.verdict import Verdict, risk_tier
from twin.model import Frozen
from twin.plan import Plan
from twin.policy import RiskTier
from twin.printed import utc
from twin.store import TwinStore

from .charter import Register
from .events import ApprovalGiven, RunFinished
from .files import JOURNAL, PLAN, TWIN
from .history import SENSELESS, RunHistory, read_history
from .journal import Clock, Journal
from .ownership import own
from .runs import list_runs

_SHORTEST = 6  # characters of a plan's hash that name it
_LEEWAY = timedelta(minutes=1)  # by which the clocks of people's machines may differ
_MOST = 1_000  # plans that wait at once


class Signer(Protocol):
    """What a person signs with: a key of their own, or a passkey."""

    @property
    def public(self) -> PublicKey:
        """What they are known by."""
        ...

    def approve(self, approval: Approval) -> Approval:
        """Return a decision with its signature on it."""
        ...


class Pending(Frozen):
    """A plan that waits for people."""

    run: str
    folder: str
    network: str
    plan: str = Field(description="Plan hash.")
    goal: str
    does: str = Field(default="", description="What its steps do, in words.")
    steps: int
    tier: RiskTier
    asked: int = Field(description="People who have to approve; 0 when it may not be executed at all.")
    approved: tuple[str, ...] = Field(description="People who have, and whose approval counts.")
    since: datetime
    expires: datetime
    expired: bool
    refused: str = Field(default="", description="Why nothing can be decided, when the home says otherwise of it.")


@dataclass(frozen=True)
class Decided:
    """What became of a decision: whether the run may go on now, what it still waits for if not, and the run's trace."""

    folder: Path
    goes_on: bool
    waits_for: int = 0
    trace: str = ""


def pending(runs: Path, now: datetime, home: Path | None = None) -> tuple[Pending, ...]:
    """Return every plan that waits in a folder of runs, the oldest first; records that cannot be read are left out."""
    found: list[Pending] = []
    for past in _waiting(runs):
        try:
            found.append(_pending(past, now, Register(home or home_folder(), past.started.run)))
        except (TwinError, *SENSELESS):
            continue
    return tuple(sorted(found, key=lambda one: (one.since, one.run)))


def _waiting(runs: Path) -> Iterator[RunHistory]:
    for entry in list_runs(runs, outcome="awaiting approval", top=_MOST):
        try:
            past = read_history(runs / entry.run)
        except (TwinError, *SENSELESS):  # one bad run never spoils a listing
            continue
        if past.waits is not None:
            yield past


def _pending(past: RunHistory, now: datetime, register: Register) -> Pending:
    try:
        register.known(past)
    except AuthorityError as error:
        return describe(past, now).model_copy(update={"approved": (), "refused": str(error)})
    return describe(past, now, register.authority)


def find_waiting(runs: Path, name: str) -> Path:
    """Return the folder of the run that waits, by its name, its folder, or the first characters of its plan's hash.

    Raises `InputError` when nothing, or more than one thing, has that name.
    """
    if is_plain(runs / name / JOURNAL):
        return runs / name
    if is_plain(Path(name) / JOURNAL):
        return Path(name)
    waiting = _waiting(runs) if len(name) >= _SHORTEST else ()
    paths = [
        past.folder
        for past in waiting
        if past.plan_and_verdict is not None and past.plan_and_verdict[0].hash.startswith(name)
    ]
    if len(paths) != 1:
        what = "several plans are" if paths else "no run or plan that waits is"
        raise InputError(f"{what} called {name!r}", fix="`twinops approve` lists what waits")
    return paths[0]


def describe(past: RunHistory, now: datetime, authority: Authority | None = None) -> Pending:
    """Describe the plan that a run waits with, with the approvals that count, or, without authority, all on record.

    Raises `InputError` when it waits for nobody.
    """
    plan, verdict = _plan_and_verdict(past)
    given = counting(past, authority) if authority else _approvals(past)
    waits, since = past.waits or 0, _since(past)
    expires = since + timedelta(hours=past.started.policy.approval_hours)
    return Pending(
        run=past.started.run,
        folder=str(past.folder),
        network=past.started.network,
        plan=plan.hash,
        goal=plan.goal,
        does=plan_words(plan.steps),
        steps=len(plan.steps),
        tier=risk_tier(plan, verdict, past.started.policy),
        asked=waits,
        approved=tuple(x.who for x in given),
        since=since,
        expires=expires,
        expired=now >= expires,
    )


def decide(  # noqa: PLR0913 - who decides what, where, and when
    folder: Path,
    decision: Literal["approve", "reject"],
    *,
    who: str,
    key: Signer,
    clock: Clock,
    home: Path | None = None,
    reason: str = "",
    agree: Callable[[], bool] = lambda: True,
) -> Decided:
    """Put a person's decision on the record of a run that waits.

    `agree` is asked last, with nothing written yet; a no leaves everything as it is and raises `RefusedError`. A
    rejection ends the run. Raises `InputError` when the run waits for nobody, `AuthorityError` when the operator's home
    says otherwise of it, `CertificateError` when the plan was edited, the twin has moved on, too much time has passed,
    this person or key has decided already, or may not decide on this, and `StoreBusyError` when somebody works on it.
    """
    with own(folder):
        past = read_history(folder)
        register = Register(home or home_folder(), past.started.run)
        require_waiting(past, register, clock())
        given = key.approve(decision_on(past, decision, who=who, now=clock(), reason=reason))
        against = objection(given, _tier(past), past.started.policy, register.authority)
        if against is not None:
            raise CertificateError(against, fix="have it decided by somebody who may")
        counted = counting(past, register.authority)
        if decision == "approve":
            _require_other_person(counted, who, key)
        if not agree():
            raise RefusedError("nothing was decided", fix="run the command again when you are sure")
        witness = register.witness(past.started)
        with Journal.reopen(folder / JOURNAL, past.reading, clock=clock, listener=witness) as journal:
            journal.append(ApprovalGiven(approval=given))
            if decision == "reject":
                journal.append(_rejected(past, who, reason))
        left = (past.waits or 0) - len(counted) - 1
        return Decided(folder, decision == "approve" and left <= 0, max(left, 0), past.started.trace)


def may_go_on(past: RunHistory, authority: Authority) -> bool:
    """Whether as many people as a run waits for have approved its plan, and may.

    Raises `CertificateError` when they would be enough, but somebody's approval does not count.
    """
    asked, given = past.waits or 0, _approvals(past)
    enough = len(counting(past, authority)) >= asked > 0
    if not enough and len(given) >= asked > 0:
        objections = (objection(x, _tier(past), past.started.policy, authority) for x in given)
        why = next((x for x in objections if x is not None), "the same person approved twice")
        raise CertificateError(why, fix="have it approved by somebody who may")
    return enough


def counting(past: RunHistory, authority: Authority) -> tuple[Approval, ...]:
    """The approvals of the plan that was judged last which count: one of each person, and of each key."""
    counted: list[Approval] = []
    for given in _approvals(past):
        new = given.who not in {x.who for x in counted} and given.key not in {x.key for x in counted}
        if new and objection(given, _tier(past), past.started.policy, authority) is None:
            counted.append(given)
    return tuple(counted)


def require_waiting(past: RunHistory, register: Register, now: datetime) -> None:
    """Make sure that the plan which a run waits with may still be approved. Raises as `decide` does."""
    register.known(past)
    waiting = describe(past, now)
    plan, _ = _plan_and_verdict(past)
    if waiting.asked == 0:
        raise RefusedError(
            f"{past.started.run}: the plan is a suggestion only, {past.finished.because if past.finished else ''}",
            fix="make the twin agree with the network first",
        )
    if now < waiting.since - _LEEWAY:  # on such a clock nothing would ever be too old
        raise CertificateError(
            f"the plan waits since {utc(waiting.since)}, and by this machine's clock it is {utc(now)}",
            fix="set the clock that is wrong, and decide again: nothing was decided",
        )
    if waiting.expired:
        raise CertificateError(
            f"the plan has waited too long: it expired at {utc(waiting.expires)}, it is {utc(now)}",
            fix="run again: traffic has moved",
        )
    on_file = read_plan_file(past.folder / PLAN, below=past.folder)
    if on_file.plan.hash != plan.hash:
        raise CertificateError(
            f"{past.folder / PLAN} was edited: it is not the plan that was verified", fix="run again, or restore it"
        )
    with TwinStore.open(past.folder / TWIN) as store:
        current = store.current
        on_file.require_way_back(store.load_snapshot(plan.base))
    if current != plan.base:
        raise CertificateError(
            f"the twin has moved on from snapshot {plan.base} to {current}", fix="run again on the current snapshot"
        )


def decision_on(
    past: RunHistory, decision: Literal["approve", "reject"], *, who: str, now: datetime, reason: str
) -> Approval:
    """Write down a person's decision on the plan that a run waits with, to be signed.

    Raises `InputError` when none waits.
    """
    plan, _ = _plan_and_verdict(past)
    return Approval(
        who=who,
        role="person",
        decision=decision,
        plan=plan.hash,
        snapshot=plan.base,
        policy=past.started.policy.hash,
        run=past.started.run,
        time=now,
        reason=reason,
    )


def _tier(past: RunHistory) -> RiskTier:
    plan, verdict = _plan_and_verdict(past)
    return risk_tier(plan, verdict, past.started.policy)


def _approvals(past: RunHistory) -> tuple[Approval, ...]:
    plan, _ = _plan_and_verdict(past)
    asked = (plan.hash, plan.base)
    return tuple(x for x in past.approvals if x.decision == "approve" and (x.plan, x.snapshot) == asked)


def _require_other_person(counted: Sequence[Approval], who: str, key: Signer) -> None:
    for given in counted:
        if given.who == who or given.key == key.public.hex:
            raise CertificateError(
                f"{given.who} has approved already; a second approval is for another person with another key",
                fix="ask somebody else",
            )


def _plan_and_verdict(past: RunHistory) -> tuple[Plan, Verdict]:
    if past.plan_and_verdict is None or past.waits is None:
        done = past.finished.outcome if past.finished else "it has not ended"
        raise InputError(f"run {past.started.run} waits for nobody: {done}", fix="`twinops approve` lists what waits")
    return past.plan_and_verdict


def _since(past: RunHistory) -> datetime:
    return [x.time for x in past.reading.records if isinstance(x.event, RunFinished)][-1]


def _rejected(past: RunHistory, who: str, reason: str) -> RunFinished:
    assert past.finished is not None  # noqa: S101  it waits
    words = f"{who} rejected the plan{f': {reason}' if reason else ''}; nothing was changed"
    return past.finished.model_copy(update={"outcome": "rejected", "because": words, "waits_for": None})
