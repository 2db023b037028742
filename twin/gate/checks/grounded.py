"""*grounded*: the plan is for this very state, what it names exists, every step can be made, every figure computed."""

from collections.abc import Sequence
from typing import NamedTuple

from twin.errors import PlanError, TopologyError, UnknownElementError
from twin.model import Network
from twin.numeric import np
from twin.plan import Change, Plan, SetWeight, apply, subject
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
    strange = _beyond_computing(network)
    if strange:
        return Grounding(_fails(strange[0], 0, strange[1]), (network,))
    states, wrong = _played(network, plan.steps, policy, network)
    if wrong is None:  # the steps that end it have to be such as can be made, too
        wrong = _played(states[-1], plan.closing, policy, network, made=len(plan.steps))[1]
    if wrong is not None:
        return Grounding(wrong, states)
    detail = f"the plan is for this snapshot and its {counted(len(plan.steps), 'steps')} can be made"
    detail += f"; its traffic is estimated: {estimated}" if estimated else ""
    return Grounding(Check(name="grounded", passed=True, detail=detail), states)


def _played(
    state: Network, steps: Sequence[Change], policy: Policy, base: Network, *, made: int = 0
) -> tuple[tuple[Network, ...], Check | None]:
    """Play steps through from a state; `made` were made before. Returns the states reached, and why one cannot be."""
    states, most = [state], policy.max_weight or base.largest_metric
    exits = {base.links[i].name for i in base.exits}  # preferences are no metrics, and have a limit of their own
    for number, step in enumerate(steps, start=made + 1):
        word = f"step {number} ({step.op}){' of its end' if made else ''}"
        if isinstance(step, SetWeight) and step.weight > most and step.link not in exits:
            detail = f"{word} sets {step.link} to {step.weight}, and its routers take metrics up to {most}"
            return tuple(states), _fails(step.link, number, detail, measured=step.weight, limit=most)
        try:
            states.append(apply(states[-1], step))
        except (UnknownElementError, PlanError, TopologyError) as error:
            element = error.name if isinstance(error, UnknownElementError) else subject(step)
            detail = f"{word} cannot be made: {error}; {error.fix}".removesuffix("; ")
            return tuple(states), _fails(element, number, detail)
        strange = _beyond_computing(states[-1])
        if strange:
            return tuple(states), _fails(strange[0], number, strange[1])
        if states[-1].id == states[-2].id:
            detail = f"{word} changes nothing: {short(subject(step))} is already so"
            return tuple(states), _fails(subject(step), number, detail)
    return tuple(states), None


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
