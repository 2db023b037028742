"""The rulebook: when one state of a network may follow another. Checks, planners and windows all ask here.

`may_follow` is the whole of it for the end of a plan: with everything up, under every single failure, and under the
demands that may come, the new state keeps the limits, or is no worse than the old one where that broke them already.
`may_pass` is it for a state on the way, which lasts for minutes and meets the same failures: no worse than the state
just before it, and nothing worse than at both ends of the plan.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints, Network
from twin.policy import Policy
from twin.printed import percent, percents, stated
from twin.sim.simulate import Outcome

from .brought_back import brought_back, loses_on_the_way
from .checks.context import DemandError
from .checks.convergence import loops_too_much
from .checks.finding import CheckName, Counterexample, Violation
from .checks.stressed import Stressed
from .class_rules import worse_for_classes
from .declared import set_right
from .demand_delays import late, slow_under_failure
from .in_repair import fuller_in_repair
from .no_worse import (
    SHARE_SLACK,
    Where,
    busier,
    falls_short,
    missed_more,
    rate_slack,
    refuses_more,
    slower,
    spikes,
)

_LEAST = 1e-6  # Mbit/s that count as missed


class Objection(NamedTuple):
    """Why a state may not follow: the check that says so, and what it found."""

    check: CheckName
    violation: Violation


class Prospect(NamedTuple):
    """What a state does under demands that may come, S of them: names, busiest links, peaks, and Mbit/s of harm."""

    names: tuple[str, ...]
    busiest: tuple[str | None, ...]
    peaks: Floats  # [S] highest utilisation
    spilt: Floats  # [S] Mbit/s lost, dropped or above capacity


def may_follow(before: Stressed, after: Stressed, policy: Policy, *, step: int = 1) -> Objection | None:
    """Return the first reason why a plan may not lead from one state to the other, None when it may.

    Both states are under the same failures. `step` is the number of the plan's last step, for the wording.
    """
    intact = worse_intact(before.outcome, after.outcome, policy, Where(step), after.error)
    if intact:
        return Objection("nominal", intact)
    failing = worse_under_failure((before,), after, policy, step) or worse_in_time(
        (before,), after, policy, Where(step)
    )
    if failing:
        return Objection("survivable", failing)
    demands = worse_with_demands(scaled(before.outcome, policy), scaled(after.outcome, policy), policy, after, step)
    demands = demands or worse_with_growth(before, after, policy, step)
    return Objection("uncertain", demands) if demands else None


def may_pass(
    previous: Stressed, here: Stressed, ends: tuple[Stressed, Stressed], policy: Policy, at: Where | int
) -> Violation | None:
    """Return the first reason why a plan may not pass through a state after one of its steps, None when it may.

    `previous` is the state just before it. The first and the last state of the plan, `ends`, are judged on their own:
    here they only have to be no worse than what was just before. `at` is the step, or step, traffic and hour.
    """
    where = Where(at) if isinstance(at, int) else at
    limit, before, error = policy.max_utilisation, previous.outcome, here.error
    worse = (
        falls_short((before,), here.outcome, where, error=error)
        or refuses_more(before, here.outcome, limit, where)
        or busier((before,), here.outcome, limit, where, error)
        or loops_too_much(previous, here, policy, where.step)
    )
    if worse or here.network == ends[1].network:
        return worse
    outcomes = [x.outcome for x in ends]
    return (
        spikes(outcomes, here.outcome, limit, where, error)
        or worse_under_failure(ends, here, policy, where)
        or late(outcomes, here.outcome, policy, where)
        or worse_in_time(ends, here, policy, where)
    )


def worse_intact(
    before: Outcome, after: Outcome, policy: Policy, where: Where, error: DemandError | None = None
) -> Violation | None:
    """Return what is worse with everything up: not delivered, refused, too busy or too slow."""
    return (
        falls_short((before,), after, where, error=error)
        or refuses_more(before, after, policy.max_utilisation, where)
        or busier((before,), after, policy.max_utilisation, where, error)
        or slower(before, after, policy.max_delay_stretch, where, error)
        or late((before,), after, policy, where)
    )


def worse_in_hour(before: Stressed, after: Stressed, policy: Policy, where: Where) -> Violation | None:
    """Return what a plan makes worse in an hour ahead, whose traffic both states carry, under every failure too."""
    worse = worse_intact(before.outcome, after.outcome, policy, where, after.error)
    worse = worse or worse_under_failure((before,), after, policy, where)
    return worse or worse_for_classes(before, after, policy, where)


def worse_than_without(without: Stressed, here: Stressed, policy: Policy, where: Where) -> Violation | None:
    """Return what is worse for a while than without the plan: who is served, and loads, failures included."""
    return (
        falls_short((without.outcome,), here.outcome, where, error=here.error)
        or busier((without.outcome,), here.outcome, policy.max_utilisation, where, here.error)
        or worse_under_failure((without,), here, policy, where)
    )


def worse_than_ends(
    ends: Sequence[Outcome], here: Outcome, policy: Policy, at: Where | int, error: DemandError | None = None
) -> Violation | None:
    """Return what is worse on the way than at both ends of it, with everything up."""
    where, limit = Where(at) if isinstance(at, int) else at, policy.max_utilisation
    worse = (
        falls_short(ends, here, where, error=error)
        or busier(ends, here, limit, where, error)
        or spikes(ends, here, limit, where, error)
    )
    worst = max(ends, key=lambda x: x.harm(limit).routable)
    return worse or refuses_more(worst, here, limit, where)


def accepted_loss(before: Network, after: Network, policy: Policy) -> float:
    """Mbit/s that the policy lets a failure cut off newly: something only where the new state drains more."""
    elements = zip((*before.links, *before.nodes), (*after.links, *after.nodes), strict=True)
    drains = any(now.drained and not was.drained for was, now in elements)
    return policy.max_maintenance_loss * float(before.offered.sum()) if drains else 0.0


def worse_with_growth(before: Stressed, after: Stressed, policy: Policy, step: int) -> Violation | None:
    """Return what is worse once all demands have grown as far as the policy foresees: see `worse_under_demands`."""
    factor = policy.growth
    if factor == 1:
        return None
    return worse_under_demands(before.grown(factor), after.grown(factor), policy, Where(step, traffic=factor))


def worse_under_demands(before: Stressed, after: Stressed, policy: Policy, where: Where) -> Violation | None:
    """Return what other demands, which both states carry, make worse: failures, repairs and promises to classes.

    How long single demands take is not asked again: that is of their ways, which demands do not change.
    """
    worse = worse_under_failure((before,), after, policy, where) or fuller_in_repair((before,), after, policy, where)
    return worse or worse_for_classes(before, after, policy, where)


def worse_under_failure(
    befores: Sequence[Stressed], after: Stressed, policy: Policy, at: Where | int
) -> Violation | None:
    """Return the worst that a failure does newly, None when no failure is worse than in the states before.

    Against one state, the network before the plan, the policy may accept some loss; against both ends of a plan never.
    Links may carry what is delivered again as the states before would, if they lost none of that: see `brought_back`.
    Where the plan sets the network right, failures that overload links already may overload others: see `declared`.
    `at` is the step, or step, traffic and hour, for the wording.
    """
    accepted, at = _accepted(befores, after, policy), Where(at) if isinstance(at, int) else at
    excused = _excused(befores, after, policy)
    for row in _suspects(befores, after, policy, accepted):
        where = at._replace(failure=after.failures[row].name)
        was, now = [x.during(row) for x in befores], after.during(row)
        violation = falls_short(was, now, where, accepted=accepted, error=after.error)
        if row not in excused:
            violation = violation or busier_failing(was, now, policy.max_failure_utilisation, where, after.error)
        if violation:
            return violation
    return None


def busier_failing(
    befores: Sequence[Outcome], after: Outcome, limit: float, where: Where, error: DemandError | None = None
) -> Violation | None:
    """Return the link that is too busy under a failure, what the state delivers again counted as on its ordinary ways.

    With everything up there is no such excuse: what comes back may take nothing from those who were served.
    """
    found = busier(befores, after, limit, where, error)
    mended = [x for x in (brought_back(before, after) for before in befores) if x is not None] if found else []
    return busier((*befores, *mended), after, limit, where, error) if mended else found


def worse_in_time(befores: Sequence[Stressed], after: Stressed, policy: Policy, where: Where) -> Violation | None:
    """Return what a failure does newly to the delay of a demand, or to a link before the network has converged.

    Only of what the policy limits: nothing of this is looked at otherwise.
    """
    return slow_under_failure(befores, after, policy, where) or fuller_in_repair(befores, after, policy, where)


def surely_worse(before: Stressed, after: Stressed, policy: Policy) -> Ints:
    """Return the failures that the sweep's totals alone show to be worse than they may be, by position.

    Quick: no failure is simulated again. One that is not among them may still be worse; `worse_under_failure` tells.
    """
    was, now = before.sweep, after.sweep
    if was is None or now is None:
        return np.zeros(0, np.int64)
    slack, accepted = rate_slack(before.network), _accepted((before,), after, policy)
    missed = (now.lost + now.dropped) - (was.lost + was.dropped) > 2 * slack + accepted
    if loses_on_the_way(before.network):  # what comes back may load links: that takes a closer look
        return np.flatnonzero(missed)
    hotter = now.max_utilisation > np.maximum(policy.max_failure_utilisation, was.max_utilisation) + SHARE_SLACK
    heavier = (now.overload > was.overload + slack) | (now.excess > was.excess + slack)
    full = (now.excess > slack) & (hotter | heavier)
    full[list(_excused((before,), after, policy))] = False
    return np.flatnonzero(missed | full)


def _accepted(befores: Sequence[Stressed], after: Stressed, policy: Policy) -> float:
    return accepted_loss(befores[0].network, after.network, policy) if len(befores) == 1 else 0.0


def _excused(befores: Sequence[Stressed], after: Stressed, policy: Policy) -> frozenset[int]:
    """Return the failures, by position, whose links may be fuller as the network now stands as it was declared."""
    was = befores[0].sweep
    if len(befores) > 1 or was is None or not set_right(befores[0], after):
        return frozenset()
    return frozenset(map(int, np.flatnonzero(was.max_utilisation > policy.max_failure_utilisation + SHARE_SLACK)))


def _suspects(befores: Sequence[Stressed], after: Stressed, policy: Policy, accepted: float) -> list[int]:
    """Return the failures that may be worse than before, by sums and by whose traffic is missed; the worst first."""
    now, swept = after.sweep, [x.sweep for x in befores]
    sweeps = [x for x in swept if x is not None]
    if now is None or len(sweeps) < len(swept):
        return []
    limit, slack = policy.max_failure_utilisation, rate_slack(after.network)
    most = np.max([(x.max_utilisation, x.overload, x.excess, x.lost + x.dropped) for x in sweeps], axis=0)
    peak, overload, excess, missed = most
    worse = (
        (now.max_utilisation > peak + SHARE_SLACK) | (now.overload > overload + slack) | (now.excess > excess + slack)
    )
    hot = (now.excess > slack) & worse
    more = now.lost + now.dropped - missed
    for row in map(int, np.flatnonzero(now.lost + now.dropped > _LEAST)):
        newly = missed_more([x.missed(row) for x in befores], after.missed(row))
        more[row] = newly if newly > accepted else more[row] if more[row] > slack + accepted else 0.0
    more = np.where(now.lost + now.dropped > _LEAST, more, 0.0)
    # rounded, so that of failures that do the same the first is named
    order = np.lexsort(((np.maximum(limit, peak) - now.max_utilisation).round(9), -more.round(6)))
    return [int(row) for row in order if more[row] > 0 or hot[row]]


def scaled(outcome: Outcome, policy: Policy) -> Prospect:
    """Return what a state does when all its demands grow by each of the policy's factors.

    Loads grow in proportion, so that nothing is simulated again.
    """
    factors = policy.demand_factors
    return Prospect(
        names=tuple(f"demand x{factor:g}" for factor in factors),
        busiest=(outcome.busiest,) * len(factors),
        peaks=np.array(factors) * outcome.max_utilisation,
        spilt=np.array([factor * outcome.harm(1 / factor).routable for factor in factors]),
    )


def worse_with_demands(
    before: Prospect, after: Prospect, policy: Policy, state: Stressed, step: int
) -> Violation | None:
    """Return the scenario that breaks the limit, when the CVaR of the peak is above it and worse than without the plan.

    No worse means that neither the CVaR of the peak nor that of the harm at capacity is higher.
    """
    if not after.names:
        return None
    peak, was = (cvar(x.peaks, policy.cvar_alpha) for x in (after, before))
    allowed = max(policy.max_uncertain_utilisation, was)
    if peak <= policy.max_uncertain_utilisation + SHARE_SLACK:
        return None
    spilt = [cvar(x.spilt, policy.cvar_alpha) for x in (before, after)]
    if peak <= allowed + SHARE_SLACK and spilt[1] <= spilt[0] + rate_slack(state.network):
        return None
    worst = int(after.peaks.argmax())
    name, scenario, told = after.busiest[worst] or "network", after.names[worst], percents(peak, allowed)
    detail = (
        f"{len(after.names)} scenarios: the worst {stated(1 - policy.cvar_alpha)} peak at {told[0]} on average, "
        f"the limit here is {told[1]}; {scenario} puts {name} at {percent(after.peaks[worst])}"
    )
    found = Counterexample(element=name, failure=scenario, step=step, measured=peak, limit=allowed, unit="share")
    return Violation(detail, found)


def cvar(values: Floats, alpha: float) -> float:
    """Mean of the worst `1 - alpha` of equally likely values [k] (conditional value at risk).

    The value at the edge of the tail counts in part, so that the result does not jump with `alpha`
    [Rockafellar & Uryasev 2002, eq. 20 for equal probabilities].
    """
    worst = np.sort(values)[::-1]
    tail = (1 - alpha) * worst.size
    whole = math.floor(tail + 1e-9)
    edge = (tail - whole) * worst[whole] if whole < worst.size and tail > whole else 0.0
    return float((worst[:whole].sum() + edge) / tail)
