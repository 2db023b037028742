"""The states that a plan passes through, all swept together under every failure: see `successive` for how."""

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple, TypeVar, cast

import numpy as np

from twin.engines.seam import Engine, Serial, in_order
from twin.model import Floats, Ints, Network

from .arrays import EXIT, FAR, Arrays, Flags, Ids, compile_network, offsets, read_only
from .chunks import PIECES, FailureChunk, join, some_of
from .failing import Base, FailureArrays, FailureFigures, Steering, fail_each, no_figures, record_each, state_for
from .failure_sweep import base_state, flatten, steering, with_members
from .graph import Records, graph_of
from .meeting import compare
from .pairs import Words
from .route import Routing, needs_full, route
from .simulate import Failure, FailureSweep
from .successive import Block, Succession, SuccessiveFigures, Variants, Work, base_of, fail_successively
from .update import scratch_for

_HERE = Serial()
_Kept = TypeVar("_Kept", Floats, Ints)
_SIDE_BY_SIDE = 32  # failures evaluated target by target: twice as many gain nothing more
_CACHE = 1 << 19  # bytes of differences of one state, at most: with the rows of a target they stay near the core
PAYS = 1 << 17
"""Loads, of each link under each failure, from which states are swept together: some 110 nodes."""
_MEMORY = 1 << 29  # bytes that the matrices of states which are swept together may take


class _Shared(NamedTuple):
    arrays: tuple[Arrays, ...]
    steering: tuple[Steering, ...]
    states: Succession
    variants: Variants


class SuccessiveSweeps:
    """States that follow one another, under the same failures; all are swept once somebody asks for one of them.

    Some of them, by position, are swept with all their demands multiplied as well: `grown`.
    """

    def __init__(
        self,
        networks: Sequence[Network],
        failures: Sequence[Failure],
        limit: float,
        *,
        grown: Sequence[tuple[int, float]] = (),
        engine: Engine = _HERE,
    ) -> None:
        """Take the states in their order; excess counts from `limit`, a share of capacity."""
        self._networks, self._failures, self._limit, self._engine = tuple(networks), tuple(failures), limit, engine
        self._asked = [(k, 1.0) for k in range(len(self._networks))]
        self._asked += [(k, factor) for k, factor in sorted({*grown}) if not self._networks[k].limits]

    def sweep(self, state: Network, limit: float, *, factor: float = 1.0) -> FailureSweep | None:
        """Return what each failure does to one of the states, with all demands times `factor`; None where unknown."""
        if limit != self._limit:
            return None
        wanted = ((x, k) for x, k in self._swept if k[1] == factor and self._networks[k[0]] is state)
        return next((x for x, _ in wanted), None)

    @cached_property
    def _swept(self) -> list[tuple[FailureSweep, tuple[int, float]]]:
        n = len(self._networks[0].nodes)
        most, found = max(2, _MEMORY // (16 * n * n)), list[tuple[FailureSweep, tuple[int, float]]]()
        for first in range(0, len(self._networks), most):
            asked = [(k, factor) for k, factor in self._asked if first <= k < first + most]
            some = self._networks[first : first + most]
            sweeps = sweep_states(
                some, self._failures, self._limit, [(k - first, factor) for k, factor in asked], self._engine
            )
            found += zip(sweeps, asked, strict=True)
        return found


def can_follow(networks: Sequence[Network]) -> bool:
    """Whether states can be swept together: they differ in weights, drains, tunnels and demands, and have no exits."""
    arrays = [compile_network(x) for x in networks]
    exits = any(bool(((x.weight >= EXIT) & (x.weight < FAR)).any()) for x in arrays)
    same = all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for a, b in pairwise(arrays)
        for name in ("tail", "head", "back", "up", "keep")
    )
    return same and not exits and not any(needs_full(x) for x in arrays)


def sweep_states(
    networks: Sequence[Network],
    failures: Sequence[Failure],
    limit: float,
    variants: Sequence[tuple[int, float]],
    engine: Engine = _HERE,
) -> list[FailureSweep]:
    """Evaluate every failure of states that `can_follow` one another, near enough that each differs little.

    One sweep for each of the variants: a state, by position, and what all its demands are multiplied by. Equal to
    sweeping each of them, whoever does it.
    """
    arrays = [compile_network(x) for x in networks]
    routings = [route(x) for x in arrays]
    whole = [x for x in failures if not x.members]
    state, factor = (np.array([x[i] for x in variants]) for i in (0, 1))
    bases = [base_state(a, r) for a, r in zip(arrays, routings, strict=True)]
    noise = np.array([x.noise for x in bases])
    shared = _Shared(
        tuple(arrays),
        tuple(steering(a, r) for a, r in zip(arrays, routings, strict=True)),
        succession(arrays, routings, bases, limit),
        Variants(state.astype(np.int64), factor.astype(np.float64), noise[state] * np.minimum(factor, 1.0)),
    )
    chunks = _cut(flatten(arrays[0], whole), engine)
    parts = in_order(engine, evaluate_states, shared, chunks)
    found: list[FailureSweep] = []
    for v, (k, times) in enumerate(variants):
        mine = [(chunk.rows, part[v]) for chunk, part in zip(chunks, parts, strict=True)]
        figures = join(mine, len(whole), len(arrays[0].head)) if whole else None
        network, routing, base = networks[k], routings[k], bases[k]
        if times != 1 and len(whole) == len(failures):
            routing = routing._replace(load=times * routing.load)  # no more of it is asked for
        elif times != 1:
            network = network.with_demands(network.demands * times)
            routing = route(compile_network(network), routing.paths)
            base = base_state(compile_network(network), routing)
        found.append(with_members(network, failures, figures, routing, base._replace(limit=limit)))
    return found


def _cut(failures: FailureArrays, engine: Engine) -> list[FailureChunk]:
    count = len(failures.first_arc) - 1
    pieces = 1 if engine.workers == 1 else max(1, min(max(PIECES, 4 * engine.workers), count // 8))
    # every so many of them, as one kind of failure costs more than another and they come kind by kind
    return [
        FailureChunk(rows, some_of(failures, rows))
        for rows in (np.arange(first, count, pieces) for first in range(pieces))
        if rows.size
    ]


def evaluate_states(shared: _Shared, chunk: FailureChunk) -> list[FailureFigures]:
    """Evaluate one chunk: the figures of every variant."""
    states, variants, failures = read_only(shared.states), read_only(shared.variants), read_only(chunk.failures)
    figures = _no_figures(len(variants.state), len(chunk.rows), states.load.shape[1])
    arcs = np.stack([cast("Floats", graph_of(x).arcs) for x in shared.arrays])
    work = _work(len(states.active), states.load.shape[1])
    fail_successively(cast("Sequence[Records]", arcs), states, failures, variants, _block(states), work, figures)
    severs = np.flatnonzero(figures.severs)
    found = [FailureFigures(*(x[v] for x in figures[:-1]), load=np.zeros((0, 0))) for v in range(len(variants.state))]
    if not severs.size:
        return found
    some, rows = read_only(some_of(failures, severs)), np.arange(len(chunk.rows))
    for k in np.flatnonzero(states.has_tunnels):
        load = _each(shared, int(k), some)
        for v in np.flatnonzero(variants.state == k):
            again = _times(load, shared, int(v))
            found[v] = join([(rows, found[v]), (severs, again)], len(rows), states.load.shape[1])
    return found


def _each(shared: _Shared, k: int, failures: FailureArrays) -> FailureFigures:
    """Evaluate failures of one state on their own, with the loads under each."""
    arrays, base = shared.arrays[k], read_only(base_of(shared.states, k, 0.0))
    figures = no_figures(len(failures.first_arc) - 1, len(arrays.head), loads=True)
    steers = read_only(shared.steering[k])
    fail_each(graph_of(arrays), base, steers, failures, state_for(base, steers), figures)
    return figures


def _times(known: FailureFigures, shared: _Shared, v: int) -> FailureFigures:
    """Word the figures of a state for one of its variants."""
    k, factor, noise = (x[v] for x in shared.variants)
    figures = no_figures(*known.load.shape)
    figures.lost[:], figures.severed[:] = factor * known.lost, factor * known.severed
    record_each(read_only(base_of(shared.states, int(k), float(noise))), factor * known.load, 0, figures)
    return figures


def _no_figures(variants: int, rows: int, m: int) -> SuccessiveFigures:
    return SuccessiveFigures(
        max_utilisation=np.zeros((variants, rows)),
        busiest=np.full((variants, rows), -1, np.int64),
        lost=np.zeros((variants, rows)),
        severed=np.zeros((variants, rows)),
        overload=np.zeros((variants, rows)),
        excess=np.zeros((variants, rows)),
        dropped=np.zeros((variants, rows)),
        worst_utilisation=np.zeros((variants, m)),
        worst_failure=np.full((variants, m), -1, np.int64),
        severs=np.zeros(rows, np.bool_),
    )


def _block(states: Succession) -> Block:
    (count, m), n = states.load.shape, len(states.active)
    size = min(_SIDE_BY_SIDE, max(1, _CACHE // (8 * m)))
    return Block(
        failed=np.zeros((size, n), np.bool_),
        broken=np.zeros((size, count, m + 1), np.int64),
        delta=np.zeros((count, size, m)),
        lost=np.zeros((size, count)),
    )


def _work(n: int, m: int) -> Work:
    return Work(scratch=scratch_for(n, m), load=np.zeros(m), arc=np.zeros(m + 1, np.int64), change=np.zeros(m + 1))


class _Steps(NamedTuple):
    """What tells each state from the one before it; see `Succession`."""

    moved: Words
    touched: Words
    differs: Flags
    nears: Flags
    first_changed: Ids
    changed: Ids


def succession(
    arrays: Sequence[Arrays], routings: Sequence[Routing], bases: Sequence[Base], limit: float
) -> Succession:
    """Return the evaluated states side by side, and what each step between them moves."""
    count, one, n = len(arrays), arrays[0], len(arrays[0].up)
    dist, dist_of = _once([x.dist for x in bases])
    every = [*(x.passing for x in bases), *(x.volume for x in bases), *(x.offered for x in bases)]
    matrices, places = _once(every)
    legs = np.unique(np.concatenate([(x.tunnels.leg_to, x.tunnels.leg_from) for x in arrays], axis=1), axis=1)
    ends_leg = np.zeros(n, np.bool_)
    for x in arrays:
        for nodes in (x.tunnels.source, x.tunnels.target, x.tunnels.leg_from, x.tunnels.leg_to):
            ends_leg[nodes] = True
    return Succession(
        first_out=one.first_out,
        first_in=one.first_in,
        arc_in=one.arc_in,
        no_transit=np.stack([x.no_transit for x in arrays]),
        dist=dist,
        matrices=matrices,
        dist_of=dist_of,
        passing_of=places[:count],
        volume_of=places[count : 2 * count],
        offered_of=places[2 * count :],
        load=np.stack([x.load for x in bases]),
        capacity=np.stack([x.capacity for x in bases]),
        loss=1 - one.keep,
        limit=limit,
        arc_of=one.arc_of,
        active=np.any([(x.volume > 0).any(axis=1) for x in bases], axis=0) & one.up,
        first_stranded=np.cumsum([0, *(len(x.stranded) for x in bases)]),
        stranded=np.concatenate([x.stranded for x in bases]),
        blackholed=np.array([x.blackholed for x in routings]),
        **_steps(arrays, routings)._asdict(),
        first_leg=offsets(legs[0].astype(np.int32), n),
        leg_from=legs[1].astype(np.int32),
        has_tunnels=np.array([len(x.tunnels.source) > 0 for x in arrays]),
        ends_leg=ends_leg,
    )


def _steps(arrays: Sequence[Arrays], routings: Sequence[Routing]) -> _Steps:
    count, n = len(arrays), len(arrays[0].up)
    moved = np.zeros((count, n, (n >> 6) + 1), np.uint64)
    touched, differs = np.zeros_like(moved), np.zeros((count, n), np.bool_)
    nears, changed = np.zeros(count, np.bool_), [np.zeros(0, np.int64)]
    graphs, sides = [graph_of(x) for x in arrays], [(x.paths.dist, x.passing) for x in routings]
    for k, (before, after) in enumerate(pairwise(arrays), start=1):
        compare(graphs[k - 1], graphs[k], sides[k - 1], sides[k], moved[k], touched[k], differs[k])
        shut, open_after = before.no_transit[before.head], ~after.no_transit[after.head]
        changed.append(np.flatnonzero((before.weight != after.weight) | (shut == open_after)))
        nears[k] = bool(((after.weight < before.weight) | (shut & open_after)).any())
    first = np.cumsum([0, *map(len, changed)])
    return _Steps(moved, touched, differs, nears, first.astype(np.int32), np.concatenate(changed).astype(np.int32))


def _once(matrices: Sequence[_Kept]) -> tuple[_Kept, Ints]:
    """Return matrices, each that is equal to one of the two before it left out, and where each of them is now."""
    kept, places = list[_Kept](), list[int]()
    for matrix in matrices:
        recent = range(max(0, len(kept) - 2), len(kept))
        place = next((i for i in recent if kept[i] is matrix or np.array_equal(kept[i], matrix)), len(kept))
        kept += [matrix] if place == len(kept) else []
        places.append(place)
    return cast("_Kept", np.stack(kept)), np.array(places, dtype=np.int64)
