"""Routing that is wrong while the network is whole: weights."""

from collections.abc import Iterator

import numpy as np

from twin.diagnose.effects import HINT_BOUND, Candidate, Effect
from twin.diagnose.judged import Judged
from twin.diagnose.weights import LoadSteps, Step
from twin.faults import Fault, FaultKind
from twin.model import Network
from twin.observe.expectation import Residuals
from twin.observe.observation import Observation

_K = FaultKind
_TOLERANCE = 4.0  # standard errors
_MOST_WEIGHTS = 64
_TYPICAL = (1, 10, 100, 1000, 65_535)
_COMMITTED = min(3.0, HINT_BOUND)  # nats: how much likelier a wrong weight is where something was committed lately

EFFECTS: dict[FaultKind, Effect] = {_K.WEIGHT: Effect()}


def candidates(observation: Observation, judged: Judged) -> Iterator[Candidate]:
    """The weights of each link that put on it what it carries, for links that moved enough to explain all others."""
    yield from _misweighted(observation, judged.residuals)


def _misweighted(observation: Observation, healthy: Residuals) -> list[Candidate]:
    difference = np.abs(healthy.difference)
    moved = float((difference - _TOLERANCE * healthy.sigma).max(initial=0.0))
    if moved <= 0:
        return []
    slack = _TOLERANCE * healthy.sigma + (0.02 + observation.removed.max(initial=0.0) / 2) * difference
    steps = LoadSteps(observation.network)
    found: list[tuple[float, Candidate]] = []
    for position in np.flatnonzero(np.isfinite(healthy.measured) & (difference + slack >= moved)):
        measured, allowed = float(healthy.measured[position]), float(slack[position])
        for step in steps.of(int(position)):
            misfit = max(step.least - measured, measured - step.most, 0.0) / allowed
            if misfit <= 1 and not step.low <= observation.network.links[position].weight <= step.high:
                found.append((misfit, _wrong_weight(observation, int(position), step)))
    found.sort(key=lambda scored: scored[0])
    return [candidate for _, candidate in found[:_MOST_WEIGHTS]]


def _wrong_weight(observation: Observation, position: int, step: Step) -> Candidate:
    """Of the weights that route alike, take the likeliest slip: a digit lost or doubled, a default, a round number."""
    network: Network = observation.network
    link = network.links[position]
    slips = (link.weight // 10, link.weight * 10, *_TYPICAL)
    inside = [x for x in slips if step.low <= x <= step.high]
    weight = inside[0] if inside else round(float(np.sqrt(step.low * step.high)))
    fault = Fault(kind=_K.WEIGHT, element=link.interface, severity=float(min(max(weight, step.low), step.high)))
    committed = any(x.kind == "commit" and x.element == f"node/{link.tail}" for x in observation.events)
    return Candidate(fault, (step.low, step.high), _COMMITTED * committed)
