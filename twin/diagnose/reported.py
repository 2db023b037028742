"""What devices say of themselves: facts that an explanation must hold, and the shortest set of faults that holds them.

An interface that says that it is down is a fact and no hypothesis. A fault that takes down what reads well is out.
"""

from typing import NamedTuple, Self

import numpy as np

from twin.faults import Readings
from twin.live.network import Flags
from twin.model import Network
from twin.observe.readings.observation import Observation

from .effects import operational

_LIKELY, _SURE = 0.1, 0.98


class Reported(NamedTuple):
    """What answers say, of what should be well by the inventory. m links, n nodes."""

    down: Flags  # [m] the interface says that it is down
    lost: Flags  # [m] it is up and says that its neighbour is missing
    silent: Flags  # [n] no poll was answered
    up: Flags  # [m] it says that it is up, and nobody says otherwise of its circuit
    adjacent: Flags  # [m] the same of its neighbour
    answers: Flags  # [n]

    @classmethod
    def of(cls, observation: Observation) -> Self:
        """Read an observation; what nobody says is no fact."""
        network, reverse = observation.inventory, observation.reverse
        told = observation.told & (operational(network) > 0)
        down, lost = told & ~observation.up, told & observation.up & (observation.adjacent == 0)
        broken = down | lost
        whole = told & ~broken & ~np.where(reverse >= 0, broken[reverse], False)
        built = np.array([node.up for node in network.nodes], dtype=bool)
        return cls(
            down=down,
            lost=lost,
            silent=built & ~observation.answered,
            up=whole,
            adjacent=whole & (observation.adjacent > 0),
            answers=observation.answered,
        )

    def without(self, readings: Readings) -> "Reported":
        """The facts that a hypothesis with these readings does not hold; a circuit has been named by either end."""
        return self._replace(
            down=self.down & ~(readings.up < _SURE),
            lost=self.lost & ~(readings.adjacent < _SURE),
            silent=self.silent & readings.answers,
        )

    def contradicts(self, readings: Readings) -> bool:
        """Whether something reads well that a hypothesis takes down, or answers that it takes for dead."""
        gone = (self.up & (readings.up < _LIKELY)) | (self.adjacent & (readings.adjacent < _LIKELY))
        return bool(gone.any() or (self.answers & ~readings.answers).any())

    @property
    def number(self) -> int:
        """How many facts there are."""
        return int(self.down.sum() + self.lost.sum() + self.silent.sum())

    def left_out(self, network: Network, readings: Readings) -> tuple[str, ...]:
        """Ids of the interfaces that are down, and of the nodes that are silent, which a hypothesis does not hold."""
        left = self.without(readings)
        down = [network.links[int(i)].interface for i in np.flatnonzero(left.down)]
        return (*down, *(network.nodes[int(i)].id for i in np.flatnonzero(left.silent)))
