"""Relief from a wrong weight: set back what differs from the reference network."""

from collections.abc import Sequence

from twin.model import Network
from twin.plan import SetWeight
from twin.policy import Policy
from twin.verdict import Counterexample

from .assemble import assemble, without_plan
from .judge import Judge
from .proposal import Proposal

METHOD = "restore-weights"


def relieve_by_restoring(
    network: Network,
    policy: Policy,
    *,
    reference: Network | None = None,
    seed: int = 0,
    avoid: Sequence[Counterexample] = (),
    time_limit_s: float | None = None,
) -> Proposal:
    """Set every weight that differs from `reference` back to it. `seed` and `time_limit_s` change nothing."""
    del seed, time_limit_s
    judge = Judge(network, policy, avoid)
    if reference is None:
        return without_plan(judge, METHOD, "no reference network was given")
    steps = tuple(x for x in _differences(network, reference) if not _protected(judge, x))
    if not steps:
        return without_plan(judge, METHOD, "every weight is as in the reference network")
    return assemble(judge, METHOD, steps, prune=len(steps) > policy.max_steps)


def _differences(network: Network, reference: Network) -> tuple[SetWeight, ...]:
    wanted = {link.name: link.weight for link in reference.links}
    return tuple(
        SetWeight(link=link.name, weight=wanted[link.name])
        for link in network.links
        if link.name in wanted and link.weight != wanted[link.name]
    )


def _protected(judge: Judge, step: SetWeight) -> bool:
    link = judge.network.links[judge.network.link(step.link)]
    return judge.protects(link.name, link.interface, link.circuit, f"node/{link.tail}", f"node/{link.head}")
