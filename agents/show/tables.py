"""Results on a terminal. Everything is plain text to rich: no markup of ours or of others is read."""

from collections.abc import Iterable, Sequence
from typing import TextIO

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from agents.wording import capacity, mbps, milliseconds, one_line, share, short, visible, where
from twin.gate.verdict import Verdict
from twin.study.demands import DemandCase
from twin.study.failures import Study
from twin.study.window import Window

_PLAIN_WIDTH = 140  # of a file or a pipe
_HOT, _FULL = 0.8, 1.0


class _Unsteered(Console):
    """A console whose every text is made visible at the last moment, whoever wrote it and wherever it comes from."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as a console does; what would steer the terminal or hide in it is replaced."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else visible(text), style, control)


def console(stream: TextIO) -> Console:
    """A console that reads no markup; plain and wide where the stream is no terminal."""
    width = None if stream.isatty() else _PLAIN_WIDTH
    return _Unsteered(file=stream, width=width, highlight=False, markup=False, emoji=False)


def verdict_table(verdict: Verdict) -> Table:
    """Every check of a verdict, with its figures and, where it failed, its counterexample."""
    table = _table("check", "result", "detail")
    for check in verdict.checks:
        detail = Text(visible(check.detail))
        example = check.counterexample
        if example is not None and not check.passed:
            figures = f"{example.measured:.4g} against {example.limit:.4g}"
            detail.append(f"\n{visible(where(example))}: {figures}", style="red")
        result = Text("passed", style="green") if check.passed else Text("FAILED", style="bold red")
        table.add_row(check.name, result, detail)
    return table


def link_table(study: Study, top: int) -> Table:
    """The links with the highest worst case, and the failure that causes it."""
    table = _table("link", "capacity>", "utilisation>", "worst-case utilisation>", "headroom>", "failure causing it")
    for case in study.links[:top]:
        worst, room = (
            _shade(case.worst_utilisation),
            Text(mbps(case.headroom), style="red" if case.headroom < 0 else ""),
        )
        row = [Text(case.link), capacity(case.capacity), _shade(case.utilisation), worst, room]
        table.add_row(*row, Text(short(case.worst_failure) if case.worst_failure else "none"))
    return table


def failure_table(study: Study, top: int) -> Table:
    """The failures that do most."""
    table = _table("failure", "busiest link", "utilisation>", "lost>", "from or to a failed node>", "above capacity>")
    for case in study.failures[:top]:
        rates = [mbps(value) for value in (case.lost, case.severed, case.overload)]
        table.add_row(Text(short(case.failure)), Text(case.busiest or "none"), _shade(case.max_utilisation), *rates)
    return table


def demand_table(cases: Sequence[DemandCase], top: int) -> Table:
    """The demands that failures cut, then those that they slow down most."""
    headings = ("demand", "offered>", "delay>", "worst delay>", "failure causing it", "cut by>", "for example")
    table = _table(*headings)
    for case in cases[:top]:
        slowed = short(case.worst_failure) if case.worst_failure else "none"
        delays = [milliseconds(case.delay_ms), milliseconds(case.worst_delay_ms)]
        cut = Text(str(case.cut_by), style="bold red" if case.cut_by else "")
        example = short(case.cut_example) if case.cut_example else ""
        table.add_row(Text(case.demand), mbps(case.offered), *delays, Text(slowed), cut, Text(example))
    return table


def window_table(window: Window) -> Table:
    """A window of maintenance hour by hour, with the next failure on top."""
    columns = ("hour", "traffic>", "before>", "during>", "lost>", "busiest link", "next failure", "then>")
    table = _table(*columns, "lost at worst>", "limits")
    for hour in window.hours:
        kept = Text("kept", style="green") if hour.within_limits else Text("BROKEN", style="bold red")
        figures = [share(hour.traffic), _shade(hour.before), _shade(hour.during), mbps(hour.lost)]
        failing = [_shade(hour.next_failure_utilisation), mbps(hour.next_failure_lost)]
        names = Text(hour.busiest or "none"), Text(short(hour.next_failure or "none"))
        table.add_row(f"{hour.hour:02}:00", *figures, *names, *failing, kept)
    return table


def text_table(headings: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> Table:
    """A table of words; a heading that ends in `>` is of figures."""
    table = _table(*headings)
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(one_line(cell, 400)) for cell in row))
    return table


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for heading in headings:
        figures = heading.endswith(">")
        table.add_column(
            Text(heading.removesuffix(">")),
            justify="right" if figures else "left",
            no_wrap=figures,
            overflow="fold",
        )
    return table


def _shade(value: float) -> Text:
    style = "bold red" if value >= _FULL else "yellow" if value >= _HOT else ""
    return Text(share(value), style=style)
