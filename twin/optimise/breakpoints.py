"""Where a link's weight matters: the values at which it makes or breaks a tie."""

import numpy as np

from twin.model import Ints
from twin.sim.arrays import FAR, Arrays
from twin.sim.delta import distances_without

BREAKPOINTS = 6
"""Weights that are tried per link and direction of change."""
HIGHEST = 65_535
"""Highest weight a plan sets: the widest that OSPF (RFC 2328) carries, and lowest-preference in practice."""


def breakpoints(arrays: Arrays, dist: Ints, arc: int, *, most: int = BREAKPOINTS) -> Ints:
    """Return weights of an arc at which paths change: where it ties with the best alternative, and one past it.

    `dist` [n, n] are the distances with the present weights. At most `most` values below and above the present weight,
    spread over all breakpoints.
    """
    now, rest = int(arrays.weight[arc]), dist[:, arrays.head[arc]]
    alternative = distances_without(arrays, dist, arc)
    reachable = (alternative < FAR) & (rest < FAR)
    ties = np.unique(alternative[reachable] - rest[reachable])
    values = np.unique(np.concatenate([ties - 1, ties, ties + 1, [HIGHEST]]))
    values = values[(values >= 1) & (values <= HIGHEST) & (values != now)]
    return np.concatenate([_spread(values[values < now], most), _spread(values[values > now], most)])


def _spread(values: Ints, most: int) -> Ints:
    if values.size <= most:
        return values
    return values[np.unique(np.linspace(0, values.size - 1, most).round().astype(np.int64))]
