"""Which elements a change touches: what it configures, what it steers traffic through, and what it leaves idle."""

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

import numpy as np

from twin.gate.no_worse import rate_slack
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
from twin.policy import Policy
from twin.sim.simulate import Outcome


def touched(network: Network, change: Change) -> frozenset[str]:
    """Return the ids of all elements that a change to this state touches.

    A weight touches its interface, its circuit and the router that holds it; a circuit its two interfaces and
    routers; a tunnel its head-end and every node that its segment lists, new or replaced, steer through (not its
    target: the demand goes there anyway); a rate limit the router where the traffic enters; a drain of a router all its
    circuits, on which nothing passes any more, and their interfaces at both ends.
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
            links = [x for x in network.links if change.node in (x.tail, x.head)]
            return frozenset((subject(change), *(x.circuit for x in links), *(x.interface for x in links)))
        case _:
            assert_never(change)


def blacked_out(network: Network, change: Change, policy: Policy, moment: datetime) -> tuple[str, str] | None:
    """Return what a change to this state touches in a blackout at that moment, and the blackout; None for nothing.

    A risk group is touched with each of its circuits.
    """
    elements = touched(network, change)
    groups = {f"risk-group/{x.name}" for x in network.risk_groups if not elements.isdisjoint(x.circuits)}
    return policy.blacked_out(elements | groups, moment)


def emptied(before: Outcome, after: Outcome, elements: Iterable[str]) -> str | None:
    """Return the first of these elements that carried traffic before and carries none after, however that came about.

    Weights elsewhere, tunnels around it, sleeping neighbours and rate limits can take all traffic off an element that
    no step names. For a node, what ends or starts there does not count.
    """
    slack = rate_slack(before.network)
    return next((x for x in elements if _passing(before, x) > slack >= _passing(after, x)), None)


def _passing(outcome: Outcome, element: str) -> float:
    """Mbit/s on a circuit or interface, or into a node that do not end there; 0 for anything else."""
    network, kind = outcome.network, element.partition("/")[0]
    if element in network.circuits:
        return float(outcome.load[list(network.circuits[element])].sum())
    if element in network.interface_index:
        return float(outcome.load[network.interface_index[element]])
    if kind != "node" or element.removeprefix("node/") not in network.node_index:
        return 0.0
    node = network.node(element)
    entering = np.array([link.head == network.nodes[node].name for link in network.links], dtype=np.bool_)
    ending = network.offered[:, node] - outcome.undelivered[:, node]
    reached = np.isfinite(outcome.delay_ms[:, node])
    return max(0.0, float(outcome.load[entering].sum() - ending[reached].sum()))


def exists(network: Network, element: str) -> bool:
    """Whether the network has this element: `node/…`, `interface/…`, `link/…--…`, `tunnel/…` or `risk-group/…`."""
    kind, _, name = element.partition("/")
    known = {
        "node": name in network.node_index,
        "interface": element in network.interface_index,
        "link": element in network.circuits,
        "tunnel": any(x.name == name for x in network.tunnels),
        "risk-group": any(x.name == name for x in network.risk_groups),
    }
    return known.get(kind, False)


def _steered(tunnel: Tunnel) -> tuple[str, ...]:
    return (f"node/{tunnel.source}", *(f"node/{via}" for path in tunnel.paths for via in path.via))
