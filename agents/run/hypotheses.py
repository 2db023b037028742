"""The causes of an incident as the twin's store keeps them."""

from twin.diagnose.diagnosis import Diagnosis
from twin.store import RankedHypothesis


def ranked(ranking: Diagnosis) -> list[RankedHypothesis]:
    """Return one record for each hypothesis, the likeliest first."""
    return [
        RankedHypothesis(
            kind=" and ".join(str(fault.kind) for fault in x.faults) or "healthy",
            element=" and ".join(fault.element for fault in x.faults),
            score=x.confidence,
            document=x,
        )
        for x in ranking.hypotheses
    ]
