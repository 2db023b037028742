"""Loads while a failure is repaired locally, before the network has converged.

With TI-LFA the routers next to the failure send what would have left by what failed along the paths that it will take
once everybody has converged, as segments (RFC 9855, whose backups avoid a node or a shared risk as they do a link); all
the other routers go on as before. The traffic thus goes up to the failure first, and then around it.

With an RSVP bypass (facility backup with link protection, RFC 4090) the router before a circuit sends all that would
have crossed it over one tunnel to the router behind it, from where it goes on as before. The tunnel takes the shortest
path by the IGP's metrics without the circuit (CSPF, no bandwidth reserved), of equal ones the one whose next hops come
first. Nodes and risk groups are not protected: what they cut is cut until the network has converged.
"""

from math import nan
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints, Network

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
    converged: float  # highest utilisation once the network has converged; NaN where nobody asked


def circuit_failures(network: Network) -> tuple[Failure, ...]:
    """Every circuit that traffic can use."""
    return tuple(x for x in single_failures(network) if x.name.startswith("link/"))


def repaired_failures(network: Network) -> tuple[Failure, ...]:
    """All that routers next to it repair; a bundle short of a member works on.

    Circuits, nodes and risk groups, or circuits alone by RSVP bypasses, which protect links.
    """
    if network.repair == "rsvp-bypass":
        return circuit_failures(network)
    return tuple(x for x in single_failures(network) if not x.name.startswith("member of "))


def repairs(
    network: Network,
    failures: tuple[Failure, ...] | None = None,
    *,
    converged: bool = True,
    above: float | None = None,
) -> tuple[Repair, ...]:
    """Return what each failure, by default of a circuit, puts on the links while it is repaired, the worst first.

    With `above`, failures are left out that cannot put any link above that share of its capacity. What a dead node
    sends and receives is on no link. None is returned for a network without links, nor where repairs are not known.
    """
    arrays = compile_network(network)
    if not len(arrays.head) or not _known(arrays):
        return ()
    routing = route(arrays)
    found: list[Repair] = []
    for failure in circuit_failures(network) if failures is None else failures:
        if above is not None and _at_most(arrays, routing, failure) <= above:
            continue
        by = bypassed if network.repair == "rsvp-bypass" else repaired
        repair = by(arrays, routing, failure)
        use = repair.load / arrays.capacity
        arc = int(use.argmax())
        peak = float((repair.converged() / arrays.capacity).max(initial=0.0)) if converged else nan
        found.append(Repair(failure.name, float(use[arc]), network.links[int(arrays.link_of[arc])].name, peak))
    return tuple(sorted(found, key=lambda x: (-x.max_utilisation, x.failure)))


def repairs_known(network: Network) -> bool:
    """Whether repairs are worked out: not where tunnels lose traffic on the way, nor where routers drop or divert."""
    return _known(compile_network(network))


def _known(arrays: Arrays) -> bool:
    return not (lossy_tunnels(arrays) or arrays.astray)


class _Repaired(NamedTuple):
    """Load of each arc while a failure is repaired [m], and the state and paths that the network converges to."""

    load: Floats
    state: Arrays
    paths: Paths

    def converged(self) -> Floats:
        """Load of each arc once the network has converged [m]."""
        return spread(self.state, self.paths, steered(self.state, self.paths).volume)[0]


def repaired(arrays: Arrays, routing: Routing, failure: Failure) -> _Repaired:
    """Return what each arc carries while a failure is repaired, and what follows."""
    arcs, nodes = failed_in(flatten(arrays, (failure,)), 0)
    state = without(arrays, arcs, nodes)
    paths, dead = paths_without(arrays, routing.paths, state, nodes), np.flatnonzero(state.weight != arrays.weight)
    met = np.zeros(len(arrays.up), np.bool_)  # targets on whose ways something failed
    for arc in map(int, dead):
        met |= _flow(arrays, routing.paths, routing.passing, arc) > 0
    volume = np.where(met[:, None], routing.volume, 0.0)
    load = routing.load - spread(arrays, routing.paths, volume)[0]
    keep = arrays.keep.copy()
    volume[:, nodes], volume[nodes], keep[dead] = 0.0, 0.0, 0.0
    reached, passing = spread(arrays._replace(keep=keep), routing.paths, volume)  # up to the failure, and no further
    onto = np.zeros_like(volume)
    for arc in map(int, dead):
        onto[:, arrays.tail[arc]] += _flow(arrays, routing.paths, passing, arc)
    load += reached
    load[dead] = 0.0
    load += spread(state, paths, np.where(paths.dist < FAR, onto, 0.0))[0]
    return _Repaired(np.maximum(load, 0.0), state, paths)


def bypassed(arrays: Arrays, routing: Routing, failure: Failure) -> _Repaired:
    """The same with RSVP bypasses around each link that failed; without a way around it all on the link is lost."""
    arcs, nodes = failed_in(flatten(arrays, (failure,)), 0)
    state = without(arrays, arcs, nodes)
    paths, dead = paths_without(arrays, routing.paths, state, nodes), np.flatnonzero(state.weight != arrays.weight)
    ways = {int(arc): _bypass(state, paths, int(arc)) for arc in dead}
    cut, keep = [arc for arc, way in ways.items() if not way], arrays.keep.copy()
    keep[cut] = 0.0
    sent = spread(arrays._replace(keep=keep), routing.paths, routing.volume)[0] if cut else routing.load
    load = sent.copy()
    load[dead] = 0.0
    for arc, way in ways.items():
        load[way] += sent[arc]
    return _Repaired(load, state, paths)


def _bypass(state: Arrays, paths: Paths, arc: int) -> list[int]:
    """The arcs from the tail of a failed arc to its head, by the paths without it; none where there is no way."""
    at, target, way = int(state.tail[arc]), int(state.head[arc]), list[int]()
    dist = paths.dist[target]
    while at != target:
        if dist[at] >= FAR:
            return []
        leaving: Ints = np.arange(int(state.first_out[at]), int(state.first_out[at + 1]))
        heads = state.head[leaving]
        next_hop = (state.weight[leaving] + dist[heads] == dist[at]) & (
            ~state.no_transit[heads] | (dist[heads] % EXIT == 0)
        )
        taken = int(leaving[next_hop][0])
        way.append(taken)
        at = int(state.head[taken])
    return way


def _at_most(arrays: Arrays, routing: Routing, failure: Failure) -> float:
    """The share of its capacity that no link exceeds: all that meets the failure comes on top of what is there.

    What meets it crosses a link once at most on its way around. What would end at a dead node is not sent on.
    """
    arcs, nodes = failed_in(flatten(arrays, (failure,)), 0)
    dead = without(arrays, arcs, nodes).weight != arrays.weight
    dead &= ~np.isin(arrays.tail, nodes)
    met = float(routing.load[dead].sum())
    if (arrays.keep >= 1).all():
        met -= float(routing.volume[nodes][routing.paths.dist[nodes] < FAR].sum())
    return float(((routing.load + max(met, 0.0)) / arrays.capacity).max())


def _flow(arrays: Arrays, paths: Paths, passing: Floats, arc: int) -> Floats:
    """Mbit/s that an arc carries for each target [n]."""
    dist, tail = paths.dist, int(arrays.tail[arc])
    targets = np.arange(len(arrays.up))
    first, last = int(arrays.first_out[tail]), int(arrays.first_out[tail + 1])
    heads = arrays.head[first:last]
    reach = (arrays.weight[first:last, None] + dist[:, heads].T == dist[:, tail]) & (dist[:, tail] < FAR)
    reach &= ~arrays.no_transit[heads][:, None] | (dist[:, heads].T % EXIT == 0)
    mine = reach[arc - first]
    hops = np.maximum(reach.sum(axis=0), 1)
    here = np.where(targets == tail, 0.0, passing[:, tail])
    return np.where(mine, here / hops, 0.0)
