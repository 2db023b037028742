"""What the routers' own configuration says: faults that are written there, and readbacks that are out of date."""

from collections.abc import Iterator, Mapping

from twin.diagnose.effects import Candidate
from twin.diagnose.simulated_hypothesis import SimulatedHypothesis
from twin.faults import Fault, FaultKind
from twin.observe.readings.observation import Observation
from twin.observe.readings.readback import Item

_K = FaultKind

_MISMATCHED: Mapping[str, FaultKind] = {"routing": _K.NEIGHBOUR_MISSING, "area": _K.AREA, "mtu": _K.MTU}


def candidates(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """For each line that the inventory does not have: the fault that it would be, or a readback that is out of date."""
    del judged
    for fault in written_faults(observation):
        weights = (int(fault.severity), int(fault.severity)) if fault.kind is _K.WEIGHT else None
        yield Candidate(fault, weights)
    for readback in observation.readbacks:
        if readback.items:
            yield Candidate(Fault(kind=_K.STALE_CONFIGURATION, element=f"node/{readback.router}"))


def written_faults(observation: Observation) -> Iterator[Fault]:
    """The faults that lines are which routers told of and the inventory does not have."""
    yield from (x for y in observation.readbacks for item in y.items if (x := written(item)) is not None)


def written(item: Item) -> Fault | None:
    """The fault that a line of configuration would be, None where it is none."""
    match item.kind:
        case "weight":
            return Fault(kind=_K.WEIGHT, element=item.element, severity=item.value)
        case "drained":
            return Fault(kind=_K.STALE_TOPOLOGY, element=item.element) if item.value else None
        case "route":
            return Fault(kind=_K.STATIC_ROUTE, element=item.element, target=item.target)
        case "filter" if item.target:
            return Fault(kind=_K.DATA_ACL, element=item.element, target=item.target)
        case "filter":
            return Fault(kind=_K.ACL_BLOCK, element=item.element)
        case "routing" | "area" | "mtu":
            return Fault(kind=_MISMATCHED[item.kind], element=item.element)
