"""*uncertain*: the end state under demands that may come."""

import numpy as np

from twin.gate.no_worse import SHARE_SLACK
from twin.gate.rules import Prospect, cvar, worse_with_demands
from twin.model import Network
from twin.sim.simulate import simulate

from .context import Scenario
from .finding import Check, failed
from .rehearsal import Rehearsal


def scenarios_of(rehearsal: Rehearsal) -> tuple[Scenario, ...]:
    """Return the scenarios given, else those of the policy: the snapshot's demands times each of its factors."""
    demands = rehearsal.base.demands
    factors = (Scenario(f"demand x{factor:g}", demands * factor) for factor in rehearsal.policy.demand_factors)
    return rehearsal.context.scenarios or tuple(factors)


def uncertain(rehearsal: Rehearsal) -> Check:
    """Judge the CVaR of the peak over the scenarios: within its limit, or no worse than without the plan."""
    scenarios, policy = scenarios_of(rehearsal), rehearsal.policy
    if not scenarios:
        return Check(name="uncertain", passed=True, detail="not judged: there are no scenarios")
    before, after = (_prospect(state, scenarios) for state in (rehearsal.base, rehearsal.final))
    violation = worse_with_demands(before, after, policy, rehearsal.ends[1], len(rehearsal.plan.steps))
    if violation:
        return failed("uncertain", violation)
    peak, was, limit = (
        cvar(after.peaks, policy.cvar_alpha),
        cvar(before.peaks, policy.cvar_alpha),
        policy.max_uncertain_utilisation,
    )
    figures = f"{len(scenarios)} scenarios: the worst {1 - policy.cvar_alpha:.0%} peak at {peak:.4f} on average"
    within = peak <= limit + SHARE_SLACK
    detail = (
        f"{figures}, the limit is {limit:.4f}" if within else f"{figures}, no worse than {was:.4f} without the plan"
    )
    allowed = limit if within else max(limit, was)
    return Check(name="uncertain", passed=True, measured=peak, limit=allowed, detail=detail)


def _prospect(network: Network, scenarios: tuple[Scenario, ...]) -> Prospect:
    outcomes = [simulate(network.with_demands(x.demands)) for x in scenarios]
    return Prospect(
        names=tuple(x.name for x in scenarios),
        busiest=tuple(x.busiest for x in outcomes),
        peaks=np.array([x.max_utilisation for x in outcomes]),
        spilt=np.array([x.harm(1.0).routable for x in outcomes]),
    )
