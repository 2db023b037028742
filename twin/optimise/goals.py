"""What plans are made for: relieving, draining, sleeping, upgrading, growing; each by the planners that serve it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from math import isfinite
from types import MappingProxyType
from typing import Literal, NamedTuple

from twin.errors import InputError
from twin.gate.checks.context import Context, Scenario
from twin.gate.verdict import Verdict, orderable, verify_knowing, with_growth
from twin.model import Network
from twin.plan import ExpectedEffect, Objective, Plan, SetCapacity, apply_all
from twin.policy import Policy
from twin.printed import percent
from twin.sim.power import PowerModel, power
from twin.sim.simulate import simulate, single_failures

from . import tunnels, weights
from .allowance import Allowance
from .assemble import assemble, bound_of
from .attempt import attempt
from .drain import plan_drain
from .judge import Judge
from .money import cost_of, worded
from .pareto import Compromise, pareto_front
from .preference import Preference, ranked, read_preference
from .proposal import Proposal, Value
from .relieve import METHODS, rank, relieve
from .restore import METHOD as RESTORE
from .scenarios import Measure, plan_for_scenarios
from .sleep import plan_sleep
from .upgrade import PROGRAMME_SIZE, REROUTED, plan_growth, plan_upgrade, plan_upgrade_rerouted

Kind = Literal["relieve", "drain", "sleep", "upgrade", "grow"]
MEASURES: tuple[Measure, ...] = ("mean", "cvar")


class Purpose(NamedTuple):
    """What a plan is for; `element` is the id of what to drain, `factor` how far the demands grow.

    What is drained by `cost_out` stays the last resort.
    """

    kind: Kind
    element: str = ""
    factor: float = 1.0
    cost_out: bool = False


class Terms(NamedTuple):
    """How to look for a plan: a preference over the front, or demand scenarios, within a time limit."""

    prefer: Preference = ()
    scenarios: tuple[Scenario, ...] = ()
    measure: Measure = "cvar"
    time_limit_s: float | None = None
    seed: int = 0


class GoalEffect(NamedTuple):
    """What a plan does besides utilisation, under the demands of the network."""

    mean_delay_ms: float  # one-way propagation, weighted by demand
    watts: float
    failure_utilisation: float  # highest utilisation under any single failure, share of capacity
    cost: float | None  # of its upgrades by the policy's prices; None where one of them has no price


class Choice(NamedTuple):
    """The proposal to follow, and what the gate says of its plan."""

    proposal: Proposal
    plan: Plan
    verdict: Verdict

    @property
    def is_request(self) -> bool:
        """Whether it asks for capacity to be bought, which nothing executes."""
        return is_request(self.plan)

    @property
    def usable(self) -> bool:
        """Whether the gate passed it, or has nothing against it but that a person has to order it."""
        return self.verdict.passed or orderable(self.plan, self.verdict)


def read_terms(
    objective: str | None,
    scenarios: tuple[Scenario, ...],
    measure: str,
    *,
    time_limit_s: float | None = None,
    seed: int = 0,
) -> Terms:
    """Check the words of a request. Raises `InputError` on an objective or a measure that there is not."""
    if measure not in MEASURES:
        raise InputError(f"no measure {measure!r}", fix=f"measures: {', '.join(MEASURES)}")
    return Terms(read_preference(objective) if objective is not None else (), scenarios, measure, time_limit_s, seed)


_NO_TERMS = Terms()


def plan_for(network: Network, policy: Policy, goal: Purpose, terms: Terms = _NO_TERMS) -> tuple[Proposal, ...]:
    """Ask every planner that serves a goal, and return their proposals, best first.

    With a preference, the proposals are the compromises of the Pareto front that serve the goal, the preferred ones
    first; with scenarios, one plan for all of them. A time limit returns the best so far. Raises `InputError`
    on a goal that the terms do not fit, `UnknownElementError` on an element that the network does not have.
    """
    _require_fitting(goal, terms)
    if terms.prefer:
        return _from_front(network, policy, goal.kind, terms)
    if terms.scenarios:
        matrices = [scenario.demands for scenario in terms.scenarios]
        limit = terms.time_limit_s
        return (plan_for_scenarios(network, matrices, policy, measure=terms.measure, time_limit_s=limit),)
    return _PLANNERS[goal.kind](network, policy, goal, terms)


def choose(
    proposals: Sequence[Proposal],
    network: Network,
    policy: Policy,
    *,
    growth: float = 1.0,
    known: Context = Context(),
) -> Choice | None:
    """Return the first proposal whose plan passes the gate, or is a request for capacity and it has no other objection.

    A plan for `growth` times the demands is judged under these, too; `known` is all that the gate is told. Without such
    a proposal, the first that has a plan, with the verdict that rejects it; None when none has one.
    """
    rejected: Choice | None = None
    for proposal in proposals:
        if proposal.plan is None:
            continue
        verdict = verify_knowing(known, proposal.plan, network, policy)
        verdict = with_growth(verdict, proposal.plan, network, policy, growth)
        choice = Choice(proposal, proposal.plan, verdict)
        if choice.usable:
            return choice
        rejected = rejected or choice
    return rejected


def is_request(plan: Plan) -> bool:
    """Whether a plan asks for other capacities, which no executor can make."""
    return any(isinstance(step, SetCapacity) for step in plan.steps)


def effect_of(network: Network, plan: Plan | None, policy: Policy) -> GoalEffect:
    """Measure a plan, or the network as it is, by the policy's model of its routers and its prices."""
    steps = () if plan is None else plan.steps
    state = apply_all(network, steps)
    outcome, model = simulate(state, failures=single_failures(state)), PowerModel.load(policy.power_model)
    failing = float(outcome.sweep.max_utilisation.max(initial=0.0)) if outcome.sweep else 0.0
    watts = power(state, model, load=outcome.load).total_watts
    worst = max(outcome.max_utilisation, failing)
    return GoalEffect(outcome.mean_delay_ms, watts, worst, cost_of(network, steps, policy))


def _require_fitting(goal: Purpose, terms: Terms) -> None:
    limit = terms.time_limit_s
    if limit is not None and not (isfinite(limit) and limit > 0):
        raise InputError(f"a time limit of {limit:g} s is none", fix="give seconds above 0")
    if terms.prefer and goal.kind not in ("relieve", "sleep"):
        raise InputError(f"the goal {goal.kind} has no choice of objective", fix="give one with relieve or sleep")
    if terms.scenarios and (goal.kind != "relieve" or terms.prefer):
        raise InputError("scenarios are for the goal relieve, without an objective", fix="leave the other one out")


def _relief(network: Network, policy: Policy, goal: Purpose, terms: Terms) -> tuple[Proposal, ...]:
    del goal
    methods = [name for name in METHODS if name != RESTORE]  # there is no other state to set back to
    allowance = Allowance(terms.time_limit_s)
    found = relieve(network, policy, methods=methods, seed=terms.seed, time_limit_s=terms.time_limit_s)
    if found[0].before.harm <= 0 and not any(proposal.plan for proposal in found):
        pressed = _pressed(network, policy, terms.seed, allowance)
        better = {proposal.method: proposal for proposal in pressed if proposal.plan}
        found = tuple(sorted((better.get(proposal.method, proposal) for proposal in found), key=rank))
    return found


def _pressed(network: Network, policy: Policy, seed: int, allowance: Allowance) -> Iterator[Proposal]:
    """Lower a peak that does no harm: as if the limit lay half way down to the bound.

    Where several links share the peak, no single change lowers it; under a lower limit each of them counts.
    """
    judge = Judge(network, policy)
    target = (judge.before.max_utilisation + bound_of(network)) / 2
    lower = policy.model_copy(update={"max_utilisation": min(max(target, 1e-6), policy.max_utilisation)})
    for method in (tunnels.METHOD, weights.METHOD):
        planner = partial(METHODS[method], network, lower, seed=seed, time_limit_s=allowance.share(2))
        plan = attempt(method, planner, network, lower).plan
        if plan is not None:
            yield assemble(judge, plan.method, plan.steps)


def _drain(network: Network, policy: Policy, goal: Purpose, terms: Terms) -> tuple[Proposal, ...]:
    each = None if terms.time_limit_s is None else terms.time_limit_s / 2  # tunnels, then weights, may make room
    asked = partial(plan_drain, network, policy, goal.element, cost_out=goal.cost_out)
    return (asked(seed=terms.seed, time_limit_s=each),)


def _sleep(network: Network, policy: Policy, goal: Purpose, terms: Terms) -> tuple[Proposal, ...]:
    del goal
    return (plan_sleep(network, policy, seed=terms.seed, time_limit_s=terms.time_limit_s),)


def _upgrade(network: Network, policy: Policy, goal: Purpose, terms: Terms) -> tuple[Proposal, ...]:
    del goal, terms  # exact and quick: no chance, no time limit
    found = [plan_upgrade(network, policy)]
    if len(network.nodes) * len(network.links) <= PROGRAMME_SIZE:
        found.append(attempt(REROUTED, partial(plan_upgrade_rerouted, network, policy), network, policy))
    return tuple(sorted(found, key=lambda proposal: proposal.plan is None))


def _growth(network: Network, policy: Policy, goal: Purpose, terms: Terms) -> tuple[Proposal, ...]:
    return plan_growth(network, policy, goal.factor, seed=terms.seed, time_limit_s=terms.time_limit_s)


_PLANNERS: Mapping[Kind, Callable[[Network, Policy, Purpose, Terms], tuple[Proposal, ...]]] = MappingProxyType(
    {"relieve": _relief, "drain": _drain, "sleep": _sleep, "upgrade": _upgrade, "grow": _growth}
)


def _from_front(network: Network, policy: Policy, kind: Kind, terms: Terms) -> tuple[Proposal, ...]:
    front = pareto_front(network, policy, seed=terms.seed, time_limit_s=terms.time_limit_s)
    outcome, watts = simulate(network), effect_of(network, None, policy).watts
    before = Value(outcome.harm(policy.max_utilisation).routable, outcome.max_utilisation)
    bound, served = bound_of(network), list[tuple[Proposal, tuple[float, ...]]]()
    for point in front:
        after = Value(
            simulate(apply_all(network, point.steps)).harm(policy.max_utilisation).routable, point.max_utilisation
        )
        serves = after.beats(before, gain=policy.min_gain) if kind == "relieve" else point.watts < watts - 1e-6
        if point.steps and serves:
            plan = _planned(network, point, before, after, "relieve" if kind == "relieve" else "sleep", policy)
            served.append((Proposal(plan.method, plan, before, after, bound), point.measures))
    reason = f"none of the {len(front)} compromises found serves the goal"
    return tuple(ranked(served, terms.prefer)) or (Proposal("pareto", None, before, before, bound, reason),)


def _planned(
    network: Network, point: Compromise, before: Value, after: Value, objective: Objective, policy: Policy
) -> Plan:
    peaks = f"busiest link from {percent(before.max_utilisation)} to {percent(after.max_utilisation)}"
    figures = f"at most {percent(point.failure_utilisation)} under a failure, "
    figures += f"mean delay {point.mean_delay_ms:.3g} ms, {point.watts / 1000:.4g} kW"
    figures += f", for {worded(point.money, policy)}" if point.money else ""
    return Plan(
        goal=f"{'Relieve' if objective == 'relieve' else 'Save power'}: {peaks}, {figures}.",
        base=network.id,
        steps=point.steps,
        method=f"pareto: {point.method}",
        expected=ExpectedEffect(
            max_utilisation=(before.max_utilisation, after.max_utilisation), harm=(before.harm, after.harm)
        ),
        objective=objective,
    )
