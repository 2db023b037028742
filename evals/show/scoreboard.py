"""The scoreboard as a page: every figure of a run in Markdown, and the bounds that every build is held to."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from evals.cases.result import Result
from evals.cases.suite import Suite
from evals.run.record import RunSpec
from evals.run.run import Evaluation, units_of
from evals.run.table import Row, tabulate
from evals.suites import suite_of
from twin.errors import FormatError, InputError, StoreError
from twin.files import SMALL, read_text, write_text

from .terminal import interval, number

SLICE = "## The slice that every build is held to"
_LINE = re.compile(r"^\| (?P<suite>[a-z0-9-]+) \| (?P<metric>[^|]+) \| (?P<value>[-+.\de]+) \| (?P<better>\w+) \|$")


_SHARE_SLACK, _SLACK = 1e-4, 0.02


class Bound(NamedTuple):
    """What the slice of a suite reached; `higher` says which way is better."""

    value: float
    higher: bool


def write_scoreboard(ended: Evaluation, path: Path) -> None:
    """Write the page of a run. Raises `StoreError` when it cannot be written."""
    try:
        write_text(path, page(ended))
    except InputError as error:
        raise StoreError(str(error), fix="choose another --scoreboard") from error


def page(ended: Evaluation) -> str:
    """Return the page: one table a suite, systems side by side, then the slice's bounds."""
    head, spec = ended.head, ended.head.spec
    asked = sum(1 for x in ended.results if x.system == suite_of(x.suite).product) if ended.results else 0
    lines = [
        "# Scoreboard",
        "",
        "Written by `make eval`, not by hand. What the suites ask and how they score: [evaluation.md](evaluation.md).",
        "",
        f"{asked:,} cases{_part(spec)} of the {spec.split} split, {len(ended.results):,} answers, agents on "
        f"`{spec.model}`; "
        f"{'complete' if head.status == 'complete' else f'PARTIAL: {head.because}'}. "
        "In brackets the 95 % interval: Wilson's for shares, a bootstrap over cases for the rest.",
        "The first system is twinops; the others are what it is compared with. A figure that misses its bar is marked.",
        "",
    ]
    for name in spec.suites:
        lines += _section(suite_of(name), ended.rows)
    return "\n".join([*lines, *_bounds(ended)]) + "\n"


def _part(spec: RunSpec) -> str:
    """Say so where not every case was asked for."""
    if spec.slice:
        return ", the slice that every build is held to alone,"
    return ", a part alone," if spec.cases or spec.seeds else ""


def slice_rows(ended: Evaluation) -> tuple[Row, ...]:
    """Figures of the product over the slice's cases alone."""
    spec = ended.head.spec.model_copy(update={"slice": True, "cases": None, "seeds": None, "baselines": False})
    chosen = {unit.case.id for unit in units_of(spec)}
    return product_rows(spec.suites, [x for x in ended.results if x.case in chosen])


def product_rows(suites: Iterable[str], results: Sequence[Result]) -> tuple[Row, ...]:
    """Figures of the first system of each suite."""
    found = [(suite_of(name), tabulate(suite_of(name), results)) for name in suites]
    return tuple(row for suite, rows in found for row in rows if row.system == suite.product)


def read_bounds(path: Path) -> Mapping[tuple[str, str], Bound]:
    """Read what the slice reached when the page was written. Raises `FormatError` when it holds no bounds."""
    text = read_text(path, most=SMALL)
    _, found, rest = text.partition(SLICE)
    bounds = {
        (match["suite"], match["metric"].strip()): Bound(float(match["value"]), match["better"] == "higher")
        for line in rest.splitlines()
        if (match := _LINE.match(line))
    }
    if not found or not bounds:
        raise FormatError(str(path), SLICE, "the table of bounds that `make eval` writes")
    return bounds


def worse(rows: Iterable[Row], bounds: Mapping[tuple[str, str], Bound]) -> list[str]:
    """Name every figure that is worse than its bound; a figure without one is new, and none.

    Shares of cases have to be as good as they were; the rest may be 2 % worse, because tokens are estimated and
    optimisers round differently on other machines.
    """
    found: list[str] = []
    for row in rows:
        bound = bounds.get((row.suite, row.metric))
        if bound is None:
            continue
        room = _SHARE_SLACK if row.share else _SLACK * abs(bound.value) + _SHARE_SLACK
        missing = bound.value - row.value if bound.higher else row.value - bound.value
        if missing > room:
            found.append(f"{row.suite}: {row.metric} is {row.value:.6g}, was {bound.value:.6g}")
    return found


def _section(suite: Suite, rows: Sequence[Row]) -> list[str]:
    mine = [row for row in rows if row.suite == suite.name]
    systems = list(dict.fromkeys(row.system for row in mine))
    if not mine:
        return [f"## {suite.name}", "", "Not run.", ""]
    lines = [f"## {suite.name}", "", f"{suite.purpose[0].upper()}{suite.purpose[1:]}.", ""]
    lines += [f"| | wanted | {' | '.join(systems)} |", f"|---|---|{'---|' * len(systems)}"]
    names = list(dict.fromkeys(row.metric for row in mine))
    for metric in names:
        cells = {row.system: row for row in mine if row.metric == metric}
        wanted = next((row for row in cells.values() if row.bar is not None), None)
        lines.append(f"| {metric} | {_wanted(wanted)} | {' | '.join(_cell(cells.get(x)) for x in systems)} |")
    return [*lines, ""]


def _wanted(row: Row | None) -> str:
    if row is None or row.bar is None:
        return ""
    return f"{'≥' if row.higher else '≤'} {number(row.bar, share=row.share)}"


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    value = number(row.value, share=row.share)
    shown = f"**{value}, missed**" if row.meets is False else value
    return f"{shown} ({interval(row)}; {row.cases})"


def _bounds(ended: Evaluation) -> list[str]:
    lines = [
        SLICE,
        "",
        "A slice of each suite in which no kind is absent, the product alone; a build that does worse than this fails.",
        "",
    ]
    lines += ["| suite | metric | value | better |", "|---|---|---|---|"]
    for _, group in groupby(slice_rows(ended), key=lambda row: row.suite):
        for row in group:
            if row.higher is not None:
                better = "higher" if row.higher else "lower"
                lines.append(f"| {row.suite} | {row.metric} | {row.value:.6g} | {better} |")
    return lines
