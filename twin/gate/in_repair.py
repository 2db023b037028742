"""What links carry while a failure is repaired and the network has not converged: when that is worse than before."""

from collections.abc import Sequence

import numpy as np

from twin.model import Network
from twin.policy import Policy
from twin.printed import percents, short
from twin.sim.repair import above_in_repair, repaired_failures, repairs, repairs_known
from twin.sim.simulate import Failure

from .checks.finding import Violation
from .checks.stressed import Stressed
from .no_worse import SHARE_SLACK, Where, found_at, rate_slack


def fuller_in_repair(befores: Sequence[Stressed], after: Stressed, policy: Policy, where: Where) -> Violation | None:
    """Return what a failure does newly to a link before the network has converged, where the policy limits that.

    As after it: no repair may make its busiest link fuller, nor what is above the limit, or above capacity, more in
    sum. Else a plan could fill every link but the fullest of a repair that breaks the limit already.
    """
    most = policy.max_repair_utilisation
    if most is None:
        return None
    over = [x for x in after.repairs(most) or () if x.max_utilisation > most + SHARE_SLACK]
    names = {x.failure for x in over}
    same = {x.name: x for x in repaired_failures(after.network) if x.name in names} if over else {}
    failures, shares, slack = tuple(same.values()), (most, 1.0), rate_slack(after.network)
    held = [x.network for x in befores if over and repairs_known(x.network)]
    known = [{x.failure: x for x in repairs(before, failures, shares=shares)} for before in held]
    for found in over:
        was = [x[found.failure] for x in known if found.failure in x]
        allowed = max(most, *(x.max_utilisation for x in was), 0.0)
        if found.max_utilisation > allowed + SHARE_SLACK:
            return _full_in_repair(found.failure, found.busiest, (found.max_utilisation, allowed), where)
        sums = zip(shares, found.above, *(x.above for x in was), strict=True)
        more = [share for share, now, *then in sums if now > max(then, default=0.0) + slack]
        if more:
            return _fuller_link(held, after.network, same[found.failure], max(more), where)
    return None


def _fuller_link(befores: Sequence[Network], after: Network, failure: Failure, share: float, where: Where) -> Violation:
    """Name the link that carries most more above a share of its capacity while a failure is repaired."""
    was, now = [above_in_repair(x, failure, share) for x in befores], above_in_repair(after, failure, share)
    worst = int((now - np.max(was, axis=0)).argmax())
    measured, *allowed = (share + float(x[worst]) / after.links[worst].capacity for x in (now, *was))
    return _full_in_repair(failure.name, after.links[worst].name, (measured, max(allowed)), where)


def _full_in_repair(failure: str, link: str, figures: tuple[float, float], where: Where) -> Violation:
    """Word which share of its capacity a link carries in a repair, and which it may."""
    told = percents(*figures)
    detail = (
        f"{link} is at {told[0]} of its capacity {where} while the "
        f"failure of {short(failure)} is repaired, the limit here is {told[1]}"
    )
    return Violation(detail, found_at(link, where._replace(failure=failure), *figures, "share"))
