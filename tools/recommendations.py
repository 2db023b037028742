"""What a run recommends to people: computed from its diagnosis and its data, never a model's words."""

from twin.diagnose import Recommendation, recommend
from twin.faults import TELEMETRY_KINDS
from twin.observe.quality.report import QualityReport

from .box.run_state import Desk

_DOUBTS = 3


def recommendations(desk: Desk, *, harmed: bool) -> tuple[Recommendation, ...]:
    """Say what is a person's to do once this run is over. `harmed` says whether users still are."""
    if desk.diagnosis is None or desk.chosen is None:
        return ()
    found = recommend(desk.chosen, desk.look(), harmed=harmed, repaired=desk.acted)
    known = {(x.action, x.element) for x in found}
    earlier = [y for x in desk.met for y in recommend(x, desk.look(), harmed=harmed, repaired=desk.acted)]
    found = (*found, *(x for x in earlier if (x.action, x.element) not in known))
    lies = any(x.kind in TELEMETRY_KINDS for x in desk.diagnosis.faults)
    if desk.data_refusal and not lies:
        found = (*found, _repaired(desk.assessment.report, desk.data_refusal))
    if (harmed or (desk.ranking is not None and desk.ranking.lost)) and not found:
        found = (_unknown(desk),)
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


def _unknown(desk: Desk) -> Recommendation:
    symptoms = desk.incident.symptoms if desk.incident else ()
    element = symptoms[0].element if symptoms else f"network/{desk.inventory.name}"
    return Recommendation(
        action="find the cause",
        element=element,
        words=f"find out what is wrong at {element}: no cause that is known here explains the readings",
        evidence=tuple(x.detail for x in symptoms[:_DOUBTS]),
        urgency="now",
        confirmed_by="nothing is harmed any more",
    )
