"""Changes that a program sends with a key: sent again, because no answer was heard, they are made once all the same.

The header is `Idempotency-Key`, as in draft-ietf-httpapi-idempotency-key-header. Answers are known in memory for a day:
a restart of the console forgets them.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.responses import Response

from twin.errors import InputError, RefusedError

KEY = "idempotency-key"
_LONGEST, _MOST, _KEPT_S = 200, 1_000, 86_400.0


@dataclass
class KeyedChange:
    """One change under its key: what it asks, and the answer once there is one."""

    what: str
    since: float
    response: Response | None = None


class KeyedChanges:
    """The changes of a day, at most 1,000; the oldest go first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._known: dict[tuple[str, str], KeyedChange] = {}

    @contextmanager
    def once(self, who: str, key: str, path: str, content: bytes) -> Generator[KeyedChange]:
        """Yield a change, with its answer where it was made before; what has none when this ends was not made.

        Raises `InputError` on a key that is too long, or was another change's, `RefusedError` while it is being made.
        """
        change = KeyedChange(f"{path} {hashlib.sha256(content).hexdigest()}", self._clock())
        if not key:
            yield change
            return
        if len(key) > _LONGEST:
            raise InputError(f"a key of {len(key)} characters", fix=f"use {_LONGEST} at most")
        known = self._begun((who, key), change)
        try:
            yield known
        finally:
            if known.response is None:
                with self._lock:
                    self._known.pop((who, key), None)

    def _begun(self, name: tuple[str, str], change: KeyedChange) -> KeyedChange:
        with self._lock:
            for old in [x for x, y in self._known.items() if change.since - y.since > _KEPT_S]:
                del self._known[old]
            known = self._known.get(name)
            if known is None:
                while len(self._known) >= _MOST:
                    del self._known[next(iter(self._known))]
                self._known[name] = change
                return change
        if known.what != change.what:
            raise InputError("this key was another change's", fix="give every change a key of its own")
        if known.response is None:
            raise RefusedError("this change is being made", fix="ask again in a moment")
        return known
