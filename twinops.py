"""The command line: names the commands, and turns every failure into one line on stderr and an exit code.

Exit codes: 0 ok, 1 failure, 2 usage or bad input, 3 rejected by the gate, 4 transient, 130 interrupted.
Whatever is slow to import is imported by the command that needs it.
"""

import json
import os
import sys
from importlib.util import find_spec
from io import TextIOWrapper
from pathlib import Path

import typer
from typer.exceptions import Abort, TyperException

FORMAT = "twinops/1"
FOLDERS = ("twin", "tools", "prompts", "agents", "evals")
FAILURE, INTERRUPTED = 1, 130
EXIT_CODES = "Exit codes: 0 ok, 1 failure, 2 usage or bad input, 3 rejected by the gate, 4 transient, 130 interrupted."


def commands() -> typer.Typer:
    """Name every command. To add one, write its function in a module of `agents/commands` and name it here."""
    from agents.commands import goals, incidents, observation, runs, setup, twin
    from evals import commands as evaluation

    app = typer.Typer(
        name="twinops",
        help="Agents that rehearse every network change on a digital twin before anyone signs it.",
        epilog=EXIT_CODES,
        no_args_is_help=True,
        rich_markup_mode=None,  # rich takes longer to import than the help takes to print
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.command()(incidents.run)
    app.add_typer(evaluation.app, name="eval")
    app.command("import")(twin.read_in)
    app.command()(twin.whatif)
    app.command()(goals.ask)
    app.command()(twin.plan)
    app.command()(twin.verify)
    app.command()(twin.diff)
    app.command()(observation.quality)
    app.command()(observation.forecast)
    app.command()(observation.diagnose)
    app.command()(incidents.show)
    app.command("runs")(runs.list_runs)
    app.command()(runs.resume)
    app.command()(runs.approve)
    app.command()(runs.reject)
    app.command()(runs.replay)
    app.command()(runs.audit)
    app.command()(setup.doctor)
    return app


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
        code = commands()(arguments, standalone_mode=False, prog_name="twinops")
        sys.stdout.flush()
        if code == INTERRUPTED:
            return _fail("interrupted", "interrupted", "", INTERRUPTED, as_json=as_json)
        return code if isinstance(code, int) else 0
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except KeyboardInterrupt:
        return _fail("interrupted", "interrupted", "", INTERRUPTED, as_json=as_json)
    except (TyperException, Abort) as error:
        message = error.format_message() if isinstance(error, TyperException) else "aborted"
        return _fail("usage", message, "twinops --help", getattr(error, "exit_code", FAILURE), as_json=as_json)
    except Exception as error:
        return _fail_by(error, as_json=as_json)


def _fail_by(error: Exception, *, as_json: bool) -> int:
    from agents.commands.output import RunInterruptedError
    from twin.errors import TwinError

    if isinstance(error, RunInterruptedError):
        return INTERRUPTED
    if os.environ.get("TWINOPS_DEBUG"):
        raise error
    if isinstance(error, TwinError):
        return _fail(error.code, str(error), error.fix, error.exit_code, as_json=as_json)
    if isinstance(error, OSError | MemoryError):  # the machine said no: that is nobody's bug
        return _fail("system", str(error) or "out of memory", "free some space or memory", FAILURE, as_json=as_json)
    fix = "this is a bug; TWINOPS_DEBUG=1 shows where"
    return _fail("internal", f"{type(error).__name__}: {error}", fix, FAILURE, as_json=as_json)


def _fail(code: str, message: str, fix: str, exit_code: int, *, as_json: bool) -> int:
    line = " ".join("".join(c if c.isprintable() else " " for c in message).split())
    if as_json:
        body = {"code": code, "message": line, "fix": fix, "exit_code": exit_code}
        sys.stdout.write(json.dumps({"format": FORMAT, "error": body}, ensure_ascii=False) + "\n")
        sys.stdout.flush()  # telemetry is delivered after this, and no result waits for it
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
