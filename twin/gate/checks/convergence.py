"""What may loop during a step, while routers change over to the new paths one by one."""

from itertools import pairwise

from twin.policy import Policy
from twin.printed import percent
from twin.sim.arrays import compile_network
from twin.sim.loops import loops_between

from .finding import Convergence, Counterexample, Violation
from .stressed import Stressed


def convergence(before: Stressed, after: Stressed, step: int) -> Convergence | None:
    """Return what may loop between two states, None when nothing can."""
    first, second = compile_network(before.network), compile_network(after.network)
    same = (first.weight == second.weight).all() and (first.no_transit == second.no_transit).all()
    if same:
        return None  # tunnels and rate limits are set at one router
    loops = loops_between((first, before.routing), (second, after.routing))
    if not loops.possible:
        return None
    caught, offered = float(loops.volume.sum()), float(before.network.offered.sum())
    most = loops.volume if caught > 0 else loops.caught.sum(axis=1)
    return Convergence(
        step=step,
        targets=int(loops.caught.any(axis=1).sum()),
        worst=before.network.nodes[int(most.argmax())].id,
        mbps=caught,
        share=min(1.0, caught / offered) if offered > 0 else 0.0,
    )


def convergences(states: tuple[Stressed, ...]) -> tuple[Convergence, ...]:
    """Return what may loop during each step of a plan, the steps at which nothing can left out."""
    found = (convergence(*pair, step) for step, pair in enumerate(pairwise(states), start=1))
    return tuple(x for x in found if x)


def loops_too_much(before: Stressed, after: Stressed, policy: Policy, step: int) -> Violation | None:
    """Return where too much may loop during a step; None where the policy only wants to be told."""
    if policy.max_loop_share is None:
        return None
    found = convergence(before, after, step)
    if found is None or found.share <= policy.max_loop_share + 1e-9:
        return None
    detail = (
        f"while routers change over during step {step}, {percent(found.share)} of the traffic may loop, most of it on "
        f"its way to {found.worst}; at most {percent(policy.max_loop_share)} allowed"
    )
    limit = policy.max_loop_share
    example = Counterexample(element=found.worst, step=step, measured=found.share, limit=limit, unit="share")
    return Violation(detail, example)
