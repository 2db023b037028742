"""What one role hands to the next: frozen, its values computed by the twin; a model adds only the explanation."""

from typing import Annotated, Literal

from pydantic import Field

from twin.faults import Fault
from twin.gate.verdict import Verdict
from twin.harm import Harm
from twin.model import Frozen
from twin.plan import Plan
from twin.untrusted import ModelText, Origin

PlannedText = Annotated[str, Origin("file")]
Role = Annotated[str, Field(pattern=r"^[a-z][a-z-]{0,30}$")]
"""The name of a role: one of the four, the analyst, or one that a package brings."""

MAX_EXPLANATION = 1_200


class SymptomReading(Frozen):
    """One thing that telemetry shows and the inventory does not explain."""

    kind: str
    element: str = Field(description="Element id: node/…, interface/…/… or link/…--….")
    measured: float | None = None
    expected: float | None = None
    unit: str = Field(default="", description="Of both: share (of 1), Mbit/s, ms, times; none for yes (1) or no (0).")
    detail: str = Field(description="One sentence with the figures and their units.")


class Incident(Frozen):
    """What monitoring hands to diagnosis. Without symptoms the network is healthy."""

    snapshot: str = Field(description="Id of the inventory snapshot the symptoms were found against.")
    symptoms: tuple[SymptomReading, ...]
    harm: float = Field(description="Mbit/s that users lose or that is above the policy's limit, measured.")
    harm_parts: Harm = Field(default=Harm(), description="The same by what becomes of it.")
    max_utilisation: float = Field(description="Share of capacity on the busiest link, measured.")
    busiest: str | None
    planned: tuple[PlannedText, ...] = Field(
        default=(), description="What is as it is because others planned it: no incident, and nothing to diagnose."
    )
    explanation: ModelText = Field(default="", max_length=MAX_EXPLANATION, description="The model's words.")


class RankedCause(Frozen):
    """One hypothesis after its simulation. `rank` counts from 1; no fault means that the network is healthy."""

    rank: int
    fault: Fault | None
    faults: tuple[Fault, ...] = Field(default=(), description="All of them, where several struck together.")
    probability: float = Field(ge=0, le=1, description="Share of the likelihood of all hypotheses considered.")
    residual: float = Field(description="What the hypothesis leaves unexplained; smaller is better.")


class DiagnosedIncident(Frozen):
    """One of the independent incidents in an observation: faults that share no router and no risk group with others."""

    faults: tuple[Fault, ...] = Field(min_length=1)
    probability: float = Field(ge=0, le=1, description="Share of the hypotheses that hold all of these faults.")
    symptoms: tuple[SymptomReading, ...] = Field(
        description="Readings that these faults explain; `expected` is what would be read without them."
    )


class Diagnosis(Frozen):
    """What diagnosis hands to planning."""

    snapshot: str = Field(description="Id of the snapshot that holds the diagnosed state.")
    cause: Fault | None = Field(description="No cause: nothing is wrong.")
    faults: tuple[Fault, ...] = Field(default=(), description="Every fault of the cause; none: nothing is wrong.")
    doubt: str | None = Field(default=None, description="Why the best cause is no answer; null where it is one.")
    probability: float = Field(ge=0, le=1)
    causes: tuple[RankedCause, ...] = Field(description="Best first.")
    incidents: tuple[DiagnosedIncident, ...] = Field(
        default=(), description="The faults by incident, each with its symptoms; one where all belong together."
    )
    harm: float = Field(description="Mbit/s that users lose or above the limit in the diagnosed state, simulated.")
    harm_parts: Harm = Field(default=Harm(), description="The same by what becomes of it.")
    max_utilisation: float
    busiest: str | None
    explanation: ModelText = Field(default="", max_length=MAX_EXPLANATION)


class Candidate(Frozen):
    """A plan that an optimiser computed, by its handle: figures only, the steps stay in the twin."""

    handle: str = Field(description="Name to submit, verify or simulate it by.")
    method: str
    plan: str = Field(description="Plan hash.")
    steps: int
    harm: tuple[float, float] = Field(description="Mbit/s lost or above the limit, before and after.")
    max_utilisation: tuple[float, float] = Field(description="Before and after.")
    bound: float | None = Field(default=None, description="No plan can get below this utilisation, where known.")
    gap: float | None = Field(default=None, description="How far above the bound it ends, as a share.")
    serves_goal: bool = Field(default=False, description="Made for the goal of the run: to be safe is all it needs.")


class PlanSubmission(Frozen):
    """What planning hands to verification."""

    round: int = Field(ge=1)
    handle: str
    plan: Plan
    candidates: tuple[Candidate, ...] = Field(description="Everything that was on offer in this round.")
    explanation: ModelText = Field(default="", max_length=MAX_EXPLANATION)


class NoPlan(Frozen):
    """What planning hands over when nothing helps."""

    round: int = Field(ge=1)
    reasons: tuple[ModelText, ...] = Field(description="Why each optimiser has none, or what became of its plan.")
    because: tuple[str, ...] = Field(default=(), description="Documents for which a plan that helps is not wanted.")
    explanation: ModelText = Field(default="", max_length=MAX_EXPLANATION)


AdviceAction = Literal[
    "leave as planned", "revert commit", "repair", "replace hardware", "inform customer", "block attack", "ask owner",
    "investigate",
]  # fmt: skip


class Advice(Frozen):
    """What a role advises people to do, beside what the twin recommends; its element is on record."""

    action: AdviceAction
    element: str
    why: ModelText = Field(max_length=MAX_EXPLANATION)
    documents: tuple[str, ...] = ()


class Opinion(Frozen):
    """What an adviser says of a diagnosis or a plan: it can only hold back."""

    objection: Literal["none", "ask a person", "reject"]
    reasons: ModelText = Field(max_length=MAX_EXPLANATION)


class Question(Frozen):
    """What a role asks the person on call; without an answer within the minutes, the default is taken."""

    id: str
    text: ModelText
    choices: tuple[ModelText, ...]
    default: ModelText
    minutes: int


class Decision(Frozen):
    """What verification hands back. `approved` is only ever true with a passing verdict for this plan and snapshot."""

    approved: bool
    plan: str = Field(description="Plan hash.")
    snapshot: str
    verdict: Verdict | None = Field(description="What the gate found; none if it was rejected without a verdict.")
    reasons: ModelText = Field(default="", max_length=MAX_EXPLANATION, description="The model's words.")
