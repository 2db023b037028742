"""What bgpd is told and how it is read: a full mesh inside or reflectors, a session to the stub of every exit outside.

Exits put themselves in as next hop, so that a router's choice is the nearest exit by the IGP, and equal ones share.
"""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np

from twin.errors import ExecutionError
from twin.live.peerings import NOBODY, REASONS, UNTOLD, PeeringSamples, claim_by_link, claim_by_node, reason_of
from twin.model import Network

from .exits import PREFIX_LENGTH, Stub
from .frr import configuration_text, listed, parsed, section
from .layout import Design, Router
from .vty import Vty

BGPD, STATICD = "bgpd", "staticd"
AS = 65_000
_PATIENCE_S = 0.5
_MAX_PATHS = 16


def router_configuration(
    design: Design, router: Router, routers: Mapping[str, Router], stubs: tuple[Stub, ...], folder: str
) -> str:
    """What bgpd of a router starts with: sessions inside, and to the stubs of its own exits."""
    peers = design.peers_of(router.name)
    inner = [routers[x].loopback for x in peers]
    outer = [x for x in stubs if x.outer.router == router.name]

    def lines() -> Iterator[str]:
        yield from _head(AS, router.loopback)
        for peer in inner:
            yield from (f" neighbor {peer} remote-as {AS}", f" neighbor {peer} update-source {router.loopback}")
            yield f" neighbor {peer} timers connect 1"
        yield from (f" {line}" for stub in outer for line in outer_lines(stub)[0])
        yield " address-family ipv4 unicast"
        yield from (f"  neighbor {x} next-hop-self" for x in inner)
        if router.name in design.reflectors:
            clients = [routers[x].loopback for x in peers if x not in design.reflectors]
            yield from (f"  neighbor {x} route-reflector-client" for x in clients)
            yield from (f"  neighbor {x} addpath-tx-all-paths" for x in (inner if design.add_path else ()))
        yield from (f"  {line}" for stub in outer for line in outer_lines(stub)[1])
        yield from (f"  maximum-paths {_MAX_PATHS}", f"  maximum-paths ibgp {_MAX_PATHS}")
        yield from (" exit-address-family", "exit", "ip prefix-list none seq 5 deny any")

    return configuration_text(router.name, BGPD, folder, *lines())


def outer_lines(stub: Stub) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Lines of the session to a stub, general and of IPv4 unicast: others get no way through this network."""
    peer = f"neighbor {stub.port.address}"
    return (
        (f"{peer} remote-as {stub.number}", f"{peer} timers connect 1", f"{peer} disable-connected-check"),
        (f"{peer} soft-reconfiguration inbound", f"{peer} prefix-list none out"),
    )


def discard_configuration(name: str, folder: str) -> str:
    """What staticd of a router starts with: a way to nowhere, for next hops that mean it (RFC 5635, section 4.1)."""
    return configuration_text(name, STATICD, folder, f"ip route {DISCARD}/32 Null0")


def stub_configuration(stub: Stub, folder: str) -> str:
    """What bgpd of a stub starts with: it announces the prefixes of its group."""
    return configuration_text(
        stub.name,
        BGPD,
        folder,
        *_head(stub.number, stub.port.address),
        f" neighbor {stub.outer.address} remote-as {AS}",
        f" neighbor {stub.outer.address} timers connect 1",
        " address-family ipv4 unicast",
        *(f"  {x}" for x in announce_lines(stub)),
        " exit-address-family",
        "exit",
    )


def announce_lines(stub: Stub) -> tuple[str, ...]:
    """Lines by which a stub announces its group."""
    return tuple(f"network {x}/{PREFIX_LENGTH}" for x in stub.prefixes)


def _head(number: int, name: str) -> tuple[str, ...]:
    return (
        f"router bgp {number}",
        f" bgp router-id {name}",
        " bgp log-neighbor-changes",
        " no bgp ebgp-requires-policy",
        " no bgp network import-check",
        " bgp bestpath as-path multipath-relax",
        " timers bgp 1 3",
    )


class ExitSaid(NamedTuple):
    """What the router of an exit says of it; None is that it does not say."""

    established: bool
    state: str
    code: str  # of the last error, two hexadecimal digits each for code and subcode
    received: bool | None
    accepted: bool | None
    local_pref: float | None
    path_length: float | None
    discards: bool | None = None


def ask_exit(vty: Vty, stub: Stub) -> ExitSaid:
    """Ask bgpd of an exit's router. Raises `ExecutionError` when it does not answer."""
    peer, prefix = stub.port.address, f"{stub.prefixes[0]}/{PREFIX_LENGTH}"
    told = section(parsed(vty.show(f"show bgp neighbors {peer} json")), peer)
    if not told:
        return ExitSaid(False, "", _NO_NEIGHBOUR, None, None, None, None)
    state = str(told.get("bgpState", ""))
    code = _SHUT_DOWN if told.get("adminShutDown") else str(told.get("lastErrorCodeSubcode", ""))
    if state != "Established":
        return ExitSaid(False, state, code, None, None, None, None)
    received = section(parsed(vty.show(f"show bgp ipv4 unicast neighbors {peer} received-routes json")), _RECEIVED)
    accepted = section(parsed(vty.show(f"show bgp ipv4 unicast neighbors {peer} routes json")), "routes")
    paths = cast("list[dict[str, object]]", accepted.get(prefix) or [])
    path = paths[0] if paths else {}
    length = float(len(str(path.get("path", "")).split())) if path else None
    preference = float(cast("int", path.get("locPrf", _LOCAL_PREF))) if path else None
    hops = cast("list[dict[str, object]]", listed(path, "nexthops"))
    discards = any(x.get("ip") == DISCARD for x in hops) if path else None
    return ExitSaid(True, state, code, prefix in received, bool(paths), preference, length, discards)


_RECEIVED = "receivedRoutes"
_SHUT_DOWN = "0602"  # the same when a session is closed by configuration: Cease, administrative shutdown (RFC 4486)
_NO_NEIGHBOUR = "0603"  # as the other end is told when a neighbour goes: Cease, peer de-configured (RFC 4486)
_LOCAL_PREF = 100  # RFC 4271 leaves the default open; FRR's, which it does not print


class PathSaid(NamedTuple):
    """What another router says of the path by an exit; None where it has none."""

    reachable: bool | None
    discards: bool | None


_NO_PATH = PathSaid(None, None)
DISCARD = "192.0.2.1"
"""The next hop that stands for dropping (RFC 5635, section 4)."""


def read_path(text: str, exit_loopback: str) -> PathSaid:
    """Read another router's `show bgp ipv4 unicast PREFIX json` for the path that an exit's router told it itself."""
    for path in listed(parsed(text), "paths"):
        if section(path, "peer").get("peerId") == exit_loopback and not _is_reflected(path):
            hops = cast("list[dict[str, object]]", listed(path, "nexthops"))
            return PathSaid(any(x.get("accessible") for x in hops), any(x.get("ip") == DISCARD for x in hops))
    return _NO_PATH


def _is_reflected(path: object) -> bool:
    return isinstance(path, dict) and "originatorId" in path


def ask_exits(
    root: Path,
    stubs: tuple[Stub, ...],
    routers: Mapping[str, Router],
    network: Network,
    light: Mapping[str, bool],
    time: float,
) -> PeeringSamples:
    """Ask the router of every exit for its session, and another one for the path that it is told.

    That is the first of `routers` that answers: reflectors stand there first, as they hear of every exit.
    """
    said: dict[str, tuple[ExitSaid | None, PathSaid]] = {}
    claims = ask_claims(root, stubs, routers, network)
    for stub in stubs:
        try:
            with Vty(root / stub.outer.router / f"{BGPD}.vty", timeout_s=_PATIENCE_S) as vty:
                told = ask_exit(vty, stub)
        except ExecutionError:
            said[stub.name] = None, _NO_PATH
            continue
        path = _witnessed(root, stub, routers) if told.accepted else _NO_PATH
        said[stub.name] = told, path
    return _as_samples(time, stubs, said, light, claims)


def _witnessed(root: Path, stub: Stub, routers: Mapping[str, Router]) -> PathSaid:
    """What the first other router that answers has of the path by an exit."""
    for name in routers:
        if name == stub.outer.router:
            continue
        try:
            with Vty(root / name / f"{BGPD}.vty", timeout_s=_PATIENCE_S) as vty:
                text = vty.show(f"show bgp ipv4 unicast {stub.prefixes[0]}/{PREFIX_LENGTH} json")
                return read_path(text, routers[stub.outer.router].loopback)
        except ExecutionError:
            continue
    return _NO_PATH


def ask_claims(root: Path, stubs: tuple[Stub, ...], routers: Mapping[str, Router], network: Network) -> dict[str, int]:
    """Who announces each group beside its exits, by the whole table of the first router that answers."""
    for name in routers:
        try:
            with Vty(root / name / f"{BGPD}.vty", timeout_s=_PATIENCE_S) as vty:
                return read_claims(vty.show("show bgp ipv4 unicast json"), name, stubs, routers, network)
        except ExecutionError:
            continue
    return {}


def read_claims(
    text: str, witness: str, stubs: tuple[Stub, ...], routers: Mapping[str, Router], network: Network
) -> dict[str, int]:
    """Read a router's `show bgp ipv4 unicast json`: by group, a position among `claimants`; nothing where it is none.

    A path belongs to whoever told it: the router that is its next hop, else the one with that loopback, the stub with
    that address, or the witness. A part of a group counts as the group: the longer prefix takes its traffic.
    """
    table = section(parsed(text), "routes")
    if not table:
        return {}
    groups = {x.group: x.prefixes for x in stubs}
    found = dict.fromkeys(groups, NOBODY)
    for prefix in table:
        group = next((x for x, whole in groups.items() if any(_within(prefix, y) for y in whole)), None)
        for path in cast("list[dict[str, object]]", listed(table, prefix)) if group else ():
            claimant = _claimant(path, witness, stubs, routers)
            true = isinstance(claimant, Stub) and claimant.group == group and prefix.endswith(f"/{PREFIX_LENGTH}")
            if claimant is not None and not true:
                found[group or ""] = (
                    claim_by_link(claimant.port.link)
                    if isinstance(claimant, Stub)
                    else claim_by_node(network, network.node_index[claimant])
                )
    return found


def _claimant(
    path: Mapping[str, object], witness: str, stubs: tuple[Stub, ...], routers: Mapping[str, Router]
) -> Stub | str | None:
    """The stub whose announcement a path is, or the router that originates it; None where neither is known."""
    peer, first = str(path.get("peerId", "")), str(path.get("path", "")).split()[:1]
    hops = [str(x.get("ip", "")) for x in cast("list[dict[str, object]]", listed(path, "nexthops"))]
    loopbacks = {x.loopback: x.name for x in routers.values()}
    teller = next((loopbacks[x] for x in (*hops, peer) if x in loopbacks), None)  # reflectors leave the next hop alone
    if not first:
        return teller or witness
    numbers = {f"{x.number}": x for x in stubs}
    stub = numbers.get(first[0])
    told = stub is not None and (stub.port.address == peer or stub.outer.router == teller)
    return stub if told else None


def _within(prefix: str, whole: str) -> bool:
    try:
        return IPv4Network(prefix).subnet_of(IPv4Network(f"{whole}/{PREFIX_LENGTH}"))
    except ValueError:
        return False


def _as_samples(
    time: float,
    stubs: tuple[Stub, ...],
    said: Mapping[str, tuple[ExitSaid | None, PathSaid]],
    light: Mapping[str, bool],
    claims: Mapping[str, int],
) -> PeeringSamples:
    """Rows of telemetry, one an exit."""

    def flag(value: bool | float | None) -> float:
        return float("nan") if value is None else float(value)

    rows = [
        (
            time,
            stub.port.link,
            flag(told.established if told else None),
            REASONS.index(reason_of(told.state, told.code, carrier=light[stub.name])) if told else 0,
            flag(told.received if told else None),
            flag(told.accepted if told else None),
            flag(path.reachable),
            flag(path.discards or (told.discards if told else None)),
            flag(told.local_pref if told else None),
            flag(told.path_length if told else None),
            claims.get(stub.group, UNTOLD),
        )
        for stub, (told, path) in ((x, said[x.name]) for x in stubs)
    ]
    columns = [np.array(x) for x in zip(*rows, strict=True)]
    for i in (1, 3, 10):
        columns[i] = columns[i].astype(np.int64)
    return PeeringSamples(*columns)
