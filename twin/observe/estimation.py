"""Traffic matrices from link loads, for networks without flow export: gravity, and tomogravity on top of it.

Zhang, Roughan, Duffield, Greenberg (2003), fast accurate computation of large-scale IP traffic matrices.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from twin.errors import InputError
from twin.model import Floats, Frozen, Network
from twin.printed import share
from twin.sim.arrays import compile_network
from twin.sim.kernels import shortest_paths
from twin.sim.simulate import simulate

MOST_PAIRS = 12_000
"""Pairs that tomogravity solves for; more need gigabytes for the routing of every pair."""
MEASURED_ERROR = (0.35, 0.7)
"""Sum of absolute errors over all traffic, of tomogravity on measured matrices of three networks."""
BLIND_ERROR = (0.44, 1.32)
"""The same where nobody counts what enters and leaves the network, on matrices of five networks."""
BLIND_TOTAL = 0.38
"""How far the sum of all traffic was off then, at most."""
_ROUNDS = 60
_CLOSE = 1e-6


class EstimateReport(Frozen):
    """How good an estimate is known to be. Shares 0..1."""

    method: Literal["gravity", "tomogravity"]
    pairs: int
    links: int
    undetermined: float  # share of the pairs' freedom that no link load restricts: the prior alone decides there
    unexplained: float  # share of the load that the estimate does not reproduce on the links
    moved: float  # share of the traffic that tomogravity moved away from gravity
    statement: str


@dataclass(frozen=True, eq=False)
class Estimate:
    """An estimated matrix [n, n], Mbit/s, and its report."""

    demands: Floats
    report: EstimateReport


def gravity(origin: Floats, destination: Floats) -> Floats:
    """Matrix [n, n] in which every pair has the product of what its ends send and receive, Mbit/s [n] each.

    The diagonal is empty, and rows and columns add up to the totals as far as iterative proportional fitting can make
    them. Raises `InputError` on totals that are negative, not finite, or all zero.
    """
    origin, destination = np.asarray(origin, dtype=np.float64), np.asarray(destination, dtype=np.float64)
    totals = np.concatenate([origin, destination])
    if origin.shape != destination.shape or not np.isfinite(totals).all() or (totals < 0).any():
        raise InputError("what nodes send and receive must be numbers, not negative", fix="repair the counters first")
    if not origin.any() or not destination.any():
        raise InputError("no node sends or none receives: there is no matrix", fix="give the totals of each node")
    destination = destination * (origin.sum() / destination.sum())
    matrix = np.outer(origin, destination)
    np.fill_diagonal(matrix, 0.0)
    for _ in range(_ROUNDS):
        matrix *= _ratio(origin, matrix.sum(axis=1))[:, None]
        matrix *= _ratio(destination, matrix.sum(axis=0))[None, :]
    return matrix


def estimate_matrix(network: Network, loads: Floats, origin: Floats, destination: Floats) -> Estimate:
    """Estimate the matrix that put `loads` [m] on the links, from it and what each node sends and receives [n], Mbit/s.

    The gravity matrix is moved as little as possible, each pair in proportion to its square root, to where the ECMP
    routing of the network explains the loads (weighted least squares); iterative scaling then keeps it positive and
    closes what is left. Links without a finite load say nothing. Raises `InputError` as `gravity` does and on loads of
    another length; above `MOST_PAIRS` pairs it stays at gravity and says so.
    """
    loads = np.asarray(loads, dtype=np.float64)
    if loads.shape != (len(network.links),):
        raise InputError(f"{loads.size} loads are not for {len(network.links)} links", fix="give one per link")
    prior = gravity(origin, destination)
    n = len(network.nodes)
    heard = np.isfinite(loads) & (np.nan_to_num(loads) >= 0)
    if n * (n - 1) > MOST_PAIRS or not heard.any():
        why = "no link load was given" if not heard.any() else f"more than {MOST_PAIRS} pairs"
        return Estimate(prior, _report("gravity", network, (prior, prior), (loads, heard, n * (n - 1)), why))
    source, target = np.nonzero(~np.eye(n, dtype=bool))
    routing = _routing(network, source, target)[heard]
    sums = np.concatenate([np.equal.outer(np.arange(n), source), np.equal.outer(np.arange(n), target)]).astype(
        np.float64
    )
    rows = np.concatenate([routing, sums])
    goal = np.concatenate([loads[heard], prior.sum(axis=1), prior.sum(axis=0)])
    found = _scaled(rows, goal, _least_moved(rows, goal, prior[source, target]))
    matrix = np.zeros((n, n))
    matrix[source, target] = found
    free = source.size - int(np.linalg.matrix_rank(rows))
    return Estimate(matrix, _report("tomogravity", network, (matrix, prior), (loads, heard, free), ""))


def estimate_from_links(network: Network, loads: Floats) -> Estimate:
    """Estimate the matrix from loads [m] alone, Mbit/s, where nobody counts what enters and leaves at the nodes.

    The prior is a gravity matrix in which nodes send and receive in proportion to all that their links send and
    receive, scaled to the total load; tomogravity then moves it to where routing explains the loads. Raises as
    `estimate_matrix` does.
    """
    loads = np.asarray(loads, dtype=np.float64)
    if loads.shape != (len(network.links),):
        raise InputError(f"{loads.size} loads are not for {len(network.links)} links", fix="give one per link")
    index, n = network.node_index, len(network.nodes)
    heard = np.isfinite(loads) & (np.nan_to_num(loads) >= 0)
    known = np.where(heard, loads, 0.0)
    sends = np.array([node.kind == "router" for node in network.nodes], dtype=np.float64)
    receives = np.array([node.kind in ("router", "exits") for node in network.nodes], dtype=np.float64)
    ends = ([index[getattr(x, end)] for x in network.links] for end in ("tail", "head"))
    prior = gravity(*(may * np.bincount(end, known, n) for may, end in zip((sends, receives), ends, strict=True)))
    carried = float(simulate(network.with_demands(prior)).load[heard].sum())
    prior *= float(known.sum()) / carried if carried > 0 else 1.0
    if n * (n - 1) > MOST_PAIRS:
        return Estimate(prior, _blind("gravity", network, (prior, prior), (loads, heard, n * (n - 1))))
    source, target = np.nonzero(prior > 0)
    routing = _routing(network, source, target)[heard]
    found = _scaled(routing, loads[heard], _least_moved(routing, loads[heard], prior[source, target]))
    matrix = np.zeros((n, n))
    matrix[source, target] = found
    free = source.size - int(np.linalg.matrix_rank(routing))
    return Estimate(matrix, _blind("tomogravity", network, (matrix, prior), (loads, heard, free)))


def _least_moved(rows: Floats, goal: Floats, prior: Floats) -> Floats:
    """Solve min sum (x - prior)^2 / prior subject to rows x = goal in the least-squares sense, then drop negatives."""
    root = np.sqrt(prior)
    move = np.linalg.lstsq(rows * root, goal - rows @ prior, rcond=1e-9)[0]
    return np.maximum(prior + root * move, 1e-6 * prior)


def _scaled(rows: Floats, goal: Floats, start: Floats) -> Floats:
    """Multiplicative iterative scaling (MART) of the pairs on each row, damped by their share of it."""
    found = start.copy()
    for _ in range(_ROUNDS):
        before = found.copy()
        for row, wanted in zip(rows, goal, strict=True):
            now = float(row @ found)
            if now > 0:
                found *= (max(wanted, 1e-9) / now) ** row
        if np.abs(found - before).sum() < _CLOSE * before.sum():
            break
    return found


def _routing(network: Network, source: np.ndarray, target: np.ndarray) -> Floats:
    """Share of each pair's demand on each link [m, P]."""
    from twin.optimise.fractions import ecmp_fractions

    arrays = compile_network(network)
    share = ecmp_fractions(arrays, shortest_paths(arrays)).share
    return share[target, source].T[arrays.arc_of]


def _report(
    method: Literal["gravity", "tomogravity"],
    network: Network,
    matrices: tuple[Floats, Floats],
    measured: tuple[Floats, np.ndarray, int],
    why: str,
) -> EstimateReport:
    (matrix, prior), (loads, heard, free) = matrices, measured
    n = len(network.nodes)
    pairs = n * (n - 1)
    carried = simulate(network.with_demands(matrix)).load
    total = float(loads[heard].sum())
    off = float(np.abs(carried - loads)[heard].sum()) / total if total > 0 else 0.0
    low, high = MEASURED_ERROR
    worse = " or more" if method == "gravity" else ""
    statement = (
        f"{method} from link loads: they leave {share(free / max(pairs, 1))} of the matrix open; where it could be "
        f"checked, errors of single demands added up to {share(low)} to {share(high)}{worse} of the traffic: "
        "use it for totals"
    )
    return EstimateReport(
        method=method,
        pairs=pairs,
        links=int(heard.sum()),
        undetermined=free / max(pairs, 1),
        unexplained=off,
        moved=float(np.abs(matrix - prior).sum() / max(2 * prior.sum(), 1e-9)),
        statement=statement + (f" ({why})" if why else ""),
    )


def _blind(
    method: Literal["gravity", "tomogravity"],
    network: Network,
    matrices: tuple[Floats, Floats],
    measured: tuple[Floats, np.ndarray, int],
) -> EstimateReport:
    report = _report(method, network, matrices, measured, "")
    low, high = BLIND_ERROR
    statement = (
        f"{method} from link loads alone, as nobody counts what enters and leaves the network: the loads leave "
        f"{share(report.undetermined)} of the matrix open; where it could be checked, errors of demands added up to "
        f"{share(low)} to {share(high)} of the traffic and the total was off by up to {share(BLIND_TOTAL)}"
    )
    return report.model_copy(update={"statement": statement})


def _ratio(wanted: Floats, now: Floats) -> Floats:
    return np.divide(wanted, now, out=np.zeros_like(wanted), where=now > 0)
