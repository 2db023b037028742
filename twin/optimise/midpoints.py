"""Kernels of two-segment routing: the best midpoint per demand, rounding, and local polish.

Arrays in, arrays out. Matrices are by target first; `via[t, s]` is the midpoint of the demand from s to t, -1 for the
direct shortest path. `share[t, s, a]` is the ECMP share of arc a (see `fractions`).
"""

from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints
from twin.sim.arrays import Flags
from twin.sim.jit import kernel, part

TRIED = 60
"""Demands that are tried on an arc before it counts as stuck."""
LEAST_SHARE = 0.01
"""Midpoints with a smaller share of a demand are not worth all of it."""
NEAR_PEAK = 0.8
"""Arcs below this share of the peak are left alone."""


class Detours(NamedTuple):
    """The cheapest way from every source to every target over at most one midpoint."""

    via: Ints  # [n, n]
    cost: Floats  # [n, n] inf where there is no path


class Problem(NamedTuple):
    """What midpoints are chosen for. n nodes, m arcs."""

    share: Floats  # [n, n, m] ECMP share of each arc, by target first
    capacity: Floats  # [m] Mbit/s
    volume: Floats  # [n, n] Mbit/s that may take a midpoint
    midpoint: Flags  # [n] nodes that may be one


class Assignment(NamedTuple):
    """One midpoint per demand, and the load that results."""

    via: Ints  # [n, n]
    load: Floats  # [m] Mbit/s


@kernel
def best_midpoints(cost: Floats, midpoint: Flags, movable: Flags) -> Detours:
    """Minimise cost[k, s] + cost[t, k] over midpoints k, against cost[t, s]; ties keep the direct path."""
    n = cost.shape[0]
    via = np.full((n, n), -1, dtype=np.int64)
    best = cost.copy()
    for t in range(n):
        for k in range(n):
            if midpoint[k] and k != t:
                second = cost[t, k]
                for s in range(n):
                    through = cost[k, s] + second
                    if through < best[t, s] * (1 - 1e-9) and movable[t, s]:
                        best[t, s] = through
                        via[t, s] = k
    return Detours(via, best)


@kernel
def as_legs(volume: Floats, via: Ints) -> Floats:
    """Rewrite demands as the legs to and from their midpoints, Mbit/s [n, n]."""
    n = volume.shape[0]
    legs = np.zeros((n, n))
    for t in range(n):
        for s in range(n):
            k = via[t, s]
            if k < 0:
                legs[t, s] += volume[t, s]
            else:
                legs[k, s] += volume[t, s]
                legs[t, k] += volume[t, s]
    return legs


@part
def _move(load: Floats, share: Floats, s: int, t: int, k: int, amount: float) -> None:
    """Add a demand over midpoint k, or over the direct path below zero, to the loads."""
    if k < 0:
        for a in range(load.size):
            load[a] += amount * share[t, s, a]
    else:
        for a in range(load.size):
            load[a] += amount * (share[k, s, a] + share[t, k, a])


@part
def _take(load: Floats, share: Floats, s: int, t: int, k: int, amount: float) -> None:
    """Take a demand over midpoint k out of the loads, none of which rounding may leave below zero."""
    _move(load, share, s, t, k, -amount)
    for a in range(load.size):
        load[a] = max(load[a], 0.0)


@part
def _copy(target: Floats, source: Floats) -> None:
    for a in range(target.size):
        target[a] = source[a]


@part
def _peak(load: Floats, capacity: Floats) -> float:
    peak = 0.0
    for a in range(load.size):
        peak = max(peak, load[a] / capacity[a])
    return peak


@part
def _steepness(load: Floats, capacity: Floats, trial: Floats, power: float, peaks: tuple[float, float]) -> float:
    """Change of the sum of (utilisation / peak) ** power over the arcs where `trial` differs from `load`.

    `peaks` holds that peak and the utilisation above which a trial is out of the question: infinite then.
    """
    peak, ceiling = peaks
    change = 0.0
    for a in range(load.size):
        if trial[a] != load[a]:
            if trial[a] > ceiling * capacity[a]:
                return np.inf
            change += (max(trial[a], 0.0) / capacity[a] / peak) ** power
            change -= (load[a] / capacity[a] / peak) ** power
    return change


@kernel
def round_midpoints(problem: Problem, mix: Floats, mixed_load: Floats, power: float) -> Assignment:
    """Give every demand the one midpoint of its mixture that loads the network least, the largest demands first.

    `mix[t, s, k]` is the share of the demand over midpoint k, k = s for the direct path, rows summing to one. The
    demands not decided yet stay mixed while one is decided.
    """
    share, capacity, volume = problem.share, problem.capacity, problem.volume
    n = volume.shape[0]
    via = np.full((n, n), -1, dtype=np.int64)
    load, trial = mixed_load.copy(), np.empty_like(mixed_load)
    order = np.argsort(-volume.ravel(), kind="mergesort")
    for position in range(order.size):
        t, s = int(order[position]) // n, int(order[position]) % n
        if volume[t, s] <= 0:
            break
        for k in range(n):
            if mix[t, s, k] > 0:
                _take(load, share, s, t, -1 if k == s else k, mix[t, s, k] * volume[t, s])
        peak, lowest = _peak(load, capacity) + 1e-12, np.inf
        for k in range(n):
            if mix[t, s, k] > LEAST_SHARE or k == s:
                _copy(trial, load)
                _move(trial, share, s, t, -1 if k == s else k, float(volume[t, s]))
                value = _steepness(load, capacity, trial, power, (peak, np.inf))
                if value < lowest:
                    lowest, via[t, s] = value, -1 if k == s else k
        _move(load, share, s, t, int(via[t, s]), float(volume[t, s]))
    return Assignment(via, load)


@kernel
def thin(problem: Problem, start: Assignment, ceiling: float) -> Assignment:
    """Send demands back to their direct path, the smallest first, where no arc then exceeds the ceiling.

    An arc that is above it at the start may stay there, but not rise.
    """
    share, capacity, volume = problem.share, problem.capacity, problem.volume
    n = volume.shape[0]
    via, load = start.via.copy(), start.load.copy()
    trial, first = np.empty_like(load), start.load
    order = np.argsort(volume.ravel(), kind="mergesort")
    for position in range(order.size):
        t, s = int(order[position]) // n, int(order[position]) % n
        if via[t, s] < 0:
            continue
        _copy(trial, load)
        _take(trial, share, s, t, int(via[t, s]), float(volume[t, s]))
        _move(trial, share, s, t, -1, float(volume[t, s]))
        if _below(trial, capacity, ceiling, first):
            _copy(load, trial)
            via[t, s] = -1
    return Assignment(via, load)


@part
def _below(load: Floats, capacity: Floats, ceiling: float, first: Floats) -> bool:
    within = True
    for a in range(load.size):
        within = within and load[a] <= max(ceiling * capacity[a], first[a]) + 1e-9 * capacity[a]
    return within


@kernel
def polish(problem: Problem, start: Assignment, power: float, moves: int, most: int) -> Assignment:
    """Move demands off the busiest arcs, one at a time, while the sum of (utilisation / peak) ** power falls.

    No move makes the peak higher, none but `most` demands have a midpoint, and there are `moves` moves at most. Ends
    early when no demand on any of the busiest arcs can be moved with gain.
    """
    via, load = start.via.copy(), start.load.copy()
    stuck = np.zeros(load.size, dtype=np.bool_)
    for _ in range(moves):
        arc = _busiest(load, problem.capacity, stuck)
        if arc < 0:
            break
        full = _count(via) >= most
        if _unload(problem, via, load, arc, power, full):
            stuck[:] = False
        else:
            stuck[arc] = True
    return Assignment(via, load)


@part
def _busiest(load: Floats, capacity: Floats, stuck: Flags) -> int:
    """Return the busiest arc that is not stuck; -1 when it is not near the peak."""
    best = -1
    for a in range(load.size):
        if not stuck[a] and load[a] > 0 and (best < 0 or load[a] * capacity[best] > load[best] * capacity[a]):
            best = a
    return best if best >= 0 and load[best] / capacity[best] > NEAR_PEAK * _peak(load, capacity) else -1


@part
def _count(via: Ints) -> int:
    count = 0
    for t in range(via.shape[0]):
        for s in range(via.shape[1]):
            count += via[t, s] >= 0
    return count


@kernel
def _unload(problem: Problem, via: Ints, load: Floats, arc: int, power: float, full: bool) -> bool:
    """Give the first demand on an arc, the largest share of it first, a better midpoint; changes `via` and `load`."""
    n = problem.volume.shape[0]
    amount = np.empty(n * n)
    _weigh(problem, via, arc, amount)
    order = np.argsort(-amount, kind="mergesort")
    rest, trial = np.empty_like(load), np.empty_like(load)
    for position in range(min(TRIED, order.size)):
        t, s = int(order[position]) // n, int(order[position]) % n
        if amount[order[position]] <= 0:
            break
        _copy(rest, load)
        _take(rest, problem.share, s, t, int(via[t, s]), float(problem.volume[t, s]))
        best = _cheapest(problem, (load, rest, trial), (s, t, int(via[t, s])), power, full)
        if best != via[t, s]:
            _move(rest, problem.share, s, t, best, float(problem.volume[t, s]))
            _copy(load, rest)
            via[t, s] = best
            return True
    return False


@part
def _cheapest(
    problem: Problem, loads: tuple[Floats, Floats, Floats], demand: tuple[int, int, int], power: float, full: bool
) -> int:
    """Return the best midpoint for a demand, its present one when none is better.

    `loads` are those with the demand, those without it, and space to try in.
    """
    (load, rest, trial), (s, t, now) = loads, demand
    peak, best = _peak(load, problem.capacity), now
    lowest = _steepness(rest, problem.capacity, load, power, (peak, np.inf)) - 1e-9
    for k in range(-1, problem.midpoint.size):
        barred = k >= 0 and (not problem.midpoint[k] or k in (s, t) or (full and now < 0))
        if barred or k == now:
            continue
        _copy(trial, rest)
        _move(trial, problem.share, s, t, k, float(problem.volume[t, s]))
        value = _steepness(rest, problem.capacity, trial, power, (peak, peak))
        if value < lowest:
            best, lowest = k, value
    return best


@part
def _weigh(problem: Problem, via: Ints, arc: int, amount: Floats) -> None:
    """Set the Mbit/s of every demand on one arc, flat [n * n]."""
    share, n = problem.share, problem.volume.shape[0]
    for t in range(n):
        for s in range(n):
            k = via[t, s]
            on_arc = share[t, s, arc] if k < 0 else share[k, s, arc] + share[t, k, arc]
            amount[t * n + s] = problem.volume[t, s] * on_arc
