"""The one way to evaluate many cases of one network: a map from cases to figures, in this process or in several.

Cases are handed out in chunks and every case is evaluated on its own, so that the figures do not depend on who
evaluates it. `pool.Processes` is the other engine; a cluster's map fits behind `Engine` as well.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

_Shared = TypeVar("_Shared")
_Chunk = TypeVar("_Chunk")
_Result = TypeVar("_Result")


class Engine(Protocol):
    """Evaluates chunks of cases; `workers` says into how many parts it pays to cut the cases."""

    workers: int

    def map(
        self, task: Callable[[_Shared, _Chunk], _Result], shared: _Shared, chunks: Sequence[_Chunk]
    ) -> list[_Result]:
        """Return `task(shared, chunk)` of every chunk, in order. `task` is a module's function and changes nothing."""
        ...


class Serial:
    """Evaluates everything in this process."""

    workers = 1

    def map(
        self, task: Callable[[_Shared, _Chunk], _Result], shared: _Shared, chunks: Sequence[_Chunk]
    ) -> list[_Result]:
        """Return `task(shared, chunk)` of every chunk, in order."""
        return [task(shared, chunk) for chunk in chunks]


SERIAL = Serial()


def cut(cases: int, engine: Engine) -> list[slice]:
    """Return where to cut a number of cases into chunks: some per worker, so that none waits long for the last."""
    size = max(1, -(-cases // (1 if engine.workers == 1 else 4 * engine.workers)))
    return [slice(first, first + size) for first in range(0, cases, size)]
