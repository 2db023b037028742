"""*useful*: what the plan was made for gets better by the agreed margin."""

import numpy as np

from twin.gate.no_worse import SHARE_SLACK, rate_slack
from twin.model import Network
from twin.plan import SleepLink
from twin.policy import Policy
from twin.printed import mbps, percent, short
from twin.sim.power import PowerModel, power
from twin.sim.simulate import Outcome, simulate, single_failures

from .finding import Check, Counterexample, Unit, Violation, failed
from .gain import relief
from .rehearsal import Rehearsal


def useful(rehearsal: Rehearsal) -> Check:
    """Judge the plan by its objective.

    *relieve*: harm falls by `min_gain` of what any plan could spare the network, or the peak utilisation by that share
    of itself when there is no harm. *drain*: more is drained than before
    and nothing passes it any more. *sleep*: more circuits sleep, and
    what the network draws less is at least `min_watts_saved`. *restore*: fewer elements are drained, asleep or
    tunnelled. *change*: somebody asks for it, no gain is required, and what it does is said.
    """
    match rehearsal.plan.objective:
        case "relieve":
            return _relieves(rehearsal)
        case "drain":
            return _drains(rehearsal)
        case "sleep":
            return _sleeps(rehearsal)
        case "restore":
            return _counts(rehearsal, "measures undone", -_measures(rehearsal.base), -_measures(rehearsal.final))
        case "change":
            return _asked_for(rehearsal)


def fits(network: Network, policy: Policy) -> Check:
    """Judge whether a state keeps the limits, intact and under every single failure: *useful* for growth."""
    outcome, limit = simulate(network, failures=single_failures(network)), policy.max_utilisation
    harm, sweep, element, failure = outcome.harm(limit).routable, outcome.sweep, outcome.busiest, None
    measured, detail = outcome.max_utilisation, f"the peak is {percent(outcome.max_utilisation)}"
    if harm <= rate_slack(network) and sweep is not None and sweep.failures:
        row, limit = int(sweep.max_utilisation.argmax()), policy.max_failure_utilisation
        measured, failure = float(sweep.max_utilisation[row]), sweep.failures[row].name
        element = network.links[int(sweep.busiest[row])].name
        detail += f", {percent(measured)} when {short(failure)} fails"
    if harm <= rate_slack(network) and measured <= limit + SHARE_SLACK:
        detail = f"all fits: {detail}"
        return Check(name="useful", passed=True, measured=measured, limit=limit, unit="share", detail=detail)
    where = element or "network"
    found = Counterexample(element=where, failure=failure, measured=measured, limit=limit, unit="share")
    return failed("useful", Violation(f"{detail}, {percent(limit)} asked for, {mbps(harm)} are harmed", found))


def _relieves(rehearsal: Rehearsal) -> Check:
    limits, before, after = rehearsal.policy, rehearsal.outcomes[0], rehearsal.outcomes[-1]
    gain, words = relief(before, after, limits.max_utilisation)
    detail = f"{words}: {percent(abs(gain))} {'better' if gain >= 0 else 'worse'}, {percent(limits.min_gain)} asked for"
    if gain >= limits.min_gain and gain > 0:
        return Check(name="useful", passed=True, measured=gain, limit=limits.min_gain, unit="share", detail=detail)
    return _useless(rehearsal, after.busiest or "network", detail, (gain, limits.min_gain), "share")


def _asked_for(rehearsal: Rehearsal) -> Check:
    before, after = (rehearsal.outcomes[i].max_utilisation for i in (0, -1))
    detail = (
        f"a change that was asked for: no gain is required; the peak goes from {percent(before)} to {percent(after)}"
    )
    return Check(name="useful", passed=True, measured=before - after, limit=0.0, unit="share", detail=detail)


def _drains(rehearsal: Rehearsal) -> Check:
    drained = _drained(rehearsal.final) - _drained(rehearsal.base)
    if not drained:
        return _useless(rehearsal, "network", "nothing is drained that was not before", (0, 1), "elements")
    passing = {element: _transit(rehearsal.outcomes[-1], element) for element in sorted(drained)}
    worst = max(passing, key=lambda element: passing[element])
    slack = rate_slack(rehearsal.base)
    detail = f"{len(drained)} drained; {mbps(passing[worst])} still pass {short(worst)}"
    if passing[worst] > slack:
        return _useless(rehearsal, worst, detail, (passing[worst], 0), "Mbit/s")
    return Check(name="useful", passed=True, measured=passing[worst], limit=slack, unit="Mbit/s", detail=detail)


def _sleeps(rehearsal: Rehearsal) -> Check:
    """More circuits sleep, and what that saves is at least what the policy asks for."""
    counted = _counts(rehearsal, "circuits asleep", _asleep(rehearsal.base), _asleep(rehearsal.final))
    if not counted.passed:
        return counted
    model, least = PowerModel.load(rehearsal.policy.power_model), rehearsal.policy.min_watts_saved
    before, after = (power(x.network, model, load=x.load) for x in (rehearsal.outcomes[0], rehearsal.outcomes[-1]))
    saved = before.total_watts - after.total_watts
    detail = (
        f"{counted.detail}, which saves {saved:.4g} W of {before.total_watts:.6g} by the model {model.name} "
        f"({after.plugged_watts - before.plugged_watts:.4g} W more with their transceivers out)"
    )
    if saved < least and least > 0:
        circuits = [step.circuit for step in rehearsal.plan.steps if isinstance(step, SleepLink)]
        detail += f"; at least {least:.4g} W asked for"
        return _useless(rehearsal, circuits[-1] if circuits else "network", detail, (saved, least), "W")
    return counted.model_copy(update={"measured": saved, "limit": least, "unit": "W", "detail": detail})


def _counts(rehearsal: Rehearsal, what: str, before: int, after: int) -> Check:
    detail = f"{what}: {after - before} more than before"
    if after > before:
        return Check(name="useful", passed=True, measured=after - before, limit=1, unit="elements", detail=detail)
    return _useless(rehearsal, "network", detail, (after - before, 1), "elements")


def _useless(rehearsal: Rehearsal, element: str, detail: str, figures: tuple[float, float], unit: Unit) -> Check:
    steps = len(rehearsal.plan.steps)
    found = Counterexample(element=element, step=steps, measured=figures[0], limit=figures[1], unit=unit)
    return failed("useful", Violation(detail, found))


def _drained(network: Network) -> frozenset[str]:
    nodes = (node.id for node in network.nodes if node.drained)
    return frozenset((*nodes, *(link.circuit for link in network.links if link.drained)))


def _transit(outcome: Outcome, element: str) -> float:
    """Mbit/s on a drained circuit, or into a drained node that do not end there."""
    network = outcome.network
    if element in network.circuits:
        return float(outcome.load[list(network.circuit(element))].sum())
    node = network.node(element)
    entering = [i for i, link in enumerate(network.links) if link.head == network.nodes[node].name]
    reached = np.isfinite(outcome.delay_ms[:, node])
    return max(0.0, float(outcome.load[entering].sum() - network.offered[reached, node].sum()))


def _asleep(network: Network) -> int:
    return len({link.circuit for link in network.links if link.asleep})


def _measures(network: Network) -> int:
    return _asleep(network) + len(_drained(network)) + len(network.tunnels) + len(network.limits)
