"""*survivable*: the end state under every single circuit, node and risk-group failure."""

import numpy as np

from twin.gate.brought_back import brought_back
from twin.gate.declared import set_right
from twin.gate.no_worse import SHARE_SLACK, Where, rate_slack
from twin.gate.rules import accepted_loss, worse_in_time, worse_under_failure
from twin.printed import counted, mbps, percent, short
from twin.sim.repair import repairs_known

from .finding import Check, failed
from .rehearsal import Rehearsal


def survivable(rehearsal: Rehearsal) -> Check:
    """Judge every failure: within the limit and nothing lost, or no worse than the same failure before the plan."""
    before, after = rehearsal.ends
    if after.sweep is None:
        return Check(name="survivable", passed=True, detail="nothing is up that could fail")
    steps = len(rehearsal.plan.steps)
    violation = worse_under_failure((before,), after, rehearsal.policy, steps)
    violation = violation or worse_in_time((before,), after, rehearsal.policy, Where(steps))
    return failed("survivable", violation) if violation else _survives(rehearsal)


def _survives(rehearsal: Rehearsal) -> Check:
    (before, after), policy = (x.sweep for x in rehearsal.ends), rehearsal.policy
    worst = None if after is None else after.worst
    if before is None or after is None or worst is None:
        return Check(name="survivable", passed=True, detail="nothing is up that could fail")
    measured = float(after.max_utilisation[worst])
    limit = max(policy.max_failure_utilisation, float(before.max_utilisation[worst]))
    mended = _mended(rehearsal, worst) if measured > limit + SHARE_SLACK else None
    limit = max(limit, mended or 0.0)
    busiest = int(after.busiest[worst])
    link = rehearsal.base.links[busiest].name if busiest >= 0 else "no link"
    detail = (
        f"{counted(len(after.failures), 'failures')}: the worst, of {short(after.failures[worst].name)}, puts "
        f"{link} at {percent(measured)} (before {percent(before.max_utilisation[worst])}"
        + (f", {percent(mended)} if what is delivered again had not been lost)" if mended else ")")
    )
    set_right = _set_right(rehearsal)
    if measured > policy.max_failure_utilisation + SHARE_SLACK:
        unsafe = int(np.count_nonzero(before.max_utilisation > policy.max_failure_utilisation + SHARE_SLACK))
        detail += (
            f"; {'' if set_right else 'no worse than today, and '}today is not safe against {unsafe} of them: "
            f"the limit is {percent(policy.max_failure_utilisation)}"
        )
    detail += set_right
    newly = float((after.lost - before.lost).max(initial=0.0))
    if newly > rate_slack(rehearsal.base):
        accepted = accepted_loss(rehearsal.base, rehearsal.final, policy)
        detail += f"; {mbps(newly)} more are cut off in the worst one, {mbps(accepted)} are accepted"
    detail += _while_repaired(rehearsal)
    return Check(name="survivable", passed=True, measured=measured, limit=limit, unit="share", detail=detail)


def _mended(rehearsal: Rehearsal, row: int) -> float | None:
    """Peak in a failure if the network before had not lost what the plan delivers again."""
    before, after = (x.during(row) for x in rehearsal.ends)
    mended = brought_back(before, after)
    return None if mended is None else mended.max_utilisation


def _set_right(rehearsal: Rehearsal) -> str:
    """Word what failures do that the network as declared does not survive as well as it did by mistake."""
    before, after = rehearsal.ends
    if before.sweep is None or after.sweep is None or not set_right(before, after):
        return ""
    was, now, slack = before.sweep.excess, after.sweep.excess, rate_slack(rehearsal.base)
    worse = int(np.count_nonzero(now > was + slack))
    if not worse:
        return ""
    return (
        f"; set right as in its inventory, the network overloads more in {worse} of these, and in all failures "
        f"together {mbps(float(now.sum()))} in place of {mbps(float(was.sum()))}"
    )


def _while_repaired(rehearsal: Rehearsal) -> str:
    """Word the worst moment before the network has converged, or that on so large a network nobody asked for it."""
    limit = rehearsal.policy.max_repair_utilisation
    found = rehearsal.ends[1].repairs(limit)
    by = "RSVP repairs" if rehearsal.base.repair == "rsvp-bypass" else "TI-LFA repairs"
    if found is None:
        return f"; what links carry while {by} was not looked at, as the policy sets no max_repair_utilisation"
    if not repairs_known(rehearsal.final):
        return f"; what links carry while {by} is not known where routers drop or divert, or tunnels lose traffic"
    if not found:
        return ""
    worst = found[0]
    return f"; while {by} {short(worst.failure)}, {worst.busiest} is at {percent(worst.max_utilisation)}"
