"""Where a command's output goes: results on stdout, everything else on stderr; exit codes that scripts can read."""

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from agents.show.answer import Answer

FORMAT = "twinops/1"
FAILURE, USAGE, REJECTED, TRANSIENT, INTERRUPTED = 1, 2, 3, 4, 130


class RunInterruptedError(Exception):
    """A run was interrupted and has said so in its own result; any other interrupt is still to be told."""


def open_closed() -> None:
    """Put nothing in the place of a stream that is closed: a file opened there would be written what is printed."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # it takes the lowest place that is free
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115


def help_when_alone(context: typer.Context) -> None:
    """Show what there is to those who name no command; nothing went wrong."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def emit(command: str, result: dict[str, Any]) -> None:
    """Write a result as one JSON object on stdout."""
    sys.stdout.write(json.dumps({"format": FORMAT, "command": command, **result}, ensure_ascii=False) + "\n")


def say(result: object) -> None:
    """Write a result for people on stdout."""
    from agents.show.lines import wrapped
    from agents.show.tables import console

    shown = console(sys.stdout)
    if isinstance(result, str):
        shown.print("\n".join(wrapped(line, shown.width) for line in result.split("\n")), soft_wrap=True)
    else:
        shown.print(result)


def tell(progress: object) -> None:
    """Write progress for people on stderr: a line each, and on a terminal one that ends between words."""
    from agents.show.lines import wrapped
    from agents.show.tables import console

    shown = console(sys.stderr)
    if isinstance(progress, str) and shown.is_terminal:
        progress = wrapped(progress, shown.width)
    shown.print(progress, soft_wrap=True)


def give(command: str, answer: "Answer", *, as_json: bool) -> None:
    """Write an answer, for a program or for people, and end with its exit code."""
    if as_json:
        emit(command, dict(answer.document))
    else:
        from agents.show.answer import Verbatim

        for part in answer.text:
            if isinstance(part, Verbatim):
                sys.stdout.write(f"{part.text}\n")
            else:
                say(part)
    if answer.code:
        raise typer.Exit(answer.code)
