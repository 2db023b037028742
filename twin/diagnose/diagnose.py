"""Diagnosis by synthesis: simulate every plausible fault and rank them by how well they explain the readings."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from twin.faults import DRAWN_KINDS, MAX_WEIGHT, TRAITS, Fault, FaultKind
from twin.model import Floats, Network
from twin.observe.expectation import Expectation
from twin.observe.observation import Observation

from .candidates import candidates
from .diagnosis import Diagnosis, Hypothesis, named
from .effects import HINT_BOUND, Candidate
from .evidence import evidence, unexplained
from .judged import Judged
from .likelihood import judge, suffered

SHOWN = 10
"""Most hypotheses that a diagnosis lists."""
_HEALTHY = 0.5  # prior probability that nothing is wrong
_SEVERITY_COST = 2.5  # log: half of log N for one severity that is fitted to N readings
_TEMPER = 0.5  # the readings of one network are not independent of each other
_SUSPECT = 8.0  # standard errors: what is left beyond them calls for every other outage to be tried
_ALIKE = 2.0  # log: hypotheses closer than this cannot be told apart


class _Scored(NamedTuple):
    causes: tuple[Candidate, ...]
    judged: Judged
    score: float  # log likelihood with prior

    @property
    def name(self) -> str:
        return named(self.judged.faults)


def diagnose(observation: Observation) -> Diagnosis:
    """Rank what could have caused the readings; healthy is one of the hypotheses and is always simulated.

    Faults with a trace in the readings are simulated first; when the best of them leaves a link unexplained, so is
    every other circuit and node outage. Scores are log likelihoods with a prior: uniform over kinds and over elements
    of a kind, less a cost for a severity that is fitted to the readings, so that a healthy network is found healthy.
    Log lines shift a hypothesis within a bound that no forged line can exceed.
    """
    expectation = Expectation(observation)

    def score(causes: tuple[Candidate, ...]) -> _Scored:
        judged = judge(observation, expectation, tuple(x.fault for x in causes))
        return _Scored(causes, judged, judged.total + _log_prior(observation.network, causes))

    healthy = score(())
    scored = [healthy, *(score((x,)) for x in candidates(observation, healthy.judged))]
    best = max(scored, key=lambda entry: entry.score)
    if np.abs(best.judged.residuals.score).max(initial=0.0) > _SUSPECT:
        scored += [score((x,)) for x in _remaining(observation.network, scored)]
    scored.sort(key=lambda entry: (-entry.score, entry.name))
    confidence = _posterior(np.array([entry.score for entry in scored]))
    return Diagnosis(
        snapshot=observation.network.id,
        hypotheses=tuple(
            _hypothesis(entry, healthy.judged, float(share), scored)
            for entry, share in zip(scored[:SHOWN], confidence, strict=False)
        ),
        simulated=len(scored),
        unexplained=unexplained(scored[0].judged, healthy.judged),
    )


def diagnosed_network(observation: Observation, hypothesis: Hypothesis) -> Network:
    """Return the observed network with every fault of the hypothesis in it: the state that planning works on.

    A demand surge is in the measured matrix already; of a wrong weight, the live value is set.
    """
    return suffered(observation.network, hypothesis.faults)


def _remaining(network: Network, tried: Iterable[_Scored]) -> list[Candidate]:
    """Every circuit and node that could be down and has not been tried."""
    outages = [Fault(kind=FaultKind.LINK_DOWN, element=circuit) for circuit in network.circuits]
    outages += [Fault(kind=FaultKind.DEVICE_DOWN, element=node.id) for node in network.nodes]
    known = {entry.name for entry in tried}
    return [Candidate(fault) for fault in outages if str(fault) not in known]


def _log_prior(network: Network, causes: tuple[Candidate, ...]) -> float:
    if not causes:
        return float(np.log(_HEALTHY))
    return float(np.log(1 - _HEALTHY)) + sum(_log_prior_of(network, x) for x in causes)


def _log_prior_of(network: Network, candidate: Candidate) -> float:
    kind, elements = -float(np.log(len(DRAWN_KINDS))), -float(np.log(_elements(network, candidate.fault)))
    hint = float(np.clip(candidate.hint, -HINT_BOUND, HINT_BOUND))
    return kind + elements + _severity_prior(candidate) + hint


def _elements(network: Network, fault: Fault) -> int:
    """How many elements of its kind the network has."""
    known = {"link": network.circuits, "node": network.nodes, "interface": network.links, "network": (network,)}
    return len(known[fault.element.split("/", 1)[0]])


def _severity_prior(candidate: Candidate) -> float:
    if candidate.weights is not None:
        low, high = candidate.weights
        return float(np.log(np.log((high + 1) / low) / np.log(MAX_WEIGHT + 1)))
    return -_SEVERITY_COST if TRAITS[candidate.fault.kind].severity.words != "1" else 0.0


def _posterior(scores: Floats) -> Floats:
    weight = np.exp(_TEMPER * (scores - scores.max()))
    return weight / weight.sum()


def _hypothesis(entry: _Scored, healthy: Judged, confidence: float, scored: list[_Scored]) -> Hypothesis:
    alike = [x.name for x in scored if x is not entry and abs(x.score - entry.score) < _ALIKE]
    return Hypothesis(
        faults=entry.judged.faults,
        log_likelihood=entry.score,
        confidence=confidence,
        residual=float(np.sqrt(np.mean(entry.judged.residuals.score**2))),
        evidence=evidence(entry.judged, healthy),
        value_range=entry.causes[0].weights if entry.causes else None,
        indistinguishable=tuple(dict.fromkeys(alike)),
    )
