"""Paths and delays under one failure: found anew for the targets whose paths it cuts, and as they were for the rest."""

from collections.abc import Iterator, Sequence

import numpy as np

from twin.model import Network

from .arrays import Arrays, Flags, Ids, compile_network
from .chunks import failed_in
from .failure_sweep import flatten
from .kernels import Paths, shortest_paths
from .route import DemandDelays, demand_delays, needs_full, steered, without
from .simulate import Failure


def delays_under(network: Network, failures: Sequence[Failure]) -> Iterator[DemandDelays]:
    """Yield the one-way propagation delay of each demand under each failure in turn, ms [n, n]; inf without a way.

    A failure of members of bundles counts as none: what it does to metrics is not looked at.
    """
    arrays = compile_network(network)
    paths, flat = shortest_paths(arrays), flatten(arrays, failures)
    for row in range(len(failures)):
        arcs, nodes = failed_in(flat, row)
        state = without(arrays, arcs, nodes)
        left = paths_without(arrays, paths, state, nodes)
        yield demand_delays(state, left, steered(state, left).used)


def paths_without(arrays: Arrays, paths: Paths, state: Arrays, nodes: Ids) -> Paths:
    """Return the paths of a failed state of the arrays, whose own paths are given; `nodes` are those that failed."""
    cut = _cut(arrays, paths, state, nodes)
    found = shortest_paths(state._replace(up=state.up & cut))
    for new, old in zip(found, paths, strict=True):
        new[~cut] = old[~cut]
    return found


def _cut(arrays: Arrays, paths: Paths, state: Arrays, nodes: Ids) -> Flags:
    """Targets on a shortest path to which something has failed [n]; all where a failure may open ways as well."""
    if needs_full(arrays):
        return np.ones(len(arrays.up), np.bool_)
    gone = np.flatnonzero(state.weight != arrays.weight)
    dist = paths.dist
    on_path = arrays.weight[gone, None] + dist[:, arrays.head[gone]].T == dist[:, arrays.tail[gone]].T
    cut: Flags = on_path.any(axis=0)
    cut[nodes] = True
    return cut
