"""*grounded*: the plan is for this very state, what it names exists, every step can be made, every figure computed."""

from collections.abc import Sequence
from typing import NamedTuple

from twin.errors import PlanError, TopologyError, UnknownElementError
from twin.model import Network
from twin.numeric import np
from twin.plan import Plan, SetWeight, apply, subject
from twin.policy import Policy
from twin.printed import counted, short

from .finding import Check, Counterexample, Violation, failed

MOST_TRAFFIC = 1e12  # Mbit/s in all
LEAST_CAPACITY, MOST_CAPACITY = 1e-9, 1e100  # Mbit/s
MOST_DELAY = 1e12  # ms


class Grounding(NamedTuple):
    """The check, and the states of the plan: before the first step and after each, as far as they can be reached."""

    check: Check
    states: tuple[Network, ...]


def ground(
    plan: Plan, network: Network, policy: Policy, unmodelled: Sequence[str] = (), estimated: str = ""
) -> Grounding:
    """Play the plan's steps through, each of which must change something that exists.

    `unmodelled` is what decides routing in the network and is not in the twin: no figure of it can be relied on then.
    `estimated` says how its traffic was estimated, empty where it was not: that is told, or refused.
    Routers take metrics up to the largest of their protocol; the policy's `max_weight` may hold plans to less.
    """
    if plan.base != network.id:
        detail = f"the plan is for snapshot {plan.base}, this is {network.id}: plan again on the current one"
        violation = Violation(detail, Counterexample(element=f"snapshot/{plan.base}", step=0, measured=0, limit=1))
        return Grounding(failed("grounded", violation), (network,))
    if unmodelled:
        more = f", and {len(unmodelled) - 1} more" if len(unmodelled) > 1 else ""
        detail = f"what decides routing is not modelled: {unmodelled[0]}{more}; the policy refuses plans on such a twin"
        return Grounding(_fails(f"snapshot/{network.id}", 0, detail, measured=len(unmodelled)), (network,))
    if estimated and policy.refuse_estimated:
        detail = f"traffic is estimated: {estimated}; the policy refuses plans on traffic that nobody measured"
        return Grounding(_fails(f"snapshot/{network.id}", 0, detail), (network,))
    states = [network]
    strange = _beyond_computing(network)
    if strange:
        return Grounding(_fails(strange[0], 0, strange[1]), (network,))
    most = policy.max_weight or network.largest_metric
    for number, step in enumerate(plan.steps, start=1):
        if isinstance(step, SetWeight) and step.weight > most:
            detail = f"step {number} sets {step.link} to {step.weight}, and its routers take metrics up to {most}"
            return Grounding(_fails(step.link, number, detail, measured=step.weight, limit=most), tuple(states))
        try:
            states.append(apply(states[-1], step))
        except (UnknownElementError, PlanError, TopologyError) as error:
            element = error.name if isinstance(error, UnknownElementError) else subject(step)
            detail = f"step {number} ({step.op}) cannot be made: {error}; {error.fix}".removesuffix("; ")
            return Grounding(_fails(element, number, detail), tuple(states))
        strange = _beyond_computing(states[-1])
        if strange:
            return Grounding(_fails(strange[0], number, strange[1]), tuple(states))
        if states[-1].id == states[-2].id:
            detail = f"step {number} ({step.op}) changes nothing: {short(subject(step))} is already so"
            return Grounding(_fails(subject(step), number, detail), tuple(states))
    wrong = _cannot_end(plan, states[-1])
    if wrong:
        return Grounding(wrong, tuple(states))
    detail = f"the plan is for this snapshot and its {counted(len(plan.steps), 'steps')} can be made"
    detail += f"; its traffic is estimated: {estimated}" if estimated else ""
    return Grounding(Check(name="grounded", passed=True, detail=detail), tuple(states))


def _cannot_end(plan: Plan, state: Network) -> Check | None:
    """Return why the steps that end the plan cannot be made, None when they can."""
    for number, step in enumerate(plan.closing, start=1):
        try:
            following = apply(state, step)
        except (UnknownElementError, PlanError, TopologyError) as error:
            element = error.name if isinstance(error, UnknownElementError) else subject(step)
            detail = f"step {number} ({step.op}) of its end cannot be made: {error}; {error.fix}".removesuffix("; ")
            return _fails(element, len(plan.steps) + number, detail)
        if following.id == state.id:
            detail = f"step {number} ({step.op}) of its end changes nothing: {short(subject(step))} is already so"
            return _fails(subject(step), len(plan.steps) + number, detail)
        state = following
    return None


def _beyond_computing(network: Network) -> tuple[str, str] | None:
    """Return the element whose figure is too large or too small to be computed with, and why it cannot be judged.

    With more traffic in all than `MOST_TRAFFIC`, rounding would come near the slack of the rules; a smaller capacity or
    a longer delay than these lets shares and sums overflow. No network has them: they are mistakes of a unit.
    """
    with np.errstate(over="ignore"):
        total = float(network.demands.sum())
    if total > MOST_TRAFFIC:
        s, t = np.unravel_index(int(network.demands.argmax()), network.demands.shape)
        name = f"demand/{network.nodes[int(s)].name}->{network.nodes[int(t)].name}"
        return name, f"the demands come to {total:.3g} Mbit/s, above {MOST_TRAFFIC:.0e}: correct their unit"
    for link in network.links:
        if not LEAST_CAPACITY <= link.capacity <= MOST_CAPACITY:
            return link.name, f"{link.name} has a capacity of {link.capacity:.3g} Mbit/s: correct its unit"
        if link.delay_ms > MOST_DELAY:
            return link.name, f"{link.name} has a delay of {link.delay_ms:.3g} ms: correct its unit"
    return None


def _fails(element: str, step: int, detail: str, *, measured: float = 0, limit: float | None = None) -> Check:
    limit = (0 if measured else 1) if limit is None else limit
    counterexample = Counterexample(element=element, step=step, measured=measured, limit=limit)
    return failed("grounded", Violation(detail, counterexample))
