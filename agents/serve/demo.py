"""A network on which things go wrong: every evening a fault strikes, and ends once it was worked on."""

from pathlib import Path

from agents.record.home import policy_in_force
from twin.errors import TwinError
from twin.policy import Policy

from .emulated import LivingNetwork
from .room import Room

DEMO = "emulated:sndlib/germany50,seed=7"
FAULTS = (
    "link_down@Augsburg--Muenchen",  # what `make demo` works on
    "device_down@Fulda",
    "wrong_igp_weight@interface/Hamburg/Braunschweig=1000",
)
"""What strikes, in turn: each harms that network in the evening, and a safe plan helps."""
_QUIET, _LASTS, _LONGEST = 16, 48, 288  # samples before the first fault, and that one lasts at least and at most
_EVENING = range(18, 21)  # hours of the network's clock, in which most traffic is carried
_NIGHT = 12  # samples from one look to the next where nothing happens until the evening


class Demo:
    """Directs a room's emulated network. A fault stays while the agents work on it or a plan waits for somebody."""

    def __init__(self, room: Room) -> None:
        self._room, self._age = room, 0

    @staticmethod
    def policy(home: Path) -> Policy:
        """The policy in force, with a person asked for every plan: there would be nothing to decide otherwise."""
        return (policy_in_force(home) or Policy()).model_copy(update={"person_from": "low"})

    def run(self, pace_s: float) -> None:
        """Let time pass, a look every `pace_s` seconds, until the room stops."""
        for _ in range(_QUIET):  # the detector has to know what is usual before anything happens
            self._room.step()
        self._room.run(pace_s=pace_s, between=self._next)

    def _next(self) -> None:
        live = self._room.live
        if not isinstance(live, LivingNetwork):
            return
        struck, present = live.faults_struck, live.faults
        try:
            if present:
                self._age += 1
                if self._age >= _LONGEST or (self._age >= _LASTS and not self._is_worked_on):
                    live.heal(present[0])
            elif live.now.hour in _EVENING:
                live.strike(FAULTS[len(struck) % len(FAULTS)])
                self._age = 0
            elif not self._is_worked_on:
                live.wait(_NIGHT - 1)
        except TwinError:  # what strikes is there already, or was changed by hand: another evening
            self._age = 0

    @property
    def _is_worked_on(self) -> bool:
        return any(x.working or x.outcome == "awaiting approval" for x in self._room.board.alive)
