"""Traffic that grows towards one node: users, attacks, floods."""

from collections.abc import Iterator

import numpy as np

from twin.diagnose.effects import Candidate, Effect, Readings, Scene, unchanged
from twin.diagnose.judged import Judged
from twin.faults import Fault, FaultKind
from twin.observe.observation import Observation

_K = FaultKind
_GROWN, _LEAST_FACTOR, _MOST_NODES = 3.0, 1.05, 5


def _surged(readings: Readings, fault: Fault, scene: Scene) -> Readings:
    """The measured matrix holds the surge already: what it predicts is that the demands have grown."""
    log_factor = readings.log_factor.copy()
    log_factor[scene.state.node(fault.element)] += np.log(fault.severity)
    return readings._replace(log_factor=log_factor)


EFFECTS: dict[FaultKind, Effect] = {_K.SURGE: Effect(state=unchanged, readings=_surged)}


def candidates(observation: Observation, judged: Judged) -> Iterator[Candidate]:
    """Surges towards the nodes whose demands have grown the most."""
    del judged
    growth = observation.growth
    factor = np.exp(np.nan_to_num(growth.log_factor))
    for position in map(int, np.argsort(-growth.score, kind="stable")[:_MOST_NODES]):
        if growth.score[position] > _GROWN and factor[position] > _LEAST_FACTOR:
            element = observation.inventory.nodes[position].id
            yield Candidate(Fault(kind=_K.SURGE, element=element, severity=float(factor[position])))
