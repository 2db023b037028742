"""How a network becomes a lab: routers, ports, addresses, and what each of them is called."""

import re
from functools import cached_property
from ipaddress import IPv4Address
from typing import Literal, NamedTuple

from pydantic import Field

from twin.errors import InputError
from twin.model import Astray, Frozen, Link, Network, Node, RiskGroup

Igp = Literal["isis", "ospf"]
MAX_ROUTERS = 200
"""Two daemons each, about 12 MiB a router: more than this is no lab any more."""
_KERNEL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,14}")
_LOOPBACKS, _LINKS = IPv4Address("10.255.0.0"), IPv4Address("10.64.0.0")
FIRST_AS = 65_101
"""Of the first network beyond an exit."""
_TAKEN = frozenset({"lo", "all", "default"})
HIGHEST = {"isis": 2**24 - 3, "ospf": 65_535}
"""The largest metric that routers route by; beyond those of IS-IS a link is kept out (RFC 5305)."""


class Rates(Frozen):
    """How a lab is paced. `flows` equal flows carry each demand; probes go out of `ports` of each router."""

    interval_s: float = Field(default=5.0, ge=0.5, le=300, description="Seconds between samples.")
    flows: int = Field(default=16, ge=1, le=64)
    payload: int = Field(default=1000, ge=64, le=1400, description="Bytes of a data packet.")
    probe_packets: int = Field(default=20, ge=4, le=200, description="Packets of one probe in one interval.")
    probe_ports: int = Field(default=4, ge=1, le=16)
    probe_pairs: int = Field(default=400, ge=1, le=4000, description="Most pairs of routers that are probed.")

    @classmethod
    def every(cls, interval_s: float) -> "Rates":
        """The usual ones for samples so often: some four probes a second and pair."""
        return cls(interval_s=interval_s, probe_packets=max(10, min(20, round(4 * interval_s))))


class Design(Frozen):
    """Everything that a lab is made from: what is sent into its namespaces."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,15}$")
    network: str
    igp: Igp
    seed: int = Field(ge=0)
    rates: Rates = Rates()
    nodes: tuple[tuple[str, float, float], ...] = Field(min_length=2, max_length=MAX_ROUTERS)
    links: tuple[tuple[str, str, float, int, float, int], ...] = Field(
        description="Tail, head, capacity, weight, delay, index."
    )
    demands: tuple[tuple[int, int, float], ...] = Field(description="Source, target, Mbit/s.")
    risk_groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    groups: tuple[str, ...] = Field(default=(), max_length=64, description="Nodes that are groups of exits.")
    reflectors: tuple[str, ...] = Field(
        default=(), description="Routers that all others have their sessions of BGP with; none: all with all."
    )
    add_path: bool = Field(default=False, description="Reflectors pass on every path, not their own best one alone.")

    @cached_property
    def inventory(self) -> Network:
        """The network as it was built."""
        import numpy as np

        demands = np.zeros((len(self.nodes), len(self.nodes)))
        for source, target, mbps in self.demands:
            demands[source, target] = mbps
        return Network(
            name=self.network,
            nodes=tuple(Node(*x, kind="exits" if x[0] in self.groups else "router") for x in self.nodes),
            links=tuple(Link(*x) for x in self.links),
            demands=demands,
            risk_groups=tuple(RiskGroup(*x) for x in self.risk_groups),
            astray=() if self.add_path else tuple(Astray("reflect", x) for x in self.reflectors),
        )

    def peers_of(self, router: str) -> tuple[str, ...]:
        """The routers with which one has sessions of BGP inside."""
        others = tuple(name for name, _, _ in self.nodes if name != router and name not in self.groups)
        if not self.reflectors or router in self.reflectors:
            return others
        return tuple(x for x in others if x in self.reflectors)


class Port(NamedTuple):
    """One end of a circuit: the interface of a router towards a neighbour."""

    router: str
    device: str  # what the kernel calls it
    link: int  # the directed link that leaves here, in the inventory
    address: str
    peer: str  # the router at the other end
    peer_device: str
    mbps: float
    weight: int


class Router(NamedTuple):
    """One router: its loopback, its IS-IS system id, its ports, and those that are exits."""

    name: str
    loopback: str
    system: str
    ports: tuple[Port, ...]
    exits: tuple[Port, ...] = ()


class Reflection(NamedTuple):
    """Which routers reflect what BGP says of exits to the others, and whether all paths or their best ones alone."""

    reflectors: tuple[str, ...] = ()
    add_path: bool = False


def nearest_to_all(network: Network, number: int) -> tuple[str, ...]:
    """The routers that have the shortest way to all others together, by the IGP: where reflectors stand.

    Raises `InputError` where there are not as many that leave somebody to be told.
    """
    from twin.live.tables import routing_tables

    names = [x.name for x in network.nodes if x.kind == "router"]
    if number >= len(names) or (number and not network.exits):
        raise InputError(f"{number} reflectors are too many here", fix="ask for fewer, on a network with exits")
    dist = routing_tables(network).distance  # -1 where there is no path
    at = [network.node_index[x] for x in names]
    sums = {name: int(dist[at, i].clip(min=0).sum()) for name, i in zip(names, at, strict=True)}
    return tuple(sorted(sorted(names, key=lambda x: (sums[x], x))[:number]))


def design_of(
    network: Network,
    *,
    name: str,
    igp: Igp,
    seed: int,
    rates: Rates | None = None,
    reflection: Reflection = Reflection(),
) -> Design:
    """Describe a lab of a network. Raises `InputError` on what cannot be built here."""
    if len(network.nodes) > MAX_ROUTERS:
        raise InputError(f"{len(network.nodes)} routers are too many", fix=f"name a network of up to {MAX_ROUTERS}")
    if any(x.kind not in ("router", "exits") for x in network.nodes):
        raise InputError("a lab has routers only, no shared segments", fix="name a network without them")
    if any(network.links[i].weight != 1 for i in network.exits):
        raise InputError("a lab has exits of one preference", fix="name a network whose exits are all first choice")
    steep = next((x for x in network.links if x.weight > HIGHEST[igp]), None)
    if steep:
        raise InputError(
            f"{steep.name} weighs {steep.weight}, more than {igp} takes ({HIGHEST[igp]})", fix="use --igp isis"
        )
    sources, targets = network.demands.nonzero()
    return Design(
        name=name,
        network=network.name,
        igp=igp,
        seed=seed,
        rates=rates or Rates(),
        nodes=tuple((x.name, x.longitude, x.latitude) for x in network.nodes),
        links=tuple((x.tail, x.head, x.capacity, x.weight, x.delay_ms, x.index) for x in network.links),
        demands=tuple((int(s), int(t), float(network.demands[s, t])) for s, t in zip(sources, targets, strict=True)),
        risk_groups=tuple((x.name, x.circuits) for x in network.risk_groups),
        groups=tuple(x.name for x in network.nodes if x.kind == "exits"),
        reflectors=reflection.reflectors,
        add_path=reflection.add_path,
    )


def routers_of(design: Design) -> dict[str, Router]:
    """Name and number everything: loopbacks 10.255/16, point-to-point links /31 from 10.64/10."""
    network = design.inventory
    devices = _devices(network)
    ports: dict[str, list[Port]] = {node.name: [] for node in network.nodes}
    beyond = set(network.exits)
    circuits = [x for x in network.circuits.values() if not beyond.intersection(x)]
    for number, (one, other) in enumerate(circuits):
        for end, (here, there) in enumerate(((one, other), (other, one))):
            link = network.links[here]
            address = f"{_LINKS + 2 * number + end}"
            ports[link.tail].append(
                Port(
                    link.tail,
                    devices[here],
                    here,
                    address,
                    link.head,
                    devices[there],
                    link.capacity,
                    link.weight,
                )
            )
    exits: dict[str, list[Port]] = {node.name: [] for node in network.nodes}
    for number, i in enumerate(network.exits):
        link, address = network.links[i], f"{_LINKS + 2 * (len(circuits) + number)}"
        exits[link.tail].append(
            Port(link.tail, devices[i], i, address, f"as{FIRST_AS + number}", "inner", link.capacity, 0)
        )
    return {
        node.name: Router(
            node.name,
            f"{_LOOPBACKS + i + 1}",
            f"0000.0000.{i + 1:04x}",
            tuple(ports[node.name]),
            tuple(exits[node.name]),
        )
        for i, node in enumerate(network.nodes)
        if node.kind == "router"
    }


def _devices(network: Network) -> list[str]:
    """Kernel names: the neighbour's, where the kernel takes that, else a number."""
    told = [link.interface.rsplit("/", 1)[1] for link in network.links]
    return [x if _KERNEL_NAME.fullmatch(x) and x not in _TAKEN else f"p{i}" for i, x in enumerate(told)]
