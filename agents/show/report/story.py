"""A run's records, retold: what was seen, what was thought, what was decided and what was done."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from agents.record.claims import Claims, check_claims
from agents.record.events import (
    CalendarRead,
    CertificateIssued,
    ChatAnswered,
    ChatMessage,
    ChatRequested,
    Event,
    ExecutionStep,
    LoadsTaken,
    Noted,
    PlanRendered,
    QuestionAnswered,
    QuestionAsked,
    RunFinished,
    RunStarted,
    StageFinished,
    StageStarted,
    ToolCalled,
    ToolReturned,
    VerdictReached,
    WindowRehearsed,
)
from agents.record.journal import Record
from agents.show.gists import gist
from agents.wording import arguments, duration, sentence, share
from tools.box.handover import Decision, Diagnosis, Incident, NoPlan, PlanSubmission
from twin.errors import JournalError
from twin.files import parse_json
from twin.gate.verdict import Verdict
from twin.untrusted import visible

_LONGEST = 12_000  # characters of one text that the page shows; the journal holds all of it


class Round(NamedTuple):
    """One plan: as submitted, as judged by the gate, as decided by verification, and whether it was undone."""

    number: int
    submission: PlanSubmission | None
    verdict: Verdict | None
    decision: Decision | None
    taken_back: bool = False

    @property
    def standing(self) -> str:
        """What became of it in a word; empty while nobody has decided."""
        if self.decision is None:
            return ""
        return "taken back" if self.taken_back else "approved" if self.decision.approved else "rejected"


class Turn(NamedTuple):
    """One line of the conversation; `folded` is shown on request."""

    seconds: float
    who: str
    kind: str
    text: str
    folded: str = ""
    note: str = ""


@dataclass(frozen=True)
class Story:
    """Everything that the records of one run say, in the order of a reader's questions."""

    started: RunStarted
    finished: RunFinished | None
    incident: Incident | None
    diagnosis: Diagnosis | None
    rounds: tuple[Round, ...]
    no_plan: NoPlan | None
    loads: dict[str, LoadsTaken]
    certificate: CertificateIssued | None
    rendered: PlanRendered | None
    execution: tuple[ExecutionStep, ...]
    stages: tuple[StageFinished, ...]
    claims: Claims
    seconds: float
    records: Sequence[Record]

    @property
    def outcome(self) -> str:
        """How the run ended; `unfinished` when its record stops before it did."""
        return self.finished.outcome if self.finished else "unfinished"

    @property
    def applied(self) -> Round | None:
        """The round whose plan was certified, None when none was."""
        wanted = self.certificate.plan if self.certificate else None
        hits = [r for r in self.rounds if r.submission is not None and r.submission.plan.hash == wanted]
        return hits[-1] if hits else None

    @cached_property
    def turns(self) -> tuple[Turn, ...]:
        """The conversation, line by line; a summary does not wait for it."""
        return _turns(self.records)


def tell(records: Sequence[Record]) -> Story:
    """Order a run's records into a story. Raises `JournalError` when they do not begin with the start of a run."""
    events = [record.event for record in records]
    if not events or not isinstance(events[0], RunStarted):
        raise JournalError("the journal holds no start of a run", fix="name the folder of a run")
    stages = tuple(event for event in events if isinstance(event, StageFinished))
    handovers = [stage.handover for stage in stages]
    certificates = [event for event in events if isinstance(event, CertificateIssued)]
    finished = [event for event in events if isinstance(event, RunFinished)]
    return Story(
        started=events[0],
        finished=finished[-1] if finished else None,
        incident=next((h for h in reversed(handovers) if isinstance(h, Incident)), None),
        diagnosis=next((h for h in reversed(handovers) if isinstance(h, Diagnosis)), None),
        rounds=_rounds(records),
        no_plan=next((h for h in reversed(handovers) if isinstance(h, NoPlan)), None),
        loads={event.moment: event for event in events if isinstance(event, LoadsTaken)},
        certificate=certificates[-1] if certificates else None,
        rendered=next((event for event in reversed(events) if isinstance(event, PlanRendered)), None),
        execution=tuple(event for event in events if isinstance(event, ExecutionStep)),
        stages=stages,
        claims=check_claims(records),
        seconds=(records[-1].time - records[0].time).total_seconds(),
        records=records,
    )


def _rounds(records: Sequence[Record]) -> tuple[Round, ...]:
    found: dict[int, Round] = {}
    for record in records:
        event = record.event
        if isinstance(event, VerdictReached):
            known = found.get(event.round, _empty(event.round))
            if known.submission is None or known.submission.plan.hash == event.plan.hash:  # else of a part of it
                found[event.round] = known._replace(verdict=event.verdict)
        if isinstance(event, StageFinished) and isinstance(event.handover, PlanSubmission):
            number = event.handover.round
            found[number] = found.get(number, _empty(number))._replace(submission=event.handover)
        if isinstance(event, StageFinished) and isinstance(event.handover, Decision):
            known = found.get(event.round, _empty(event.round))
            verdict = event.handover.verdict or known.verdict
            undone = event.stage == "roll back"
            found[event.round] = known._replace(decision=event.handover, verdict=verdict, taken_back=undone)
    return tuple(found[number] for number in sorted(found))


def _empty(number: int) -> Round:
    return Round(number, None, None, None)


def _turns(records: Sequence[Record]) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    open_calls: dict[tuple[str, str], int] = {}  # a call's line is written when it is made and completed by its answer
    for record in records:
        event, at = record.event, (record.time - records[0].time).total_seconds()
        if isinstance(event, ToolReturned) and (event.role, event.id) in open_calls:
            position = open_calls.pop((event.role, event.id))
            turns[position] = _returned(event, turns[position])
            continue
        if isinstance(event, ToolCalled):
            open_calls[event.role, event.id] = len(turns)
        turns += _turn(event, at)
    return tuple(turns)


def _turn(event: Event, at: float) -> list[Turn]:  # noqa: C901 - one arm a kind of record
    match event:
        case StageStarted():
            number = f", plan {event.round}" if event.stage in ("plan", "verify") else ""
            return [Turn(at, event.role or "driver", "stage", f"{event.stage}{number}", note=event.role or "")]
        case StageFinished():
            return [Turn(at, "driver", "routed", f"next: {event.next}", note=event.because)]
        case ChatRequested():
            return [_asked(event, message, at) for message in event.messages if message.source in ("system", "driver")]
        case ChatAnswered():
            note = f"{event.model}, {event.input_tokens} tokens in, {event.output_tokens} out"
            return [Turn(at, event.role, "said", _cut(event.text), note=note)] if event.text.strip() else []
        case ToolCalled():
            call = f"{event.tool}({arguments(event.arguments)})"
            return [Turn(at, event.role, "called", call, note="never returned")]
        case ToolReturned():
            return [_returned(event, Turn(at, event.role, "called", f"{event.tool}(…)"))]
        case VerdictReached():
            failed = [check.name for check in event.verdict.checks if not check.passed]
            text = "verdict: safe" if event.passed else f"verdict: rejected on {', '.join(failed)}"
            return [Turn(at, "twin", "verdict", text)]
        case WindowRehearsed():
            verdict = "keeps the limits in every hour" if event.safe else "breaks a limit in some hour"
            return [Turn(at, "twin", "verdict", f"rehearsed in its window: {verdict}")]
        case ExecutionStep():
            done = f"step {event.step} of {event.of}: {event.action}"
            change = f", {sentence(event.change)}" if event.change else ""
            return [Turn(at, "executor", "executed", done + change, note=event.detail)]
        case QuestionAsked() | QuestionAnswered():
            return [_between(event, at)]
        case CalendarRead():
            return [Turn(at, "driver", "noted", visible(event.words))]
        case Noted():
            return [Turn(at, "driver", "noted", visible(event.text))]
        case LoadsTaken():
            text = f"{event.moment}: busiest {event.busiest or 'none'} at {share(event.max_utilisation)}"
            return [Turn(at, event.source, "noted", text)]
        case _:
            return []


def _asked(event: ChatRequested, message: ChatMessage, at: float) -> Turn:
    if message.source == "system":
        return Turn(at, event.role, "asked", "reads its prompt", _cut(message.text), f"version {event.prompt}")
    return Turn(at, "driver", "asked", f"gives {event.role} its task", _cut(message.text))


def _between(event: QuestionAsked | QuestionAnswered, at: float) -> Turn:
    if isinstance(event, QuestionAnswered):
        return Turn(at, "operator", "noted", visible(f"answers: {event.choice} ({event.by})"))
    choices = " / ".join(event.question.choices)
    return Turn(at, event.role, "noted", visible(f"asks: {event.question.text} {choices}"))


def _returned(event: ToolReturned, call: Turn) -> Turn:
    cut = ", shortened for the model" if event.truncated else ""
    note = f"{gist(event.content) if event.ok else f'refused ({event.error})'}, {duration(event.seconds)}{cut}"
    return call._replace(kind="called" if event.ok else "refused", folded=_pretty(event.content), note=note)


def _pretty(content: str) -> str:
    try:
        return _cut(json.dumps(parse_json(content), indent=1, ensure_ascii=False))
    except ValueError:
        return _cut(content)


def _cut(text: str) -> str:
    shown = visible(text)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}\n… the rest is in journal.jsonl"
