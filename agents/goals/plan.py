"""How each goal is planned: by the planner of the twin that serves it, or by exactly the changes that it names."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from tools.box.goal import GoalInForce
from twin.errors import InputError, PlanError
from twin.gate.verdict import Counterexample
from twin.model import Network
from twin.optimise import tunnels, weight_search, weights
from twin.optimise.assemble import assemble, without_plan
from twin.optimise.drain import METHOD as DRAIN
from twin.optimise.drain import plan_drain
from twin.optimise.goals import Purpose, Terms, plan_for
from twin.optimise.judge import Judge
from twin.optimise.proposal import Proposal
from twin.optimise.relieve import METHODS, TACTICAL, Steps, relieve
from twin.optimise.segments import METHOD as SEGMENTS
from twin.optimise.sleep import plan_sleep
from twin.optimise.upgrade import plan_growth
from twin.plan import (
    Change,
    LimitDemand,
    Objective,
    RemoveTunnel,
    SetCapacity,
    SetWeight,
    SleepLink,
    UndrainLink,
    UndrainNode,
    WakeLink,
    apply_all,
)
from twin.policy import Policy
from twin.printed import percent
from twin.sim.simulate import simulate, single_failures

from .times import local_hours
from .types import Goal, Verb
from .wording import written

_ENDING: tuple[Verb, ...] = ("sleep", "drain")
"""What ends with its window: circuits are woken, and what was drained is given back."""

Planning = Callable[[Goal, Network, Policy, Sequence[Counterexample], int], tuple[Proposal, ...]]


def goal_in_force(goal: Goal, network: Network, now: datetime, day: tuple[float, ...] = ()) -> GoalInForce:
    """Make a goal into what the tools of a run plan for; a window that has begun counts as now.

    `day` is the day of traffic that the network declares.
    """
    ahead = goal.window is not None and goal.window.lies_ahead(now)
    return GoalInForce(
        words=written(goal),
        said=goal.text,
        propose=lambda state, policy, avoid, seed, rejected: ending(
            goal, state, propose(goal, state, policy, avoid, seed, rejected)
        ),
        unmet=lambda state, policy: unmet(goal, state, policy),
        growth=goal.factor or 1.0 if goal.verb == "grow" else 1.0,
        only_rehearse=goal.rehearse,
        hours=local_hours(goal.window, network) if ahead and goal.window else None,
        since=goal.window.start if ahead and goal.window else None,
        until=goal.window.end if ahead and goal.window else None,
        ends=goal.window.end if goal.window and goal.verb in _ENDING else None,
        day=day,
    )


def ending(goal: Goal, network: Network, proposals: Sequence[Proposal]) -> tuple[Proposal, ...]:
    """Let what sleeps or is drained for a window be woken and given back at its end, by steps of the plan itself."""
    if goal.window is None or goal.verb not in _ENDING:
        return tuple(proposals)
    until = goal.window.end
    return tuple(replace(x, plan=x.plan.ending(network, until)) if x.plan else x for x in proposals)


def unmet(goal: Goal, network: Network, policy: Policy) -> str:
    """Say what of a goal a state does not meet; nothing where no change is needed for it."""
    match goal.verb:
        case "limit":
            return _over_a_limit(network, policy, failures=goal.limits.max_failure_utilisation is not None)
        case "grow":
            return _over_a_limit(network.with_demands(network.demands * (goal.factor or 1.0)), policy)
        case "upgrade" if not goal.elements:
            return _over_a_limit(network, policy)
        case "restore":
            return "" if not _measures(network) else "there are measures to undo"
        case "wake" if not goal.elements:
            return "" if not any(link.asleep for link in network.links) else "there are circuits asleep"
        case _:
            return "a change was asked for"


def _over_a_limit(network: Network, policy: Policy, *, failures: bool = True) -> str:
    """What breaks a limit, with everything up or, with `failures`, under a single one."""
    outcome = simulate(network, failures=single_failures(network) if failures else ())
    if outcome.harm(policy.max_utilisation).total > 1e-6:
        return f"{outcome.busiest} is at {percent(outcome.max_utilisation)} of its capacity"
    sweep = outcome.sweep
    if sweep is None or not len(sweep.failures):
        return ""
    worst = int(sweep.max_utilisation.argmax())
    if sweep.max_utilisation[worst] <= policy.max_failure_utilisation + 1e-6:
        return ""
    link = network.links[int(sweep.busiest[worst])].name
    return (
        f"when {sweep.failures[worst].name} fails, {link} is at {percent(sweep.max_utilisation[worst])} of its capacity"
    )


def serve(goal: Goal, network: Network, policy: Policy, terms: Terms) -> tuple[Proposal, ...]:
    """Ask every planner that serves the goal on the terms that were set; best first.

    Raises `InputError` on terms that the goal does not take.
    """
    if not terms.prefer and goal.prefer:
        terms = terms._replace(prefer=goal.prefer)
    purpose = _purpose(goal)
    if purpose is not None:
        return plan_for(network, policy, purpose, terms)
    if terms._replace(seed=0, measure="cvar") != Terms():
        raise InputError(f"{goal.verb} takes no objective, scenarios or time limit", fix="leave them out")
    return propose(goal, network, policy, seed=terms.seed)


def _purpose(goal: Goal) -> Purpose | None:
    """What the planners of the twin are asked for; None where the goal names its changes itself."""
    match goal.verb:
        case "relieve":
            return Purpose("relieve")
        case "sleep" | "upgrade" if not goal.elements:
            return Purpose(goal.verb)
        case "grow":
            return Purpose("grow", factor=goal.factor or 1.0)
        case "drain" if len(goal.elements) == 1:
            return Purpose("drain", element=goal.elements[0], cost_out=goal.mode == "cost_out")
        case _:
            return None


def propose(
    goal: Goal,
    network: Network,
    policy: Policy,
    avoid: Sequence[Counterexample] = (),
    seed: int = 0,
    rejected: Collection[Steps] = (),
) -> tuple[Proposal, ...]:
    """Ask the planner that serves the goal; best first. A proposal without a plan says why there is none.

    Where several planners are asked, none proposes steps that were `rejected`.
    """
    planner = _PLANNERS[goal.verb]
    planner = partial(_relief, rejected=rejected) if planner is _relief else planner
    return planner(goal, network, policy, avoid, seed)


def _relief(
    goal: Goal,
    network: Network,
    policy: Policy,
    avoid: Sequence[Counterexample],
    seed: int,
    rejected: Collection[Steps] = (),
) -> tuple[Proposal, ...]:
    if goal.verb == "limit":
        missing = unmet(goal, network, policy)
        if not missing:
            return (without_plan(Judge(network, policy), "limit", "every limit holds as it is"),)
        if missing.startswith("when "):
            reason = f"{missing}; no planner of routes lowers that: ask for an upgrade"
            return (without_plan(Judge(network, policy), "limit", reason),)
    if goal.prefer and not avoid:
        return plan_for(network, policy, Purpose("relieve"), Terms(goal.prefer, seed=seed))
    methods = _MEANS.get(goal.verb, TACTICAL)
    asking = partial(relieve, network, policy, avoid=avoid, rejected=rejected, seed=seed)
    found = asking(methods=methods)
    if any(x.plan for x in found) or goal.verb in _MEANS:
        return found
    return asking(methods=tuple(METHODS))


_MEANS: dict[Verb, tuple[str, ...]] = {
    "reweight": (weights.METHOD, weight_search.METHOD),
    "steer": (tunnels.METHOD, SEGMENTS),
}


def _drain(
    goal: Goal, network: Network, policy: Policy, avoid: Sequence[Counterexample], seed: int
) -> tuple[Proposal, ...]:
    judge, steps = Judge(network, policy, avoid), list[Change]()
    if len(goal.elements) == 1:
        return (
            plan_drain(network, policy, goal.elements[0], cost_out=goal.mode == "cost_out", avoid=avoid, seed=seed),
        )
    required: list[Change] = []
    for element in goal.elements:
        state = apply_all(network, steps)
        one = plan_drain(state, policy, element, cost_out=goal.mode == "cost_out", avoid=avoid, seed=seed)
        if one.plan is None:
            return (without_plan(judge, DRAIN, f"{element}: {one.reason}"),)
        steps += one.plan.steps
        required.append(one.plan.steps[-1])
    return (assemble(judge, DRAIN, steps, objective="drain", required=required),)


def _sleep(
    goal: Goal, network: Network, policy: Policy, avoid: Sequence[Counterexample], seed: int
) -> tuple[Proposal, ...]:
    if goal.elements:
        steps = [SleepLink(circuit=x) for x in goal.elements]
        return (_exactly("link-sleep", steps, "sleep", network, policy, avoid),)
    if goal.prefer and not avoid:
        return plan_for(network, policy, Purpose("sleep"), Terms(goal.prefer, seed=seed))
    return (plan_sleep(network, policy, avoid=avoid, seed=seed),)


def _wake(
    goal: Goal, network: Network, policy: Policy, avoid: Sequence[Counterexample], seed: int
) -> tuple[Proposal, ...]:
    del seed
    asleep = goal.elements or tuple(dict.fromkeys(x.circuit for x in network.links if x.asleep))
    return (_exactly("wake", [WakeLink(circuit=x) for x in asleep], "restore", network, policy, avoid),)


def _undrain(
    goal: Goal, network: Network, policy: Policy, avoid: Sequence[Counterexample], seed: int
) -> tuple[Proposal, ...]:
    del seed
    return (_exactly("undrain", [_undrain_of(x) for x in goal.elements], "restore", network, policy, avoid),)


def _restore(
    goal: Goal, network: Network, policy: Policy, avoid: Sequence[Counterexample], seed: int
) -> tuple[Proposal, ...]:
    del seed
    wanted = [x for x in _measures(network) if not goal.elements or _element(x) in goal.elements]
    return (_exactly("restore", wanted, "restore", network, policy, avoid),)


def _measures(network: Network) -> list[Change]:
    """The changes that undo every drain, sleep, tunnel and rate limit."""
    steps: list[Change] = [UndrainNode(node=x.name) for x in network.nodes if x.drained]
    steps += [UndrainLink(circuit=x) for x in dict.fromkeys(link.circuit for link in network.links if link.drained)]
    steps += [WakeLink(circuit=x) for x in dict.fromkeys(link.circuit for link in network.links if link.asleep)]
    steps += [RemoveTunnel(name=x.name) for x in network.tunnels]
    steps += [LimitDemand(source=x.source, target=x.target, limit=None) for x in network.limits]
    return steps


def _upgrade(
    goal: Goal, network: Network, policy: Policy, avoid: Sequence[Counterexample], seed: int
) -> tuple[Proposal, ...]:
    del avoid
    if not goal.elements:
        return plan_for(network, policy, Purpose("upgrade"), Terms(seed=seed))
    judge = Judge(network, policy)
    if goal.capacity is None:
        return (without_plan(judge, "upgrade", "to which capacity the circuit is upgraded was not said"),)
    steps = [SetCapacity(circuit=x, capacity=goal.capacity) for x in goal.elements]
    lower = [x for x in goal.elements if network.links[network.circuit(x)[0]].capacity >= goal.capacity]
    if lower:
        return (without_plan(judge, "upgrade", f"{lower[0]} has that capacity already, or more"),)
    return (_exactly("upgrade", steps, "restore", network, policy, ()),)


def _growth(
    goal: Goal, network: Network, policy: Policy, avoid: Sequence[Counterexample], seed: int
) -> tuple[Proposal, ...]:
    del avoid
    if not unmet(goal, network, policy):
        return (without_plan(Judge(network, policy), "grow", "the network carries that as it is"),)
    return plan_growth(network, policy, goal.factor or 1.0, seed=seed)


def _weight(
    goal: Goal, network: Network, policy: Policy, avoid: Sequence[Counterexample], seed: int
) -> tuple[Proposal, ...]:
    del seed
    steps = [SetWeight(link=x, weight=goal.weight or 1) for x in goal.elements]
    return (_exactly("set-weight", steps, "relieve", network, policy, avoid),)


def _rate_limit(
    goal: Goal, network: Network, policy: Policy, avoid: Sequence[Counterexample], seed: int
) -> tuple[Proposal, ...]:
    del seed
    pairs = [x.partition("->") for x in goal.elements]
    steps = [LimitDemand(source=source, target=target, limit=goal.rate) for source, _, target in pairs]
    return (_exactly("rate-limit", steps, "relieve", network, policy, avoid),)


def _exactly(
    method: str,
    steps: Sequence[Change],
    objective: Objective,
    network: Network,
    policy: Policy,
    avoid: Sequence[Counterexample],
) -> Proposal:
    """These changes and no others, in a safe order; or why not."""
    judge = Judge(network, policy, avoid)
    if not steps:
        return without_plan(judge, method, "there is nothing to change")
    try:
        return assemble(judge, method, steps, objective=objective, required=steps, prune=False)
    except PlanError as error:
        return without_plan(judge, method, str(error))


def _undrain_of(element: str) -> Change:
    name = element.removeprefix("node/")
    return UndrainNode(node=name) if element.startswith("node/") else UndrainLink(circuit=element)


def _element(step: Change) -> str:
    return f"node/{step.node}" if isinstance(step, UndrainNode) else getattr(step, "circuit", "")


_PLANNERS: dict[Verb, Planning] = {
    "drain": _drain,
    "undrain": _undrain,
    "relieve": _relief,
    "limit": _relief,
    "sleep": _sleep,
    "wake": _wake,
    "upgrade": _upgrade,
    "grow": _growth,
    "restore": _restore,
    "reweight": _relief,
    "steer": _relief,
    "set_weight": _weight,
    "rate_limit": _rate_limit,
}
