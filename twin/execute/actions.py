"""What a change means on single routers: metrics, overload bits, interfaces that are shut, SR policies.

A circuit that is drained keeps its interfaces and gets the largest metric that routing still uses: 2^24 - 2 of IS-IS
(RFC 5305, section 3: 2^24 - 1 takes a link out, though not on every router), 63 with narrow metrics, and 65535 of OSPF
(RFC 2328). It is the last resort then, as the mode `cost_out` says; without it the twin counts it as none.
A router that is costed out is a stub router (RFC 6987), by one line with OSPF and by the metrics of all its interfaces
with IS-IS.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from twin.model import Link, Network, Tunnel
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
    apply,
)
from twin.printed import mbps, short

LARGEST: Mapping[str, int] = {"isis": 2**24 - 2, "ospf": 65_535}
"""The largest metric that routing uses."""


@dataclass(frozen=True)
class IgpMetric:
    """Set the metric of the interface that a link leaves by."""

    router: str
    link: Link
    value: int


@dataclass(frozen=True)
class Overload:
    """Keep transit traffic away from a router, or let it come again."""

    router: str
    on: bool


@dataclass(frozen=True)
class Shut:
    """Shut the interface that a link leaves by, or open it."""

    router: str
    link: Link
    on: bool


@dataclass(frozen=True)
class SrPolicy:
    """Make, replace or remove an SR policy at its head end."""

    router: str
    tunnel: Tunnel
    on: bool

    @property
    def name(self) -> str:
        """The tunnel's name in letters, digits and hyphens."""
        return re.sub(r"[^A-Za-z0-9]+", "-", self.tunnel.name).strip("-") or "tunnel"


Action = IgpMetric | Overload | Shut | SrPolicy


@dataclass(frozen=True)
class Unwritten:
    """What no configuration line does here, and what a person has to do instead."""

    because: str


def actions_of(network: Network, change: Change, igp: str) -> tuple[Action, ...] | Unwritten:
    """Return what a change, made in the state `network`, is on single routers.

    Raises `UnknownElementError` on an element that the network does not have.
    """
    exits = _exits_of(network, change)
    if exits:
        return Unwritten(
            f"at {exits[0].tail}: {_at_exit(change)} {exits[0].name} in BGP; the inventory knows no session of it"
        )
    match change:
        case SetWeight():
            link = network.links[network.link(change.link)]
            if is_costed_out(network, link, igp):
                return Unwritten(f"nothing now: {link.circuit} is costed out, and gets {change.weight} when it is back")
            return _metric(link, change.weight, igp)
        case DrainLink():
            return tuple(IgpMetric(x.tail, x, _largest(network, igp)) for x in _links(network, change.circuit))
        case UndrainLink():
            return _given_back(network, _links(network, change.circuit), igp, change)
        case DrainNode() | UndrainNode():
            return _of_router(network, change, igp)
        case SleepLink() | WakeLink():
            on = isinstance(change, SleepLink)
            return tuple(Shut(x.tail, x, on) for x in _links(network, change.circuit))
        case SetTunnel():
            return (SrPolicy(change.tunnel.source, change.tunnel, on=True),)
        case RemoveTunnel():
            tunnel = next((x for x in network.tunnels if x.name == change.name), None)
            return (SrPolicy(tunnel.source, tunnel, on=False),) if tunnel else Unwritten(f"remove tunnel {change.name}")
        case SetCapacity() | LimitDemand():
            return Unwritten(_by_hand(change))
        case _:
            assert_never(change)


def _by_hand(change: SetCapacity | LimitDemand) -> str:
    """What a person does of a change that is in no router's configuration, or not as the inventory knows it."""
    if isinstance(change, SetCapacity):
        return f"order {mbps(change.capacity)} in each direction for {short(change.circuit)}, and have it built"
    what = "lift the limit on" if change.limit is None else f"police to {change.limit:g} Mbit/s"
    return f"at {change.source}: {what} what enters for {change.target}; the inventory knows no prefixes of it"


def _exits_of(network: Network, change: Change) -> list[Link]:
    """Exits whose preference or use a change concerns: BGP has them, and no metric does."""
    match change:
        case SetWeight():
            positions: Sequence[int] = (network.link(change.link),)
        case DrainLink() | UndrainLink():
            positions = network.circuit(change.circuit)
        case _:
            positions = ()
    return [network.links[i] for i in positions if i in network.exits]


def _at_exit(change: Change) -> str:
    match change:
        case DrainLink():
            return "prefer after all others, and then close the session of,"
        case UndrainLink():
            return "open the session, and prefer as before,"
        case _:
            return "prefer otherwise"


def _metric(link: Link, weight: int, igp: str) -> tuple[Action, ...] | Unwritten:
    if weight > LARGEST[igp]:
        return Unwritten(f"{weight} is no metric that {igp} uses, which end at {LARGEST[igp]}: choose another for it")
    return (IgpMetric(link.tail, link, weight),)


def _of_router(network: Network, change: DrainNode | UndrainNode, igp: str) -> tuple[Action, ...] | Unwritten:
    """A router that is drained, or given back: the overload bit, or the metrics of all its interfaces."""
    node = network.nodes[network.node(change.node)]
    last = change.mode == "cost_out" if isinstance(change, DrainNode) else node.cost_out
    if not last or igp == "ospf":
        return (Overload(node.name, isinstance(change, DrainNode)),)
    own = [network.links[i] for i in _own(network, node.name)]
    if isinstance(change, UndrainNode):
        return _given_back(network, own, igp, change)
    return tuple(IgpMetric(x.tail, x, _largest(network, igp)) for x in own)


def _largest(network: Network, igp: str) -> int:
    return min(LARGEST[igp], network.largest_metric) if network.igp else LARGEST[igp]


def _own(network: Network, router: str) -> list[int]:
    exits = set(network.exits)
    return [i for i, x in enumerate(network.links) if x.tail == router and i not in exits]


def is_costed_out(network: Network, link: Link, igp: str) -> bool:
    """Whether a link has the largest metric now: its circuit is drained, or its router costed out by IS-IS."""
    tail = network.nodes[network.node(link.tail)]
    return link.drained or (tail.drained and tail.cost_out and igp == "isis")


def _given_back(network: Network, links: list[Link], igp: str, change: Change) -> tuple[Action, ...] | Unwritten:
    """Metrics as they were, but of what stays costed out for another reason."""
    after = apply(network, change)
    now = {x.name: x for x in after.links}
    parts = [
        (IgpMetric(x.tail, x, _largest(network, igp)),)
        if is_costed_out(after, now[x.name], igp)
        else _metric(x, x.weight, igp)
        for x in links
    ]
    return next((x for x in parts if isinstance(x, Unwritten)), tuple(_all(parts)))


def _links(network: Network, circuit: str) -> list[Link]:
    return [network.links[i] for i in network.circuit(circuit)]


def _all(parts: list[tuple[Action, ...] | Unwritten]) -> Iterator[Action]:
    for part in parts:
        if not isinstance(part, Unwritten):
            yield from part
