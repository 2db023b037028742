"""How far work has come that many do at once, on stderr."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .output import tell

if TYPE_CHECKING:
    from twin.engines.seam import Engine, Progress

_SILENT = 3.0  # seconds of work that nobody needs to be told about
_LINES = 10


@contextmanager
def watched(name: str | None, workers: int | None = None) -> "Generator[Engine]":
    """Give the engine of a name; a bar with the time left on a terminal, a line for each tenth of the work elsewhere.

    Work of less than three seconds is silent.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    from agents.show.tables import console
    from twin.engines.choose import engine_named
    from twin.engines.seam import Reporting

    with Bar(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        console=console(sys.stderr), disable=not sys.stderr.isatty(), transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task("", total=None, visible=False)
        told = 0

        def show(progress: "Progress") -> None:
            nonlocal told
            if progress.seconds < _SILENT:
                return
            bar.update(
                task, completed=progress.done, total=progress.total, description=time_left(progress), visible=True
            )
            part = _LINES * progress.done // progress.total
            if bar.disable and part > told:
                told = part
                tell(f"{progress.done} of {progress.total} parts, {time_left(progress)}")

        yield Reporting(engine_named(name, workers), show)


def time_left(progress: "Progress") -> str:
    """What the rest takes at the pace so far, in words."""
    seconds = progress.left
    if seconds is None or progress.done == progress.total:
        return "done" if progress.done == progress.total else "begun"
    return f"{seconds:.0f} s left" if seconds < 120 else f"{seconds / 60:.0f} min left"
