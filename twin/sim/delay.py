"""The longest delay of each demand under failures: propagation."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints, Network

from .arrays import Arrays, compile_network
from .chunks import failed_in
from .failing import FailureArrays
from .failure_sweep import flatten
from .kernels import shortest_paths
from .route import mean_delays, steered, without
from .simulate import Failure

_TIE = 1 + 1e-9  # longer only beyond rounding


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
    return mean_delays(arrays, paths, steered(arrays, paths).used)
