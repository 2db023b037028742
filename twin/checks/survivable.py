"""*survivable*: the end state under every single circuit, node and risk-group failure."""

import numpy as np

from twin.model import Ints
from twin.sim.simulate import FailureSweep, simulate

from .compare import SHARE_SLACK, Where, busier, newly_lost, rate_slack
from .finding import Check, Violation, failed
from .rehearsal import Rehearsal, under


def survivable(rehearsal: Rehearsal) -> Check:
    """Judge every failure: within the limit and nothing lost, or no worse than the same failure before the plan."""
    sweeps = rehearsal.sweeps
    if sweeps is None:
        return Check(name="survivable", passed=True, detail="nothing is up that could fail")
    for row in _suspects(rehearsal, *sweeps):
        violation = _look(rehearsal, int(row))
        if violation:
            return failed("survivable", violation)
    return _survives(rehearsal, *sweeps)


def _suspects(rehearsal: Rehearsal, before: FailureSweep, after: FailureSweep) -> Ints:
    """Return the failures that may be worse than before, by the sweep's totals, the worst first."""
    limit, slack = rehearsal.policy.max_failure_utilisation, rate_slack(rehearsal.base)
    lost = after.lost - before.lost > slack
    hotter = after.max_utilisation > before.max_utilisation + SHARE_SLACK
    heavier = after.overload > before.overload + slack
    hot = (after.max_utilisation > limit + SHARE_SLACK) & (hotter | heavier | (limit < 1))
    excess = after.max_utilisation - np.maximum(limit, before.max_utilisation)
    order = np.lexsort((-excess, before.lost - after.lost))
    return order[(lost | hot)[order]]


def _look(rehearsal: Rehearsal, row: int) -> Violation | None:
    """Simulate one failure before and after the plan in full, to find the element that suffers."""
    failure = rehearsal.failures[row]
    where = Where(len(rehearsal.plan.steps), failure.name)
    before, after = (simulate(under(state, failure)) for state in (rehearsal.base, rehearsal.final))
    limit = rehearsal.policy.max_failure_utilisation
    return newly_lost(before, after, where) or busier(before, after, limit, where)


def _survives(rehearsal: Rehearsal, before: FailureSweep, after: FailureSweep) -> Check:
    worst = int(after.max_utilisation.argmax())
    measured = float(after.max_utilisation[worst])
    limit = max(rehearsal.policy.max_failure_utilisation, float(before.max_utilisation[worst]))
    busiest = int(after.busiest[worst])
    link = rehearsal.base.links[busiest].name if busiest >= 0 else "no link"
    detail = (
        f"{len(after.failures)} failures: the worst, of {after.failures[worst].name}, puts {link} at {measured:.4f} "
        f"(before {before.max_utilisation[worst]:.4f})"
    )
    return Check(name="survivable", passed=True, measured=measured, limit=limit, detail=detail)
