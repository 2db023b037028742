"""The search for hypotheses: what devices say of themselves, single faults that leave a trace, then several at once."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from twin.abandoned import go_on
from twin.faults import TRAITS, Fault, FaultKind
from twin.model import Network
from twin.observe.expect.expectation import Expectation
from twin.observe.readings.observation import Observation

from .candidates import candidates, diverted, stated, undiverted
from .candidates.control import other_weights
from .diagnosis import named
from .effects import HINT_BOUND, Candidate
from .likelihood import judge
from .prior import log_prior, odds_from_memory
from .reported import Reported
from .shared_errors import SharedErrors
from .simulated_hypothesis import SimulatedHypothesis

GROSS = 6.0
"""Nats that a single reading may cost before it calls for another explanation."""
_SEEDS, _PARTNERS, _ROUNDS = 3, 8, 2
_MOST = 12  # faults at once
_SIMULATED, _PER_NODE = 100, 6_000  # hypotheses, more on smaller networks, beyond which none is looked for anew
_LARGE = 100  # nodes from which on only the likeliest single fault is extended, and once
_PLAIN = frozenset(kind for kind, x in TRAITS.items() if x.plain)
"""Kinds with a reading of their own: a state, an adjacency, errors, a wire that loses."""
_TURNS = 3  # hypotheses that all others are held against in turn until one stands
_FAR = 20.0  # nats below the likeliest: such hypotheses have no share, whatever counts of the loads
_DARK = 0.01  # share of the predicted load below which a link carries nothing


class Scored(NamedTuple):
    """A hypothesis with its place in the ranking."""

    causes: tuple[Candidate, ...]
    judged: SimulatedHypothesis
    total: float  # log likelihood of all readings
    score: float  # the same with prior

    @property
    def name(self) -> str:
        """Kind and element of every fault, or `healthy`."""
        return named(self.judged.faults)

    @property
    def told(self) -> float:
        """Nats that log lines speak for it."""
        return sum(float(np.clip(x.hint, -HINT_BOUND, HINT_BOUND)) for x in self.causes)


class Search:
    """Simulates hypotheses about one observation, each of them once."""

    def __init__(self, observation: Observation, prior: Mapping[tuple[str, str], float] | None = None) -> None:
        self.observation = observation
        self._prior = prior or {}
        self._expectation = Expectation(observation)
        self._reported = Reported.of(observation)
        self._shared = SharedErrors(observation, self._expectation)
        self._counted: dict[tuple[tuple[Fault, ...], tuple[Fault, ...]], float] = {}
        self._known: dict[str, Scored] = {}
        self._extended: set[str] = set()
        self.healthy = self._score(())

    def run(self) -> list[Scored]:
        """Every hypothesis that was simulated, the likeliest first; scores are as held against that one.

        What devices say of themselves comes first: single faults that hold it, and the shortest set of faults that
        holds all of it. Where that explains every reading, nothing else is looked for. Otherwise faults are added, one
        at a time, in what the likeliest hypothesis leaves unexplained; then each of them is looked for again in what
        the others leave, so that the first one found is not kept for being first.
        """
        seen, healthy = self.observation, self.healthy.judged
        first = [self._score((x,)) for x in stated(seen, healthy)]
        held = self._hold(first)
        if not (self._reported.number and self._settled()):
            first += [self._score((x,)) for x in undiverted(seen, healthy)]
        if not self._settled():
            first += [self._score((x,)) for x in diverted(seen, healthy)]
        if self._best().judged.gross > GROSS:
            first += [self._score((x,)) for x in _unseen(seen, self._known)]
        first += self._other_weights()
        if self._best().causes and self._best().judged.gross > GROSS:
            if len(self._best().causes) == 1:
                self._pairs(sorted(first, key=lambda x: -x.score), held)
            self._grow()
        self._vary(first)
        return self._ranked()

    def _other_weights(self) -> list[Scored]:
        """Try all weights of the interface whose weight explains most, where it does not explain everything yet."""
        causes, gross = self._best().causes, self._best().judged.gross
        if len(causes) != 1 or causes[0].fault.kind is not FaultKind.WEIGHT or gross <= GROSS:
            return []
        element = causes[0].fault.element
        if not element.startswith("interface/"):
            return []
        return [self._score((x,)) for x in other_weights(self.observation, self.healthy.judged, element)]

    def left_out(self, judged: SimulatedHypothesis) -> tuple[str, ...]:
        """Ids of interfaces that are down, and of nodes that are silent, which a hypothesis does not hold."""
        return self._reported.left_out(self.observation.network, judged.readings)

    def _hold(self, singles: list[Scored]) -> Scored | None:
        """Put together the likeliest single faults that each hold facts which those before do not; None without facts.

        None that contradicts what reads well; so that one fault at a router, or of a risk group, comes before many.
        """
        chosen: list[Scored] = []
        left = self._reported
        ranked = sorted(singles, key=lambda x: -x.score)
        while left.number and len(chosen) < _MOST:
            fits = (x for x in ranked if left.without(x.judged.readings).number < left.number)
            best = next((x for x in fits if not self._reported.contradicts(x.judged.readings)), None)
            if best is None:
                break
            chosen.append(best)
            left = left.without(best.judged.readings)
        return self._score(_in_order(x.causes[0] for x in chosen)) if chosen else None

    def simulated(self, faults: tuple[Fault, ...]) -> SimulatedHypothesis:
        """Some faults after their simulation, whether they were a hypothesis or not."""
        known = self._known.get(named(faults))
        if known is not None and known.judged.faults == faults:
            return known.judged
        return judge(self.observation, self._expectation, faults)

    def beside(self, some: Scored, standing: Iterable[Fault], *, cost: float = GROSS) -> Scored:
        """Put what was found before beside a hypothesis: what touches none of its faults and no reading contradicts.

        A fault whose traffic has been steered away leaves no trace any more, and is no less there for that; `cost` is
        how many nats it may cost.
        """
        judged = some.judged
        for fault in standing:
            if any(_touch(x, fault) for x in judged.faults):
                continue
            also = self.simulated(tuple(sorted((*judged.faults, fault), key=str)))
            denied = also.likelihood.configured.sum() < judged.likelihood.configured.sum()
            if also.total > judged.total - cost and not denied and not self._reported.contradicts(also.readings):
                judged = also
        return some._replace(judged=judged)

    def _settled(self) -> bool:
        """Whether faults that show in readings which routing does not touch explain everything."""
        best = self._best()
        plain = all(x.fault.kind in _PLAIN for x in best.causes)
        return bool(best.causes) and plain and best.judged.gross <= GROSS

    def _ranked(self) -> list[Scored]:
        """All hypotheses held against the likeliest: what the loads of two of them have in common counts once."""
        first, turns = self._best(), _TURNS
        while True:
            ranked = sorted((self._against(first, x) for x in self._known.values()), key=lambda x: (-x.score, x.name))
            turns -= 1
            if ranked[0].name == first.name or not turns:
                return ranked
            first = self._known[ranked[0].name]

    def _against(self, first: Scored, other: Scored) -> Scored:
        """Another hypothesis with the score that it has where the difference of the loads counts once."""
        loads = float(other.judged.likelihood.load.sum() - first.judged.likelihood.load.sum())
        hopeless = other.score + max(-loads, 0.0) < first.score - _FAR
        if other.name == first.name or hopeless:
            return other
        less = (1 - self._share(*sorted((first, other), key=lambda x: (len(x.causes), x.name)))) * loads
        return other._replace(total=other.total - less, score=other.score - less)

    def _share(self, fewer: Scored, more: Scored) -> float:
        """Share of what loads say between two hypotheses that counts, by the errors of the one with fewer faults."""
        one, two = fewer.judged, more.judged
        pair = one.faults, two.faults
        if pair not in self._counted:
            self._counted[pair] = self._shared.counted(one, two)
        return self._counted[pair]

    def _best(self) -> Scored:
        """The likeliest hypothesis that none which does with fewer of its faults is as likely as."""
        ranked = sorted(self._known.values(), key=lambda x: (-x.score, x.name))
        known = [({str(y.fault) for y in x.causes}, x) for x in ranked]
        fewer = (([y for some, y in known if some < faults], x) for faults, x in known)
        return next(x for simpler, x in fewer if not any(self._against(y, x).score <= y.score for y in simpler))

    def _pairs(self, singles: list[Scored], held: Scored | None) -> None:
        """Add a second fault to the likeliest single ones, first to what holds all that devices say of themselves.

        That is a fact, however little of the loads it explains where another fault moves more.
        """
        large = self._large
        seeds = ([held] if held else []) + [x for x in _apart(singles) if held is None or x.name != held.name]
        for seed in seeds[: 1 if large else _SEEDS]:
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

    def _grow(self) -> None:
        """Add faults while that makes the likeliest hypothesis likelier; leave out those that others make needless."""
        most = _SIMULATED + _PER_NODE / len(self.observation.network.nodes)
        for _ in range(_MOST):
            best = self._best()
            spent = len(self._known) > most
            if len(best.causes) > 1 and best.judged.gross > GROSS and len(best.causes) < _MOST:
                self._extend(best)
            for cause in best.causes if len(best.causes) > 2 and not spent else ():
                rest = self._score(tuple(x for x in best.causes if x is not cause))
                if not self._large and self._best().judged.gross > GROSS:
                    self._extend(rest)
            if self._best() is best:
                return

    def _vary(self, singles: list[Scored]) -> None:
        """Of several faults, try in place of each what else was found at its element, at the ends of its circuit."""
        best = self._best()
        if len(best.causes) < 2:
            return
        for cause in best.causes:
            rest = tuple(x for x in best.causes if x is not cause)
            others = [x for x in singles if _touch(x.causes[0].fault, cause.fault) and x.causes[0] != cause]
            for other in sorted(others, key=lambda x: -x.score)[:_PARTNERS]:
                self._score(_in_order((*rest, other.causes[0])))

    @property
    def _large(self) -> bool:
        return len(self.observation.network.nodes) > _LARGE

    def _extend(self, some: Scored) -> None:
        """Add every further fault that has a trace in what some leave; each hypothesis is extended once."""
        if some.name in self._extended:
            return
        self._extended.add(some.name)
        for candidate in candidates(self.observation, some.judged):
            self._join(some, candidate)

    def _join(self, some: Scored, other: Candidate) -> None:
        if not any(_touch(x.fault, other.fault) for x in some.causes):
            self._score(_in_order((*some.causes, other)))

    def _score(self, causes: tuple[Candidate, ...]) -> Scored:
        """Simulate a hypothesis once; of several estimates of a severity, or hints, the likeliest counts."""
        name = named(tuple(x.fault for x in causes))
        known = self._known.get(name)
        prior = log_prior(self.observation.network, causes) + odds_from_memory(causes, self._prior)
        if known is not None and _same_severities(known.causes, causes):
            judged, total = known.judged, known.total
        else:
            go_on()
            judged = judge(self.observation, self._expectation, tuple(x.fault for x in causes))
            total = judged.total
        scored = Scored(causes, judged, total, total + prior)
        if known is not None and scored.score <= known.score:
            return known if judged is known.judged else scored
        self._known[name] = scored
        return scored


def _in_order(causes: Iterable[Candidate]) -> tuple[Candidate, ...]:
    return tuple(sorted(causes, key=lambda x: str(x.fault)))


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
        mute = not observation.answered[position] and node.kind != "exits"
        if mute and touching.any() and not alive[touching].any():
            outages.append(Fault(kind=FaultKind.DEVICE_DOWN, element=node.id))
    known = set(tried)
    return [Candidate(fault) for fault in outages if str(fault) not in known]
