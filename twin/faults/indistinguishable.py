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
        _K.ONE_WAY,
        _K.SILENT_LOSS,
        "same interface and share, while its wire carries nothing that its two ends count",
        "probes are lost either way; whether the far end has counted them before is in its counters alone",
    ),
    Indistinguishable(
        _K.STALE_TOPOLOGY,
        _K.WEIGHT,
        "same circuit, the weight at both ends so large that no path takes it, while no configuration is read",
        "either way both its routers were configured and nothing goes over it any more; only they say how",
    ),
)


def indistinguishable(one: FaultKind, other: FaultKind) -> Indistinguishable | None:
    """What makes two kinds indistinguishable, None when telemetry tells them apart."""
    return next((x for x in INDISTINGUISHABLE if {x.one, x.other} == {one, other}), None)
