"""When single demands take no longer than they may: by the limits for all and for each, and by what they took.

A limit holds for the longest of the ways that carry a share of a demand (ECMP, parallel circuits, several segment lists
or exits). Where that was longer before and may stay, or is stretched, the mean over the ways tells how much of the
demand takes it: so both are held to the limit, each by what it was itself.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin.demand_limits import ANY, DemandLimits
from twin.model import Floats, Network
from twin.policy import Policy
from twin.printed import short
from twin.sim.route import DemandDelays
from twin.sim.simulate import Outcome

from .checks.finding import Violation
from .checks.stressed import Stressed
from .no_worse import SHARE_SLACK, Where, found_at

OF_WAYS = "by its longest way", "in the mean over its ways"
"""How the two figures of `DemandDelays` are told."""


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
    was = [x.delays for x in befores]
    return _latest(after.network, after.delays, _allowed(_limits(most, was[0]), was), where)


def slow_under_failure(befores: Sequence[Stressed], after: Stressed, policy: Policy, where: Where) -> Violation | None:
    """Return the first failure under which a demand takes longer than it may, and than in all before under it.

    What it may take is told in ms, and by how long it takes in the first of these with everything up.
    """
    most = _most(after.network, policy, failing=True)
    if not most.limits:
        return None
    limits = _limits(most, befores[0].outcome.delays)
    for row in map(int, after.maybe_late(limits)):
        at, now = where._replace(failure=after.failures[row].name), after.during(row)
        if _latest(now.network, now.delays, limits, at):  # what was so before is allowed, and worked out only then
            was = [x.during(row).delays for x in befores]
            violation = _latest(now.network, now.delays, _allowed(limits, was), at)
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


def _limits(most: _Most, usual: DemandDelays) -> DemandDelays:
    """The longest that each demand may take, ms [n, n]; one without a way has no usual delay to be stretched."""
    return DemandDelays(*(_limit(most, x) for x in usual))


def _limit(most: _Most, usual_ms: Floats) -> Floats:
    known = np.isfinite(usual_ms) & np.isfinite(most.stretch)
    stretched = np.where(known, most.stretch, 1.0) * np.where(known, usual_ms, 0.0)
    return np.minimum(np.where(known, stretched, np.inf), most.longest_ms)


def _allowed(limits: DemandDelays, befores: Sequence[DemandDelays]) -> DemandDelays:
    """The limits, or what each demand took in the states before where that was longer."""
    for before in befores:
        both = zip(limits, before, strict=True)
        limits = DemandDelays(*(np.where(np.isfinite(x), np.maximum(limit, x), limit) for limit, x in both))
    return limits


def _latest(network: Network, delays: DemandDelays, limits: DemandDelays, where: Where) -> Violation | None:
    """Return the demand that is beyond its limit by most, both ms [n, n]; None where every one is within."""
    asked = (network.offered > 0) & np.isfinite(delays.longest)
    for delay_ms, limit, told in zip(delays, limits, OF_WAYS, strict=True):
        over = np.where(asked, delay_ms, 0.0) - np.where(asked, limit, np.inf)
        if asked.any() and float(over.max()) > SHARE_SLACK:
            source, target = (int(i) for i in np.unravel_index(int(over.argmax()), over.shape))
            return _too_late(network, (source, target), (delay_ms, limit, told), where)
    return None


def _too_late(network: Network, pair: tuple[int, int], figures: tuple[Floats, Floats, str], where: Where) -> Violation:
    delay_ms, limit, told = figures
    source, target = (network.nodes[i].name for i in pair)
    name, measured, most = f"demand/{source}->{target}", float(delay_ms[pair]), float(limit[pair])
    example = found_at(name, where, measured, most, "ms")
    return Violation(f"{short(name)} takes {measured:.3f} ms {told} {where}, at most {most:.3f} ms allowed", example)
