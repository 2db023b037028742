"""The command line: every command calls one function; results on stdout, everything else on stderr.

Exit codes: 0 ok, 1 failure, 2 usage or bad input, 3 rejected by the gate, 4 transient, 130 interrupted.
Whatever is slow to import is imported by the command that needs it.
"""

import json
import os
import sys
from datetime import UTC, datetime
from importlib.util import find_spec
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.exceptions import Abort, TyperException

if TYPE_CHECKING:
    from agents.answers import Answer
    from twin.policy import Policy

FORMAT = "twinops/1"
FOLDERS = ("twin", "tools", "prompts", "agents", "evals")
FAILURE, REJECTED, INTERRUPTED = 1, 3, 130

app = typer.Typer(
    name="twinops",
    help="Agents that rehearse every network change on a digital twin before anyone signs it.",
    epilog="Exit codes: 0 ok, 1 failure, 2 usage or bad input, 3 rejected by the gate, 4 transient, 130 interrupted.",
    no_args_is_help=True,
    rich_markup_mode=None,  # rich takes longer to import than the help takes to print
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class RunInterruptedError(Exception):
    """A run was interrupted and has said so in its own result; any other interrupt is still to be told."""


Network = Annotated[str, typer.Option("--network", "-n", help="A network by name, a file, or twin.duckdb[#SNAPSHOT].")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
PolicyFile = Annotated[Path | None, typer.Option("--policy", help="TOML file with the limits to keep.")]
Scenarios = Annotated[
    Path | None, typer.Option("--scenarios", help="CSV or Parquet of the traffic matrices that may come.")
]
Runs = Annotated[Path, typer.Option("--runs", help="Folder that holds the runs.", envvar="TWINOPS_RUNS")]
Top = Annotated[int, typer.Option("--top", min=1, help="Rows to show.")]


@app.command()
def run(
    network: Network = "sndlib/germany50",
    seed: Annotated[int, typer.Option("--seed", "-s", min=0, help="Another seed is another incident.")] = 1,
    fault: Annotated[
        str | None, typer.Option("--fault", help="KIND[@ELEMENT[,TARGET][=SEVERITY]]; drawn if left out.")
    ] = None,
    healthy: Annotated[bool, typer.Option("--healthy", help="Let nothing go wrong.")] = False,
    model: Annotated[str, typer.Option("--model", "-m", help="provider:model, or runbook for none.")] = "runbook",
    policy: PolicyFile = None,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Work on one incident, from the first symptom to a network that is well again.

    Exit code 3 means that no plan was safe: nothing was changed.
    """
    if fault is not None and healthy:
        raise typer.BadParameter("--fault and --healthy exclude each other")
    from agents.console import Screen, summary_panel
    from agents.run import RunRequest
    from agents.shell import run_shown
    from twin.faults.names import read_fault
    from twin.formats import load_network

    limits = _limits(policy)
    struck = read_fault(fault, load_network(network), seed=seed) if fault is not None else None
    request = RunRequest(network=network, seed=seed, model=model, policy=limits, fault=struck, healthy=healthy)
    summary, code = run_shown(request, runs, screen=Screen())
    if as_json:
        emit("run", summary.model_dump(mode="json"))
    else:
        say(summary_panel(summary))
    raise RunInterruptedError if code == INTERRUPTED else typer.Exit(code)


@app.command("eval")
def evaluate(
    suite: Annotated[str, typer.Argument(help="The suite's name.")] = "smoke",
    workers: Annotated[int, typer.Option("--workers", "-w", min=1, help="Processes.")] = 2,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Run a suite of seeded incidents and score it against the truth that each case fixes.

    Exit code 1 means that a case crashed, or that a plan was applied without a valid certificate or without lowering
    the harm.
    """
    from evals.run import run_suite
    from evals.table import score_line, score_table, summary_text

    summary, scores = run_suite(suite, runs=runs, workers=workers, on_score=lambda score: tell(score_line(score)))
    if as_json:
        emit("eval", {**summary.model_dump(mode="json"), "scores": [score.model_dump(mode="json") for score in scores]})
    else:
        say(score_table(scores))
        say("")
        say(summary_text(summary))
    if not summary.safe:
        raise typer.Exit(FAILURE)


@app.command("import")
def read_in(
    files: Annotated[list[Path], typer.Argument(help="Networks, in any known format.", show_default=False)],
    traffic: Annotated[
        Path | None, typer.Option("--traffic", help="CSV, Parquet or .demands in place of the file's own traffic.")
    ] = None,
    into: Annotated[Path, typer.Option("--into", help="The twin file to store them in.")] = Path("twin.duckdb"),
    as_json: Json = False,
) -> None:
    """Read networks into a twin file, all of them or none, and say what was read and what was assumed."""
    from agents.answers import import_files

    _give("import", import_files(files, traffic, into, now=datetime.now(UTC)), as_json=as_json)


@app.command()
def whatif(
    network: Network = "sndlib/germany50",
    fail: Annotated[
        list[str] | None,
        typer.Option(
            "--fail",
            "-f",
            help="all, all-links, all-nodes, risk-groups, pairs, a node, a circuit (A--B); commas or again.",
        ),
    ] = None,
    together: Annotated[bool, typer.Option("--together", help="Everything named fails at once.")] = False,
    demands: Annotated[bool, typer.Option("--demands", help="Study each demand too: delay, and what cuts it.")] = False,
    drain: Annotated[list[str] | None, typer.Option("--drain", help="Rehearse the drain of a node or circuit.")] = None,
    window: Annotated[str | None, typer.Option("--window", help="When it is drained, such as 02:00-04:00.")] = None,
    day: Annotated[Path | None, typer.Option("--day", help="24 shares of the traffic, one an hour.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write the study as a page of its own, too.")] = None,
    policy: PolicyFile = None,
    top: Top = 12,
    as_json: Json = False,
) -> None:
    """Show how full each link gets when something fails, which failure causes it, and how far traffic may grow.

    With --drain, rehearse a maintenance window hour by hour, with the next failure on top; exit code 3 means that it
    breaks the limits.
    """
    from agents.answers import WHOLE_DAY, Failing, rehearse_drain, study_failures

    if drain:
        if fail or together or demands or html:
            raise typer.BadParameter("--drain excludes --fail, --together, --demands and --html")
        _give("whatif", rehearse_drain(network, drain, window or WHOLE_DAY, _limits(policy), day=day), as_json=as_json)
    elif window or day:
        raise typer.BadParameter("--window and --day belong to --drain")
    else:
        failing = Failing(fail or ["all"], together)
        answer = study_failures(network, failing, _limits(policy), demands=demands, page=html, top=top)
        _give("whatif", answer, as_json=as_json)


@app.command()
def plan(
    goal: Annotated[str, typer.Option("--goal", "-g", help="relieve, drain:ELEMENT, sleep, upgrade or grow:FACTOR.")],
    network: Network = "sndlib/germany50",
    objective: Annotated[
        str | None, typer.Option("--objective", help="utilisation, delay, energy or changes: the best of the front.")
    ] = None,
    scenarios: Scenarios = None,
    measure: Annotated[str, typer.Option("--measure", help="Weigh scenarios by their mean, or by cvar.")] = "cvar",
    time_limit: Annotated[float | None, typer.Option("--time-limit", help="Seconds; the best so far counts.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the plan here, for verify.")] = None,
    seed: Annotated[int, typer.Option("--seed", "-s", min=0, help="Seed of the weight search.")] = 1,
    policy: PolicyFile = None,
    top: Top = 12,
    as_json: Json = False,
) -> None:
    """Look for a plan by every planner that serves the goal, and let the gate judge it.

    Exit code 3 means that there is no safe plan. A plan that asks for capacity is for a person to order: it ends with
    0, though the gate passes no such plan and nothing executes it.
    """
    from agents.answers import Wish, make_plan

    wish = Wish(goal, objective, scenarios, measure, time_limit, seed)
    _give("plan", make_plan(network, _limits(policy), wish, output=output, top=top), as_json=as_json)


@app.command()
def verify(
    plan: Annotated[Path, typer.Argument(help="The plan, a JSON file.", show_default=False)],
    network: Network = "sndlib/germany50",
    policy: PolicyFile = None,
    scenarios: Scenarios = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write a safe order, if any.")] = None,
    as_json: Json = False,
) -> None:
    """Let the gate judge a plan: simulate it step by step, under every single failure, and back.

    When only its order does harm, look for one that does not.
    """
    from agents.answers import judge_plan

    answer = judge_plan(plan, network, _limits(policy), scenarios, reordered=output)
    _give("verify", answer, as_json=as_json)


@app.command()
def show(
    run: Annotated[str, typer.Argument(help="A run's folder, or its name in the folder of runs.", show_default=False)],
    runs: Runs = Path("runs"),
    report: Annotated[bool, typer.Option("--report", help="Write its report.html again.")] = False,
    as_json: Json = False,
) -> None:
    """Sum a run up from its own record."""
    from agents.report import read_run, write_report
    from agents.report.summary import summarise

    folder = Path(run) if Path(run).exists() else runs / run
    if report:
        write_report(folder)
    summary = summarise(read_run(folder), folder)
    if as_json:
        emit("show", summary.model_dump(mode="json"))
        return
    from agents.console import summary_panel

    say(summary_panel(summary))


@app.command()
def doctor(runs: Runs = Path("runs"), as_json: Json = False) -> None:
    """Say whether everything that twinops needs is there. Secrets are looked for, never printed."""
    from agents.doctor import examine

    findings = examine(runs)
    broken = [finding for finding in findings if finding.state == "broken"]
    if as_json:
        emit("doctor", {"healthy": not broken, "findings": [finding.model_dump() for finding in findings]})
    else:
        from agents.tables import text_table

        rows = [(finding.name, finding.state, finding.detail, finding.fix) for finding in findings]
        say(text_table(("what", "state", "detail", "to change it"), rows))
    if broken:
        raise typer.Exit(FAILURE)


def _limits(policy: Path | None) -> "Policy":
    from twin.policy import Policy, load_policy

    return load_policy(policy) if policy else Policy()


def _give(command: str, answer: "Answer", *, as_json: bool) -> None:
    if as_json:
        emit(command, dict(answer.document))
    else:
        for part in answer.text:
            say(part)
    if answer.code:
        raise typer.Exit(answer.code)


def emit(command: str, result: dict[str, Any]) -> None:
    """Write a result as one JSON object on stdout."""
    sys.stdout.write(json.dumps({"format": FORMAT, "command": command, **result}, ensure_ascii=False) + "\n")


def say(result: object) -> None:
    """Write a result for people on stdout."""
    from agents.tables import console

    console(sys.stdout).print(result)


def tell(progress: object) -> None:
    """Write progress for people on stderr."""
    from agents.tables import console

    console(sys.stderr).print(progress, soft_wrap=True)


def main() -> None:
    """Run the command line: every failure becomes one line on stderr and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal without Unicode shows a question mark, not a traceback
            stream.reconfigure(errors="replace")
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: list[str]) -> int:
    """Run one command and return its exit code. Nothing is raised, and nothing is told twice."""
    as_json = "--json" in arguments
    try:
        _require_own_folders()
        code = app(arguments, standalone_mode=False, prog_name="twinops")
        sys.stdout.flush()
        if code == INTERRUPTED:
            return _fail("interrupted", "interrupted", "", INTERRUPTED, as_json=as_json)
        return code if isinstance(code, int) else 0
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except RunInterruptedError:
        return INTERRUPTED
    except KeyboardInterrupt:
        return _fail("interrupted", "interrupted", "", INTERRUPTED, as_json=as_json)
    except (TyperException, Abort) as error:
        message = error.format_message() if isinstance(error, TyperException) else "aborted"
        return _fail("usage", message, "twinops --help", getattr(error, "exit_code", FAILURE), as_json=as_json)
    except Exception as error:
        return _fail_by(error, as_json=as_json)


def _fail_by(error: Exception, *, as_json: bool) -> int:
    from twin.errors import TwinError

    if os.environ.get("TWINOPS_DEBUG"):
        raise error
    if isinstance(error, TwinError):
        return _fail(error.code, str(error), error.fix, error.exit_code, as_json=as_json)
    fix = "this is a bug; TWINOPS_DEBUG=1 shows where"
    return _fail("internal", f"{type(error).__name__}: {error}", fix, FAILURE, as_json=as_json)


def _fail(code: str, message: str, fix: str, exit_code: int, *, as_json: bool) -> int:
    line = " ".join("".join(c if c.isprintable() else " " for c in message).split())
    if as_json:
        body = {"code": code, "message": line, "fix": fix, "exit_code": exit_code}
        sys.stdout.write(json.dumps({"format": FORMAT, "error": body}, ensure_ascii=False) + "\n")
    sys.stderr.write(f"error: {line}{f' ({fix})' if fix else ''}\n")
    return exit_code


def _require_own_folders() -> None:
    """Our packages have common names: another distribution's `agents` must not be run in their place."""
    home = Path(__file__).resolve().parent
    for name in FOLDERS:
        spec = find_spec(name)
        places = [Path(place).resolve() for place in (spec.submodule_search_locations or ()) if spec] if spec else []
        if home / name not in places:
            where = places[0] if places else "nothing"
            raise TyperException(f"the package {name!r} is not twinops': {where} is found in place of {home / name}")


if __name__ == "__main__":
    main()
