"""Routing that is wrong while the network is whole: neighbours that are lost, weights that are not what they should be.

Lost neighbours of all kinds leave the same readings: what tells them apart is the log alone, within its bound.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from twin.diagnose.effects import HINT_BOUND, Candidate, Effect, operational
from twin.diagnose.judged import Judged
from twin.diagnose.weights import LoadSteps, Step
from twin.faults import Fault, FaultKind
from twin.faults.kinds import ADJACENCY_KINDS
from twin.live.network import Flags
from twin.model import Network
from twin.observe.observation import Observation

from .adjacency_log import agreement

_K = FaultKind
_TOLERANCE = 4.0  # standard errors
_DARK = 0.01  # share of the predicted load below which a link carries nothing
_MOST_WEIGHTS = 64
_MOST_LINKS = 96  # whose load is worked out for every weight
_TYPICAL = (1, 10, 100, 1000, 65_535)
_COMMITTED = min(3.0, HINT_BOUND)  # nats: how much likelier a wrong weight is where something was committed lately
_OF_NODES, _OF_INTERFACES = (_K.ROUTING_DOWN, _K.AREA), (_K.NEIGHBOUR_MISSING, _K.ACL_BLOCK, _K.MTU)


EFFECTS: dict[FaultKind, Effect] = {kind: Effect() for kind in (*ADJACENCY_KINDS, _K.WEIGHT)}


def candidates(observation: Observation, judged: Judged) -> Iterator[Candidate]:
    """Routers and interfaces that lost neighbours over interfaces that are up, and weights that explain the loads."""
    yield from _neighbourless(observation, judged)
    yield from _misweighted(observation, judged)


def lost_neighbours(observation: Observation, judged: Judged) -> Flags:
    """Links [m] over which a neighbour is missing though the interface is up: polled, or dark where no poll says."""
    expected = (judged.readings.adjacent > 0.5) & (operational(observation.inventory) > 0)
    residuals, measured = judged.residuals, np.nan_to_num(judged.residuals.measured)
    dark = (residuals.predicted > _TOLERANCE * residuals.sigma) & (measured < _DARK * residuals.predicted)
    lost = np.where(np.isfinite(observation.adjacent), observation.adjacent < 0.5, dark)
    return np.asarray(expected & observation.up & observation.answered[observation.ends[0]] & lost)


def _neighbourless(observation: Observation, judged: Judged) -> Iterator[Candidate]:
    network, lost = observation.inventory, lost_neighbours(observation, judged)
    if not lost.any():
        return
    hint = partial(agreement, observation)
    for positions in network.circuits.values():
        if lost[list(positions)].any():
            for interface in (network.links[i].interface for i in positions):
                for kind in _OF_INTERFACES:
                    fault = Fault(kind=kind, element=interface)
                    yield Candidate(fault, hint=HINT_BOUND * hint(fault))
    tails, heads = observation.ends
    routed = operational(network) > 0
    for position in map(int, np.unique(tails[lost])):
        around = ((tails == position) | (heads == position)) & routed
        if lost[around].mean() > 0.5:
            for kind in _OF_NODES:
                fault = Fault(kind=kind, element=network.nodes[position].id)
                yield Candidate(fault, hint=HINT_BOUND * hint(fault))


def _misweighted(observation: Observation, judged: Judged) -> list[Candidate]:
    """The weights of each link that put on it what it carries, for links that moved enough to explain all others."""
    residuals = judged.residuals
    difference = np.abs(residuals.difference)
    moved = float((difference - _TOLERANCE * residuals.sigma).max(initial=0.0))
    if moved <= 0:
        return []
    slack = _TOLERANCE * residuals.sigma + (0.02 + observation.removed.max(initial=0.0) / 2) * difference
    steps = LoadSteps(judged.state)
    found: list[tuple[float, Candidate]] = []
    possible = np.isfinite(residuals.measured) & (difference + slack >= moved)
    clearest = np.argsort(-np.where(possible, np.abs(residuals.score), -1.0), kind="stable")
    for position in map(int, clearest[: min(_MOST_LINKS, int(possible.sum()))]):
        measured, allowed = float(residuals.measured[position]), float(slack[position])
        link = judged.state.links[position]
        for step in steps.of(int(position)) if link.usable else ():
            misfit = max(step.least - measured, measured - step.most, 0.0) / allowed
            if misfit <= 1 and not step.low <= link.weight <= step.high:
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
