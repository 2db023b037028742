"""The search for hypotheses: single faults that leave a trace, then pairs where one fault does not explain it all."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from twin.faults import Fault, FaultKind
from twin.model import Network
from twin.observe.expectation import Expectation
from twin.observe.observation import Observation

from .candidates import candidates, diverted, undiverted
from .diagnosis import named
from .effects import Candidate
from .judged import Judged
from .likelihood import judge
from .prior import from_the_past, log_prior

GROSS = 6.0
"""Nats that a single reading may cost before it calls for another explanation."""
_SEEDS, _PARTNERS, _ROUNDS = 3, 8, 2
_LARGE = 100  # nodes from which on only the likeliest single fault is extended, and once
_PLAIN = frozenset(
    (
        FaultKind.LINK_DOWN,
        FaultKind.DETACH,
        FaultKind.DEVICE_DOWN,
        FaultKind.FLAP,
        FaultKind.CORRUPTION,
        FaultKind.DEVICE_CORRUPTION,
        FaultKind.SILENT_LOSS,
        FaultKind.ROUTING_DOWN,
        FaultKind.AREA,
        FaultKind.NEIGHBOUR_MISSING,
        FaultKind.ACL_BLOCK,
        FaultKind.MTU,
    )
)
"""Kinds with a reading of their own: a state, an adjacency, errors, a wire that loses."""
_DARK = 0.01  # share of the predicted load below which a link carries nothing


class Scored(NamedTuple):
    """A hypothesis with its place in the ranking."""

    causes: tuple[Candidate, ...]
    judged: Judged
    score: float  # log likelihood with prior

    @property
    def name(self) -> str:
        """Kind and element of every fault, or `healthy`."""
        return named(self.judged.faults)


class Search:
    """Simulates hypotheses about one observation, each of them once."""

    def __init__(self, observation: Observation, prior: Mapping[tuple[str, str], float] | None = None) -> None:
        self.observation = observation
        self._prior = prior or {}
        self._expectation = Expectation(observation)
        self._known: dict[str, Scored] = {}
        self._extended: set[Fault] = set()
        self.healthy = self._score(())

    def run(self) -> list[Scored]:
        """Every hypothesis that was simulated, the likeliest first.

        A second fault is looked for in what the likeliest single ones leave unexplained; then each of the two is looked
        for again in what the other leaves, so that the first one found is not kept for being first.
        """
        healthy = self.healthy.judged
        first = [self._score((x,)) for x in undiverted(self.observation, healthy)]
        if not self._settled():
            first += [self._score((x,)) for x in diverted(self.observation, healthy)]
        if self._best().judged.gross > GROSS:
            first += [self._score((x,)) for x in _unseen(self.observation, self._known)]
        if self._best().causes and self._best().judged.gross > GROSS:
            self._pairs(sorted(first, key=lambda x: -x.score))
        return sorted(self._known.values(), key=lambda x: (-x.score, x.name))

    def judged(self, faults: tuple[Fault, ...]) -> Judged:
        """Some faults after their simulation, whether they were a hypothesis or not."""
        known = self._known.get(named(faults))
        if known is not None and known.judged.faults == faults:
            return known.judged
        return judge(self.observation, self._expectation, faults)

    def _settled(self) -> bool:
        """Whether one fault explains everything and shows in readings that routing does not touch."""
        best = self._best()
        return bool(best.causes) and best.causes[0].fault.kind in _PLAIN and best.judged.gross <= GROSS

    def _best(self) -> Scored:
        return max(self._known.values(), key=lambda x: x.score)

    def _pairs(self, singles: list[Scored]) -> None:
        large = len(self.observation.network.nodes) > _LARGE
        for seed in _apart(singles)[: 1 if large else _SEEDS]:
            self._extend(seed)
            if len(self._best().causes) > 1 and self._best().judged.gross <= GROSS:
                break
        partners = _apart(singles)
        for other in partners[1 : _PARTNERS + 1]:
            self._join(partners[0], other.causes[0])
        for _ in range(1 if large else _ROUNDS):
            best = self._best()
            if len(best.causes) < 2:
                return
            for kept in best.causes:
                self._extend(self._score((kept,)))
            if self._best() is best:
                return

    def _extend(self, single: Scored) -> None:
        """Add every second fault that has a trace in what a single one leaves; each single one is extended once."""
        if single.causes[0].fault in self._extended:
            return
        self._extended.add(single.causes[0].fault)
        for candidate in candidates(self.observation, single.judged):
            self._join(single, candidate)

    def _join(self, single: Scored, other: Candidate) -> None:
        if not _touch(single.causes[0].fault, other.fault):
            self._score(tuple(sorted((*single.causes, other), key=lambda x: str(x.fault))))

    def _score(self, causes: tuple[Candidate, ...]) -> Scored:
        name = named(tuple(x.fault for x in causes))
        known = self._known.get(name)
        if known is not None and _same_severities(known.causes, causes):
            return known
        judged = judge(self.observation, self._expectation, tuple(x.fault for x in causes))
        prior = log_prior(self.observation.network, causes) + from_the_past(causes, self._prior)
        scored = Scored(causes, judged, judged.total + prior)
        if known is None or scored.score > known.score:
            self._known[name] = scored
        return scored


def _same_severities(one: tuple[Candidate, ...], other: tuple[Candidate, ...]) -> bool:
    return [x.fault.severity for x in one] == [x.fault.severity for x in other]


def _apart(singles: Iterable[Scored]) -> list[Scored]:
    """The best single fault at each element."""
    found: dict[str, Scored] = {}
    for single in singles:
        found.setdefault(single.causes[0].fault.element, single)
    return list(found.values())


def _touch(one: Fault, other: Fault) -> bool:
    """Whether two faults are about the same thing: one element, or a circuit and its own interface."""
    if one.element == other.element:
        return True
    places = {_circuit(x.element) for x in (one, other)}
    return len(places) == 1 and None not in places


def _circuit(element: str) -> frozenset[str] | None:
    """The two interfaces of a circuit, or of the circuit of an interface; None for anything else."""
    kind, _, rest = element.partition("/")
    if kind == "link":
        return frozenset(rest.split("--"))
    if kind == "interface":
        node, _, name = rest.partition("/")
        peer, dot, index = name.rpartition(".")
        if not (dot and index.isdigit()):
            peer, index = name, ""
        suffix = f".{index}" if index else ""
        return frozenset((f"{node}:{peer}{suffix}", f"{peer}:{node}{suffix}"))
    return None


def _unseen(observation: Observation, tried: Iterable[str]) -> list[Candidate]:
    """Outages of circuits and nodes that no reading contradicts and that have not been tried."""
    network: Network = observation.network
    alive = np.nan_to_num(observation.in_mbps) + np.nan_to_num(observation.out_mbps) > _DARK
    quiet = ~alive & ~((observation.adjacent > 0) & observation.answered[observation.ends[0]])
    outages = [
        Fault(kind=FaultKind.LINK_DOWN, element=circuit)
        for circuit, positions in network.circuits.items()
        if quiet[list(positions)].all()
    ]
    tails, heads = observation.ends
    for position, node in enumerate(network.nodes):
        touching = (tails == position) | (heads == position)
        if not observation.answered[position] and touching.any() and not alive[touching].any():
            outages.append(Fault(kind=FaultKind.DEVICE_DOWN, element=node.id))
    known = set(tried)
    return [Candidate(fault) for fault in outages if str(fault) not in known]
