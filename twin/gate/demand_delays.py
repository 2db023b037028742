"""When single demands take no longer than they may: by the limits for all and for each, and by what they took."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin.demand_limits import ANY, DemandLimits
from twin.model import Floats, Network
from twin.policy import Policy
from twin.printed import short
from twin.sim.simulate import Outcome

from .checks.finding import Counterexample, Violation
from .checks.stressed import Stressed
from .no_worse import SHARE_SLACK, Where


class _Most(NamedTuple):
    """How often what it takes now a demand may take, and how many ms: for all alike, or [n, n]; inf for no limit."""

    stretch: Floats | float
    longest_ms: Floats | float

    @property
    def limits(self) -> bool:
        """Whether there is any limit."""
        return bool(np.isfinite(self.stretch).any() or np.isfinite(self.longest_ms).any())


def unknown_demand(network: Network, policy: Policy) -> str:
    """Return a name of demands that the policy limits and the network cannot have; empty where there is none."""
    known = {ANY, *network.node_index}
    return next((name for name in policy.demands if not known.issuperset(name.split("->", 1))), "")


def late(befores: Sequence[Outcome], after: Outcome, policy: Policy, where: Where) -> Violation | None:
    """Return the demand that is too late by most, when its delay is above its limit and longer than in all before.

    What it takes in the first of these is what stretches are of.
    """
    most = _most(after.network, policy, failing=False)
    if not most.limits:  # asked of every state that a planner tries
        return None
    limit = _limit(most, befores[0].delay_ms)
    return _latest(after.network, after.delay_ms, _allowed(limit, befores), where)


def slow_under_failure(befores: Sequence[Stressed], after: Stressed, policy: Policy, where: Where) -> Violation | None:
    """Return the first failure under which a demand takes longer than it may, and than in all before under it.

    What it may take is told in ms, and by how long it takes in the first of these with everything up.
    """
    most = _most(after.network, policy, failing=True)
    if not most.limits:
        return None
    limit = _limit(most, befores[0].outcome.delay_ms)
    for row, (failure, delay_ms) in enumerate(zip(after.failures, after.delays_under(), strict=True)):
        at = where._replace(failure=failure.name)
        if _latest(after.network, delay_ms, limit, at):  # what was so before is allowed, and worked out only then
            now, usual = after.during(row), [x.during(row) for x in befores]
            violation = _latest(now.network, now.delay_ms, _allowed(limit, usual), at)
            if violation:
                return violation
    return None


def _most(network: Network, policy: Policy, *, failing: bool) -> _Most:
    """What the policy says of all demands, and of single ones the stricter of both."""
    of_all = (
        (policy.max_failure_stretch, policy.max_failure_delay_ms)
        if failing
        else (policy.max_demand_stretch, policy.max_demand_delay_ms)
    )
    stretch, longest = (np.inf if x is None else x for x in of_all)
    if not policy.demands:
        return _Most(stretch, longest)
    n = len(network.nodes)
    stretches, delays = np.full((n, n), stretch), np.full((n, n), longest)
    for name, limits in policy.demands.items():
        source, target = (_places(network, x) for x in name.split("->", 1))
        for values, own in zip((stretches, delays), _own(limits, failing=failing), strict=True):
            if own is not None:
                values[source, target] = np.minimum(values[source, target], own)
    return _Most(stretches, delays)


def _own(limits: DemandLimits, *, failing: bool) -> tuple[float | None, float | None]:
    if failing:
        return limits.max_failure_stretch, limits.max_failure_delay_ms
    return limits.max_stretch, limits.max_delay_ms


def _places(network: Network, end: str) -> slice:
    """Rows or columns of one end of a demand; none where the network has no such node."""
    at = network.node_index.get(end)
    return slice(None) if end == ANY else slice(0) if at is None else slice(at, at + 1)


def _limit(most: _Most, usual_ms: Floats) -> Floats:
    """The longest that each demand may take, ms [n, n]; one without a way has no usual delay to be stretched."""
    known = np.isfinite(usual_ms) & np.isfinite(most.stretch)
    stretched = np.where(known, most.stretch, 1.0) * np.where(known, usual_ms, 0.0)
    return np.minimum(np.where(known, stretched, np.inf), most.longest_ms)


def _allowed(limit: Floats, befores: Sequence[Outcome]) -> Floats:
    for before in befores:
        limit = np.where(np.isfinite(before.delay_ms), np.maximum(limit, before.delay_ms), limit)
    return limit


def _latest(network: Network, delay_ms: Floats, limit: Floats, where: Where) -> Violation | None:
    """Return the demand that is beyond its limit by most, both ms [n, n]; None where every one is within."""
    asked = (network.offered > 0) & np.isfinite(delay_ms)
    over = np.full(asked.shape, -np.inf)
    over[asked] = delay_ms[asked] - limit[asked]
    if not asked.any() or float(over.max()) <= SHARE_SLACK:
        return None
    worst = np.unravel_index(int(over.argmax()), over.shape)
    source, target = (network.nodes[int(i)].name for i in worst)
    name, measured, most = f"demand/{source}->{target}", float(delay_ms[worst]), float(limit[worst])
    example = Counterexample(
        element=name, failure=where.failure, step=where.step, traffic=where.traffic, when=where.when,
        measured=measured, limit=most, unit="ms",
    )  # fmt: skip
    return Violation(f"{short(name)} takes {measured:.3f} ms {where}, at most {most:.3f} ms allowed", example)
