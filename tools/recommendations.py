"""What a run recommends to people: computed from its diagnosis and its data, never a model's words."""

from twin.diagnose import Recommendation, recommend
from twin.faults import TELEMETRY_KINDS
from twin.observe.quality.report import QualityReport

from .box.run_state import RunState

_DOUBTS = 3


def recommendations(run_state: RunState, *, harmed: bool) -> tuple[Recommendation, ...]:
    """Say what is a person's to do once this run is over. `harmed` says whether users still are."""
    if run_state.diagnosis is None or run_state.chosen is None:
        return ()
    found = recommend(run_state.chosen, run_state.look(), harmed=harmed, repaired=run_state.acted)
    known = {(x.action, x.element) for x in found}
    earlier = [
        y for x in run_state.met for y in recommend(x, run_state.look(), harmed=harmed, repaired=run_state.acted)
    ]
    found = (*found, *(x for x in earlier if (x.action, x.element) not in known))
    lies = any(x.kind in TELEMETRY_KINDS for x in run_state.diagnosis.faults)
    if run_state.data_refusal and not lies:
        found = (*found, _repaired(run_state.assessment.report, run_state.data_refusal))
    if (harmed or (run_state.ranking is not None and run_state.ranking.lost)) and not found:
        found = (_unknown(run_state),)
    return found


def _repaired(quality: QualityReport, refusal: str) -> Recommendation:
    worst = quality.doubts[0].element if quality.doubts else f"network/{quality.network}"
    return Recommendation(
        action="repair measurement",
        element=worst,
        words=f"have the measurement of {worst} repaired: no plan is made on data like these",
        evidence=(refusal, *(f"{x.element} {x.reading}: {x.reason}" for x in quality.doubts[:_DOUBTS])),
        urgency="routine",
        confirmed_by="the data quality is what the policy asks for",
    )


def _unknown(run_state: RunState) -> Recommendation:
    symptoms = run_state.incident.symptoms if run_state.incident else ()
    element = symptoms[0].element if symptoms else f"network/{run_state.inventory.name}"
    return Recommendation(
        action="find the cause",
        element=element,
        words=f"find out what is wrong at {element}: no cause that is known here explains the readings",
        evidence=tuple(x.detail for x in symptoms[:_DOUBTS]),
        urgency="now",
        confirmed_by="nothing is harmed any more",
    )
