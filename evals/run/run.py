"""Run suites: every case in a worker, every result on disk at once, and a table that no number of workers changes."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from agents.record.files import TWIN
from agents.record.home import home_folder
from evals.cases.case import Case
from evals.cases.result import Measures, Result, steady
from evals.cases.suite import Workplace
from evals.suites import has_data, names, suite_of
from twin.clock import utc_now
from twin.engines.processes import Processes
from twin.engines.seam import Engine, Serial
from twin.errors import TwinError
from twin.version import version

from .deadline import OverBudgetError, deadline
from .record import Record, RunHead, RunSpec, Status, moment
from .table import Row, tabulate

CHUNK = 8
Progress = Callable[[Result, int, int], None]


class Unit(NamedTuple):
    """One case to set up once, and the systems that are to answer it."""

    suite: str  # as `suite_of` takes it
    case: Case
    systems: tuple[str, ...]
    repeat: int


class Chunk(NamedTuple):
    """Some units, and where their runs may leave things."""

    units: tuple[Unit, ...]
    folder: Path
    home: Path

    @property
    def name(self) -> str:
        """What the chunk is called where it fails."""
        return ", ".join(unit.case.id for unit in self.units)


@dataclass(frozen=True)
class Evaluation:
    """A run as it ended: its record, its table, and every result in the order of the cases."""

    record: Record
    head: RunHead
    rows: tuple[Row, ...]
    results: tuple[Result, ...]

    @property
    def sound(self) -> bool:
        """Whether the product crashed in no case and meets every bar of a safety figure, which is 0."""
        products = {row.key for row in self.rows if row.bar == 0.0}
        return all(row.meets is not False for row in self.rows if row.key in products)


@dataclass(frozen=True)
class Limits:
    """When to stop: seconds of wall time and tokens spent by models, None for no limit."""

    seconds: float | None = None
    tokens: int | None = None


def home_of_cases() -> Path:
    """Return the home of cases, which run on emulated networks: no key, person or policy of the operator's is in it."""
    return home_folder() / "eval"


def begin(spec: RunSpec, runs: Path, *, now: datetime | None = None) -> Record:
    """Make the record of a new run. Raises `InputError` for unknown suites, `StoreError` when it cannot be written."""
    started = now or utc_now()
    asked = sum(len(unit.systems) for unit in units_of(spec))
    head = RunHead(name="", spec=spec, status="running", version=version(), started=started, asked=asked)
    return Record.create(runs, _name(spec, started), head)


def evaluate(
    record: Record,
    *,
    home: Path | None = None,
    workers: int = 2,
    engine: Engine | None = None,
    limits: Limits = Limits(),
    on_result: Progress | None = None,
) -> Evaluation:
    """Do what is left of a run, in `workers` processes or by the `engine`, and sum it up.

    Raises `TransientError` when workers keep dying of a case. That, and an interrupt, are passed on after the record
    has been closed as partial: what is done is kept, and the same call does the rest.
    """
    head = record.head
    units, done = units_of(head.spec), {result.key for result in record.results()}
    left = [unit for unit in units if any((unit.case.id, x, unit.repeat) not in done for x in unit.systems)]
    watch, because = _Watch(head.seconds, limits), "stopped"
    try:
        counted = _Counted(len(done), head.asked, on_result)
        because = _work(record, left, engine or _here(workers), home or home_of_cases(), watch, counted)
    except KeyboardInterrupt:
        because = "interrupted"
        raise
    except TwinError as error:
        because = str(error)
        raise
    finally:
        status: Status = "partial" if because else "complete"
        record.write_head(head.model_copy(update={"status": status, "seconds": watch.seconds, "because": because}))
        ended = close(record, units)
    return ended


def evaluate_suites(  # noqa: PLR0913 - what `eval run` can be asked
    suites: str | Sequence[str],
    *,
    runs: Path = Path("runs"),
    cases: int | None = None,
    baselines: bool = False,
    model: str = "runbook",
    home: Path | None = None,
    workers: int = 1,
) -> Evaluation:
    """Run suites by name, `all` for every one, and sum them up; the record is a new folder below `runs`.

    `cases` takes the first of each suite only, `baselines` asks every system besides the product. With more than one
    worker, a script needs its `if __name__ == "__main__"`. Raises `InputError` for an unknown suite, and as `evaluate`.
    """
    chosen = tuple(names()) if suites == "all" else (suites,) if isinstance(suites, str) else tuple(suites)
    spec = RunSpec(suites=chosen, cases=cases, baselines=baselines, model=model, data=has_data("repetita"))
    return evaluate(begin(spec, runs), home=home, workers=workers)


def close(record: Record, units: Sequence[Unit] | None = None) -> Evaluation:
    """Sum up what a run's record holds, and write the tables beside it; a run that was killed is partial."""
    head = record.head
    if head.status == "running":
        head = head.model_copy(update={"status": "partial", "because": "killed, or still under way"})
    order = {unit.case.id: i for i, unit in enumerate(units or units_of(head.spec))}
    results = tuple(sorted(record.results(), key=lambda x: (order.get(x.case, len(order)), x.repeat, x.system)))
    rows = tuple(row for name in head.spec.suites for row in tabulate(suite_of(name), results, repeat=head.spec.repeat))
    record.write_tables(results, rows)
    return Evaluation(record, head, rows, results)


def units_of(spec: RunSpec) -> list[Unit]:
    """List every case of a specification with the systems that answer it. Raises `InputError`."""
    seeds = range(spec.seeds[0], spec.seeds[1] + 1) if spec.seeds else None
    units: list[Unit] = []
    for name in spec.suites:
        suite = suite_of(name)
        take = suite.sample if spec.slice else suite.take
        for number, case in enumerate(take(spec.split, cases=spec.cases, seeds=seeds)):
            systems = suite.asked(number, baselines=spec.baselines)
            by = {"model": spec.model, "compact": spec.compact, "vision": spec.vision}
            asked = case if case.model != "runbook" else case.model_copy(update=by)
            times = spec.repeat if suite.agents else 1
            units += [Unit(name, asked, systems, repeat) for repeat in range(1, times + 1)]
    return units


def perform(unit: Unit, folder: Path, home: Path) -> list[Result]:
    """Set one case up and let every system answer it. What goes wrong, or takes too long, is a result, no exception.

    Setting up, answering and scoring may take the seconds of the case's budget each.
    """
    suite, case = suite_of(unit.suite), unit.case
    workplace = Workplace(folder / "agents" / case.id.replace("/", "_") / str(unit.repeat), home)
    begin = time.perf_counter()
    try:
        with deadline(case.budget.seconds, "while it was set up"):
            scene = suite.stage(case, workplace)
    except (Exception, OverBudgetError) as error:  # a case that cannot be set up is a result as well
        failed = _result(unit, unit.systems[0], Measures(passed=False), 0.0, f"cannot be set up: {_words(error)}")
        return [failed.model_copy(update={"system": system, "void": True}) for system in unit.systems]
    staged = time.perf_counter() - begin
    results = [_answer(unit, system, scene, staged) for system in unit.systems]
    if all(result.passed for result in results):
        _slim(workplace.folder)
    return results


def _answer(unit: Unit, system: str, scene: object, staged: float) -> Result:
    """Let one system answer; a crash of what is measured is exactly what this is there to count."""
    suite, begin, budget = suite_of(unit.suite), time.perf_counter(), unit.case.budget.seconds
    try:
        with deadline(budget, f"while {system} answered"):
            answer = suite.systems[system](scene)
        seconds = time.perf_counter() - begin
        with deadline(budget, f"while what {system} answered was scored"):
            measures = suite.judge(unit.case, scene, answer)
        return _result(unit, system, measures, seconds, None, staged)
    except (Exception, OverBudgetError) as error:
        return _result(unit, system, Measures(passed=False), time.perf_counter() - begin, _words(error), staged)


def _slim(folder: Path) -> None:
    """Of runs that passed keep journal and trace: their twin files are megabytes each, and there are hundreds."""
    for twin in folder.rglob(TWIN):
        twin.unlink()


def _here(workers: int) -> Engine:
    return Serial() if workers <= 1 else Processes(workers)


def _task(_shared: None, chunk: Chunk) -> list[Result]:
    return [result for unit in chunk.units for result in perform(unit, chunk.folder, chunk.home)]


def _work(
    record: Record,
    units: Sequence[Unit],
    engine: Engine,
    home: Path,
    watch: "_Watch",
    counted: "_Counted",
) -> str:
    """Do the units and record them; returns why it stopped early, or nothing."""
    number, asked, on_result = counted
    chunks = [Chunk(tuple(part), record.folder, home) for part in _parts(units)]
    with closing(engine.map(_task, None, chunks)) as done:
        for _, results in done:
            record.add(results)
            for result in results:
                number += 1
                watch.see(result)
                if on_result is not None:
                    on_result(result, number, asked)
            if watch.over and number < asked:
                return watch.over
    return ""


class _Counted(NamedTuple):
    """How many results were there before, how many are asked for, and who is told of each."""

    number: int
    asked: int
    on_result: Progress | None


class _Watch:
    """Wall time and tokens spent, against their limits."""

    def __init__(self, before: float, limits: Limits) -> None:
        self._before, self._begin, self._limits, self._tokens = before, time.monotonic(), limits, 0.0

    @property
    def seconds(self) -> float:
        return round(self._before + time.monotonic() - self._begin, 1)

    def see(self, result: Result) -> None:
        self._tokens += result.spent.get("input_tokens", 0.0) + result.spent.get("output_tokens", 0.0)

    @property
    def over(self) -> str:
        """Which limit is used up, if one is."""
        seconds, tokens = self._limits.seconds, self._limits.tokens
        if seconds is not None and time.monotonic() - self._begin > seconds:
            return f"the time limit of {seconds:g} s is used up"
        if tokens is not None and self._tokens > tokens:
            return f"the budget of {tokens} tokens is used up"
        return ""


def _parts(units: Sequence[Unit]) -> Iterator[Iterable[Unit]]:
    """Cut into chunks; agents' cases take seconds each and go alone."""
    left = iter(units)
    while chunk := list(islice(left, CHUNK)):
        alone = any(suite_of(unit.suite).agents for unit in chunk)
        yield from ([unit] for unit in chunk) if alone else (chunk,)


def _result(
    unit: Unit, system: str, measures: Measures, seconds: float, error: str | None, staged: float = 0.0
) -> Result:
    case = unit.case
    return Result(
        case=case.id,
        suite=case.suite,
        kind=case.kind,
        network=case.network,
        seed=case.seed,
        system=system,
        repeat=unit.repeat,
        passed=measures.passed and error is None,
        values={name: steady(value) for name, value in measures.values.items()},
        answer=measures.answer[:400],
        truth=measures.truth[:400],
        seconds=round(seconds, 4),
        spent={**measures.spent, "staged_seconds": round(staged, 4)},
        run=measures.run,
        trace=measures.trace,
        error=error,
    )


def _words(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:400]


def _name(spec: RunSpec, now: datetime) -> str:
    suites = spec.suites[0].rsplit("/", 1)[-1].removesuffix(".toml") if len(spec.suites) == 1 else "all"
    model = "".join(c if c.isalnum() else "-" for c in spec.model)
    return f"{suites}-{model}-{moment(now)}"
