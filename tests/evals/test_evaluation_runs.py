"""A run survives kills, is the same for any number of workers, stops at its limits, and keeps what it has."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from evals.cases.case import CaseBudget
from evals.cases.result import Result
from evals.run import run as running
from evals.run.deadline import OverBudgetError, deadline, held_up
from evals.run.record import Record, RunSpec
from evals.run.run import Limits, Unit, begin, close, evaluate, perform, units_of
from evals.run.table import tabulate
from evals.suites import suite_of
from tests.command_line import here
from twin.errors import InputError, StoreError

ROOT = Path(__file__).resolve().parents[2]
SPEC = RunSpec(suites=("intent", "order"), cases=5, baselines=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return evaluate(begin(SPEC, tmp_path_factory.mktemp("runs")), workers=1)


def test_every_system_answers_every_case(whole):
    assert len(whole.results) == whole.head.asked == 5 * 3 + 5 * 3
    assert whole.head.status == "complete"
    assert {row.suite for row in whole.rows} == {"intent", "order"}


def test_the_table_is_the_same_for_any_number_of_workers(whole, tmp_path):
    several = evaluate(begin(SPEC, tmp_path), workers=2)
    assert several.rows == whole.rows
    values = [(x.key, x.values, x.passed, x.answer) for x in several.results]
    assert values == [(x.key, x.values, x.passed, x.answer) for x in whole.results]


def test_results_and_figures_can_be_asked_for_in_sql(whole):
    with duckdb.connect(str(whole.record.folder / "results.duckdb"), read_only=True) as store:
        asked = store.execute("select suite, count(*) from result group by suite order by suite").fetchall()
        assert asked == [("intent", 15), ("order", 15)]
        found = store.execute("select value from figure where suite = 'order' and metric = 'right'").fetchall()
        assert [x for (x,) in found] == [row.value for row in whole.rows if row.key[::2] == ("order", "right")]
        (measures,) = store.execute("select count(*) from measure").fetchone()
        assert measures == sum(len(x.values) for x in whole.results)


def test_a_run_whose_last_line_was_cut_off_goes_on_where_it_was(whole, tmp_path):
    record = begin(SPEC, tmp_path)
    lines = (whole.record.folder / "results.jsonl").read_bytes().splitlines(keepends=True)
    (record.folder / "results.jsonl").write_bytes(b"".join(lines[:7]) + lines[7][:40])
    seen: list[str] = []
    ended = evaluate(record, workers=1, on_result=lambda x, *_: seen.append(x.case))
    assert 0 < len(seen) < len(whole.results)
    assert ended.rows == whole.rows
    assert [x.key for x in ended.results] == [x.key for x in whole.results]


def test_a_killed_run_is_partial_and_is_resumed_to_the_same_table(whole, tmp_path):
    command = [sys.executable, "-m", "twinops", "eval", "run", *SPEC.suites, "--cases", "5", "-b", "-w", "1"]
    command += ["--runs", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    results = tmp_path / "eval"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not any("\n" in x.read_text() for x in results.glob("*/results.jsonl")):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (folder,) = results.iterdir()
    record = Record.open(tmp_path, folder.name)
    assert record.head.status == "running"
    assert 0 < len(record.results()) < whole.head.asked
    assert close(record).head.status == "partial"
    again = here(*command[3:], "--resume", folder.name, "--json")
    said = json.loads(again.stdout)
    assert said["status"] == "complete"
    assert [row["value"] for row in said["rows"]] == [row.value for row in whole.rows]


def test_a_broken_line_in_the_middle_is_named(tmp_path):
    record = begin(SPEC, tmp_path)
    (record.folder / "results.jsonl").write_text('{"case": 1}\n')
    with pytest.raises(StoreError, match="line 1"):
        record.results()


def test_a_time_limit_keeps_what_is_done_and_says_that_it_is_partial(tmp_path):
    ended = evaluate(begin(SPEC, tmp_path), workers=1, limits=Limits(seconds=0.0))
    assert ended.head.status == "partial"
    assert "time limit" in ended.head.because
    assert 0 < len(ended.results) < ended.head.asked


def test_an_interrupt_closes_the_record_and_is_passed_on(tmp_path):
    record = begin(SPEC, tmp_path)

    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(record, workers=1, on_result=interrupt)
    assert (record.head.status, record.head.because) == ("partial", "interrupted")
    assert record.results()


def test_an_unknown_evaluation_names_the_last_ones(tmp_path):
    name = begin(SPEC, tmp_path).folder.name
    with pytest.raises(InputError) as caught:
        Record.open(tmp_path, "nothing")
    assert name in caught.value.fix


def broken(_):
    raise ZeroDivisionError("the product fell over")


def hanging(*_):
    while True:
        try:
            time.sleep(0.01)
        except Exception:  # what swallows every error is not ended by one
            continue


@pytest.mark.parametrize(
    ("part", "void", "words"),
    [
        ({"stage": hanging}, True, "while it was set up"),
        ({"stage": lambda *_: None, "systems": {"search": hanging}}, False, "while search answered"),
        (
            {"stage": lambda *_: None, "systems": {"search": str}, "score": hanging},
            False,
            "while what search answered was scored",
        ),
    ],
    ids=["stage", "answer", "score"],
)
def test_a_case_that_hangs_ends_as_failed_at_its_budget_wherever_it_hangs(tmp_path, monkeypatch, part, void, words):
    suite = suite_of("order")
    monkeypatch.setattr(running, "suite_of", lambda _: replace(suite, **part))
    case = suite.take("dev", cases=1)[0]
    slow = case.model_copy(update={"budget": CaseBudget(seconds=0.2)})
    before = signal.getsignal(signal.SIGALRM)
    (ended,) = perform(Unit("order", slow, ("search",), 1), tmp_path, tmp_path)
    assert (ended.passed, ended.void) == (False, void)
    assert f"its budget of 0.2 s was used up {words}" in ended.error
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_time_for_which_a_busy_machine_had_no_processor_for_a_case_is_not_its_own():
    """It was held up for half a second in all, of which nothing had passed when it began."""
    looks = [0.0, 0.5, 0.5]

    def busy():
        return looks.pop(0) if len(looks) > 1 else looks[0]

    with pytest.raises(OverBudgetError, match=r"budget of 0\.2 s"), deadline(0.2, "here", busy=busy):
        hanging()
    assert looks == [0.5]  # at its budget it was asked, and went on
    assert held_up() >= 0.0


def test_a_crash_is_a_failed_case_and_costs_the_safety_of_the_run(tmp_path, monkeypatch):
    suite = suite_of("order")
    crashing = replace(suite, systems={"search": broken, "as given": suite.systems["as given"]})
    monkeypatch.setattr(running, "suite_of", lambda _: crashing)
    unit = Unit("order", suite.take("dev", cases=1)[0], ("search", "as given"), 1)
    first, second = perform(unit, tmp_path, tmp_path)
    assert first.error == "ZeroDivisionError: the product fell over"
    assert not first.passed
    assert not first.void
    assert second.error is None
    rows = {row.key[1:]: row for row in tabulate(crashing, [first, second])}
    assert rows["search", "crashed"].value == 1.0
    assert rows["search", "right"].value == 0.0
    assert rows["search", "harmful orders"].value == 1.0  # the worst that it could be
    assert rows["as given", "crashed"].value == 0.0


def test_repeated_cases_of_agents_are_reported_as_passed_every_time():
    spec = RunSpec(suites=("smoke",), cases=2, repeat=3)
    assert [unit.repeat for unit in units_of(spec)] == [1, 2, 3, 1, 2, 3]
    suite = suite_of("smoke")
    case = suite.take("dev", cases=1)[0]
    tried = [
        Result(case=case.id, suite="smoke", kind="drawn", network=case.network, seed=case.seed, system="agents",
               repeat=k, passed=k != 2)
        for k in (1, 2, 3)
    ]  # fmt: skip
    rows = {row.metric: row.value for row in tabulate(suite, tried, repeat=3)}
    assert rows["pass^1"] == pytest.approx(2 / 3)
    assert rows["pass^3"] == 0.0


@pytest.mark.slow
def test_workers_do_not_outlive_a_killed_parent(tmp_path):
    command = [sys.executable, "-m", "twinops", "eval", "run", "order", "-w", "2", "--runs", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline, children = time.monotonic() + 120, list[str]()
    while time.monotonic() < deadline and not any((tmp_path / "eval").glob("*/results.jsonl")):
        time.sleep(0.05)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.wait()
    assert len(children) >= 2
    while time.monotonic() < deadline and any(alive(child) for child in children):
        time.sleep(0.1)
    assert not any(alive(child) for child in children)


def alive(child: str) -> bool:
    try:
        os.kill(int(child), 0)
    except ProcessLookupError:
        return False
    return "State:\tZ" not in Path(f"/proc/{child}/status").read_text()
