"""Work that nobody waits for any more: it ends by itself, where it next asks whether somebody does."""

import threading
from contextvars import ContextVar

from twin.errors import CallCancelledError

_abandoned: ContextVar[threading.Event | None] = ContextVar("abandoned", default=None)


def ends_with(abandoned: threading.Event) -> None:
    """From now on, in this context, let work end once the event is set."""
    _abandoned.set(abandoned)


def go_on() -> None:
    """Raise `CallCancelledError` if nobody waits for the work that asks; nothing where nobody said so."""
    abandoned = _abandoned.get()
    if abandoned is not None and abandoned.is_set():
        raise CallCancelledError("nobody waits for it any more")
