"""The gate: a pure function from plan, snapshot and policy to a verdict that code, not a model, has reached."""

from typing import Literal

from pydantic import Field

from .model import Frozen, Network
from .plan import Plan
from .policy import Policy

CheckName = Literal["grounded", "policy", "nominal", "survivable", "transient", "reversible", "useful"]


class Counterexample(Frozen):
    """Where a check failed: enough for a planner to answer it."""

    element: str = Field(description="Link, node or circuit that breaks the limit.")
    failure: str | None = Field(default=None, description="The failure under which it does, if any.")
    step: int | None = Field(default=None, description="After which step, counted from 1; 0 is before the first.")
    measured: float
    limit: float


class Check(Frozen):
    """One named check: measured against its limit."""

    name: CheckName
    passed: bool
    measured: float | None = None
    limit: float | None = None
    detail: str = Field(description="One sentence with the figures.")
    counterexample: Counterexample | None = None


class Verdict(Frozen):
    """What the gate found for exactly this plan, snapshot and policy."""

    plan: str = Field(description="Plan hash.")
    snapshot: str
    policy: str = Field(description="Policy hash.")
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return bool(self.checks) and all(check.passed for check in self.checks)


def verify(plan: Plan, network: Network, policy: Policy) -> Verdict:
    """Simulate the plan on the twin step by step, under every single failure and back again, and judge it."""
    raise NotImplementedError
