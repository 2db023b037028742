"""What each kind of fault means, what a flow-level IP network shows of it, and what it does not.

Ids are those of the public vocabularies where these have the fault (NIKA, NetOpsBench); the others are ours.

| kind | element (-> target), severity | what happens | not expressed |
|---|---|---|---|
| link_down | circuit | both interfaces lose light, routing goes round | loss while routing converges |
| link_detach | interface | as link_down; the interface is gone: its counters do not answer | why it was removed |
| link_flap | circuit, share of time down | down and up every 97 s, a log line each time; rates are means | dampening |
| device_down | node | silent, its circuits dark | - |
| link_capacity_bottleneck | circuit, share of capacity lost | a lower plateau, drops, full queues | starved hellos |
| link_packet_corruption | circuit, share of frames | lost on the wire both ways, receive errors rise | retransmissions |
| device_forwarding_packet_corruption | node, share of frames | the same on everything the node sends | broken payloads that arrive |
| silent_egress_packet_loss | interface, share | lost between the two counters, no error is counted | - |
| one_way_data_loss | interface, share | lost in the router at the far end, after its counter: both counters agree | - |
| high_latency | circuit, ms | propagation takes longer both ways; routing does not care | jitter |
| frr_service_down | node | no adjacency after the dead interval; it answers polls, its interfaces stay up | its old routes |
| ospf_area_misconfiguration | node | every adjacency of the node down, interfaces up, its neighbours log the area | areas as such |
| ospf_neighbor_missing | interface | the adjacency of its circuit down: the interface is not in OSPF | - |
| ospf_acl_block | interface | the adjacency of its circuit down: hellos do not get in | other control traffic |
| mtu_mismatch | interface | the adjacency of its circuit stuck in ExStart; nothing is routed there | loss of large packets |
| wrong_igp_weight | interface, the weight | traffic moves, one direction | - |
| ecmp_member_missing | interface | its router leaves it out of every group of equal paths, and nowhere else | - |
| stale_ecmp_group | interface | the same, from a flap on that is in the log | - |
| host_static_blackhole | node -> node | what enters at the node for the target is dropped, transit passes | single hosts |
| blackhole_route | node -> node | all that reaches the node for the target is dropped; no commit, no configuration | other prefixes |
| static_route_misconfig | interface -> node | its router sends all for the target there; a loop ends after 64 hops | other prefixes |
| acl_misconfig | interface -> node | what is to leave there for the target is dropped, before any counter | ports, protocols |
| demand_surge | node, factor | all demands towards the node grow alike | - |
| web_dos_attack | node, factor | as demand_surge: requests look like users | requests, server load |
| incast_traffic_network_limitation | node, factor on the total | every source adds the same amount | bursts under a sample |
| tcp_syn_flood_attack | node, factor on packets | 64-byte packets on top, a new flow each | half-open connections |
| stuck_counter | interface | its octet counters stand still, and catch up in one jump when it ends | - |
| scaled_counter | interface, factor | its octet rates are this many times the true ones | - |
| missing_counters | interface, share of polls | its counters do not answer | - |
| swapped_counters | interface -> interface | two interfaces of one router report each other's counters | the jump at onset |
| stale_topology | circuit | it was drained on purpose, the inventory does not know | missing elements |
| wrong_inventory_capacity | circuit, factor | the inventory has this many times the true capacity | - |
| demand_input_error | node or network, factor | flow export (of the node, or of all) is this many times the truth | single pairs |
| stale_configuration | node | what is read back of its configuration stays as it was collected before the onset | - |

Some mistakes have several forms, by the sort of element (`Trait.forms`): a filter on routing packets, an interface that
is not in OSPF (no network statement, or passive) and a wrong weight also at a node, which is all of its interfaces, or
at a circuit, which is both of its ends; a wrong MTU and a filter on data at a node; a wrong area at one interface. Both
ends of a circuit with one MTU, or in one area, are no fault. A circuit that is down or an interface that is gone also
at a risk group: a conduit, or a line card, whose interfaces are those of the router that all its circuits share.

Not here, for want of BGP: bgp_neighbor_misconfig, route_policy_misconfig. What these do to an IGP alone is what
ospf_neighbor_missing and wrong_igp_weight do. In the last eight the network is well and the measurement lies. A dash means that nothing known is missing.
"""  # noqa: E501 - a table

from collections.abc import Callable
from typing import Literal, NamedTuple

from .fault import FaultKind

MAX_WEIGHT = 65_535
SYN_BITS, PACKET_BITS = 512.0, 8000.0
"""A SYN packet and a mean packet, bits."""
FLAP_PERIOD_S = 97.0
"""From one loss of light to the next; no divisor of a usual polling interval, so that polls meet both states."""

ElementKind = Literal["circuit", "interface", "node", "node or network"]
Form = Literal["circuit", "interface", "node", "risk group"]
Layer = Literal["physical", "control", "forwarding", "traffic", "telemetry"]


class Range(NamedTuple):
    """Which severities a kind can have, in code and in words, and the usual one."""

    holds: Callable[[float], bool]
    words: str
    usual: float


class Trait(NamedTuple):
    """What a fault of one kind strikes: the sort of its element, its severities, where it lies, its target.

    `forms` are the other sorts of element that it can have: a mistake made at one interface is also made at all
    interfaces of a router, at both ends of a circuit, or the other way round; a conduit or a line card takes circuits
    of a risk group with it.
    """

    element: ElementKind
    severity: Range
    layer: Layer
    target: Literal["node", "interface"] | None = None
    forms: tuple[Form, ...] = ()


def _at(low: float, high: float = float("inf"), *, ends: bool = False) -> Callable[[float], bool]:
    """Between two bounds, the upper one of them allowed if so asked."""

    def holds(x: float) -> bool:
        return low < x < high or (ends and x == high)

    return holds


def _is_one(x: float) -> bool:
    return x == 1


def _is_not_one(x: float) -> bool:
    return x not in (0, 1)


def _is_weight(x: float) -> bool:
    return x.is_integer() and 1 <= x <= MAX_WEIGHT


def _share(what: str, usual: float) -> Range:
    return Range(_at(0, 1), f"between 0 and 1: {what}", usual)


def _above_one(what: str, usual: float) -> Range:
    return Range(_at(1), f"above 1: {what}", usual)


def _factor(what: str, usual: float) -> Range:
    return Range(_is_not_one, f"above 0 and not 1: {what}", usual)


_ONE = Range(_is_one, "1", 1.0)
_LOST = Range(_at(0, 1, ends=True), "above 0 and at most 1: the share of traffic lost", 0.1)
_POLLS = Range(_at(0, 1, ends=True), "above 0 and at most 1: the share of polls", 1.0)
_WEIGHT = Range(_is_weight, f"a weight, 1 to {MAX_WEIGHT}", float(MAX_WEIGHT))
_LATER = Range(_at(0), "above 0: milliseconds more in each direction", 20.0)
_K = FaultKind

TRAITS: dict[FaultKind, Trait] = {
    _K.LINK_DOWN: Trait("circuit", _ONE, "physical", forms=("risk group",)),
    _K.DEVICE_DOWN: Trait("node", _ONE, "physical"),
    _K.CAPACITY: Trait("circuit", _share("the share of capacity lost", 0.5), "physical"),
    _K.SURGE: Trait("node", _above_one("the factor on the demands", 3.0), "traffic"),
    _K.WEIGHT: Trait("interface", _WEIGHT, "control", forms=("node", "circuit")),
    _K.SILENT_LOSS: Trait("interface", _LOST, "physical"),
    _K.DETACH: Trait("interface", _ONE, "physical", forms=("risk group",)),
    _K.FLAP: Trait("circuit", _share("the share of time that it is down", 0.4), "physical"),
    _K.CORRUPTION: Trait("circuit", _share("the share of frames that arrive broken", 0.05), "physical"),
    _K.DEVICE_CORRUPTION: Trait("node", _share("the share of frames that arrive broken", 0.05), "forwarding"),
    _K.LATENCY: Trait("circuit", _LATER, "physical"),
    _K.ROUTING_DOWN: Trait("node", _ONE, "control"),
    _K.AREA: Trait("node", _ONE, "control", forms=("interface",)),
    _K.NEIGHBOUR_MISSING: Trait("interface", _ONE, "control", forms=("node", "circuit")),
    _K.ACL_BLOCK: Trait("interface", _ONE, "control", forms=("node", "circuit")),
    _K.MTU: Trait("interface", _ONE, "control", forms=("node",)),
    _K.HOST_BLACKHOLE: Trait("node", _ONE, "forwarding", "node"),
    _K.BLACKHOLE: Trait("node", _ONE, "forwarding", "node"),
    _K.STATIC_ROUTE: Trait("interface", _ONE, "forwarding", "node"),
    _K.DATA_ACL: Trait("interface", _ONE, "forwarding", "node", forms=("node",)),
    _K.ONE_WAY: Trait("interface", _LOST._replace(usual=1.0), "forwarding"),
    _K.ECMP_MISSING: Trait("interface", _ONE, "forwarding"),
    _K.ECMP_STALE: Trait("interface", _ONE, "forwarding"),
    _K.INCAST: Trait("node", _above_one("the factor on all that goes to the node", 3.0), "traffic"),
    _K.WEB_DOS: Trait("node", _above_one("the factor on the demands", 3.0), "traffic"),
    _K.SYN_FLOOD: Trait("node", _above_one("the factor on the packets towards the node", 30.0), "traffic"),
    _K.STUCK_COUNTER: Trait("interface", _ONE, "telemetry"),
    _K.SCALED_COUNTER: Trait("interface", _factor("the factor on the counters", 0.125), "telemetry"),
    _K.MISSING_COUNTERS: Trait("interface", _POLLS, "telemetry"),
    _K.SWAPPED_COUNTERS: Trait("interface", _ONE, "telemetry", "interface"),
    _K.STALE_TOPOLOGY: Trait("circuit", _ONE, "telemetry"),
    _K.WRONG_CAPACITY: Trait("circuit", _factor("the factor on the capacity", 4.0), "telemetry"),
    _K.DEMAND_INPUT: Trait("node or network", _factor("the factor on the exported demands", 1.05), "telemetry"),
    _K.STALE_CONFIGURATION: Trait("node", _ONE, "telemetry"),
}

LABELS: dict[FaultKind, str] = {
    _K.LINK_DOWN: "circuit down",
    _K.DEVICE_DOWN: "node down",
    _K.CAPACITY: "capacity degraded",
    _K.WEIGHT: "wrong IGP weight",
    _K.SILENT_LOSS: "silent loss",
    _K.ROUTING_DOWN: "routing daemon down",
    _K.AREA: "OSPF area misconfigured",
    _K.NEIGHBOUR_MISSING: "OSPF neighbour missing",
    _K.ACL_BLOCK: "OSPF blocked by a filter",
    _K.MTU: "MTU mismatch",
    _K.DATA_ACL: "traffic blocked by a filter",
    _K.ECMP_MISSING: "ECMP member missing",
    _K.ECMP_STALE: "stale ECMP group",
    _K.INCAST: "incast traffic",
    _K.WEB_DOS: "web denial of service",
    _K.SYN_FLOOD: "TCP SYN flood",
}
"""The names of kinds in words, where they are not just their ids."""


def label(kind: FaultKind) -> str:
    """Name a kind in words, as it is printed and may be typed: `circuit down`."""
    return LABELS.get(kind, kind.replace("_", " "))


ADJACENCY_KINDS = (_K.ROUTING_DOWN, _K.AREA, _K.NEIGHBOUR_MISSING, _K.ACL_BLOCK, _K.MTU)
"""Routing neighbours are lost while the interfaces stay as they are."""

TELEMETRY_KINDS: tuple[FaultKind, ...] = tuple(kind for kind in FaultKind if TRAITS[kind].layer == "telemetry")
"""The network is well, the measurement lies."""

DRAWN_KINDS: tuple[FaultKind, ...] = tuple(FaultKind)[:6]
"""The kinds that are drawn when none are asked for."""

ALIASES: dict[str, FaultKind] = {
    "link_flapping": _K.FLAP,
    "packet_loss": _K.SILENT_LOSS,
    "packet_corruption": _K.CORRUPTION,
    "p4_ecmp_group_member_missing": _K.ECMP_MISSING,
}
"""Other published ids of the same faults."""
