"""The best that any routing can do, by another programme than the twin's: one flow per source, solved by scipy."""

from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

from twin.model import Network


def lowest_peak(network: Network) -> float:
    """Least peak utilisation of any routing of the demands, all links up, in a multicommodity flow per source node.

    Ahuja, Magnanti, Orlin, Network Flows, 1993, ch. 17. Raises `ValueError` when the programme has no solution.
    """
    n, m = len(network.nodes), len(network.links)
    tail = np.array([network.node_index[x.tail] for x in network.links])
    head = np.array([network.node_index[x.head] for x in network.links])
    capacity = np.array([x.capacity for x in network.links])
    scale = float(capacity.mean())
    sources = np.flatnonzero(network.offered.any(axis=1))
    count = sources.size * m
    number = np.arange(count)
    source, link = divmod(number, m)
    rows = np.concatenate([source * n + tail[link], source * n + head[link]])
    balance = coo_array(
        (np.concatenate([np.ones(count), -np.ones(count)]), (rows, np.concatenate([number, number]))),
        shape=(sources.size * n, count + 1),
    ).tocsr()
    supply = -network.offered[sources] / scale
    supply[np.arange(sources.size), sources] += network.offered[sources].sum(axis=1) / scale
    usage = coo_array(
        (np.concatenate([np.ones(count), -capacity / scale]),
         (np.concatenate([link, np.arange(m)]), np.concatenate([number, np.full(m, count)]))),
        shape=(m, count + 1),
    ).tocsr()  # fmt: skip
    cost = np.zeros(count + 1)
    cost[-1] = 1.0
    matrices: dict[str, Any] = {"A_ub": usage, "A_eq": balance}  # the stub knows dense ones only
    solved = linprog(cost, b_ub=np.zeros(m), b_eq=supply.ravel(), method="highs", **matrices)
    if solved.status != 0 or solved.fun is None:
        raise ValueError(f"the flow programme of {network.name} ended with: {solved.message}")
    return float(solved.fun)
