"""From the steps that a search found to the plan that is proposed: pruned, ordered, measured on the simulator."""

from collections.abc import Sequence

import numpy as np

from twin.errors import InputError, PlanError
from twin.gate.checks.gain import relief
from twin.gate.checks.touch import subject
from twin.model import Network
from twin.plan import Change, ExpectedEffect, Objective, Plan, apply_all, states
from twin.printed import percent, rates, short, stated
from twin.sim.arrays import FAR, compile_network
from twin.sim.route import route
from twin.sim.simulate import simulate

from .increments import in_increments, without_loops
from .judge import HEADROOM, Judge
from .lp import lowest_utilisation
from .proposal import Proposal, Value

_SPARED = 0.01  # share of a plan's gain that fewer steps may cost in all
BOUND_COLUMNS = 40_000
"""Size up to which relief is measured against the flow optimum; above, against the cut around each node."""


def assemble(
    judge: Judge,
    method: str,
    steps: Sequence[Change],
    *,
    objective: Objective = "relieve",
    required: Sequence[Change] = (),
    prune: bool = True,
) -> Proposal:
    """Return a proposal with these steps, or with none and the reason.

    Steps that are not `required` and not needed are left out, with `prune`; the rest is put into an order in which no
    step does harm. Where there is none, the steps of the longest safe beginning are tried alone. Only relief has to
    gain something: other aims have to be safe.
    """
    if not steps:
        return without_plan(judge, method, "no change that keeps every failure safe makes it better")
    network, policy = judge.network, judge.policy
    steps = _prune(judge, steps, required) if prune else tuple(steps)
    if len(steps) > policy.max_steps:
        return without_plan(judge, method, f"needs {len(steps)} steps, the policy allows {policy.max_steps}")
    state = apply_all(network, steps)
    after = judge.value(judge.route(compile_network(state)))
    if objective == "relieve" and (little := _too_little(judge, state)):
        return without_plan(judge, method, little)
    if judge.declared is not None and judge.under_failures.sweeps_together:
        # every failure will be asked for, on the way as well
        judge.under_failures.foresee((state, *states(network, in_increments(judge, steps))[1:-1]))
    objection = judge.objection(state)
    if objection:
        return without_plan(judge, method, f"the best found is not safe: {objection}")
    ordered, reached = judge.ordered(steps)[:2]
    if ordered is None and reached and set(required) <= set(reached):
        return assemble(judge, method, reached, objective=objective, required=required, prune=prune)
    if ordered is None:
        return without_plan(judge, method, "no order of the steps was found in which harm never rises on the way")
    goal, steps = _goal(judge, after, objective, required), without_loops(judge, ordered)
    expected = _effect(judge, after)
    plan = Plan(goal=goal, base=network.id, steps=steps, method=method, expected=expected, objective=objective)
    return Proposal(method, plan, judge.before, after, bound_of(network), evaluations=judge.evaluations)


def _too_little(judge: Judge, state: Network) -> str:
    """Say by how much less than is agreed a state relieves; empty where it gains enough."""
    gain, words = relief(judge.base, simulate(state), judge.policy.max_utilisation)
    if gain >= judge.policy.min_gain and gain > 0:
        return ""
    best = f"no routing has a peak below {percent(bound_of(judge.network))}"
    return f"gains less than the agreed {stated(judge.policy.min_gain)}: {words}; {best}"


def without_plan(judge: Judge, method: str, reason: str) -> Proposal:
    """Return the honest answer that there is no plan, and why."""
    before = judge.before
    return Proposal(method, None, before, before, bound_of(judge.network), reason, judge.evaluations)


def bound_of(network: Network) -> float:
    """Return a lower bound on the peak utilisation: the flow optimum, or the cuts around nodes on large networks."""
    if len(network.nodes) * len(network.links) <= BOUND_COLUMNS:
        try:
            return lowest_utilisation(network).max_utilisation
        except InputError:
            pass
    return node_cut_bound(network)


def node_cut_bound(network: Network) -> float:
    """Return the highest share of capacity that any node's own demand takes of all its links, out or in.

    Only demand with a path counts, and only on links without loss upstream: 0 on networks with lossy links.
    """
    arrays = compile_network(network)
    if (arrays.keep < 1).any():
        return 0.0
    routing = route(arrays)
    volume = np.where(routing.paths.dist < FAR, arrays.offered, 0.0)
    usable = np.where(arrays.weight < FAR, arrays.capacity, 0.0)
    n = volume.shape[0]
    shares: list[float] = [0.0]
    for ends, demand in ((arrays.tail, volume.sum(axis=0)), (arrays.head, volume.sum(axis=1))):
        capacity = np.bincount(ends, weights=usable, minlength=n)
        shares += [float(x) for x in demand[capacity > 0] / capacity[capacity > 0]]
    return max(shares)


def _prune(judge: Judge, steps: Sequence[Change], required: Sequence[Change]) -> tuple[Change, ...]:
    """Leave out, last first, the steps without which a plan is as safe and, but for `_SPARED` of the gain, as good.

    With harm, only harm counts: a step fewer is worth more than a lower peak.
    """
    kept, before, reached = tuple(steps), _value(judge, ()), _value(judge, steps)
    harm = reached.harm + _SPARED * max(before.harm - reached.harm, 0.0) + 1e-6
    peak = reached.max_utilisation + _SPARED * max(before.max_utilisation - reached.max_utilisation, 0.0) + 1e-9
    for step in reversed(steps):
        fewer = tuple(x for x in kept if x is not step)
        if step in required or not fewer:
            continue
        try:
            value = _value(judge, fewer)
        except PlanError:
            continue
        as_good = value.harm <= harm and (before.harm > 1e-6 or value.max_utilisation <= peak)
        if as_good and judge.is_safe(apply_all(judge.network, fewer)):
            kept = fewer
    return kept


def _value(judge: Judge, steps: Sequence[Change]) -> Value:
    return judge.value(judge.route(compile_network(apply_all(judge.network, steps))), scale=HEADROOM)


def _effect(judge: Judge, after: Value) -> ExpectedEffect:
    before = judge.before
    return ExpectedEffect(
        max_utilisation=(before.max_utilisation, after.max_utilisation), harm=(before.harm, after.harm)
    )


def _goal(judge: Judge, after: Value, objective: Objective, required: Sequence[Change]) -> str:
    if objective == "relieve":
        return relief_goal(judge.before, after)
    peak = _peak(judge.before, after)
    names = ", ".join(short(subject(step)) for step in required)
    listed = names if len(names) <= 200 else f"{len(required)} elements"
    return f"{objective.replace('_', ' ').capitalize()} {listed}; {peak}."


def relief_goal(before: Value, after: Value) -> str:
    """Say what a plan that relieves is for, in its figures."""
    if before.harm > after.harm + 1e-6:
        harm, left = rates(before.harm, after.harm)
        return f"Lower harm from {harm} to {left}, {_peak(before, after)}."
    return f"Lower the {_peak(before, after)}."


def _peak(before: Value, after: Value) -> str:
    return f"busiest link from {percent(before.max_utilisation)} to {percent(after.max_utilisation)}"
