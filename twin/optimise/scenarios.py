"""One plan for many traffic matrices: tunnels that keep the mean, or the bad tail, of the peak low.

The tail is weighed by the conditional value at risk: the mean of the worst share of scenarios [Rockafellar, Uryasev,
"Optimization of conditional value-at-risk", 2000].
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from twin.errors import InputError
from twin.model import Floats, Network
from twin.plan import ExpectedEffect, Plan, apply_all
from twin.policy import Policy
from twin.printed import percent, stated

from .allowance import Allowance
from .assemble import bound_of, node_cut_bound
from .judge import Judge
from .proposal import Proposal, Value
from .tunnels import Risk, TunnelSearch

METHOD = "sr-tunnels-scenarios"
Measure = Literal["mean", "cvar"]
_BOUND_WORK = 100_000


def plan_for_scenarios(
    network: Network,
    scenarios: Sequence[Floats],
    policy: Policy,
    *,
    measure: Measure = "cvar",
    time_limit_s: float | None = None,
) -> Proposal:
    """Choose tunnels that lower harm, then the peak, over scenarios: traffic matrices by source first [n, n], Mbit/s.

    `cvar` weighs the worst `1 - policy.cvar_alpha` of them, `mean` all alike. Values, bound and gap of the proposal are
    those of the measure. The plan is safe for the network's own demands as well. Nothing is random. A time limit
    returns the best so far. Raises `InputError` on a scenario that does not fit the network.
    """
    risk = Risk(_volumes(network, scenarios), _weights(len(scenarios), measure, policy.cvar_alpha))
    judge = Judge(network, policy)
    search = TunnelSearch(judge, risk, Allowance(time_limit_s))
    steps = search.run()
    before = _exact(search, network)
    bound = _bound(network, scenarios, risk)

    def none(reason: str) -> Proposal:
        return Proposal(METHOD, None, before, before, bound, reason, judge.evaluations)

    if not steps:
        return none("no tunnel that keeps every failure safe makes the scenarios better")
    after = _exact(search, apply_all(network, steps))
    if not after.beats(before, gain=policy.min_gain):
        return none(f"gains less than the agreed {stated(policy.min_gain)}")
    ordered = judge.in_safe_order(steps)
    if ordered is None:
        return none("no order of the steps was found in which harm never rises on the way")
    peaks = before.max_utilisation, after.max_utilisation
    told = f"from {percent(peaks[0])} to {percent(peaks[1])}"
    goal = f"Lower the {measure} of the peak over {len(scenarios)} scenarios {told}."
    effect = ExpectedEffect(max_utilisation=peaks, harm=(before.harm, after.harm))
    plan = Plan(goal=goal, base=network.id, steps=ordered, method=METHOD, expected=effect)
    return Proposal(METHOD, plan, before, after, bound, evaluations=judge.evaluations)


def _volumes(network: Network, scenarios: Sequence[Floats]) -> Floats:
    n = len(network.nodes)
    if not scenarios or any(matrix.shape != (n, n) for matrix in scenarios):
        raise InputError(
            f"scenarios must be one or more matrices of shape ({n}, {n})", fix="one row per node, in order"
        )
    up = np.array([node.up for node in network.nodes])
    return np.array([network.with_demands(matrix).offered.T * np.outer(up, up) for matrix in scenarios])


def _weights(count: int, measure: Measure, alpha: float) -> Floats:
    """Weight of each scenario from the worst down; the one at the edge of the tail counts in part."""
    tail = count * (1 - alpha) if measure == "cvar" else float(count)
    weights: Floats = np.clip(tail - np.arange(count, dtype=np.float64), 0.0, 1.0)
    return weights / tail


def _exact(search: TunnelSearch, state: Network) -> Value:
    judge, loads = search.judge, search.loads(state)
    harm = np.array([judge.excess(load) for load in loads])
    return Value(float(search.risk.of(harm)), float(search.risk.of(np.array([judge.peak(load) for load in loads]))))


def _bound(network: Network, scenarios: Sequence[Floats], risk: Risk) -> float:
    """Weigh the best possible peak of each scenario alone: one routing for all of them can do no better."""
    small = len(scenarios) * len(network.nodes) * len(network.links) <= _BOUND_WORK
    best = bound_of if small else node_cut_bound
    return float(risk.of(np.array([best(network.with_demands(matrix)) for matrix in scenarios])))
