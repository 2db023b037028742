"""Paths under one failure: found anew for the targets whose paths it cuts, and as they were for the rest."""

import numpy as np

from .arrays import Arrays, Flags, Ids
from .kernels import Paths, shortest_paths
from .route import needs_full


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
