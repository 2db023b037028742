"""What helps against each kind of fault: what a plan can change, and what only a person can do.

Remedies are data. `ours` says which changes take the harm off while the fault is there, or undo it; `theirs` what ends
the fault itself, and how it shows that it has ended.
"""

from types import MappingProxyType
from typing import Literal, NamedTuple

from .fault import FaultKind

Measure = Literal["steer around", "drain", "undrain", "restore weight", "limit"]
"""What planners can do: paths around it by weights or tunnels, take out of service, put back, set back, refuse."""

Action = Literal[
    "repair circuit", "restore interface", "restore router", "restore capacity", "replace optic", "replace line card",
    "check path delay", "restart routing", "correct area", "add to routing", "remove filter", "fix MTU",
    "correct weight", "rebuild ECMP group", "remove static route", "remove blackhole route", "find the senders",
    "filter the attack",
    "reset counters", "correct counter scale", "restore polling", "correct interface mapping", "correct inventory",
    "correct flow export", "collect configuration", "repair measurement", "find the cause",
]  # fmt: skip
"""What a person does."""


class Advice(NamedTuple):
    """One thing for a person to do. In the texts, {here} is the element, {router} its router, {target} the target."""

    action: Action
    words: str
    confirmed_by: str
    reverts: bool = False  # whether taking back what was committed last may be the quickest way


class Remedy(NamedTuple):
    """What helps against a kind of fault. `ours` is empty where nothing that a plan can change helps."""

    ours: tuple[Measure, ...]
    theirs: Advice


_K = FaultKind
_ADJACENT = "the neighbours over {here} come back and traffic returns"
_TRUE = "both ends of {here} count the same again"
_AROUND: tuple[Measure, ...] = ("steer around", "drain")

REMEDIES: MappingProxyType[FaultKind, Remedy] = MappingProxyType({
    _K.LINK_DOWN: Remedy(("steer around",), Advice(
        "repair circuit", "have {here} repaired: fibre, optics and ports at both ends",
        "both interfaces of {here} come up and stay up")),
    _K.DETACH: Remedy(("steer around",), Advice(
        "restore interface", "put the interface {here} back: it is gone from its router",
        "{here} answers its polls and comes up")),
    _K.FLAP: Remedy(_AROUND, Advice(
        "repair circuit", "find out why {here} keeps going down: optics, connectors, the carrier's line",
        "no interface of {here} is logged to go down for an hour")),
    _K.DEVICE_DOWN: Remedy(("steer around",), Advice(
        "restore router", "bring {here} back: power, console, hardware", "{here} answers its polls")),
    _K.CAPACITY: Remedy(_AROUND, Advice(
        "restore capacity", "find what takes capacity from {here}: a member of a bundle, a policer, a radio hop",
        "{here} sends what it was built for without drops")),
    _K.CORRUPTION: Remedy(_AROUND, Advice(
        "replace optic", "clean or replace the optics and the fibre of {here}: frames arrive broken",
        "no more receive errors are counted on {here}")),
    _K.DEVICE_CORRUPTION: Remedy(_AROUND, Advice(
        "replace line card", "replace the line card or the fabric of {here}: what it sends arrives broken",
        "its neighbours count no more receive errors from {here}")),
    _K.SILENT_LOSS: Remedy(_AROUND, Advice(
        "replace optic", "replace the optic or the line card of {here}: it loses what it has counted as sent",
        "both ends of {here} count the same, and probes lose nothing")),
    _K.ONE_WAY: Remedy(_AROUND, Advice(
        "replace line card", "restart or replace the line card behind {here}: it drops what it has counted as received",
        "probes over {here} lose nothing")),
    _K.LATENCY: Remedy((), Advice(
        "check path delay", "ask the carrier of {here} what way it takes now: it has become longer",
        "probes over {here} take as long as before")),
    _K.ROUTING_DOWN: Remedy(("steer around",), Advice(
        "restart routing", "restart the routing process on {here}", _ADJACENT)),
    _K.AREA: Remedy(("steer around",), Advice(
        "correct area", "set the OSPF area on {here} as its neighbours have it", _ADJACENT, reverts=True)),
    _K.NEIGHBOUR_MISSING: Remedy(("steer around",), Advice(
        "add to routing", "put {here} into OSPF again: its network statement is missing", _ADJACENT, reverts=True)),
    _K.ACL_BLOCK: Remedy(("steer around",), Advice(
        "remove filter", "let OSPF pass the filter on {here}", _ADJACENT, reverts=True)),
    _K.MTU: Remedy(("steer around",), Advice(
        "fix MTU", "set the MTU of {here} as the other end has it", _ADJACENT, reverts=True)),
    _K.WEIGHT: Remedy(("restore weight", "steer around"), Advice(
        "correct weight", "correct the IGP weight of {here} where it comes from: a template, a script, a person",
        "the configuration of {router} has the weight of the inventory", reverts=True)),
    _K.ECMP_MISSING: Remedy(("steer around",), Advice(
        "rebuild ECMP group", "rebuild the groups of equal paths on {router}: {here} is left out of them",
        "{here} carries its share of the equal paths")),
    _K.ECMP_STALE: Remedy(("steer around",), Advice(
        "rebuild ECMP group", "rebuild the groups of equal paths on {router}: {here} is left out since it flapped",
        "{here} carries its share of the equal paths")),
    _K.HOST_BLACKHOLE: Remedy((), Advice(
        "remove static route", "remove the static route to nowhere for {target} on {here}",
        "probes from {here} to {target} arrive", reverts=True)),
    _K.BLACKHOLE: Remedy(("steer around",), Advice(
        "remove blackhole route", "remove the route to nowhere for {target} on {here}; clear its forwarding table",
        "probes to {target} by {here} arrive")),
    _K.STATIC_ROUTE: Remedy(("steer around",), Advice(
        "remove static route", "remove the static route for {target} by {here} on {router}",
        "{router} sends what goes to {target} the way of the IGP", reverts=True)),
    _K.DATA_ACL: Remedy(("steer around", "drain"), Advice(
        "remove filter", "remove the filter on {here} that drops what goes to {target}",
        "probes to {target} by {here} arrive", reverts=True)),
    _K.SURGE: Remedy(("steer around", "limit"), Advice(
        "find the senders", "find out who sends so much to {here}, and for how long; order capacity if it stays",
        "the traffic towards {here} is as usual")),
    _K.INCAST: Remedy(("steer around", "limit"), Advice(
        "find the senders", "find out what makes so many send to {here} at once, and spread it",
        "the traffic towards {here} is as usual")),
    _K.WEB_DOS: Remedy(("steer around", "limit"), Advice(
        "filter the attack", "have the requests to {here} filtered at the edge: it is attacked",
        "the traffic towards {here} is as usual")),
    _K.SYN_FLOOD: Remedy(("steer around", "limit"), Advice(
        "filter the attack", "have the SYN packets to {here} filtered at the edge: it is attacked",
        "packets towards {here} are as large as usual")),
    _K.STUCK_COUNTER: Remedy((), Advice(
        "reset counters", "reset the counters of {here}, or restart its line card: they stand still", _TRUE)),
    _K.SCALED_COUNTER: Remedy((), Advice(
        "correct counter scale", "correct the unit in which {here} is counted: octets, bits, or a sampling factor",
        _TRUE)),
    _K.MISSING_COUNTERS: Remedy((), Advice(
        "restore polling", "have the counters of {here} polled again: they do not answer",
        "every poll of {here} is answered")),
    _K.SWAPPED_COUNTERS: Remedy((), Advice(
        "correct interface mapping", "correct the interface index of {here} and {target}: each reports the other",
        _TRUE)),
    _K.STALE_TOPOLOGY: Remedy(("undrain",), Advice(
        "correct inventory", "find out who drained {here} and why, and write it into the inventory",
        "the inventory has {here} as it is")),
    _K.WRONG_CAPACITY: Remedy((), Advice(
        "correct inventory", "correct the capacity of {here} in the inventory",
        "the inventory has the capacity that {here} was built with")),
    _K.DEMAND_INPUT: Remedy((), Advice(
        "correct flow export", "correct the sampling rate of the flow export of {here}",
        "the links carry what {here} exports")),
    _K.STALE_CONFIGURATION: Remedy((), Advice(
        "collect configuration", "collect the configuration of {here} again: what is kept is old",
        "the configuration of {here} that is kept is its own")),
})  # fmt: skip
"""By kind of fault; every kind has one."""
