"""*uncertain*: the end state under demands that may come, with everything up and under every single failure."""

import numpy as np

from twin.gate.no_worse import SHARE_SLACK, Where, surely
from twin.gate.rules import Prospect, cvar, worse_under_demands, worse_with_demands, worse_with_growth
from twin.printed import percent, stated

from .context import DemandError, Scenario, ratio_of
from .finding import Check, Violation, failed
from .rehearsal import Rehearsal
from .stressed import Stressed


def scenarios_of(rehearsal: Rehearsal) -> tuple[Scenario, ...]:
    """Return the scenarios given, else those of the policy: the snapshot's demands times each of its factors."""
    demands = rehearsal.base.demands
    factors = (Scenario(f"demand x{factor:g}", demands * factor) for factor in rehearsal.policy.demand_factors)
    return rehearsal.context.scenarios or tuple(factors)


def uncertain(rehearsal: Rehearsal) -> Check:
    """Judge the CVaR of the peak over the scenarios, and every single failure under them.

    Each has to be within its limit, or no worse than without the plan. Of the policy's factors the largest one counts
    for the failures, of scenarios each one. Where the hours ahead are those of a forecast, its quantiles of the fullest
    hour in which the plan stays are judged in the same way, for themselves: what is likely dilutes no growth that the
    policy foresees.
    """
    scenarios, quantiles = scenarios_of(rehearsal), _quantiles(rehearsal)
    if not scenarios and not quantiles:
        return Check(name="uncertain", passed=True, detail="not judged: there are no scenarios")
    found = [_check_of(rehearsal, x) for x in (scenarios, quantiles) if x]
    violation = next((x for x in found if isinstance(x, Violation)), None) or _worse_under_demands(rehearsal)
    if violation:
        return failed("uncertain", violation)
    checks = [x for x in found if isinstance(x, Check)]
    detail = f"{checks[0].detail}; {_failing(rehearsal)}"
    detail += f"; by the forecast, {checks[-1].detail}" if scenarios and quantiles else ""
    return checks[0].model_copy(update={"detail": detail})


def _quantiles(rehearsal: Rehearsal) -> tuple[Scenario, ...]:
    """Return what a forecast says of the fullest hour in which the plan stays; nothing where scenarios were given."""
    outlook = rehearsal.context.outlook
    if outlook is None or rehearsal.context.scenarios:
        return ()
    return outlook.quantiles_before(rehearsal.plan.until)


def _check_of(rehearsal: Rehearsal, scenarios: tuple[Scenario, ...]) -> Check | Violation:
    """Judge the CVaR of the peak over some scenarios."""
    policy, steps = rehearsal.policy, len(rehearsal.plan.steps)
    before, after = (_prospect(x, scenarios) for x in rehearsal.ends)
    violation = worse_with_demands(before, after, policy, rehearsal.ends[1], steps)
    if violation and rehearsal.context.error:
        least = _prospect(rehearsal.ends[1], scenarios, rehearsal.context.error)
        violation = worse_with_demands(before, least, policy, rehearsal.ends[1], steps)
    if violation:
        return violation
    peak, was = (cvar(x.peaks, policy.cvar_alpha) for x in (after, before))
    limit = policy.max_uncertain_utilisation
    figures = (
        f"{len(scenarios)} scenarios: the worst {stated(1 - policy.cvar_alpha)} peak at {percent(peak)} on average"
    )
    within = peak <= limit + SHARE_SLACK
    detail = (
        f"{figures}, the limit is {percent(limit)}"
        if within
        else f"{figures}, no worse than {percent(was)} without the plan"
    )
    allowed = limit if within else max(limit, was)
    return Check(name="uncertain", passed=True, measured=peak, limit=allowed, unit="share", detail=detail)


def _worse_under_demands(rehearsal: Rehearsal) -> Violation | None:
    """Return what is newly worse under other demands; what is so under these is for *survivable* and *classes*."""
    (before, after), steps = rehearsal.ends, len(rehearsal.plan.steps)
    if worse_under_demands(before, after, rehearsal.policy, Where(steps)):
        return None
    swept = rehearsal.context.scenarios or _quantiles(rehearsal)
    if not rehearsal.context.scenarios:
        violation = worse_with_growth(before, after, rehearsal.policy, steps)
        if violation:
            return violation
        swept = swept[-1:] if before.is_large else swept
    for scenario in swept:
        was, now = (x.under_demands(scenario.demands) for x in (before, after))
        violation = worse_under_demands(was, now, rehearsal.policy, Where(steps, when=scenario.name))
        if violation:
            return violation
    return None


def _failing(rehearsal: Rehearsal) -> str:
    """Word how the end state stands under failures once its demands have grown."""
    given, after = rehearsal.context.scenarios, rehearsal.ends[1]
    if given:
        return "no single failure under any of them is worse than without the plan"
    sweep = after.grown(rehearsal.policy.growth).sweep
    peak = float(sweep.max_utilisation.max(initial=0.0)) if sweep else 0.0
    return f"with demand x{rehearsal.policy.growth:g} the worst single failure peaks at {percent(peak)}"


def _prospect(state: Stressed, scenarios: tuple[Scenario, ...], error: DemandError | None = None) -> Prospect:
    """What a state does in each scenario; with an `error` of its own demands, the least that it may do."""
    outcomes = [
        surely(state.carries(x.demands), error and error.scaled(ratio_of(x.demands, state.network.demands)))
        for x in scenarios
    ]
    return Prospect(
        names=tuple(x.name for x in scenarios),
        busiest=tuple(x.busiest for x in outcomes),
        peaks=np.array([x.max_utilisation for x in outcomes]),
        spilt=np.array([x.harm(1.0).routable for x in outcomes]),
    )
