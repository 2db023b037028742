"""Diagnosis by synthesis: simulate every plausible fault and rank them by how well they explain the readings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np

from twin.faults import TRAITS, Fault
from twin.model import Floats, Network
from twin.observe.readings.observation import Observation
from twin.printed import mbps, percent, short

from .candidates.configuration import written_faults
from .configured import denied
from .diagnosis import Diagnosis, Fact, Hypothesis, named
from .evidence import evidence, facts_at, unexplained
from .incidents import incident_causes
from .likelihood import planned, put_right, without_void
from .lost import unexplained_loss
from .prior import one_more, usual
from .search import GROSS, Scored, Search
from .simulated_hypothesis import SimulatedHypothesis
from .trials import PlanTrial, PlanTrials

SHOWN = 10
"""Most hypotheses that a diagnosis lists."""
ABSTAIN_BELOW = 0.5
"""Probability below which the best hypothesis is no answer."""
TEMPER = 0.9
"""Share of the log likelihood that counts: with it, a stated probability comes nearest to how often it is right."""
_SURELY = 1.0  # nats: what leaves out a fact is less likely than not
_ALIKE = 2.0  # nats: hypotheses closer than this cannot be told apart
_MOST = float(np.log(0.5))  # of all that is simulated
_EQUAL = 1e-6


def diagnose(
    observation: Observation,
    *,
    prior: Mapping[tuple[str, str], float] | None = None,
    found_before: tuple[Fault, ...] = (),
    trials: Sequence[PlanTrial] = (),
) -> Diagnosis:
    """Rank what could have caused the readings; healthy is one of the hypotheses and is always simulated.

    What devices say of themselves is held by the shortest set of faults; then faults with a trace in the readings are
    simulated, and where the best of them leaves a reading unexplained, so are several at once. What all of them leave
    unexplained takes confidence away: the true cause may not be among them.

    Scores are log likelihoods with a prior: uniform over kinds and their forms and over elements, less a cost for a
    severity that is fitted to the readings, so that a healthy network is found healthy. Log lines shift a hypothesis
    within a bound that no forged line can exceed. Hypotheses that no reading and no log line tells apart are one
    answer, named after the likeliest of them. `prior` adds log odds by kind and element of a fault, which past
    incidents teach; none counts more than `PRIOR_BOUND`. `found_before` are faults that still stand: each is part of
    every hypothesis that names no other fault at its place, unless readings say that it is over. `trials` are what
    plans showed while they were in place: the likeliest hypotheses are ranked anew by what they say of that.
    """
    search = Search(observation, prior or {})
    tried = PlanTrials(trials)
    groups = _ranked(search, tried if trials else None, found_before, tuple(written_faults(observation)))
    best, healthy = groups[0][0], search.healthy.judged
    scores = np.array([_score(group) for group in groups])
    confidence = _posterior(scores, groups[0][0].score + _missed(observation, search, best.judged))
    lost = facts_at(unexplained_loss(best.judged, 2 * GROSS), best.judged, healthy)
    return Diagnosis(
        snapshot=observation.network.id,
        hypotheses=tuple(_hypotheses(observation, search, groups, confidence)),
        simulated=sum(map(len, groups)),
        unexplained=unexplained(best.judged, healthy),
        lost=lost,
        doubt=_doubt(best.judged, float(confidence[0]), search.left_out(best.judged), tried, lost),
    )


def _ranked(
    search: Search, tried: PlanTrials | None, found_before: tuple[Fault, ...], written: tuple[Fault, ...]
) -> list[list[Scored]]:
    """Search, and group what cannot be told apart, best first; faults that stand and that are written go beside it."""
    groups = _grouped(search.run())
    if tried:
        groups = _grouped(tried.weighed(x for i, group in enumerate(groups) if _is_shown(i, group) for x in group))
    if found_before:
        groups = [[search.beside(x, found_before) for x in group] for group in groups]
    if written:
        # what another fault is in the way of leaves no trace: it is there where that makes likelier what routers say
        for group in (x for i, x in enumerate(groups) if _is_shown(i, x)):
            group[:] = [search.beside(x, written, cost=-_SURELY) for x in group]
    return groups


def _hypotheses(
    observation: Observation, search: Search, groups: list[list[Scored]], confidence: Floats
) -> Iterator[Hypothesis]:
    """What is told of each group that is shown, with the incidents that its faults are of."""
    posterior, healthy = _by_names(groups, confidence), search.healthy.judged
    split = partial(incident_causes, observation.network, judge=search.simulated, posterior=posterior)
    for group, share in _shown(groups, confidence):
        told = _hypothesis(group, healthy, float(share), groups)
        yield told.model_copy(update={"incidents": split(whole=group[0].judged)})


def diagnosed_network(observation: Observation, hypothesis: Hypothesis) -> Network:
    """Return the observed network with every fault of the hypothesis in it: the state that planning works on.

    A demand surge is in the measured matrix already; of a wrong weight, the live value is set. Faults of the
    measurement leave the network as it is, under the demands that were exported rightly.
    """
    return planned(put_right(observation, hypothesis.faults).observation, hypothesis.faults)


def believed_without(observation: Observation, faults: tuple[Fault, ...], left_out: tuple[Fault, ...]) -> Network:
    """Return the observed network with all of `faults` in it but some, and without the traffic that those brought."""
    seen = put_right(observation, faults).observation
    state = planned(seen, tuple(x for x in faults if x not in left_out))
    demands = state.demands.copy()
    for node in {state.node(x.element) for x in left_out if TRAITS[x.kind].layer == "traffic"}:
        demands[:, node] /= max(float(np.nan_to_num(observation.growth.total(node), nan=1.0)), 1.0)
    return state.with_demands(demands)


def as_believed(observation: Observation, faults: tuple[Fault, ...], state: Network) -> Observation:
    """Return the observation of a state that is believed to hold these faults: what lies is put right or left out."""
    seen = put_right(observation, faults).observation
    return without_void(replace(seen, network=state.with_demands(seen.network.demands)), faults)


def explains(observation: Observation, faults: tuple[Fault, ...]) -> bool:
    """Whether some faults leave no reading unexplained, nor what says that it is down, and no router denies them."""
    search = Search(observation)
    judged = search.simulated(faults)
    return judged.gross <= 2 * GROSS and not search.left_out(judged) and not denied(observation, faults)


def _by_names(groups: list[list[Scored]], confidence: Floats) -> dict[tuple[str, ...], float]:
    """Share of each hypothesis by the names of its faults; one that stands for others has the share of all."""
    return {
        tuple(str(x) for x in group[0].judged.faults): float(share)
        for group, share in zip(groups, confidence, strict=True)
    }


def _shown(groups: list[list[Scored]], confidence: Floats) -> list[tuple[list[Scored], Floats]]:
    """The first groups with their confidence, and the healthy one in any case."""
    return [x for i, x in enumerate(zip(groups, confidence, strict=True)) if _is_shown(i, x[0])]


def _is_shown(place: int, group: list[Scored]) -> bool:
    return place < SHOWN or not group[0].causes


def _doubt(
    best: SimulatedHypothesis, confidence: float, left_out: tuple[str, ...], tried: PlanTrials, lost: tuple[Fact, ...]
) -> str | None:
    if lost:
        return f"traffic gets lost that it does not account for: {_told(lost[0])}"
    if left_out:
        return f"it does not explain why {left_out[0]} is down or silent"
    if confidence < ABSTAIN_BELOW:
        below = f"its probability, {percent(confidence)}, is below {percent(ABSTAIN_BELOW)}"
        return f"{below}: other causes explain the readings as well"
    if best.gross > 2 * GROSS:
        return "it leaves readings unexplained that no cause known here explains"
    if tried.gross(best.faults) > 2 * GROSS:
        return "it does not explain what was measured while a plan was in place"
    return None


def _told(lost: Fact) -> str:
    if lost.quantity == "probe_loss":
        return (
            f"{short(lost.element)} loses {percent(lost.measured)} of its packets, {percent(lost.predicted)} expected"
        )
    return f"{mbps(lost.predicted - lost.measured)} less leave {short(lost.element)} than enter it and start there"


def _grouped(ranked: list[Scored]) -> list[list[Scored]]:
    """Put together what no reading and no log line tells apart, usual forms first; in order of each one's likeliest.

    A group that is likelier than all others together comes first. Short of that, that many names fit is no reason to
    name one of them before a single cause, or none, that is likelier than each.
    """
    groups: list[list[Scored]] = []
    for entry in ranked:
        home = next((x for x in groups if _same(x[0], entry)), None)
        if home is None:
            groups.append([entry])
        else:
            home.append(entry)
    for group in groups:
        group.sort(key=lambda x: sum(not usual(y.fault) for y in x.causes))
    scores = np.array([_score(x) for x in groups])
    first = int(np.argmax(scores))
    if scores[first] - np.logaddexp.reduce(scores) > _MOST:
        groups.insert(0, groups.pop(first))
    return groups


def _score(group: list[Scored]) -> float:
    """Log likelihood, with prior, that one of a group is true."""
    return float(np.logaddexp.reduce([x.score for x in group]))


def _renamed(entry: Scored) -> list[str]:
    """Names of the same hypothesis with other kinds that would leave the same telemetry."""
    options = [[x.fault, *(x.fault.model_copy(update={"kind": kind}) for kind in x.also)] for x in entry.causes]
    return [named(tuple(sorted(faults, key=str))) for faults in product(*options)][1:]


def _same(one: Scored, other: Scored) -> bool:
    as_likely = abs(one.total - other.total) < _EQUAL and abs(one.told - other.told) < _EQUAL
    return as_likely and one.judged.same_readings(other.judged)


def _missed(observation: Observation, search: Search, best: SimulatedHypothesis) -> float:
    """Nats by which a cause that was not simulated may be likelier than the best one: it holds what that leaves.

    One more fault somewhere would explain the readings that are off by more than `GROSS`, at the price of one; where a
    device says that it is down, that it is down is sure.
    """
    gain = best.unheld(GROSS) + one_more(observation.network)
    return max(gain, _SURELY if search.left_out(best) else gain)


def _posterior(scores: Floats, missed: float) -> Floats:
    """Shares of the hypotheses, and none of them may be true: `missed` is the score of all that were not simulated."""
    top = max(float(scores.max()), missed)
    weight = np.exp(TEMPER * (scores - top))
    return weight / (weight.sum() + np.exp(TEMPER * (missed - top)))


def _hypothesis(
    group: list[Scored], healthy: SimulatedHypothesis, confidence: float, groups: list[list[Scored]]
) -> Hypothesis:
    entry = group[0]
    others = [x[0] for x in groups if x is not group]
    alike = [x.name for x in others if abs(x.score - entry.score) < _ALIKE or entry.judged.same_readings(x.judged)]
    twins = (*(x.name for x in group[1:]), *_renamed(entry))
    weights = next((x.weights for x in entry.causes if x.weights), None)
    return Hypothesis(
        faults=entry.judged.faults,
        log_likelihood=entry.score,
        confidence=confidence,
        residual=float(np.sqrt(np.mean(entry.judged.residuals.score**2))),
        evidence=evidence(entry.judged, healthy),
        value_range=weights,
        alike=twins,
        twins=tuple(x.judged.faults for x in group[1:]),
        indistinguishable=tuple(dict.fromkeys([*twins, *alike])),
    )
