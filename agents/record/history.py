"""What a run's record says of it: how it began, whether it ended, what waits, what it had spent."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tools.box.handover import Decision, Diagnosis, PlanSubmission, Question
from twin.errors import InputError, JournalError
from twin.files import is_plain
from twin.gate.certificate import Approval
from twin.gate.verdict import Verdict
from twin.plan import Plan

from .events import (
    ApprovalGiven,
    CertificateIssued,
    ChatAnswered,
    Event,
    Figures,
    LoadsTaken,
    QuestionAnswered,
    RunFinished,
    RunResumed,
    RunStarted,
    StageFinished,
    StopRequested,
    ToolReturned,
    VerdictReached,
)
from .files import JOURNAL
from .records import Record, RecordsRead, read_journal

CANCELLED = "call-cancelled"
SENSELESS = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError)
"""What a record of sound form and no meaning can make of whoever tells it: somebody may have written it by hand."""


@contextmanager
def understood(folder: Path) -> Generator[None]:
    """Answer a record that makes no sense with a `JournalError`, where somebody else's folder is read."""
    try:
        yield
    except SENSELESS as error:
        words = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        raise JournalError(f"the record of {folder} makes no sense: {words}", fix="do not trust this folder") from error


@dataclass(frozen=True)
class RunHistory:
    """The record of one run, read."""

    folder: Path
    reading: RecordsRead
    started: RunStarted

    @property
    def events(self) -> tuple[Event, ...]:
        """What is on record."""
        return tuple(record.event for record in self.reading.records)

    @property
    def finished(self) -> RunFinished | None:
        """How it ended, None if it has not, or was taken up again since."""
        ends = [event for event in self.events if isinstance(event, RunFinished | RunResumed)]
        return ends[-1] if ends and isinstance(ends[-1], RunFinished) else None

    @property
    def waits(self) -> int | None:
        """How many people have to approve the plan it waits with, 0 for a mere suggestion; None if it does not wait."""
        done = self.finished
        return done.waits_for if done is not None and done.outcome == "awaiting approval" else None

    @property
    def question(self) -> Question | None:
        """The question that it waits to be answered, None if it does not wait for an answer."""
        done = self.finished
        return done.question if done is not None and done.outcome == "awaiting answer" else None

    @property
    def answer(self) -> QuestionAnswered | None:
        """The answer to that question, if it was given since."""
        asked = self.question
        return next((x for x in self.answers_given if asked and x.question == asked.id), None)

    @property
    def answers_given(self) -> tuple[QuestionAnswered, ...]:
        """What was answered to the questions of its roles."""
        return tuple(event for event in self.events if isinstance(event, QuestionAnswered))

    @property
    def approvals(self) -> tuple[Approval, ...]:
        """What people decided on its plan."""
        return tuple(event.approval for event in self.events if isinstance(event, ApprovalGiven))

    @property
    def plan_and_verdict(self) -> tuple[Plan, Verdict] | None:
        """The plan that was judged last, with what the gate found."""
        found = [event for event in self.events if isinstance(event, VerdictReached)]
        return (found[-1].plan, found[-1].verdict) if found else None

    @property
    def certified(self) -> Plan | None:
        """The plan that was certified, None when none was."""
        wanted = [event.plan for event in self.events if isinstance(event, CertificateIssued)]
        plans = [event.plan for event in self.events if isinstance(event, VerdictReached)]
        return next((plan for plan in plans if wanted and plan.hash == wanted[-1]), None)

    @property
    def diagnosis(self) -> Diagnosis | None:
        """What diagnosis found."""
        found = [x.handover for x in self.events if isinstance(x, StageFinished) and isinstance(x.handover, Diagnosis)]
        return found[-1] if found else None

    @property
    def reasons(self) -> str:
        """Why verification decided as it did, in its words."""
        found = [x.handover for x in self.events if isinstance(x, StageFinished) and isinstance(x.handover, Decision)]
        return found[-1].reasons if found else ""

    @property
    def rounds(self) -> int:
        """How many plans were submitted."""
        return sum(isinstance(x, StageFinished) and isinstance(x.handover, PlanSubmission) for x in self.events)

    @property
    def answers(self) -> tuple[ChatAnswered, ...]:
        """Every answer of a model."""
        return tuple(event for event in self.events if isinstance(event, ChatAnswered))

    @property
    def figures(self) -> Figures:
        """The figures that were measured and predicted."""
        taken = {event.moment: event for event in self.events if isinstance(event, LoadsTaken)}
        before, planned, after = (taken.get(x) for x in ("before", "planned", "after"))
        return Figures(
            harm_before=before.harm if before else None,
            harm_predicted=planned.harm if planned else None,
            harm_after=after.harm if after else None,
            max_utilisation_before=before.max_utilisation if before else None,
            max_utilisation_predicted=planned.max_utilisation if planned else None,
            max_utilisation_after=after.max_utilisation if after else None,
        )

    @property
    def worked_s(self) -> float:
        """Seconds of work on record: what passed between a record and a resumption does not count."""
        records = self.reading.records
        aside = (RunResumed, ApprovalGiven)
        return sum((b.time - a.time).total_seconds() for a, b in pairwise(records) if not isinstance(b.event, aside))

    @property
    def undisturbed(self) -> Sequence[Record]:
        """The records up to where somebody told the run to stop: only these come out the same again."""
        records = self.reading.records
        return next((records[:i] for i, record in enumerate(records) if _is_stop(record.event)), records)


def read_history(folder: Path) -> RunHistory:
    """Read what happened in a run.

    Raises `InputError` when there is none, or it was killed before its first record, `JournalError` when its record is
    broken.
    """
    if not is_plain(folder / JOURNAL):
        raise InputError(f"{folder} holds no run", fix="`twinops runs` lists them")
    reading = read_journal(folder / JOURNAL)
    if not reading.records:
        raise InputError(f"run {folder.name} was killed before its first record", fix="start it again")
    started = reading.records[0].event
    if not isinstance(started, RunStarted):
        raise JournalError(f"{folder / JOURNAL} does not begin with the start of a run", fix="restore it from a copy")
    return RunHistory(folder, reading, started)


def _is_stop(event: Event) -> bool:
    return (
        isinstance(event, StopRequested)
        or (isinstance(event, ToolReturned) and event.error == CANCELLED)
        or (isinstance(event, RunFinished) and event.outcome == "interrupted")
    )
