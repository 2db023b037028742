"""*grounded*: the plan is for this very state, everything it names exists, and every step can be made."""

from typing import NamedTuple

from twin.errors import PlanError, TopologyError, UnknownElementError
from twin.model import Network
from twin.plan import Plan, apply, subject

from .finding import Check, Counterexample, Violation, failed, steps_of


class Grounding(NamedTuple):
    """The check, and the states of the plan: before the first step and after each, as far as they can be reached."""

    check: Check
    states: tuple[Network, ...]


def ground(plan: Plan, network: Network) -> Grounding:
    """Play the plan's steps through, each of which must change something that exists."""
    if plan.base != network.id:
        detail = f"the plan is for snapshot {plan.base}, this is {network.id}: plan again on the current one"
        violation = Violation(detail, Counterexample(element=f"snapshot/{plan.base}", step=0, measured=0, limit=1))
        return Grounding(failed("grounded", violation), (network,))
    states = [network]
    for number, step in enumerate(plan.steps, start=1):
        try:
            states.append(apply(states[-1], step))
        except (UnknownElementError, PlanError, TopologyError) as error:
            element = error.name if isinstance(error, UnknownElementError) else subject(step)
            detail = f"step {number} ({step.op}) cannot be made: {error}; {error.fix}".removesuffix("; ")
            return Grounding(_fails(element, number, detail), tuple(states))
        if states[-1].id == states[-2].id:
            detail = f"step {number} ({step.op}) changes nothing: {subject(step)} is already so"
            return Grounding(_fails(subject(step), number, detail), tuple(states))
    detail = f"the plan is for this snapshot and its {steps_of(len(plan.steps))} can be made"
    return Grounding(Check(name="grounded", passed=True, detail=detail), tuple(states))


def _fails(element: str, step: int, detail: str) -> Check:
    return failed("grounded", Violation(detail, Counterexample(element=element, step=step, measured=0, limit=1)))
