"""When a state is no worse than others: what it does not deliver, and what its links carry above a limit.

A network that keeps its limits must keep them. One that already breaks them may be changed by a plan that does not
finish the job, so long as nothing gets worse. What counts is *whose* traffic: no demand may miss more of what it offers
than it missed in the states it is measured against, whatever becomes of the others. Links compare by the busiest and by
the sum above the limit and above capacity. Measured against two states, the larger of both figures counts.

Rounding never decides: rates compare with a slack of 1e-9 of the offered traffic, at least 1e-6 and at most 1e-3 Mbit/s
however much traffic there is, a single demand with 1e-6 Mbit/s and 1e-12 of itself, shares of capacity with 1e-6.

Where demands were measured and their error is known, noise never decides either: a figure counts as worse when it is so
by more than it may be off. What one demand misses needs no such slack, as it misses the same share of itself whatever
its rate.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints, Network
from twin.printed import mbps, percents, short
from twin.sim.simulate import Outcome

from .checks.context import DemandError
from .checks.finding import Counterexample, Unit, Violation

SHARE_SLACK = 1e-6
_LEAST_SLACK, _MOST_SLACK = 1e-6, 1e-3  # Mbit/s


class Where(NamedTuple):
    """Under which failure, after which step, and with which traffic something was measured."""

    step: int
    failure: str | None = None
    traffic: float = 1.0  # all demands times this
    when: str | None = None  # an hour ahead

    def __str__(self) -> str:
        ahead = f" at {self.when}" if self.when else ""
        grown = f" with demand x{self.traffic:.4g}" if self.traffic != 1 else ""
        return f"after step {self.step}{ahead}{grown}" + (f" when {short(self.failure)} fails" if self.failure else "")


def rate_slack(network: Network) -> float:
    """Mbit/s below which two rates count as equal."""
    return min(_MOST_SLACK, max(_LEAST_SLACK, 1e-9 * float(network.offered.sum())))


def capacities(network: Network) -> Floats:
    """Capacity of each link, Mbit/s [m]."""
    return np.array([link.capacity for link in network.links], dtype=np.float64)


def above(outcome: Outcome, limit: float) -> Floats:
    """Mbit/s that each link carries above `limit`, a share of its capacity [m]."""
    return np.maximum(outcome.load - limit * capacities(outcome.network), 0.0)


def growth(befores: Sequence[Floats], after: Floats) -> Floats:
    """Return what each demand newly misses, Mbit/s [n, n]: beyond the most it missed before, and beyond rounding."""
    more = after - np.max(befores, axis=0)
    return np.where(more > _LEAST_SLACK + 1e-12 * after, more, 0.0)


def missed_more(befores: Sequence[tuple[Ints, Floats]], after: tuple[Ints, Floats]) -> float:
    """Return what demands newly miss in sum, Mbit/s, as `growth` has it; each side by position, in order."""
    where, missed = after
    most = np.zeros(len(where))
    for places, amounts in befores:
        at = np.searchsorted(places, where)
        known = at < len(places)
        known[known] = places[at[known]] == where[known]
        most[known] = np.maximum(most[known], amounts[at[known]])
    more = missed - most
    return float(more[more > _LEAST_SLACK + 1e-12 * missed].sum())


def falls_short(
    befores: Sequence[Outcome],
    after: Outcome,
    where: Where,
    *,
    accepted: float = 0.0,
    error: DemandError | None = None,
) -> Violation | None:
    """Return who is cut off, or which lossy link drops more, when a demand misses more than in any state before.

    `accepted` Mbit/s of that are excused. Measured against two states, the sum over all demands counts as well: of two
    demands each of which is lost in one of them, one may be lost, not both.
    """
    missed = [x.undelivered for x in befores]
    more = growth(missed, after.undelivered)
    if 0 < float(more.sum()) <= accepted:
        return None
    if not more.any():
        slack = rate_slack(after.network) + (error.of_sum(_missing(after)) if error else 0.0)
        if float(after.undelivered.sum()) <= max(float(x.sum()) for x in missed) + slack:
            return None
        more = growth([np.min(missed, axis=0)], after.undelivered)
    nowhere = _leads_nowhere(after, more, where)
    if nowhere:
        return nowhere
    cut = np.where(np.isinf(after.delay_ms), more, 0.0)
    if not cut.any():
        return _dropped(befores, after, float(more.sum()), where)
    node = after.network.nodes[_most_cut_off(cut, after.network.offered)].id
    measured = float(cut.sum())
    detail = f"{short(node)} loses its paths {where}: {mbps(measured)} of demand that was carried before is lost"
    return Violation(detail, found_at(node, where, measured, 0.0))


def refuses_more(before: Outcome, after: Outcome, limit: float, where: Where) -> Violation | None:
    """Return the demand that a rate limit refuses, when more is refused and all harm together is not less for it."""
    slack = rate_slack(before.network)
    if after.refused <= before.refused + slack or after.harm(limit).routable <= before.harm(limit).routable + slack:
        return None
    refused = [x.network.demands - x.network.offered for x in (before, after)]
    source, target = np.unravel_index(int((refused[1] - refused[0]).argmax()), refused[0].shape)
    nodes = after.network.nodes
    name = f"demand/{nodes[int(source)].name}->{nodes[int(target)].name}"
    detail = (
        f"rate limits refuse {mbps(after.refused)} {where}, {mbps(before.refused)} before, most of it of "
        f"{short(name)}, and no other harm goes away for it"
    )
    return Violation(detail, found_at(name, where, after.refused, before.refused))


def surely(outcome: Outcome, error: DemandError | None) -> Outcome:
    """Return an outcome with the least load that each link may have, its demands being off by their error."""
    if error is None:
        return outcome
    load = np.maximum(outcome.load - error.of_load(outcome), 0.0)
    return replace(outcome, load=load, utilisation=load / capacities(outcome.network))


def busier(
    befores: Sequence[Outcome], after: Outcome, limit: float, where: Where, error: DemandError | None = None
) -> Violation | None:
    """Return the link that is too busy, when the links are neither within the limit nor no worse than before."""
    found = _busier(befores, after, limit, where)
    return found if found is None or error is None else _busier(befores, surely(after, error), limit, where)


def _busier(befores: Sequence[Outcome], after: Outcome, limit: float, where: Where) -> Violation | None:
    if float(above(after, limit).max(initial=0.0)) <= rate_slack(after.network):
        return None
    allowed = max(limit, *(x.max_utilisation for x in befores))
    if after.max_utilisation > allowed + SHARE_SLACK:
        return _too_busy(after, int(after.utilisation.argmax()), allowed, where)
    for share in sorted({limit, 1.0}, reverse=True):
        over, was = above(after, share), [above(x, share) for x in befores]
        if float(over.sum()) > max(float(x.sum()) for x in was) + rate_slack(after.network):
            worst = int((over - np.max(was, axis=0)).argmax())
            before = max(float(x.utilisation[worst]) for x in befores)
            return _too_busy(after, worst, max(limit, before), where)
    return None


def spikes(
    ends: Sequence[Outcome], on_the_way: Outcome, limit: float, where: Where, error: DemandError | None = None
) -> Violation | None:
    """Return the link that is above the limit and busier on the way than at either end of it."""
    found = _spikes(ends, on_the_way, limit, where)
    return found if found is None or error is None else _spikes(ends, surely(on_the_way, error), limit, where)


def _spikes(ends: Sequence[Outcome], on_the_way: Outcome, limit: float, where: Where) -> Violation | None:
    allowed = np.maximum(limit, np.max([x.utilisation for x in ends], axis=0))
    over = on_the_way.load - allowed * capacities(on_the_way.network)
    spike = (on_the_way.utilisation > allowed + SHARE_SLACK) & (over > rate_slack(on_the_way.network))
    if not spike.any():
        return None
    worst = int(np.where(spike, on_the_way.utilisation - allowed, -np.inf).argmax())
    return _too_busy(on_the_way, worst, float(allowed[worst]), where)


def slower(
    before: Outcome, after: Outcome, stretch: float, where: Where, error: DemandError | None = None
) -> Violation | None:
    """Return the demand that got slowest, when mean or longest propagation delay grew by more than the factor.

    Both are taken over the demands that have a path before and after, the mean weighted by what was offered before.
    """
    offered = before.network.offered
    both = (offered > 0) & np.isfinite(before.delay_ms) & np.isfinite(after.delay_ms)
    if not both.any():
        return None
    was, now = before.delay_ms[both], after.delay_ms[both]
    pairs = np.argwhere(both)
    means = float(np.average(was, weights=offered[both])), float(np.average(now, weights=offered[both]))
    slack = SHARE_SLACK
    if error is not None and means[1] > stretch * means[0] + slack:
        grown = np.where(both, after.delay_ms, 0.0) - stretch * np.where(both, before.delay_ms, 0.0)
        slack += error.of_mean(grown, np.where(both, offered, 0.0))
    if means[1] > stretch * means[0] + slack:
        worst = pairs[int(((now - was) * offered[both]).argmax())]
        return _too_slow(after.network, worst, "mean", (means[1], stretch * means[0]), where)
    if float(now.max()) > stretch * float(was.max()) + SHARE_SLACK:
        worst = pairs[int(now.argmax())]
        return _too_slow(after.network, worst, "longest", (float(now.max()), stretch * float(was.max())), where)
    return None


def _missing(outcome: Outcome) -> Floats:
    """Share of each demand that does not arrive [n, n]."""
    offered = outcome.network.offered
    return np.divide(outcome.undelivered, offered, out=np.zeros_like(offered), where=offered > 0)


def _leads_nowhere(after: Outcome, more: Floats, where: Where) -> Violation | None:
    """Return the tunnel whose labels lead nowhere, where most of what is newly missed [n, n] was on such labels."""
    node = after.network.node_index
    missed = {x.name: float(more[node[x.source], node[x.target]]) for x in after.network.tunnels if x.holds}
    measured = sum(missed.values())
    if measured < more.sum() / 2 or measured <= 0:
        return None
    name = f"tunnel/{max(missed, key=lambda x: missed[x])}"
    detail = (
        f"the labels of {short(name)} lead nowhere {where}, and nobody tells the head-end: {mbps(measured)} are lost"
    )
    return Violation(detail, found_at(name, where, measured, 0.0))


def _dropped(befores: Sequence[Outcome], after: Outcome, more: float, where: Where) -> Violation:
    loss = np.array([link.loss for link in after.network.links])
    worst = int(((after.load - np.max([x.load for x in befores], axis=0)) * loss).argmax())
    name = after.network.links[worst].name
    detail = f"{name} loses traffic silently {where}: {mbps(more)} of demand that arrived before are dropped"
    return Violation(detail, found_at(name, where, more, 0.0))


def _most_cut_off(lost: Floats, offered: Floats) -> int:
    """Return the node that loses the largest share of its demands [n, n], both ways; of equal ones the larger loss."""
    loses: Floats = lost.sum(axis=0) + lost.sum(axis=1)
    has: Floats = offered.sum(axis=0) + offered.sum(axis=1)
    share = np.divide(loses, has, out=np.zeros(len(has)), where=has > 0).round(9)
    return int(np.lexsort((loses, share))[-1])


def _too_busy(outcome: Outcome, link: int, limit: float, where: Where) -> Violation:
    name, measured = outcome.network.links[link].name, float(outcome.utilisation[link])
    told, allowed = percents(measured, limit)
    detail = f"{name} is at {told} of its capacity {where}, the limit here is {allowed}"
    return Violation(detail, found_at(name, where, measured, limit, "share"))


def _too_slow(network: Network, pair: Floats, which: str, figures: tuple[float, float], where: Where) -> Violation:
    source, target = (network.nodes[int(i)].name for i in pair)
    demand = f"demand/{source}->{target}"
    detail = (
        f"{which} delay is {figures[0]:.3f} ms {where}, at most {figures[1]:.3f} ms allowed; {short(demand)} grew most"
    )
    return Violation(detail, found_at(demand, where, *figures, "ms"))


def found_at(element: str, where: Where, measured: float, limit: float, unit: Unit = "Mbit/s") -> Counterexample:
    """Return what was measured of an element there, and what it may be."""
    return Counterexample(
        element=element,
        failure=where.failure,
        step=where.step,
        traffic=where.traffic,
        when=where.when,
        measured=measured,
        limit=limit,
        unit=unit,
    )
