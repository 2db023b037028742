"""An engine of several processes that read one copy of the compiled arrays."""

import atexit
import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.shared_memory import SharedMemory
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

_Shared = TypeVar("_Shared")
_Chunk = TypeVar("_Chunk")
_Result = TypeVar("_Result")

_ALIGNMENT = 64


class Processes:
    """Evaluates in a pool of processes that read `shared`'s arrays from shared memory; a context manager.

    Worth its start, some seconds, for sweeps that take longer than that.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()

    def map(
        self, task: Callable[[_Shared, _Chunk], _Result], shared: _Shared, chunks: Sequence[_Chunk]
    ) -> list[_Result]:
        """Return `task(shared, chunk)` of every chunk, in order."""
        parcel, memory = _wrap(shared)
        try:
            futures = [self._pool.submit(_run, task, parcel, chunk) for chunk in chunks]
            return [future.result() for future in futures]
        finally:
            memory.close()
            memory.unlink()


class _Parcel(NamedTuple):
    """Where an object's arrays lie in shared memory, and the object without them."""

    memory: str
    places: tuple[tuple[int, int], ...]  # offset and size of each buffer, bytes
    frame: bytes


def _wrap(shared: object) -> tuple[_Parcel, SharedMemory]:
    buffers: list[pickle.PickleBuffer] = []
    frame = pickle.dumps(shared, protocol=5, buffer_callback=buffers.append)
    views = [buffer.raw() for buffer in buffers]
    places, end = list[tuple[int, int]](), 0
    for view in views:
        places.append((end, view.nbytes))
        end += -(-view.nbytes // _ALIGNMENT) * _ALIGNMENT
    memory = SharedMemory(create=True, size=max(end, 1))
    for view, (offset, size) in zip(views, places, strict=True):
        _bytes(memory)[offset : offset + size] = view
    return _Parcel(memory.name, tuple(places), frame), memory


_opened: dict[str, tuple[SharedMemory, Any]] = {}  # in a worker: the parcel in hand


def _run(task: Callable[[Any, Any], _Result], parcel: _Parcel, chunk: object) -> _Result:
    if parcel.memory not in _opened:
        _release()
        memory = SharedMemory(parcel.memory)
        _opened[parcel.memory] = memory, _unwrap(parcel, memory)
    return task(_opened[parcel.memory][1], chunk)


def _unwrap(parcel: _Parcel, memory: SharedMemory) -> Any:  # noqa: ANN401 - whatever was wrapped
    views = [_bytes(memory)[offset : offset + size] for offset, size in parcel.places]
    return pickle.loads(parcel.frame, buffers=views)  # noqa: S301 - our own parent wrote it


@atexit.register
def _release() -> None:
    """Let go of the arrays before the memory that they lie in."""
    while _opened:
        _, (memory, shared) = _opened.popitem()
        del shared
        memory.close()


def _bytes(memory: SharedMemory) -> memoryview:
    assert memory.buf is not None  # noqa: S101 - only a closed block has none
    return memory.buf
