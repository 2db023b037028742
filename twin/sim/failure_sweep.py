"""Failure sweeps: what each failure does, and what is the worst for each link."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from twin.engines.seam import Engine, Serial
from twin.errors import UnknownElementError
from twin.model import Floats, Ints, Network

from .arrays import EXIT, FAR, Arrays, Ids, compile_network, offsets, read_only
from .chunks import Swept, failed_in, join, sweep
from .failing import Base, FailureArrays, FailureFigures, Steering, no_figures, record
from .route import Routing, route, without
from .simulate import Failure, FailureSweep

_ROUNDING = 1e-12  # share of all traffic
_MOST_NOISE = 1e-3  # Mbit/s: however much traffic there is, no customer's disappears in the rounding
_REMEMBERED = 4_000  # failures, at most, that are remembered flattened
_HERE = Serial()
_TIE = 1 + 1e-9  # a failure is worse than the intact state only beyond rounding


def sweep_failures(
    network: Network, failures: Sequence[Failure], routing: Routing, limit: float = 1.0, engine: Engine = _HERE
) -> FailureSweep:
    """Evaluate every failure on its own; `routing` is the network's full evaluation, `limit` where excess begins.

    Whoever does it, and in however many pieces, the figures are the same to the last bit.
    """
    arrays = compile_network(network)
    swept = Swept(arrays, base_state(arrays, routing)._replace(limit=limit), steering(arrays, routing))
    whole = [x for x in failures if not x.members]
    figures = sweep(swept, flatten(arrays, whole), engine) if whole else None
    return with_members(network, failures, figures, routing, swept.base)


def with_members(
    network: Network, failures: Sequence[Failure], figures: FailureFigures | None, routing: Routing, base: Base
) -> FailureSweep:
    """Word a sweep; `figures` are those of the failures in which no bundle loses a member, the others are found."""
    arrays = compile_network(network)
    order = sorted(range(len(failures)), key=lambda i: bool(failures[i].members))
    shrunk = [x for x in failures if x.members]
    parts = [] if figures is None else [figures]
    parts += [_lose_members(network, base, shrunk, routing)] if shrunk else []
    every = _in_order(_one_after_other(parts, len(arrays.head)), order)
    return in_links(arrays, tuple(failures), every, routing.load)


def _lose_members(network: Network, base: Base, failures: Sequence[Failure], routing: Routing) -> FailureFigures:
    """Evaluate failures in which bundles lose a member: where no metric changes, traffic stays where it is."""
    figures = no_figures(len(failures), len(base.load))
    for row, failure in enumerate(failures):
        record_shrunk(network, base, failure, routing, row, figures)
    return figures


def record_shrunk(
    network: Network, base: Base, failure: Failure, routing: Routing, row: int, figures: FailureFigures
) -> None:
    """Enter what a failure does in which bundles lose a member; `routing` is that of the whole state."""
    arrays = shrunk(network, failure)
    if failure.links or failure.nodes or (arrays.weight != compile_network(network).weight).any():
        arrays = without(arrays, *failed_in(flatten(arrays, (failure,)), 0))
        routing = route(arrays)
    record(base._replace(capacity=arrays.capacity), routing.load, row, figures)
    figures.lost[row] = routing.lost + routing.discarded + routing.blackholed
    figures.severed[row] = arrays.severed - compile_network(network).severed


def shrunk(network: Network, failure: Failure) -> Arrays:
    """Return the network's arrays with one member less in each bundle that loses one."""
    arrays = compile_network(network)
    capacity, weight = arrays.capacity.copy(), arrays.weight.copy()
    for i in failure.members:
        link, arc = network.links[i].short_of_one(), arrays.arc_of[i]
        capacity[arc] = link.capacity
        metric = network.advertised(i, link) * (EXIT if i in network.exits else 1)
        weight[arc] = metric if weight[arc] < FAR and link.usable else FAR
    return arrays._replace(capacity=capacity, weight=weight)


def _in_order(figures: FailureFigures, order: Sequence[int]) -> FailureFigures:
    """Return figures whose rows are in the order in which the failures were given; `order` says where each belongs."""
    if list(order) == sorted(order):
        return figures
    place = np.array(order, dtype=np.int64)
    back = np.argsort(place)
    causes = figures.worst_failure
    return FailureFigures(
        max_utilisation=figures.max_utilisation[back],
        busiest=figures.busiest[back],
        lost=figures.lost[back],
        severed=figures.severed[back],
        overload=figures.overload[back],
        excess=figures.excess[back],
        dropped=figures.dropped[back],
        worst_utilisation=figures.worst_utilisation,
        worst_failure=np.where(causes >= 0, place[causes], -1),
        load=figures.load,
    )


def _one_after_other(parts: Sequence[FailureFigures], m: int) -> FailureFigures:
    placed, first = list[tuple[Ints, FailureFigures]](), 0
    for part in parts:
        placed.append((np.arange(first, first + len(part.lost), dtype=np.int64), part))
        first += len(part.lost)
    return join(placed, first, m)


def in_links(arrays: Arrays, failures: tuple[Failure, ...], figures: FailureFigures, load: Floats) -> FailureSweep:
    """Word the figures of a sweep by links; `load` is that of each arc with everything up, Mbit/s [m]."""
    intact = load / arrays.capacity
    beaten = figures.worst_utilisation > intact * _TIE
    return FailureSweep(
        failures=failures,
        max_utilisation=figures.max_utilisation,
        busiest=np.append(arrays.link_of, -1)[figures.busiest].astype(np.int64),
        lost=figures.lost,
        severed=figures.severed + arrays.severed,
        overload=figures.overload,
        excess=figures.excess,
        dropped=figures.dropped,
        worst_utilisation=np.where(beaten, figures.worst_utilisation, intact)[arrays.arc_of],
        worst_failure=np.where(beaten, figures.worst_failure, -1)[arrays.arc_of],
    )


def rows_of(sweep: FailureSweep, rows: Sequence[int]) -> FailureSweep:
    """Return a sweep of some of its failures only; the worst of each link stays that of all of them."""
    kept = list(rows)
    return replace(
        sweep,
        failures=tuple(sweep.failures[i] for i in kept),
        max_utilisation=sweep.max_utilisation[kept],
        busiest=sweep.busiest[kept],
        lost=sweep.lost[kept],
        severed=sweep.severed[kept],
        overload=sweep.overload[kept],
        excess=sweep.excess[kept],
        dropped=sweep.dropped[kept],
        worst_failure=np.full_like(sweep.worst_failure, -1),
    )


def joined(parts: Sequence[tuple[Ints, FailureSweep]]) -> FailureSweep:
    """Put sweeps of some failures each, of one state, in their rows, which together are all rows."""
    count = sum(len(rows) for rows, _ in parts)
    one, failures = parts[0][1], dict[int, Failure]()
    figures = {name: np.empty(count, getattr(one, name).dtype) for name in _OF_FAILURES}
    worst, cause = one.worst_utilisation.copy(), np.full_like(one.worst_failure, count)
    for rows, part in parts:
        failures |= zip(rows.tolist(), part.failures, strict=True)
        for name, every in figures.items():
            every[rows] = getattr(part, name)
        here = np.where(part.worst_failure >= 0, rows[part.worst_failure], count)
        use = part.worst_utilisation
        worse = (use > worst) | ((use == worst) & (here < cause))
        worst[worse], cause[worse] = use[worse], here[worse]
    cause[cause == count] = -1
    named = tuple(failures[i] for i in range(count))
    return replace(one, failures=named, worst_utilisation=worst, worst_failure=cause, **figures)


_OF_FAILURES = ("max_utilisation", "busiest", "lost", "severed", "overload", "excess", "dropped")


class _Flat(NamedTuple):
    """Failures of networks whose links lie in the same order, flattened once."""

    places: tuple[Ids, Ids]  # `arc_of` and `back`, the very ones
    nodes: int
    failures: tuple[Failure, ...]
    arrays: FailureArrays


_flat: deque[_Flat] = deque(maxlen=16)


def flatten(arrays: Arrays, failures: Sequence[Failure]) -> FailureArrays:
    """Return the failures as arrays of arcs and nodes; where one direction fails, neither is used any more.

    Raises `UnknownElementError` on a position beyond the network.
    """
    every, nodes = tuple(failures), len(arrays.up)
    if len(every) > _REMEMBERED:
        return _flatten(arrays, every)
    for known in tuple(_flat):
        same = known.places[0] is arrays.arc_of and known.places[1] is arrays.back and known.nodes == nodes
        if same and known.failures == every:
            return known.arrays
    found = _flatten(arrays, every)
    _flat.append(_Flat((arrays.arc_of, arrays.back), nodes, every, found))
    return found


def _flatten(arrays: Arrays, failures: tuple[Failure, ...]) -> FailureArrays:
    links = [sorted(set(failure.links)) for failure in failures]
    nodes = [sorted(set(failure.nodes)) for failure in failures]
    _require_known("link", links, len(arrays.head))
    both = [sorted({int(x) for arc in arrays.arc_of[row] for x in (arc, arrays.back[arc])}) for row in links]
    _require_known("node", nodes, len(arrays.up))
    return read_only(
        FailureArrays(
            np.fromiter(accumulate(map(len, both), initial=0), np.int32),
            np.array([x for row in both for x in row], dtype=np.int32),
            np.fromiter(accumulate(map(len, nodes), initial=0), np.int32),
            np.array([x for row in nodes for x in row], dtype=np.int32),
        )
    )


def _require_known(kind: str, rows: Sequence[list[int]], count: int) -> None:
    for position in (x for row in rows for x in (row[:1] + row[-1:])):
        if not 0 <= position < count:
            raise UnknownElementError(f"{kind} at position", str(position), map(str, range(count)))


def base_state(arrays: Arrays, routing: Routing) -> Base:
    """Return the state that dynamic updates start from."""
    dist, volume = routing.paths.dist, routing.volume
    apart = np.argwhere(dist >= FAR)
    t, s = apart.T
    stranded = apart[(volume[t, s] > 0) & arrays.up[t] & arrays.up[s]]
    return read_only(
        Base(
            dist=dist,
            passing=routing.passing,
            volume=volume,
            offered=arrays.offered,
            load=routing.load,
            capacity=arrays.capacity,
            loss=1 - arrays.keep,
            limit=1.0,
            noise=min(_ROUNDING * float(arrays.offered.sum()), _MOST_NOISE),
            arc_of=arrays.arc_of,
            stranded=np.ascontiguousarray(stranded, dtype=np.int64),
        )
    )


def steering(arrays: Arrays, routing: Routing) -> Steering:
    """Return how the tunnels bear on each target."""
    n, tunnels = len(arrays.up), arrays.tunnels
    legs = _pair(tunnels.leg_to, tunnels.leg_from, n)
    pairs = np.unique(np.concatenate([legs, _pair(tunnels.target, tunnels.source, n)]))
    targets = (pairs // n).astype(np.int32)
    touched = np.bincount(targets, minlength=n) > 0
    return read_only(
        Steering(
            tunnels=tunnels,
            active=(touched | (routing.volume > 0).any(axis=1)) & arrays.up,
            cut=routing.paths.dist[tunnels.leg_to, tunnels.leg_from] >= FAR,
            first_leg=offsets(tunnels.leg_to, n),
            legs=np.argsort(tunnels.leg_to, kind="stable").astype(np.int32),
            first_pair=offsets(targets, n),
            sources=(pairs % n).astype(np.int32),
            blackholed=routing.blackholed,
        )
    )


def _pair(target: Ids, source: Ids, n: int) -> Ints:
    return target.astype(np.int64) * n + source
