"""Loads while a failed circuit is repaired locally, before the network has converged.

With TI-LFA the router at the failure sends what would have left by the circuit along the paths that it will take once
everybody has converged, as segments (RFC 9855); all the other routers go on as before. The traffic thus goes up to the
failure first, and then around it. An RSVP bypass to the next hop is not modelled.
"""

from typing import NamedTuple

import numpy as np

from twin.model import Floats, Network

from .arrays import EXIT, FAR, Arrays, compile_network
from .chunks import failed_in
from .failed_paths import paths_without
from .failure_sweep import flatten
from .kernels import Paths, spread
from .route import Routing, lossy_tunnels, route, steered, without
from .simulate import Failure, single_failures


class Repair(NamedTuple):
    """The worst moment of one failure: while it is repaired. `busiest` is a directed link."""

    failure: str
    max_utilisation: float
    busiest: str
    converged: float  # highest utilisation once the network has converged


def circuit_failures(network: Network) -> tuple[Failure, ...]:
    """Every circuit that traffic can use: what a router repairs by itself."""
    return tuple(x for x in single_failures(network) if x.name.startswith("link/"))


def repairs(network: Network, failures: tuple[Failure, ...] | None = None) -> tuple[Repair, ...]:
    """Return what each failure of circuits puts on the links while it is repaired, the worst first.

    Not for networks on which tunnels lose traffic on the way, nor for routers that drop or divert: none is returned.
    """
    arrays = compile_network(network)
    if lossy_tunnels(arrays) or arrays.astray:
        return ()
    routing = route(arrays)
    found: list[Repair] = []
    for failure in circuit_failures(network) if failures is None else failures:
        load, converged = repaired(arrays, routing, failure)
        use = load / arrays.capacity
        arc = int(use.argmax())
        peak = float((converged / arrays.capacity).max(initial=0.0))
        found.append(Repair(failure.name, float(use[arc]), network.links[int(arrays.link_of[arc])].name, peak))
    return tuple(sorted(found, key=lambda x: (-x.max_utilisation, x.failure)))


def repaired(arrays: Arrays, routing: Routing, failure: Failure) -> tuple[Floats, Floats]:
    """Return the load of each arc while a failure of circuits is repaired, and once the network has converged [m]."""
    arcs, nodes = failed_in(flatten(arrays, (failure,)), 0)
    state = without(arrays, arcs, nodes)
    paths, n = paths_without(arrays, routing.paths, state, nodes), len(arrays.up)
    off, onto = np.zeros((n, n)), np.zeros((n, n))
    load = routing.load.copy()
    for arc in map(int, arcs):
        flow = _flow(arrays, routing, arc)
        load[arc] -= flow.sum()
        off[:, arrays.head[arc]] += flow * arrays.keep[arc]
        onto[:, arrays.tail[arc]] += flow
    lost = paths.dist >= FAR
    load -= _sent(arrays, routing.paths, off)
    load += _sent(state, paths, np.where(lost, 0.0, onto))
    load[arcs] = 0.0
    return np.maximum(load, 0.0), spread(state, paths, steered(state, paths).volume)[0]


def _flow(arrays: Arrays, routing: Routing, arc: int) -> Floats:
    """Mbit/s that an arc carries for each target [n]."""
    dist, tail = routing.paths.dist, int(arrays.tail[arc])
    targets = np.arange(len(arrays.up))
    first, last = int(arrays.first_out[tail]), int(arrays.first_out[tail + 1])
    heads = arrays.head[first:last]
    reach = (arrays.weight[first:last, None] + dist[:, heads].T == dist[:, tail]) & (dist[:, tail] < FAR)
    reach &= ~arrays.no_transit[heads][:, None] | (dist[:, heads].T % EXIT == 0)
    mine = reach[arc - first]
    hops = np.maximum(reach.sum(axis=0), 1)
    passing = np.where(targets == tail, 0.0, routing.passing[:, tail])
    return np.where(mine, passing / hops, 0.0)


def _sent(arrays: Arrays, paths: Paths, volume: Floats) -> Floats:
    np.einsum("ii->i", volume)[:] = 0.0  # what is at its target has arrived
    load, _ = spread(arrays, paths, volume)
    return load
