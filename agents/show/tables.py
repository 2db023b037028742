"""Results on a terminal. Everything is plain text to rich: no markup of ours or of others is read."""

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from agents.wording import against, capacity, mbps, milliseconds, share, short, where
from twin.untrusted import visible

from .fitted import Fitted

if TYPE_CHECKING:  # a list of runs does not wait for the simulator
    from twin.gate.verdict import Verdict
    from twin.study.demands import DemandCase
    from twin.study.failures import Study
    from twin.study.window import Window

_PLAIN_WIDTH = 140  # of a file or a pipe
_NARROWEST = 20
_FULL = 1.0


class _Unsteered(Console):
    """A console whose every text is made visible at the last moment, whoever wrote it and wherever it comes from."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as a console does; what would steer the terminal or hide in it is replaced."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else visible(text), style, control)


def console(stream: TextIO) -> Console:
    """A console that reads no markup; where the stream is no terminal, as wide as COLUMNS says, or plain and wide."""
    asked = os.environ.get("COLUMNS", "")
    width = None if stream.isatty() else max(int(asked), _NARROWEST) if asked.isdecimal() else _PLAIN_WIDTH
    return _Unsteered(file=stream, width=width, highlight=False, markup=False, emoji=False)


def verdict_table(verdict: "Verdict") -> Fitted:
    """Every check of a verdict, with its figures and, where it failed, its counterexample."""
    rows: list[tuple[str, Text, Text]] = []
    for check in verdict.checks:
        detail = Text(visible(check.detail))
        example = check.counterexample
        if example is not None and not check.passed:
            figures = against(example)
            detail.append(f"\n{visible(where(example))}{': ' if figures else ''}{figures}", style="red")
        rows.append((check.name, Text("passed", "green") if check.passed else Text("FAILED", "bold red"), detail))
    return Fitted(("check", "result", "detail"), rows)


def link_table(study: "Study", top: int) -> Fitted:
    """The links with the highest worst case, and the failure that causes it."""
    headings = ("link", "capacity>", "utilisation>", "worst-case utilisation>", "headroom>", "failure causing it")
    rows = [
        (
            case.link,
            capacity(case.capacity),
            _shade(case.utilisation, study.growth.limit),
            _shade(case.worst_utilisation, study.growth_under_failures.limit),
            Text(mbps(case.headroom), style="red" if case.headroom < 0 else ""),
            short(case.worst_failure) if case.worst_failure else "none",
        )
        for case in study.links[:top]
    ]
    return Fitted(headings, rows, spare=("capacity", "utilisation", "headroom"))


def failure_table(study: "Study", top: int) -> Fitted:
    """The failures that do most."""
    headings = ("failure", "busiest link", "utilisation>", "cut off>", "from or to a failed node>", "above capacity>")
    rows = [
        (
            short(case.failure),
            case.busiest or "none",
            _shade(case.max_utilisation, study.growth_under_failures.limit),
            *(mbps(value) for value in (case.lost, case.severed, case.overload)),
        )
        for case in study.failures[:top]
    ]
    return Fitted(headings, rows, spare=("from or to a failed node", "above capacity", "busiest link", "cut off"))


def demand_table(cases: "Sequence[DemandCase]", top: int) -> Fitted:
    """The demands that failures cut, then those that they slow down most."""
    headings = ("demand", "offered>", "delay>", "worst delay>", "failure causing it", "cut by>", "for example")
    rows = [
        (
            case.demand,
            mbps(case.offered),
            milliseconds(case.delay_ms),
            milliseconds(case.worst_delay_ms),
            short(case.worst_failure) if case.worst_failure else "none",
            Text(str(case.cut_by), style="bold red" if case.cut_by else ""),
            short(case.cut_example) if case.cut_example else "",
        )
        for case in cases[:top]
    ]
    return Fitted(headings, rows, spare=("delay", "for example", "offered", "failure causing it"))


def window_table(window: "Window") -> Fitted:
    """A window of maintenance hour by hour, with the next failure on top."""
    headings = ("hour", "traffic>", "before>", "during>", "cut off>", "busiest link", "next failure", "then>")
    rows = [
        (
            f"{hour.hour:02}:00",
            share(hour.traffic),
            _shade(hour.before),
            _shade(hour.during),
            mbps(hour.lost),
            hour.busiest or "none",
            short(hour.next_failure or "none"),
            _shade(hour.next_failure_utilisation),
            mbps(hour.next_failure_lost),
            Text("kept", style="green") if hour.within_limits else Text("BROKEN", style="bold red"),
        )
        for hour in window.hours
    ]
    spare = ("traffic", "before", "busiest link", "cut off", "cut off at worst")
    return Fitted((*headings, "cut off at worst>", "limits"), rows, spare=spare)


def text_table(headings: Sequence[str], rows: Sequence[Sequence[str | Text]], *, spare: Sequence[str] = ()) -> Fitted:
    """A table of words; a heading that ends in `>` is of figures, those in `spare` leave first where room is short."""
    return Fitted(headings, rows, spare=spare)


def _shade(value: float, limit: float = _FULL) -> Text:
    style = "bold red" if value >= _FULL else "yellow" if value >= limit else ""
    return Text(share(value), style=style)
