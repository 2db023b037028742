"""Under which failures a demand takes longer than it may: a quick look at all of them that overlooks none."""

from collections.abc import Sequence

import numpy as np

from twin.model import Floats, Ints, Network

from .arrays import Arrays, Flags, compile_network
from .delay_sweep import DelayGround, PathDelays, delay_each, delaying_for
from .failure_sweep import flatten, shrunk, steering
from .graph import graph_of
from .kernels import delays_of_paths
from .route import DemandDelays, Routing, demand_delays, needs_full
from .simulate import Failure


def maybe_late(network: Network, routing: Routing, failures: Sequence[Failure], most: DemandDelays) -> Ints:
    """Return the failures, by position, under which some demand may take longer than it may, `most`; ms [n, n].

    `routing` is the network's full evaluation. No other failure makes a demand late; one that is returned need not:
    of a demand that a tunnel carries any of its segment lists may be in use, and of the IGP's paths, too.
    """
    arrays = compile_network(network)
    asked = network.offered > 0
    limits = DemandDelays(*(np.where(asked, x, np.inf) for x in most))
    intact = demand_delays(arrays, routing.paths, routing.used)
    if needs_full(arrays) or any(_over(x, limit) for x, limit in zip(intact, limits, strict=True)):
        return np.arange(len(failures))
    members = np.array([_shifts(network, arrays, x) for x in failures], np.bool_)
    found = _beyond(arrays, routing, [x._replace(members=()) for x in failures], limits)
    return np.flatnonzero(members | found)


def _over(delays: Floats, limit: Floats) -> bool:
    return bool((np.where(np.isfinite(delays), delays, 0.0) > limit).any())


def _shifts(network: Network, arrays: Arrays, failure: Failure) -> bool:
    """Whether bundles that lose a member are routed over otherwise than before."""
    return bool(failure.members) and not np.array_equal(shrunk(network, failure).weight, arrays.weight)


def _beyond(arrays: Arrays, routing: Routing, failures: Sequence[Failure], limits: DemandDelays) -> Flags:
    """Failures of links and nodes [F] under which a delay that they change comes to be beyond its limit."""
    n, m, steered = len(arrays.up), len(arrays.head), steering(arrays, routing)
    base = PathDelays(*delays_of_paths(arrays, routing.paths))
    most = PathDelays(*(np.ascontiguousarray(x.T) for x in limits))
    legs = arrays.tunnels.leg_to, arrays.tunnels.leg_from
    under = PathDelays(*(np.repeat(x[legs][None], len(failures), axis=0) for x in base))
    beyond = np.zeros(len(failures), np.bool_)
    ground = DelayGround(routing.paths.dist, base, most, steered)
    delay_each(graph_of(arrays), ground, flatten(arrays, failures), delaying_for(n, m), beyond, under)
    for i in range(len(arrays.tunnels.source)):
        beyond |= _tunnel_beyond(arrays, i, base, most, under)
    return beyond


def _tunnel_beyond(arrays: Arrays, i: int, base: PathDelays, most: PathDelays, under: PathDelays) -> Flags:
    """Failures [F] that change a leg of a tunnel, and leave it a way that takes longer than its demand may.

    Where they cut a segment list that may be the IGP's own way, be it as it was before.
    """
    tunnels, changed, over = arrays.tunnels, np.False_, np.False_
    pair = int(tunnels.target[i]), int(tunnels.source[i])
    for p in range(tunnels.first_list[i], tunnels.first_list[i + 1]):
        legs = slice(tunnels.first_leg[p], tunnels.first_leg[p + 1])
        for now, was, limit in zip(under, base, most, strict=True):
            before, sums = was[tunnels.leg_to[legs], tunnels.leg_from[legs]], now[:, legs].sum(axis=1)
            changed |= (now[:, legs] != before).any(axis=1)
            ways = np.asarray(sums, np.float64)
            ways[np.isinf(ways)] = was[pair]
            over |= np.isfinite(ways) & (ways > limit[pair])
    return np.asarray(changed & over)
