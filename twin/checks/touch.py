"""Which elements a change touches: what it configures, and what it steers traffic through."""

from typing import assert_never

from twin.model import Network, Tunnel
from twin.plan import (
    Change,
    DrainLink,
    DrainNode,
    LimitDemand,
    RemoveTunnel,
    SetCapacity,
    SetTunnel,
    SetWeight,
    SleepLink,
    UndrainLink,
    UndrainNode,
    WakeLink,
    subject,
)


def touched(network: Network, change: Change) -> frozenset[str]:
    """Return the ids of all elements that a change to this state touches.

    A weight touches its interface, its circuit and the router that holds it; a circuit its two interfaces and
    routers; a tunnel its head-end and every node that its segment lists, new or replaced, steer through (not its
    target: the demand goes there anyway); a rate limit the router where the traffic enters.
    Raises `UnknownElementError`.
    """
    match change:
        case SetWeight():
            link = network.links[network.link(change.link)]
            return frozenset((link.interface, link.circuit, f"node/{link.tail}"))
        case DrainLink() | UndrainLink() | SleepLink() | WakeLink() | SetCapacity():
            links = [network.links[i] for i in network.circuit(change.circuit)]
            return frozenset((change.circuit, *(x.interface for x in links), *(f"node/{x.tail}" for x in links)))
        case SetTunnel() | RemoveTunnel():
            name = change.tunnel.name if isinstance(change, SetTunnel) else change.name
            known = [x for x in network.tunnels if x.name == name]
            new = [change.tunnel] if isinstance(change, SetTunnel) else []
            return frozenset((f"tunnel/{name}", *(node for x in known + new for node in _steered(x))))
        case LimitDemand():
            return frozenset((subject(change), f"node/{change.source}"))
        case DrainNode() | UndrainNode():
            return frozenset((subject(change),))
        case _:
            assert_never(change)


def exists(network: Network, element: str) -> bool:
    """Whether the network has this element: `node/…`, `interface/…`, `link/…--…` or `tunnel/…`."""
    kind, _, name = element.partition("/")
    known = {
        "node": name in network.node_index,
        "interface": element in network.interface_index,
        "link": element in network.circuits,
        "tunnel": any(x.name == name for x in network.tunnels),
    }
    return known.get(kind, False)


def _steered(tunnel: Tunnel) -> tuple[str, ...]:
    return (f"node/{tunnel.source}", *(f"node/{via}" for path in tunnel.paths for via in path.via))
