"""Faults of BGP at the exits of a lab: done to real sessions, announcements and policies, and undone again.

The ways of a session are those of NIKA's placements for providers: an access list, a wrong number of an AS, a wrong
address, another password, a limit on prefixes. The cure of each is what an operator would enter.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from twin.errors import ExecutionError
from twin.faults import FaultKind

from .bgp import AS, BGPD, announce_lines, outer_lines
from .exits import Stub
from .rules import allow_session, drop_session
from .vty import Vty

Cure = Callable[[], None]
Step = tuple[Cure, Cure]
"""What is done, and what undoes it."""

_K = FaultKind
EXIT_WAYS: Mapping[FaultKind, tuple[str, ...]] = {
    _K.BGP_SESSION: ("acl", "wrong_as", "address", "password", "max_prefix"),
    _K.BGP_ADVERTISEMENT: ("withdrawn",),
    _K.BGP_FILTER: ("route_map",),
}
"""Ways in which each is done; the first is the usual one."""
_OTHER_AS, _OTHER_ADDRESS = 65_199, "10.127.255.1"
_POLICY = "denied"


def steps(kind: FaultKind, way: str, stub: Stub, root: Path) -> Iterator[Step]:
    """What has to be done at an exit for a fault, each with its cure. Raises `ExecutionError` for one unknown here."""
    peer = stub.port.address
    match kind, way:
        case _K.BGP_SESSION, "acl":
            yield partial(drop_session, stub.outer, peer), partial(allow_session, stub.outer)
        case _K.BGP_SESSION, _:
            yield from _misconfigured(way, stub, root)
        case _K.BGP_ADVERTISEMENT, _:
            told = announce_lines(stub)
            yield (
                partial(_bgp, root, stub.name, stub.number, (), tuple(f"no {x}" for x in told)),
                partial(_bgp, root, stub.name, stub.number, (), told),
            )
        case _K.BGP_FILTER, _:
            name = f"{_POLICY}-{stub.number}"
            line = f"neighbor {peer} route-map {name} in"
            yield partial(_deny, root, stub, name, line), partial(_allow, root, stub, name, line)
        case _:
            raise ExecutionError(f"{kind} cannot be done here", fix="inject another fault")


def _misconfigured(way: str, stub: Stub, root: Path) -> Iterator[Step]:
    """The sessions that a line of the exit's router breaks."""
    peer = stub.port.address
    at = partial(_bgp, root, stub.outer.router, AS)
    match way:
        case "wrong_as":
            yield (
                partial(at, (f"neighbor {peer} remote-as {_OTHER_AS}",), ()),
                partial(at, (f"neighbor {peer} remote-as {stub.number}",), ()),
            )
        case "address":
            wrong = (f"no neighbor {peer}", f"neighbor {_OTHER_ADDRESS} remote-as {stub.number}")
            general, family = outer_lines(stub)
            yield partial(at, wrong, ()), partial(at, (f"no neighbor {_OTHER_ADDRESS}", *general), family)
        case "password":
            yield (
                partial(at, (f"neighbor {peer} password other",), ()),
                partial(at, (f"no neighbor {peer} password",), ()),
            )
        case _:
            yield partial(at, (), (f"neighbor {peer} maximum-prefix 1",)), partial(_unlimited, root, stub)


def _bgp(root: Path, box: str, number: int, general: tuple[str, ...], family: tuple[str, ...]) -> None:
    """Enter lines into the BGP process of a router or stub, general ones and those of IPv4 unicast."""
    lines = [f"router bgp {number}", *general]
    if family:
        lines += ["address-family ipv4 unicast", *family]
    with Vty(root / box / f"{BGPD}.vty") as vty:
        vty.configure(lines)


def _unlimited(root: Path, stub: Stub) -> None:
    """A session that a limit has ended stays down until somebody clears it."""
    peer = stub.port.address
    _bgp(root, stub.outer.router, AS, (), (f"no neighbor {peer} maximum-prefix",))
    with Vty(root / stub.outer.router / f"{BGPD}.vty") as vty:
        vty.show(f"clear bgp {peer}")


def _deny(root: Path, stub: Stub, name: str, line: str) -> None:
    with Vty(root / stub.outer.router / f"{BGPD}.vty") as vty:
        vty.configure((f"route-map {name} deny 10",))
    _bgp(root, stub.outer.router, AS, (), (line,))


def _allow(root: Path, stub: Stub, name: str, line: str) -> None:
    _bgp(root, stub.outer.router, AS, (), (f"no {line}",))
    with Vty(root / stub.outer.router / f"{BGPD}.vty") as vty:
        vty.configure((f"no route-map {name}",))
