"""The scoreboard, and what failed, on a terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from agents.show.fitted import Fitted
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


def rows_table(rows: Sequence[Row]) -> Fitted:
    """One line a figure: suite, system, metric, value, interval, cases, bar."""
    headings = ("suite", "system", "metric", "value>", "95 % interval>", "cases>", "wanted>")
    said: list[tuple[str | Text, ...]] = []
    before: tuple[str, str] | None = None
    for row in rows:
        here = (row.suite, row.system)
        style = {True: "green", False: "bold red", None: ""}[row.meets]
        said.append(
            (
                *(here if here != before else ("", "")),
                row.metric,
                Text(number(row.value, share=row.share), style=style),
                interval(row),
                str(row.cases),
                "" if row.bar is None else number(row.bar, share=row.share),
            )
        )
        before = here
    return Fitted(headings, said, spare=("cases", "95 % interval", "wanted"))


def failures_table(ended: "Evaluation") -> Fitted | None:
    """The product's first failures, the crashes before the rest; None without any."""
    from evals.suites import suite_of

    products = {suite.name: suite.product for suite in map(suite_of, ended.head.spec.suites)}
    failed = [x for x in ended.results if not x.passed and x.system == products.get(x.suite)]
    if not failed:
        return None
    failed.sort(key=lambda x: x.error is None)
    rows: list[tuple[str | Text, ...]] = []
    for x in failed[:_SHOWN]:
        answer = Text(one_line(x.error or x.answer, 120), style="red" if x.error else "")
        rows.append((x.case, answer, one_line(x.truth, 100)))
    if len(failed) > _SHOWN:
        rows.append((f"and {len(failed) - _SHOWN} more", "", ""))
    return Fitted(("failed case", "answer", "truth"), rows)
