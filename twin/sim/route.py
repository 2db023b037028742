"""One full evaluation of a compiled network: paths, tunnels as legs, loads, and what cannot be carried."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from twin.model import Floats

from .arrays import EXIT, FAR, Arrays, Ids, TunnelArrays, read_only
from .astray import still_arriving, strayed
from .kernels import Expectation, Paths, delays_of_paths, expect, lost_demand, spread, steer
from .remembered import remembered_paths


class Routing(NamedTuple):
    """What a state carries. n nodes, m arcs, P segment lists; matrices by target first."""

    paths: Paths
    volume: Floats  # [n, n] Mbit/s that the IGP carries once tunnels are legs
    used: Floats  # [P] share of its tunnel that each segment list carries
    load: Floats  # [m] Mbit/s
    passing: Floats  # [n, n] Mbit/s that pass node u for target t
    lost: float  # Mbit/s with both ends up and no path
    discarded: float = 0.0  # Mbit/s that routers drop which have a path
    blackholed: float = 0.0  # Mbit/s on labels that lead nowhere


class Steered(NamedTuple):
    """What tunnels make of the demands; see `Routing`."""

    volume: Floats
    used: Floats
    blackholed: float


def route(arrays: Arrays, paths: Paths | None = None) -> Routing:
    """Evaluate the arrays in full, over their shortest paths where these are known."""
    paths = remembered_paths(arrays) if paths is None else paths
    volume, used, blackholed = steered(arrays, paths)
    load, passing = spread(arrays, paths, volume)
    lost = lost_demand(volume, paths.dist, arrays.up)
    if not arrays.astray:
        return Routing(paths, volume, used, load, passing, lost, arrays.refused, blackholed)
    load, dropped = strayed(arrays, paths, volume, load)
    return Routing(paths, volume, used, load, passing, lost, arrays.refused + dropped, blackholed)


def steered(arrays: Arrays, paths: Paths) -> Steered:
    """Return the volumes that the IGP has to carry once every tunnel is its legs."""
    tunnels, n_legs = arrays.tunnels, len(arrays.tunnels.leg_to)
    if not len(tunnels.source):
        return Steered(arrays.offered.copy(), np.zeros(0), 0.0)
    legs = tunnels.leg_to, tunnels.leg_from
    survival = expect(arrays, paths).survival[legs] if lossy_tunnels(arrays) else np.ones(n_legs)
    volume, used = arrays.offered.copy(), np.zeros(len(tunnels.share))
    offered = arrays.offered.view()
    offered.flags.writeable = False
    cut = paths.dist[legs] >= FAR
    blackholed = steer(read_only(tunnels), offered, ~arrays.up, cut, survival, volume, used)
    return Steered(volume, used, float(blackholed))


def lossy_tunnels(arrays: Arrays) -> bool:
    """Whether what one leg loses changes what the next one carries; what is out of use carries and loses nothing."""
    return len(arrays.tunnels.source) > 0 and bool((arrays.keep[arrays.weight < FAR] < 1).any())


def needs_full(arrays: Arrays) -> bool:
    """Whether failed states have to be routed anew: what a failure does to one node then changes what others may do.

    Tunnels that lose traffic on the way, routers that drop or divert, and a drained router that a failure leaves with
    an exit of its own, which then is a way out for its neighbours.
    """
    return lossy_tunnels(arrays) or bool(arrays.astray) or opens_exits(arrays)


def opens_exits(arrays: Arrays) -> bool:
    """Whether a failure may leave a drained router with an exit of its own."""
    exits = np.flatnonzero((arrays.weight >= EXIT) & (arrays.weight < FAR))
    if exits.size == 0 or not arrays.no_transit[arrays.tail[exits]].any():
        return False
    best = np.full(len(arrays.up), FAR)
    np.minimum.at(best, arrays.head[exits], arrays.weight[exits])
    return bool((arrays.no_transit[arrays.tail[exits]] & (arrays.weight[exits] > best[arrays.head[exits]])).any())


class DemandDelays(NamedTuple):
    """How long demands take over the arcs' `delay`, ms by source first [..., n, n]; inf where there is no path."""

    longest: Floats  # by the longest of the ways that carry a share of the demand
    mean: Floats  # over these ways


def demand_delays(arrays: Arrays, paths: Paths, used: Floats) -> DemandDelays:
    """Return how long each demand takes; a tunnelled one the sum over the legs of each segment list in use.

    Its longest way is that of one of these lists, its mean is weighted by their shares `used` [P].
    """
    longest, mean = delays_of_paths(arrays, paths)
    found, tunnels = DemandDelays(longest.copy(), mean.copy()), arrays.tunnels
    for i, lists in _in_use(tunnels, used):
        pair = tunnels.target[i], tunnels.source[i]
        legs = [(tunnels.leg_to[x], tunnels.leg_from[x]) for _, x in lists]
        sums = np.array([longest[x].sum() for x in legs])
        found.longest[pair] = sums[np.isfinite(sums)].max() if np.isfinite(sums).any() else np.inf
        found.mean[pair] = _mean_of_lists(used[[p for p, _ in lists]], np.array([mean[x].sum() for x in legs]))
    return DemandDelays(*(x.T.copy() for x in found))


def expected_of_demands(arrays: Arrays, paths: Paths, used: Floats) -> Expectation:
    """Return what each demand meets on average: its delay, and the share that arrives; tunnels are their legs."""
    expected = expect(arrays, paths)
    if arrays.astray:
        expected = expected._replace(survival=still_arriving(arrays, paths, expected.survival))
    return _tunnelled(arrays.tunnels, used, expected)


def _tunnelled(tunnels: TunnelArrays, used: Floats, expected: Expectation) -> Expectation:
    delay, survival = expected.delay.copy(), expected.survival.copy()
    for i, lists in _in_use(tunnels, used):
        sums = np.array([expected.delay[tunnels.leg_to[x], tunnels.leg_from[x]].sum() for _, x in lists])
        shares = [expected.survival[tunnels.leg_to[x], tunnels.leg_from[x]].prod() for _, x in lists]
        part, pair = used[[p for p, _ in lists]], (tunnels.target[i], tunnels.source[i])
        delay[pair], survival[pair] = _mean_of_lists(part, sums), float(np.dot(part, shares))
    return Expectation(delay, survival)


def _mean_of_lists(part: Floats, sums: Floats) -> float:
    """Mean delay over the segment lists that lead to their end, ms; inf where none does."""
    arrives = np.isfinite(sums)
    return float(np.dot(part[arrives], sums[arrives]) / part[arrives].sum()) if arrives.any() else np.inf


def _in_use(tunnels: TunnelArrays, used: Floats) -> Iterator[tuple[int, list[tuple[int, slice]]]]:
    """Yield each tunnel that carries something, with its segment lists that do: their positions and their legs."""
    for i in range(len(tunnels.source)):
        lists = range(tunnels.first_list[i], tunnels.first_list[i + 1])
        found = [(p, slice(tunnels.first_leg[p], tunnels.first_leg[p + 1])) for p in lists if used[p] > 0]
        if found:
            yield i, found


def without(arrays: Arrays, arcs: Ids, nodes: Ids) -> Arrays:
    """Return the arrays with arcs and nodes failed: no path uses them, and a failed node's demands are severed."""
    astray = tuple(x for x in arrays.astray if x.via < 0 or x.via not in arcs)
    if not len(nodes):
        weight = arrays.weight.copy()
        weight[arcs] = FAR
        return arrays._replace(weight=weight, astray=astray)
    down = np.zeros(len(arrays.up), dtype=np.bool_)
    down[nodes] = True
    weight = arrays.weight.copy()
    weight[arcs] = FAR
    weight[down[arrays.tail] | down[arrays.head]] = FAR
    offered = arrays.offered.copy()
    cut = float(offered[down].sum() + offered[~down][:, down].sum())
    offered[down] = 0.0
    offered[:, down] = 0.0
    return arrays._replace(
        weight=weight, up=arrays.up & ~down, offered=offered, severed=arrays.severed + cut, astray=astray
    )
