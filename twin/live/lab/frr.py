"""What FRR is told and how it is read: start-up configurations, running ones, neighbours.

Order matters in IS-IS: the block of the process stands before the interfaces, and in it the timers before `net`. The
first LSP is built as `net` is read, and the next one waits as long as the timers said at that moment.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple, cast

from twin.live.declared import LogKind
from twin.live.network import MismatchKind

from .layout import Design, Igp, Port, Router

DAEMON: dict[Igp, str] = {"isis": "isisd", "ospf": "ospfd"}
PROCESS: dict[Igp, str] = {"isis": "router isis core", "ospf": "router ospf"}
OUT: dict[Igp, int] = {"isis": 2**24 - 2, "ospf": 65_535}
"""The metric that takes a link out of use but for the last resort: FRR 8.4 routes over 2^24-1 as well."""
_OVERLOAD: dict[Igp, str] = {"isis": "set-overload-bit", "ospf": "max-metric router-lsa administrative"}
_COST: dict[Igp, str] = {"isis": "isis metric", "ospf": "ip ospf cost"}
_MAX_PATHS = 16


def zebra_configuration(router: Router, folder: str) -> str:
    """What zebra starts with: every route carries its own next hops.

    FRR 8.4 leaves a shrunk group in the kernel when a link comes back (FRR pull request 13413).
    """
    return _text(f"hostname {router.name}", *_log(folder, "zebra"), "no zebra nexthop kernel enable")


def igp_configuration(design: Design, router: Router, folder: str) -> str:
    """What the routing daemon starts with: fast timers, point-to-point circuits, the loopback."""
    head = (f"hostname {router.name}", *_log(folder, DAEMON[design.igp]))
    return _text(*head, *(_isis(router) if design.igp == "isis" else _ospf(router)))


def configuration_text(name: str, daemon: str, folder: str, *lines: str) -> str:
    """A daemon's start-up configuration: its name and log file, and these lines."""
    return _text(f"hostname {name}", *_log(folder, daemon), *lines)


def _log(folder: str, daemon: str) -> tuple[str, ...]:
    return f"log file {folder}/{daemon}.log informational", "log timestamp precision 3"


def _isis(router: Router) -> Iterator[str]:
    yield from (
        "router isis core",
        " is-type level-2-only",
        " metric-style wide",
        " log-adjacency-changes",
        " lsp-timers gen-interval 1 refresh-interval 900 max-lifetime 1200",
        " spf-interval 1",
        " spf-delay-ietf init-delay 20 short-delay 50 long-delay 500 holddown 1000 time-to-learn 500",
        f" net 49.0001.{router.system}.00",
        "exit",
    )
    for port in router.ports:
        yield from (f"interface {port.device}", *_isis_port(), f" isis metric {port.weight}", "exit")
    yield from ("interface lo", " ip router isis core", " isis passive", "exit")


def _ospf(router: Router) -> Iterator[str]:
    yield from (
        "router ospf",
        f" ospf router-id {router.loopback}",
        f" maximum-paths {_MAX_PATHS}",
        " log-adjacency-changes detail",
        " timers throttle spf 50 100 1000",
        " timers lsa min-arrival 100",
        " timers throttle lsa all 100",
        "exit",
    )
    for port in router.ports:
        yield from (f"interface {port.device}", *_ospf_port(), f" ip ospf cost {port.weight}", "exit")
    yield from ("interface lo", " ip ospf area 0", "exit")


def _isis_port() -> tuple[str, ...]:
    """What every interface of a lab is told but for its metric."""
    return (
        " ip router isis core",
        " isis circuit-type level-2-only",
        " isis network point-to-point",
        " isis hello-interval 1",
        " isis hello-multiplier 4",
    )


def _ospf_port() -> tuple[str, ...]:
    return (
        " ip ospf network point-to-point",
        " ip ospf area 0",
        " ip ospf hello-interval 1",
        " ip ospf dead-interval 4",
        " ip ospf retransmit-interval 1",
    )


def _text(*lines: str) -> str:
    return "\n".join((*lines, "line vty", " exec-timeout 0 0", "exit")) + "\n"


def weight_lines(igp: Igp, port: Port, weight: int) -> tuple[str, ...]:
    """Lines that set the metric of an interface."""
    return f"interface {port.device}", f"{_COST[igp]} {weight}"


def overload_lines(igp: Igp, *, on: bool) -> tuple[str, ...]:
    """Lines that keep transit traffic away from a router, or let it come again."""
    return PROCESS[igp], f"{'' if on else 'no '}{_OVERLOAD[igp]}"


class Said(NamedTuple):
    """What a running configuration says of routing: metrics by interface, and whether transit is kept away.

    `mismatches` are the interfaces that are configured otherwise than the lab's circuits are, and how.
    """

    weights: Mapping[str, int]
    overloaded: bool
    mismatches: Mapping[str, MismatchKind]


_INTERFACE = re.compile(r"interface (\S{1,15})")
_METRIC = re.compile(r"(?:isis metric|ip ospf cost) (\d{1,8})")
_DEFAULT: dict[Igp, int] = {"isis": 10, "ospf": 10}


def read_configuration(igp: Igp, text: str, devices: tuple[str, ...]) -> Said:
    """Read `show running-config` of a routing daemon; an interface without a metric has the default one."""
    weights, overloaded = dict.fromkeys(devices, _DEFAULT[igp]), False
    lines = {x: set[str]() for x in devices}
    inside = ""
    for line in text.splitlines():
        stripped = line.strip()
        if not line.startswith(" "):
            opened = _INTERFACE.fullmatch(stripped)
            inside = opened[1] if opened else stripped
        elif inside == PROCESS[igp]:
            overloaded = overloaded or stripped == _OVERLOAD[igp]
        elif inside in weights:
            lines[inside].add(stripped)
            if metric := _METRIC.fullmatch(stripped):
                weights[inside] = int(metric[1])
    odd: dict[str, MismatchKind] = {x: what for x, said in lines.items() if (what := _mismatch(igp, said)) is not None}
    return Said(weights, overloaded, odd)


_IN_ROUTING: dict[Igp, str] = {"isis": "ip router isis core", "ospf": "ip ospf area "}
_APART = re.compile(r"(?:isis|ip ospf) (?:passive|password|authentication|message-digest-key)\b.*")
_TIMERS = re.compile(r"(?:isis hello-(?:interval|multiplier)|ip ospf (?:hello|dead)-interval) (\d{1,5})\b.*")


def _mismatch(igp: Igp, lines: set[str]) -> MismatchKind | None:
    """How an interface differs from what all of a lab's are told to be, None where it does not."""
    built = {x.strip() for x in (_isis_port() if igp == "isis" else _ospf_port())}
    inside = [x for x in lines if x.startswith(_IN_ROUTING[igp])]
    if not inside or any(_APART.fullmatch(x) for x in lines):
        return "routing"
    if not built & set(inside):
        return "area"
    return "routing" if any(_TIMERS.fullmatch(x) and x not in built for x in lines) else None


_ANY: frozenset[LogKind] = frozenset(
    ("interface_down", "interface_up", "neighbour_down", "neighbour_timeout", "neighbour_up", "process_ended")
)
_OSPF: frozenset[LogKind] = frozenset(("neighbour_one_way", "neighbour_stuck", "mtu_refused", "area_refused"))
LOGS: dict[Igp, frozenset[LogKind]] = {
    "isis": _ANY,
    "ospf": _ANY | _OSPF,
}
"""What FRR's daemons write; none of them a line about what was configured."""
SESSION_LOGS: frozenset[LogKind] = frozenset(
    ("session_down", "session_timeout", "session_refused", "session_limit", "session_closed", "session_up", "bgp_ended")
)
"""What its bgpd writes beside that, and zebra of its end, where there are exits."""
NEIGHBOURS: dict[Igp, str] = {"isis": "show isis neighbor json", "ospf": "show ip ospf neighbor json"}


def adjacent_devices(igp: Igp, text: str) -> frozenset[str]:
    """Interfaces over which the daemon has its neighbour, from its own JSON."""
    told = parsed(text)
    return frozenset(_isis_adjacent(told) if igp == "isis" else _ospf_adjacent(told))


def _isis_adjacent(told: object) -> Iterator[str]:
    for area in listed(told, "areas"):
        for circuit in listed(area, "circuits"):
            if _field(circuit, "state") == "Up":
                yield str(_field(circuit, "interface"))


def _ospf_adjacent(told: object) -> Iterator[str]:
    for neighbours in section(told, "neighbors").values():
        for one in cast("list[object]", neighbours) if isinstance(neighbours, list) else ():
            state = str(_field(one, "nbrState") or _field(one, "state"))
            if state.startswith("Full"):
                yield str(_field(one, "ifaceName")).partition(":")[0]


def parsed(text: str) -> object:
    """Read what a daemon printed as JSON; None where it is none."""
    try:
        return cast("object", json.loads(text or "{}"))
    except ValueError:
        return None


def section(told: object, name: str) -> dict[str, object]:
    """An object within what a daemon printed; empty where there is none."""
    value = _field(told, name)
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _field(told: object, name: str) -> object:
    return cast("dict[str, object]", told).get(name) if isinstance(told, dict) else None


def listed(told: object, name: str) -> list[object]:
    """A list within what a daemon printed; empty where there is none."""
    value = _field(told, name)
    return cast("list[object]", value) if isinstance(value, list) else []


def by_process_first(igp: Igp, text: str) -> str:
    """Order a running configuration as the daemon can start with it: the process stands before the interfaces.

    FRR writes it the other way round, and drops wide metrics that it reads before it knows that metrics are wide.
    """
    blocks, inside = list[list[str]](), False
    for line in text.splitlines():
        if line.startswith("!") or not line.strip() or line.startswith(("Building", "Current", "end", "frr ")):
            continue
        if not line.startswith(" ") and not (line == "exit" and inside):
            blocks.append([])
        inside = line.startswith(" ") or (inside and line == "exit") or line.startswith(("interface", "router", "line"))
        blocks[-1].append(line)
    order = [x for x in blocks if not x[0].startswith(("interface", PROCESS[igp]))]
    process = [_net_last(x) for x in blocks if x[0] == PROCESS[igp]]
    interfaces = [x for x in blocks if x[0].startswith("interface")]
    return "\n".join(line for block in (*order, *process, *interfaces) for line in block) + "\n"


def _net_last(block: list[str]) -> list[str]:
    """IS-IS builds its first LSP as `net` is read: everything else stands before it."""
    body = [x for x in block if not x.strip().startswith("net ") and x != "exit"]
    return [*body, *(x for x in block if x.strip().startswith("net ")), "exit"]
