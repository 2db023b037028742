"""The front of the best compromises between peak utilisation, delay, power and the number of changes."""

from collections.abc import Iterator, Sequence
from functools import partial
from math import inf
from time import monotonic
from typing import NamedTuple

from twin.errors import PlanError
from twin.model import Network
from twin.plan import Change, apply_all
from twin.policy import Policy
from twin.sim.power import PowerModel, power
from twin.sim.simulate import simulate

from .assemble import bound_of
from .attempt import attempt
from .judge import Judge
from .sleep import plan_sleep
from .tunnels import relieve_by_tunnels
from .weights import relieve_by_weights

_PRESSURES = (1.0, 0.5, 0.02)
"""How far above the bound the planners are sent, as a share of the way from the bound to the present peak."""


class Compromise(NamedTuple):
    """One point of the front: no other found is as good in everything and better in something."""

    max_utilisation: float  # share of capacity on the busiest link
    mean_delay_ms: float  # mean one-way propagation delay, weighted by demand
    watts: float
    changes: int
    steps: tuple[Change, ...]  # in a safe order; empty for the network as it is
    method: str


def pareto_front(
    network: Network,
    policy: Policy,
    *,
    model: PowerModel | None = None,
    seed: int = 0,
    time_limit_s: float | None = None,
) -> tuple[Compromise, ...]:
    """Return safe states that no other found state dominates, the lowest peak first; the present state is one of them.

    Candidates are every prefix of the plans that the tunnel, weight and sleep planners make under growing pressure on
    the peak, alone and together. Every point keeps the rules of the gate, failures included, and has a safe order. A
    time limit ends with the front of the candidates so far.
    """
    deadline = inf if time_limit_s is None else monotonic() + time_limit_s
    judge, model = Judge(network, policy), model or PowerModel.load(policy.power_model)
    known: dict[str, Compromise] = {}
    for method, steps in _candidates(network, policy, seed, deadline):
        if monotonic() > deadline and known:
            break
        try:
            state = apply_all(network, steps)
        except PlanError:
            continue
        if state.id in known or (steps and not judge.is_safe(state)):
            continue
        ordered = judge.in_safe_order(steps) if steps else ()
        if ordered is not None:
            known[state.id] = _point(state, ordered, method, model)
    points = list(known.values())
    front = [point for point in points if not any(_dominates(other, point) for other in points)]
    return tuple(sorted(front, key=lambda point: (point[:4], point.method)))


def _candidates(
    network: Network, policy: Policy, seed: int, deadline: float
) -> Iterator[tuple[str, tuple[Change, ...]]]:
    yield "none", ()
    asleep = plan_sleep(network, policy, time_limit_s=_left(deadline)).plan
    naps = asleep.steps if asleep else ()
    for count in range(1, len(naps) + 1):
        yield "link-sleep", naps[:count]
    for rested in sorted({0, len(naps) // 2, len(naps)}):
        if policy.max_steps <= rested or monotonic() > deadline:
            continue
        fewer = policy.model_copy(update={"max_steps": policy.max_steps - rested, "min_gain": 0.0})
        for steps in _routed(apply_all(network, naps[:rested]), fewer, seed, deadline):
            method = "routing" if rested == 0 else "routing+link-sleep"
            yield method, (*naps[:rested], *steps)


def _left(deadline: float) -> float | None:
    return None if deadline == inf else max(0.0, deadline - monotonic())


def _routed(network: Network, policy: Policy, seed: int, deadline: float) -> Iterator[tuple[Change, ...]]:
    """Yield every prefix of the plans that lower the peak more and more."""
    peak, best = simulate(network).max_utilisation, bound_of(network)
    for pressure in _PRESSURES:
        if monotonic() > deadline:
            return
        target = best + pressure * (peak - best)
        pressed = policy.model_copy(update={"max_utilisation": min(max(target, 1e-6), 1.0)})
        for planner in (relieve_by_tunnels, relieve_by_weights):
            asked = partial(planner, network, pressed, seed=seed, time_limit_s=_left(deadline))
            plan = attempt("routing", asked, network, pressed).plan
            steps: Sequence[Change] = plan.steps if plan else ()
            yield from (tuple(steps[:count]) for count in range(1, len(steps) + 1))


def _point(state: Network, steps: tuple[Change, ...], method: str, model: PowerModel) -> Compromise:
    outcome = simulate(state)
    watts = power(state, model, load=outcome.load).total_watts
    return Compromise(outcome.max_utilisation, outcome.mean_delay_ms, watts, len(steps), steps, method)


def _dominates(one: Compromise, other: Compromise) -> bool:
    pairs = list(zip(one[:4], other[:4], strict=True))
    return all(a <= b + 1e-9 for a, b in pairs) and any(a < b - 1e-9 for a, b in pairs)
