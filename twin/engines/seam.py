"""The one way to do many things at once: a map of a task over chunks of work.

What is done depends on the chunk and on what all chunks share, so that results do not depend on who does it or on how
many there are. Arrays in what is shared may be read-only and may be the same memory for everybody.
"""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import NamedTuple, Protocol, TypeVar

from twin.abandoned import go_on
from twin.errors import TwinError, WorkError

Shared = TypeVar("Shared")
Chunk = TypeVar("Chunk")
Done = TypeVar("Done")
Task = Callable[[Shared, Chunk], Done]
"""A function of a module, so that other processes find it by its name."""
LOOKS_S = 0.2
"""Between two looks at whether anybody still waits for work that others do, or has pressed Ctrl-C."""


class Engine(Protocol):
    """Does chunks of work."""

    @property
    def workers(self) -> int:
        """How many chunks are done at once."""
        ...

    def map(
        self, task: Task[Shared, Chunk, Done], shared: Shared, chunks: Sequence[Chunk]
    ) -> Generator[tuple[int, Done], None, None]:
        """Yield the position of every chunk and what `task(shared, chunk)` returns, as soon as it is there.

        The order is any. Closing the iterator stops all work. A worker that dies is replaced and its chunk done again;
        raises `TransientError` when that does not help, and `WorkError` naming the chunk when the task fails on it.
        Errors of the project come as they are.
        """
        ...


class Serial:
    """Does everything here, in order."""

    workers = 1

    def map(
        self, task: Task[Shared, Chunk, Done], shared: Shared, chunks: Sequence[Chunk]
    ) -> Generator[tuple[int, Done], None, None]:
        """Yield each position and what its chunk gives."""
        for position, chunk in enumerate(chunks):
            go_on()
            try:
                done = task(shared, chunk)
            except TwinError:
                raise
            except Exception as error:
                raise failed_chunk(position, chunks, f"{type(error).__name__}: {error}") from error
            yield position, done


class Progress(NamedTuple):
    """How far a map has come."""

    done: int
    total: int
    seconds: float  # since it began

    @property
    def left(self) -> float | None:
        """Seconds that the rest takes at the pace so far; None before anything is done."""
        return self.seconds / self.done * (self.total - self.done) if self.done else None


class Reporting:
    """An engine that tells how far it has come."""

    def __init__(self, engine: Engine, tell: Callable[[Progress], None]) -> None:
        self._engine, self._tell = engine, tell

    @property
    def workers(self) -> int:
        """How many chunks are done at once."""
        return self._engine.workers

    def map(
        self, task: Task[Shared, Chunk, Done], shared: Shared, chunks: Sequence[Chunk]
    ) -> Generator[tuple[int, Done], None, None]:
        """Yield what the engine yields, and tell of each."""
        begun = time.monotonic()
        with closing(self._engine.map(task, shared, chunks)) as results:
            for count, done in enumerate(results, start=1):
                self._tell(Progress(count, len(chunks), time.monotonic() - begun))
                yield done


def in_order(engine: Engine, task: Task[Shared, Chunk, Done], shared: Shared, chunks: Sequence[Chunk]) -> list[Done]:
    """Return what each chunk gives, in the order of the chunks."""
    with closing(engine.map(task, shared, chunks)) as results:
        found = dict(results)
    return [found[position] for position in range(len(chunks))]


def failed_chunk(position: int, chunks: Sequence[object], why: str) -> WorkError:
    """Return the error of a chunk on which a task failed."""
    return WorkError(f"{named_chunk(position, chunks)} failed: {why}", fix="run that part alone to see why")


def named_chunk(position: int, chunks: Sequence[object]) -> str:
    """Say which chunk that is, by number, and by name where it has one."""
    name = getattr(chunks[position], "name", "")
    return f"chunk {position + 1} of {len(chunks)}{f' ({name})' if name else ''}"
