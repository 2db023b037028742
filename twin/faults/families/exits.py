"""What BGP does to exits while their wires are well: sessions, announcements, policies, next hops, claims of others.

| kind | element (-> target), severity | what happens | not expressed |
|---|---|---|---|
| bgp_session | exit | the session is down, for whatever reason; a router with several groups loses an exit of each | the time without routes |
| bgp_advertisement | exit | the session stands, the neighbour announces the group no more | single prefixes of a group |
| bgp_filter | exit | it is announced, and the router's policy denies it | the same |
| bgp_next_hop | exit | other routers do not know the next hop that they are told: its own router alone goes on using it | the same |
| bgp_discard | exit | its next hop is one that drops, and the nearest to everybody: who has no exit of the group drops all for it | the same |
| bgp_preference | exit, the local preference | it is taken before all others, or after them | other attributes of a path |
| bgp_longer_path | exit, systems more | its neighbour's path is longer than usual, as by prepending: exits as good as it are taken first | ranks of exits that are local preferences |
| bgp_hijack | node -> group | the router announces the group, or a part of it, as its own: all go there, and no further | who has the rest of the group |
| bgp_process | node, 1 ended or 2 hanging | the router's exits serve nobody else; one that ended left it no route to any group, so that what passes by it is dropped as well | a router that finds its way by a default route |
| bgp_origin | exit -> group | its neighbour announces a group that is not its own: who is nearest leaves there, and is lost | a neighbour that delivers |

Traffic goes to the other exits of the group, or has no route where there is none. What is announced from outside ends
with its exit's session, and a router with a true exit of its own does not follow it; what a router announces itself is
preferred everywhere, and nothing leads around it. None of them but the first and a process
that ended has a line in any log. An exit is the interface of its router towards the group. RFC 7999 and RFC 5635 have the next hop that drops,
RFC 4271 (section 9.1) the order in which paths are preferred: local preference, length of the path, then the distance.
"""  # noqa: E501 - a table

from collections.abc import Callable
from dataclasses import replace

from twin.faults.declaration import Declaration, register
from twin.faults.fault import Fault, FaultKind
from twin.faults.link_effects import untold
from twin.faults.log_lines import HOLD_TIME_S, SILENT, Log, LogTemplate
from twin.faults.remedies import Advice, Measure, Remedy
from twin.faults.severities import ENDED, LONGER, ONE, PREFERENCE, PROCESS, USUAL_PREFERENCE
from twin.model import Astray, Link, Network
from twin.network_rules import MOST_PREFERENCE

_K = FaultKind
_OUT: tuple[FaultKind, ...] = (_K.BGP_SESSION, _K.BGP_ADVERTISEMENT, _K.BGP_FILTER, _K.BGP_NEXT_HOP)


def rivals(network: Network, exit_position: int) -> tuple[int, ...]:
    """Positions of the other exits of its group that are in use."""
    group = network.links[exit_position].head
    return tuple(
        i for i in network.exits if i != exit_position and network.links[i].head == group and _used(network, i)
    )


def _used(network: Network, position: int) -> bool:
    link = network.links[position]
    return link.usable and network.nodes[network.node_index[link.tail]].up


def _by_itself(network: Network, fault: Fault) -> Network:
    """Its own router goes on sending by it what gets there."""
    link = network.links[network.link(fault.element)]
    return replace(network, astray=(*network.astray, Astray("send", link.name, link.head)))


def _discarding(network: Network, fault: Fault) -> Network:
    """Every router drops that would have to ask another for the way; one with an exit of its own does not ask."""
    position = network.link(fault.element)
    here, others = network.links[position], [network.links[i] for i in rivals(network, position)]
    if not _used(network, position) or any(x.weight < here.weight for x in others):
        return network
    own = {x.tail for x in others if x.weight == here.weight}
    dropping = [x.name for x in network.nodes if x.kind == "router" and x.name not in own]
    return replace(network, astray=(*network.astray, *(Astray("drop", name, here.head) for name in dropping)))


def _preferred(network: Network, fault: Fault) -> Network:
    position, links = network.link(fault.element), list(network.links)
    others = rivals(network, position)
    if fault.severity > USUAL_PREFERENCE:
        best = links[position].weight
        for i in others:
            links[i] = _at(links[i], links[i].weight + best)
    else:
        links[position] = _at(links[position], max((links[i].weight for i in others), default=0) + 1)
    return replace(network, links=tuple(links))


def _lengthened(network: Network, fault: Fault) -> Network:
    position, links = network.link(fault.element), list(network.links)
    links[position] = _at(links[position], links[position].weight + int(fault.severity))
    return replace(network, links=tuple(links))


def _at(link: Link, preference: int) -> Link:
    return link._replace(weight=min(preference, MOST_PREFERENCE))


def _claimed(network: Network, fault: Fault) -> Network:
    group = (fault.target or "").removeprefix("node/")
    at = fault.element.removeprefix("node/")
    at = network.links[network.link(at)].name if at.startswith("interface/") else at
    return replace(network, astray=(*network.astray, Astray("claim", at, group)))


def _processless(network: Network, fault: Fault) -> Network:
    """Its exits are told to nobody; with the process that ended went its own routes, one that hangs left them."""
    name, links = network.nodes[network.node(fault.element)].name, list(network.links)
    own = [i for i in network.exits if links[i].tail == name]
    for i in own:
        links[i] = untold(links[i], fault.severity)
    if fault.severity == ENDED:
        groups = sorted({links[i].head for i in network.exits})
        astray = [Astray("drop", name, group) for group in groups]
    else:
        astray = [Astray("send", links[i].name, links[i].head) for i in own]
    return replace(network, links=tuple(links), astray=(*network.astray, *astray))


_MORE: dict[FaultKind, Callable[[Network, Fault], Network]] = {
    _K.BGP_NEXT_HOP: _by_itself,
    _K.BGP_DISCARD: _discarding,
    _K.BGP_PREFERENCE: _preferred,
    _K.BGP_LONGER_PATH: _lengthened,
    _K.BGP_HIJACK: _claimed,
    _K.BGP_ORIGIN: _claimed,
    _K.BGP_PROCESS: _processless,
}
_SESSION_LOST = Log(own=(LogTemplate("session timeout", HOLD_TIME_S),))
_SEVERITIES = {_K.BGP_PREFERENCE: PREFERENCE, _K.BGP_LONGER_PATH: LONGER, _K.BGP_PROCESS: PROCESS}
_DRAWN: dict[FaultKind, tuple[int, ...]] = {_K.BGP_PREFERENCE: (50, 200), _K.BGP_LONGER_PATH: (1, 2, 3)}
_CLAIMS = (_K.BGP_HIJACK, _K.BGP_ORIGIN)


def _declare(kind: FaultKind, label: str, advice: Advice, aliases: tuple[str, ...] = ()) -> None:
    ours: tuple[Measure, ...] = () if kind is _K.BGP_HIJACK else ("steer around",)
    register(
        Declaration(
            id=kind,
            label=label,
            layer="exits",
            element="node" if kind in (_K.BGP_HIJACK, _K.BGP_PROCESS) else "exit",
            target="node" if kind in _CLAIMS else None,
            severity=_SEVERITIES.get(kind, ONE),
            drawn=(lambda rng: float(rng.choice(_DRAWN[kind]))) if kind in _DRAWN else None,
            aliases=aliases,
            links=untold if kind in _OUT else None,
            network=_MORE.get(kind),
            weighed=kind not in _DRAWN,
            plain=True,
            remedy=Remedy(ours, advice),
            log=_SESSION_LOST if kind is _K.BGP_SESSION else SILENT,
        )
    )


_declare(
    _K.BGP_SESSION,
    "BGP session down",
    Advice(
        "restore peering",
        "restore the BGP session of {here}: look on {router} for the last notification, then for a filter on TCP port "
        "179, the neighbour's AS, address and password, and the limit of prefixes",
        "the session of {here} is established and its neighbour announces the group",
    ),
    ("bgp_neighbor_misconfig", "bgp_asn_misconfig", "bgp_acl_block", "bgp_max_prefix_exceeded"),
)
_declare(
    _K.BGP_ADVERTISEMENT,
    "missing BGP advertisement",
    Advice(
        "ask for the routes",
        "ask the neighbour at {here} to announce the group to {router} again",
        "{router} receives the group by {here}",
    ),
    ("bgp_missing_route_advertisement",),
)
_declare(
    _K.BGP_FILTER,
    "BGP routes denied by policy",
    Advice(
        "correct route policy",
        "correct the policy of {router} for what comes in by {here}: it denies routes that the neighbour announces",
        "{router} accepts what its neighbour at {here} announces",
    ),
    ("route_policy_misconfig",),
)
_declare(
    _K.BGP_NEXT_HOP,
    "BGP next hop unknown",
    Advice(
        "correct next hop",
        "let {router} put itself in as the next hop of what comes in by {here} (next-hop-self): the others do not know "
        "the one they are told",
        "the other routers use the path by {here}",
    ),
)
_declare(
    _K.BGP_DISCARD,
    "BGP routes that discard",
    Advice(
        "lift the discard",
        "drop the blackhole community from what comes in by {here}, or ask the neighbour not to send it, and accept it "
        "for single addresses of own customers only",
        "the next hop of {here} is {router}, and the group is reached from everywhere",
    ),
    ("bgp_blackhole_community_leak",),
)
_declare(
    _K.BGP_PREFERENCE,
    "wrong BGP preference",
    Advice(
        "correct preference",
        "correct the local preference that {router} gives to what comes in by {here}",
        "{here} is preferred as the inventory says, and carries its part",
    ),
)
_declare(
    _K.BGP_LONGER_PATH,
    "longer BGP path",
    Advice(
        "ask about the path",
        "ask the neighbour at {here} why its path has become longer, as by prepending: traffic leaves by other exits; "
        "{router} can prefer it by local preference where that is not wanted",
        "the path by {here} is as long as those by its like, and it carries its part",
    ),
)
_declare(
    _K.BGP_HIJACK,
    "BGP hijack from inside",
    Advice(
        "withdraw the announcement",
        "take the announcement of {target} off {here}, which has no way there, and filter what routers may originate",
        "nobody but the exits of {target} announces it",
    ),
    ("bgp_hijacking",),
)
_declare(
    _K.BGP_ORIGIN,
    "BGP routes of another's",
    Advice(
        "reject the announcement",
        "reject on {router} what its neighbour at {here} announces of {target}, which is not the neighbour's: validate "
        "origins (RFC 6811), and ask the neighbour to withdraw it",
        "nothing of {target} comes in by {here}",
    ),
    ("bgp_rpki_invalid_route_leak",),
)
_declare(
    _K.BGP_PROCESS,
    "BGP process down",
    Advice(
        "restart BGP",
        "restart the BGP process of {here}; while it is gone, nothing that passes by {here} finds a way to any group",
        "{here} answers for BGP again, and its exits carry their part",
    ),
)
