"""Many traffic matrices on one network: shortest paths once, loads for each."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from twin.errors import TopologyError
from twin.model import Floats, Ints, Network

from .arrays import Arrays, compile_network
from .kernels import Paths, lost_demand, shortest_paths, spread
from .route import steered
from .sweep import SERIAL, Engine, cut


@dataclass(frozen=True)
class ScenarioSweep:
    """What the network carries under each traffic matrix. S scenarios, m links."""

    load: Floats  # [S, m] Mbit/s
    utilisation: Floats  # [S, m] share of capacity
    busiest: Ints  # [S] position of the busiest link, -1 if none carries traffic
    lost: Floats  # [S] Mbit/s with both ends up and no path
    severed: Floats  # [S] Mbit/s from or to a node that is down

    @property
    def max_utilisation(self) -> Floats:
        """Share of capacity on the busiest link of each scenario [S]."""
        return self.utilisation.max(axis=1, initial=0.0)


class _Shared(NamedTuple):
    arrays: Arrays
    paths: Paths
    limit: Floats  # [n, n] Mbit/s that may enter, inf without a rate limit


def sweep_scenarios(network: Network, demands: Floats, *, engine: Engine = SERIAL) -> ScenarioSweep:
    """Evaluate every traffic matrix of `demands` [S, n, n], Mbit/s, on its own; rate limits and tunnels hold.

    Raises `TopologyError` on matrices that no network can have.
    """
    arrays, n = compile_network(network), len(network.nodes)
    if demands.ndim != 3 or demands.shape[1:] != (n, n):
        raise TopologyError(f"scenarios have shape {demands.shape}, not (S, {n}, {n})", fix="give one matrix each")
    if not (np.isfinite(demands).all() and (demands >= 0).all()):
        raise TopologyError("scenario demands must be finite and not negative", fix="correct them at their source")
    limit = np.full((n, n), np.inf)
    for entry in network.limits:
        limit[network.node_index[entry.source], network.node_index[entry.target]] = entry.limit
    shared = _Shared(arrays, shortest_paths(arrays), limit)
    parts = engine.map(_evaluate, shared, [demands[part] for part in cut(len(demands), engine)])
    load = np.concatenate([np.zeros((0, len(arrays.head))), *(x[0] for x in parts)])[:, arrays.arc_of]
    lost, severed = (np.concatenate([np.zeros(0), *(x[i] for x in parts)]) for i in (1, 2))
    utilisation = load / arrays.capacity[arrays.arc_of]
    top = utilisation.argmax(axis=1) if load.shape[1] else np.zeros(len(load), dtype=np.int64)
    return ScenarioSweep(load, utilisation, np.where(load.any(axis=1), top, -1), lost, severed)


def _evaluate(shared: _Shared, demands: Floats) -> tuple[Floats, Floats, Floats]:
    arrays, up = shared.arrays, np.outer(shared.arrays.up, shared.arrays.up)
    load = np.zeros((len(demands), len(arrays.head)))
    lost, severed = np.zeros(len(demands)), np.zeros(len(demands))
    for row, matrix in enumerate(demands):
        offered = np.minimum(matrix, shared.limit)
        np.fill_diagonal(offered, 0.0)
        state = arrays._replace(offered=np.ascontiguousarray((offered * up).T))
        volume = steered(state, shared.paths).volume
        load[row], _ = spread(state, shared.paths, volume)
        lost[row] = lost_demand(volume, shared.paths.dist, arrays.up)
        severed[row] = offered[~up].sum()
    return load, lost, severed
