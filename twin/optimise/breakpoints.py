"""Where a link's weight matters: the values at which it makes or breaks a tie."""

import numpy as np

from twin.model import Ints, Network
from twin.policy import Policy
from twin.sim.arrays import FAR, Arrays
from twin.sim.delta import distances_without

BREAKPOINTS = 6
"""Weights that are tried per link and direction of change."""
HIGHEST = 65_535
"""Highest weight a plan sets: the widest that OSPF (RFC 2328) carries, and lowest-preference in practice."""


def heaviest(network: Network, policy: Policy | None = None) -> int:
    """The highest weight of a plan for this network: one that its routers, or else the policy, take."""
    stated = policy.max_weight if policy else None
    return min(HIGHEST, stated or network.largest_metric)


def breakpoints(arrays: Arrays, dist: Ints, arc: int, *, most: int = BREAKPOINTS, highest: int = HIGHEST) -> Ints:
    """Return weights of an arc at which paths change: where a way over it ties with the best other one, and next to it.

    A source that is not its tail has ties of its own, at weights of at most the tail's. `dist` [n, n] are the distances
    with the present weights, by target first. At most `most` values below and above the present weight, spread over
    all breakpoints.
    """
    now, there, rest = int(arrays.weight[arc]), dist[arrays.tail[arc]], dist[:, arrays.head[arc]]
    ties = distances_without(arrays, dist, arc) - there - rest[:, None]
    ties = np.unique(ties[(ties >= 1) & (ties <= highest) & (there < FAR) & (rest < FAR)[:, None]])
    values = np.unique(np.concatenate([ties - 1, ties, ties + 1, [highest]]))
    values = values[(values >= 1) & (values <= highest) & (values != now)]
    return np.concatenate([_spread(values[values < now], most), _spread(values[values > now], most)])


def _spread(values: Ints, most: int) -> Ints:
    if values.size <= most:
        return values
    return values[np.unique(np.linspace(0, values.size - 1, most).round().astype(np.int64))]
