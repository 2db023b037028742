"""Work on the network that a cancelled run still brings to an end, for half of it is worse than either end."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from agents.record.events import StopRequested
from agents.record.journal import Journal
from tools.box.beside import in_thread

T = TypeVar("T")


class UnbrokenWork:
    """Does work in a thread; a cancellation asks the work to stop and awaits its answer."""

    def __init__(self, journal: Journal) -> None:
        self._journal, self._told = journal, threading.Event()

    async def done(self, work: Callable[[], T]) -> tuple[T, bool]:
        """Return what the work returned, and whether the run was cancelled meanwhile."""
        future, cancelled = in_thread(work), False
        while True:
            try:
                return await asyncio.shield(future), cancelled
            except asyncio.CancelledError:
                if future.done():
                    raise
                if not cancelled:
                    self._tell()
                cancelled = True

    async def finished(self, work: Callable[[], T]) -> T:
        """Return what the work returned. Raises `CancelledError` after it, where the run was cancelled meanwhile."""
        result, cancelled = await self.done(work)
        if cancelled:
            raise asyncio.CancelledError
        return result

    def stop_where_told(self) -> None:
        """Called by the work where it can stop and take back. Raises `asyncio.CancelledError` once told to."""
        if self._told.is_set():
            self._told.clear()
            raise asyncio.CancelledError

    def _tell(self) -> None:
        self._told.set()
        if not self._journal.recorded.ahead:
            self._journal.append(StopRequested())
