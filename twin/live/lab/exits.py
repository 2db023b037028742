"""Networks of others behind the exits of a lab: a stub for each exit, in a namespace and an AS of its own.

An exit is a link of the inventory from a router into a group of exits. Each group is a set of prefixes that all of its
stubs announce. A stub answers for the group: what is sent to it arrives there and is counted.
"""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address
from typing import NamedTuple

from twin.errors import InputError

from .layout import FIRST_AS, Design, Port, Router
from .namespaces import command, inside, shape, tune

PREFIX_LENGTH = 24
_PREFIXES = 2
"""Of a group: more than one, so that a limit on prefixes can be exceeded."""
_GROUPS = IPv4Address("198.18.0.0")
"""Addresses for benchmarks (RFC 2544); 256 groups of two /24."""


class Stub(NamedTuple):
    """One network beyond one exit."""

    name: str  # of its namespace
    number: int  # of its AS
    group: str
    prefixes: tuple[str, ...]
    address: str  # where the group's traffic arrives
    port: Port  # its own end; `link` is the exit
    outer: Port  # the end at the network's router


def group_prefixes(design: Design) -> dict[str, tuple[str, ...]]:
    """The network addresses of the prefixes of each group."""
    return {
        group: tuple(f"{_GROUPS + (i * _PREFIXES + k) * 2 ** (32 - PREFIX_LENGTH)}" for k in range(_PREFIXES))
        for i, group in enumerate(design.groups)
    }


def addresses(design: Design, routers: Mapping[str, Router]) -> list[str]:
    """Where packets for each node of the inventory are sent."""
    prefixes = group_prefixes(design)
    return [
        routers[name].loopback if name in routers else f"{IPv4Address(prefixes[name][0]) + 1}"
        for name, _, _ in design.nodes
    ]


def stubs_of(design: Design, routers: Mapping[str, Router]) -> tuple[Stub, ...]:
    """The stub of each exit, in the order of exits. Raises `InputError` where a router has the name of one."""
    prefixes = group_prefixes(design)
    found: list[Stub] = []
    for outer in sorted((x for router in routers.values() for x in router.exits), key=lambda x: x.link):
        number = FIRST_AS + len(found)
        if outer.peer in routers:
            raise InputError(f"{outer.peer} is the name of a network beyond an exit", fix="rename that router")
        group = design.inventory.links[outer.link].head
        own = f"{IPv4Address(outer.address) + 1}"
        port = Port(outer.peer, outer.peer_device, outer.link, own, outer.router, outer.device, outer.mbps, 0)
        told = prefixes[group]
        found.append(Stub(outer.peer, number, group, told, f"{IPv4Address(told[0]) + 1}", port, outer))
    return tuple(found)


def build_stubs(stubs: Iterable[Stub], routers: Iterable[Router], seed: int) -> None:
    """Make the namespaces of the stubs and the circuits to them; sessions go before data, as neighbours do."""
    for number, stub in enumerate(stubs):
        port, outer = stub.port, stub.outer
        command("ip", "netns", "add", stub.name)
        ends = ("netns", outer.router, "type", "veth", "peer", "name", port.device, "netns", stub.name)
        command("ip", "link", "add", outer.device, *ends)
        inner = ("link set lo up", *(f"addr add {IPv4Address(x) + 1}/32 dev lo" for x in stub.prefixes))
        command("ip", "-n", stub.name, "-batch", "-", given="\n".join((*inner, *_end(port))) + "\n")
        command("ip", "-n", outer.router, "-batch", "-", given="\n".join(_end(outer)) + "\n")
        command("ip", "-n", stub.name, "route", "add", "default", "via", outer.address)
        inside(stub.name, lambda number=number: tune(seed * 1_000_003 + 104_729 * (number + 1)))
        shape([outer], new=True)
    for router in routers:
        lines = [
            f"filter add dev {x.device} parent 1: protocol ip prio 1 u32 match ip tos 0xc0 0xfc flowid 1:10"
            for x in (*router.ports, *router.exits)
        ]
        command("tc", "-n", router.name, "-batch", "-", given="\n".join(lines) + "\n")


def _end(port: Port) -> tuple[str, str]:
    return f"addr add {port.address}/31 dev {port.device}", f"link set {port.device} up"
