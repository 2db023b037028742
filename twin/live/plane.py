"""The data plane of the emulated network in one state: its routes are fixed, traffic goes through them."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from twin.harm import Harm, joined
from twin.model import Floats, Ints, Network

from .defects import Defects, defects
from .forwarding import Flows, Paths, Words, forward, share_out, valid_lists
from .interval import Interval
from .marks import marks
from .misrouting import NOWHERE, Route, with_routes, without_members
from .probes import fate
from .queues import CarriedByClass, CarriedLoads, carry, carry_classes, queueing_ms
from .tables import Tables, link_ends, routing_tables


@dataclass(frozen=True)
class DataPlane:
    """Routers, flows and links in one state of the network. n nodes, m links, g paths."""

    network: Network
    paths: Paths
    probes: Paths
    capacity: Floats  # [m] Mbit/s
    loss: Floats  # [m] share lost on the wire
    delay_ms: Floats  # [m] propagation
    node_up: NDArray[np.bool_]  # [n]
    oper: NDArray[np.bool_]  # [m] operational state of the link's interfaces
    ends: tuple[Ints, Ints]  # [m], [m] node positions of tail and head
    tables: Tables
    defects: Defects

    def with_flows(self, flows: Flows) -> "DataPlane":
        """The same routes, when the flows have these sizes."""
        return replace(self, paths=share_out(self.paths, flows))

    def offered(self, share: Floats) -> Floats:
        """What users offer, Mbit/s [n, n], when every pair is at `share` of the peak; a dead router offers nothing."""
        return np.asarray(self.network.demands * share * self.node_up[:, None], dtype=np.float64)

    def entering(self, offered: Floats) -> Floats:
        """What the network lets in of `offered`, after its rate limits, Mbit/s [n, n]."""
        entering, node = offered.copy(), self.network.node_index
        for source, target, limit in self.network.limits:
            entering[node[source], node[target]] = min(entering[node[source], node[target]], limit)
        return entering

    def carry(self, entering: Floats) -> CarriedLoads:
        """Send what entered along its paths."""
        if self.network.classes:
            return self.carry_classes(entering).whole
        rate = entering.ravel()[self.paths.pair] * self.paths.share
        return carry(self.paths, rate, self.capacity, self.loss, self.defects.discarded)

    def carry_classes(self, entering: Floats) -> CarriedByClass:
        """Send what entered along its paths, each class of it as full links schedule it; of a network with classes."""
        marked = marks(self.network)
        rate = np.column_stack([(entering * part).ravel()[self.paths.pair] * self.paths.share for _, part in marked])
        schedulers = [scheduler for scheduler, _ in marked]
        return carry_classes(self.paths, rate, schedulers, self.capacity, self.loss, self.defects.discarded)

    def interval(self, carried: CarriedLoads, offered: Floats, probed: Ints) -> Interval:
        """What there is to measure when this was carried of `offered`, Mbit/s [n, n]. `probed` are pairs [p]."""
        ill = self.defects
        broken = ill.corrupted / np.where(ill.corrupted < 1, 1 - ill.corrupted, 1.0)
        through, delay_ms = fate(self.probes, probed, self.survive(carried), self.takes_ms(carried))
        return Interval(
            sent=carried.sent,
            dropped=carried.arrived - carried.sent,
            received=carried.received,
            errored=carried.received * broken,
            oper=self.oper,
            adjacent=self.oper & ill.adjacent,
            detached=ill.detached,
            node_up=self.node_up,
            through=through,
            delay_ms=delay_ms,
            offered=offered,
            small=ill.small,
        )

    def probed_by(self, probes: Flows, salts: Words) -> "DataPlane":
        """The same state, when these are the probes."""
        return replace(self, probes=_probed(self.network, self.tables, probes, salts, self.defects))

    def harm(self, carried: CarriedLoads, share: Floats, limit: float) -> Harm:
        """What users lose when every pair is at `share` of the peak, and load above `limit`, a share of capacity."""
        wanted = np.asarray(self.network.demands * share, dtype=np.float64)
        let_in, without = self.entering(wanted), ~self._routed
        cut = without & ~joined(self.network) if without.any() else without
        n = len(self.network.nodes)
        has_route = self._routed[self.paths.pair // n, self.paths.pair % n]
        astray = ~self.paths.delivered & has_route
        nowhere = astray & self._blind[self.paths.pair // n, self.paths.pair % n]
        taken_off = carried.leaving[astray & ~nowhere].sum() + carried.discarded.sum()
        above = np.maximum(carried.arrived - limit * self.capacity, 0.0)
        dropped = np.minimum(carried.arrived - carried.sent, above)
        return Harm(
            severed=float(let_in[cut].sum()),
            unrouted=float(let_in[without & ~cut].sum() + carried.leaving[nowhere].sum()),
            dropped=float(dropped.sum()),
            silent=float((carried.sent - carried.received).sum()),
            discarded=float(taken_off),
            refused=float((wanted - let_in).sum()),
            overload=float((above - dropped).sum()),
        )

    @cached_property
    def _routed(self) -> NDArray[np.bool_]:
        """Whether the IGP or a tunnel has a way between two nodes that are up [n, n], by source first."""
        tables, node = self.tables, self.network.node_index
        routed = np.asarray((tables.distance.T >= 0) & np.outer(self.node_up, self.node_up), dtype=bool)
        for tunnel in self.network.tunnels:  # labels go through a drained node where the IGP has no way
            pair = node[tunnel.source], node[tunnel.target]
            routed[pair] |= bool(valid_lists(self.network, tables, tunnel)) and self.node_up[[*pair]].all()
        return routed

    @cached_property
    def _blind(self) -> NDArray[np.bool_]:
        """Pairs of nodes whose traffic is on labels that nobody verifies [n, n]."""
        blind, node = np.zeros_like(self._routed), self.network.node_index
        for tunnel in self.network.tunnels:
            unverified = tunnel.path == "explicit" and tunnel.on_invalid == "blackhole"
            blind[node[tunnel.source], node[tunnel.target]] = unverified
        return blind

    def survive(self, carried: CarriedLoads) -> Floats:
        """Share of packets that get over each link, queue and wire. [m]."""
        return carried.passed * (1 - self.loss) * (1 - self.defects.discarded)

    def takes_ms(self, carried: CarriedLoads) -> Floats:
        """Mean time a packet takes over each link, queue and wire, ms [m]."""
        return self.delay_ms + queueing_ms(carried, self.capacity)


def data_plane(network: Network, flows: Flows, probes: Flows, salts: Words, ill: Defects | None = None) -> DataPlane:
    """Route every flow and every probe through a state of the network, with no other defects by default.

    A static route counts while its interface has light, as the routers have it.
    """
    ill = defects(network, ()) if ill is None else ill
    up = np.array([node.up for node in network.nodes], dtype=bool)
    tail, head = link_ends(network)
    oper = ill.lit & up[tail] & up[head]
    tables = _tables(network, ill, oper)
    return DataPlane(
        network,
        forward(network, tables, flows, salts, ill.drops),
        _probed(network, tables, probes, salts, ill),
        np.array([link.capacity for link in network.links]),
        ill.lost,
        np.array([link.delay_ms for link in network.links]),
        up,
        oper,
        (tail, head),
        tables,
        ill,
    )


def _probed(network: Network, tables: Tables, probes: Flows, salts: Words, ill: Defects) -> Paths:
    """Send the probes, which routers that filter them neither pass on nor take nor send."""
    n = len(network.nodes)
    routes = [Route(node, target, NOWHERE) for node in ill.mute for target in range(n) if target != node]
    into = [source * n + node for node in ill.mute for source in range(n)]
    drops = ill.drops._replace(pairs=np.concatenate([ill.drops.pairs, np.array(into, dtype=np.int64)]))
    return forward(network, with_routes(tables, routes, n), probes, salts, drops)


def _tables(network: Network, ill: Defects, oper: NDArray[np.bool_]) -> Tables:
    """What the routers go by: what the IGP found, less the members they leave out, and the static routes."""
    routes = [route for route in ill.routes if route.link == NOWHERE or oper[route.link]]
    return with_routes(without_members(routing_tables(network), ill.left_out), routes, len(network.nodes))
