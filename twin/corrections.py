"""Changes that put right what the inventory never had wrong: routers take them, and the inventory stays as it is.

A weight that somebody mistyped, a drain that nobody wrote down: the step that corrects it is in place in the inventory
before it is made, and still when it is taken back.
"""

from collections.abc import Sequence

from twin.errors import PlanError
from twin.model import Network
from twin.plan import (
    Change,
    DrainLink,
    DrainNode,
    RemoveTunnel,
    SleepLink,
    UndrainLink,
    UndrainNode,
    WakeLink,
    apply,
    inverse,
)


def in_place(network: Network, change: Change) -> bool:
    """Whether a network is as the change would make it. Raises as `apply` does, but not on what is so already."""
    match change:
        case DrainLink() | UndrainLink():
            to = isinstance(change, DrainLink)
            return all(network.links[i].drained is to for i in network.circuit(change.circuit))
        case SleepLink() | WakeLink():
            to = isinstance(change, SleepLink)
            return all(network.links[i].asleep is to for i in network.circuit(change.circuit))
        case DrainNode() | UndrainNode():
            return network.nodes[network.node(change.node)].drained is isinstance(change, DrainNode)
        case RemoveTunnel():
            return all(x.name != change.name for x in network.tunnels)
        case _:
            return apply(network, change) == network


def with_change(network: Network, change: Change) -> Network:
    """The network after a change; as it is where that is in place already. Raises as `apply` does otherwise."""
    return network if in_place(network, change) else apply(network, change)


def recorded_states(inventory: Network, steps: Sequence[Change]) -> list[Network]:
    """What the inventory says before the first step and after each one. Raises `PlanError` that names the step."""
    reached = [inventory]
    for number, step in enumerate(steps, start=1):
        try:
            reached.append(with_change(reached[-1], step))
        except PlanError as error:
            raise PlanError(f"step {number} ({step.op}): {error}", fix=error.fix) from error
    return reached


def recorded_back(inventory: Network, step: Change) -> Change:
    """What the inventory is to take when a step is undone that was made while it was as `inventory`.

    Raises as `apply` does.
    """
    return step if in_place(inventory, step) else inverse(inventory, step)
