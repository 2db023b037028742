"""What vouches for a snapshot: the age and the quality of its measurements, and how well the twin explains them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from twin.gate.checks.context import Evidence
from twin.policy import Autonomy, Policy
from twin.printed import percent, stated

if TYPE_CHECKING:
    from .fidelity import Fidelity
    from .report import QualityReport

_NAMED = 3


class Standing(NamedTuple):
    """What may be done on measurements like these, and why no more than that; `because` is empty at full autonomy."""

    level: Autonomy
    because: str


def evidence_of(quality: QualityReport, fidelity: Fidelity) -> Evidence:
    """Turn the figures into what the gate is told."""
    return Evidence(age_s=quality.age_s, quality=quality.score, fidelity=fidelity.score)


def data_refusal(quality: QualityReport, policy: Policy) -> str | None:
    """Say why no plan may be made on these data, naming the worst of them; None when they are good enough."""
    if quality.score >= policy.min_quality:
        return None
    return (
        f"data quality is {quality.score:.2f}, at least {policy.min_quality:.2f} asked for: "
        f"{'; '.join(worst_data(quality)) or 'see its parts'}"
    )


def worst_data(quality: QualityReport) -> tuple[str, ...]:
    """The data that cost most trust, and why, the worst first; at most three."""
    parts = sorted((score, name) for name, score in quality.parts.items() if score < 0.99)
    said = [f"{name} {score:.2f}" for score, name in parts[:1] if name in ("age", "rows")]
    told = [f"{x.element} {x.reading}: {x.reason}" for x in quality.doubts]
    return (*said, *told, *(() if told or said else quality.limits))[:_NAMED]


def standing(quality: QualityReport, fidelity: Fidelity | None, policy: Policy) -> Standing:
    """Say what a run may do: nothing is planned on bad data, and a twin that explains less may do less by itself."""
    refusal = data_refusal(quality, policy)
    if refusal:
        return Standing("observe", refusal)
    level = policy.autonomy_at(fidelity.score if fidelity else None)
    if fidelity is None or fidelity.score is None or level == policy.autonomy:
        return Standing(level, "" if level == "act" else f"the policy allows {level} at most")
    asked = {"observe": policy.min_fidelity, "suggest": policy.fidelity_for_approve}.get(level, policy.fidelity_for_act)
    worst = "".join(
        f"; {x.link} carries {x.observed:,.0f} Mbit/s where {x.predicted:,.0f} are predicted"
        for x in fidelity.worst[:1]
    )
    return Standing(level, f"the twin explains {percent(fidelity.score)} of the load, {stated(asked)} asked for{worst}")
