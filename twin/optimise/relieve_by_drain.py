"""Relief from silent loss: take the lossy circuit out of the traffic's way."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import inf

from twin.gate.checks.touch import touched
from twin.gate.verdict import Counterexample
from twin.model import Network
from twin.plan import Change, DrainLink, SetWeight, apply_all
from twin.policy import Policy

from .allowance import Allowance
from .assemble import assemble, without_plan
from .attempt import attempt
from .breakpoints import heaviest
from .judge import Judge
from .proposal import Proposal
from .tunnels import relieve_by_tunnels

METHOD = "drain-lossy"


def relieve_by_drain(
    network: Network,
    policy: Policy,
    *,
    seed: int = 0,
    avoid: Sequence[Counterexample] = (),
    time_limit_s: float | None = None,
) -> Proposal:
    """Drain every circuit that loses traffic; where that is unsafe, cost it out so that it stays the last resort.

    Tunnels take the load off links that the drain would overload. Nothing is random: `seed` changes nothing.
    """
    allowance = Allowance(time_limit_s)
    judge = Judge(network, policy, avoid, allowance=allowance)
    lossy = [name for name, links in network.circuits.items() if any(_loses(network, i) for i in links)]
    if not lossy:
        return without_plan(judge, METHOD, "no circuit loses traffic")
    best: Proposal | None = None
    for steps in _ways(network, lossy, heaviest(network, policy)):
        if len(steps) > policy.max_steps or any(judge.protects(*touched(network, step)) for step in steps):
            continue
        rest = policy.model_copy(update={"max_steps": policy.max_steps - len(steps)}) if steps else policy
        below = judge.before.harm + judge.stranded if judge.before.harm > 0 else inf
        asked = partial(relieve_by_tunnels, seed=seed, time_limit_s=allowance.share(2), below=below)
        follow = _follow_up(apply_all(network, steps), rest, asked)
        for added in ((), follow) if follow else ((),):
            proposal = assemble(judge, METHOD, (*steps, *added))
            if best is None or (proposal.plan and not best.plan) or proposal.after.beats(best.after, gain=0.01):
                best = proposal
        if allowance.spent or (best and best.plan and best.after.harm <= 0):
            break
    return best or without_plan(judge, METHOD, "the policy protects every lossy circuit")


def _loses(network: Network, position: int) -> bool:
    return network.links[position].loss > 0 and network.links[position].usable


def _ways(network: Network, lossy: Sequence[str], most: int) -> Iterator[tuple[DrainLink | SetWeight, ...]]:
    yield tuple(DrainLink(circuit=name) for name in lossy)
    metrics = (i for name in lossy for i in network.circuits[name] if i not in network.exits)
    links = [network.links[i] for i in metrics if _loses(network, i)]
    yield tuple(SetWeight(link=link.name, weight=most) for link in links if link.weight < most)


def _follow_up(state: Network, policy: Policy, planner: Callable[[Network, Policy], Proposal]) -> tuple[Change, ...]:
    plan = attempt(METHOD, partial(planner, state, policy), state, policy).plan
    return plan.steps if plan else ()
