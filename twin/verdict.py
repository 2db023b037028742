"""The gate: a pure function from plan, snapshot and policy to a verdict that code, not a model, has reached."""

from collections.abc import Callable, Iterator

from pydantic import Field

from .checks.finding import Check, CheckName, Counterexample, not_evaluated
from .checks.grounded import ground
from .model import Frozen, Network
from .plan import Plan
from .policy import Policy, RiskTier

__all__ = ["Check", "CheckName", "Counterexample", "Verdict", "risk_tier", "verify"]


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
    """Simulate the plan on the twin step by step, under every single failure and back again, and judge it.

    Never raises on a bad plan: a plan that is not grounded fails every check, with the reason. Every check is there in
    every verdict, in the same order; the same plan, snapshot and policy always give the same verdict.
    """
    return Verdict(
        plan=plan.hash, snapshot=network.id, policy=policy.hash, checks=tuple(_checks(plan, network, policy))
    )


def _checks(plan: Plan, network: Network, policy: Policy) -> Iterator[Check]:
    # the simulator is slow to import: only who verifies pays for it
    from .checks import limits, nominal, survivable, transient, useful
    from .checks.rehearsal import Rehearsal

    grounding = ground(plan, network)
    yield grounding.check
    rehearsal = Rehearsal(plan, policy, grounding.states)
    rest: dict[CheckName, Callable[[Rehearsal], Check]] = {
        "policy": limits.policy,
        "nominal": nominal.nominal,
        "survivable": survivable.survivable,
        "transient": transient.transient,
        "reversible": transient.reversible,
        "useful": useful.useful,
    }
    for name, check in rest.items():
        yield check(rehearsal) if grounding.check.passed else not_evaluated(name, "the plan is not grounded")


def risk_tier(plan: Plan, verdict: Verdict, policy: Policy) -> RiskTier:
    """Return how much a plan could hurt if the twin were wrong, by the traffic it moves and the number of its steps.

    *low* up to the policy's `low_risk_blast_radius` and `low_risk_steps`; *high* beyond half of what the policy allows
    at all, or without a passing verdict; *medium* in between.
    """
    moved = next((check.measured for check in verdict.checks if check.name == "policy" and check.passed), None)
    if moved is None or not verdict.passed:
        return "high"
    if moved <= policy.low_risk_blast_radius and len(plan.steps) <= policy.low_risk_steps:
        return "low"
    if moved > policy.max_blast_radius / 2 or len(plan.steps) > policy.max_steps / 2:
        return "high"
    return "medium"
