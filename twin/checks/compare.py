"""When a state is no worse than another: what it loses, and what its links carry above a limit.

A network that keeps its limits must keep them. One that already breaks them may be changed by a plan that does not
finish the job, so long as nothing gets worse: no demand newly lost, no more traffic dropped, above capacity or above
the limit, and no link busier than the busiest was. Rates compare with a slack of 1e-9 of the offered traffic (at least
1e-6 Mbit/s), shares with 1e-6, so that rounding never decides.
"""

from typing import NamedTuple

import numpy as np

from twin.model import Floats, Network
from twin.sim.simulate import Outcome

from .finding import Counterexample, Violation

SHARE_SLACK = 1e-6


class Where(NamedTuple):
    """Under which failure and after which step something was measured."""

    step: int
    failure: str | None = None

    def __str__(self) -> str:
        return f"after step {self.step}" + (f" when {self.failure} fails" if self.failure else "")


def rate_slack(network: Network) -> float:
    """Mbit/s below which two rates count as equal."""
    return max(1e-6, 1e-9 * float(network.offered.sum()))


def capacities(network: Network) -> Floats:
    """Capacity of each link, Mbit/s [m]."""
    return np.array([link.capacity for link in network.links], dtype=np.float64)


def above(outcome: Outcome, limit: float) -> Floats:
    """Mbit/s that each link carries above `limit`, a share of its capacity [m]."""
    return np.maximum(outcome.load - limit * capacities(outcome.network), 0.0)


def newly_lost(before: Outcome, after: Outcome, where: Where) -> Violation | None:
    """Return the node that is cut off most, when a demand that had a path has none any more."""
    lost = _lost(after)
    cut = np.where(_lost(before) > 0, 0.0, lost)
    more = float(lost.sum() - _lost(before).sum())
    if not cut.any() and more <= rate_slack(after.network):
        return None
    blame = cut if cut.any() else lost
    node = after.network.nodes[_most_cut_off(blame, after.network.offered)].id
    measured = float(blame.sum())
    detail = f"{node} loses its paths {where}: {measured:.6g} Mbit/s of demand that was carried before is lost"
    return Violation(detail, _at(node, where, measured, 0.0))


def more_dropped(before: Outcome, after: Outcome, where: Where) -> Violation | None:
    """Return the lossy link that drops more, when links with a loss share drop more in sum."""
    if after.dropped <= before.dropped + rate_slack(after.network):
        return None
    loss = np.array([link.loss for link in after.network.links])
    worst = int(((after.load - before.load) * loss).argmax())
    name = after.network.links[worst].name
    figures = f"{after.dropped:.6g} Mbit/s dropped in all, {before.dropped:.6g} before"
    detail = f"{name} loses traffic silently and gets more {where}: {figures}"
    return Violation(detail, _at(name, where, after.dropped, before.dropped))


def busier(before: Outcome, after: Outcome, limit: float, where: Where) -> Violation | None:
    """Return the link that is too busy, when the links are neither within the limit nor no worse than before."""
    if after.max_utilisation <= limit + SHARE_SLACK:
        return None
    allowed = max(limit, before.max_utilisation)
    if after.max_utilisation > allowed + SHARE_SLACK:
        worst = int(after.utilisation.argmax())
        return _too_busy(after, worst, allowed, where)
    return more_above(before, after, limit, where)


def more_above(before: Outcome, after: Outcome, limit: float, where: Where) -> Violation | None:
    """Return the link whose traffic above capacity, or above the limit, grew most, when the sum over all links grew."""
    for share in sorted({limit, 1.0}, reverse=True):
        grown = above(after, share) - above(before, share)
        if float(grown.sum()) > rate_slack(after.network):
            worst = int(grown.argmax())
            return _too_busy(after, worst, max(limit, float(before.utilisation[worst])), where)
    return None


def slower(before: Outcome, after: Outcome, stretch: float, where: Where) -> Violation | None:
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
    if means[1] > stretch * means[0] + SHARE_SLACK:
        worst = pairs[int(((now - was) * offered[both]).argmax())]
        return _too_slow(after.network, worst, "mean", (means[1], stretch * means[0]), where)
    if float(now.max()) > stretch * float(was.max()) + SHARE_SLACK:
        worst = pairs[int(now.argmax())]
        return _too_slow(after.network, worst, "longest", (float(now.max()), stretch * float(was.max())), where)
    return None


def _lost(outcome: Outcome) -> Floats:
    up = np.array([node.up for node in outcome.network.nodes])
    return np.where(np.isinf(outcome.delay_ms) & np.outer(up, up), outcome.network.offered, 0.0)


def _most_cut_off(lost: Floats, offered: Floats) -> int:
    """Return the node that loses the largest share of its demands [n, n], both ways; of equal ones the larger loss."""
    loses: Floats = lost.sum(axis=0) + lost.sum(axis=1)
    has: Floats = offered.sum(axis=0) + offered.sum(axis=1)
    share = np.divide(loses, has, out=np.zeros(len(has)), where=has > 0).round(9)
    return int(np.lexsort((loses, share))[-1])


def _too_busy(outcome: Outcome, link: int, limit: float, where: Where) -> Violation:
    name, measured = outcome.network.links[link].name, float(outcome.utilisation[link])
    detail = f"{name} is at {measured:.4f} of its capacity {where}, the limit here is {limit:.4f}"
    return Violation(detail, _at(name, where, measured, limit))


def _too_slow(network: Network, pair: Floats, which: str, figures: tuple[float, float], where: Where) -> Violation:
    source, target = (network.nodes[int(i)].name for i in pair)
    demand = f"demand/{source}->{target}"
    detail = f"{which} delay is {figures[0]:.3f} ms {where}, at most {figures[1]:.3f} allowed; {demand} grew most"
    return Violation(detail, _at(demand, where, *figures))


def _at(element: str, where: Where, measured: float, limit: float) -> Counterexample:
    return Counterexample(element=element, failure=where.failure, step=where.step, measured=measured, limit=limit)
