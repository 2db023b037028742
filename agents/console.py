"""A run as it happens, on a terminal: who says what, which tool gave what, what the gate found, what was done.

Every line comes from the journal's records, after they are written. Nothing that a model or the network wrote is read
as markup or reaches the terminal as a control sequence.
"""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.status import Status
from rich.table import Table
from rich.text import Text

from .events import (
    CertificateIssued,
    ChatAnswered,
    ChatRequested,
    ExecutionStep,
    LoadsTaken,
    Noted,
    RunStarted,
    StageFinished,
    StageStarted,
    ToolCalled,
    ToolReturned,
    VerdictReached,
)
from .journal import Record
from .report.summary import Summary
from .tables import verdict_table
from .wording import (
    OUTCOMES,
    arguments,
    duration,
    fault_words,
    gist,
    mbps,
    one_line,
    sentence,
    share,
    visible,
)

STYLES = {"monitoring": "cyan", "diagnosis": "magenta", "planning": "blue", "verification": "yellow"}
_ENDS = {"resolved": "green", "healthy": "green", "no action needed": "green"}
_ACTIONS = {"agree": "green", "disagree": "red", "roll back": "yellow", "refused": "red"}
_PLAIN_WIDTH = 140  # of a file or a pipe


def console(stream: TextIO) -> Console:
    """A console that reads no markup; plain and wide where the stream is no terminal."""
    width = None if stream.isatty() else _PLAIN_WIDTH
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


class Screen:
    """Shows records on a stream, standard error unless told otherwise, with a line that says what is under way."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._console = console(stream or sys.stderr)
        self._status: Status | None = Status(Text(""), console=self._console) if self._console.is_terminal else None
        self._calls: dict[str, ToolCalled] = {}
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
            self._console.print(line, soft_wrap=isinstance(line, Text))

    def notice(self, text: str) -> None:
        """Print a line of our own that no record holds."""
        self._console.print(_says("note", Text(text, style="yellow")), soft_wrap=True)

    def progress(self, text: str) -> None:
        """Say what is under way without leaving a line behind; on no terminal, say nothing."""
        if self._status is not None:
            self._status.update(Text(f"{one_line(text, 100)}  {duration(time.monotonic() - self._began)}", style="dim"))

    def _lines(self, record: Record) -> list[RenderableType]:  # noqa: C901  one branch per kind of record
        match record.event:
            case RunStarted() as event:
                return _opening(event)
            case StageStarted() as event:
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
                return [Padding(verdict_table(event.verdict), (1, 2, 1, 4))]
            case LoadsTaken() as event:
                return [_says(event.source, Text(_loads(event), style="dim"))]
            case CertificateIssued() as event:
                return [_says("certificate", Text(f"issued for plan {event.plan} on snapshot {event.snapshot}"))]
            case ExecutionStep() as event:
                return [_says("executor", _step(event))]
            case StageFinished() as event:
                return [Text(f"  -> {event.next}: {one_line(event.because, 300)}", style="dim")]
            case Noted() as event:
                return [_says("note", Text(one_line(event.text, 400), style="yellow"))]
            case _:
                return []


def summary_panel(summary: Summary) -> Panel:
    """How a run ended, with the figures before and after."""
    style = _ENDS.get(summary.outcome, "yellow")
    grid = Table.grid(padding=(0, 2))
    for label, value in _closing(summary):
        grid.add_row(Text(label, style="dim"), Text(visible(value), overflow="fold"))
    title = Text(f" {summary.outcome} ", style=f"bold {style}")
    return Panel(grid, title=title, title_align="left", border_style=style, expand=False, padding=(1, 2))


def _closing(summary: Summary) -> list[tuple[str, str]]:
    figures = summary.figures
    rows = [("", OUTCOMES.get(summary.outcome, "")), ("because", one_line(summary.because, 300))]
    if figures.max_utilisation_before is not None:
        after = figures.max_utilisation_after
        rows.append(("busiest link", _before_after(share, figures.max_utilisation_before, after)))
    if figures.harm_before is not None:
        rows.append(("harm", _before_after(mbps, figures.harm_before, figures.harm_after)))
    rows.append(("cause found", fault_words(summary.cause)))
    if summary.truth is not None or summary.outcome != "unfinished":
        rows.append(("injected", fault_words(summary.truth)))
    for attempt in summary.attempts:
        judged = "passed" if attempt.passed else f"rejected: {', '.join(attempt.failed) or 'by verification'}"
        rows.append((f"plan {attempt.round}", f"{attempt.method}, {attempt.steps} steps, {judged}"))
    calls = f", {summary.model_calls} model calls, {summary.tool_calls} tool calls" if summary.model_calls else ""
    rows.append(("spent", f"{duration(summary.seconds)}{calls}"))
    return [
        *rows,
        ("run", f"{summary.network}, seed {summary.seed}: {summary.folder}"),
        ("report", summary.report or "none"),
    ]


def _before_after(write: Callable[[float | None], str], before: float, after: float | None) -> str:
    return write(before) if after is None else f"{write(before)} -> {write(after)}"


def _opening(event: RunStarted) -> list[RenderableType]:
    title = Text.assemble(
        ("twinops", "bold"), f"  {visible(event.network)}, seed {event.seed}, model {visible(event.model)}"
    )
    size = f"{event.nodes} nodes, {event.circuits} circuits, {event.history:.0f} h of telemetry, run {event.run}"
    return [title, Text(size, style="dim")]


def _heading(event: StageStarted) -> list[RenderableType]:
    number = f", plan {event.round}" if event.stage in ("plan", "verify") else ""
    heading = Text(f"\n── {event.stage}{number} ", style="bold")
    return [heading.append(event.role or "", style=STYLES.get(event.role or "", "dim"))]


def _says(who: str, text: Text) -> Text:
    return Text.assemble((f"  {who:<13}", STYLES.get(who, "dim")), text)


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
