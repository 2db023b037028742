"""How long a planner may compute: seconds of its own thread, so that whatever else a machine does changes no plan.

The clock of the wall only protects whoever waits: see `guarded`.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from time import monotonic, thread_time

from twin.abandoned import go_on

Clock = Callable[[], float]  # seconds, from whatever moment


class WallGuard:
    """The moment by the clock at which planners stop although they have computed less than they may."""

    def __init__(self, seconds: float, wall: Clock, computed: Clock) -> None:
        self._wall, self._computed = wall, computed
        self._began, self._first = wall(), computed()
        self._seconds, self._said = seconds, ""

    def has_struck(self) -> bool:
        """Whether the time is over for the planner that asks; `said` tells from then on."""
        if not self._said and self._wall() - self._began >= self._seconds:
            computed = self._computed() - self._first
            self._said = f"cut off after {self._seconds:g} s by the clock, {computed:.1f} s of them computed"
        return bool(self._said)

    @property
    def said(self) -> str:
        """What it cut off, for a person; empty while it stopped no planner."""
        return self._said


_guard: ContextVar[WallGuard | None] = ContextVar("guard", default=None)


@contextmanager
def guarded(seconds: float, *, wall: Clock = monotonic, computed: Clock = thread_time) -> Generator[WallGuard]:
    """Stop the planners that work inside after so many seconds by the clock; they hand over the best so far.

    Meant for many times what they may compute: where it strikes, the result depends on what else the machine does.
    """
    guard = WallGuard(seconds, wall, computed)
    token = _guard.set(guard)
    try:
        yield guard
    finally:
        _guard.reset(token)


class Allowance:
    """Seconds of computing that a planner has, by the clock of the thread it is made and asked in; None is no limit."""

    def __init__(self, seconds: float | None, *, clock: Clock = thread_time) -> None:
        self._clock = clock
        self._end = inf if seconds is None else clock() + seconds

    @property
    def spent(self) -> bool:
        """Whether to stop with the best so far. Raises `CallCancelledError` where nobody waits for that either."""
        go_on()
        guard = _guard.get()
        return self._clock() >= self._end or (guard is not None and guard.has_struck())

    @classmethod
    def to_search(cls, seconds: float | None) -> "Allowance":
        """Half of the time: what a search ends with is judged once more as a whole, and step by step."""
        return cls(None if seconds is None else seconds / 2)

    def share(self, parts: int = 1) -> float | None:
        """Seconds for the next of `parts` that have as much each of what is left; None if nothing limits them."""
        return None if self._end == inf else max(0.0, self._end - self._clock()) / parts
