"""Causes: the twin simulates and ranks hypotheses, a model chooses one by its rank."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field

from twin.diagnose import Diagnosis as Ranking
from twin.diagnose import Fact, Hypothesis, IncidentCause, diagnose, diagnosed_network
from twin.diagnose.next_measurement import Measurement, next_measurement, with_probe
from twin.errors import ExecutionError, InputError, RefusedError
from twin.model import Frozen
from twin.observe import Observation
from twin.printed import percent
from twin.sim.simulate import simulate
from twin.store.memory import Sign
from twin.untrusted import FileText

from .box.handover import DiagnosedIncident, Diagnosis, Incident, RankedCause, SymptomReading
from .box.run_state import RunState
from .telemetry import Explanation

CAUSES, FACTS = 5, 4
_CLOSE = 1 / 3  # of the best one's probability: from here on another cause is as good as open
_UNLIKELY = 1e-3  # probability of a runner-up below which nobody needs to know what looks like it: it is as unlikely


class Reading(Frozen):
    """One reading against what a hypothesis and the healthy network predict."""

    element: str
    quantity: str
    measured: float
    predicted: float
    healthy: float


class CauseReport(RankedCause):
    """One hypothesis; what speaks for it is among the evidence."""

    indistinguishable: tuple[str, ...] = Field(
        default=(), description="Hypotheses that no reading can tell from this one; none of an unlikely runner-up."
    )


class Telling(Frozen):
    """One reading, with what each cause that it speaks for predicts, by the cause's rank."""

    element: str
    quantity: str
    measured: float
    healthy: float
    predicted: dict[str, float]


class PrecedentReport(Frozen):
    """A past incident that looked alike: a reason to look, never proof."""

    run: FileText
    opened: datetime
    likeness: float = Field(description="Share of the signs that it has in common with this one.")
    cause: FileText | None
    outcome: FileText
    plan: tuple[FileText, ...] = Field(description="The steps that were executed, at most 4.")


class Causes(Frozen):
    """The most likely hypotheses, best first, out of `simulated`."""

    simulated: int
    causes: tuple[CauseReport, ...]
    evidence: tuple[Telling, ...] = Field(description="The readings that speak most for some of them, each once.")
    doubt: str | None = Field(default=None, description="Why the best one is no answer; null where it is one.")
    measurable: bool = Field(description="Whether others are about as likely, and `measure` can tell them apart.")
    unexplained: tuple[Reading, ...] = Field(description="Readings that even the best one does not explain.")
    precedents: tuple[PrecedentReport, ...] = Field(default=(), description="The likest first, at most 3.")


def rank_causes(run_state: RunState) -> Causes:
    """Simulate every hypothesis that could explain the measurements, and rank them by likelihood; best first."""
    observation = run_state.look()
    with run_state.span("diagnose", snapshot=observation.network.id) as span:
        prior = run_state.memory.prior if run_state.memory else None
        run_state.ranking = diagnose(
            observation, prior=prior, found_before=run_state.found_before, trials=run_state.trials
        )
        span.set_attribute("twin.hypotheses", run_state.ranking.simulated)
    return Causes(
        simulated=run_state.ranking.simulated,
        causes=tuple(_report(i, x) for i, x in enumerate(run_state.ranking.hypotheses[:CAUSES], start=1)),
        evidence=_evidence(run_state.ranking.hypotheses[:CAUSES]),
        doubt=run_state.ranking.doubt,
        measurable=_is_open(run_state.ranking) and _telling(run_state) is not None,
        unexplained=tuple(_reading(x) for x in run_state.ranking.unexplained[:FACTS]),
        precedents=_precedents(run_state),
    )


class Expectation(Frozen):
    """What a measurement should show if a hypothesis is true."""

    hypothesis: str
    shows: str


class MeasurementTaken(Frozen):
    """The reading that tells the likeliest causes apart best, and what it showed if it could be taken at once."""

    measurement: str
    information: float = Field(description="Nats that it is expected to tell about which hypothesis is true.")
    expected: tuple[Expectation, ...] = Field(description="At most 5.")
    taken: bool = Field(description="Whether it was taken; rank_causes then takes it into account.")
    result: str = Field(description="What it showed, or why it was not taken.")


def measure(
    run_state: RunState,
    probe: Annotated[str, Field(max_length=140, description="Of your choice: `A->B`.")] = "",
    router: Annotated[str, Field(max_length=80, description="Of your choice: whose configuration is read.")] = "",
) -> MeasurementTaken:
    """Take the measurement that tells the likeliest causes apart best, or a probe or configuration of your choice."""
    if run_state.ranking is None:
        raise RefusedError("no hypothesis has been simulated yet", fix="call rank_causes first")
    observation = run_state.look()
    if probe or router:
        return _chosen(run_state, observation, probe, router)
    with run_state.span("next_measurement", snapshot=observation.network.id):
        asked = _telling(run_state)
    if asked is None:
        raise RefusedError("no measurement would tell the causes apart any better", fix="call report_diagnosis")
    taken, result = _taken(run_state, asked, observation)
    return MeasurementTaken(
        measurement=str(asked),
        information=round(asked.information, 3),
        expected=tuple(Expectation(hypothesis=x.hypothesis, shows=x.shows) for x in asked.outcomes[:CAUSES]),
        taken=taken,
        result=result,
    )


def _is_open(ranking: Ranking) -> bool:
    """Whether another cause is about as likely as the best one, or explains the same readings."""
    best, *others = ranking.hypotheses
    return bool(best.indistinguishable) or any(x.confidence > _CLOSE * best.confidence for x in others[:1])


def _telling(run_state: RunState) -> Measurement | None:
    """The measurement that tells the causes of the newest ranking apart best, computed once; None where none does."""
    if run_state.ranking is None:
        return None
    if run_state.telling is None or run_state.telling[0] is not run_state.ranking:
        run_state.telling = run_state.ranking, next_measurement(run_state.ranking, run_state.look())
    return run_state.telling[1]


def _chosen(run_state: RunState, observation: Observation, probe: str, router: str) -> MeasurementTaken:
    network, (source, _, target) = run_state.inventory, probe.partition("->")
    if probe and not target:
        raise InputError(f"{probe!r} names no two nodes", fix="write A->B")
    ends = [network.nodes[network.node(x)].id for x in (source, target) if x]
    node = network.nodes[network.node(router)].id if router else None
    asked = Measurement(
        kind="probe" if probe else "configuration",
        element=node,
        source=ends[0] if probe else None,
        target=ends[1] if probe else None,
        information=0.0,
        outcomes=(),
    )
    taken, result = _taken(run_state, asked, observation)
    return MeasurementTaken(measurement=str(asked), information=0.0, expected=(), taken=taken, result=result)


def _taken(run_state: RunState, asked: Measurement, observation: Observation) -> tuple[bool, str]:
    if asked.kind in ("counter", "wait"):
        return False, "it cannot be taken at once: it comes with the next sample"
    try:
        if asked.kind == "probe":
            reading = run_state.live.probe(asked.source or "", asked.target or "")
            run_state.observation = with_probe(observation, asked.source or "", asked.target or "", reading)
            late = f", {reading.delay_ms:.1f} ms" if reading.loss < 1 else ""
            return True, f"loss {percent(reading.loss)}{late}"
        name = observation.network.nodes[observation.network.node(asked.element or "")].name
        run_state.hear({name: run_state.live.read_router(name)})
    except ExecutionError as error:
        return False, f"no answer: {error}"
    return True, "the configuration was read; the ranking takes it into account"


def report_diagnosis(
    run_state: RunState,
    rank: Annotated[int, Field(ge=1, le=CAUSES, description="Rank of the cause, from `rank_causes`; 1 is the best.")],
    explanation: Explanation,
) -> Diagnosis:
    """Hand one of the ranked causes to planning; the twin computes the state it leads to and the harm it does."""
    if run_state.ranking is None:
        raise RefusedError("no hypothesis has been simulated yet", fix="call rank_causes first")
    ranked = run_state.ranking.hypotheses[:CAUSES]
    if rank > len(ranked):
        raise InputError(f"there is no cause of rank {rank}", fix=f"choose 1 to {len(ranked)}")
    chosen = ranked[rank - 1]
    # what a model has read may decide between causes that readings leave open: where they do not, readings decide
    if rank > 1 and chosen.confidence <= _CLOSE * ranked[0].confidence:
        raise RefusedError(
            f"the readings speak for rank 1: {percent(chosen.confidence)} against {percent(ranked[0].confidence)}",
            fix="choose a cause that is not as unlikely; `measure` may make it likelier, words may not",
        )
    state = diagnosed_network(run_state.look(), chosen)
    with run_state.span("simulate", snapshot=state.id):
        outcome = simulate(state)
    run_state.state, run_state.chosen = state, chosen
    harm = outcome.harm(run_state.policy.max_utilisation)
    run_state.diagnosis = Diagnosis(
        snapshot=state.id,
        cause=chosen.fault,
        faults=chosen.faults,
        doubt=run_state.ranking.doubt,
        probability=chosen.confidence,
        causes=tuple(_ranked(i, x) for i, x in enumerate(ranked, start=1)),
        incidents=tuple(_incident(x) for x in chosen.incidents),
        harm=round(harm.total, 3),
        harm_parts=harm.rounded(),
        max_utilisation=round(outcome.max_utilisation, 4),
        busiest=outcome.busiest,
        explanation=explanation,
    )
    return run_state.diagnosis


def _precedents(run_state: RunState) -> tuple[PrecedentReport, ...]:
    if run_state.memory is None or run_state.incident is None:
        return ()
    return tuple(
        PrecedentReport(
            run=x.incident.id,
            opened=x.incident.opened,
            likeness=x.likeness,
            cause=f"{x.incident.cause_kind} at {x.incident.cause_element}" if x.incident.cause_kind else None,
            outcome=x.incident.outcome,
            plan=x.incident.plan[:4],
        )
        for x in run_state.memory.precedents(signs_of(run_state.incident))
    )


def signs_of(incident: Incident) -> tuple[Sign, ...]:
    """What of an incident is remembered: its symptoms without their figures."""
    return tuple(Sign(kind=x.kind, element=x.element) for x in incident.symptoms)


def _report(rank: int, hypothesis: Hypothesis) -> CauseReport:
    return CauseReport(
        **_ranked(rank, hypothesis).model_dump(exclude={"fault", "faults"}),
        fault=hypothesis.fault,
        faults=hypothesis.faults if len(hypothesis.faults) > 1 else (),
        indistinguishable=hypothesis.indistinguishable[:FACTS]
        if rank == 1 or hypothesis.confidence >= _UNLIKELY
        else (),
    )


def _evidence(hypotheses: Sequence[Hypothesis]) -> tuple[Telling, ...]:
    found: dict[tuple[str, str], Telling] = {}
    for rank, hypothesis in enumerate(hypotheses, start=1):
        strongest = sorted(hypothesis.evidence, key=lambda fact: (-fact.gain, fact.element, fact.quantity))
        for fact in strongest[: FACTS if rank == 1 else FACTS // 2]:
            reading, key = _reading(fact), (fact.element, fact.quantity)
            before = found[key].predicted if key in found else {}
            found[key] = Telling(
                element=reading.element,
                quantity=reading.quantity,
                measured=reading.measured,
                healthy=reading.healthy,
                predicted={**before, str(rank): reading.predicted},
            )
    return tuple(found.values())


def _ranked(rank: int, hypothesis: Hypothesis) -> RankedCause:
    return RankedCause(
        rank=rank,
        fault=hypothesis.fault,
        faults=hypothesis.faults if len(hypothesis.faults) > 1 else (),
        probability=round(hypothesis.confidence, 6),
        residual=round(hypothesis.residual, 3),
    )


def _incident(found: IncidentCause) -> DiagnosedIncident:
    return DiagnosedIncident(
        faults=found.faults,
        probability=round(found.confidence, 6),
        symptoms=tuple(
            SymptomReading(
                kind=x.quantity,
                element=x.element,
                measured=x.measured,
                expected=x.healthy,
                detail=f"{x.measured:.5g} was read where {x.healthy:.5g} was expected without these faults",
            )
            for x in map(_reading, found.symptoms[:FACTS])
        ),
    )


def _reading(fact: Fact) -> Reading:
    return Reading(
        element=fact.element,
        quantity=fact.quantity,
        measured=float(f"{fact.measured:.5g}"),
        predicted=float(f"{fact.predicted:.5g}"),
        healthy=float(f"{fact.healthy:.5g}"),
    )
