"""One time for a whole answer, over which what it comes by is ended: a byte now and then reaches no limit of a read."""

import threading
from collections.abc import Callable
from contextlib import suppress


class TimeLimit:
    """Ends what it holds once its time is over, also what it is given after that."""

    def __init__(self, seconds: float) -> None:
        self.passed, self.words = False, f"its answer has no end within {seconds:g} s"
        self._ends: list[Callable[[], object]] = []
        self._timer = threading.Timer(seconds, self._pass)
        self._timer.daemon = True
        self._timer.start()

    def holds(self, end: Callable[[], object]) -> None:
        """Have something ended with the time, by a call that may fail."""
        self._ends.append(end)
        if self.passed:
            self._pass()

    def end(self) -> None:
        """Let all of it be: the answer is here, or nobody waits for it."""
        self._timer.cancel()

    def _pass(self) -> None:
        self.passed = True
        for end in self._ends:
            with suppress(Exception):
                end()
