"""Which share of a demand meets which link: the ECMP routing of every node pair, spelled out per arc."""

from typing import NamedTuple

import numpy as np

from twin.errors import InputError
from twin.model import Floats, Ints
from twin.sim.arrays import Arrays, Flags
from twin.sim.graph import ends
from twin.sim.jit import kernel
from twin.sim.kernels import Paths, expect

ENTRY_LIMIT = 30_000_000


class Fractions(NamedTuple):
    """ECMP routing per pair. n nodes, m arcs; by target first."""

    share: Floats  # [n, n, m] share[t, s, a]: load on arc a of one Mbit/s from s to t
    survival: Floats  # [n, n] share that arrives; 0 where there is no path


def ecmp_fractions(arrays: Arrays, paths: Paths) -> Fractions:
    """Spell out the ECMP routing of every pair.

    Raises `InputError` when the table would have more than `ENTRY_LIMIT` entries (about 240 MB).
    """
    n, m = arrays.up.size, arrays.head.size
    if n * n * m > ENTRY_LIMIT:
        raise InputError(
            f"{n} nodes and {m} links need a table of {n * n * m / 1e6:.0f} million shares",
            fix="sr-tunnels and igp-weights plan on networks of any size",
        )
    return Fractions(_shares(arrays.ordinary(), paths), expect(arrays, paths).survival)


@kernel
def _shares(arrays: Arrays, paths: Paths) -> Floats:
    n, m = arrays.up.size, arrays.head.size
    share = np.zeros((n, n, m))
    for t in range(n):
        dist = paths.dist[t]
        for position in range(1, paths.sources[t]):
            u = paths.order[t, position]
            hops = 0
            own = share[t, u]
            for arc in range(arrays.first_out[u], arrays.first_out[u + 1]):
                v = arrays.head[arc]
                if arrays.weight[arc] + dist[v] == dist[u] and (ends(int(dist[v])) or not arrays.no_transit[v]):
                    hops += 1
                    own += arrays.keep[arc] * share[t, v]
                    own[arc] += 1.0
            own /= hops
    return share


@kernel
def exposure(arrays: Arrays, paths: Paths, price: Floats) -> Floats:
    """Return what one Mbit/s from s to t meets of the arcs' `price` [m] on its way, by target first [n, n].

    What a lossy arc loses meets nothing after it; 0 where there is no path.
    """
    n = arrays.up.size
    met = np.zeros((n, n))
    for t in range(n):
        dist = paths.dist[t]
        for position in range(1, paths.sources[t]):
            u = paths.order[t, position]
            hops, own = 0, 0.0
            for arc in range(arrays.first_out[u], arrays.first_out[u + 1]):
                v = arrays.head[arc]
                if arrays.weight[arc] + dist[v] == dist[u] and (ends(int(dist[v])) or not arrays.no_transit[v]):
                    hops += 1
                    own += price[arc] + arrays.keep[arc] * met[t, v]
            met[t, u] = own / hops
    return met


@kernel
def pair_shares(arrays: Arrays, paths: Paths, source: Ints, target: Ints) -> Floats:
    """Return the load of one Mbit/s of each listed pair on every arc [P, m]; nothing where there is no path."""
    n, m = arrays.up.size, arrays.head.size
    share, through = np.zeros((source.size, m)), np.zeros(n)
    for row in range(source.size):
        s, t = source[row], target[row]
        dist = paths.dist[t]
        through[s] = 1.0
        for position in range(paths.sources[t] - 1, 0, -1):
            u = paths.order[t, position]
            if through[u] == 0:
                continue
            hops = 0
            for arc in range(arrays.first_out[u], arrays.first_out[u + 1]):
                v = arrays.head[arc]
                if arrays.weight[arc] + dist[v] == dist[u] and (ends(int(dist[v])) or not arrays.no_transit[v]):
                    hops += 1
            for arc in range(arrays.first_out[u], arrays.first_out[u + 1]):
                v = arrays.head[arc]
                if arrays.weight[arc] + dist[v] == dist[u] and (ends(int(dist[v])) or not arrays.no_transit[v]):
                    share[row, arc] += through[u] / hops
                    through[v] += through[u] / hops * arrays.keep[arc]
            through[u] = 0.0
        through[s], through[t] = 0.0, 0.0
    return share


class MovesTried(NamedTuple):
    """What moves of one demand lead to, in each of S scenarios; K moves."""

    harm: Floats  # [S, K] Mbit/s above the arcs' limit, or lost on them
    peak: Floats  # [S, K] share of capacity
    crowding: Floats  # [S, K] sum of squared utilisations
    exposed: Flags  # [K] whether some arc gets more than it can spare


@kernel
def try_moves(arrays: Arrays, limit: Floats, loads: Floats, added: Floats, spare: Floats) -> MovesTried:
    """Add the loads of each move, `added` [S, K, m], to those of each scenario, `loads` [S, m]."""
    scenarios, moves, m = added.shape
    shape = (scenarios, moves)
    tried = MovesTried(np.zeros(shape), np.zeros(shape), np.zeros(shape), np.zeros(moves, np.bool_))
    for s in range(scenarios):
        for k in range(moves):
            harm, peak, crowding = 0.0, 0.0, 0.0
            for arc in range(m):
                more = added[s, k, arc]
                load = loads[s, arc] + more
                if more > 1e-6 and more > spare[arc]:
                    tried.exposed[k] = True
                harm += max(load - limit[arc], 0.0) + load * (1 - arrays.keep[arc])
                use = load / arrays.capacity[arc]
                peak = max(peak, use)
                crowding += use * use
            tried.harm[s, k], tried.peak[s, k], tried.crowding[s, k] = harm, peak, crowding
    return tried
