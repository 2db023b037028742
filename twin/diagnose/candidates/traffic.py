"""Traffic that grows towards one node: users and attacks alike, bursts from every source, floods of small packets."""

from collections.abc import Iterator

import numpy as np

from twin.diagnose.effects import Candidate, Effect, Scene
from twin.diagnose.simulated_hypothesis import SimulatedHypothesis
from twin.faults import Fault, FaultKind, Readings, unchanged
from twin.faults.families.traffic import PACKET_BITS, SYN_BITS
from twin.model import Floats
from twin.observe.readings.observation import Observation

_K = FaultKind
_GROWN, _LEAST_FACTOR, _MOST_NODES = 3.0, 1.3, 5
_DENSER = PACKET_BITS / SYN_BITS  # packets per Mbit of a flood, against those of other traffic


def _burst(readings: Readings, fault: Fault, scene: Scene) -> Readings:
    """Each source adds the same amount: small demands grow by a larger factor than large ones."""
    node, growth = scene.state.node(fault.element), scene.observation.growth
    shape = readings.shape.copy()
    shape[node] += growth.evenness(node, fault.severity)
    log_factor = readings.log_factor.copy()
    log_factor[node] = growth.log_factor[node] if np.isfinite(growth.log_factor[node]) else np.log(fault.severity)
    return readings._replace(shape=shape, log_factor=log_factor)


EFFECTS: dict[FaultKind, Effect] = {_K.INCAST: Effect(state=unchanged, readings=_burst)}


def candidates(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """Growth of each kind towards the nodes whose demands have grown the most, floods where packets got smaller."""
    growth, explained = observation.growth, judged.readings.log_factor
    factor: Floats = np.exp(np.nan_to_num(growth.log_factor) - explained)
    score = np.nan_to_num((growth.log_factor - explained) / growth.sigma)
    for position in map(int, np.argsort(-score, kind="stable")[:_MOST_NODES]):
        if score[position] > _GROWN and factor[position] > _LEAST_FACTOR:
            element = observation.inventory.nodes[position].id
            surge = Fault(kind=_K.SURGE, element=element, severity=float(factor[position]))
            yield Candidate(surge, also=(_K.WEB_DOS,))
            total = growth.total(position)
            if total > _LEAST_FACTOR:
                yield Candidate(Fault(kind=_K.INCAST, element=element, severity=total))
    denser = np.nan_to_num(observation.log_packets - judged.readings.log_packets)
    for position in map(int, np.flatnonzero(denser > _GROWN * observation.packets_error)):
        severity = _flood(float(np.exp(denser[position])))
        yield Candidate(Fault(kind=_K.SYN_FLOOD, element=observation.inventory.nodes[position].id, severity=severity))


def _flood(denser: float) -> float:
    """Factor on the packets of a flood that makes packets per Mbit this many times as many."""
    more = (denser - 1) / max(_DENSER - denser, 1e-6)
    return float(min(1 + more * _DENSER, 1e6))
