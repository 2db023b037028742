"""`twinops eval`: list suites, run them, compare runs, report on one."""

from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from agents.commands.options import EngineName, Json, Runs
from agents.commands.output import FAILURE, RunInterruptedError, emit, help_when_alone, say, tell

if TYPE_CHECKING:
    from collections.abc import Generator

    from .cases.result import Result
    from .run.record import RunSpec
    from .run.run import Evaluation
    from .show.bundle import Bundled


class SuiteCommands(TyperGroup):
    """`eval SUITE` as a short form of `eval run SUITE`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - click's own types are vendored
        """Take what is no command for a suite."""
        is_suite = bool(args) and not args[0].startswith("-") and args[0] not in self.list_commands(ctx)
        return super().resolve_command(ctx, ["run", *args] if is_suite else args)


app = typer.Typer(
    cls=SuiteCommands,
    callback=help_when_alone,
    invoke_without_command=True,
    help="Score twinops, and what it is compared with, on seeded cases.",
)

RunName = Annotated[str, typer.Argument(help="An evaluation: its folder, or its name.", show_default=False)]


@app.command("list")
def list_suites(as_json: Json = False) -> None:
    """Name every suite: what it asks, how many cases, and which systems answer."""
    from agents.show.tables import text_table

    from .suites import REAL, names, suite_of

    suites = [suite_of(name) for name in (*names(), *REAL)]
    if as_json:
        found: list[dict[str, Any]] = [
            {"name": x.name, "purpose": x.purpose, "cases": x.cases, "systems": list(x.systems), "agents": x.agents,
             "metrics": [metric.name for metric in x.metrics]}
            for x in suites
        ]  # fmt: skip
        emit("eval list", {"suites": found})
        return
    rows = [(x.name, str(x.cases), "; ".join(x.systems), x.purpose) for x in suites]
    say(text_table(("suite", "cases>", "systems", "purpose"), rows, spare=("cases", "systems")))


@app.command()
def run(
    suites: Annotated[list[str], typer.Argument(help="Suites by name, files in TOML, or all.", show_default=False)],
    model: Annotated[str, typer.Option("--model", "-m", help="Who plays the agents, provider:model.")] = "runbook",
    cases: Annotated[
        int | None, typer.Option("--cases", "-c", min=1, help="The first cases of each suite only.")
    ] = None,
    seeds: Annotated[str | None, typer.Option("--seeds", help="Cases of these seeds only: A-B.")] = None,
    repeat: Annotated[int, typer.Option("--repeat", "-k", min=1, max=100, help="Trials of each case of agents.")] = 1,
    split: Annotated[str, typer.Option("--split", help="dev, or held-out: other networks, seeds and faults.")] = "dev",
    baselines: Annotated[
        bool, typer.Option("--baselines", "-b", help="Ask every system, not just the product.")
    ] = False,
    fast: Annotated[bool, typer.Option("--slice", help="The few cases that every build is held to.")] = False,
    workers: Annotated[int, typer.Option("--workers", "-w", min=1, help="Processes.")] = 2,
    engine: EngineName = None,
    time_limit: Annotated[
        float | None, typer.Option("--time-limit", help="Seconds, after which no case begins.")
    ] = None,
    budget: Annotated[int | None, typer.Option("--budget", min=1, help="Tokens, after which no case begins.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Estimate calls, tokens and money; run nothing else.")
    ] = False,
    resume: Annotated[str | None, typer.Option("--resume", help="Go on with an evaluation that was cut short.")] = None,
    scoreboard: Annotated[
        Path | None, typer.Option("--scoreboard", help="Write the scoreboard here, in Markdown.")
    ] = None,
    compact: Annotated[bool, typer.Option("--compact", help="The model is small: it is shown little.")] = False,
    vision: Annotated[bool, typer.Option("--vision", help="The model sees: its roles may look at the map.")] = False,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Run suites and score them against the truth that each case fixes.

    Exit code 1 means that the product crashed in a case, or missed a bar of safety; 4 that the run is partial.
    """
    from .run.record import RunSpec
    from .suites import has_data, names

    spec = RunSpec(
        suites=tuple(names()) if suites == ["all"] else tuple(dict.fromkeys(suites)),
        split=_split(split), cases=cases, slice=fast, seeds=_seeds(seeds), repeat=repeat, model=model,
        baselines=baselines, data=has_data("repetita"), compact=compact, vision=vision,
    )  # fmt: skip
    _check(spec)
    if dry_run:
        _estimate(spec, budget, as_json=as_json)
        return
    ended = _run(spec, runs, (workers, engine), (time_limit, budget), resume)
    _show(ended, as_json=as_json)
    if scoreboard is not None:
        from .show.scoreboard import write_scoreboard

        write_scoreboard(ended, scoreboard)
        tell(f"scoreboard: {scoreboard}")
    _end(ended)


@app.command()
def compare(first: RunName, second: RunName, runs: Runs = Path("runs"), as_json: Json = False) -> None:
    """Compare two evaluations on the cases that both have: whether the second is better by more than chance."""
    from .run.record import Record
    from .show.compare import compare_runs, comparison_table

    found = compare_runs(Record.open(runs, first), Record.open(runs, second))
    if as_json:
        emit("eval compare", found.model_dump(mode="json"))
    else:
        say(comparison_table(found))


@app.command()
def report(run: RunName, runs: Runs = Path("runs"), as_json: Json = False) -> None:
    """Write report.html of an evaluation: scoreboard, intervals, failures first, and plots."""
    from .run.record import Record
    from .run.run import close
    from .show.report import write_report

    path = write_report(close(Record.open(runs, run)))
    if as_json:
        emit("eval report", {"report": str(path)})
    else:
        say(str(path))


@app.command()
def bundle(
    run: RunName,
    output: Annotated[Path, typer.Option("--output", "-o", help="The zip file to write.", show_default=False)],
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Pack an evaluation into one file that others can report on, replay and audit without a key."""
    from .run.record import Record
    from .show.bundle import bundle as pack

    _tell_bundled("eval bundle", pack(Record.open(runs, run), output), as_json=as_json)


@app.command()
def unbundle(
    file: Annotated[Path, typer.Argument(help="A file that `twinops eval bundle` wrote.", show_default=False)],
    into: Annotated[Path, typer.Option("--into", help="The folder of runs that it becomes part of.")] = Path("runs"),
    as_json: Json = False,
) -> None:
    """Check the bundle of an evaluation, and put it where the other commands find it."""
    from .show.bundle import unbundle as unpack

    _tell_bundled("eval unbundle", unpack(file, into), as_json=as_json)


def _tell_bundled(command: str, found: "Bundled", *, as_json: bool) -> None:
    if as_json:
        emit(command, {**found._asdict(), "path": str(found.path)})
        return
    tell(f"{found.results} results, {found.runs} runs of agents, {found.replayable} of which can be replayed")
    tell(f"sha256 of its manifest: {found.manifest}")
    say(str(found.path))


def _split(text: str) -> Any:  # noqa: ANN401 - checked here, typed by the specification
    from twin.errors import InputError

    if text not in ("dev", "held-out"):
        raise InputError(f"no split {text!r}", fix="use dev or held-out")
    return text


def _seeds(text: str | None) -> tuple[int, int] | None:
    from twin.errors import InputError

    if text is None:
        return None
    first, dash, last = text.partition("-")
    if not first.isdigit() or (dash and not last.isdigit()) or (dash and int(last) < int(first)):
        raise InputError(f"{text!r} are no seeds", fix="write A-B, for example 40000-40049")
    return int(first), int(last or first)


def _check(spec: "RunSpec") -> None:
    """Find what cannot be run before anything is: suites, cases, model."""
    from agents.models import resolve
    from twin.errors import InputError

    from .run.run import units_of

    if spec.vision and (spec.compact or spec.model == "runbook"):
        raise InputError("--vision is for a --model that sees", fix="name one, and leave --compact out")
    resolve(spec.model)
    units_of(spec)


def _estimate(spec: "RunSpec", budget: int | None, *, as_json: bool) -> None:
    from .run.estimate import estimate, estimate_table

    found = estimate(spec, budget=budget)
    if as_json:
        emit("eval run", {"dry_run": found.model_dump(mode="json")})
    else:
        say(estimate_table(found))


def _run(
    spec: "RunSpec",
    runs: Path,
    by: tuple[int, str | None],
    limits: tuple[float | None, int | None],
    resume: str | None,
) -> "Evaluation":
    from twin.engines.choose import engine_named

    from .run.record import Record
    from .run.run import Limits, begin, evaluate

    if limits[1] is not None and not resume:
        from .run.estimate import require_budget

        require_budget(spec, limits[1])
    workers, name = by
    engine = engine_named(name, workers) if name else None
    record = Record.open(runs, resume) if resume else begin(spec, runs)
    with _progress() as on_result:
        try:
            return evaluate(record, workers=workers, engine=engine, limits=Limits(*limits), on_result=on_result)
        except KeyboardInterrupt:
            tell("interrupted: what is done is kept; go on with --resume and the name of the evaluation")
            raise RunInterruptedError from None


@contextmanager
def _progress() -> "Generator[Callable[[Result, int, int], None]]":
    """A bar on a terminal, a line for every twentieth of the results elsewhere, with the time left; on stderr."""
    import sys
    import time

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from agents.commands.progress import time_left
    from agents.show.tables import console
    from twin.engines.seam import Progress as Pace

    crashed, void, before, begun = 0, set[tuple[str, int]](), -1, time.monotonic()
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=console(sys.stderr), disable=not sys.stderr.isatty(), transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task("", total=None)

        def show(result: "Result", number: int, asked: int) -> None:
            nonlocal crashed, before
            before = number - 1 if before < 0 else before  # what an evaluation that goes on had already
            crashed += result.error is not None and not result.void
            void.update([(result.case, result.repeat)] if result.void else [])
            counts = ((crashed, "crashed"), (len(void), "not set up"))
            words = ", ".join([result.suite, *(f"{many} {what}" for many, what in counts if many)])
            words += f", {time_left(Pace(number - before, asked - before, time.monotonic() - begun))}"
            bar.update(task, completed=number, total=asked, description=words)
            if bar.disable and (number == asked or number % max(1, asked // 20) == 0):
                tell(f"{number} of {asked}: {words}")

        yield show


def _show(ended: "Evaluation", *, as_json: bool) -> None:
    from .show.terminal import failures_table, rows_table

    if as_json:
        emit(
            "eval run",
            {
                "run": ended.head.name,
                "status": ended.head.status,
                "folder": str(ended.record.folder),
                "seconds": ended.head.seconds,
                "sound": ended.sound,
                "rows": [row.model_dump(mode="json") for row in ended.rows],
                "results": [result.model_dump(mode="json") for result in ended.results],
            },
        )
        return
    say(rows_table(ended.rows))
    if (table := failures_table(ended)) is not None:
        say(table)
    head = ended.head
    words = f"{len(ended.results)} of {head.asked} results in {head.seconds:.0f} s: {ended.record.folder}"
    say(words if head.status == "complete" else f"PARTIAL, {head.because}: {words}")


def _end(ended: "Evaluation") -> None:
    from agents.commands.output import TRANSIENT

    if not ended.sound:
        raise typer.Exit(FAILURE)
    if ended.head.status != "complete":
        raise typer.Exit(TRANSIENT)
