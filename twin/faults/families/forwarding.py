"""What routers do to traffic apart from the IGP: blackholes, filters, static routes, missing members, late loss.

| kind | element (-> target), severity | what happens | not expressed |
|---|---|---|---|
| ecmp_member_missing | interface | its router leaves it out of every group of equal paths, and nowhere else | - |
| stale_ecmp_group | interface | the same, from a flap on that is in the log | - |
| host_static_blackhole | node -> node | what enters at the node for the target is dropped, transit passes | single hosts |
| blackhole_route | node -> node | all that reaches the node for the target is dropped; no commit, no configuration | other prefixes |
| static_route_misconfig | interface -> node | its router sends all for the target there; a loop ends after 64 hops | other prefixes |
| acl_misconfig | interface -> node | what is to leave there for the target is dropped, before any counter | ports, protocols |
| one_way_data_loss | interface, share | lost in the router at the far end, after its counter: both counters agree | - |
| probe_filter | node | no probe gets from, to or through it, and all data does: what probes say there is void | one protocol of probes |
"""  # noqa: E501 - a table

from twin.faults.declaration import Declaration, register, unchanged
from twin.faults.fault import FaultKind
from twin.faults.log_lines import Log
from twin.faults.remedies import AROUND, Advice, Remedy
from twin.faults.severities import LOST, ONE

_K = FaultKind

register(
    Declaration(
        id=_K.ECMP_MISSING,
        label="ECMP member missing",
        layer="forwarding",
        element="interface",
        severity=ONE,
        aliases=("p4_ecmp_group_member_missing",),
        astray="leave out",
        weighed=False,
        assumed=unchanged,
        remedy=Remedy(
            ("steer around",),
            Advice(
                "rebuild ECMP group",
                "rebuild the groups of equal paths on {router}: {here} is left out of them",
                "{here} carries its share of the equal paths",
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.ECMP_STALE,
        label="stale ECMP group",
        layer="forwarding",
        element="interface",
        severity=ONE,
        astray="leave out",
        weighed=False,
        assumed=unchanged,
        log=Log(flaps_once=True),
        remedy=Remedy(
            ("steer around",),
            Advice(
                "rebuild ECMP group",
                "rebuild the groups of equal paths on {router}: {here} is left out since it flapped",
                "{here} carries its share of the equal paths",
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.HOST_BLACKHOLE,
        layer="forwarding",
        element="node",
        target="node",
        severity=ONE,
        astray="refuse",
        weighed=False,
        assumed=unchanged,
        remedy=Remedy(
            (),
            Advice(
                "remove static route",
                "remove the static route to nowhere for {target} on {here}",
                "probes from {here} to {target} arrive",
                reverts=True,
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.BLACKHOLE,
        layer="forwarding",
        element="node",
        target="node",
        severity=ONE,
        astray="drop",
        weighed=False,
        assumed=unchanged,
        remedy=Remedy(
            ("steer around",),
            Advice(
                "remove blackhole route",
                "remove the route to nowhere for {target} on {here}; clear its forwarding table",
                "probes to {target} by {here} arrive",
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.STATIC_ROUTE,
        layer="forwarding",
        element="interface",
        target="node",
        severity=ONE,
        astray="send",
        weighed=False,
        assumed=unchanged,
        setting="route",
        log=Log(("commit",)),
        remedy=Remedy(
            ("steer around",),
            Advice(
                "remove static route",
                "remove the static route for {target} by {here} on {router}",
                "{router} sends what goes to {target} the way of the IGP",
                reverts=True,
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.DATA_ACL,
        label="traffic blocked by a filter",
        layer="forwarding",
        element="interface",
        forms=("node",),
        target="node",
        severity=ONE,
        reach="sent",
        astray="bar",
        weighed=False,
        assumed=unchanged,
        setting="filter",
        log=Log(("commit",)),
        remedy=Remedy(
            ("steer around", "drain"),
            Advice(
                "remove filter",
                "remove the filter on {here} that drops what goes to {target}",
                "probes to {target} by {here} arrive",
                reverts=True,
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.ONE_WAY,
        layer="forwarding",
        element="interface",
        severity=LOST._replace(usual=1.0),
        astray="leak",
        weighed=False,
        assumed=unchanged,
        drawn=lambda rng: rng.uniform(0.1, 1.0),
        remedy=Remedy(
            AROUND,
            Advice(
                "replace line card",
                "restart or replace the line card behind {here}: it drops what it has counted as received",
                "probes over {here} lose nothing",
            ),
        ),
    )
)

register(
    Declaration(
        id=_K.PROBE_FILTER,
        label="probes filtered",
        layer="forwarding",
        element="node",
        severity=ONE,
        aliases=("icmp_acl_block",),
        weighed=False,
        remedy=Remedy(
            (),
            Advice(
                "remove filter",
                "let probes (ICMP, or what else they are made of) pass the filter on {here}: data passes",
                "probes by {here} arrive",
            ),
        ),
    )
)
