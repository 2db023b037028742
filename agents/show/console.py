"""A run as it happens, on a terminal: who says what, which tool gave what, what the gate found, what was done.

Every line comes from the journal's records, after they are written. Nothing that a model or the network wrote is read
as markup or reaches the terminal as a control sequence.
"""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self, TextIO

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from agents.record.events import (
    CalendarRead,
    CertificateIssued,
    ChatAnswered,
    ChatRequested,
    ExecutionStep,
    IncidentEnding,
    LoadsTaken,
    Noted,
    QuestionAnswered,
    QuestionAsked,
    RunStarted,
    StageFinished,
    StageStarted,
    ToolCalled,
    ToolReturned,
    VerdictReached,
)
from agents.record.journal import Record
from agents.wording import OUTCOMES, arguments, counted, duration, fault_words, mbps, sentence, share
from tools.box.handover import Decision, Diagnosis, Incident, NoPlan, PlanSubmission
from twin.execute.render import RenderedStep
from twin.faults.recommendation import Recommendation
from twin.untrusted import one_line, visible

from .framed import Framed, labelled
from .gists import gist
from .lines import Indented, WrappedText, widest_part
from .report.summary import Summary
from .tables import console, verdict_table

if TYPE_CHECKING:
    from rich.status import Status

STYLES = {"monitoring": "cyan", "diagnosis": "magenta", "planning": "blue", "verification": "yellow"}
_ENDS = {"resolved": "green", "relieved": "green", "healthy": "green", "no action needed": "green"} | {
    "done": "green",
    "scheduled": "green",
    "rehearsed": "green",
}
_ACTIONS = {"agree": "green", "disagree": "red", "roll back": "yellow", "refused": "red", "not made": "yellow"}
_SHOWN = 5  # symptoms, causes


class SpokenLine(NamedTuple):
    """A line with its speaker in the margin."""

    margin: Text
    text: Text


Line = RenderableType | SpokenLine


def _status(shown: Console) -> "Status | None":
    from rich.status import Status  # what spins is for runs, and a summary does not wait for it

    return Status(Text(""), console=shown) if shown.is_terminal else None


class Screen:
    """Shows records on a stream, standard error unless told otherwise, with a line that says what is under way."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._console = console(stream or sys.stderr)
        self._status = _status(self._console)
        self._calls: dict[str, ToolCalled] = {}
        self._role = "driver"  # whose stage it is
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def show(self, record: Record) -> None:
        """Print what a record says; give this to the journal as its listener."""
        for line in self._lines(record):
            self._print(line)

    def notice(self, text: str) -> None:
        """Print a line of our own that no record holds."""
        self._print(_says("note", Text(text, style="yellow")))

    def progress(self, text: str) -> None:
        """Say what is under way without leaving a line behind; on no terminal, say nothing."""
        if self._status is not None:
            self._status.update(Text(f"{one_line(text, 100)}  {duration(time.monotonic() - self._began)}", style="dim"))

    def _print(self, line: Line) -> None:
        spoken = isinstance(line, SpokenLine)
        if not spoken and not isinstance(line, Text):
            self._console.print(line)
        elif not self._console.is_terminal:  # one record, one line: made for grep
            self._console.print(line.margin + line.text if spoken else line, soft_wrap=True)
        else:
            self._console.print(_beside(line.margin, line.text, self._console.width) if spoken else WrappedText(line))

    def _lines(self, record: Record) -> list[Line]:  # noqa: C901  one branch per kind of record
        match record.event:
            case RunStarted() as event:
                return _opening(event)
            case StageStarted() as event:
                self._role = event.role or "driver"
                self.progress(event.stage)
                return _heading(event)
            case ChatRequested() as event:
                self.progress(f"{event.role} thinks ({event.model})")
                return []
            case ChatAnswered() as event:
                text = visible(event.text).strip()
                return [_says(event.role, Text(text))] if text else []
            case ToolCalled() as event:
                self._calls[event.id] = event
                self.progress(f"{event.role}: {event.tool}")
                return []
            case ToolReturned() as event:
                return [_says(event.role, _call(self._calls.pop(event.id, None), event))]
            case VerdictReached() as event:
                return [Text(""), Indented(verdict_table(event.verdict), 4), Text("")]
            case LoadsTaken() as event:
                return [_says(event.source, Text(_loads(event), style="dim"))]
            case CertificateIssued() as event:
                return [_says("certificate", Text(f"issued for plan {event.plan} on snapshot {event.snapshot}"))]
            case ExecutionStep() as event:
                return [_says("executor", _step(event))]
            case StageFinished() as event:
                routed = Text(f"  -> {event.next}: {one_line(event.because, 300)}", style="dim")
                return [*_handed_over(event, self._role), routed]
            case QuestionAsked(question=asked) as event:
                choices = " / ".join(one_line(x, 120) for x in asked.choices)
                return [_says(event.role, Text(f"asks: {one_line(asked.text, 400)} {choices}", style="yellow"))]
            case QuestionAnswered() as event:
                return [_says("operator", Text(f"answers: {one_line(event.choice, 120)} ({one_line(event.by, 80)})"))]
            case CalendarRead() as event:
                return [_says("note", Text(one_line(event.words, 400), style="yellow"))]
            case Noted() as event:
                return [_says("note", Text(one_line(event.text, 400), style="yellow"))]
            case _:
                return []


def summary_panel(summary: Summary) -> Framed:
    """How a run ended, with the figures before and after."""
    rows = [(Text(label, style="dim"), Text(visible(value))) for label, value in _closing(summary)]
    return labelled(summary.outcome, rows, style=_ENDS.get(summary.outcome, "yellow"))


def _closing(summary: Summary) -> list[tuple[str, str]]:
    figures = summary.figures
    rows = [("", OUTCOMES.get(summary.outcome, "")), ("because", one_line(summary.because, 300))]
    if figures.max_utilisation_before is not None:
        after = figures.max_utilisation_after
        rows.append(("busiest link", f"{_before_after(share, figures.max_utilisation_before, after)}, measured"))
    if figures.harm_before is not None:
        apart = f"; {mbps(summary.severed)} of it from or to what is down" if summary.severed > 0.5 else ""
        rows.append(("harm", f"{_before_after(mbps, figures.harm_before, figures.harm_after)}, measured{apart}"))
    if summary.goal is not None:
        rows.insert(1, ("asked for", one_line(summary.goal, 300)))
    else:
        rows.append(("cause found", fault_words(summary.cause)))
        if summary.site is None and (summary.truth is not None or summary.outcome != "unfinished"):
            rows.append(("injected", fault_words(summary.truth)))
    rows += [(f"incident {i}", _incident(x)) for i, x in enumerate(summary.incidents, 1)]
    rows += [(f"to do {x.urgency}", _to_do(x)) for x in summary.recommendations]
    rows += [
        ("advised", f"{one_line(x.action, 40)} at {one_line(x.element, 120)}: {one_line(x.why, 300)}")
        for x in summary.advice
    ]
    if summary.asked is not None:
        rows.append(("question", one_line(f"{summary.asked.text} {' / '.join(summary.asked.choices)}", 500)))
    for attempt in summary.attempts:
        judged = "passed" if attempt.passed else f"rejected: {', '.join(attempt.failed) or 'by verification'}"
        judged += ", taken back" if attempt.taken_back else ""
        rows.append((f"plan {attempt.round}", f"{attempt.method}, {counted(attempt.steps, 'steps')}, {judged}"))
    rows += [(f"step {x.step}", _typed(x)) for x in summary.lines]
    if summary.question:
        rows.append(("to be asked", one_line(summary.question, 400)))
    rows += [("unsupported", f"{x.words}, said by {x.who}: …{one_line(x.near)}…") for x in summary.unsupported]
    calls = f", {summary.model_calls} model calls, {summary.tool_calls} tool calls" if summary.model_calls else ""
    rows.append(("spent", f"{duration(summary.seconds)}{calls}"))
    rows += [("energy", summary.energy.words)] if summary.energy is not None else []
    return [
        *rows,
        ("run", f"{summary.network}, seed {summary.seed}: {summary.folder}"),
        ("report", summary.report or "none"),
    ]


def _typed(step: RenderedStep) -> str:
    """What to type in one step: the whole of it is in the report, and in `twinops render`."""
    if step.by_hand:
        return one_line(f"not written: {step.by_hand}", 300)
    typed = ((x.router, [*x.lines, *([x.when_kept] if x.keep else []), *x.keep]) for x in step.routers)
    return "\n".join(f"{router}: {' / '.join(line.strip() for line in lines)}" for router, lines in typed)


def _incident(ended: IncidentEnding) -> str:
    """What struck apart from the rest, what became of it, and how many plans serve it."""
    words = " and ".join(map(fault_words, ended.faults))
    served = f", {counted(len(ended.plans), 'plans')}" if ended.plans else ""
    return one_line(f"{ended.outcome}: {words}; {_before_after(mbps, *ended.harm)} harmed{served}", 400)


def _to_do(recommended: Recommendation) -> str:
    return one_line(f"{recommended.words}; done when {recommended.confirmed_by}", 400)


def _before_after(write: Callable[[float | None], str], before: float, after: float | None) -> str:
    return write(before) if after is None else f"{write(before)} -> {write(after)}"


def _opening(event: RunStarted) -> list[Line]:
    title = Text.assemble(
        ("twinops", "bold"), f"  {visible(event.network)}, seed {event.seed}, model {visible(event.model)}"
    )
    size = f"{counted(event.nodes, 'nodes')}, {counted(event.circuits, 'circuits')}, "
    size += f"{event.history:.0f} h of telemetry, run {event.run}"
    return [title, Text(size, style="dim")]


def _heading(event: StageStarted) -> list[Line]:
    number = f", plan {event.round}" if event.stage in ("plan", "verify") else ""
    heading = Text(f"\n── {event.stage}{number} ", style="bold")
    return [heading.append(event.role or "", style=STYLES.get(event.role or "", "dim"))]


def _handed_over(event: StageFinished, role: str) -> list[Line]:
    """What a stage hands over, in its role's words and the twin's figures."""
    match event.handover:
        case Incident() as incident:
            found = [_item(x.kind.replace("_", " "), x.detail) for x in incident.symptoms[:_SHOWN]]
            more = len(incident.symptoms) - _SHOWN
            return [*_words(role, incident.explanation), *found, *([_item(f"and {more} more")] if more > 0 else [])]
        case Diagnosis() as diagnosis:
            causes = [_item(f"{100 * x.probability:5.1f} %  {fault_words(x.fault)}") for x in diagnosis.causes[:_SHOWN]]
            return [*_words(role, diagnosis.explanation), *causes]
        case PlanSubmission() as submission:
            steps = [_item(f"{i}. {sentence(step)}") for i, step in enumerate(submission.plan.steps, start=1)]
            return [*_words(role, submission.explanation), *steps]
        case NoPlan() as none:
            return [*_words(role, none.explanation), *(_item(reason) for reason in none.reasons)]
        case Decision() as decision:
            return _words(role, decision.reasons)
        case _:
            return []


def _words(role: str, text: str) -> list[Line]:
    return [_says(role, Text(one_line(text, 600), style="italic"))] if text else []


def _item(text: str, detail: str = "") -> SpokenLine:
    item = Text(f"- {one_line(text, 200)}")
    return SpokenLine(Text(" " * 15), item.append(f"  {one_line(detail, 200)}", style="dim") if detail else item)


def _beside(margin: Text, text: Text, width: int) -> RenderableType:
    """A text beside its margin; below it where the rest of the line has no room for a name."""
    if margin.cell_len + 1 + widest_part(text.plain) > width:
        return Group(*([margin] if margin.plain.strip() else []), Indented(WrappedText(text), 4))
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_row(margin, WrappedText(text))
    return grid


def _says(who: str, text: Text) -> SpokenLine:
    return SpokenLine(Text(f"  {who:<13}", style=STYLES.get(who, "dim")), text)


def _call(call: ToolCalled | None, event: ToolReturned) -> Text:
    asked = Text(f"{event.tool}({arguments(call.arguments) if call else ''})", style="bold")
    if not event.ok:
        return asked.append(f"  refused ({event.error}): {one_line(event.content, 200)}", style="red")
    return asked.append(f"  {gist(event.content)}", style="default not bold").append(
        f"  {duration(event.seconds)}", style="dim not bold"
    )


def _loads(event: LoadsTaken) -> str:
    return (
        f"{event.moment}: busiest {event.busiest or 'none'} at {share(event.max_utilisation)}, harm {mbps(event.harm)}"
    )


def _step(event: ExecutionStep) -> Text:
    text = Text(f"step {event.step}/{event.of} ").append(event.action, style=_ACTIONS.get(event.action, "bold"))
    if event.change is not None:
        text.append(f" {sentence(event.change)}")
    if event.predicted_utilisation is not None and event.measured_utilisation is not None:
        text.append(f" predicted {share(event.predicted_utilisation)}, measured {share(event.measured_utilisation)}")
    return text.append(f"  {one_line(event.detail, 200)}", style="dim")
