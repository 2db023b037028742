"""Routing that is wrong while the network is whole: neighbours that are lost, weights that are not what they should be.

Lost neighbours of all kinds leave the same readings: what tells them apart is the log alone, within its bound.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from twin.diagnose.effects import HINT_BOUND, Candidate, Effect, Scene, operational
from twin.diagnose.simulated_hypothesis import SimulatedHypothesis
from twin.diagnose.weights import LoadSteps, WeightStep
from twin.faults import TRAITS, Fault, FaultKind, Readings, interfaces, with_one_way_fault
from twin.faults.kinds import ADJACENCY_KINDS
from twin.live.network import Flags
from twin.model import Floats, Network
from twin.observe.expect.expectation import Residuals
from twin.observe.readings.observation import Observation

from .adjacency_log import agreement

_K = FaultKind
_TOLERANCE = 4.0  # standard errors
_DARK = 0.01  # share of the predicted load below which a link carries nothing
_MOST_WEIGHTS, _LEAST_WEIGHTS = 64, 4  # that are simulated, of all links and of one
_LEAST_PASSED = 1e-3  # of what a link lets nothing pass, nothing can be told
_MOST_LINKS = 96  # whose load is worked out for every weight
_TYPICAL = (1, 10, 100, 1000, 65_535)
_SLACK, _MOST_CIRCUITS, _MOST_SPANS, _MOST_ROUTERS = 0.02, 12, 3, 3
TOLD, UNTOLD = 3.5, -2.5
"""Nats for a line in the log that a fault would have left, and against it where there is none."""
_LEAST_LARGE = 0.5
"""Share of the octets that large packets carry, at least."""
_COMMITTED = min(3.0, HINT_BOUND)  # nats: how much likelier a wrong weight is where something was committed lately


def _kinds(form: str) -> tuple[FaultKind, ...]:
    """Kinds that take neighbours away and can lie at this sort of element."""
    return tuple(kind for kind in ADJACENCY_KINDS if form in (TRAITS[kind].element, *TRAITS[kind].forms))


_AT_NODES, _AT_INTERFACES, _AT_CIRCUITS = _kinds("node"), _kinds("interface"), _kinds("circuit")


def _unfit(readings: Readings, fault: Fault, scene: Scene) -> Readings:
    """Behind an MTU that is too small, where traffic is still sent: large packets arrive broken, probes pass.

    How much of the octets are in large packets is not known, but for that it is most of them.
    """
    from twin.diagnose.forwarding.routed import routed  # numba is slow to import: only who simulates pays for it
    from twin.sim.kernels import expect

    seen, network = scene.observation, scene.network
    if seen.declared.two_way or fault.element.startswith("link/"):
        return readings
    behind = [network.reverse[network.link(x)] for x in interfaces(network, fault)]
    wire_loss, broken, links = readings.wire_loss.copy(), readings.broken.copy(), list(network.links)
    for i in behind:
        wire_loss[i] = np.fmax(seen.wire_loss[i], _LEAST_LARGE)
        broken[i] = np.fmax(seen.broken[i], _LEAST_LARGE)
        links[i] = links[i]._replace(loss=0.0)
    base = routed(replace(network, links=tuple(links)))
    through = expect(base.arrays, base.routing.paths).survival[seen.probes.target, seen.probes.source]
    return readings._replace(wire_loss=wire_loss, broken=broken, through=through)


EFFECTS: dict[FaultKind, Effect] = {_K.MTU: Effect(one_way=with_one_way_fault, readings=_unfit)}


def candidates(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """Routers and interfaces that lost neighbours over interfaces that are up, and weights that explain the loads."""
    yield from neighbourless(observation, judged)
    yield from _misweighted(observation, judged)
    yield from _misweighted_both_ways(observation, judged)
    yield from _misweighted_routers(observation, judged)


def lost_neighbours(observation: Observation, judged: SimulatedHypothesis) -> Flags:
    """Links [m] over which a neighbour is missing though the interface is up: polled, or dark where no poll says."""
    expected = (judged.readings.adjacent > 0.5) & (operational(observation.inventory) > 0)
    residuals, measured = judged.residuals, np.nan_to_num(judged.residuals.measured)
    dark = (residuals.predicted > _TOLERANCE * residuals.sigma) & (measured < _DARK * residuals.predicted)
    lost = np.where(np.isfinite(observation.adjacent), observation.adjacent < 0.5, dark)
    return np.asarray(expected & observation.up & observation.answered[observation.ends[0]] & lost)


def neighbourless(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """Mistakes at one end of a circuit, at both, or at a whole router that would take away neighbours that are lost."""
    network, lost = observation.inventory, lost_neighbours(observation, judged)
    if not lost.any():
        return
    faults = [*_at_circuits(network, lost), *_at_nodes(observation, lost)]
    yield from (Candidate(fault, hint=HINT_BOUND * agreement(observation, fault)) for fault in faults)


def _at_circuits(network: Network, lost: Flags) -> Iterator[Fault]:
    """Mistakes at one end of a circuit, and at both."""
    for circuit, positions in network.circuits.items():
        if lost[list(positions)].any():
            for interface in (network.links[i].interface for i in positions):
                yield from (Fault(kind=kind, element=interface) for kind in _AT_INTERFACES)
            yield from (Fault(kind=kind, element=circuit) for kind in _AT_CIRCUITS)


def _at_nodes(observation: Observation, lost: Flags) -> Iterator[Fault]:
    """Mistakes at all interfaces of a router; with one interface that is the same as a mistake there."""
    network, (tails, heads) = observation.inventory, observation.ends
    routed = operational(network) > 0
    for position in map(int, np.unique(tails[lost])):
        around = ((tails == position) | (heads == position)) & routed
        if lost[around].mean() > 0.5:
            several = len({network.links[int(i)].circuit for i in np.flatnonzero(around)}) > 1
            kinds = [kind for kind in _AT_NODES if several or TRAITS[kind].element == "node"]
            yield from (Fault(kind=kind, element=network.nodes[position].id) for kind in kinds)


class _Loads(NamedTuple):
    """What links carry and are predicted to, and how far off that may be."""

    residuals: Residuals
    slack: Floats  # [m] Mbit/s
    passed: float  # least share of what a link would carry that full links before it let pass

    @classmethod
    def of(cls, observation: Observation, judged: SimulatedHypothesis) -> "_Loads":
        residuals, removed = judged.residuals, observation.removed
        slack = _TOLERANCE * residuals.sigma + (0.02 + removed.max(initial=0.0) / 2) * np.abs(residuals.difference)
        full = np.where(np.nan_to_num(observation.dropped_mbps) > 0, removed, 0.0)
        return cls(residuals, slack, max(1.0 - float(full.max(initial=0.0)), _LEAST_PASSED))

    @property
    def explaining(self) -> Flags:
        """Links [m] that moved enough to explain how far all others did, what full links took off counted in."""
        measured, predicted = self.residuals.measured, self.residuals.predicted
        moved = float((np.abs(self.residuals.difference) - _TOLERANCE * self.residuals.sigma).max(initial=0.0))
        most = np.maximum(np.abs(measured - predicted), np.abs(measured / self.passed - predicted))
        return np.isfinite(measured) & (most + self.slack >= moved) & (moved > 0)

    def misfit(self, position: int, step: WeightStep) -> float:
        """How far what a weight puts on a link is from what it carries, as a share of what is allowed."""
        measured = float(self.residuals.measured[position])
        return max(step.least * self.passed - measured, measured - step.most, 0.0) / float(self.slack[position])


def _misweighted(observation: Observation, judged: SimulatedHypothesis) -> list[Candidate]:
    """The weights of each link that put on it what it carries, for links that moved enough to explain all others.

    Where these are too many, some of each link, those that fit best; of weights that fit alike, some of all sizes.
    """
    loads = _Loads.of(observation, judged)
    possible = loads.explaining
    possible[list(observation.network.exits)] = False  # theirs are preferences, not metrics
    if not possible.any():
        return []
    steps = LoadSteps(judged.state)
    clearest = np.argsort(-np.where(possible, np.abs(loads.residuals.score), -1.0), kind="stable")
    chosen = map(int, clearest[: min(_MOST_LINKS, int(possible.sum()))])
    fitting = {position: _fitting(judged, loads, steps, position) for position in chosen}
    fitting = {position: found for position, found in fitting.items() if found}
    if sum(map(len, fitting.values())) > _MOST_WEIGHTS:
        fitting = {i: _some(found, max(_LEAST_WEIGHTS, _MOST_WEIGHTS // len(fitting))) for i, found in fitting.items()}
    ranked = sorted(((misfit, i, step) for i, found in fitting.items() for misfit, step in found), key=lambda x: x[0])
    return [_wrong_weight(observation, position, step) for _, position, step in ranked[:_MOST_WEIGHTS]]


def other_weights(observation: Observation, judged: SimulatedHypothesis, interface: str) -> list[Candidate]:
    """All the weights of one interface that put on it what it carries, some of all sizes where they are many."""
    position, loads = observation.network.link(interface), _Loads.of(observation, judged)
    found = _fitting(judged, loads, LoadSteps(judged.state), position)
    return [_wrong_weight(observation, position, step) for _, step in _some(found, _MOST_WEIGHTS)]


def _fitting(
    judged: SimulatedHypothesis, loads: _Loads, steps: LoadSteps, position: int
) -> list[tuple[float, WeightStep]]:
    """The weights of a link that put on it what it carries, by growing weight, with their misfit."""
    link = judged.state.links[position]
    found = [(loads.misfit(position, x), x) for x in steps.of(position)] if link.usable else []
    return [(misfit, x) for misfit, x in found if misfit <= 1 and not x.low <= link.weight <= x.high]


def _some(found: list[tuple[float, WeightStep]], most: int) -> list[tuple[float, WeightStep]]:
    """Those that fit best; of more that fit alike, evenly from the least to the most."""
    alike = [x for x in found if x[0] == 0.0]
    if len(alike) <= most:
        return sorted(found, key=lambda x: x[0])[:most]
    return [alike[int(i)] for i in np.linspace(0, len(alike) - 1, most).round()]


def _misweighted_both_ways(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """Circuits of which both directions carry what one weight for both would put there.

    The routes of a pair of nodes take one direction, so that each can be looked at by itself.
    """
    residuals, state = judged.residuals, judged.state
    slack = _TOLERANCE * residuals.sigma + _SLACK * np.abs(residuals.difference)
    off = (np.abs(residuals.score) > _TOLERANCE) & [x.usable for x in state.links]
    circuits = {x: i for x, i in state.circuits.items() if len(i) == 2 and off[list(i)].all()}
    if not circuits:
        return
    steps = LoadSteps(state)
    clearest = sorted(circuits.items(), key=lambda x: -float(np.abs(residuals.score[list(x[1])]).min()))
    for circuit, positions in clearest[:_MOST_CIRCUITS]:
        links = [state.links[i] for i in positions]
        possible = [_consistent(steps.of(i), float(residuals.measured[i]), float(slack[i])) for i in positions]
        both = [(max(a.low, b.low), min(a.high, b.high)) for a in possible[0] for b in possible[1]]
        for low, high in sorted(x for x in both if x[0] <= x[1])[-_MOST_SPANS:]:
            weight = next((x for x in _TYPICAL if low <= x <= high), round(float(np.sqrt(low * high))))
            fault = Fault(kind=_K.WEIGHT, element=circuit, severity=float(weight))
            yield Candidate(fault, (low, high), committed(observation, [x.tail for x in links]))


def _consistent(steps: list[WeightStep], measured: float, allowed: float) -> list[WeightStep]:
    return [x for x in steps if max(x.least - measured, measured - x.most) <= allowed]


def _misweighted_routers(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """Routers whose links are off the most, each with one weight for all of its interfaces."""
    network, (tails, heads) = observation.network, observation.ends
    off = np.where(np.abs(judged.residuals.score) > _TOLERANCE, np.abs(judged.residuals.score), 0.0)
    n = len(network.nodes)
    sent = np.bincount(tails, off > 0, n)
    around = np.bincount(tails, off, n) + np.bincount(heads, off, n)
    for position in map(int, np.argsort(-around, kind="stable")[:_MOST_ROUTERS]):
        if sent[position] > 1:
            node = network.nodes[position]
            for weight in _TYPICAL:
                fault = Fault(kind=_K.WEIGHT, element=node.id, severity=float(weight))
                yield Candidate(fault, hint=committed(observation, [node.name]))


def committed(observation: Observation, routers: Iterable[str]) -> float:
    """Nats for a mistake at routers all of which were configured lately, and against it where one was not."""
    if "commit" not in observation.declared.logs or not (observation.events or observation.unread_lines):
        return 0.0
    names = {x.element for x in observation.events if x.kind == "commit"}
    return TOLD if all(f"node/{name}" in names for name in routers) else UNTOLD


def _wrong_weight(observation: Observation, position: int, step: WeightStep) -> Candidate:
    """Of the weights that route alike, take the likeliest slip: a digit lost or doubled, a default, a round number."""
    network: Network = observation.network
    link = network.links[position]
    slips = (link.weight // 10, link.weight * 10, *_TYPICAL)
    inside = [x for x in slips if step.low <= x <= step.high]
    weight = inside[0] if inside else round(float(np.sqrt(step.low * step.high)))
    fault = Fault(kind=_K.WEIGHT, element=link.interface, severity=float(min(max(weight, step.low), step.high)))
    committed = any(x.kind == "commit" and x.element == f"node/{link.tail}" for x in observation.events)
    return Candidate(fault, (step.low, step.high), _COMMITTED * committed)
