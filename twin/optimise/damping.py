"""Plans beside a flapping circuit: it is taken out first, for a plan is made for one state of the network."""

from collections.abc import Sequence
from dataclasses import replace

from twin.errors import TwinError
from twin.faults import Fault, FaultKind, struck_links
from twin.gate.checks.touch import touched
from twin.model import Network
from twin.plan import DrainLink, states
from twin.policy import Policy

from .proposal import Proposal


def damped(proposal: Proposal, network: Network, policy: Policy, faults: Sequence[Fault]) -> Proposal:
    """Put the drains of flapping circuits before the steps of a plan that was made for the state without them.

    Whenever such a circuit comes up, traffic would go back to it, past the plan, until it goes down again. In `network`
    they are down; they harm for the share of time that they are, and once drained for good: a plan that leaves more
    than that is none.
    """
    flapping = [x for x in faults if x.kind is FaultKind.FLAP]
    names = dict.fromkeys(network.links[i].circuit for x in flapping for i in struck_links(network, x))
    drains = tuple(DrainLink(circuit=x) for x in names if not network.links[network.circuits[x][0]].drained)
    if proposal.plan is None or not drains:
        return proposal
    steps = (*drains, *(x for x in proposal.plan.steps if x not in drains))
    harmed, left = max(x.severity for x in flapping) * proposal.before.harm, proposal.after.harm
    if left > (1 - policy.min_gain) * harmed:
        return _without(proposal, f"leaves {left:,.0f} Mbit/s for good where flapping harms {harmed:,.0f} in the mean")
    if len(steps) > policy.max_steps:
        return _without(proposal, f"needs {len(steps)} steps, the policy allows {policy.max_steps}")
    if not set(policy.protected).isdisjoint(x for step in drains for x in touched(network, step)):
        return _without(proposal, f"the policy protects {next(iter(names))}, which flaps")
    try:
        states(network, steps)
    except TwinError as error:
        return _without(proposal, str(error))
    return replace(proposal, plan=proposal.plan.model_copy(update={"steps": steps}))


def _without(proposal: Proposal, reason: str) -> Proposal:
    return replace(proposal, plan=None, after=proposal.before, reason=reason)
