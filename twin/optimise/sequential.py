"""Weights first, then segments on them: what neither reaches alone.

Even ECMP splitting under good weights leaves a few demands that cost the peak, and tunnels under bad weights run out of
midpoints; the networks on which either stays far above the bound are different ones. A search for weights settles
elsewhere for every start, so that a few starts are made.
"""

from collections.abc import Sequence
from typing import NamedTuple

from twin.gate.verdict import Counterexample
from twin.model import Network
from twin.plan import Change, SetTunnel, SetWeight, apply
from twin.policy import Policy

from .allowance import Allowance
from .assemble import assemble, bound_of, without_plan
from .judge import Judge
from .proposal import Proposal
from .segments import SegmentRouting, route_by_segments
from .tunnels import tunnel_over
from .weight_search import search_weights, with_weights

METHOD = "sequential"
STARTS = 3
EVALUATIONS = 2_000
"""Weight changes that one start tries."""
CLOSE = 0.01
"""Gap to the bound at which no further start is made."""


class SequentialRouting(NamedTuple):
    """Weights, and tunnels on top of them."""

    weights: tuple[SetWeight, ...]
    segments: SegmentRouting  # of the network with these weights
    bound: float  # no routing at all has a lower peak

    @property
    def max_utilisation(self) -> float:
        """Peak with weights and tunnels in place."""
        return self.segments.max_utilisation

    @property
    def gap(self) -> float | None:
        """Share by which the peak lies above the bound."""
        return self.max_utilisation / self.bound - 1 if self.bound > 0 else None


def route_in_sequence(network: Network, *, seed: int = 0, time_limit_s: float | None = None) -> SequentialRouting:
    """Choose midpoints under the present weights, then under weights of up to `STARTS` searches; return the best.

    Ends as soon as the bound is close, or late.
    """
    allowance = Allowance(time_limit_s)
    best = SequentialRouting((), route_by_segments(network, time_limit_s=time_limit_s), bound_of(network))
    for start in range(STARTS):
        if (best.gap or 0.0) <= CLOSE or allowance.spent:
            break
        left, each = allowance.share(), allowance.share(2)
        found = search_weights(network, seed=seed + start, evaluations=EVALUATIONS, time_limit_s=each)
        routed = route_by_segments(with_weights(network, found.changes), time_limit_s=left)
        if routed.max_utilisation < best.max_utilisation:
            best = best._replace(weights=found.changes, segments=routed)
    return best


def relieve_in_sequence(
    network: Network,
    policy: Policy,
    *,
    seed: int = 0,
    avoid: Sequence[Counterexample] = (),
    time_limit_s: float | None = None,
) -> Proposal:
    """Plan few weights, and few tunnels on them, where together they keep every failure safe.

    At most half the steps are weights.
    """
    judge = Judge(network, policy, avoid)
    if judge.before.max_utilisation == 0:
        return without_plan(judge, METHOD, "the network carries no traffic")
    if policy.max_steps < 2:
        return without_plan(judge, METHOD, "one step holds no weight and tunnel both")
    each = None if time_limit_s is None else time_limit_s / 2
    found = search_weights(
        network,
        seed=seed,
        evaluations=EVALUATIONS,
        most=policy.max_steps // 2,
        fixed=judge.fixed_weights,
        time_limit_s=each,
    )
    state, steps = with_weights(network, found.changes), list[Change](found.changes)
    routed = route_by_segments(state, most=policy.max_steps - len(steps), time_limit_s=each)
    for move in routed.moves:
        if not judge.protects(*(network.nodes[i].id for i in move[:3])):
            steps.append(SetTunnel(tunnel=tunnel_over(state, move)))
            state = apply(state, steps[-1])
    return assemble(judge, METHOD, steps)
