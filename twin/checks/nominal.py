"""*nominal*: the end state with everything up."""

from .compare import Where, busier, more_dropped, newly_lost, slower
from .finding import Check, failed
from .rehearsal import Rehearsal


def nominal(rehearsal: Rehearsal) -> Check:
    """Judge reachability, silent loss, utilisation and delay of the end state against the base."""
    before, after = rehearsal.outcomes[0], rehearsal.outcomes[-1]
    limits, where = rehearsal.policy, Where(len(rehearsal.plan.steps))
    violation = (
        newly_lost(before, after, where)
        or more_dropped(before, after, where)
        or busier(before, after, limits.max_utilisation, where)
        or slower(before, after, limits.max_delay_stretch, where)
    )
    if violation:
        return failed("nominal", violation)
    limit = max(limits.max_utilisation, before.max_utilisation)
    detail = (
        f"busiest link {after.busiest or 'none'} at {after.max_utilisation:.4f} (before {before.max_utilisation:.4f}), "
        f"{after.lost:.6g} Mbit/s lost (before {before.lost:.6g}), "
        f"mean delay {after.mean_delay_ms:.3f} ms (before {before.mean_delay_ms:.3f})"
    )
    return Check(name="nominal", passed=True, measured=after.max_utilisation, limit=limit, detail=detail)
