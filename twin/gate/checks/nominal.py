"""*nominal*: the end state with everything up."""

from twin.gate.no_worse import Where
from twin.gate.rules import worse_intact

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
    refused = f"{after.refused:.6g} refused by rate limits (before {before.refused:.6g}), " if after.refused else ""
    detail = (
        f"busiest link {after.busiest or 'none'} at {after.max_utilisation:.2%} (before {before.max_utilisation:.2%}), "
        f"{after.lost:.6g} Mbit/s lost (before {before.lost:.6g}), {refused}"
        f"mean delay {after.mean_delay_ms:.3f} ms (before {before.mean_delay_ms:.3f})"
    )
    return Check(name="nominal", passed=True, measured=after.max_utilisation, limit=limit, unit="share", detail=detail)
