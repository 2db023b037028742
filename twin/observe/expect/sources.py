"""Which node's exports are off: what each source puts on each link, fitted to what the links carry."""

from typing import NamedTuple

import numpy as np

from twin.live.network import Flags
from twin.model import Floats, Network
from twin.sim.arrays import compile_network
from twin.sim.kernels import spread
from twin.sim.remembered import remembered_paths
from twin.sim.route import steered

MOST_NODES = 300
"""Above this many nodes the loads are not split by source: the table would take seconds."""
_PRIOR = 0.15  # how far a source's exports may be off before anything is measured
_HUBER, _TUNING = 1.345, 4.685
_ROUNDS = 20


class SourceFactors(NamedTuple):
    """How many times what each node exports its links carry, relative to the whole matrix, and the error of it [n]."""

    factor: Floats
    error: Floats  # as large as the prior where nothing tells

    def off(self, least: float = 0.04, errors: float = 8.0) -> Flags:
        """Nodes whose exports are off by more than `least` and that many standard errors [n]."""
        away = np.abs(self.factor - 1)
        return (away > least) & (away > errors * self.error)


def loads_by_source(network: Network) -> Floats:
    """Mbit/s that the demands of each source put on each link [n, m]; rows add up to the load of the links."""
    arrays = compile_network(network)
    paths = remembered_paths(arrays)
    loads = np.zeros((len(network.nodes), len(network.links)))
    for source in np.flatnonzero(arrays.offered.any(axis=0)):
        alone = np.zeros_like(arrays.offered)
        alone[:, source] = arrays.offered[:, source]
        volume, _, _ = steered(arrays._replace(offered=alone), paths)
        loads[source] = spread(arrays, paths, volume)[0][arrays.arc_of]
    return loads


def source_factors(loads: Floats, arrived: Floats, sigma: Floats, asked: Flags, overall: float) -> SourceFactors:
    """Fit one factor per source to the arrivals of the links that are `asked` [m], all relative to `overall`.

    Robust regression (iteratively reweighted, Tukey's biweight) with a normal prior around 1: lying counters and
    rerouted traffic lose their say.
    """
    design, goal = (loads[:, asked] / sigma[asked]).T * overall, arrived[asked] / sigma[asked]
    prior = np.full(loads.shape[0], 1 / _PRIOR**2)
    factor = np.ones(loads.shape[0])
    normal = np.diag(prior)
    scale = 1.0
    for number in range(_ROUNDS):
        residual = np.abs(goal - design @ factor)
        scale = max(1.0, 1.4826 * float(np.median(residual))) if residual.size else 1.0
        if number < _ROUNDS // 2:  # first by Huber's weights, which let no link go
            weight = np.minimum(1.0, _HUBER * scale / np.maximum(residual, 1e-9)) / scale**2
        else:
            weight = (1 - np.minimum(residual / (_TUNING * scale), 1.0) ** 2) ** 2 / scale**2
        normal = (design * weight[:, None]).T @ design + np.diag(prior)
        factor = _solved(normal, (design * weight[:, None]).T @ goal + prior)
    return SourceFactors(factor, np.sqrt(np.diag(np.linalg.inv(normal))))


def _solved(normal: Floats, right: Floats) -> Floats:
    return np.linalg.solve(normal, right).astype(np.float64)
