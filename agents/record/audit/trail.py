"""Who decided what in a run, and what they had before them."""

from collections.abc import Iterator

from pydantic import Field

from agents.record.events import (
    ApprovalGiven,
    CalendarRead,
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
from agents.record.history import RunHistory
from agents.wording import sentence
from tools.box.handover import Decision
from twin.gate.certificate import Certificate
from twin.model import Frozen


class TrailEntry(Frozen):
    """One thing that somebody decided or did."""

    record: int = Field(description="Number of the journal's line, from 1.")
    time: str
    who: str = Field(description="The driver, a role, a person, the gate or the executor.")
    what: str
    because: str
    evidence: tuple[str, ...] = Field(default=(), description="Tools that had answered, checks, or signatures.")


def trail_of(past: RunHistory) -> Iterator[TrailEntry]:
    """Tell what was decided and done, in order, each with the tools that had answered before it."""
    shown: list[str] = []
    for record in past.reading.records:
        event = record.event
        if isinstance(event, ToolReturned):
            shown.append(event.tool if event.ok else f"{event.tool} (refused: {event.error})")
            continue
        told = _told(event, tuple(dict.fromkeys(shown)))
        if told is not None:
            who, what, because, evidence = told
            yield TrailEntry(
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
        case CalendarRead():
            return "calendar", event.words, "", tuple(x.name for x in event.works)
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
