"""What there is to be measured of one interval, exactly; several states within one interval are averaged."""

from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np

from twin.model import Floats

from .network import Flags


class Interval(NamedTuple):
    """The truth of one interval. Rates and shares are means over it, states those at its end.

    m links, n nodes, p probed pairs; rates in Mbit/s.
    """

    sent: Floats  # [m] left the tail's interface
    dropped: Floats  # [m] by the tail's full queue
    received: Floats  # [m] came in whole at the head's interface
    errored: Floats  # [m] came in broken
    oper: Flags  # [m]
    adjacent: Flags  # [m]
    detached: Flags  # [m]
    node_up: Flags  # [n]
    through: Floats  # [p] share of probes that arrive
    delay_ms: Floats  # [p] of those that arrive, NaN when none does
    offered: Floats  # [n, n]
    small: Floats  # [n] share of the bits towards each node that are small packets


def mixed(parts: Sequence[tuple[float, Interval]], end: Interval) -> Interval:
    """Average intervals, each with its share of the time; the states are those of `end`."""
    if len(parts) == 1:
        return end

    def mean(values: Sequence[Floats]) -> Floats:
        weighted = [share * value for (share, _), value in zip(parts, values, strict=True)]
        return reduce(np.add, weighted)

    through = np.minimum(mean([x.through for _, x in parts]), 1.0)  # the parts' shares add up to 1 but for rounding
    spent = mean([x.through * np.nan_to_num(x.delay_ms) for _, x in parts])
    return end._replace(
        sent=mean([x.sent for _, x in parts]),
        dropped=mean([x.dropped for _, x in parts]),
        received=mean([x.received for _, x in parts]),
        errored=mean([x.errored for _, x in parts]),
        through=through,
        delay_ms=np.divide(spent, through, out=np.full(through.size, np.nan), where=through > 0),
    )
