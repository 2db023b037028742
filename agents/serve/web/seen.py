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
            with self._turn:
                if self._newest is None:  # somebody else may have waited for it before
                    self._draw()
        return self._newest

    def _looked(self) -> None:
        if time.monotonic() - self._asked < _WATCHED_S and not self._turn.locked():
            threading.Thread(target=self._follow, name="seeing", daemon=True).start()

    def _follow(self) -> None:
        """Draw until the newest look is drawn; looks that come faster than that are passed over."""
        if self._turn.acquire(blocking=False):
            try:
                while self._draw():
                    pass
            finally:
                self._turn.release()

    def _draw(self) -> bool:
        """Draw the newest look, and return whether there was a new one that can be drawn."""
        look = self._room.watch.latest
        if look is None or look.newest is None or (self._newest is not None and self._newest.look is look):
            return False
        try:
            seen = Seen(look, live_view(look.run_state, when=f"{look.newest:%H:%M} UTC"), trial_base(look.run_state))
        except TwinError:
            if self._newest is None:
                raise
            return False  # the older one stays, with its age
        self._newest = seen
        return True
