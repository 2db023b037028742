"""The data plane of the emulated network in one state: its routes are fixed, traffic goes through them."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twin.model import Floats, Ints, Network

from .forwarding import Flows, Paths, Words, forward, link_ends, routing_tables, share_out
from .queues import Carried, carry, queueing_ms


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

    def carry(self, entering: Floats) -> Carried:
        """Send what entered along its paths."""
        rate = entering.ravel()[self.paths.pair] * self.paths.share
        return carry(self.paths, rate, self.capacity, self.loss)

    def harm(self, carried: Carried, limit: float) -> float:
        """Mbit/s without a route though both ends are up, lost on the wire, or above `limit`, a share of capacity."""
        n = len(self.network.nodes)
        both_up = self.node_up[self.paths.pair // n] & self.node_up[self.paths.pair % n]
        cut = carried.leaving[~self.paths.delivered & both_up].sum()
        above = np.maximum(carried.arrived - limit * self.capacity, 0.0).sum()
        return float(cut + (carried.sent - carried.received).sum() + above)

    def survive(self, carried: Carried) -> Floats:
        """Share of packets that get over each link, queue and wire. [m]."""
        return carried.passed * (1 - self.loss)

    def takes_ms(self, carried: Carried) -> Floats:
        """Mean time a packet takes over each link, queue and wire, ms [m]."""
        return self.delay_ms + queueing_ms(carried, self.capacity)


def data_plane(network: Network, flows: Flows, probes: Flows, salts: Words) -> DataPlane:
    """Route every flow and every probe through a state of the network."""
    tables = routing_tables(network)
    up = np.array([node.up for node in network.nodes], dtype=bool)
    tail, head = link_ends(network)
    lit = np.array([link.up and not link.asleep for link in network.links], dtype=bool)
    return DataPlane(
        network,
        forward(network, tables, flows, salts),
        forward(network, tables, probes, salts),
        np.array([link.capacity for link in network.links]),
        np.array([link.loss for link in network.links]),
        np.array([link.delay_ms for link in network.links]),
        up,
        lit & up[tail] & up[head],
        (tail, head),
    )
