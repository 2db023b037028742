"""Which faults are worth a simulation: families of faults, each with its own traces in the readings."""

from collections.abc import Iterator

from twin.diagnose.effects import Candidate, Effect, declared_effect
from twin.diagnose.simulated_hypothesis import SimulatedHypothesis
from twin.faults import FaultKind
from twin.observe.readings.observation import Observation

from . import configuration, control, exits, forwarding, mute, physical, telemetry, traffic
from .flapping import flapping

_FAMILIES = (physical, control, forwarding, traffic, telemetry, configuration, exits, mute)
_SEARCHED = (physical, control, forwarding, traffic, telemetry, exits, mute)
_EFFECTS: dict[FaultKind, Effect] = {kind: x for family in _SEARCHED for kind, x in family.EFFECTS.items()}


def effect(kind: FaultKind) -> Effect:
    """What faults of a kind change: as it is declared, unless a family here has more to say."""
    return _EFFECTS[kind] if kind in _EFFECTS else declared_effect(kind)


def candidates(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """Faults of all families whose own trace is in what a hypothesis leaves unexplained."""
    yield from undiverted(observation, judged)
    yield from diverted(observation, judged)


def stated(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """Faults that devices report of themselves: interfaces down or without a neighbour, nodes that do not answer."""
    yield from physical.outages(observation, judged)
    yield from flapping(observation, judged)
    yield from control.neighbourless(observation, judged)


def undiverted(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """Faults of all families but one: `diverted` has those that take the longest to find."""
    for family in _FAMILIES:
        if family is not forwarding:
            yield from family.candidates(observation, judged)


def diverted(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """Routers that forward otherwise than the IGP says."""
    return forwarding.candidates(observation, judged)
