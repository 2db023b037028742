"""The front door: what `import twinops` offers, each name imported on its first use, and the command line.

Whatever is slow to import is imported by the command that needs it.
"""

import gc
import json
import os
import sys
from collections.abc import Collection
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from io import TextIOWrapper
from pathlib import Path
from shutil import get_terminal_size
from textwrap import fill
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

    from agents.run.request import RunRequest as RunRequest
    from agents.run.run import run_incident as run_incident
    from evals.run.run import evaluate_suites as evaluate
    from twin.diagnose.diagnose import diagnose as diagnose
    from twin.errors import TwinError as TwinError
    from twin.forecast.sources import forecast_of as forecast
    from twin.formats.load import load_network as load_network
    from twin.gate.verdict import Verdict as Verdict
    from twin.gate.verdict import verify as verify
    from twin.model import Network as Network
    from twin.observe.observe import observe as observe
    from twin.observe.readings.files import read_measured as read_measured
    from twin.optimise.goals import Purpose as Purpose
    from twin.optimise.goals import plan_for as plan_for
    from twin.plan import DrainLink as DrainLink
    from twin.plan import DrainNode as DrainNode
    from twin.plan import LimitDemand as LimitDemand
    from twin.plan import Plan as Plan
    from twin.plan import RemoveTunnel as RemoveTunnel
    from twin.plan import SetCapacity as SetCapacity
    from twin.plan import SetTunnel as SetTunnel
    from twin.plan import SetWeight as SetWeight
    from twin.plan import SleepLink as SleepLink
    from twin.plan import UndrainLink as UndrainLink
    from twin.plan import UndrainNode as UndrainNode
    from twin.plan import WakeLink as WakeLink
    from twin.policy import Policy as Policy
    from twin.sim.simulate import simulate as simulate
    from twin.sim.simulate import single_failures as single_failures
    from twin.site import connect as connect
    from twin.store import TwinStore as TwinStore
    from twin.study.failures import study as study

__all__ = [  # noqa: PLE0604, RUF100 - imported on first use, so that a script pays only for what it names
    "DrainLink",
    "DrainNode",
    "LimitDemand",
    "Network",
    "Plan",
    "Policy",
    "Purpose",
    "RemoveTunnel",
    "RunRequest",
    "SetCapacity",
    "SetTunnel",
    "SetWeight",
    "SleepLink",
    "TwinError",
    "TwinStore",
    "UndrainLink",
    "UndrainNode",
    "Verdict",
    "WakeLink",
    "connect",
    "diagnose",
    "evaluate",
    "forecast",
    "load_network",
    "observe",
    "plan_for",
    "read_measured",
    "run_incident",
    "simulate",
    "single_failures",
    "study",
    "verify",
]
_HOMES = {
    "DrainLink": "twin.plan",
    "DrainNode": "twin.plan",
    "LimitDemand": "twin.plan",
    "Network": "twin.model",
    "Plan": "twin.plan",
    "Policy": "twin.policy",
    "Purpose": "twin.optimise.goals",
    "RemoveTunnel": "twin.plan",
    "RunRequest": "agents.run.request",
    "SetCapacity": "twin.plan",
    "SetTunnel": "twin.plan",
    "SetWeight": "twin.plan",
    "SleepLink": "twin.plan",
    "TwinError": "twin.errors",
    "TwinStore": "twin.store",
    "UndrainLink": "twin.plan",
    "UndrainNode": "twin.plan",
    "Verdict": "twin.gate.verdict",
    "WakeLink": "twin.plan",
    "connect": "twin.site",
    "diagnose": "twin.diagnose.diagnose",
    "evaluate": "evals.run.run",
    "forecast": "twin.forecast.sources",
    "load_network": "twin.formats.load",
    "observe": "twin.observe.observe",
    "plan_for": "twin.optimise.goals",
    "read_measured": "twin.observe.readings.files",
    "run_incident": "agents.run.run",
    "simulate": "twin.sim.simulate",
    "single_failures": "twin.sim.simulate",
    "study": "twin.study.failures",
    "verify": "twin.gate.verdict",
}
_CALLED = {"evaluate": "evaluate_suites", "forecast": "forecast_of"}  # at home, where each has a namesake
_BELOW = f"{__name__}." if "__path__" in globals() else ""
"""In a wheel everything lies below this name; in the repository the folders stand beside this file."""

FORMAT = "twinops/1"
FOLDERS = ("twin", "tools", "prompts", "agents", "evals")
FAILURE, INTERRUPTED = 1, 130
EXIT_CODES = (
    "Exit codes: 0 ok, 1 failure, 2 bad usage or input, 3 rejected or a fault found, 4 transient, 130 interrupted."
)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(_BELOW + _HOMES[name]), _CALLED.get(name, name))
    import_module(f"{_BELOW}twin.drawn").draw_with(_draw)
    globals()[name] = found
    return found


def _draw(shown: object) -> str:
    from agents.show.notebook import as_html

    return as_html(shown)


def __dir__() -> list[str]:
    return sorted(__all__)


_COMMANDS = {
    "run": "agents.commands.incidents:run",
    "eval": "evals.commands:app",
    "import": "agents.commands.twin:read_in",
    "elements": "agents.commands.listing:elements",
    "faults": "agents.commands.listing:faults",
    "whatif": "agents.commands.twin:whatif",
    "ask": "agents.commands.goals:ask",
    "plan": "agents.commands.twin:plan",
    "verify": "agents.commands.twin:verify",
    "diff": "agents.commands.twin:diff",
    "init": "agents.commands.own_network:init",
    "render": "agents.commands.own_network:render",
    "done": "agents.commands.own_network:done",
    "listen": "agents.commands.listen:listen",
    "quality": "agents.commands.observation:quality",
    "forecast": "agents.commands.observation:forecast",
    "diagnose": "agents.commands.observation:diagnose",
    "show": "agents.commands.incidents:show",
    "runs": "agents.commands.runs:list_runs",
    "resume": "agents.commands.runs:resume",
    "answer": "agents.commands.decisions:answer",
    "approve": "agents.commands.decisions:approve",
    "reject": "agents.commands.decisions:reject",
    "replay": "agents.commands.runs:replay",
    "audit": "agents.commands.runs:audit",
    "watch": "agents.commands.room:watch",
    "serve": "agents.commands.room:serve",
    "backup": "agents.commands.backup:backup",
    "restore": "agents.commands.backup:restore",
    "mcp": "agents.commands.mcp:mcp",
    "doctor": "agents.commands.setup:doctor",
    "lab": "agents.commands.lab:app",
}
"""Where each command is: a function, or an app of several. To add one, write it and name it here."""
_BRIEF = ("show", "runs", "audit", "faults")
"""Commands that read and end: a twentieth of their time went into looking for garbage."""


def commands(names: Collection[str] = _COMMANDS) -> "typer.Typer":
    """Build the command line with some commands: to read the options of all takes half a second."""
    from typing import Annotated

    import typer

    from agents.commands.output import help_when_alone

    app = typer.Typer(
        name="twinops",
        rich_markup_mode=None,  # rich takes longer to import than the help takes to print
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback(invoke_without_command=True, epilog=EXIT_CODES)
    def front_door(  # pyright: ignore[reportUnusedFunction] - the decorator keeps it
        context: typer.Context,
        version: Annotated[bool, typer.Option("--version", help="Say which version this is, and end.")] = False,
    ) -> None:
        """Agents that rehearse every network change on a digital twin before anyone signs it."""
        if version:
            from twin.version import version as installed

            typer.echo(f"twinops {installed()}")
            raise typer.Exit
        help_when_alone(context)

    for name in names:
        module, _, found = _COMMANDS[name].partition(":")
        command = getattr(import_module(_BELOW + module), found)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, short_help=_sentence(command.info.help))
            for below in command.registered_commands:
                below.short_help = _sentence(getattr(below.callback, "__doc__", None))
        else:
            app.command(name, short_help=_sentence(command.__doc__))(command)
    return app


def _sentence(text: object) -> str:
    """The first sentence of a help, whole: what is cut to one line ends in the middle of what it says."""
    return " ".join(str(text or "").split()).partition(". ")[0].removesuffix(".") + "."


def main() -> None:
    """Run the command line: every failure becomes one line on stderr and an exit code."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # ours needs none, and to look for some takes time
    if sys.argv[1:2] and sys.argv[1] in _BRIEF:
        gc.disable()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal without Unicode shows a question mark, not a traceback
            stream.reconfigure(errors="replace")
    code = run_command(sys.argv[1:])
    if code == INTERRUPTED:
        gc.freeze()  # who stops a command does not wait for all that it holds to be taken apart piece by piece
    sys.exit(code)


def run_command(arguments: list[str]) -> int:
    """Run one command and return its exit code. Nothing is raised, and nothing is told twice."""
    from typer.exceptions import Abort, TyperException

    as_json = "--json" in arguments
    try:
        _require_own_folders()
        from agents.commands.output import open_closed
        from evals.models import offer_models

        open_closed()
        offer_models()
        code = commands(_needed(arguments))(arguments, standalone_mode=False, prog_name="twinops")
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
        message = (error.format_message() if isinstance(error, TyperException) else "aborted").partition(" Did you ")[0]
        return _fail("usage", message, _help_for(arguments), getattr(error, "exit_code", FAILURE), as_json=as_json)
    except Exception as error:
        return _fail_by(error, as_json=as_json)


def _needed(arguments: list[str]) -> Collection[str]:
    first = arguments[:1]
    return first if first and first[0] in _COMMANDS else () if arguments == ["--version"] else _COMMANDS


def _help_for(arguments: list[str]) -> str:
    """Where it says what may be typed: of a command that is none, the closest one."""
    first = arguments[0] if arguments else ""
    if first in _COMMANDS:
        return f"twinops {first} --help"
    try:
        from twin.closest import closest

        near = [] if first.startswith("-") else closest(first, _COMMANDS, most=1)
    except ImportError:  # a package is missing, which is what is told
        near = []
    return f"is {near[0]} meant?" if near else "twinops --help"


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
    # in the front door's own words: a folder of ours that is missing is told of as well
    line = " ".join("".join(c if c.isprintable() else " " for c in message).split())
    if as_json:
        body = {"code": code, "message": line, "fix": fix, "exit_code": exit_code}
        with suppress(OSError):  # where a result could not be written, stderr says why
            sys.stdout.write(json.dumps({"format": FORMAT, "error": body}, ensure_ascii=False) + "\n")
            sys.stdout.flush()  # telemetry is delivered after this, and no result waits for it
    told = f"error: {line} ({fix})" if fix else f"error: {line}"
    if sys.stderr.isatty():  # a terminal would break it anywhere
        told = fill(told, get_terminal_size().columns, break_long_words=False, break_on_hyphens=False)
    sys.stderr.write(f"{told}\n")
    return exit_code


def _require_own_folders() -> None:
    """Our packages have common names: another distribution's `agents` must not be run in their place."""
    from typer.exceptions import TyperException

    if os.name == "nt":
        raise TyperException("twinops runs on Linux and macOS; on Windows use it in WSL or in a container")
    if _BELOW:
        return
    home = Path(__file__).resolve().parent
    for name in FOLDERS:
        spec = find_spec(name)
        places = [Path(place).resolve() for place in (spec.submodule_search_locations or ()) if spec] if spec else []
        if home / name not in places:
            where = places[0] if places else "nothing"
            raise TyperException(f"the package {name!r} is not twinops': {where} is found in place of {home / name}")


if __name__ == "__main__":
    main()
