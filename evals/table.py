"""Scores as a table for a terminal."""

from rich import box
from rich.table import Table
from rich.text import Text

from agents.wording import one_line

from .score import Interval, Score, Summary

_COLOURS = {"right": "green", "wrong": "red", "none": "yellow"}


def score_table(scores: list[Score]) -> Table:
    """One row a case: outcome, diagnosis right or wrong, verdict, harm before and after, seconds."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for name in ("case", "outcome", "diagnosis", "truth", "verdict"):
        table.add_column(name, overflow="fold")
    for name in ("harm before", "after", "seconds"):
        table.add_column(name, justify="right")
    for score in scores:
        table.add_row(*_row(score))
    return table


def score_line(score: Score) -> Text:
    """One case in one line, for progress."""
    diagnosis = Text(f"diagnosis {score.diagnosis}", style=_COLOURS[score.diagnosis])
    failed = Text(f"  {one_line(score.error, 200)}", style="red") if score.error else Text("")
    return Text(f"{score.case}: {score.outcome}, ") + diagnosis + Text(f", {score.seconds:.1f} s") + failed


def summary_text(summary: Summary) -> Text:
    """The suite in a few lines."""
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in summary.outcomes.items())
    lines = (
        f"{summary.cases} cases in {summary.seconds:.0f} s, {summary.crashed} crashed: {outcomes}",
        f"diagnosis right in {_percent(summary.diagnosis_right)}",
        f"{summary.applied} plans applied, {summary.applied_certified} with a valid certificate, "
        f"{summary.applied_improved} lowered the harm",
    )
    return Text("\n".join(lines))


def _row(score: Score) -> list[Text]:
    truth = Text(one_line(str(score.truth), 60) if score.truth else "healthy")
    return [
        Text(score.case),
        Text(score.outcome, style="bold red" if score.error else ""),
        Text(score.diagnosis, style=_COLOURS[score.diagnosis]),
        truth,
        Text(score.verdict),
        Text(_rate(score.harm_before)),
        Text(_rate(score.harm_after)),
        Text(f"{score.seconds:.1f}"),
    ]


def _rate(mbps: float | None) -> str:
    return "" if mbps is None else f"{mbps:,.0f}"


def _percent(interval: Interval) -> str:
    return f"{interval.share:.1%} (95 % interval {interval.low:.1%} to {interval.high:.1%})"
