"""Which faults no measurement can tell apart, and why: an honest diagnosis names both."""

from typing import NamedTuple

from .fault import FaultKind

_K = FaultKind


class Indistinguishable(NamedTuple):
    """Two kinds of fault with the same telemetry, at the elements and severities that `when` says."""

    one: FaultKind
    other: FaultKind
    when: str
    reason: str


INDISTINGUISHABLE: tuple[Indistinguishable, ...] = (
    Indistinguishable(
        _K.SURGE,
        _K.WEB_DOS,
        "same node and factor",
        "requests of an attack are traffic from everywhere to one place, as a surge of users is; "
        "what they ask for is in no counter",
    ),
    Indistinguishable(
        _K.ECMP_MISSING,
        _K.ECMP_STALE,
        "same interface, once the log of the flap is older than what is read",
        "both leave the same next hop out of the same groups; only the flap that came before tells why",
    ),
    Indistinguishable(
        _K.HOST_BLACKHOLE,
        _K.BLACKHOLE,
        "same node and target, when no transit for the target passes the node",
        "both then drop exactly what enters at the node for the target",
    ),
    Indistinguishable(
        _K.CAPACITY,
        _K.WRONG_CAPACITY,
        "same circuit, severity 1 - 1 / factor, without a measurement from before the onset",
        "a circuit that carries less than the inventory says has lost capacity or never had it; "
        "only what it carried earlier tells which",
    ),
    Indistinguishable(
        _K.BLACKHOLE,
        _K.DATA_ACL,
        "same router and target, the interface its only next hop there, once the commit is older than what is read "
        "and while its configuration is not",
        "both drop exactly what passes the router for the target, before it is counted again; "
        "a filter stands in the configuration and its commit in the log, a blackhole in neither",
    ),
    Indistinguishable(
        _K.DATA_ACL,
        _K.DATA_ACL,
        "at a router and at its only next hop for the target, while its configuration is not read",
        "filters at interfaces that carry nothing for the target drop nothing",
    ),
    Indistinguishable(
        _K.STALE_TOPOLOGY,
        _K.WEIGHT,
        "same circuit, the weight at both ends so large that no path takes it, while no configuration is read",
        "either way both its routers were configured and nothing goes over it any more; only they say how",
    ),
)


TOLD_BY_LINES: tuple[Indistinguishable, ...] = (
    Indistinguishable(
        _K.NEIGHBOUR_MISSING,
        _K.MTU,
        "at either end of the same circuit, once the log is older than what is read",
        "either way the circuit has no adjacency and its interfaces stay up; only the log says who refused whom",
    ),
    Indistinguishable(
        _K.NEIGHBOUR_MISSING,
        _K.ACL_BLOCK,
        "at either end of the same circuit, once the log is older than what is read and while no configuration is",
        "the same; a filter stands in the configuration as well",
    ),
    Indistinguishable(
        _K.ROUTING_DOWN,
        _K.AREA,
        "same node, once the log is older than what is read",
        "either way the node has no adjacency, answers its polls and keeps its interfaces up",
    ),
)
"""Kinds with the same readings, told apart by log lines and configuration alone: a forged line can confuse them."""


class Unseen(NamedTuple):
    """A kind of fault that leaves the telemetry of a healthy network, at the elements and times that `when` says."""

    kind: FaultKind
    when: str
    reason: str


UNSEEN: tuple[Unseen, ...] = (
    Unseen(
        _K.STALE_CONFIGURATION,
        "until the router is configured anew",
        "a configuration that has not changed reads the same, however old it is",
    ),
    Unseen(
        _K.WRONG_CAPACITY,
        "while the circuit drops nothing and carries less than is recorded",
        "what a circuit could carry shows only where it drops, or carries more than it should",
    ),
    Unseen(
        _K.ECMP_MISSING,
        "where no traffic has a choice that includes the interface",
        "a member is left out of groups of equal paths, and of nothing else",
    ),
)


def indistinguishable(one: FaultKind, other: FaultKind) -> Indistinguishable | None:
    """What makes two kinds indistinguishable, None when telemetry tells them apart."""
    return next((x for x in INDISTINGUISHABLE if {x.one, x.other} == {one, other}), None)
