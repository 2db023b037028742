"""Chunks of work in processes of this machine.

What all chunks share is written once to a file that every process maps, so that arrays are read-only and there is one
copy of them however many processes read.
"""

import mmap
import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from twin.abandoned import go_on
from twin.errors import InputError, TransientError, TwinError

from .seam import LOOKS_S, Chunk, Done, Shared, Task, failed_chunk, named_chunk

ATTEMPTS = 3
"""Workers that may die of one chunk."""
_SPAWN = multiprocessing.get_context("spawn")
_ALIGNED = 64  # bytes


class WaitingLine(Protocol):
    """One end of a pipe between this process and a worker."""

    def send_bytes(self, buf: bytes, /) -> None:
        """Send one message. Raises `OSError` when nobody is there any more."""
        ...

    def recv_bytes(self) -> bytes:
        """Wait for one message. Raises `EOFError` when nobody is there any more."""
        ...

    def close(self) -> None:
        """Close this end."""
        ...

    def fileno(self) -> int:
        """Return the file descriptor to wait on."""
        ...


class Processes:
    """Does chunks in processes, each of which is started anew and takes about two seconds to come up."""

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise InputError(f"{workers} processes do nothing", fix="give at least one")
        self._workers = workers

    @property
    def workers(self) -> int:
        """How many chunks are done at once."""
        return self._workers

    def map(
        self, task: Task[Shared, Chunk, Done], shared: Shared, chunks: Sequence[Chunk]
    ) -> Generator[tuple[int, Done], None, None]:
        """Yield each position and what its chunk gives, as soon as it is there."""
        left, deaths = deque(range(len(chunks))), dict.fromkeys(range(len(chunks)), 0)
        crew: list[_Worker] = []
        with _written((task, shared)) as path:
            try:
                crew += [_start(path) for _ in range(min(self._workers, len(chunks)))]
                while left or any(worker.at is not None for worker in crew):
                    go_on()
                    crew = [_handed(worker, left, chunks) for worker in crew]
                    for worker in _ready(crew):
                        answer = _answer(worker)
                        at, worker.at = worker.at, None
                        if answer is None and at is not None:
                            deaths[at] += 1
                            if deaths[at] >= ATTEMPTS:
                                raise _died(at, chunks)
                            left.appendleft(at)
                        if answer is None:
                            worker.stop()
                            crew[crew.index(worker)] = _start(path)
                        elif at is not None:
                            yield at, _opened(answer, at, chunks)
            finally:
                for worker in crew:
                    worker.stop()


class _Answer(NamedTuple):
    """What came of one chunk."""

    done: object
    error: TwinError | None = None
    said: str = ""


class _Worker:
    """One process, and the position of the chunk that it is at."""

    def __init__(self, process: BaseProcess, line: WaitingLine) -> None:
        self.process, self.line = process, line
        self.at: int | None = None

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        self.line.close()
        self.process.join()


def _start(path: Path) -> _Worker:
    here, there = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_serve, args=(path, there, os.getpid()))
    process.start()
    there.close()
    return _Worker(process, here)


def _handed(worker: _Worker, left: deque[int], chunks: Sequence[object]) -> _Worker:
    """Give a worker that has nothing to do the next chunk, if there is one."""
    if worker.at is None and left:
        at = left.popleft()
        with suppress(OSError):  # it has died since: its end of the line says so
            worker.line.send_bytes(pickle.dumps(chunks[at]))
        worker.at = at
    return worker


def _ready(crew: Sequence[_Worker]) -> list[_Worker]:
    busy = {worker.line.fileno(): worker for worker in crew if worker.at is not None}
    return [busy[line] for line in wait(list(busy), LOOKS_S) if isinstance(line, int)]


def _answer(worker: _Worker) -> _Answer | None:
    """Receive what a worker has done; None when it died."""
    try:
        return pickle.loads(worker.line.recv_bytes())  # noqa: S301 - written by a process of our own
    except (EOFError, OSError):
        return None


def _opened(answer: _Answer, at: int, chunks: Sequence[object]) -> Any:  # noqa: ANN401 - what the task returns
    if answer.error is not None:
        raise answer.error
    if answer.said:
        raise failed_chunk(at, chunks, answer.said)
    return answer.done


def _died(at: int, chunks: Sequence[object]) -> TransientError:
    return TransientError(
        f"{ATTEMPTS} worker processes died of {named_chunk(at, chunks)}",
        fix="see whether memory runs out: run again with fewer workers",
    )


def _serve(path: Path, line: WaitingLine, parent: int) -> None:
    """In a worker: do chunk after chunk, leave Ctrl-C to the parent, and do not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    task, shared = _read(path)
    while True:
        try:
            chunk = pickle.loads(line.recv_bytes())  # noqa: S301 - written by the process that started this one
        except (EOFError, OSError):
            return
        line.send_bytes(_done(task, shared, chunk))


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _done(task: Callable[[object, object], object], shared: object, chunk: object) -> bytes:
    try:
        return pickle.dumps(_Answer(task(shared, chunk)))
    except Exception as error:
        return _failure(error)


def _failure(error: Exception) -> bytes:
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, TwinError):
        try:
            packed = pickle.dumps(_Answer(None, error))
            pickle.loads(packed)  # noqa: S301 - not every error comes back whole
        except Exception:
            return pickle.dumps(_Answer(None, said=said))
        return packed
    return pickle.dumps(_Answer(None, said=said))


@contextmanager
def _written(shared: object) -> Generator[Path]:
    """Write what is shared to a file, arrays side by side behind everything else."""
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(shared, protocol=5, buffer_callback=buffers.append)
    parts = [head, *(buffer.raw() for buffer in buffers)]
    with tempfile.TemporaryDirectory(prefix="twinops-") as folder:
        path = Path(folder) / "shared"
        with path.open("wb") as file:
            sizes = pickle.dumps([len(part) for part in parts])
            file.write(len(sizes).to_bytes(8, "little") + sizes)
            for part in parts:
                file.write(b"\0" * (-file.tell() % _ALIGNED))
                file.write(part)
        yield path


def _read(path: Path) -> Any:  # noqa: ANN401 - the task and what it shares
    with path.open("rb") as file:
        mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    at = 8 + int.from_bytes(mapped[:8], "little")
    parts: list[memoryview] = []
    for size in pickle.loads(mapped[8:at]):  # noqa: S301 - a file of our own
        at += -at % _ALIGNED
        parts.append(mapped[at : at + size])
        at += size
    return pickle.loads(parts[0], buffers=parts[1:])  # noqa: S301 - a file of our own
