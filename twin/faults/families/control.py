"""Routing that is wrong while the network is whole: neighbours that are lost, weights that are not what they should be.

| kind | element (-> target), severity | what happens | not expressed |
|---|---|---|---|
| frr_service_down | node | no adjacency after the dead interval; it answers polls, its interfaces stay up | its old routes |
| ospf_area_misconfiguration | node | every adjacency of the node down, interfaces up, its neighbours log the area | areas as such |
| ospf_neighbor_missing | interface | the adjacency of its circuit down: the interface is not in OSPF | - |
| ospf_acl_block | interface | the adjacency of its circuit down: hellos do not get in | other control traffic |
| mtu_mismatch | interface | the adjacency of its circuit stuck in ExStart; nothing is routed there | loss of large packets |
| wrong_igp_weight | interface, the weight | traffic moves, one direction | - |
"""  # noqa: E501 - a table

from twin.faults.declaration import Declaration, register
from twin.faults.fault import FaultKind
from twin.faults.link_effects import unrouted
from twin.faults.log_lines import AT_ONCE_S, DEAD_INTERVAL_S, Log, LogTemplate
from twin.faults.remedies import Advice, Remedy
from twin.faults.severities import ONE, WEIGHT

_K = FaultKind
_RETURNS = "the neighbours over {here} come back and traffic returns"
_DOWN = LogTemplate("adjacency down", AT_ONCE_S)
_TIMEOUT = LogTemplate("adjacency timeout", DEAD_INTERVAL_S)
_STUCK = LogTemplate("adjacency stuck", (60, 125), "first line")

register(
    Declaration(
        id=_K.ROUTING_DOWN,
        label="routing daemon down",
        layer="control",
        element="node",
        severity=ONE,
        plain=True,
        links=unrouted,
        log=Log(at_once=("process",), own=(), others=(_TIMEOUT,)),
        remedy=Remedy(("steer around",), Advice("restart routing", "restart the routing process on {here}", _RETURNS)),
    )
)
register(
    Declaration(
        id=_K.AREA,
        label="OSPF area misconfigured",
        layer="control",
        element="node",
        forms=("interface",),
        severity=ONE,
        plain=True,
        reach="circuit",
        links=unrouted,
        setting="area",
        log=Log(("commit",), own=(_DOWN,), others=(_TIMEOUT, LogTemplate("area", (1, 10)))),
        remedy=Remedy(
            ("steer around",),
            Advice("correct area", "set the OSPF area on {here} as its neighbours have it", _RETURNS, reverts=True),
        ),
    )
)
register(
    Declaration(
        id=_K.NEIGHBOUR_MISSING,
        label="OSPF neighbour missing",
        layer="control",
        element="interface",
        forms=("node", "circuit"),
        severity=ONE,
        plain=True,
        reach="circuit",
        links=unrouted,
        setting="routing",
        log=Log(("commit",), own=(_DOWN,), others=(_TIMEOUT,)),
        remedy=Remedy(
            ("steer around",),
            Advice(
                "add to routing", "put {here} into OSPF again: its network statement is missing", _RETURNS, reverts=True
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.ACL_BLOCK,
        label="OSPF blocked by a filter",
        layer="control",
        element="interface",
        forms=("node", "circuit"),
        severity=ONE,
        plain=True,
        reach="circuit",
        links=unrouted,
        setting="filter",
        deaf="to hellos",
        log=Log(("commit",), own=(_TIMEOUT,), others=(LogTemplate("adjacency one-way", DEAD_INTERVAL_S),)),
        remedy=Remedy(
            ("steer around",), Advice("remove filter", "let OSPF pass the filter on {here}", _RETURNS, reverts=True)
        ),
    )
)
register(
    Declaration(
        id=_K.MTU,
        label="MTU mismatch",
        layer="control",
        element="interface",
        forms=("node",),
        severity=ONE,
        plain=True,
        reach="circuit",
        links=unrouted,
        setting="mtu",
        deaf="to large packets",
        log=Log(("commit",), own=(_DOWN, LogTemplate("mtu", (1, 10), "first line"), _STUCK), others=(_DOWN, _STUCK)),
        remedy=Remedy(
            ("steer around",),
            Advice("fix MTU", "set the MTU of {here} as the other end has it", _RETURNS, reverts=True),
        ),
    )
)
register(
    Declaration(
        id=_K.WEIGHT,
        label="wrong IGP weight",
        layer="control",
        element="interface",
        forms=("node", "circuit"),
        severity=WEIGHT,
        reach="sent",
        links=lambda link, weight: link._replace(weight=int(weight)),
        setting="weight",
        log=Log(("commit",)),
        remedy=Remedy(
            ("restore weight", "steer around"),
            Advice(
                "correct weight",
                "correct the IGP weight of {here} where it comes from: a template, a script, a person",
                "the configuration of {router} has the weight of the inventory",
                reverts=True,
            ),
        ),
    )
)
