"""What is in a calendar is no incident: symptoms that planned work explains, and those that it does not."""

from collections.abc import Sequence
from datetime import UTC, datetime

from twin.observe.readings.observation import Observation
from twin.planned import PlannedWork, work_at

from .incidents import Signal, correlate
from .symptoms import Symptom

_HARM = frozenset({"over_limit", "drops", "probe_loss"})
"""Kinds that somebody suffers from: they count whoever planned what causes them."""


def unplanned(
    observation: Observation, works: Sequence[PlannedWork], symptoms: Sequence[Symptom], now: datetime
) -> tuple[Symptom, ...]:
    """Leave out the symptoms at what is being worked on, and those that follow from them; harm stays."""
    gone = {element for work in work_at(works, now) for element in work.elements}
    if not gone or not symptoms:
        return tuple(symptoms)
    explained = set[int]()
    for group in correlate(observation.network, [Signal.of(x) for x in symptoms], observation.declared):
        if _is_at(group.source, gone, observation):
            explained |= {i for i in group.signals if symptoms[i].kind not in _HARM}
    return tuple(x for i, x in enumerate(symptoms) if i not in explained)


def planned_words(works: Sequence[PlannedWork], now: datetime) -> tuple[str, ...]:
    """Word the work that is under way."""
    return tuple(
        f"{', '.join(x.elements[:4])}: planned work {x.name}{f' by {x.who}' if x.who else ''} until "
        f"{x.ends.astimezone(UTC):%F %T}"
        for x in work_at(works, now)
    )


def _is_at(element: str, gone: set[str], observation: Observation) -> bool:
    """Whether an element is one that is worked on, or belongs to one: an interface of it, a circuit of a node."""
    network = observation.inventory
    if element in gone:
        return True
    if element in network.interface_index:
        link = network.links[network.interface_index[element]]
    elif element in network.circuits:
        link = network.links[network.circuits[element][0]]
    else:
        return False
    return bool({link.circuit, f"node/{link.tail}", f"node/{link.head}"} & gone)
