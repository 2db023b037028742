"""An end to what takes too long, so that one case that hangs does not hold the others of a run."""

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from types import FrameType

_AGAIN_S = 5.0  # until it is raised once more, where something on the way held it up
_AT_MOST = 4.0  # budgets by the clock, however busy the machine is


class OverBudgetError(BaseException):
    """A case took longer than its budget: no error of the product, which would take it for one of its own."""


def held_up() -> float:
    """Seconds in all for which threads of this process could go on and no processor was free; 0 where none says so.

    From the kernel's schedstat (Linux): its second figure is the time spent on a run queue, ns.
    """
    found = 0
    for thread in Path("/proc/self/task").glob("*/schedstat"):
        with suppress(OSError, ValueError, IndexError):  # a thread may end meanwhile
            found += int(thread.read_text().split()[1])
    return found / 1e9


@contextmanager
def deadline(seconds: float, doing: str, *, busy: Callable[[], float] = held_up) -> Generator[None]:
    """Raise `OverBudgetError` in what is done here for longer than `seconds`, by the wall clock; `doing` is for people.

    The time for which the machine was `busy` with others does not count, up to a few budgets. Compiled code that is
    under way is interrupted as soon as it returns. Only the main thread of a process can be interrupted: elsewhere
    nothing is, and the suites' own limits remain.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    began, before = monotonic(), busy()

    def over(_signal: int, _frame: FrameType | None) -> None:
        late = monotonic() - began
        left = min(seconds - (late - (busy() - before)), _AT_MOST * seconds - late)
        if left > 0:
            signal.setitimer(signal.ITIMER_REAL, left, _AGAIN_S)
            return
        raise OverBudgetError(f"its budget of {seconds:g} s was used up {doing}")

    handler = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, handler)
