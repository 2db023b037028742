"""Capacity: the cheapest upgrade that carries the traffic, and what growth the network still bears.

A plan of capacity changes is a request to buy: the gate judges it, never passes it, and nothing executes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import log, log1p
from typing import NamedTuple

import numpy as np

from twin.formats.provision import next_capacity, standard_capacity
from twin.model import Floats, Network
from twin.plan import Change, ExpectedEffect, Plan, SetCapacity, apply_all
from twin.policy import Policy
from twin.printed import counted, stated
from twin.sim.simulate import simulate, single_failures

from . import tunnels, weights
from .assemble import bound_of
from .attempt import attempt
from .demand_growth import DemandGrowth
from .lp import lowest_utilisation
from .money import MBPS_OF_GBPS, cost_of, prices_of, worded
from .proposal import Proposal, Value
from .tunnels import relieve_by_tunnels
from .weights import relieve_by_weights

METHOD = "capacity-upgrade"
REROUTED = "capacity-upgrade-rerouted"
MOST_STEPS = 50
WEEKS_A_YEAR = 52.18
_TOLERANCE = 1e-9
_TIMES, _FUTURES = 7, 20
"""Times at which growth by demand is evaluated, a need grows steadily in between; and draws of it that are."""
PROGRAMME_SIZE = 10_000  # nodes times links up to which growth is planned with rerouting too


def plan_upgrade(network: Network, policy: Policy, *, growth: float = 1.0) -> Proposal:
    """Request the cheapest capacities with which the present routing carries `growth` times the demands.

    Every link keeps the limit with everything up and the failure limit under every single failure. The routing does
    not look at capacity, so each circuit needs the smallest standard size that fits its own worst load: no cheaper set
    exists. Above the largest size, whole multiples of it.
    """
    grown = network.with_demands(network.demands * growth)
    needed = _needed(grown, policy)
    capacity = {
        name: standard_capacity(need)
        for name, need in needed.items()
        if need > _capacity(grown, name) * (1 + _TOLERANCE)
    }
    return _request(network, grown, policy, capacity, METHOD)


def plan_upgrade_rerouted(network: Network, policy: Policy, *, growth: float = 1.0) -> Proposal:
    """Request few upgrades with which some routing carries `growth` times the demands, everything up.

    Greedy: the circuit whose next size lowers the optimum most by its price (the dual of the flow programme) per
    Mbit/s, or per money where the policy declares what every circuit costs, is upgraded until the limit holds, then
    upgrades that turned out unneeded are taken back, the dearest first. The routing still has to follow, by tunnels or
    weights. Raises `InputError` on networks too large for the programme.
    """
    grown = network.with_demands(network.demands * growth)
    chosen: dict[str, float] = {}
    prices = _every_price(network, policy)
    while (optimum := lowest_utilisation(_upgraded(grown, chosen))).max_utilisation > _limit(policy):
        priced = _dearest(_upgraded(grown, chosen), optimum.price, prices)
        if priced is None:
            break
        chosen[priced] = next_capacity(_capacity(_upgraded(grown, chosen), priced))
    added = {name: prices[name] * (size - _capacity(network, name)) for name, size in chosen.items()}
    for name in sorted(chosen, key=lambda x: (-added[x], -chosen[x], x)):
        fewer = {other: size for other, size in chosen.items() if other != name}
        if lowest_utilisation(_upgraded(grown, fewer)).max_utilisation <= _limit(policy):
            chosen = fewer
    return _request(network, grown, policy, {x: chosen[x] for x in network.circuits if x in chosen}, REROUTED)


def plan_growth(
    network: Network, policy: Policy, factor: float, *, seed: int = 0, time_limit_s: float | None = None
) -> tuple[Proposal, ...]:
    """Return what makes `factor` times the demands fit, best first: tunnels or weights where they do, else capacity.

    Values are measured under the grown demands; every plan is for `network` itself. Rerouting shares the time limit.
    """
    grown = network.with_demands(network.demands * factor)
    each = None if time_limit_s is None else time_limit_s / 2
    planners = {weights.METHOD: relieve_by_weights, tunnels.METHOD: relieve_by_tunnels}
    found = [
        attempt(method, partial(planner, grown, policy, seed=seed, time_limit_s=each), grown, policy)
        for method, planner in planners.items()
    ]
    asked = {"base": network.id, "objective": "change"}  # what it is good for shows under the grown demands alone
    rebased = [replace(x, plan=x.plan.model_copy(update=asked)) if x.plan else x for x in found]
    found = [*rebased, plan_upgrade(network, policy, growth=factor)]
    if len(network.nodes) * len(network.links) <= PROGRAMME_SIZE:
        rerouted = partial(plan_upgrade_rerouted, network, policy, growth=factor)
        found.append(attempt(REROUTED, rerouted, grown, policy))
    return tuple(sorted(found, key=lambda x: (x.plan is None, x.after.harm > 1e-6, found.index(x))))


def _request(network: Network, grown: Network, policy: Policy, capacity: Mapping[str, float], method: str) -> Proposal:
    before, limit = _value(grown, policy, method), policy.max_utilisation
    if not capacity:
        return Proposal(method, None, before, before, bound_of(grown), "the capacities are sufficient")
    steps: tuple[Change, ...] = tuple(SetCapacity(circuit=name, capacity=size) for name, size in capacity.items())
    if len(steps) > MOST_STEPS:
        reason = f"{len(steps)} circuits need more capacity, more than the {MOST_STEPS} that one plan holds"
        return Proposal(method, None, before, before, bound_of(grown), reason)
    upgraded = apply_all(grown, steps)
    after = _value(upgraded, policy, method)
    added = sum(size - _capacity(network, name) for name, size in capacity.items())
    goal = (
        f"Buy {added / 1000:.6g} Gbit/s on {counted(len(steps), 'circuits')}, so that no link exceeds {stated(limit)}"
    )
    goal += " once the traffic is rerouted" if method == REROUTED else " as routed, nor its limit under a failure"
    cost = cost_of(network, steps, policy)
    goal += f", for {worded(cost, policy)}." if cost is not None else "."
    effect = ExpectedEffect(
        max_utilisation=(before.max_utilisation, after.max_utilisation), harm=(before.harm, after.harm)
    )
    plan = Plan(goal=goal, base=network.id, steps=steps, method=method, expected=effect)
    return Proposal(method, plan, before, after, bound_of(upgraded))


def _value(network: Network, policy: Policy, method: str) -> Value:
    """Measure as routed, or what the best routing would give where the plan counts on it."""
    if method == REROUTED:
        optimum = lowest_utilisation(network)
        capacity = np.array([link.capacity for link in network.links])
        excess = np.maximum(optimum.load - _limit(policy) * capacity, 0.0).sum()
        return Value(float(excess) + optimum.unroutable, optimum.max_utilisation)
    outcome = simulate(network)
    return Value(outcome.harm(policy.max_utilisation).routable, outcome.max_utilisation)


def _needed(network: Network, policy: Policy) -> dict[str, float]:
    """Capacity that the worst load of each circuit asks for, Mbit/s."""
    outcome = simulate(network, failures=single_failures(network))
    capacity = np.array([link.capacity for link in network.links])
    worst = outcome.sweep.worst_utilisation * capacity if outcome.sweep else outcome.load
    need: Floats = np.maximum(outcome.load / policy.max_utilisation, worst / policy.max_failure_utilisation)
    return {name: float(need[list(links)].max()) for name, links in network.circuits.items()}


def _every_price(network: Network, policy: Policy) -> Mapping[str, float]:
    """Return what a Gbit/s costs on each circuit; alike on all where the policy leaves one open."""
    prices = prices_of(network, policy)
    return prices if len(prices) == len(network.circuits) else dict.fromkeys(network.circuits, 1.0)


def _dearest(network: Network, price: Floats, prices: Mapping[str, float]) -> str | None:
    """Return the circuit whose capacity is worth most for its money; None when none is worth anything."""
    worth = {name: float(price[list(links)].sum()) for name, links in network.circuits.items()}
    name = max(worth, key=lambda x: (worth[x] / max(prices[x], 1e-9), x), default=None)
    return name if name is not None and worth[name] > _TOLERANCE / _capacity(network, name) else None


def _upgraded(network: Network, capacity: Mapping[str, float]) -> Network:
    return apply_all(network, [SetCapacity(circuit=name, capacity=size) for name, size in sorted(capacity.items())])


def _capacity(network: Network, circuit: str) -> float:
    return min(network.links[i].capacity for i in network.circuits[circuit])


def _limit(policy: Policy) -> float:
    return policy.max_utilisation * (1 + 1e-6)


class DueUpgrade(NamedTuple):
    """A circuit that growth will fill: what it will need, and in how many weeks; None where not in the time asked."""

    circuit: str
    capacity: float  # Mbit/s, the standard size that carries it at the end of the time
    weeks: tuple[float | None, float | None, float | None]  # at the high, likely and low growth
    cost: float | None  # by the policy's prices; None where it has none for the circuit


def upgrades_due(
    network: Network, policy: Policy, per_year: tuple[float, float, float], weeks: float
) -> tuple[DueUpgrade, ...]:
    """Say which circuits need more capacity within some weeks, as routed, under every single failure; soonest first.

    All demands grow by the same share a year: `per_year` is the low, likely and high one. The size is that of the
    likely growth, the next one above where only the high one needs any. Growth of 0 or less fills nothing.
    """
    prices, found = prices_of(network, policy), list[DueUpgrade]()
    low, likely, high = per_year
    for circuit, need in _needed(network, policy).items():
        has = _capacity(network, circuit)
        when = tuple(_weeks_to(has, need, rate, weeks) for rate in (high, likely, low))
        if when[0] is None:
            continue
        wanted = max(need * (1 + likely) ** (weeks / WEEKS_A_YEAR), has * (1 + 1e-6))
        size = standard_capacity(wanted)
        price = prices.get(circuit)
        cost = None if price is None else price * (size - has) / MBPS_OF_GBPS
        found.append(DueUpgrade(circuit, size, (when[0], when[1], when[2]), cost))
    return tuple(sorted(found, key=lambda x: (x.weeks[1] is None, x.weeks[1] or 0.0, x.weeks[0] or 0.0, x.circuit)))


def upgrades_due_by_demand(
    network: Network, policy: Policy, growth: DemandGrowth, weeks: float, *, coverage: float = 0.9
) -> tuple[DueUpgrade, ...]:
    """Say the same where each demand grows by its own share a year; intervals are those of the growths that may be."""
    time = np.linspace(0.0, weeks, _TIMES)
    names, has = list(network.circuits), np.array([_capacity(network, x) for x in network.circuits])
    likely = _needs(network, policy, growth.likely, time)
    full = np.array([_full_by(time, _needs(network, policy, x, time), has) for x in growth.draws[:_FUTURES]])
    tail, prices, found = (1 - coverage) / 2, prices_of(network, policy), list[DueUpgrade]()
    early, late = np.quantile(full, [tail, 1 - tail], axis=0, method="inverted_cdf")
    middle = _full_by(time, likely, has)
    for c, circuit in enumerate(names):
        ends = (min(early[c], middle[c]), middle[c], max(late[c], middle[c]))
        if not np.isfinite(ends[0]):
            continue
        size = standard_capacity(max(float(likely[-1, c]), float(has[c]) * (1 + 1e-6)))
        price = prices.get(circuit)
        cost = None if price is None else price * (size - float(has[c])) / MBPS_OF_GBPS
        told = [float(x) if np.isfinite(x) else None for x in ends]
        found.append(DueUpgrade(circuit, size, (told[0], told[1], told[2]), cost))
    return tuple(sorted(found, key=lambda x: (x.weeks[1] is None, x.weeks[1] or 0.0, x.weeks[0] or 0.0, x.circuit)))


def _needs(network: Network, policy: Policy, per_year: Floats, time: Floats) -> Floats:
    """What each circuit needs at some times, weeks from now, when demands grow by these logarithms a year [T, C]."""
    grown = (network.with_demands(network.demands * np.exp(per_year * x / WEEKS_A_YEAR)) for x in time)
    return np.array([list(_needed(x, policy).values()) for x in grown], np.float64)


def _full_by(time: Floats, need: Floats, has: Floats) -> Floats:
    """When each circuit first needs more than it has, weeks; growth is steady between two times; inf where not [C]."""
    found = np.full(len(has), np.inf)
    for c in range(len(has)):
        over = np.flatnonzero(need[:, c] > has[c] * (1 + _TOLERANCE))
        if over.size:
            k = int(over[0])
            before, after = need[max(k - 1, 0), c], need[k, c]
            part = log(has[c] / before) / log(after / before) if k and before > 0 else 1.0
            found[c] = time[k] if not k else time[k - 1] + part * (time[k] - time[k - 1])
    return found


def plan_upgrades_due(
    network: Network, policy: Policy, due: Sequence[DueUpgrade], busy: Network, *, growth: Floats | float
) -> Proposal:
    """Request the upgrades that the likely growth makes due, in the order of their weeks.

    `busy` is the network in its busy hours now, for which `upgrades_due` said what is due, and `growth` how far its
    demands, all or each [n, n], will have grown at the end of the time, under which values are measured. What only the
    high growth fills is not asked for.
    """
    likely = [x for x in due if x.weeks[1] is not None]
    grown = busy.with_demands(busy.demands * growth)
    return _request(network, grown, policy, {x.circuit: x.capacity for x in likely}, METHOD)


def _weeks_to(has: float, need: float, per_year: float, most: float) -> float | None:
    """Weeks until a need that grows passes what a circuit has; None where not within `most`."""
    if need > has * (1 + _TOLERANCE):
        return 0.0
    if per_year <= 0 or need <= 0:
        return None
    weeks = WEEKS_A_YEAR * log(has / need) / log1p(per_year)
    return weeks if weeks <= most else None
