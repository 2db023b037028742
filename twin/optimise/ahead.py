"""Plans that last: made for the traffic of now, and where such a plan does not hold all day, for the fullest hour."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from twin.errors import PlanError, UnknownElementError
from twin.gate.checks.context import Context
from twin.gate.checks.horizon import horizon
from twin.gate.checks.rehearsal import Rehearsal
from twin.gate.outlook import Outlook
from twin.model import Network
from twin.plan import ExpectedEffect, Plan, apply_all, states
from twin.planned import PlannedWork
from twin.policy import Policy
from twin.sim.simulate import simulate

from .proposal import Proposal, Value

ENOUGH = 3
"""Proposals that hold, from which on the others are not looked at."""


def holding(
    planner: Callable[[Network], Sequence[Proposal]],
    network: Network,
    policy: Policy,
    outlook: Outlook | None,
    works: tuple[PlannedWork, ...] = (),
) -> tuple[Proposal, ...]:
    """Ask a planner for the traffic of now, and for that of the fullest hour where none of its plans would last.

    Proposals that hold in every hour come first, in the planner's order; those that do not lose their plan, with the
    hour as the reason. Without an outlook, the planner's proposals as they are.
    """
    found = tuple(planner(network))
    if outlook is None or not outlook.hours or not any(x.plan for x in found):
        return found
    context = Context(outlook=outlook, works=works)
    judged = _judged(found, network, policy, context)
    if any(x.plan for x in judged):
        return judged
    fullest = network.with_demands(outlook.fullest.demands)
    if fullest == network:
        return judged
    lasting = tuple(_rebased(x, network, policy) for x in planner(fullest))
    return (*(x for x in _judged(lasting, network, policy, context) if x.plan), *judged)


def _judged(found: Sequence[Proposal], network: Network, policy: Policy, context: Context) -> tuple[Proposal, ...]:
    """Take the plans from proposals that some hour objects to; those that hold first."""
    judged, held = list[Proposal](), 0
    for proposal in found:
        objection = (
            "" if proposal.plan is None or held == ENOUGH else _objection(proposal.plan, network, policy, context)
        )
        held += proposal.plan is not None and not objection
        judged.append(replace(proposal, plan=None, reason=f"does not last: {objection}") if objection else proposal)
    return tuple(sorted(judged, key=lambda x: x.plan is None))


def _objection(plan: Plan, network: Network, policy: Policy, context: Context) -> str:
    """Say what the gate's own *horizon* has against a plan; empty when nothing."""
    reached = tuple(states(network, plan.steps))
    check = horizon(Rehearsal(plan, policy, reached, context))
    return "" if check.passed else check.detail


def _rebased(proposal: Proposal, network: Network, policy: Policy) -> Proposal:
    """The same plan for the network under the traffic of now."""
    if proposal.plan is None:
        return proposal
    before, after = (_value(x, policy) for x in (network, apply_all(network, proposal.plan.steps)))
    expected = ExpectedEffect(
        max_utilisation=(before.max_utilisation, after.max_utilisation), harm=(before.harm, after.harm)
    )
    plan = proposal.plan.model_copy(update={"base": network.id, "expected": expected})
    return replace(proposal, plan=plan, before=before, after=after)


def brought(plan: Plan, network: Network, policy: Policy) -> Proposal:
    """Propose a plan that somebody has, for the network as it is now; none where its steps cannot be made."""
    before = _value(network, policy)
    try:
        return _rebased(Proposal(plan.method, plan, before, before), network, policy)
    except (PlanError, UnknownElementError) as error:
        return Proposal(plan.method, None, before, before, reason=f"its steps cannot be made here: {error}")


def _value(network: Network, policy: Policy) -> Value:
    outcome = simulate(network)
    return Value(outcome.harm(policy.max_utilisation).routable, outcome.max_utilisation)
