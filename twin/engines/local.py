"""The processors of one machine, as many of them as pay."""

import os
import time
from collections.abc import Generator, Sequence

from .processes import Processes
from .seam import Chunk, Done, Serial, Shared, Task

LEAST = 3.0
"""Seconds of work below which it is never spread."""
START_UP = 2.5
"""Seconds that a process takes until it does its first chunk: measured, most of it imports numba and compiled code."""


class Local:
    """Does chunks here until what they took says that processes would be done sooner, and then the rest in those.

    The cost of the work is measured on its own first chunks, so that it holds for whatever network and machine.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or available()

    @property
    def workers(self) -> int:
        """How many chunks are done at once."""
        return self._workers

    def map(
        self, task: Task[Shared, Chunk, Done], shared: Shared, chunks: Sequence[Chunk]
    ) -> Generator[tuple[int, Done], None, None]:
        """Yield each position and what its chunk gives."""
        begun = time.monotonic()
        for position, done in Serial().map(task, shared, chunks):
            yield position, done
            rest = chunks[position + 1 :]
            if pays((time.monotonic() - begun) / (position + 1) * len(rest), min(self._workers, len(rest))):
                for behind, other in Processes(self._workers).map(task, shared, rest):
                    yield position + 1 + behind, other
                return


def pays(seconds: float, workers: int) -> bool:
    """Whether this much work is done sooner by processes that have to be started first."""
    return workers > 1 and seconds >= LEAST and seconds / workers + START_UP < seconds


def available() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
