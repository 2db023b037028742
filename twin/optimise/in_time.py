"""Plans that can be made in the time there is: as many steps as fit in, each in the hours in which it may be made."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from twin.gate.checks.context import Context, Making
from twin.gate.checks.horizon import at_the_end, on_the_way
from twin.gate.checks.limits import out_of_time
from twin.gate.checks.on_the_way import Steps, one_in_its_time
from twin.gate.checks.rehearsal import Rehearsal
from twin.gate.checks.stressed import Stressed
from twin.gate.checks.touch import exists
from twin.gate.order import Against, Around, Effort, order_steps
from twin.model import Network
from twin.plan import Change, Plan, apply_all, states
from twin.policy import Policy
from twin.windows import turns

from .judge import ORDER_STATES


def fitting(policy: Policy, context: Context, until: datetime | None = None) -> Policy:
    """Return the policy with no more steps than can be made before the windows close and before the plan ends.

    Steps that end a plan at `until` are as many. Where not even one fits, or nobody knows when or how long steps are
    made, the policy as it is: the gate says why.
    """
    lasts, begins = context.step_lasts, context.starts
    if not lasts or begins is None:
        return policy
    most = _open(policy, begins, lasts)
    if until is not None:
        most = min(most, -((begins - until) // lasts), _open(policy, until, lasts))
    return policy.model_copy(update={"max_steps": min(policy.max_steps, most)}) if most > 0 else policy


def _open(policy: Policy, begins: datetime, lasts: timedelta) -> int:
    """How many steps may begin, one after another, before a window closes or a freeze begins."""
    ends = begins + (policy.max_steps - 1) * lasts
    for moment in turns((*policy.windows, *policy.freeze), begins, ends):
        if policy.closed(moment):
            return -((begins - moment) // lasts)
    return policy.max_steps


def sparing(policy: Policy, context: Context, network: Network) -> Policy:
    """Return the policy with everything protected that is blacked out while steps may be made."""
    begins, lasts = context.starts, context.step_lasts or timedelta()
    if begins is None or not policy.blackouts:
        return policy
    moments = turns(policy.blackouts, begins, begins + (policy.max_steps - 1) * lasts)
    known = (x for x in policy.blackout_elements if exists(network, x))
    dark = [x for x in known if any(policy.blacked_out({x}, moment) for moment in moments)]
    return policy.model_copy(update={"protected": tuple(dict.fromkeys((*policy.protected, *dark)))})


def too_late(plan: Plan, network: Network, policy: Policy, context: Context) -> str:
    """Say which step comes too late for a window, a freeze or a blackout; empty where none does, or even the first."""
    if context.starts is None or policy.closed(context.starts):
        return ""
    violation = next(out_of_time(Rehearsal(plan, policy, tuple(states(network, plan.steps)), context)), None)
    return violation.detail if violation else ""


def in_its_hours(plan: Plan, network: Network, policy: Policy, context: Context) -> tuple[Plan | None, str]:
    """Return the plan with its steps, and those that end it, in an order that holds in the hours of each.

    As it is, where it holds; None, and what is wrong with the order given, where none was found. Very large networks
    are left to the gate: there the plan is returned as it is.
    """
    rehearsal = Rehearsal(plan, policy, tuple(states(network, plan.steps)), context)
    if rehearsal.ends[0].is_large:
        return plan, ""
    objection = on_the_way(rehearsal) if len(plan.steps) > 1 else None
    if objection is not None and context.making is not None:
        steps = _ordered(rehearsal, network, plan.steps, context.making)
        if steps is None:
            return None, objection.detail
        plan = plan.model_copy(update={"steps": steps})
        rehearsal = Rehearsal(plan, policy, tuple(states(network, steps)), context)
    ended = at_the_end(rehearsal)
    if ended is None or plan.until is None or len(plan.closing) < 2:
        return plan, ""  # of a single closing step *horizon* has told
    made = apply_all(network, plan.steps)
    closing = _ordered(rehearsal, made, plan.closing, context.ending(plan.until), after=len(plan.steps))
    return (plan.model_copy(update={"closing": closing}), "") if closing else (None, ended.detail)


def _ordered(
    rehearsal: Rehearsal, network: Network, steps: Sequence[Change], making: Making, *, after: int = 0
) -> tuple[Change, ...] | None:
    """Search for an order that is safe in the hours of each step; `after` counts the steps that were made before."""
    ask = _asking(rehearsal, making, len(steps), after)
    effort = Effort(ORDER_STATES)
    return order_steps(steps, network, rehearsal.policy, against=ask, effort=effort).steps


def _asking(rehearsal: Rehearsal, making: Making, last: int, made: int) -> Against:
    without = rehearsal.ends[0] if made else None

    def ask(around: Around, step: int) -> str | None:
        placed = tuple(_placed(around, step, last))
        violation = one_in_its_time(rehearsal, Steps(placed, making, made, without), step)
        return violation.detail if violation else None

    return ask


def _placed(around: Around, step: int, last: int) -> Iterator[Stressed]:
    """The states of all steps, of which only those around one are known: the others stand for themselves nowhere."""
    before, here, first, end = around
    for number in range(last + 1):
        yield first if number == 0 else end if number == last else before if number == step - 1 else here
