"""Who decided what in a run, on which evidence, and whether its record can be trusted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from tools.handover import Decision
from twin.certificate import Certificate, PublicKey, SigningKey
from twin.errors import JournalError, TwinError
from twin.live.recorded import Applied, read_record
from twin.model import Frozen
from twin.plan import Change

from .approvers import public_key_of
from .events import (
    ApprovalGiven,
    CertificateIssued,
    Event,
    ExecutionStep,
    RunFinished,
    RunResumed,
    StageFinished,
    StopRequested,
    ToolReturned,
    VerdictReached,
)
from .past import Past, read_past
from .scene import LIVE
from .wording import sentence

Standing = Literal["holds", "does not hold", "not checked"]


class Entry(Frozen):
    """One thing that somebody decided or did."""

    record: int = Field(description="Number of the journal's line, from 1.")
    time: str
    who: str = Field(description="The driver, a role, a person, the gate or the executor.")
    what: str
    because: str
    evidence: tuple[str, ...] = Field(default=(), description="Tools that had answered, checks, or signatures.")


class AuditReport(Frozen):
    """What the record of a run proves."""

    run: str
    records: int
    head: str = Field(description="Hash of the last record: keep it elsewhere.")
    chain: Standing = Field(description="Whether every record follows the one before it, unaltered.")
    expected_head: Standing = Field(description="Whether the head is the one that was kept elsewhere.")
    torn: bool
    outcome: str
    certificate: Standing = Field(description="Whether the certificate is signed by the key of this place.")
    approvals: Standing = Field(description="Whether every person's approval is signed by the key they are known by.")
    effects: Standing = Field(description="Whether the network went through exactly the changes on record.")
    changes: tuple[str, ...] = Field(description="What the network says was done to it, in order.")
    trail: tuple[Entry, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing that was checked fails to hold."""
        checked = (self.chain, self.expected_head, self.certificate, self.approvals, self.effects)
        return "does not hold" not in checked


def audit_run(folder: Path, *, home: Path, head: str | None = None) -> AuditReport:
    """Verify the record of a run and tell who decided what.

    `home` holds the keys to check signatures against, `head` is the hash that was kept elsewhere, of which the first
    eight digits or more are enough. Raises `InputError` when there is no run, `JournalError` that names the first
    record which was altered, removed or reordered.
    """
    past = read_past(folder)
    if head is not None and len(head) < _SHORTEST:
        raise JournalError(f"{head!r} is too short to tell one record from another", fix="give 8 digits or more")
    applied = _applied(folder)
    return AuditReport(
        run=past.started.run,
        records=len(past.reading.records),
        head=past.reading.head,
        chain="holds",
        expected_head="not checked" if head is None else _standing(past.reading.head.startswith(head.lower())),
        torn=past.reading.torn,
        outcome=past.finished.outcome if past.finished else "unfinished",
        certificate=_certified(past, home),
        approvals=_approved(past, home),
        effects=_standing(_matches(past, applied)) if applied is not None else "not checked",
        changes=tuple(sentence(change) for change in applied or ()),
        trail=tuple(_trail(past)),
    )


_SHORTEST = 8


def _standing(holds: bool) -> Standing:
    return "holds" if holds else "does not hold"


def _applied(folder: Path) -> list[Change] | None:
    if not (folder / LIVE).is_file():
        return None
    return [entry.change for entry in read_record(folder / LIVE) if isinstance(entry, Applied)]


def _matches(past: Past, applied: list[Change]) -> bool:
    """Whether the changes the network went through are those that were announced, but perhaps the very last one."""
    announced = [
        x.change
        for x in past.events
        if isinstance(x, ExecutionStep) and x.change is not None and (x.action == "apply" or _begins_undo(x))
    ]
    if applied == announced:
        return True
    return past.finished is None and applied == announced[:-1]


def _begins_undo(step: ExecutionStep) -> bool:
    return step.action == "roll back" and "is undone" not in step.detail


def _certified(past: Past, home: Path) -> Standing:
    issued = [x for x in past.events if isinstance(x, CertificateIssued)]
    if not issued or not (home / "signing.key").is_file():
        return "not checked"
    public = SigningKey.load(home / "signing.key").public
    return _standing(all(_signed(public, Certificate.model_validate(x.certificate)) for x in issued))


def _signed(public: PublicKey, certificate: Certificate) -> bool:
    return public.signed(certificate.payload, certificate.signature)


def _approved(past: Past, home: Path) -> Standing:
    if not past.approvals:
        return "not checked"
    try:
        known = [(x, public_key_of(home, x.who)) for x in past.approvals]
    except TwinError:
        return "not checked"
    return _standing(all(x.is_signed and x.key == public.hex for x, public in known))


def _trail(past: Past) -> Iterator[Entry]:
    shown: list[str] = []
    for record in past.reading.records:
        event = record.event
        if isinstance(event, ToolReturned):
            shown.append(event.tool if event.ok else f"{event.tool} (refused: {event.error})")
            continue
        told = _told(event, tuple(dict.fromkeys(shown)))
        if told is not None:
            who, what, because, evidence = told
            yield Entry(
                record=record.seq + 1,
                time=f"{record.time:%F %T}",
                who=who,
                what=what,
                because=because,
                evidence=evidence,
            )
        if isinstance(event, StageFinished):
            shown.clear()


def _told(event: Event, shown: tuple[str, ...]) -> tuple[str, str, str, tuple[str, ...]] | None:
    match event:
        case StageFinished():
            return _stage(event, shown)
        case VerdictReached():
            checks = tuple(f"{check.name} {'passed' if check.passed else 'failed'}" for check in event.verdict.checks)
            return "gate", f"plan {event.plan.hash} {'passed' if event.passed else 'failed'}", event.plan.goal, checks
        case CertificateIssued():
            certificate = Certificate.model_validate(event.certificate)
            signed = tuple(f"approved by {x.who}" for x in certificate.approvals)
            return "operator", f"certified plan {event.plan}", f"{certificate.tier} risk", signed
        case ApprovalGiven():
            given = event.approval
            return given.who, f"{given.decision} of plan {given.plan}", given.reason, (f"key {given.key[:16]}",)
        case ExecutionStep():
            change = f": {sentence(event.change)}" if event.change else ""
            return "executor", f"{event.action}, step {event.step} of {event.of}{change}", event.detail, ()
        case StopRequested():
            return "user", "told the run to stop", "", ()
        case RunResumed():
            return "user", "took the run up again", f"{event.records} records were there", ()
        case RunFinished():
            return "driver", f"ended: {event.outcome}", event.because, ()
        case _:
            return None


def _stage(event: StageFinished, shown: tuple[str, ...]) -> tuple[str, str, str, tuple[str, ...]]:
    who = {"observe": "monitoring", "diagnose": "diagnosis", "plan": "planning", "verify": "verification"}
    what = f"{event.stage} -> {event.next}"
    if isinstance(event.handover, Decision):
        what = f"{'approved' if event.handover.approved else 'rejected'} plan {event.handover.plan}, {what}"
    words = getattr(event.handover, "explanation", "") or getattr(event.handover, "reasons", "")
    because = f"{event.because}. {words}" if isinstance(words, str) and words else event.because
    return who.get(event.stage, "driver"), what, because, shown
