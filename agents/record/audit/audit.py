"""What the record of a run proves: each question is answered with holds, broken, or cannot be told.

*Broken* is a contradiction that somebody made; *cannot be told* is a question for which this place lacks what it takes,
such as the key of another place. Only a run of which everything holds is sound.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from agents.record.charter import Register
from agents.record.history import RunHistory, read_history
from agents.wording import sentence
from twin.errors import InputError, JournalError
from twin.model import Frozen

from .answers import Answer, Finding, approvals_by, certificate_of, head_of, judgement_of, start_of
from .effects import Effects, effects_of
from .trail import TrailEntry, trail_of

__all__ = ["QUESTIONS", "AuditReport", "audit_run"]

QUESTIONS: Mapping[str, str] = {
    "chain": "chain of the records",
    "start": "start as this place gave it",
    "expected_head": "head, as it was kept elsewhere",
    "certificate": "certificate's signature",
    "judgement": "certificate, verdict and plan agree",
    "approvals": "people's signatures",
    "effects": "changes to the network are those certified",
}


class AuditReport(Frozen):
    """What the record of a run proves."""

    run: str
    records: int
    head: str = Field(description="Hash of the last record: keep it elsewhere.")
    chain: Finding = Field(description="Whether every record follows the one before it, byte for byte as written.")
    start: Finding = Field(description="Whether policy, budget and goal are those that this place started it with.")
    expected_head: Finding = Field(description="Whether it ends where this place, and whoever gave a head, saw it end.")
    certificate: Finding = Field(description="Whether every certificate is signed by the key of this place.")
    judgement: Finding = Field(description="Whether certificate, verdict, decision and plan are about the same.")
    approvals: Finding = Field(
        description="Whether as many people as asked for approved, by the keys they are known by."
    )
    effects: Finding = Field(description="Whether the network went through the certified steps, within their time.")
    reasons: Mapping[str, str] = Field(description="Why, for each question that is not answered with holds.")
    torn: bool
    outcome: str
    changes: tuple[str, ...] = Field(description="What the network says was done to it, in order.")
    trail: tuple[TrailEntry, ...]

    @property
    def findings(self) -> Mapping[str, Finding]:
        """The answer to each question."""
        return {question: getattr(self, question) for question in QUESTIONS}

    @property
    def sound(self) -> bool:
        """Whether everything holds."""
        return all(finding == "holds" for finding in self.findings.values())

    @property
    def broken(self) -> bool:
        """Whether anything is contradicted."""
        return "broken" in self.findings.values()


def audit_run(folder: Path, *, home: Path, head: str | None = None) -> AuditReport:
    """Hold the record of a run against the operator's home and the network's own record, and tell who decided what.

    `home` holds keys, people, and what each run was started with; `head` is the hash that was kept elsewhere, 64 hex
    digits. Raises `InputError` when there is no run, or the head is none.
    """
    if head is not None and not re.fullmatch(r"[0-9a-f]{64}", head):
        raise InputError("--head takes the whole hash, 64 hex digits", fix="give it as `audit` printed it")
    try:
        past = read_history(folder)
    except JournalError as error:
        return _unreadable(folder, str(error))
    charter = Register(home, past.started.run).read()
    effects = effects_of(past)
    answers = {
        "chain": Answer("cannot be told", "the last line was cut off") if past.reading.torn else Answer("holds"),
        "start": start_of(past, charter),
        "expected_head": head_of(past, charter, head),
        "certificate": certificate_of(past, home),
        "judgement": judgement_of(past),
        "approvals": approvals_by(past, Register(home, past.started.run).authority.person),
        "effects": effects.answer,
    }
    return _report(past, answers, effects)


def _report(past: RunHistory, answers: Mapping[str, Answer], effects: Effects) -> AuditReport:
    findings: dict[str, Finding] = {question: answer.finding for question, answer in answers.items()}
    return AuditReport(
        run=past.started.run,
        records=len(past.reading.records),
        head=past.reading.head,
        **findings,
        reasons={question: answer.because for question, answer in answers.items() if answer.because},
        torn=past.reading.torn,
        outcome=past.finished.outcome if past.finished else "unfinished",
        changes=tuple(sentence(change) for change in effects.made),
        trail=tuple(trail_of(past)),
    )


def _unreadable(folder: Path, because: str) -> AuditReport:
    untold = "the record cannot be trusted"
    findings: dict[str, Finding] = {x: "broken" if x == "chain" else "cannot be told" for x in QUESTIONS}
    return AuditReport(
        run=folder.name,
        records=0,
        head="",
        **findings,
        reasons={question: because if question == "chain" else untold for question in QUESTIONS},
        torn=False,
        outcome="unknown",
        changes=(),
        trail=(),
    )
