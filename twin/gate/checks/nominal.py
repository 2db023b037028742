"""*nominal*: the end state with everything up."""

from twin.gate.no_worse import Where
from twin.gate.rules import worse_intact
from twin.printed import mbps, percent

from .finding import Check, failed
from .rehearsal import Rehearsal


def nominal(rehearsal: Rehearsal) -> Check:
    """Judge reachability, silent loss, utilisation and delay of the end state against the base."""
    before, after = rehearsal.outcomes[0], rehearsal.outcomes[-1]
    limits, where = rehearsal.policy, Where(len(rehearsal.plan.steps))
    violation = worse_intact(before, after, limits, where, rehearsal.context.error)
    if violation:
        return failed("nominal", violation)
    limit = max(limits.max_utilisation, before.max_utilisation)
    refused = f"{mbps(after.refused)} refused by rate limits (before {mbps(before.refused)}), " if after.refused else ""
    detail = (
        f"busiest link {after.busiest or 'none'} at {percent(after.max_utilisation)} "
        f"(before {percent(before.max_utilisation)}), "
        f"{mbps(after.lost)} cut off (before {mbps(before.lost)}), {refused}"
        f"mean delay {after.mean_delay_ms:.3f} ms (before {before.mean_delay_ms:.3f} ms)"
    )
    return Check(name="nominal", passed=True, measured=after.max_utilisation, limit=limit, unit="share", detail=detail)
