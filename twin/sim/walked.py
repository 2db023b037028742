"""Failures of a network some of whose routers go astray: the IGP by dynamic update, few targets by walking.

What a router does otherwise concerns few targets as a rule. Towards all others a failure does what it does on any
network. Towards these what the IGP alone would do is found the same way, taken off, and the traffic followed anew.
"""

from collections.abc import Iterator
from math import prod
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints, Network

from .arrays import EXIT, FAR, Arrays, Flags, Ids, compile_network, read_only
from .astray import still_arriving, still_arriving_at, strayed
from .failing import Base, FailureArrays, Steering, fail_each, no_figures, state_for
from .graph import graph_of
from .kernels import Paths, find_paths
from .route import lossy_tunnels, opens_exits, route, steered

_LOADS = 1 << 21  # of each arc under each failure, that are held at a time
_FEW = 4  # targets are walked one by one where no more than one in so many is concerned


def walked_targets(arrays: Arrays) -> Flags | None:
    """Targets whose traffic is walked [n]; None where no router goes astray, or failures have to be routed in full.

    That is so where what one leg of a tunnel loses changes the next one, where a failure opens ways, and where the
    paths decide which targets are concerned, or most are.
    """
    if not arrays.astray or lossy_tunnels(arrays) or opens_exits(arrays):
        return None
    concerned = np.zeros(len(arrays.up), np.bool_)
    for entry in arrays.astray:
        if entry.target < 0 or entry.left_out >= 0 or entry.reflects >= 0:
            return None
        concerned[entry.target] = True
    return concerned if _FEW * np.count_nonzero(concerned) <= concerned.size else None


class FailedWalks:
    """The paths of one failure after another, to the targets that are walked and to the ends of tunnels' legs."""

    def __init__(self, arrays: Arrays, walked: Flags) -> None:
        n = len(arrays.up)
        self._arrays, self._asked = arrays, walked.copy()
        self._asked[arrays.tunnels.leg_to] = True
        self._asked[[x.claims for x in arrays.astray if x.claims >= 0]] = True
        self._paths = Paths(np.full((n, n), FAR), np.empty((n, n), np.int32), np.zeros(n, np.int32))
        self.walked = [int(x) for x in np.flatnonzero(walked)]
        usable = arrays.weight < FAR
        # where every link is used in both directions, by all that comes along, who reaches one reaches all
        self._mutual = bool((usable == usable[arrays.back]).all()) and not arrays.no_transit.any()
        self._mutual &= bool((arrays.keep >= 1).all() and (arrays.weight[usable] < EXIT).all())
        self._mutual &= bool((arrays.back != np.arange(len(arrays.back)))[usable].all())

    def all_join(self, failed: Arrays) -> bool:
        """Whether every node that is up surely has a way to every other one under the failure in hand."""
        here = next((t for t in self.walked if failed.up[t]), None)
        return self._mutual and here is not None and int(self._paths.sources[here]) == np.count_nonzero(failed.up)

    def under(self, arcs: Ids, nodes: Ids) -> tuple[Arrays, Paths]:
        """Return the failed arrays, whose demands are those before the failure, and the paths to what was asked for.

        Both hold until the next failure.
        """
        arrays = self._arrays
        weight, up = arrays.weight.copy(), arrays.up.copy()
        up[nodes] = False
        weight[arcs] = FAR
        weight[~up[arrays.tail] | ~up[arrays.head]] = FAR
        astray = tuple(x for x in arrays.astray if x.via < 0 or x.via not in arcs)
        failed = arrays._replace(weight=weight, up=up, astray=astray)
        self._paths.dist[self._asked & ~up], self._paths.sources[self._asked & ~up] = FAR, 0
        find_paths(failed, self._paths, self._asked & up)
        return failed, self._paths


def adds_up(arrays: Arrays) -> bool:
    """Whether the loads of demands add up under every failure, and so does what is dropped.

    Not where a router sends by a way of its own, on which traffic may circle and fill the links, or where it claims
    what is not so.
    """
    drops = all(x.claims < 0 and (x.node < 0 or x.via < 0) for x in arrays.astray)
    return arrays.refused == 0 and (not arrays.astray or (drops and walked_targets(arrays) is not None))


def astray_adds_up(network: Network) -> bool:
    """Whether what routers do otherwise in a network, if any does, leaves loads a sum over demands: `adds_up`."""
    return not network.astray or adds_up(compile_network(network))


class WalkedFailure(NamedTuple):
    """What one failure does; m arcs."""

    load: Floats  # [m] Mbit/s
    lost: float  # Mbit/s with both ends up that have no path, or that routers drop
    severed: float  # Mbit/s from or to a failed node


def walk_failures(
    arrays: Arrays, walked: Flags, base: Base, steering: Steering, failures: FailureArrays
) -> Iterator[WalkedFailure]:
    """Yield what each failure does, each on its own; `walked` as `walked_targets` says, `base` is the arrays' state."""
    walks, plain, rows = FailedWalks(arrays, walked), arrays.ordinary(), len(failures.first_arc) - 1
    base = read_only(base._replace(load=route(plain).load))
    graph, state, most = graph_of(plain), state_for(base, steering), max(_LOADS // len(arrays.head), 1)
    for first in range(0, rows, most):
        part = _stretch(failures, first, min(first + most, rows))
        alone = no_figures(len(part.first_arc) - 1, len(arrays.head), loads=True)
        fail_each(graph, base, read_only(steering), read_only(part), state, alone)
        for row in range(len(alone.lost)):
            arcs = part.arcs[part.first_arc[row] : part.first_arc[row + 1]]
            failed, paths = walks.under(arcs, part.nodes[part.first_node[row] : part.first_node[row + 1]])
            volume = steered(failed, paths).volume if len(arrays.tunnels.source) else arrays.offered
            found = strayed(failed, paths, volume, alone.load[row])
            lost = float(alone.lost[row]) + arrays.refused + found.dropped
            yield WalkedFailure(found.load, lost, float(alone.severed[row]))


def _stretch(failures: FailureArrays, first: int, last: int) -> FailureArrays:
    arc, node = failures.first_arc[first : last + 1], failures.first_node[first : last + 1]
    return FailureArrays(
        arc - arc[0], failures.arcs[arc[0] : arc[-1]], node - node[0], failures.nodes[node[0] : node[-1]]
    )


def arriving_walked(walks: FailedWalks, failed: tuple[Ids, Ids], survival: Floats) -> Floats:
    """Return the share of each demand that arrives under a failure, by target first [n, n]; tunnels are their legs.

    `survival` is what the IGP alone leaves between two nodes that are up.
    """
    arrays, paths = walks.under(*failed)
    alone = still_arriving(arrays, paths, survival)
    found = alone.copy()
    for pair, legs, used in _tunnels_in_use(arrays, paths):
        stand = [alone[ends].prod() if arrays.up[np.concatenate(ends)].all() else 0.0 for ends in legs]
        found[pair] = float(np.dot(used, stand))
    return found


def missed_where_all_join(walks: FailedWalks, failed: tuple[Ids, Ids]) -> tuple[Ints, Floats] | None:
    """Return the demands that miss something under a failure, and Mbit/s of each; positions by target first [n, n].

    None where a node may be cut off from another, so that more than the routers astray decides who misses what.
    """
    arrays, paths = walks.under(*failed)
    if not walks.all_join(arrays):
        return None
    n, shares = len(arrays.up), dict[int, Floats]()
    for t in walks.walked:
        if arrays.up[t]:
            shares[t] = 1 - still_arriving_at(arrays, paths, t)
            shares[t][~arrays.up] = 0.0
    places = [np.arange(n, dtype=np.int64) + t * n for t in shares]
    where, missing = np.concatenate([*places, np.zeros(0, np.int64)]), np.concatenate([*shares.values(), np.zeros(0)])
    for (t, s), legs, used in _tunnels_in_use(arrays, paths):
        arrives = 0.0
        for (to, begin), part in zip(legs, used, strict=True):
            if arrays.up[to].all() and arrays.up[begin].all():  # labels go on leading to a node that has failed
                ends = zip(to.tolist(), begin.tolist(), strict=True)
                arrives += part * prod(1 - shares[b][a] if b in shares else 1.0 for b, a in ends)
        if t in shares:
            missing[np.flatnonzero(where == t * n + s)] = 1 - arrives
        else:
            where, missing = np.append(where, t * n + s), np.append(missing, 1 - arrives)
    amounts = missing * arrays.offered.ravel()[where]
    some = np.flatnonzero(amounts)
    order = some[np.argsort(where[some], kind="stable")]
    return where[order], amounts[order]


_Legs = list[tuple[Ids, Ids]]  # targets and sources of the legs of each segment list


def _tunnels_in_use(arrays: Arrays, paths: Paths) -> Iterator[tuple[tuple[int, int], _Legs, list[float]]]:
    """Yield target and source of each tunnel with a list in use, and the legs and the share of each such list."""
    tunnels = arrays.tunnels
    if not len(tunnels.source):
        return
    used = steered(arrays, paths).used
    for i in range(len(tunnels.source)):
        lists = [p for p in range(tunnels.first_list[i], tunnels.first_list[i + 1]) if used[p] > 0]
        if lists and arrays.up[tunnels.source[i]] and arrays.up[tunnels.target[i]]:
            cuts = [slice(tunnels.first_leg[p], tunnels.first_leg[p + 1]) for p in lists]
            legs = [(tunnels.leg_to[x], tunnels.leg_from[x]) for x in cuts]
            yield (int(tunnels.target[i]), int(tunnels.source[i])), legs, [float(used[p]) for p in lists]
