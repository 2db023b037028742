"""What faults do to routers and links beyond what a `Network` can say: the emulated network's own state of health."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin.faults import TRAITS, Fault, FaultKind, afflict_all, interfaces, struck_links
from twin.faults.kinds import ADJACENCY_KINDS, PACKET_BITS, SYN_BITS
from twin.model import Floats, Network

from .misrouting import MOST_HOPS, NOWHERE, Drops, Route
from .network import Flags

_K = FaultKind


class Defects(NamedTuple):
    """n nodes, m links."""

    lit: Flags  # [m] whether the interfaces have light when both nodes are up
    adjacent: Flags  # [m] whether routing would have its neighbour, light and nodes provided
    lost: Floats  # [m] share lost between the two counters, broken frames included
    corrupted: Floats  # [m] share of the frames that get over the wire which arrive broken
    discarded: Floats  # [m] share that the head drops after counting it
    detached: Flags  # [m] whether the interface at the tail is gone
    left_out: tuple[int, ...]  # links that their tails leave out of groups of equal paths
    routes: tuple[Route, ...]
    drops: Drops
    small: Floats  # [n] share of the bits towards each node that are SYN packets


def defects(configured: Network, faults: Sequence[Fault]) -> Defects:
    """What the faults do beyond what `afflict` says of them. Raises as `afflict` does."""
    m = len(configured.links)

    def of(*kinds: FaultKind) -> list[Fault]:
        return [fault for fault in faults if fault.kind in kinds]

    physical = afflict_all(configured, [x for x in faults if TRAITS[x.kind].layer == "physical"])
    wire = afflict_all(configured, of(_K.SILENT_LOSS, _K.CORRUPTION, _K.DEVICE_CORRUPTION))
    adjacent = np.ones(m, dtype=bool)
    for fault in of(*ADJACENCY_KINDS):
        adjacent[list(struck_links(configured, fault))] = False
    detached = np.zeros(m, dtype=bool)
    detached[[configured.link(x) for fault in of(_K.DETACH) for x in interfaces(configured, fault)]] = True
    routes = tuple(_route(configured, fault) for fault in of(_K.BLACKHOLE, _K.STATIC_ROUTE))
    return Defects(
        lit=np.array([link.up and not link.asleep for link in physical.links], dtype=bool),
        adjacent=adjacent,
        lost=np.array([link.loss for link in wire.links]),
        corrupted=_share(configured, of(_K.CORRUPTION, _K.DEVICE_CORRUPTION)),
        discarded=_share(configured, of(_K.ONE_WAY)),
        detached=detached,
        left_out=tuple(configured.link(fault.element) for fault in of(_K.ECMP_MISSING, _K.ECMP_STALE)),
        routes=routes,
        drops=_drops(configured, of(_K.HOST_BLACKHOLE), of(_K.DATA_ACL), loops=bool(of(_K.STATIC_ROUTE))),
        small=_small(configured, of(_K.SYN_FLOOD)),
    )


def _share(network: Network, faults: Sequence[Fault]) -> Floats:
    passes = np.ones(len(network.links))
    for fault in faults:
        passes[list(struck_links(network, fault))] *= 1 - fault.severity
    return 1 - passes


def _route(network: Network, fault: Fault) -> Route:
    target = network.node(fault.target or "")
    if fault.kind is _K.BLACKHOLE:
        return Route(network.node(fault.element), target, NOWHERE)
    link = network.link(fault.element)
    return Route(network.node_index[network.links[link].tail], target, link)


def _drops(network: Network, hosts: Sequence[Fault], filters: Sequence[Fault], *, loops: bool) -> Drops:
    n = len(network.nodes)
    pairs = [network.node(x.element) * n + network.node(x.target or "") for x in hosts]
    exits = [network.link(i) * n + network.node(x.target or "") for x in filters for i in interfaces(network, x)]
    return Drops(np.array(pairs, dtype=np.int64), np.array(exits, dtype=np.int64), MOST_HOPS if loops else None)


def _small(network: Network, floods: Sequence[Fault]) -> Floats:
    """Of traffic that a flood has made 1 + x times as large, x / (1 + x) is the flood."""
    rest = np.ones(len(network.nodes))
    for fault in floods:
        rest[network.node(fault.element)] /= 1 + (fault.severity - 1) * SYN_BITS / PACKET_BITS
    return 1 - rest
