"""Plans that last: made for the traffic of now, and where that plan does not hold all day, for the fullest hour."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from twin.engines.local import Local
from twin.errors import PlanError, UnknownElementError
from twin.gate.checks.context import Context
from twin.gate.checks.finding import Check
from twin.gate.checks.gain import relief
from twin.gate.checks.horizon import horizon
from twin.gate.checks.rehearsal import Rehearsal, taken_away
from twin.gate.checks.uncertain import uncertain
from twin.gate.outlook import Outlook
from twin.model import Network
from twin.plan import Change, ExpectedEffect, Plan, apply_all
from twin.policy import Policy
from twin.sim.simulate import simulate

from .assemble import relief_goal
from .proposal import Proposal, Value

_ENGINE = Local()
ENOUGH = 3
"""Proposals that hold, from which on the others are not looked at."""


def holding(
    planner: Callable[[Network, Policy], Sequence[Proposal]],
    network: Network,
    policy: Policy,
    coming: Context,
    *,
    lasting: "Lasting | None" = None,
) -> tuple[Proposal, ...]:
    """Ask a planner for the traffic of now, and for the most that comes while they stay where no plan of it would last.

    That is the fullest hour before the plans end, and what a forecast fears of it. The growth that the policy foresees
    is one of the traffic of now, and counts there by that much less. Where those do not hold either, the steps
    of a plan that relieves do that hold together, if they gain what the policy asks. Proposals that hold in every hour
    come first, in the planner's order; those that do not lose their plan, with the hour as the reason. Without an
    outlook, the planner's proposals as they are. `lasting` is what the planner asks meanwhile, if it does.
    """
    found, outlook = tuple(planner(network, policy)), coming.outlook
    if outlook is None or not outlook.hours or not any(x.plan for x in found):
        return found
    lasting = lasting or Lasting(network, policy, coming)
    context = lasting.context
    judged = _judged(found, lasting)
    if any(x.plan for x in judged):
        return judged
    for fuller in _fuller(network, context, outlook, _end(found)):
        fitting = planner(fuller, _growing_less(policy, network, fuller))
        held = _judged([_rebased(x, network, policy) for x in fitting], lasting)
        if any(x.plan for x in held):
            return (*(x for x in held if x.plan), *judged)
    whole = [x for x in found if x.plan and x.plan.objective == "relieve"][:ENOUGH]
    parts = (_part(x, network, policy, context) for x in whole)
    return (*(x for x in parts if x is not None), *judged)


class Lasting:
    """Which plans for a network hold in every hour ahead; each is judged once."""

    def __init__(self, network: Network, policy: Policy, coming: Context) -> None:
        self.network, self.policy = network, policy
        self.context = replace(coming, starts=None)  # no state on the way is looked at
        self._known: dict[Plan, str] = {}

    def __call__(self, proposal: Proposal) -> bool:
        """Whether a proposal has a plan that holds, made for the traffic of now or for that of another hour."""
        if proposal.plan is not None and proposal.plan.base != self.network.id:
            proposal = _rebased(proposal, self.network, self.policy)
        return proposal.plan is not None and not self.objection(proposal.plan)

    @property
    def passing(self) -> tuple[tuple[Change, ...], ...]:
        """The steps of the plans that do not hold, as far as they were judged."""
        return tuple(plan.steps for plan, objection in self._known.items() if objection)

    def objection(self, plan: Plan) -> str:
        """Say what some hour has against a plan for the network; empty when nothing."""
        outlook = self.context.outlook
        if outlook is None or not outlook.hours:
            return ""
        if plan not in self._known:
            self._known[plan] = _objection(plan, self.network, self.policy, self.context)
        return self._known[plan]


def _end(found: Sequence[Proposal]) -> datetime | None:
    """When the last of some plans ends; None where one of them stays."""
    ends = [x.plan.until for x in found if x.plan]
    return None if None in ends else max((x for x in ends if x), default=None)


def _fuller(network: Network, context: Context, outlook: Outlook, until: datetime | None) -> Iterator[Network]:
    """Yield the network under the most traffic that comes before a moment: as expected, and as a forecast fears it.

    Where others take something away before that moment, last without what they do.
    """
    feared = outlook.quantiles_before(until)[-1:]
    works = context.taken_away(outlook.hours[0].begins, until or outlook.hours[-1].begins + timedelta(hours=1))
    gone = {element for work in works for element in work.elements}
    for without in (network, taken_away(network, sorted(gone))) if gone else (network,):
        for demands in (outlook.fullest_before(until).demands, *(x.demands for x in feared)):
            fuller = without.with_demands(demands)
            if fuller != network:
                yield fuller


def _growing_less(policy: Policy, network: Network, fuller: Network) -> Policy:
    """The policy whose growth leads from a fuller network to what its growth is from the one of now."""
    ratio = float(network.demands.sum()) / max(float(fuller.demands.sum()), 1e-9)
    factors = tuple(sorted({min(max(x * ratio, 1e-6), 10.0) for x in policy.demand_factors}))
    return policy.model_copy(update={"demand_factors": factors})


def _judged(found: Sequence[Proposal], lasting: Lasting) -> tuple[Proposal, ...]:
    """Take the plans from proposals that some hour objects to; those that hold first."""
    judged, held = list[Proposal](), 0
    for proposal in found:
        objection = "" if proposal.plan is None or held == ENOUGH else lasting.objection(proposal.plan)
        held += proposal.plan is not None and not objection
        judged.append(replace(proposal, plan=None, reason=f"does not last: {objection}") if objection else proposal)
    return tuple(sorted(judged, key=lambda x: x.plan is None))


def _objection(
    plan: Plan,
    network: Network,
    policy: Policy,
    context: Context,
    *,
    checks: Sequence[Callable[[Rehearsal], Check]] = (),
) -> str:
    """Say what the gate's own *horizon*, and what a forecast fears, has against a plan; empty when nothing.

    Both look at its ends alone, so that no state on the way is swept.
    """
    rehearsal = Rehearsal(plan, policy, (network, apply_all(network, plan.steps)), context, _ENGINE)
    feared = context.outlook is not None and context.outlook.quantiles
    found = (check(rehearsal) for check in checks or ((horizon, uncertain) if feared else (horizon,)))
    return next((x.detail for x in found if not x.passed), "")


def _part(proposal: Proposal, network: Network, policy: Policy, context: Context) -> Proposal | None:
    """Return what of a plan holds in every hour, step by step; None where that gains too little.

    Its end is a state that no planner made for the growth that the policy foresees.
    """
    kept: tuple[Change, ...] = ()
    if proposal.plan is None:
        return None
    for step in proposal.plan.steps:
        more = proposal.plan.model_copy(update={"steps": (*kept, step)})
        if not _objection(more, network, policy, context, checks=(horizon, uncertain)):
            kept = more.steps
    gain, _ = relief(simulate(network), simulate(apply_all(network, kept)), policy.max_utilisation)
    if gain <= 0 or gain < policy.min_gain:
        return None
    return _rebased(replace(proposal, plan=proposal.plan.model_copy(update={"steps": kept})), network, policy)


def _rebased(proposal: Proposal, network: Network, policy: Policy) -> Proposal:
    """The same plan for the network under the traffic of now."""
    if proposal.plan is None:
        return proposal
    before, after = (_value(x, policy) for x in (network, apply_all(network, proposal.plan.steps)))
    expected = ExpectedEffect(
        max_utilisation=(before.max_utilisation, after.max_utilisation), harm=(before.harm, after.harm)
    )
    goal = relief_goal(before, after) if proposal.plan.objective == "relieve" else proposal.plan.goal
    plan = proposal.plan.model_copy(update={"base": network.id, "expected": expected, "goal": goal})
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
