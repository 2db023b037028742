"""Flow conservation under a hypothesis: how much more leaves each node than enters it, measured and predicted.

What starts and ends at a node is known from flow export, what passes it cancels out: so that the balance sees what a
router drops, and is blind to which way traffic goes.
"""

from typing import NamedTuple

import numpy as np

from twin.model import Floats
from twin.observe.expect.balance import at_nodes, demand_variance, link_ends, reading_sigma
from twin.observe.readings.observation import Observation
from twin.observe.readings.with_gaps import mean


class Excess(NamedTuple):
    """What leaves each node by its links less what comes in by them [n], Mbit/s; NaN where it was not measured."""

    measured: Floats
    predicted: Floats
    sigma: Floats

    @property
    def difference(self) -> Floats:
        """Measured less predicted [n]; 0 where it was not measured."""
        return np.nan_to_num(self.measured - self.predicted)


def excess(observation: Observation, arrived: Floats) -> Excess:
    """Hold every node's balance against links that are asked to carry `arrived` [m], Mbit/s."""
    ends, n = link_ends(observation.network), len(observation.network.nodes)
    keep = 1 - observation.removed
    sent = mean(observation.arrived_mbps)
    received = observation.in_mbps
    received = np.where(np.isfinite(received), received, sent * keep)
    gaps = observation.swing * np.hypot(
        *(1 - np.isfinite(x).mean(axis=0) for x in (observation.arrived_mbps, observation.window.in_mbps))
    )
    rate = np.fmax(np.nan_to_num(sent), arrived)
    reading = reading_sigma(observation, rate) ** 2 + (gaps * rate) ** 2
    variance = at_nodes(ends.tail, reading, n) + at_nodes(ends.head, reading, n)
    demands = demand_variance(observation)
    variance += demands.sum(axis=0) + demands.sum(axis=1) + observation.declared.unexported_mbps**2
    measured = at_nodes(ends.tail, sent, n) - at_nodes(ends.head, received, n)
    predicted = at_nodes(ends.tail, arrived, n) - at_nodes(ends.head, arrived * keep, n)
    return Excess(measured, predicted, np.sqrt(variance))
