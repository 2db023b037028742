"""The one way to do many things at once: a map over chunks, in this process or in several.

What is done depends on the chunk alone, so that results do not depend on who does it or on how many there are.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from typing import Protocol, TypeVar

from twin.errors import TransientError

_Chunk = TypeVar("_Chunk")
_Done = TypeVar("_Done")


class Executor(Protocol):
    """Does chunks of work. A cluster's map fits behind this as well."""

    workers: int

    def each(self, task: Callable[[_Chunk], _Done], chunks: Sequence[_Chunk]) -> Iterator[_Done]:
        """Yield `task(chunk)` of every chunk as soon as it is there, in any order. `task` is a module's function.

        Closing the iterator gives up what has not begun. Raises `TransientError` when a worker dies.
        """
        ...


class Serial:
    """Does everything here, in order."""

    workers = 1

    def each(self, task: Callable[[_Chunk], _Done], chunks: Sequence[_Chunk]) -> Iterator[_Done]:
        """Yield `task(chunk)` of every chunk."""
        yield from map(task, chunks)


class Processes:
    """Does chunks in several processes of this machine."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def each(self, task: Callable[[_Chunk], _Done], chunks: Sequence[_Chunk]) -> Iterator[_Done]:
        """Yield `task(chunk)` of every chunk; few are handed out ahead, so that little is lost on an interrupt."""
        left = iter(chunks)
        pool = ProcessPoolExecutor(
            self.workers, mp_context=get_context("spawn"), initializer=_settle_in, initargs=(os.getpid(),)
        )
        try:
            busy: set[Future[_Done]] = {pool.submit(task, chunk) for chunk in islice(left, 2 * self.workers)}
            while busy:
                done, busy = wait(busy, return_when=FIRST_COMPLETED)
                for future in done:
                    following = next(left, None)
                    if following is not None:
                        busy.add(pool.submit(task, following))
                    yield future.result()
        except BrokenProcessPool as error:
            raise TransientError("a worker process died", fix="run again with --resume, and fewer --workers") from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def executor(workers: int) -> Executor:
    """Return the plainest executor with this many workers."""
    return Serial() if workers <= 1 else Processes(workers)


def _settle_in(parent: int) -> None:
    """In a worker: leave Ctrl-C to the parent, and do not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
