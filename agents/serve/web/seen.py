"""The newest look as pictures and figures, made once for all who look, and kept warm while somebody does."""

import threading
import time
from typing import NamedTuple

from agents.serve.room import Room
from agents.serve.watch import Look
from agents.show.live_views import Live, TrialBase, live_view, trial_base
from twin.errors import TwinError

_WATCHED_S = 3600.0  # how long after the last visit looks are still prepared


class Seen(NamedTuple):
    """One look: the network as it was measured, and what trials on it start from."""

    look: Look
    live: Live
    base: TrialBase


class Seeing:
    """Prepares looks. Nobody waits for the newest: the one before is shown, with its own time, until it is ready."""

    def __init__(self, room: Room) -> None:
        self._room, self._turn = room, threading.Lock()
        self._newest: Seen | None = None
        self._asked = -_WATCHED_S
        room.on_look(self._looked)

    def newest(self) -> Seen | None:
        """The newest look that is ready; None before the first sample. Only the very first caller waits for it."""
        self._asked = time.monotonic()
        if self._newest is None:
            self._prepare()
        return self._newest

    def _looked(self) -> None:
        if time.monotonic() - self._asked < _WATCHED_S:
            threading.Thread(target=self._prepare, name="seeing", daemon=True).start()

    def _prepare(self) -> None:
        with self._turn:
            look = self._room.watch.latest
            if look is None or look.newest is None or (self._newest is not None and self._newest.look is look):
                return
            try:
                seen = Seen(look, live_view(look.desk, when=f"{look.newest:%H:%M} UTC"), trial_base(look.desk))
            except TwinError:
                if self._newest is None:
                    raise
                return  # the older one stays, with its age
            self._newest = seen
