"""What is in a calendar is no incident: symptoms that planned work explains, and those that it does not."""

from collections.abc import Sequence
from datetime import datetime

from twin.observe.readings.observation import Observation
from twin.planned import PlannedWork, work_at
from twin.printed import utc

from .anomaly import Anomaly
from .incidents import Signal, correlate
from .symptoms import Symptom

_HARM = frozenset({"over_limit", "drops", "probe_loss"})
"""Kinds that somebody suffers from: they count whoever planned what causes them."""


def unplanned(
    observation: Observation, works: Sequence[PlannedWork], symptoms: Sequence[Symptom], now: datetime
) -> tuple[Symptom, ...]:
    """Leave out the symptoms at what is being worked on, and those that follow from them; harm stays."""
    explained = at_work(observation, works, [Signal.of(x) for x in symptoms], now)
    gone = _gone(works, now)
    return tuple(x for i, x in enumerate(symptoms) if i not in explained or _hurts(x, gone))


def unplanned_anomalies(
    observation: Observation, works: Sequence[PlannedWork], anomalies: Sequence[Anomaly], now: datetime, limit: float
) -> tuple[Anomaly, ...]:
    """The same of anomalies: one of load is harm where the link is measured above `limit`, a share of its capacity."""
    explained = at_work(observation, works, [Signal.of(x) for x in anomalies], now)
    gone = _gone(works, now)
    return tuple(
        x for i, x in enumerate(anomalies) if i not in explained or _hurts(x, gone) or _is_over(observation, x, limit)
    )


def at_work(
    observation: Observation, works: Sequence[PlannedWork], signals: Sequence[Signal], now: datetime
) -> frozenset[int]:
    """Which signals are at what is being worked on, or follow from it."""
    gone = _gone(works, now)
    if not gone or not signals:
        return frozenset()
    groups = correlate(observation.network, signals, observation.declared)
    return frozenset(i for group in groups if _is_at(group.source, gone, observation) for i in group.signals)


def _gone(works: Sequence[PlannedWork], now: datetime) -> frozenset[str]:
    return frozenset(element for work in work_at(works, now) for element in work.elements)


def _hurts(one: Symptom | Anomaly, gone: frozenset[str]) -> bool:
    """Whether somebody suffers from it; probes from and to a node that is worked on are nobody's."""
    ends = {f"node/{x}" for x in one.element.split("/")[1:]} if one.element.startswith("probe/") else set[str]()
    return one.kind in _HARM and not ends & gone


def _is_over(observation: Observation, anomaly: Anomaly, limit: float) -> bool:
    network = observation.inventory
    at = network.interface_index.get(anomaly.element, network.link_index.get(anomaly.element))
    return anomaly.kind == "load" and at is not None and observation.out_mbps[at] > limit * network.links[at].capacity


def planned_words(works: Sequence[PlannedWork], now: datetime) -> tuple[str, ...]:
    """Word the work that is under way."""
    return tuple(
        f"{', '.join(x.elements[:4])}: planned work {x.name}{f' by {x.who}' if x.who else ''} until {utc(x.ends)}"
        for x in work_at(works, now)
    )


def _is_at(element: str, gone: frozenset[str], observation: Observation) -> bool:
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
