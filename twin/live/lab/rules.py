"""Packet filters and routes that are set beside the routing: what a person configures there, and what a defect does."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from .layout import Port, Router
from .namespaces import command

_CONFIGURED, _DEFECT = "acl", "defect"
"""Tables of filters: one that people made and can be read back, and one that stands for broken hardware."""
_SESSION = "session"
"""Beginning of the name of the table that keeps a session of BGP off an exit."""
_PROBES = "probes"
_STATIC = "static"
_PRIORITY = "1"


def drop_leaving(port: Port, targets: Iterable[str] | None) -> None:
    """Configure that a router drops what is to leave by a port for some addresses; None is routing packets."""
    rules = [
        f'oifname "{port.device}" ip daddr {address} drop;' for address in (() if targets is None else targets)
    ] or [f'oifname "{port.device}" ip protocol ospf drop;']
    chain = "type filter hook postrouting priority 0; policy accept;"
    _filter(port.router, f"table ip {_CONFIGURED} {{ chain {_chain(port)} {{ {chain} {' '.join(rules)} }}; }}")


def drop_hellos(port: Port, *, sender: Port) -> None:
    """Configure that no routing packet gets in at a port.

    Daemons read IS-IS frames before any filter of the receiver: there, what the other end sends is dropped instead.
    """
    ospf = f'type filter hook ingress device "{port.device}" priority 0; policy accept; ip protocol ospf drop;'
    isis = f'type filter hook egress device "{sender.device}" priority 0; policy accept; meta protocol != {{ ip, arp }} drop;'  # noqa: E501 - a rule
    _filter(port.router, f"table netdev {_CONFIGURED} {{ chain {_chain(port)} {{ {ospf} }}; }}")
    _filter(sender.router, f"table netdev {_DEFECT} {{ chain {_chain(sender)} {{ {isis} }}; }}")


def lose_arriving(port: Port, share: float) -> None:
    """Let this share of the data that arrives at a port be lost in the router, after its counters."""
    chance = "" if share >= 1 else f"numgen random mod 10000 < {round(share * 10_000)} "
    chain = f'type filter hook ingress device "{port.device}" priority 0; policy accept; ip protocol udp {chance}drop;'
    _filter(port.router, f"table netdev {_DEFECT} {{ chain {_chain(port)} {{ {chain} }}; }}")


def drop_session(port: Port, peer: str) -> None:
    """Configure that no packet of the BGP session to a peer gets in or out at an exit's router."""
    chains = " ".join(
        f"chain {way} {{ type filter hook {way} priority 0; policy accept; "
        f"ip {end} {peer} tcp dport 179 drop; ip {end} {peer} tcp sport 179 drop; }};"
        for way, end in (("input", "saddr"), ("output", "daddr"))
    )
    _filter(port.router, f"table ip {_SESSION}{port.link} {{ {chains} }}")


def allow_session(port: Port) -> None:
    """Take away what `drop_session` configured, if it is there still."""
    table = f"table ip {_SESSION}{port.link}"
    _filter(port.router, f"{table} {{ }}\ndelete {table}")


def drop_probes(router: str, port: int) -> None:
    """Configure that a router lets no probe in, out or through: what they are made of here, datagrams to one port."""
    chains = " ".join(
        f"chain {way} {{ type filter hook {way} priority 0; policy accept; udp dport {port} drop; }};"
        for way in ("input", "forward", "output")
    )
    _filter(router, f"table ip {_PROBES} {{ {chains} }}")


def pass_probes(router: str) -> None:
    """Take away what `drop_probes` configured, if it is there still."""
    _filter(router, f"table ip {_PROBES} {{ }}\ndelete table ip {_PROBES}")


def clear_filters(router: str) -> None:
    """Take every filter away."""
    command("ip", "netns", "exec", router, "nft", "flush", "ruleset")


def static_route(port: Port, target: str, gateway: str) -> None:
    """Configure that everything for an address leaves by a port."""
    way = ("via", gateway, "dev", port.device, "proto", _STATIC, "metric", _PRIORITY)
    command("ip", "-n", port.router, "route", "replace", f"{target}/32", *way)


def discard_route(router: str, target: str) -> None:
    """Let the kernel discard everything for an address; no configuration says so."""
    command("ip", "-n", router, "route", "replace", "blackhole", f"{target}/32", "metric", _PRIORITY)


def discard_own(router: str, target: str) -> None:
    """Let a router discard what enters at it for an address; what passes through goes on."""
    command("ip", "-n", router, "rule", "add", "pref", "10", "iif", "lo", "to", f"{target}/32", "blackhole")


def clear_routes(router: str) -> None:
    """Take every route and rule away that was set here."""
    for line in command("ip", "-n", router, "route", "show", "metric", _PRIORITY).splitlines():
        command(
            "ip",
            "-n",
            router,
            "route",
            "del",
            *line.split()[: 2 if line.startswith("blackhole") else 1],
            "metric",
            _PRIORITY,
        )
    while "10:" in command("ip", "-n", router, "rule", "show"):
        command("ip", "-n", router, "rule", "del", "pref", "10")


def static_routes(router: Router, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Static routes as the router has them: target router and device; `names` is the router of each loopback."""
    told = cast(
        "list[dict[str, object]]",
        json.loads(command("ip", "-n", router.name, "-j", "route", "show", "proto", _STATIC) or "[]"),
    )
    for route in told:
        target = names.get(str(route.get("dst")))
        if target is not None and route.get("dev"):
            yield target, str(route["dev"])


def filters(router: Router, names: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Configured filters as the router has them: device, and the target router, None for routing packets."""
    told = cast(
        "dict[str, list[dict[str, object]]]",
        json.loads(command("ip", "netns", "exec", router.name, "nft", "-j", "list", "ruleset") or '{"nftables": []}'),
    )
    by_chain = {_chain(port): port.device for port in router.ports}
    for entry in told["nftables"]:
        rule = cast("dict[str, object] | None", entry.get("rule"))
        if rule is None or rule.get("table") != _CONFIGURED or str(rule.get("chain")) not in by_chain:
            continue
        target = _destination(cast("list[dict[str, dict[str, object]]]", rule.get("expr") or []))
        if target is None or target in names:
            yield by_chain[str(rule["chain"])], names[target] if target else None


def _destination(expression: list[dict[str, dict[str, object]]]) -> str | None:
    for part in expression:
        match = part.get("match")
        if match and match.get("left") == {"payload": {"protocol": "ip", "field": "daddr"}}:
            return str(match["right"])
    return None


def _chain(port: Port) -> str:
    return f"port{port.link}"


def _filter(router: str, text: str) -> None:
    command("ip", "netns", "exec", router, "nft", "-f", "-", given=text.replace("; }", ";\n}") + "\n")
