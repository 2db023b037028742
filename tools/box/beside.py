"""Calls beside the event loop: one that passes its deadline goes on, and whoever asks the same again waits for it."""

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from twin.abandoned import ends_with
from twin.errors import DeadlineError

from .repeats import is_same, standing
from .run_state import RunState

_T = TypeVar("_T")


class _Running(NamedTuple):
    call: tuple[str, str]
    future: "asyncio.Future[Any]"
    abandoned: threading.Event
    standing: tuple[object, ...] = ()  # when its deadline passed, but for what the tool itself leaves


class Beside:
    """The calls of one run, each in a thread of its own; two never work at once where that can be helped.

    A call whose deadline passed is taken up by the next one that asks the same of the same state, with a deadline of
    its own. Anything else that is asked, or a caller who gives up, ends it where it next asks `twin.abandoned.go_on`.
    """

    def __init__(self, run_state: RunState) -> None:
        self._run_state = run_state
        self._late: _Running | None = None

    async def within(
        self, deadline: float, call: tuple[str, str], leaves: frozenset[str], work: Callable[[], _T]
    ) -> _T:
        """Return what a call (tool and arguments) gives; `leaves` are the fields of the run's state that it replaces.

        Raises `DeadlineError` when that takes longer than `deadline` seconds.
        """
        late, self._late = self._late, None
        if late is not None and (late.call != call or not is_same(late.standing, standing(self._run_state, leaves))):
            late.abandoned.set()
            late = None
        running = late or _started(call, work)
        try:
            async with asyncio.timeout(deadline):
                return await asyncio.shield(running.future)
        except TimeoutError as error:
            self._late = running._replace(standing=standing(self._run_state, leaves))
            raise DeadlineError(f"{call[0]} took longer than {deadline:g} s", fix="go on without it") from error
        except asyncio.CancelledError:
            running.abandoned.set()
            raise

    def give_up(self) -> None:
        """End what goes on: nobody will ask for it again."""
        if self._late is not None:
            self._late.abandoned.set()
        self._late = None


def _started(call: tuple[str, str], work: Callable[[], _T]) -> _Running:
    abandoned = threading.Event()

    def until_abandoned() -> _T:
        ends_with(abandoned)
        return work()

    future = in_thread(until_abandoned)
    future.add_done_callback(lambda x: x.cancelled() or x.exception())  # of what is abandoned nobody asks for it
    return _Running(call, future, abandoned)


def in_thread(work: Callable[[], _T]) -> "asyncio.Future[_T]":
    """Run blocking work beside the event loop, in the caller's context.

    The thread is a daemon: whoever stops waiting leaves it behind, and the process may end without it.
    """
    # Not the loop's pool: Python waits for its threads at exit, so one that hangs would hold the process.
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()
    context = contextvars.copy_context()

    def deliver(settle: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is gone, and so is whoever waited
            loop.call_soon_threadsafe(lambda: None if future.done() else settle())

    def run() -> None:
        try:
            result = context.run(work)
        except BaseException as error:  # a cancellation raised in here would otherwise leave its caller waiting
            failure = error
            deliver(lambda: future.set_exception(failure))
        else:
            deliver(lambda: future.set_result(result))

    threading.Thread(target=run, daemon=True, name="tool").start()
    return future
