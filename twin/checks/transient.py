"""*transient* and *reversible*: every state on the way there, and on the way back."""

from itertools import pairwise

from pydantic import ValidationError

from twin.errors import PlanError, TopologyError, UnknownElementError
from twin.plan import states, subject, way_back
from twin.sim.simulate import Outcome

from .compare import Where, above, more_above, more_dropped, newly_lost, rate_slack
from .finding import Check, Counterexample, Violation, failed, steps_of
from .rehearsal import Rehearsal


def transient(rehearsal: Rehearsal) -> Check:
    """Judge each step against the state just before it: lost demand and overload never rise."""
    limit = rehearsal.policy.max_utilisation
    for step, (before, after) in enumerate(pairwise(rehearsal.outcomes), start=1):
        violation = rises(before, after, limit, Where(step))
        if violation:
            return failed("transient", violation)
    harm = [outcome.harm(limit) for outcome in rehearsal.outcomes]
    detail = f"harm never rises between the steps: {', '.join(f'{x:.6g}' for x in harm)} Mbit/s"
    return Check(name="transient", passed=True, measured=max(harm[1:]), limit=harm[0], detail=detail)


def rises(before: Outcome, after: Outcome, limit: float, where: Where) -> Violation | None:
    """Return what gets worse from one state to the next: demand lost, traffic dropped, capacity or limit exceeded."""
    return (
        newly_lost(before, after, where)
        or more_dropped(before, after, where)
        or more_above(before, after, limit, where)
    )


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
            detail = f"undoing step {forward + 1} does not give the state before it: {element} differs"
            return failed(
                "reversible", Violation(detail, Counterexample(element=element, step=forward, measured=1, limit=0))
            )
    return _passes_through(rehearsal)


def _passes_through(rehearsal: Rehearsal) -> Check:
    """The states of the way back are those of the way there, so that their outcomes are known."""
    limit, outcomes = rehearsal.policy.max_utilisation, rehearsal.outcomes
    ends = max((outcomes[0], outcomes[-1]), key=lambda outcome: outcome.harm(limit))
    allowed = ends.harm(limit) + rate_slack(rehearsal.base)
    for step in range(len(outcomes) - 2, 0, -1):
        measured = outcomes[step].harm(limit)
        if measured > allowed:
            link = int((above(outcomes[step], limit) - above(ends, limit)).argmax())
            name = rehearsal.base.links[link].name
            figures = f"harm is {measured:.6g} Mbit/s, at most {allowed:.6g} at the ends"
            detail = f"on the way back, with steps 1 to {step} in place, {figures}"
            found = Counterexample(element=name, step=step, measured=measured, limit=allowed)
            return failed("reversible", Violation(detail, found))
    worst = max(outcome.harm(limit) for outcome in outcomes)
    steps = len(rehearsal.plan.steps)
    detail = f"{steps_of(steps)} back to {rehearsal.base.id}, at most {worst:.6g} Mbit/s of harm on the way"
    return Check(name="reversible", passed=True, measured=worst, limit=allowed, detail=detail)
