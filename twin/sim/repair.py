"""Loads while a failure is repaired locally, before the network has converged.

With TI-LFA the routers next to the failure send what would have left by what failed along the paths that it will take
once everybody has converged, as segments (RFC 9855, whose backups avoid a node or a shared risk as they do a link); all
the other routers go on as before. The traffic thus goes up to the failure first, and then around it. What is for a
router that has failed, or for a segment that ends there, goes up to it and is lost there.

With an RSVP bypass (facility backup with link protection, RFC 4090) the router before a circuit sends all that would
have crossed it over one tunnel to the router behind it, from where it goes on as before. The tunnel takes the shortest
path by the IGP's metrics without the circuit (CSPF, no bandwidth reserved), of equal ones the one whose next hops come
first. Nodes and risk groups are not protected: what they cut is cut until the network has converged.

A bundle short of a member needs no repair. Where its metric changes with that, it carries what it carried before with
less capacity until the network has converged.
"""

from collections.abc import Iterator, Sequence
from itertools import dropwhile
from typing import NamedTuple, Protocol

import numpy as np

from twin.model import Floats, Ints, Network

from .arrays import EXIT, FAR, Arrays, Ids, compile_network, offsets
from .chunks import failed_in
from .failed_paths import paths_without
from .failing import FailureArrays
from .failure_sweep import base_state, flatten, shrunk
from .graph import graph_of
from .kernels import Paths, spread
from .repair_sweep import RepairFigures, Unsent, repair_each, turning_for
from .route import Routing, lossy_tunnels, needs_full, route, without
from .simulate import Failure, single_failures


class _Leg(NamedTuple):
    at: int
    target: int
    mbps: float


class Repair(NamedTuple):
    """The worst moment of one failure: while it is repaired. `busiest` is a directed link.

    `above` is what all links together carry above each of the shares of their capacity that were asked about, Mbit/s.
    """

    failure: str
    max_utilisation: float
    busiest: str
    above: tuple[float, ...] = ()

    def grown(self, factor: float) -> "Repair":
        """The same with all demands times a factor, and the shares of capacity with them."""
        more = tuple(factor * x for x in self.above)
        return self._replace(max_utilisation=factor * self.max_utilisation, above=more)


def circuit_failures(network: Network) -> tuple[Failure, ...]:
    """Every circuit that traffic can use."""
    return tuple(x for x in single_failures(network) if x.name.startswith("link/"))


def repaired_failures(network: Network) -> tuple[Failure, ...]:
    """All that loads links in another way before the network has converged than afterwards.

    Circuits, nodes and risk groups, or circuits alone by RSVP bypasses, which protect links; and members of bundles
    whose metric changes when they are short of one.
    """
    every = single_failures(network)
    nodes = network.repair != "rsvp-bypass"
    return tuple(x for x in every if (_regraded(network, x) if x.members else nodes or x.name.startswith("link/")))


def _regraded(network: Network, failure: Failure) -> bool:
    """Whether a bundle short of a member stays up at another metric; one that goes down fails as its circuit does."""
    links = [network.links[i] for i in failure.members]
    return not failure.links and any(x.short_of_one().weight != x.weight for x in links)


def repairs(
    network: Network,
    failures: tuple[Failure, ...] | None = None,
    *,
    above: float | None = None,
    shares: tuple[float, ...] = (),
) -> tuple[Repair, ...]:
    """Return what each failure, by default of a circuit, puts on the links while it is repaired, the worst first.

    With `above`, failures are left out that cannot put any link above that share of its capacity. With `shares` of
    capacity, what is above each of them is summed. What a dead node sends is on no link. None is returned for a network
    without links, nor where repairs are not known.
    """
    arrays = compile_network(network)
    if not len(arrays.head) or not _known(arrays):
        return ()
    routing = route(arrays)
    every = circuit_failures(network) if failures is None else failures
    short, asked = [x for x in every if x.members], tuple(x for x in every if not x.members)
    if above is not None:
        asked = tuple(x for x in asked if _at_most(arrays, routing, x) > above)
    if network.repair == "rsvp-bypass" or needs_full(arrays):
        loads = (_way_of(network)(arrays, routing, x) for x in asked)
        figures = (_figures(load, arrays.capacity, shares) for load in loads)
    else:
        figures = _by_differences(arrays, routing, asked, shares)
    found = (
        Repair(failure.name, use, network.links[int(arrays.link_of[arc])].name, sums)
        for failure, (use, arc, sums) in (
            *zip(asked, figures, strict=True),
            *((x, _figures(routing.load, shrunk(network, x).capacity, shares)) for x in short),
        )
    )
    return tuple(sorted(found, key=lambda x: (-x.max_utilisation, x.failure)))


def above_in_repair(network: Network, failure: Failure, share: float) -> Floats:
    """Mbit/s that each link carries above a share of its capacity while one failure is repaired [m].

    Every path is found and walked anew. For networks whose repairs are known.
    """
    arrays = compile_network(network)
    routing = route(arrays)
    if failure.members:
        load, capacity = routing.load, shrunk(network, failure).capacity
    else:
        load, capacity = _way_of(network)(arrays, routing, failure), arrays.capacity
    return np.maximum(load - share * capacity, 0.0)[arrays.arc_of]


def _by_differences(
    arrays: Arrays, routing: Routing, failures: Sequence[Failure], shares: tuple[float, ...]
) -> Iterator["_Figures"]:
    """Yield the highest utilisation under each failure in turn, its arc, and the sums above shares of capacity."""
    count, m = len(failures), len(arrays.head)
    sums = np.zeros((count, len(shares)))
    figures = RepairFigures(np.zeros(count), np.zeros(count, np.int64), np.array(shares, np.float64), sums)
    turning = turning_for(len(arrays.up), m)
    flat = flatten(arrays, failures)
    repair_each(graph_of(arrays), base_state(arrays, routing), flat, _unsent(arrays, routing, flat), turning, figures)
    return zip(figures.max_utilisation.tolist(), figures.busiest.tolist(), map(tuple, sums.tolist()), strict=True)


_Figures = tuple[float, int, tuple[float, ...]]


def _figures(load: Floats, capacity: Floats, shares: tuple[float, ...]) -> _Figures:
    """The same of the loads of all arcs [m]."""
    use = load / capacity
    arc = int(use.argmax())
    sums = (float(np.maximum(load - share * capacity, 0.0).sum()) for share in shares)
    return float(use[arc]), arc, tuple(sums)


def _way_of(network: Network) -> "_Repairing":
    return bypassed if network.repair == "rsvp-bypass" else repaired


def _unsent(arrays: Arrays, routing: Routing, failures: FailureArrays) -> Unsent:
    """What tunnels carry no more under each failure, by failure and then by target."""
    laid, count = list(_laid(arrays, routing)), len(failures.first_node) - 1
    found: list[tuple[int, _Leg]] = []
    for row in range(count if laid else 0):
        nodes = failures.nodes[failures.first_node[row] : failures.first_node[row + 1]]
        found += [(row, leg) for leg in sorted(_unsent_by(laid, nodes), key=lambda x: x.target)]
    return Unsent(
        first=offsets(np.array([row for row, _ in found], np.int32), count),
        target=np.array([x.target for _, x in found], np.int32),
        at=np.array([x.at for _, x in found], np.int32),
        mbps=np.array([x.mbps for _, x in found], np.float64),
    )


def _laid(arrays: Arrays, routing: Routing) -> Iterator[list[_Leg]]:
    """Yield the legs of each segment list in use, as far as they lead."""
    tunnels = arrays.tunnels
    for i, pair in enumerate(zip(tunnels.target, tunnels.source, strict=True)):
        for p in range(tunnels.first_list[i], tunnels.first_list[i + 1]):
            mbps, legs = float(routing.used[p] * arrays.offered[pair]), list[_Leg]()
            for leg in range(tunnels.first_leg[p], tunnels.first_leg[p + 1]):
                at, target = int(tunnels.leg_from[leg]), int(tunnels.leg_to[leg])
                if routing.paths.dist[target, at] >= FAR:
                    break
                legs.append(_Leg(at, target, mbps))
            if mbps > 0:
                yield legs


def _unsent_by(laid: Sequence[Sequence[_Leg]], nodes: Ids) -> Iterator[_Leg]:
    """Yield the legs behind a node that has failed, but for those that begin at one: all that it sends is told."""
    failed = frozenset(nodes.tolist())
    for legs in laid if failed else ():
        behind = dropwhile(lambda x: x.at not in failed, legs)
        yield from (x for x in behind if x.at not in failed)


def repairs_known(network: Network) -> bool:
    """Whether repairs are worked out: not where tunnels lose traffic on the way, nor where routers drop or divert."""
    return _known(compile_network(network))


def _known(arrays: Arrays) -> bool:
    return not (lossy_tunnels(arrays) or arrays.astray)


class _Repairing(Protocol):
    def __call__(self, arrays: Arrays, routing: Routing, failure: Failure, /) -> Floats: ...


def repaired(arrays: Arrays, routing: Routing, failure: Failure) -> Floats:
    """Return what each arc carries while a failure is repaired, Mbit/s [m]; every path is found and walked anew."""
    arcs, nodes = failed_in(flatten(arrays, (failure,)), 0)
    state = without(arrays, arcs, nodes)
    paths, dead = paths_without(arrays, routing.paths, state, nodes), np.flatnonzero(state.weight != arrays.weight)
    met = np.zeros(len(arrays.up), np.bool_)  # targets on whose ways something failed
    for arc in map(int, dead):
        met |= _flow(arrays, routing.paths, routing.passing, arc) > 0
    changed, volume = routing.volume, routing.volume
    if len(nodes):
        volume = routing.volume.copy()
        for leg in _unsent_by(list(_laid(arrays, routing)), nodes):
            volume[leg.target, leg.at] -= leg.mbps
        volume[:, nodes] = 0.0
        met |= (volume != changed).any(axis=1)
    changed, volume = (np.where(met[:, None], x, 0.0) for x in (changed, volume))
    load = routing.load - spread(arrays, routing.paths, changed)[0]
    keep = arrays.keep.copy()
    keep[dead] = 0.0
    reached, passing = spread(arrays._replace(keep=keep), routing.paths, volume)  # up to the failure, and no further
    onto = np.zeros_like(volume)
    for arc in map(int, dead):
        onto[:, arrays.tail[arc]] += _flow(arrays, routing.paths, passing, arc)
    load += reached
    load[dead] = 0.0
    load += spread(state, paths, np.where(paths.dist < FAR, onto, 0.0))[0]
    return np.maximum(load, 0.0)


def bypassed(arrays: Arrays, routing: Routing, failure: Failure) -> Floats:
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
    return load


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
