"""*uncertain*: the end state under demands that may come."""

import math

import numpy as np

from twin.model import Floats
from twin.sim.simulate import Outcome, simulate

from .compare import SHARE_SLACK, rate_slack
from .context import Scenario
from .finding import Check, Counterexample, Violation, failed
from .rehearsal import Rehearsal


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


def scenarios_of(rehearsal: Rehearsal) -> tuple[Scenario, ...]:
    """Return the scenarios given, else those of the policy: the snapshot's demands times each of its factors."""
    demands = rehearsal.base.demands
    factors = (Scenario(f"demand x{factor:g}", demands * factor) for factor in rehearsal.policy.demand_factors)
    return rehearsal.context.scenarios or tuple(factors)


def uncertain(rehearsal: Rehearsal) -> Check:
    """Judge the CVaR of the peak utilisation over the scenarios: within its limit, or no worse than without the plan.

    No worse means that neither the CVaR of the peak nor that of the traffic above capacity is higher.
    """
    scenarios, policy = scenarios_of(rehearsal), rehearsal.policy
    if not scenarios:
        return Check(name="uncertain", passed=True, detail="not judged: there are no scenarios")
    after = [simulate(rehearsal.final.with_demands(x.demands)) for x in scenarios]
    peak = cvar(_peaks(after), policy.cvar_alpha)
    limit = policy.max_uncertain_utilisation
    figures = f"{len(scenarios)} scenarios: the worst {1 - policy.cvar_alpha:.0%} peak at {peak:.4f} on average"
    if peak <= limit + SHARE_SLACK:
        detail = f"{figures}, the limit is {limit:.4f}"
        return Check(name="uncertain", passed=True, measured=peak, limit=limit, detail=detail)
    before = [simulate(rehearsal.base.with_demands(x.demands)) for x in scenarios]
    was = cvar(_peaks(before), policy.cvar_alpha)
    spilt = [cvar(np.array([x.harm(1.0) for x in state]), policy.cvar_alpha) for state in (before, after)]
    allowed = max(limit, was)
    if peak <= allowed + SHARE_SLACK and spilt[1] <= spilt[0] + rate_slack(rehearsal.base):
        detail = f"{figures}, no worse than {was:.4f} without the plan"
        return Check(name="uncertain", passed=True, measured=peak, limit=allowed, detail=detail)
    worst = int(_peaks(after).argmax())
    name = after[worst].busiest or "network"
    detail = (
        f"{figures}, the limit here is {allowed:.4f}; {scenarios[worst].name} puts {name} at {_peaks(after)[worst]:.4f}"
    )
    found = Counterexample(
        element=name, failure=scenarios[worst].name, step=len(rehearsal.plan.steps), measured=peak, limit=allowed
    )
    return failed("uncertain", Violation(detail, found))


def _peaks(outcomes: list[Outcome]) -> Floats:
    return np.array([outcome.max_utilisation for outcome in outcomes])
