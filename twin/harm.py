"""Harm: what users of the network lose, and load above the limit; the same for twin, telemetry and live network."""

from collections.abc import Iterable
from typing import NamedTuple

from pydantic import Field

from .model import Frozen, Network
from .numeric import Bools, Floats, np


class Harm(Frozen):
    """Mbit/s of demand that does not arrive, by what becomes of it, and Mbit/s of load above the limit.

    Nothing is counted twice: what a full queue drops is no load above the limit as well.
    """

    severed: float = Field(default=0.0, ge=0, description="An end is down, or nothing that is up joins the ends.")
    unrouted: float = Field(default=0.0, ge=0, description="No route, though circuits that are up join the ends.")
    dropped: float = Field(default=0.0, ge=0, description="Above the capacity of a link: full queues drop it.")
    silent: float = Field(default=0.0, ge=0, description="Lost on a wire, between its two counters.")
    discarded: float = Field(
        default=0.0, ge=0, description="Taken off by a router: filtered, black-holed, looping, lost behind a counter."
    )
    refused: float = Field(default=0.0, ge=0, description="Not let in, by rate limits.")
    overload: float = Field(default=0.0, ge=0, description="Carried, but above the limit of its link.")

    @property
    def total(self) -> float:
        """All of it."""
        return self.severed + self.routable

    @property
    def routable(self) -> float:
        """What another configuration could carry: all but what is severed."""
        return self.unrouted + self.dropped + self.silent + self.discarded + self.refused + self.overload

    @property
    def parts(self) -> dict[str, float]:
        """What there is of each part, by its name."""
        return {name: value for name in type(self).model_fields if (value := float(getattr(self, name))) > 0}

    def rounded(self, digits: int = 3) -> "Harm":
        """The same, for a record."""
        return Harm(**{name: round(value, digits) for name, value in self.parts.items()})


class OverLimit(NamedTuple):
    """Load beyond what links should carry, in sum over them, Mbit/s."""

    dropped: float  # above capacity
    overload: float  # above the limit and carried


def excess(load: Floats, capacity: Floats, limit: float) -> OverLimit:
    """Split load [..., m] above `limit`, a share of capacity, into what is dropped and what is carried.

    A limit above 1 is a multiple of capacity up to which nothing is dropped.
    """
    above = np.maximum(load - limit * capacity, 0.0)
    dropped = np.minimum(above, np.maximum(load - capacity, 0.0))
    return OverLimit(float(dropped.sum()), float((above - dropped).sum()))


def mean_harm(parts: Iterable[tuple[float, Harm]]) -> Harm:
    """The mean of several states, each with its share of the time."""
    sums = dict.fromkeys(Harm.model_fields, 0.0)
    for share, harm in parts:
        for name in sums:
            sums[name] += share * float(getattr(harm, name))
    return Harm(**sums)


def joined(network: Network) -> Bools:
    """Whether circuits that are up and adjacent join two nodes that are up [n, n]: drained ones count as well."""
    return joined_by(network, np.array([link.up and link.adjacent for link in network.links], dtype=bool),
                     np.array([node.up for node in network.nodes], dtype=bool))  # fmt: skip


def joined_by(network: Network, links: Bools, nodes: Bools) -> Bools:
    """Whether these links [m] join two of these nodes, both ways, or a node with an exit of a group [n, n]."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n, index = len(network.nodes), network.node_index
    tail = np.array([index[x.tail] for x in network.links], dtype=np.int64)
    head = np.array([index[x.head] for x in network.links], dtype=np.int64)
    there = links & nodes[tail] & nodes[head]
    graph = coo_array((np.ones(int(there.sum())), (tail[there], head[there])), shape=(n, n))
    _, group = connected_components(graph.tocsr(), directed=True, connection="strong")
    together = group[:, None] == group[None, :]
    together &= nodes[:, None] & nodes[None, :]
    for i in network.exits:  # one way only: what leaves by an exit does not come back by it
        if there[i]:
            together[:, head[i]] |= together[:, tail[i]]
    return np.asarray(together, dtype=bool)
