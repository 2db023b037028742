"""The scoreboard, and what failed, on a terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from evals.run.table import Row
from twin.untrusted import one_line

if TYPE_CHECKING:
    from evals.run.run import Evaluation

_SHOWN = 12


def number(value: float, *, share: bool) -> str:
    """A figure as people read it: shares in per cent, others with four digits."""
    if share:
        return f"{100 * value:.1f} %"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def interval(row: Row) -> str:
    """The 95 % interval of a row."""
    return f"{number(row.low, share=row.share)} to {number(row.high, share=row.share)}"


def rows_table(rows: Sequence[Row]) -> Table:
    """One line a figure: suite, system, metric, value, interval, cases, bar."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for name in ("suite", "system", "metric"):
        table.add_column(name, overflow="fold")
    for name in ("value", "95 % interval", "cases", "wanted"):
        table.add_column(name, justify="right", no_wrap=True)
    before: tuple[str, str] | None = None
    for row in rows:
        here = (row.suite, row.system)
        first = (row.suite, row.system) if here != before else ("", "")
        style = {True: "green", False: "bold red", None: ""}[row.meets]
        table.add_row(
            *first,
            row.metric,
            Text(number(row.value, share=row.share), style=style),
            interval(row),
            str(row.cases),
            "" if row.bar is None else number(row.bar, share=row.share),
        )
        before = here
    return table


def failures_table(ended: "Evaluation") -> Table | None:
    """The product's first failures, the crashes before the rest; None without any."""
    from evals.suites import suite_of

    products = {suite.name: suite.product for suite in map(suite_of, ended.head.spec.suites)}
    failed = [x for x in ended.results if not x.passed and x.system == products.get(x.suite)]
    if not failed:
        return None
    failed.sort(key=lambda x: x.error is None)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold", title_justify="left")
    for name in ("failed case", "answer", "truth"):
        table.add_column(name, overflow="fold")
    for x in failed[:_SHOWN]:
        answer = Text(one_line(x.error or x.answer, 120), style="red" if x.error else "")
        table.add_row(Text(x.case), answer, Text(one_line(x.truth, 100)))
    if len(failed) > _SHOWN:
        table.add_row(f"and {len(failed) - _SHOWN} more", "", "")
    return table
