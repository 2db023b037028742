"""The front of the best compromises between peak, peak under failures, delay, power, number of changes and money."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from twin.errors import PlanError
from twin.formats.provision import next_capacity
from twin.model import Network
from twin.plan import Change, SetCapacity, apply_all
from twin.policy import Policy
from twin.sim.power import PowerModel, power
from twin.sim.simulate import simulate, single_failures

from .allowance import Allowance
from .assemble import bound_of
from .attempt import attempt
from .judge import Judge
from .money import cost_of, prices_of
from .sleep import plan_sleep
from .tunnels import relieve_by_tunnels
from .weights import relieve_by_weights

_MOST_UPGRADES = 6
_PRESSURES = (1.0, 0.5, 0.02)
"""How far above the bound the planners are sent, as a share of the way from the bound to the present peak."""


class Compromise(NamedTuple):
    """One point of the front: no other found is as good in everything and better in something."""

    max_utilisation: float  # share of capacity on the busiest link
    failure_utilisation: float  # the same under the worst single failure: the N-1 margin is what is missing to 1
    mean_delay_ms: float  # mean one-way propagation delay, weighted by demand
    watts: float
    changes: int
    money: float  # what its upgrades cost by the policy's prices; 0 without one
    steps: tuple[Change, ...]  # in a safe order; empty for the network as it is
    method: str

    @property
    def measures(self) -> tuple[float, ...]:
        """Its figures in the order of `OBJECTIVES`: less is better in each."""
        peaks = self.max_utilisation, self.failure_utilisation
        return (*peaks, self.mean_delay_ms, self.watts, float(self.changes), self.money)


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
    the peak, alone and together, and upgrades of the circuits for which the policy declares a price. Every point keeps
    the rules of the gate, failures included, and has a safe order. A time limit ends with the front of the candidates
    so far.
    """
    allowance = Allowance(time_limit_s)
    judge, model = Judge(network, policy), model or PowerModel.load(policy.power_model)
    known: dict[str, Compromise] = {}
    for method, steps in _candidates(network, policy, seed, allowance):
        if allowance.spent and known:
            break
        try:
            state = apply_all(network, steps)
        except PlanError:
            continue
        if state.id in known or (steps and not judge.is_safe(state)):
            continue
        ordered = judge.in_safe_order(steps) if steps else ()
        if ordered is not None:
            cost = cost_of(network, ordered, policy) or 0.0
            known[state.id] = _point(state, ordered, method, model, cost)
    points = list(known.values())
    front = [point for point in points if not any(_dominates(other, point) for other in points)]
    return tuple(sorted(front, key=lambda point: (point.measures, point.method)))


def _candidates(
    network: Network, policy: Policy, seed: int, allowance: Allowance
) -> Iterator[tuple[str, tuple[Change, ...]]]:
    yield "none", ()
    asleep = plan_sleep(network, policy, time_limit_s=allowance.share()).plan
    naps = asleep.steps if asleep else ()
    for count in range(1, len(naps) + 1):
        yield "link-sleep", naps[:count]
    for rested in sorted({0, len(naps) // 2, len(naps)}):
        if policy.max_steps <= rested or allowance.spent:
            continue
        fewer = policy.model_copy(update={"max_steps": policy.max_steps - rested, "min_gain": 0.0})
        for steps in _routed(apply_all(network, naps[:rested]), fewer, seed, allowance):
            method = "routing" if rested == 0 else "routing+link-sleep"
            yield method, (*naps[:rested], *steps)
    for steps in _upgrades(network, policy):
        yield "upgrade", steps


def _upgrades(network: Network, policy: Policy) -> Iterator[tuple[Change, ...]]:
    """Yield growing upgrades, circuit by circuit: of the busiest link, with everything up and under failures.

    Each takes the circuit to its next standard capacity; a circuit without a price ends the row.
    """
    prices = prices_of(network, policy)
    if not prices:
        return
    for failing in (False, True):
        state, wanted = network, dict[str, float]()
        for _ in range(_MOST_UPGRADES):
            circuit = _busiest_circuit(state, failing=failing)
            if circuit is None or circuit not in prices:
                break
            wanted[circuit] = next_capacity(min(state.links[i].capacity for i in state.circuits[circuit]))
            steps = tuple(SetCapacity(circuit=name, capacity=size) for name, size in wanted.items())
            state = apply_all(network, steps)
            yield steps


def _busiest_circuit(network: Network, *, failing: bool) -> str | None:
    outcome = simulate(network, failures=single_failures(network) if failing else ())
    sweep = outcome.sweep
    busy = outcome.utilisation if sweep is None else np.maximum(outcome.utilisation, sweep.worst_utilisation)
    return network.links[int(busy.argmax())].circuit if busy.max(initial=0.0) > 0 else None


def _routed(network: Network, policy: Policy, seed: int, allowance: Allowance) -> Iterator[tuple[Change, ...]]:
    """Yield every prefix of the plans that lower the peak more and more."""
    peak, best = simulate(network).max_utilisation, bound_of(network)
    for pressure in _PRESSURES:
        if allowance.spent:
            return
        target = best + pressure * (peak - best)
        pressed = policy.model_copy(update={"max_utilisation": min(max(target, 1e-6), 1.0)})
        for planner in (relieve_by_tunnels, relieve_by_weights):
            asked = partial(planner, network, pressed, seed=seed, time_limit_s=allowance.share())
            plan = attempt("routing", asked, network, pressed).plan
            steps: Sequence[Change] = plan.steps if plan else ()
            yield from (tuple(steps[:count]) for count in range(1, len(steps) + 1))


def _point(state: Network, steps: tuple[Change, ...], method: str, model: PowerModel, cost: float) -> Compromise:
    outcome = simulate(state, failures=single_failures(state))
    failing = float(outcome.sweep.max_utilisation.max(initial=0.0)) if outcome.sweep else 0.0
    watts = power(state, model, load=outcome.load).total_watts
    peaks = outcome.max_utilisation, max(outcome.max_utilisation, failing)
    return Compromise(*peaks, outcome.mean_delay_ms, watts, len(steps), cost, steps, method)


def _dominates(one: Compromise, other: Compromise) -> bool:
    pairs = list(zip(one.measures, other.measures, strict=True))
    return all(a <= b + 1e-9 for a, b in pairs) and any(a < b - 1e-9 for a, b in pairs)
