"""What happens to a network once somebody looks at it: drawn, and what of it the ending of a run has to know."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from agents.run.request import LaterEvent
from evals.oracle.endings import Accepted
from twin.errors import InputError
from twin.faults import Fault, FaultKind
from twin.live.draw_fault import draw_fault
from twin.live.surprises import spare_circuits
from twin.model import Network
from twin.plan import DrainLink, SetWeight

_K = FaultKind
KINDS = ("surprise cut", "surprise surge", "surprise heal", "surprise change")
FIRST = (_K.LINK_DOWN, _K.WEIGHT, _K.DETACH, _K.NEIGHBOUR_MISSING, _K.SILENT_LOSS)
"""Kinds of the fault that is looked at first: plans are made for them."""
_LATEST = 5  # samples: the steps of a plan, and the look after it
_TELLING = 2  # whole samples from which on a run has seen what happened


def draw_later(kind: str, network: Network, fault: Fault, seed: int) -> LaterEvent:
    """Draw what happens and after how many samples. Raises `InputError` where the network has no place for it."""
    rng = np.random.default_rng([seed, 43])
    after = int(rng.integers(1, _LATEST + 1))
    if kind == "surprise heal":
        return LaterEvent(after=after, heals=fault)
    if kind == "surprise surge":
        surge = draw_fault(network, seed + 1, kinds=[_K.SURGE])
        return LaterEvent(after=after, strikes=surge.model_copy(update={"severity": float(rng.uniform(2.0, 3.0))}))
    ends = _ends(fault.element)
    free = [x for x in spare_circuits(network) if _ends(x) != ends]
    if not free:
        raise InputError(f"no circuit of {network.name} can be spared", fix="use another network")
    circuit = free[int(rng.integers(len(free)))]
    if kind == "surprise cut":
        return LaterEvent(after=after, strikes=Fault(kind=_K.LINK_DOWN, element=circuit))
    link = network.links[network.circuit(circuit)[0]]
    by_hand = (DrainLink(circuit=circuit), SetWeight(link=link.name, weight=min(3 * link.weight + 1, 60_000)))
    return LaterEvent(after=after, others=by_hand[int(rng.integers(2))])


def accepted_with(right: Accepted, event: LaterEvent) -> Accepted:
    """Which endings are right where something else happens: acting on either state is, as long as it helps.

    What healed may be left alone, or have been met by a plan before it did.
    """
    calm = {"no action needed", "healthy"} if event.heals else set[str]()
    outcomes = right.outcomes | frozenset(calm)
    could_gain = right.could_gain and event.heals is None
    return right._replace(outcomes=outcomes, act=None, could_gain=could_gain)  # pyright: ignore[reportArgumentType]


def to_be_told(
    shown: Sequence[Fault], event: LaterEvent, began: datetime, ended: datetime, interval_s: float
) -> tuple[Fault, ...]:
    """Return the faults that somebody has to do something about, of those that the run can have seen."""
    told = began + timedelta(seconds=(event.after + _TELLING) * interval_s) <= ended
    if event.heals is not None:
        return () if began + timedelta(seconds=event.after * interval_s) <= ended else tuple(shown)
    return (*shown, event.strikes) if event.strikes is not None and told else tuple(shown)


def still_configured(network: Network, event: LaterEvent) -> bool:
    """Whether what somebody else has configured is still so."""
    match event.others:
        case DrainLink(circuit=circuit):
            return all(network.links[i].drained for i in network.circuit(circuit))
        case SetWeight(link=link, weight=weight):
            return network.links[network.link(link)].weight == weight
        case _:
            return True


def _ends(element: str) -> frozenset[str]:
    """The two routers that an interface or a circuit joins."""
    sort, _, rest = element.partition("/")
    if sort == "interface":
        return frozenset(x.partition(".")[0] for x in rest.split("/"))
    return frozenset(x.partition(":")[0] for x in rest.split("--"))
