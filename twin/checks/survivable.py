"""*survivable*: the end state under every single circuit, node and risk-group failure."""

from typing import NamedTuple

import numpy as np

from twin.model import Ints, Network
from twin.plan import Change, DrainLink, DrainNode
from twin.policy import Policy
from twin.sim.simulate import FailureSweep, simulate

from .compare import SHARE_SLACK, Where, busier, newly_lost, rate_slack
from .finding import Check, Violation, failed
from .rehearsal import Rehearsal, under


class Survival(NamedTuple):
    """Two states, each swept by the same failures, and what a failure of the second may do."""

    base: Network
    final: Network
    before: FailureSweep
    after: FailureSweep
    policy: Policy
    accepted_loss: float = 0.0  # Mbit/s that a failure may newly leave without a path


def survivable(rehearsal: Rehearsal) -> Check:
    """Judge every failure: within the limit and nothing lost, or no worse than the same failure before the plan."""
    sweeps, policy = rehearsal.sweeps, rehearsal.policy
    if sweeps is None:
        return Check(name="survivable", passed=True, detail="nothing is up that could fail")
    accepted = accepted_loss(rehearsal.plan.steps, rehearsal.base, policy)
    survival = Survival(rehearsal.base, rehearsal.final, *sweeps, policy, accepted)
    violation = worst_violation(survival, len(rehearsal.plan.steps))
    return failed("survivable", violation) if violation else _survives(survival)


def accepted_loss(steps: tuple[Change, ...], network: Network, policy: Policy) -> float:
    """Mbit/s that the policy lets a failure cut off newly: something only while a plan drains for maintenance."""
    drains = any(isinstance(step, DrainLink | DrainNode) for step in steps)
    return policy.max_maintenance_loss * float(network.offered.sum()) if drains else 0.0


def worst_violation(survival: Survival, step: int) -> Violation | None:
    """Return the worst that a failure does newly, None when no failure is worse than it may be."""
    violations = (_look(survival, int(row), step) for row in _suspects(survival))
    return next((violation for violation in violations if violation), None)


def _suspects(survival: Survival) -> Ints:
    """Return the failures that may be worse than before, by the sweep's totals, the worst first."""
    before, after = survival.before, survival.after
    limit, slack = survival.policy.max_failure_utilisation, rate_slack(survival.base)
    lost = after.lost - before.lost > slack + survival.accepted_loss
    hotter = after.max_utilisation > before.max_utilisation + SHARE_SLACK
    heavier = after.overload > before.overload + slack
    hot = (after.max_utilisation > limit + SHARE_SLACK) & (hotter | heavier | (limit < 1))
    excess = after.max_utilisation - np.maximum(limit, before.max_utilisation)
    order = np.lexsort((-excess, before.lost - after.lost))
    return order[(lost | hot)[order]]


def _look(survival: Survival, row: int, step: int) -> Violation | None:
    """Simulate one failure before and after the plan in full, to find the element that suffers."""
    failure = survival.after.failures[row]
    where = Where(step, failure.name)
    before, after = (simulate(under(state, failure)) for state in (survival.base, survival.final))
    accepted = after.lost - before.lost <= survival.accepted_loss
    lost = None if accepted and survival.accepted_loss else newly_lost(before, after, where)
    return lost or busier(before, after, survival.policy.max_failure_utilisation, where)


def _survives(survival: Survival) -> Check:
    before, after = survival.before, survival.after
    worst = int(after.max_utilisation.argmax())
    measured = float(after.max_utilisation[worst])
    limit = max(survival.policy.max_failure_utilisation, float(before.max_utilisation[worst]))
    busiest = int(after.busiest[worst])
    link = survival.base.links[busiest].name if busiest >= 0 else "no link"
    detail = (
        f"{len(after.failures)} failures: the worst, of {after.failures[worst].name}, puts {link} at {measured:.4f} "
        f"(before {before.max_utilisation[worst]:.4f})"
    )
    newly = float((after.lost - before.lost).max(initial=0.0))
    if newly > rate_slack(survival.base):
        detail += f"; {newly:.6g} Mbit/s more are cut off in the worst one, {survival.accepted_loss:.6g} are accepted"
    return Check(name="survivable", passed=True, measured=measured, limit=limit, detail=detail)
