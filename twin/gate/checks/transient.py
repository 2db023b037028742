"""*transient* and *reversible*: every state on the way there, and on the way back."""

from itertools import pairwise

from pydantic import ValidationError

from twin.errors import PlanError, TopologyError, UnknownElementError
from twin.gate.no_worse import rate_slack
from twin.gate.rules import may_pass, worse_than_ends
from twin.plan import states, subject, way_back
from twin.printed import counted, mbps, percent, short

from .convergence import convergences
from .finding import Check, Counterexample, Violation, failed
from .rehearsal import Rehearsal


def transient(rehearsal: Rehearsal) -> Check:
    """Judge every state on the way, under every single failure as well: the rulebook's `may_pass`."""
    limit, outcomes = rehearsal.policy.max_utilisation, rehearsal.outcomes
    for step, (before, here) in enumerate(pairwise(rehearsal.stressed), start=1):
        violation = may_pass(before, here, rehearsal.ends, rehearsal.policy, step)
        if violation:
            return failed("transient", violation)
    harm = [outcome.harm(limit).routable for outcome in outcomes]
    detail = f"harm never rises between the steps: {', '.join(map(mbps, harm))}"
    loops = convergences(rehearsal.stressed)
    if loops:
        worst = max(loops, key=lambda x: x.share)
        detail += (
            f"; up to {percent(worst.share)} of the traffic may loop while routers change over in step {worst.step}"
        )
    return Check(name="transient", passed=True, measured=max(harm[1:]), limit=harm[0], unit="Mbit/s", detail=detail)


def reversible(rehearsal: Rehearsal) -> Check:
    """Judge the way back: it can be made, visits the same states, and none is worse than the worse of its two ends."""
    plan, there = rehearsal.plan, rehearsal.states
    try:
        back = states(there[-1], way_back(there[0], plan.steps))
    except (PlanError, TopologyError, UnknownElementError, ValidationError) as error:
        first = subject(plan.steps[0])
        detail = f"the way back cannot be made: {error}"
        return failed("reversible", Violation(detail, Counterexample(element=first, step=0, measured=1, limit=0)))
    for step, (reached, expected) in enumerate(zip(back, reversed(there), strict=True)):
        if reached.id != expected.id:
            forward = len(plan.steps) - step
            element = subject(plan.steps[forward])
            detail = f"undoing step {forward + 1} does not give the state before it: {short(element)} differs"
            return failed(
                "reversible", Violation(detail, Counterexample(element=element, step=forward, measured=1, limit=0))
            )
    return _passes_through(rehearsal)


def _passes_through(rehearsal: Rehearsal) -> Check:
    """The states of the way back are those of the way there, so that their outcomes are known."""
    limit, outcomes = rehearsal.policy.max_utilisation, rehearsal.outcomes
    ends = outcomes[0], outcomes[-1]
    allowed = max(x.harm(limit).routable for x in ends) + rate_slack(rehearsal.base)
    for step in range(len(outcomes) - 2, 0, -1):
        violation = worse_than_ends(ends, outcomes[step], rehearsal.policy, step, rehearsal.context.error)
        if violation:
            detail = f"on the way back, with steps 1 to {step} in place: {violation.detail}"
            return failed("reversible", violation._replace(detail=detail))
    worst = max(outcome.harm(limit).routable for outcome in outcomes)
    steps = len(rehearsal.plan.steps)
    detail = f"{counted(steps, 'steps')} back to {rehearsal.base.id}, at most {mbps(worst)} of harm on the way"
    return Check(name="reversible", passed=True, measured=worst, limit=allowed, unit="Mbit/s", detail=detail)
