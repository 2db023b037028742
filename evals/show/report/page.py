"""The page: what failed, what was reached and how surely, what each part is worth, and a plot per suite."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.resources import files
from os.path import relpath
from pathlib import Path
from typing import NamedTuple

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from agents.record.files import JOURNAL, REPORT
from agents.show.report.folder import write_report as write_run_report
from evals.cases.result import Result
from evals.cases.suite import Metric, Suite
from evals.run.run import Evaluation
from evals.run.table import Row, figure
from evals.show.compare import SuiteComparison, compare_systems
from evals.show.terminal import interval, number
from evals.suites import suite_of
from twin.errors import TwinError

from .plots import suite_plot

MOST_REPORTS = 40
"""Failed cases whose agents' run gets a report of its own."""
_MOST_FAILURES = 200


class FailedCase(NamedTuple):
    """A failed answer of the product, with where its conversation and its trace are."""

    result: Result
    conversation: str
    journal: str
    trace: str


class KindFigure(NamedTuple):
    """How one kind of case fared with the product."""

    kind: str
    passed: str
    cases: int


class Section(NamedTuple):
    """One suite on the page."""

    suite: Suite
    systems: tuple[str, ...]
    rows: Mapping[str, Mapping[str, Row]]
    kinds: tuple[KindFigure, ...]
    against: tuple[SuiteComparison, ...]
    failures: tuple[FailedCase, ...]
    plot: Markup


def write_report(ended: Evaluation) -> Path:
    """Write `report.html` beside the record of a run and return its path. Raises `StoreError`."""
    return ended.record.write(REPORT, render(ended))


def render(ended: Evaluation) -> str:
    """Return the page; failed runs of agents get their own reports on the way."""
    sections = [_section(name, ended) for name in ended.head.spec.suites]
    failed = sum(len(section.failures) for section in sections)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(ended=ended, head=ended.head, sections=sections, failed=failed)
    )


def _section(name: str, ended: Evaluation) -> Section:
    suite = suite_of(name)
    rows = [row for row in ended.rows if row.suite == suite.name]
    by_metric: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        by_metric[row.metric][row.system] = row
    answers = {
        system: [x for x in ended.results if (x.suite, x.system) == (suite.name, system)] for system in suite.systems
    }
    systems = tuple(system for system in suite.systems if answers[system])
    product = answers[suite.product]
    compared = (
        compare_systems(suite.name, (system, suite.product), answers[system], product)
        for system in systems
        if system != suite.product
    )
    return Section(
        suite=suite,
        systems=systems,
        rows=by_metric,
        kinds=_kinds(product),
        against=tuple(x for x in compared if x is not None),
        failures=_failures(product, ended.record.folder),
        plot=Markup(suite_plot(suite, rows)),  # noqa: S704 - drawn from our own figures
    )


def _kinds(results: Sequence[Result]) -> tuple[KindFigure, ...]:
    kinds: dict[str, list[Result]] = defaultdict(list)
    for x in results:
        if not x.void:
            kinds[x.kind].append(x)
    found: list[KindFigure] = []
    for kind, group in sorted(kinds.items()):
        reached = figure(Metric("passed", "share"), group)
        if reached is not None:
            value, low, high = (number(x, share=True) for x in reached[0])
            found.append(KindFigure(kind, f"{value} ({low} to {high})", len(group)))
    return tuple(found)


def _failures(results: Sequence[Result], folder: Path) -> tuple[FailedCase, ...]:
    """Crashes first."""
    failed = sorted((x for x in results if not x.passed), key=lambda x: (x.error is None, x.case))[:_MOST_FAILURES]
    return tuple(_linked(x, folder, number < MOST_REPORTS) for number, x in enumerate(failed))


def _linked(result: Result, folder: Path, report: bool) -> FailedCase:
    """Link to the run's own report, which is written if there is none yet."""
    if not result.run or not Path(result.run).is_dir():
        return FailedCase(result, "", "", result.trace)
    run = Path(result.run)
    if report and not (run / REPORT).exists() and run.resolve().is_relative_to(folder.resolve()):
        with suppress(TwinError):  # a run that crashed may have left nothing to report on
            write_run_report(run)
    links = [relpath(run / name, folder) if (run / name).exists() else "" for name in (REPORT, JOURNAL)]
    return FailedCase(result, links[0], links[1], result.trace)


@cache
def _environment() -> Environment:
    sheets = {
        "report.html.j2": (files("evals") / "show" / "report" / "report.html.j2").read_text(encoding="utf-8"),
        "style.css": (files("agents") / "show" / "templates" / "style.css").read_text(encoding="utf-8"),
    }
    environment = Environment(
        loader=DictLoader(sheets), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(figure=_figure, interval=interval, share=_percent)
    return environment


def _percent(value: float) -> str:
    return number(value, share=True)


def _figure(row: Row) -> str:
    return number(row.value, share=row.share)
