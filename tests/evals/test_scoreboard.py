"""The page of the scoreboard holds every figure and the bounds of the slice, and figures that are worse are found."""

import pytest

from evals.run.record import RunSpec
from evals.run.run import begin, evaluate
from evals.show.report.page import render
from evals.show.report.plots import suite_plot
from evals.show.scoreboard import Bound, page, read_bounds, slice_rows, worse, write_scoreboard
from evals.suites import suite_of
from twin.errors import FormatError


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    spec = RunSpec(suites=("intent",), cases=40, baselines=True)
    return evaluate(begin(spec, tmp_path_factory.mktemp("runs")), workers=1)


def test_the_page_has_a_column_for_each_system_and_a_line_for_each_figure(ended):
    text = page(ended)
    systems = " | ".join(suite_of("intent").systems)
    assert f"| | wanted | {systems} |" in text
    for row in ended.rows:
        assert f"| {row.metric} |" in text


def test_the_bounds_are_those_of_the_first_cases_alone(ended, tmp_path):
    write_scoreboard(ended, tmp_path / "board.md")
    bounds = read_bounds(tmp_path / "board.md")
    small = evaluate(begin(RunSpec(suites=("intent",), slice=True), tmp_path), workers=1)
    assert {row.cases for row in small.rows} <= set(range(len(suite_of("intent").sample("dev")) + 1))
    assert worse(small.rows, bounds) == []
    assert {row.key: row.value for row in slice_rows(ended)} == {row.key: row.value for row in small.rows}
    assert {name for name, _ in bounds} == {"intent"}


def test_a_figure_that_is_worse_is_named_whichever_way_is_better(ended):
    row = next(x for x in ended.rows if x.metric == "clear goals read as meant")
    key = (row.suite, row.metric)
    assert worse([row], {key: Bound(row.value + 0.01, higher=True)}) != []
    assert worse([row], {key: Bound(row.value - 0.01, higher=True)}) == []
    assert worse([row], {key: Bound(row.value - 0.01, higher=False)}) != []
    assert worse([row], {key: Bound(row.value + 0.01, higher=False)}) == []
    assert worse([row], {}) == []


def test_a_page_without_bounds_is_refused(tmp_path):
    (tmp_path / "board.md").write_text("# Scoreboard\n")
    with pytest.raises(FormatError, match="table of bounds"):
        read_bounds(tmp_path / "board.md")


def test_a_page_with_markup_in_an_answer_stays_text(ended):
    hostile = ended.results[0].model_copy(update={"passed": False, "answer": "<script>alert(1)</script>"})
    text = render(type(ended)(ended.record, ended.head, ended.rows, (hostile, *ended.results[1:])))
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_a_plot_is_the_same_every_time_and_names_every_system(ended):
    suite = suite_of("intent")
    first, second = (suite_plot(suite, ended.rows) for _ in range(2))
    assert first == second
    assert all(system in first for system in suite.systems)
    assert "clear goals read as meant" in first
