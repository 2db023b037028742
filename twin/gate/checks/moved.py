"""How much traffic a change moves: the blast radius of a plan."""

import numpy as np

from twin.model import Bools, Floats, Ints, Network
from twin.sim.arrays import FAR, Arrays, compile_network
from twin.sim.graph import ends
from twin.sim.jit import kernel
from twin.sim.kernels import Paths
from twin.sim.route import Routing, route

Shares = dict[tuple[int, ...], float]


def moved_share(before: Network, after: Network, routings: tuple[Routing, Routing] | None = None) -> float:
    """Share of the offered traffic that leaves its present paths, 0..1.

    A demand stays to the extent that, hop by hop, its traffic is split over the same links as before: at each node
    the common share of the two ECMP splits stays. Tunnelled traffic stays on the segment lists that both states have; a
    list through other nodes counts as moved. Traffic shed by a new rate limit is moved; traffic that had no path
    before, by the IGP or along a list that leads nowhere, is not. `routings` are those of both, where they are known.
    """
    total = float(before.offered.sum())
    return float((moved_shares(before, after, routings) * before.offered).sum()) / total if total else 0.0


def moved_shares(before: Network, after: Network, routings: tuple[Routing, Routing] | None = None) -> Floats:
    """Share of each demand that leaves its present paths [n, n], 0..1, as `moved_share` counts it."""
    first, second = compile_network(before), compile_network(after)
    was, now = routings or (route(first), route(second))
    igp = _common(first.ordinary(), second.ordinary(), was.paths, now.paths.dist).T
    stays = igp.copy()
    reachable = (was.paths.dist.T < FAR) & np.outer(first.up, first.up)
    for source, target in sorted({(x.source, x.target) for x in (*before.tunnels, *after.tunnels)}):
        pair = before.node(source), before.node(target)
        shares = _lists(before, first, was, pair), _lists(after, second, now, pair)
        stays[pair] = _kept_by_lists(shares, pair[0], igp, reachable)
    kept = np.minimum(before.offered, after.offered) * stays
    moved = np.where(reachable, before.offered - kept, 0.0)
    return np.divide(moved, before.offered, out=np.zeros_like(moved), where=before.offered > 0)


@kernel
def _common(first: Arrays, second: Arrays, paths: Paths, dist_after: Ints) -> Floats:
    n = first.up.size
    kept = np.zeros((n, n))
    for t in range(n):
        kept[t, t] = 1.0
        for position in range(1, paths.sources[t]):
            u = paths.order[t, position]
            hops_before, hops_after, common = 0, 0, 0.0
            for arc in range(first.first_out[u], first.first_out[u + 1]):
                v = first.head[arc]
                in_before = first.weight[arc] + paths.dist[t, v] == paths.dist[t, u] and (
                    ends(int(paths.dist[t, v])) or not first.no_transit[v]
                )
                in_after = second.weight[arc] + dist_after[t, v] == dist_after[t, u] and (
                    ends(int(dist_after[t, v])) or not second.no_transit[v]
                )
                in_after = in_after and dist_after[t, u] < FAR
                hops_before += in_before
                hops_after += in_after
                common += kept[t, v] if in_before and in_after else 0.0
            kept[t, u] = common / max(hops_before, hops_after)
    return kept


def _lists(network: Network, arrays: Arrays, routing: Routing, pair: tuple[int, int]) -> Shares:
    """Share of a demand on each segment list, by the nodes that it stops at: the target only on the IGP path."""
    shares: Shares = {}
    lists = arrays.tunnels
    for i, tunnel in enumerate(network.tunnels):
        if (network.node(tunnel.source), network.node(tunnel.target)) == pair:
            for p in range(lists.first_list[i], lists.first_list[i + 1]):
                stops = tuple(int(x) for x in lists.leg_to[lists.first_leg[p] : lists.first_leg[p + 1]])
                shares[stops] = shares.get(stops, 0.0) + float(routing.used[p])
    return shares if sum(shares.values()) > 0 else {(pair[1],): 1.0}


def _kept_by_lists(shares: tuple[Shares, Shares], source: int, igp: Floats, reachable: Bools) -> float:
    before, after = shares
    kept = 0.0
    for stops, share in sorted(before.items()):
        legs = list(zip((source, *stops), stops, strict=False))
        if not all(reachable[leg] for leg in legs):
            kept += share
        elif stops in after:
            kept += min(share, after[stops]) * float(np.prod([igp[leg] for leg in legs]))
    return kept
