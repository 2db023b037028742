"""What one check found: passed or failed, with the figures, and on failure a counterexample."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from twin.model import Frozen
from twin.untrusted import Origin

CheckName = Literal[
    "grounded",
    "fresh",
    "policy",
    "nominal",
    "survivable",
    "transient",
    "uncertain",
    "reversible",
    "useful",
    "horizon",
    "classes",
]
"""The checks of every verdict, in this order; *classes* only where the network or the policy knows classes."""


Unit = Literal["", "share", "Mbit/s", "ms", "s", "steps", "elements", "W"]


class Counterexample(Frozen):
    """Where a check failed: enough for a planner to answer it."""

    element: str = Field(description="Link, node or circuit that breaks the limit.")
    failure: Annotated[str | None, Origin("file")] = Field(
        default=None, description="The failure under which it does, if any; risk groups by the names their file gives."
    )
    step: int | None = Field(default=None, description="After which step, counted from 1; 0 is before the first.")
    traffic: float = Field(default=1.0, gt=0, description="All demands of the snapshot times this, where they grow.")
    when: str | None = Field(default=None, description="The hour ahead in which it happens; none: now.")
    measured: float
    limit: float
    unit: Unit = Field(default="", description="Of both; a share is 0..1; none where they only say yes or no.")


class Check(Frozen):
    """One named check: measured against its limit."""

    name: CheckName
    passed: bool
    measured: float | None = None
    limit: float | None = None
    unit: Unit = Field(default="", description="Of measured and limit; a share is 0..1.")
    detail: str = Field(description="One sentence with the figures.")
    counterexample: Counterexample | None = None


class Convergence(Frozen):
    """One step after which packets may loop until every router has changed over."""

    step: int
    targets: int = Field(description="How many nodes packets may loop on their way to.")
    worst: str = Field(description="The one with the most traffic that could get into a loop.")
    mbps: float = Field(description="Traffic that could get into a loop at most, Mbit/s; the order decides.")
    share: float = Field(description="The same as a share of the offered traffic, 0..1.")


class Violation(NamedTuple):
    """A limit that does not hold: the sentence for people, and the counterexample for the planner."""

    detail: str
    counterexample: Counterexample


def failed(name: CheckName, violation: Violation) -> Check:
    """Return the check that this violation fails."""
    found = violation.counterexample
    return Check(
        name=name,
        passed=False,
        measured=found.measured,
        limit=found.limit,
        unit=found.unit,
        detail=violation.detail,
        counterexample=found,
    )


def not_evaluated(name: CheckName) -> Check:
    """Return the failed check of a plan whose steps cannot be made as they are written."""
    return Check(name=name, passed=False, detail="not evaluated: the plan is not grounded")
