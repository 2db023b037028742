"""The rulebook: when one state of a network may follow another. Checks, planners and windows all ask here.

`may_follow` is the whole of it for the end of a plan: with everything up, under every single failure, and under the
demands that may come, the new state keeps the limits, or is no worse than the old one where that broke them already.
"""

import math
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints, Network
from twin.policy import Policy
from twin.sim.simulate import Outcome

from .compare import SHARE_SLACK, Where, busier, more_dropped, newly_lost, rate_slack, slower
from .finding import CheckName, Counterexample, Violation
from .stressed import Stressed


class Objection(NamedTuple):
    """Why a state may not follow: the check that says so, and what it found."""

    check: CheckName
    violation: Violation


class Prospect(NamedTuple):
    """What a state does under demands that may come, S of them: names, busiest links, peaks, and Mbit/s of harm."""

    names: tuple[str, ...]
    busiest: tuple[str | None, ...]
    peaks: Floats  # [S] highest utilisation
    spilt: Floats  # [S] Mbit/s lost, dropped or above capacity


def may_follow(before: Stressed, after: Stressed, policy: Policy, *, step: int = 1) -> Objection | None:
    """Return the first reason why a plan may not lead from one state to the other, None when it may.

    Both states are under the same failures. `step` is the number of the plan's last step, for the wording.
    """
    intact = worse_intact(before.outcome, after.outcome, policy, Where(step))
    if intact:
        return Objection("nominal", intact)
    failing = worse_under_failure(before, after, policy, step)
    if failing:
        return Objection("survivable", failing)
    demands = worse_with_demands(scaled(before.outcome, policy), scaled(after.outcome, policy), policy, after, step)
    return Objection("uncertain", demands) if demands else None


def worse_intact(before: Outcome, after: Outcome, policy: Policy, where: Where) -> Violation | None:
    """Return what is worse with everything up: lost, dropped, too busy or too slow."""
    return (
        newly_lost(before, after, where)
        or more_dropped(before, after, where)
        or busier(before, after, policy.max_utilisation, where)
        or slower(before, after, policy.max_delay_stretch, where)
    )


def accepted_loss(before: Network, after: Network, policy: Policy) -> float:
    """Mbit/s that the policy lets a failure cut off newly: something only where the new state drains more."""
    elements = zip((*before.links, *before.nodes), (*after.links, *after.nodes), strict=True)
    drains = any(now.drained and not was.drained for was, now in elements)
    return policy.max_maintenance_loss * float(before.offered.sum()) if drains else 0.0


def worse_under_failure(before: Stressed, after: Stressed, policy: Policy, step: int) -> Violation | None:
    """Return the worst that a failure does newly, None when no failure is worse than it may be."""
    accepted = accepted_loss(before.network, after.network, policy)
    violations = (
        _look(before, after, policy, int(row), step, accepted) for row in _suspects(before, after, policy, accepted)
    )
    return next((violation for violation in violations if violation), None)


def surely_worse(before: Stressed, after: Stressed, policy: Policy) -> Ints:
    """Return the failures that the sweep's totals alone show to be worse than they may be, by position.

    Quick: no failure is simulated again. One that is not among them may still be worse; `worse_under_failure` tells.
    """
    was, now = before.sweep, after.sweep
    if was is None or now is None:
        return np.zeros(0, np.int64)
    limit, slack = policy.max_failure_utilisation, rate_slack(before.network)
    lost = now.lost - was.lost > slack + accepted_loss(before.network, after.network, policy)
    hotter = now.max_utilisation > np.maximum(limit, was.max_utilisation) + SHARE_SLACK
    heavier = (now.max_utilisation > limit + SHARE_SLACK) & (now.overload > was.overload + slack)
    return np.flatnonzero(lost | hotter | heavier)


def _suspects(before: Stressed, after: Stressed, policy: Policy, accepted: float) -> Ints:
    """Return the failures that may be worse than before, by the sweep's totals, the worst first."""
    was, now = before.sweep, after.sweep
    if was is None or now is None:
        return np.zeros(0, np.int64)
    limit, slack = policy.max_failure_utilisation, rate_slack(before.network)
    lost = now.lost - was.lost > slack + accepted
    hotter = now.max_utilisation > was.max_utilisation + SHARE_SLACK
    heavier = now.overload > was.overload + slack
    hot = (now.max_utilisation > limit + SHARE_SLACK) & (hotter | heavier | (limit < 1))
    excess = now.max_utilisation - np.maximum(limit, was.max_utilisation)
    order = np.lexsort((-excess, was.lost - now.lost))
    return order[(lost | hot)[order]]


def _look(before: Stressed, after: Stressed, policy: Policy, row: int, step: int, accepted: float) -> Violation | None:
    """Simulate one failure before and after the plan in full, to find the element that suffers."""
    where = Where(step, after.failures[row].name)
    was, now = before.during(row), after.during(row)
    lost = None if now.lost - was.lost <= accepted and accepted else newly_lost(was, now, where)
    return lost or busier(was, now, policy.max_failure_utilisation, where)


def scaled(outcome: Outcome, policy: Policy) -> Prospect:
    """Return what a state does when all its demands grow by each of the policy's factors.

    Loads grow in proportion, so that nothing is simulated again.
    """
    factors = policy.demand_factors
    return Prospect(
        names=tuple(f"demand x{factor:g}" for factor in factors),
        busiest=(outcome.busiest,) * len(factors),
        peaks=np.array(factors) * outcome.max_utilisation,
        spilt=np.array([factor * outcome.harm(1 / factor) for factor in factors]),
    )


def worse_with_demands(
    before: Prospect, after: Prospect, policy: Policy, state: Stressed, step: int
) -> Violation | None:
    """Return the scenario that breaks the limit, when the CVaR of the peak is above it and worse than without the plan.

    No worse means that neither the CVaR of the peak nor that of the harm at capacity is higher.
    """
    if not after.names:
        return None
    peak, was = (cvar(x.peaks, policy.cvar_alpha) for x in (after, before))
    allowed = max(policy.max_uncertain_utilisation, was)
    if peak <= policy.max_uncertain_utilisation + SHARE_SLACK:
        return None
    spilt = [cvar(x.spilt, policy.cvar_alpha) for x in (before, after)]
    if peak <= allowed + SHARE_SLACK and spilt[1] <= spilt[0] + rate_slack(state.network):
        return None
    worst = int(after.peaks.argmax())
    name, scenario = after.busiest[worst] or "network", after.names[worst]
    detail = (
        f"{len(after.names)} scenarios: the worst {1 - policy.cvar_alpha:.0%} peak at {peak:.4f} on average, "
        f"the limit here is {allowed:.4f}; {scenario} puts {name} at {after.peaks[worst]:.4f}"
    )
    return Violation(detail, Counterexample(element=name, failure=scenario, step=step, measured=peak, limit=allowed))


def cvar(values: Floats, alpha: float) -> float:
    """Mean of the worst `1 - alpha` of equally likely values [k] (conditional value at risk).

    The value at the edge of the tail counts in part, so that the result does not jump with `alpha`
    [Rockafellar & Uryasev 2002, eq. 20 for equal probabilities].
    """
    worst = np.sort(values)[::-1]
    tail = (1 - alpha) * worst.size
    whole = math.floor(tail + 1e-9)
    edge = (tail - whole) * worst[whole] if whole < worst.size and tail > whole else 0.0
    return float((worst[:whole].sum() + edge) / tail)
