"""An end to what takes too long, so that one case that hangs does not hold the others of a run."""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

_AGAIN_S = 5.0  # until it is raised once more, where something on the way held it up


class OverBudgetError(BaseException):
    """A case took longer than its budget: no error of the product, which would take it for one of its own."""


@contextmanager
def deadline(seconds: float, doing: str) -> Generator[None]:
    """Raise `OverBudgetError` in what is done here for longer than `seconds`, by the wall clock; `doing` is for people.

    Compiled code that is under way is interrupted as soon as it returns. Only the main thread of a process can be
    interrupted: elsewhere nothing is, and the suites' own limits remain.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def over(_signal: int, _frame: FrameType | None) -> None:
        raise OverBudgetError(f"its budget of {seconds:g} s was used up {doing}")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
