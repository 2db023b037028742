"""Diagnosis by synthesis: simulate every plausible fault and rank them by how well they explain the readings."""

from typing import NamedTuple

import numpy as np

from twin.faults import DRAWN_KINDS, MAX_WEIGHT, Fault, FaultKind
from twin.model import Floats, Network
from twin.observe.expectation import Expectation
from twin.observe.observation import Observation

from .candidates import Candidate, candidates, remaining
from .diagnosis import Diagnosis, Hypothesis
from .evidence import evidence, unexplained
from .likelihood import Judged, judge, suffered

SHOWN = 10
"""Most hypotheses that a diagnosis lists."""
_HEALTHY = 0.5  # prior probability that nothing is wrong
_SEVERITY_COST = 2.5  # log: half of log N for one severity that is fitted to N readings
_COMMITTED = 3.0  # log: how much likelier a wrong weight is where a configuration was committed within the last hour
_TEMPER = 0.5  # the readings of one network are not independent of each other
_SUSPECT = 8.0  # standard errors: what is left beyond them calls for every other outage to be tried
_ALIKE = 2.0  # log: hypotheses closer than this cannot be told apart


class _Scored(NamedTuple):
    candidate: Candidate
    judged: Judged
    score: float  # log likelihood with prior


def diagnose(observation: Observation) -> Diagnosis:
    """Rank what could have caused the readings; healthy is one of the hypotheses and is always simulated.

    Faults with a trace in the readings are simulated first; when the best of them leaves a link unexplained, so is
    every other circuit and node outage. Scores are log likelihoods with a prior: uniform over kinds and over elements
    of a kind, less a cost for a severity that is fitted to the readings, so that a healthy network is found healthy; a
    wrong weight is likelier on a router whose configuration was committed lately, within a bound that no forged log
    line can exceed.
    """
    expectation = Expectation(observation)
    healthy = judge(observation, expectation, None)
    first = candidates(observation, healthy.residuals)
    scored = [_score(observation, healthy, x) for x in first[:1]]
    scored += [_score(observation, judge(observation, expectation, x.fault), x) for x in first[1:]]
    best = max(scored, key=lambda entry: entry.score)
    if np.abs(best.judged.residuals.score).max(initial=0.0) > _SUSPECT:
        rest = remaining(observation.network, first)
        scored += [_score(observation, judge(observation, expectation, x.fault), x) for x in rest]
    scored.sort(key=lambda entry: (-entry.score, str(entry.candidate.fault)))
    confidence = _posterior(np.array([entry.score for entry in scored]))
    return Diagnosis(
        snapshot=observation.network.id,
        hypotheses=tuple(
            _hypothesis(observation, entry, healthy, float(share), scored)
            for entry, share in zip(scored[:SHOWN], confidence, strict=False)
        ),
        simulated=len(scored),
        unexplained=unexplained(observation, scored[0].judged, healthy),
    )


def diagnosed_network(observation: Observation, hypothesis: Hypothesis) -> Network:
    """Return the observed network with the fault in it: the state that planning works on.

    A demand surge is in the measured matrix already; of a wrong weight, the live value is set.
    """
    return suffered(observation, hypothesis.fault)


def _score(observation: Observation, judged: Judged, candidate: Candidate) -> _Scored:
    return _Scored(candidate, judged, judged.likelihood.total + _log_prior(observation, candidate))


def _log_prior(observation: Observation, candidate: Candidate) -> float:
    network, fault = observation.network, candidate.fault
    if fault is None:
        return float(np.log(_HEALTHY))
    kind = float(np.log((1 - _HEALTHY) / len(DRAWN_KINDS)))
    prior = kind - float(np.log(_elements(network, fault))) + _severity_prior(candidate)
    if fault.kind is FaultKind.WEIGHT:
        router = f"node/{network.links[network.link(fault.element)].tail}"
        prior += _COMMITTED * any(x.kind == "commit" and x.element == router for x in observation.events)
    return prior


def _elements(network: Network, fault: Fault) -> int:
    """How many elements of its kind the network has."""
    known = {"link": network.circuits, "node": network.nodes, "interface": network.links}
    return len(known[fault.element.split("/", 1)[0]])


def _severity_prior(candidate: Candidate) -> float:
    if candidate.weights is not None:
        low, high = candidate.weights
        return float(np.log(np.log((high + 1) / low) / np.log(MAX_WEIGHT + 1)))
    fitted = candidate.fault is not None and candidate.fault.kind not in (FaultKind.LINK_DOWN, FaultKind.DEVICE_DOWN)
    return -_SEVERITY_COST if fitted else 0.0


def _posterior(scores: Floats) -> Floats:
    weight = np.exp(_TEMPER * (scores - scores.max()))
    return weight / weight.sum()


def _hypothesis(
    observation: Observation, entry: _Scored, healthy: Judged, confidence: float, scored: list[_Scored]
) -> Hypothesis:
    alike = [x.candidate for x in scored if x is not entry and abs(x.score - entry.score) < _ALIKE]
    fault = entry.candidate.fault
    return Hypothesis(
        fault=fault,
        log_likelihood=entry.score,
        confidence=confidence,
        residual=float(np.sqrt(np.mean(entry.judged.residuals.score**2))),
        evidence=evidence(observation, entry.judged, healthy),
        value_range=entry.candidate.weights,
        indistinguishable=tuple(dict.fromkeys(str(x.fault) if x.fault else "healthy" for x in alike)),
    )
