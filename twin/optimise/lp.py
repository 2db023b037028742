"""The bound: the lowest peak utilisation that any routing can reach, by multicommodity flow.

Destination-aggregated: one flow per destination and arc, n * m columns, exact because traffic to one destination may
mix (Ahuja, Magnanti, Orlin, Network Flows, 1993, ch. 17). Solved by HiGHS.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order

from twin.errors import InputError
from twin.model import Floats, Ints, Network

from .highs import LinearOptimum, LinearProgram, solve

COLUMN_LIMIT = 200_000


class FlowOptimum(NamedTuple):
    """The best that any routing can do with the network as it is. m links."""

    max_utilisation: float  # share of capacity on the busiest link
    load: Floats  # [m] Mbit/s of one optimal flow
    price: Floats  # [m] fall of max_utilisation per Mbit/s of capacity added to this link
    unroutable: float  # Mbit/s between nodes that are up with no path, left out of the bound
    severed: float  # Mbit/s from or to a node that is down, left out of the bound


class _Arcs(NamedTuple):
    """Parallel links of equal loss merged: `link_arc[link]` is -1 for links that routing may not use."""

    tail: Ints
    head: Ints
    capacity: Floats
    keep: Floats  # share of the traffic that arrives
    link_arc: Ints


class _Columns(NamedTuple):
    """One column per destination and arc that may carry traffic to it."""

    destination: Ints
    arc: Ints


def lowest_utilisation(network: Network) -> FlowOptimum:
    """Minimise the peak utilisation over all ways to route the offered demands.

    Drained nodes carry no transit, unless they are costed out; sleeping, drained and failed links carry nothing;
    what a lossy link loses loads nothing after it. Raises `InputError` beyond
    `COLUMN_LIMIT` columns.
    """
    return _optimum(network)


@lru_cache(maxsize=16)
def _optimum(network: Network) -> FlowOptimum:
    arcs = _merge(network)
    demand, unroutable, severed = _routable(network, arcs)
    columns = _columns(network, arcs, demand)
    if columns.arc.size == 0:
        return FlowOptimum(0.0, np.zeros(len(network.links)), np.zeros(len(network.links)), unroutable, severed)
    if columns.arc.size > COLUMN_LIMIT:
        raise InputError(
            f"the flow programme needs {columns.arc.size} columns, more than {COLUMN_LIMIT}",
            fix="use the bound of the segment planner, which needs no programme",
        )
    optimum = solve(_programme(arcs, columns, demand))
    return _on_links(network, arcs, columns, optimum)._replace(unroutable=unroutable, severed=severed)


def _merge(network: Network) -> _Arcs:
    up = np.array([node.up for node in network.nodes])
    index: dict[tuple[int, int, float], int] = {}
    capacity: list[float] = []
    link_arc = np.full(len(network.links), -1, dtype=np.int64)
    for i, link in enumerate(network.links):
        tail, head = network.node_index[link.tail], network.node_index[link.head]
        if not (link.usable and up[tail] and up[head]):
            continue
        arc = index.setdefault((tail, head, 1 - link.loss), len(index))
        if arc == len(capacity):
            capacity.append(0.0)
        capacity[arc] += link.capacity
        link_arc[i] = arc
    ends = np.array([(tail, head) for tail, head, _ in index], dtype=np.int64).reshape(-1, 2)
    keep = np.array([share for _, _, share in index])
    return _Arcs(ends[:, 0], ends[:, 1], np.array(capacity), keep, link_arc)


def _carriers(network: Network, arcs: _Arcs, target: int) -> NDArray[np.bool_]:
    """Return which arcs may carry traffic to `target`: none out of it, none into a drained node in between."""
    drained = np.array([node.drained and not network.is_stub(node) for node in network.nodes])
    return (arcs.tail != target) & (~drained[arcs.head] | (arcs.head == target))


def _routable(network: Network, arcs: _Arcs) -> tuple[Floats, float, float]:
    """Return the demands that have a path, and the Mbit/s without one: both ends up, an end down."""
    n = len(network.nodes)
    demand = network.offered.copy()
    up = np.array([node.up for node in network.nodes])
    severed = float(demand.sum() - demand[np.ix_(up, up)].sum())
    demand[~up, :] = 0
    demand[:, ~up] = 0
    offered = float(demand.sum())
    for target in np.flatnonzero(demand.any(axis=0)):
        use = _carriers(network, arcs, int(target))
        backward = csr_array((np.ones(int(use.sum())), (arcs.head[use], arcs.tail[use])), shape=(n, n))
        reached = breadth_first_order(backward, int(target), return_predecessors=False)
        cut = np.ones(n, dtype=np.bool_)
        cut[reached] = False
        demand[cut, target] = 0
    return demand, offered - float(demand.sum()), severed


def _columns(network: Network, arcs: _Arcs, demand: Floats) -> _Columns:
    wanted = [int(target) for target in np.flatnonzero(demand.any(axis=0))]
    usable = [np.flatnonzero(_carriers(network, arcs, target)) for target in wanted]
    owner = np.repeat(np.array(wanted, dtype=np.int64), [own.size for own in usable])
    return _Columns(owner, np.concatenate(usable) if usable else np.zeros(0, dtype=np.int64))


def _programme(arcs: _Arcs, columns: _Columns, demand: Floats) -> LinearProgram:
    """Conserve each destination's flow at every other node; keep every arc below the peak, the last column."""
    n, scale = demand.shape[0], float(arcs.capacity.mean())
    rank = np.searchsorted(np.unique(columns.destination), columns.destination)
    count, arc_count = columns.arc.size, arcs.capacity.size
    balance = (int(rank.max()) + 1) * n
    tail, head = arcs.tail[columns.arc], arcs.head[columns.arc]
    inner = head != columns.destination
    position = np.arange(count)
    rows = np.concatenate(
        [rank * n + tail, (rank * n + head)[inner], balance + columns.arc, balance + np.arange(arc_count)]
    )
    cols = np.concatenate([position, position[inner], position, np.full(arc_count, count)])
    values = np.concatenate([np.ones(count), -arcs.keep[columns.arc][inner], np.ones(count), -arcs.capacity / scale])
    matrix = coo_array((values, (rows, cols)), shape=(balance + arc_count, count + 1)).tocsc()
    entering = demand[:, np.unique(columns.destination)].T.ravel() / scale
    cost = np.zeros(count + 1)
    cost[-1] = 1
    lower = np.concatenate([entering, np.full(arc_count, -np.inf)])
    return LinearProgram(cost, matrix, lower, np.concatenate([entering, np.zeros(arc_count)]))


def _on_links(network: Network, arcs: _Arcs, columns: _Columns, optimum: LinearOptimum) -> FlowOptimum:
    """Share each arc's flow over its parallel links by capacity, and give each the arc's price."""
    scale = float(arcs.capacity.mean())
    flow = np.bincount(columns.arc, weights=optimum.x[:-1], minlength=arcs.capacity.size) * scale
    price = -optimum.price[-arcs.capacity.size :] * optimum.value / scale
    capacity = np.array([link.capacity for link in network.links])
    used = arcs.link_arc >= 0
    load, prices = np.zeros(capacity.size), np.zeros(capacity.size)
    own = arcs.link_arc[used]
    load[used] = flow[own] * capacity[used] / arcs.capacity[own]
    prices[used] = price[own]
    return FlowOptimum(optimum.value, load, prices, 0.0, 0.0)
