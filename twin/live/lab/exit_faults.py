"""Faults of BGP at the exits of a lab: done to real sessions, announcements and policies, and undone again.

The ways of a session are those of NIKA's placements for providers: an access list, a wrong number of an AS, a wrong
address, another password, a limit on prefixes. The cure of each is what an operator would enter.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from twin.errors import ExecutionError
from twin.faults import Fault, FaultKind

from .bgp import AS, BGPD, DISCARD, announce_lines, outer_lines
from .exits import PREFIX_LENGTH, Stub
from .layout import Design, Router
from .namespaces import command
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
    _K.BGP_NEXT_HOP: ("not_self",),
    _K.BGP_DISCARD: ("community",),
    _K.BGP_PREFERENCE: ("local_pref",),
    _K.BGP_LONGER_PATH: ("prepend",),
    _K.BGP_HIJACK: ("more_specific", "same_length"),
    _K.BGP_ORIGIN: ("same_length",),
}
"""Ways in which each is done; the first is the usual one."""
_OTHER_AS, _OTHER_ADDRESS = 65_199, "10.127.255.1"


class ExitFaults:
    """What can be done to the exits of one lab."""

    def __init__(self, design: Design, routers: Mapping[str, Router], stubs: Mapping[int, Stub], root: Path) -> None:
        """`stubs` are those behind the exits, by the position of their links."""
        self._design, self._routers, self._stubs, self._root = design, routers, stubs, root
        self._network = design.inventory

    def steps(self, fault: Fault, way: str) -> Iterator[Step]:
        """What has to be done for a fault, each with its cure. Raises `ExecutionError` for one unknown here."""
        if fault.kind is _K.BGP_HIJACK:
            yield from self._hijacked(fault.element.removeprefix("node/"), self._prefix(fault), way)
            return
        stub = self._stubs[self._network.link(fault.element)]
        match fault.kind:
            case _K.BGP_SESSION if way == "acl":
                yield partial(drop_session, stub.outer, stub.port.address), partial(allow_session, stub.outer)
            case _K.BGP_SESSION:
                yield from _misconfigured(way, stub, self._root)
            case _K.BGP_ADVERTISEMENT:
                told = announce_lines(stub)
                yield (
                    partial(_bgp, self._root, stub.name, stub.number, (), tuple(f"no {x}" for x in told)),
                    partial(_bgp, self._root, stub.name, stub.number, (), told),
                )
            case _K.BGP_FILTER:
                yield self._policy(stub, "denied", ("deny 10",))
            case _K.BGP_PREFERENCE:
                yield self._policy(stub, "preferred", ("permit 10", f"set local-preference {int(fault.severity)}"))
            case _K.BGP_LONGER_PATH:
                prepended = f"set as-path prepend {' '.join([f'{stub.number}'] * int(fault.severity))}"
                yield self._told(stub, "longer", prepended)
            case _K.BGP_DISCARD:
                yield from self._discarded(stub)
            case _K.BGP_NEXT_HOP:
                yield self._not_self(stub)
            case _K.BGP_ORIGIN:
                yield from self._originated(stub, self._prefix(fault))
            case _:
                raise ExecutionError(f"{fault.kind} cannot be done here", fix="inject another fault")

    def _prefix(self, fault: Fault) -> str:
        """The prefix of the group that a fault claims, to which the group's traffic goes."""
        group = (fault.target or "").removeprefix("node/")
        return next(x.prefixes[0] for x in self._stubs.values() if x.group == group)

    def _policy(self, stub: Stub, word: str, entry: tuple[str, ...], before: tuple[str, ...] = ()) -> Step:
        """A policy for what comes in at an exit, of one entry; what that does not match passes where it permits."""
        name = f"{word}-{stub.number}"
        rest = () if entry[0].startswith("deny") else ("exit", f"route-map {name} permit 20")
        lines = (*before, f"route-map {name} {entry[0]}", *entry[1:], *rest)
        undone = (f"no route-map {name}", *(f"no {x}" for x in before))
        use = f"neighbor {stub.port.address} route-map {name} in"
        return (
            partial(self._with_lines, stub.outer.router, AS, lines, (use,)),
            partial(self._without_lines, stub.outer.router, AS, (f"no {use}",), undone),
        )

    def _told(self, stub: Stub, word: str, entry: str) -> Step:
        """A policy of the neighbour for what it announces."""
        use = f"neighbor {stub.outer.address} route-map {word} out"
        lines = (f"route-map {word} permit 10", entry)
        return (
            partial(self._with_lines, stub.name, stub.number, lines, (use,)),
            partial(self._without_lines, stub.name, stub.number, (f"no {use}",), (f"no route-map {word}",)),
        )

    def _discarded(self, stub: Stub) -> Iterator[Step]:
        """A neighbour marks its routes to be discarded (RFC 7999), and the router's policy does as it is told."""
        yield self._told(stub, "marked", "set community blackhole additive")
        known = f"bgp community-list standard discard-{stub.number} permit blackhole"
        entry = ("permit 10", f"match community discard-{stub.number}", f"set ip next-hop {DISCARD}")
        yield self._policy(stub, "discard", entry, (known,))

    def _not_self(self, stub: Stub) -> Step:
        """The router leaves the neighbour's address in what it tells the others of the group."""
        name = f"unknown-{stub.number}"
        of_group = [f"ip prefix-list {name} permit {x}/{PREFIX_LENGTH}" for x in stub.prefixes]
        lines = (
            *of_group,
            f"route-map {name} permit 10",
            f"match ip address prefix-list {name}",
            f"set ip next-hop {stub.port.address}",
            "exit",
            f"route-map {name} permit 20",
        )
        inner = [self._routers[x].loopback for x in self._design.peers_of(stub.outer.router)]
        use = tuple(f"neighbor {x} route-map {name} out" for x in inner)
        undone = (f"no route-map {name}", f"no ip prefix-list {name}")
        return (
            partial(self._with_lines, stub.outer.router, AS, lines, use),
            partial(self._without_lines, stub.outer.router, AS, tuple(f"no {x}" for x in use), undone),
        )

    def _hijacked(self, router: str, prefix: str, way: str) -> Iterator[Step]:
        """A router announces what is not its own, and discards it where it is the most specific route."""
        length = PREFIX_LENGTH + (way == "more_specific")
        if way == "more_specific":
            yield _blackhole(router, f"{prefix}/{length}")
        told = f"network {prefix}/{length}"
        at = partial(_bgp, self._root, router, AS, ())
        yield partial(at, (told,)), partial(at, (f"no {told}",))

    def _originated(self, stub: Stub, prefix: str) -> Iterator[Step]:
        """A neighbour announces another's prefix, and loses what comes for it."""
        told = f"network {prefix}/{PREFIX_LENGTH}"
        yield _blackhole(stub.name, f"{prefix}/{PREFIX_LENGTH}")
        at = partial(_bgp, self._root, stub.name, stub.number, ())
        yield partial(at, (told,)), partial(at, (f"no {told}",))

    def _with_lines(self, box: str, number: int, lines: tuple[str, ...], use: tuple[str, ...]) -> None:
        with Vty(self._root / box / f"{BGPD}.vty") as vty:
            vty.configure(lines)
        _bgp(self._root, box, number, (), use)

    def _without_lines(self, box: str, number: int, use: tuple[str, ...], undone: tuple[str, ...]) -> None:
        _bgp(self._root, box, number, (), use)
        with Vty(self._root / box / f"{BGPD}.vty") as vty:
            vty.configure(undone)


def _blackhole(box: str, prefix: str) -> Step:
    route = ("blackhole", prefix, "metric", "1")
    return partial(_route, box, "replace", *route), partial(_route, box, "del", *route)


def _route(box: str, *words: str) -> None:
    command("ip", "-n", box, "route", *words)


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
