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
from twin.gate.verdict import orderable, verify_knowing
from twin.model import Network
from twin.plan import Change, ExpectedEffect, Plan, apply_all
from twin.policy import Policy
from twin.sim.simulate import simulate

from .assemble import relief_goal
from .baseline import known_under
from .in_time import fitting, in_its_hours, sparing, too_late
from .proposal import Proposal, Value

_ENGINE = Local()
ENOUGH = 3
"""Proposals that hold, from which on the others are not looked at."""
_FEW = 1 << 17
"""Loads, of each link under each failure, up to which so many are looked at (110 nodes); beyond, until one holds."""


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
    of a plan that relieves do that hold together, if they gain what the policy asks. Planners are asked for no more
    steps than can be made in time, and steps are put into an order that holds in the hours of each. Proposals that hold
    in every hour come first, in the planner's order; those that do not lose their plan, with the hour as the reason.
    `lasting` is what the planner asks meanwhile, if it does.
    """
    lasting = lasting or Lasting(network, policy, coming)
    limits = fitting(policy, coming)
    found, outlook = tuple(planner(network, limits)), coming.outlook
    fewer = fitting(policy, coming, _end(found))
    if any(x.plan and len(x.plan.steps) > fewer.max_steps for x in found):
        limits, found = fewer, tuple(planner(network, fewer))
    if not any(x.plan for x in found):
        return found
    judged = _verified(found, lasting)
    if not any(x.plan for x in judged) and (spared := sparing(limits, coming, network)) != limits:
        limits, found = spared, tuple(planner(network, spared))
        judged = _verified(found, lasting)
    if outlook is None or not outlook.hours or any(x.plan for x in judged):
        return judged
    for fuller in _fuller(network, coming, outlook, _end(found)):
        again = planner(fuller, _growing_less(limits, network, fuller))
        rebased = [_rebased(x, network, policy) for x in again]
        held = _verified(rebased, lasting, made_here=False)
        if any(x.plan for x in held):
            return (*(x for x in held if x.plan), *judged)
    return (*_parts_that_hold(found, lasting), *judged)


def _parts_that_hold(found: Sequence[Proposal], lasting: "Lasting") -> Iterator[Proposal]:
    """Of plans that relieve, what holds in every hour where the whole does not."""
    whole = [x for x in found if x.plan and x.plan.objective == "relieve"][:ENOUGH]
    parts = [part for x in whole if (part := _part(x, lasting)) is not None]
    return (x for x in _verified(parts, lasting, made_here=False) if x.plan)


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


def _verified(found: Sequence[Proposal], lasting: "Lasting", *, made_here: bool = True) -> tuple[Proposal, ...]:
    """Take the plans from proposals that cannot be made in time, or that some hour objects to; those that hold first.

    What was not `made_here`, for the network under the traffic of now, is put before the whole gate.
    """
    judged, held, network = list[Proposal](), 0, lasting.network
    few = len(network.links) * (len(network.nodes) + len(network.circuits)) <= _FEW
    for proposal in found:
        plan, because = proposal.plan, ""
        if plan is not None and held < (ENOUGH if few else 1):
            plan, because = lasting.in_order(plan)
            if plan is not None and not made_here:
                because = _against(plan, network, lasting.policy, lasting.context)
                plan = None if because else plan
            held += plan is not None
        judged.append(replace(proposal, plan=plan, reason=because or proposal.reason))
    return tuple(sorted(judged, key=lambda x: x.plan is None))


class Lasting:
    """Which plans for a network can be made in time and hold in every hour ahead; each is judged once."""

    def __init__(self, network: Network, policy: Policy, coming: Context) -> None:
        self.network, self.policy, self.context = network, policy, coming
        self._known: dict[Plan, str] = {}
        self._ordered: dict[Plan, tuple[Plan | None, str]] = {}

    def __call__(self, proposal: Proposal) -> bool:
        """Whether a proposal has a plan that holds, made for the traffic of now or for that of another hour."""
        if proposal.plan is not None and proposal.plan.base != self.network.id:
            proposal = _rebased(proposal, self.network, self.policy)
        return proposal.plan is not None and not self.objection(proposal.plan)

    @property
    def passing(self) -> tuple[tuple[Change, ...], ...]:
        """The steps of the plans that do not hold, as far as they were judged."""
        return tuple(plan.steps for plan, objection in self._known.items() if objection)

    @property
    def _nothing_comes(self) -> bool:
        outlook = self.context.outlook
        return not self.context.works and (outlook is None or not outlook.hours)

    def objection(self, plan: Plan) -> str:
        """Say what some hour has against the ends of a plan for the network; empty when nothing."""
        if self._nothing_comes:
            return ""
        if plan not in self._known:
            self._known[plan] = _objection(plan, self.network, self.policy, self.context)
        return self._known[plan]

    def in_order(self, plan: Plan) -> tuple[Plan | None, str]:
        """Return a plan in an order in which it can be made in time and lasts; None, and why, where there is none."""
        if plan not in self._ordered:
            self._ordered[plan] = self._in_order(plan)
        return self._ordered[plan]

    def _in_order(self, plan: Plan) -> tuple[Plan | None, str]:
        if late := too_late(plan, self.network, self.policy, self.context):
            return None, late
        objection = self.objection(plan)
        if objection and len(plan.closing) < 2:
            return None, f"does not last: {objection}"
        if self._nothing_comes:
            return plan, ""
        ordered, against = in_its_hours(plan, self.network, self.policy, self.context)
        if ordered is not None and objection:
            against = self.objection(ordered)
        return (None, f"does not last: {against}") if against or ordered is None else (ordered, "")


def _against(plan: Plan, network: Network, policy: Policy, context: Context) -> str:
    """Say what the gate has against a plan, but for the data and what a person has to order; empty when nothing."""
    verdict = verify_knowing(context, plan, network, policy, _ENGINE)
    failed = next((x for x in verdict.checks if not x.passed and x.name != "fresh"), None)
    return "" if failed is None or orderable(plan, verdict) else f"fails *{failed.name}*: {failed.detail}"


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
    known = known_under(network, policy.max_failure_utilisation)
    rehearsal = Rehearsal(plan, policy, (network, apply_all(network, plan.steps)), context, _ENGINE, known)
    feared = context.outlook is not None and context.outlook.quantiles
    found = (check(rehearsal) for check in checks or ((horizon, uncertain) if feared else (horizon,)))
    return next((x.detail for x in found if not x.passed), "")


def _part(proposal: Proposal, lasting: Lasting) -> Proposal | None:
    """Return what of a plan holds in every hour, step by step; None where that gains too little.

    Its end is a state that no planner made for the growth that the policy foresees.
    """
    network, policy, context = lasting.network, lasting.policy, lasting.context
    kept: tuple[Change, ...] = ()
    if proposal.plan is None:
        return None
    for step in proposal.plan.steps:
        more = proposal.plan.model_copy(update={"steps": (*kept, step)})
        if not (lasting.objection(more) or _objection(more, network, policy, context, checks=(uncertain,))):
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
