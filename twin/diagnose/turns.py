"""The states that circuits which go down and come up put a network into by turns."""

from collections.abc import Sequence
from dataclasses import replace

from twin.faults import Fault, FaultKind, struck_links
from twin.model import Network
from twin.observe.quality.fidelity import OtherState
from twin.observe.readings.observation import Observation
from twin.observe.readings.turning import turned

from .candidates.flapping import phase

UNPOLLED = 0.03
"""Standard error of the share of time that a circuit is down in one interval, where no poll meets it in one state."""


def turns(observation: Observation, faults: Sequence[Fault], state: Network) -> tuple[OtherState, ...]:
    """Return the state with every flapping circuit up, with its share of the samples that were looked at.

    `state` has the faults in it, flapping circuits down: it holds for the rest of the time. Several that flap at once
    are taken to go down together. Nothing where nothing flaps.
    """
    flapping = [x for x in faults if x.kind is FaultKind.FLAP]
    if not flapping:
        return ()
    known = [turned(observation, x.element) for x in flapping]
    down = [x.severity if y is None else y.down for x, y in zip(flapping, known, strict=True)]
    polled = [phase(observation, x.element) for x in flapping]
    error = max(UNPOLLED if x is None else x.error for x in polled)
    links = list(state.links)
    for position in (i for x in flapping for i in struck_links(state, x)):
        links[position] = links[position]._replace(up=True)
    return (OtherState(1 - sum(down) / len(down), error, replace(state, links=tuple(links))),)
