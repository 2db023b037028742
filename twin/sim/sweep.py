"""Failure sweeps: what each failure does, and what is the worst for each link."""

from collections.abc import Sequence

import numpy as np

from twin.model import Floats, Ints, Network

from .arrays import Arrays, compile_network
from .route import route, without
from .simulate import Failure, FailureSweep

_TIE = 1 + 1e-9  # a failure is worse only beyond rounding


def sweep(network: Network, failures: Sequence[Failure], intact: Floats) -> FailureSweep:
    """Evaluate every failure on its own; `intact` is the utilisation of each link without any [m]."""
    arrays = compile_network(network)
    capacity = np.array([link.capacity for link in network.links])
    worst, cause = intact.copy(), np.full(len(capacity), -1, dtype=np.int64)
    figures = np.zeros((4, len(failures)))
    busiest = np.full(len(failures), -1, dtype=np.int64)
    for row, failure in enumerate(failures):
        failed = without(arrays, *_failed(arrays, failure))
        routing = route(failed)
        load = routing.load[arrays.arc_of]
        utilisation = load / capacity
        if load.any():
            busiest[row] = int(utilisation.argmax())
        figures[:, row] = utilisation.max(initial=0), routing.lost, failed.severed, np.maximum(load - capacity, 0).sum()
        worse = utilisation > worst * _TIE
        worst[worse], cause[worse] = utilisation[worse], row
    return FailureSweep(tuple(failures), figures[0], busiest, figures[1], figures[2], figures[3], worst, cause)


def _failed(arrays: Arrays, failure: Failure) -> tuple[Ints, Ints]:
    links = np.array(failure.links, dtype=np.int64)
    return arrays.arc_of[links].astype(np.int64), np.array(failure.nodes, dtype=np.int64)
