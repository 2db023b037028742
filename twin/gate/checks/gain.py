"""What a plan is good for, measured against the best that any plan could do."""

import numpy as np

from twin.gate.no_worse import rate_slack
from twin.model import Floats, Network
from twin.printed import mbps, percent
from twin.sim.simulate import Outcome


def relief(before: Outcome, after: Outcome, limit: float) -> tuple[float, str]:
    """Return the share of what can be relieved that a plan relieves, and its figures in words.

    With harm, that is how much of the harm goes, of what is not in the way of every plan; without, by which share of
    itself the peak utilisation falls. Traffic refused by a rate limit is harm, so that shedding a demand is no gain in
    itself.
    """
    was, now = (x.harm(limit).routable + x.stranded for x in (before, after))
    if was <= rate_slack(before.network):
        was, now = before.max_utilisation, after.max_utilisation
        return ((was - now) / was if was > 0 else 0.0), f"the peak from {percent(was)} to {percent(now)}"
    least = min(least_harm(before.network, limit), was)
    words = f"harm from {mbps(was)} to {mbps(now)}"
    if least > rate_slack(before.network):
        words += f", {mbps(least)} of it out of any plan's reach"
    removable = was - least
    return ((was - now) / removable if removable > rate_slack(before.network) else 0.0), words


def least_harm(network: Network, limit: float) -> float:
    """Mbit/s of harm that no plan can spare the network; `limit` is a share of capacity.

    That is demands with no way even over all that is drained or asleep (no change brings an adjacency back), and what
    the links of single nodes cannot take of these nodes' own traffic. A lower bound: what one node sends leaves by
    links that no other node sends by, so that the nodes add up.
    """
    up = np.array([node.up for node in network.nodes], dtype=np.bool_)
    index = network.node_index
    usable = [link for link in network.links if link.up and (link.adjacent or link.asleep)]
    ends = [(index[link.tail], index[link.head], link.capacity) for link in usable]
    ends = [(tail, head, capacity) for tail, head, capacity in ends if up[tail] and up[head]]
    reach = _reach(len(up), [(tail, head) for tail, head, _ in ends])
    offered = np.where(np.outer(up, up), network.offered, 0.0)
    carried = np.where(reach, offered, 0.0)
    room = np.zeros((2, len(up)))
    for tail, head, capacity in ends:
        room[0, tail] += limit * capacity
        room[1, head] += limit * capacity
    sent, received = np.maximum(carried.sum(axis=1) - room[0], 0.0), np.maximum(carried.sum(axis=0) - room[1], 0.0)
    return float(offered.sum() - carried.sum()) + max(float(sent.sum()), float(received.sum()))


def _reach(n: int, pairs: list[tuple[int, int]]) -> Floats:
    """Whether a node has a way to another [n, n], as 0 and 1."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    tails, heads = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    graph = csr_array((np.ones(len(pairs)), (tails, heads)), shape=(n, n))
    _, label = connected_components(graph, directed=True, connection="weak")
    return np.equal.outer(label, label).astype(np.float64)
