"""A network on which things go wrong: one fault after another strikes, and ends after a while."""

from pathlib import Path

from agents.record.home import policy_in_force
from twin.errors import TwinError
from twin.faults import Fault
from twin.live.draw_fault import draw_fault
from twin.policy import Policy

from .emulated import LivingNetwork
from .room import Room

DEMO = "emulated:sndlib/germany50,seed=7"
_QUIET, _LASTS, _AGAIN = 16, 90, 130  # samples before a fault, that it lasts, and from one to the next


class Demo:
    """Directs a room's emulated network. The same number of samples brings the same faults."""

    def __init__(self, room: Room) -> None:
        self._room, self._samples = room, 0
        self._fault: Fault | None = None

    @staticmethod
    def policy(home: Path) -> Policy:
        """The policy in force, with a person asked for every plan: there would be nothing to decide otherwise."""
        return (policy_in_force(home) or Policy()).model_copy(update={"person_from": "low"})

    def run(self, pace_s: float) -> None:
        """Let time pass, a sample every `pace_s` seconds, until the room stops."""
        for _ in range(_QUIET):  # the detector has to know what is usual before anything happens
            self._room.step()
        self._room.run(pace_s=pace_s, between=self._next)

    def _next(self) -> None:
        live = self._room.live
        if not isinstance(live, LivingNetwork):
            return
        self._samples += 1
        position = self._samples % _AGAIN
        try:
            if position == 3 and self._fault is None:
                drawn = draw_fault(live.read_topology(), self._samples, policy_limit=self._room.policy.max_utilisation)
                self._fault = live.strike(drawn)
            elif position == 3 + _LASTS and self._fault is not None:
                live.heal(self._fault)
                self._fault = None
        except TwinError:  # there is nothing here that hurts
            self._fault = None
