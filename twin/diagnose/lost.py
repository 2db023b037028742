"""Loss that was measured and that a hypothesis does not hold: a fact, whatever the prior says of its causes.

Heavy tails keep one odd reading from convicting anybody, and on a large network no cause may be likely enough to beat
a healthy one. But a hundred packets that do not arrive are no chance: an answer under which nothing is lost is wrong.
"""

import numpy as np

from twin.faults import TRAITS
from twin.model import Floats
from twin.observe.expect.probing import loss_surprise

from .balance import excess
from .diagnosis import Quantity
from .simulated_hypothesis import SimulatedHypothesis

_LOSING_NOTHING = ("telemetry", "traffic")  # layers whose faults take nothing away but in full queues
Place = tuple[Quantity, int]
"""A quantity, and the position of its element."""


def unexplained_loss(judged: SimulatedHypothesis, nats: float) -> tuple[Place, ...]:
    """Return the readings of loss which chance does not make of a hypothesis under which nothing is lost, worst first.

    Probes that lose more than they should, and nodes that less leaves than comes in and starts there. Each may be off
    by `nats`, and by what as many readings of its kind make of chance (union bound). Nothing of a hypothesis with a
    fault of the network: what that explains is for the likelihood to say.
    """
    if any(TRAITS[x.kind].layer not in _LOSING_NOTHING for x in judged.faults):
        return ()
    seen, found = judged.observation, list[tuple[float, Place]]()
    counted = np.isfinite(seen.window.probe_loss).sum(axis=0)
    through = np.where(np.isfinite(judged.readings.through), judged.readings.through, 0.0)
    probed = loss_surprise(seen.probes.loss, 1 - through, counted, seen.declared)
    held = excess(seen, judged.readings.arrived)
    missing = np.maximum(-held.difference / (held.sigma * seen.quality.noise), 0.0) ** 2 / 2  # of a normal error
    kinds: tuple[tuple[Quantity, Floats], ...] = (("probe_loss", probed), ("balance", missing))
    for quantity, surprise in kinds:
        least = nats + np.log(max(surprise.size, 1))
        for i in np.flatnonzero(surprise > least):
            found.append((-float(surprise[i]), (quantity, int(i))))
    return tuple(place for _, place in sorted(found))
