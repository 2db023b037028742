"""Delay on the way: propagation, and what links' queues add to it.

A link is taken as an M/M/1 queue (Kleinrock, Queueing Systems II, 1976): Poisson arrivals, exponential packet sizes,
independent of the link before. The mean time in it is S / (1 - rho), where S is the time to send a mean packet and rho
the utilisation. It holds for Poisson arrivals alone: real traffic is burstier, so that this is a lower bound, and by an
order of magnitude already at 80 %; a factor on the waiting says how bursty traffic is taken to be. Above
`VALID_UTILISATION` the formula says nothing about a finite time, and the links where it was cut off are named.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from twin.errors import InputError
from twin.model import Floats, Ints, Network

from .arrays import Arrays, compile_network
from .chunks import failed_in
from .failing import FailureArrays
from .failure_sweep import flatten
from .kernels import shortest_paths
from .remembered import remembered_paths
from .route import DemandDelays, demand_delays, route, steered, without
from .simulate import Failure

VALID_UTILISATION = 0.99
"""Utilisation above which a queue is counted as one that is this full."""

BURSTY = (0.8, 31.0)
"""Least and most that the mean waiting time was found to be times that of M/M/1, by Lindley's recursion: mixed packet
sizes 8 to 18 % below, Pareto trains at a quarter of the line rate up to 31 times at utilisations of 0.8 to 0.95. Longer
trains wait longer still: no such factor stands for them."""
_P99 = 4.605  # -ln 0.01: the time in an M/M/1 queue is exponential

_TIE = 1 + 1e-9  # longer only beyond rounding


@dataclass(frozen=True)
class Delays:
    """Mean one-way delays. n nodes, m links."""

    total_ms: Floats  # [n, n] propagation, sending and queueing of each demand; inf where there is no path
    link_ms: Floats  # [m] sending and queueing on each link
    link_p99_ms: Floats  # [m] what 99 of 100 packets stay below on each link
    beyond_model: tuple[str, ...]  # links above VALID_UTILISATION: their figures are too low, and so are their demands'
    burstiness: float  # what the waiting of M/M/1 was multiplied by

    def valid(self) -> bool:
        """Whether the queueing model holds on every link."""
        return not self.beyond_model


def delays_with_queues(network: Network, *, packet_bytes: float = 800.0, burstiness: float = 1.0) -> Delays:
    """Add sending and queueing, for a mean packet size in bytes, to the propagation of every demand.

    `burstiness` multiplies the time that packets wait: 1 for Poisson arrivals; measured traffic lies within `BURSTY`.
    The 99th percentile of a link is that of an exponential time with the mean of the queue, exact for M/M/1.

    Raises `InputError` on a factor outside these bounds.
    """
    if not BURSTY[0] <= burstiness <= BURSTY[1]:
        low, high = BURSTY
        raise InputError(f"a burstiness of {burstiness:g} was never measured", fix=f"give {low:g} to {high:g}")
    arrays = compile_network(network)
    routing = route(arrays)
    utilisation = routing.load / arrays.capacity
    sending = packet_bytes * 8 / (arrays.capacity * 1000)  # Mbit/s are 1000 bit/ms
    full = np.minimum(utilisation, VALID_UTILISATION)
    waiting = sending * (1 + burstiness * full / (1 - full))
    total = demand_delays(arrays._replace(delay=arrays.delay + waiting), routing.paths, routing.used).mean
    beyond = utilisation[arrays.arc_of] > VALID_UTILISATION
    names = tuple(link.name for link, full in zip(network.links, beyond, strict=True) if full)
    spent = waiting[arrays.arc_of]
    return Delays(total, spent, _P99 * spent, names, burstiness)


def propagation(network: Network) -> DemandDelays:
    """Return the propagation delay of each demand by its longest way, and the mean over its ways, ms."""
    arrays = compile_network(network)
    paths = remembered_paths(arrays)
    return demand_delays(arrays, paths, steered(arrays, paths).used)


class WorstDelays(NamedTuple):
    """The longest propagation of each demand over a set of failures, ms [n, n], and the position of its cause.

    The cause is -1 where no failure makes it longer; failures that leave no path do not count.
    """

    delay_ms: Floats
    cause: Ints


def worst_delays(network: Network, failures: Sequence[Failure]) -> WorstDelays:
    """Find each demand's longest mean propagation delay over the failures; every failed state is routed in full."""
    arrays = compile_network(network)
    intact = _propagation(arrays)
    found = _worst(arrays, flatten(arrays, failures))
    beaten = found.delay_ms > intact * _TIE
    return WorstDelays(np.where(beaten, found.delay_ms, intact), np.where(beaten, found.cause, -1))


def _worst(arrays: Arrays, failures: FailureArrays) -> WorstDelays:
    worst = WorstDelays(np.zeros(arrays.offered.shape), np.full(arrays.offered.shape, -1, dtype=np.int64))
    for row in range(len(failures.first_arc) - 1):
        delay = _propagation(without(arrays, *failed_in(failures, row)))
        longer = np.isfinite(delay) & (delay > worst.delay_ms)
        worst.delay_ms[longer], worst.cause[longer] = delay[longer], row
    return worst


def _propagation(arrays: Arrays) -> Floats:
    paths = shortest_paths(arrays)
    return demand_delays(arrays, paths, steered(arrays, paths).used).mean
