"""What faults do to routers and links beyond what a `Network` can say: the emulated network's own state of health."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from twin.faults import TRAITS, Fault, FaultKind, interfaces, struck_links, with_faults
from twin.model import AstrayKind, Floats, Network

from .misrouting import MOST_HOPS, NOWHERE, Drops, Route
from .network import Flags
from .queues import PACKET_BITS


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
    mute: tuple[int, ...] = ()  # nodes that let no probe pass


def defects(configured: Network, faults: Sequence[Fault]) -> Defects:
    """What the faults do beyond what `with_fault` says of them. Raises as `with_fault` does."""
    struck = with_faults(configured, faults).links
    gone = [x for fault in faults if _detaches(fault) for x in interfaces(configured, fault)]
    detached = np.zeros(len(configured.links), dtype=bool)
    detached[[configured.link(x) for x in gone]] = True

    def astray(*does: AstrayKind) -> list[Fault]:
        return [fault for fault in faults if TRAITS[fault.kind].astray in does]

    reflected = any(x.does == "reflect" for x in configured.astray)
    return Defects(
        lit=np.array([link.up and not link.asleep for link in struck], dtype=bool),
        adjacent=np.array(
            [x.adjacent or not y.adjacent for x, y in zip(struck, configured.links, strict=True)], dtype=bool
        ),
        lost=np.array([link.loss for link in struck]),
        corrupted=_share(configured, [x for x in faults if TRAITS[x.kind].breaks_frames]),
        discarded=_share(configured, astray("leak")),
        detached=detached,
        left_out=tuple(configured.link(fault.element) for fault in astray("leave out")),
        routes=(*(_route(configured, fault) for fault in astray("drop", "send")), *_told_by_bgp(configured, faults)),
        drops=_drops(configured, astray("refuse"), astray("bar"), loops=bool(astray("send")) or reflected),
        small=_small(configured, faults),
        mute=tuple(configured.node(x.element) for x in faults if x.kind is FaultKind.PROBE_FILTER),
    )


def _detaches(fault: Fault) -> bool:
    return fault.kind is FaultKind.DETACH


def _share(network: Network, faults: Sequence[Fault]) -> Floats:
    passes = np.ones(len(network.links))
    for fault in faults:
        passes[list(struck_links(network, fault))] *= 1 - fault.severity
    return 1 - passes


def _route(network: Network, fault: Fault) -> Route:
    target = network.node(fault.target or "")
    if TRAITS[fault.kind].astray == "drop":
        return Route(network.node(fault.element), target, NOWHERE)
    link = network.link(fault.element)
    return Route(network.node_index[network.links[link].tail], target, link)


def _told_by_bgp(network: Network, faults: Sequence[Fault]) -> Iterator[Route]:
    """What faults of exits make routers do otherwise than the nearest exits would have them."""
    for entry in with_faults(network, [x for x in faults if TRAITS[x.kind].layer == "exits"]).astray:
        if entry.does == "drop":
            yield Route(network.node(entry.at), network.node(entry.target), NOWHERE)
        elif entry.does == "send":
            link = network.link(entry.at)
            yield Route(network.node_index[network.links[link].tail], network.node(entry.target), link)


def _drops(network: Network, hosts: Sequence[Fault], filters: Sequence[Fault], *, loops: bool) -> Drops:
    n = len(network.nodes)
    pairs = [network.node(x.element) * n + network.node(x.target or "") for x in hosts]
    exits = [network.link(i) * n + network.node(x.target or "") for x in filters for i in interfaces(network, x)]
    return Drops(np.array(pairs, dtype=np.int64), np.array(exits, dtype=np.int64), MOST_HOPS if loops else None)


def _small(network: Network, faults: Sequence[Fault]) -> Floats:
    """Of traffic that a flood has made 1 + x times as large, x / (1 + x) is the flood."""
    rest = np.ones(len(network.nodes))
    for fault in faults:
        bits = TRAITS[fault.kind].packet_bits
        if bits is not None:
            rest[network.node(fault.element)] /= 1 + (fault.severity - 1) * bits / PACKET_BITS
    return 1 - rest
