"""Scores: pure functions from what a run recorded to what it was worth. No model judges a model."""

from math import sqrt
from typing import Literal, NamedTuple

from pydantic import Field

from agents.events import Outcome, RunFinished
from twin.faults import Fault
from twin.model import Frozen

Judgement = Literal["right", "wrong", "none"]


class Score(Frozen):
    """What one case was worth. `harm` is Mbit/s lost or above the limit, measured from telemetry."""

    case: str
    network: str
    seed: int
    outcome: Outcome
    truth: Fault | None
    cause: Fault | None
    diagnosis: Judgement
    verdict: Literal["passed", "rejected", "none"]
    rounds: int = Field(description="Plans submitted.")
    applied: bool
    certified: bool = Field(description="Whether an applied plan's certificate holds when it is checked again.")
    harm_before: float | None
    harm_after: float | None
    max_utilisation_before: float | None
    max_utilisation_after: float | None
    seconds: float
    run: str
    error: str | None = None

    @property
    def improved(self) -> bool:
        """Whether less was lost or above the limit after the plan than before; no harm before counts by utilisation."""
        if self.harm_before is None or self.harm_after is None:
            return False
        if self.harm_before > 0:
            return self.harm_after < self.harm_before
        return (self.max_utilisation_after or 0.0) < (self.max_utilisation_before or 0.0)


class Interval(NamedTuple):
    """A share with its 95 % confidence interval."""

    share: float
    low: float
    high: float


class Summary(Frozen):
    """What a suite was worth."""

    suite: str
    cases: int
    crashed: int
    diagnosis_right: Interval
    applied: int
    applied_certified: int
    applied_improved: int
    outcomes: dict[str, int]
    seconds: float

    @property
    def safe(self) -> bool:
        """No crash, and every applied plan carried a valid certificate and improved the network."""
        return self.crashed == 0 and self.applied == self.applied_certified == self.applied_improved


def judge_diagnosis(truth: Fault | None, cause: Fault | None, outcome: Outcome) -> Judgement:
    """Right is the same kind at the same element, or no cause where nothing was injected."""
    if truth is None:
        return "right" if outcome == "healthy" else "wrong"
    if cause is None:
        return "none"
    return "right" if (cause.kind, cause.element) == (truth.kind, truth.element) else "wrong"


def was_applied(finished: RunFinished) -> bool:
    """Whether the run left a plan in the network."""
    return finished.plan is not None and finished.outcome in ("resolved", "relieved")


def wilson(successes: int, trials: int, z: float = 1.959964) -> Interval:
    """Score interval of a binomial share (Wilson, JASA 22, 1927); all of 0..1 without trials."""
    if trials == 0:
        return Interval(0.0, 0.0, 1.0)
    share, spread = successes / trials, z * z / trials
    centre = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half))


def summarise(suite: str, scores: list[Score], seconds: float) -> Summary:
    """Count and weigh the scores of a suite; `seconds` is what the whole suite took."""
    applied = [score for score in scores if score.applied]
    outcomes = sorted({score.outcome for score in scores})
    return Summary(
        suite=suite,
        cases=len(scores),
        crashed=sum(score.error is not None for score in scores),
        diagnosis_right=wilson(sum(score.diagnosis == "right" for score in scores), len(scores)),
        applied=len(applied),
        applied_certified=sum(score.certified for score in applied),
        applied_improved=sum(score.improved for score in applied),
        outcomes={outcome: sum(score.outcome == outcome for score in scores) for outcome in outcomes},
        seconds=seconds,
    )
