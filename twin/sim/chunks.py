"""A sweep cut into chunks of failures, each of which is evaluated the same way wherever that is done."""

from collections.abc import Sequence
from contextlib import closing
from typing import NamedTuple

import numpy as np

from twin.engines.seam import Engine
from twin.model import Ints

from .anew import fail_each_anew, state_of
from .arrays import Arrays, Flags, Ids, read_only
from .failing import Base, FailureArrays, FailureFigures, State, Steering, fail_each, no_figures, record, state_for
from .graph import graph_of
from .pairs import CircuitEffects, Pairs, SweepGround, fail_pairs, measure_each, no_effects, with_room
from .route import needs_full, route, without
from .walked import walk_failures, walked_targets

PAYS = 4
"""Pairs per circuit from which on it pays to look at each circuit on its own first."""
PIECES = 32
"""Chunks of a sweep, at least: what is done tells how long the rest takes."""
_BLOCKS = 5  # of circuits, whose pairs make the chunks; each circuit is evaluated once more per block
_EFFECTS = 1 << 27  # bytes that the effects of one block of circuits may take
_CHANGES = 60  # links that one failure changes towards one target, at most as a rule


class Swept(NamedTuple):
    """What every failure is evaluated against."""

    arrays: Arrays
    base: Base
    steering: Steering


class FailureChunk(NamedTuple):
    """Failures that are evaluated together."""

    rows: Ints  # [F] their places in the sweep
    failures: FailureArrays
    pairs: Ints | None = None  # [F, 2] rows of both in `circuits`, where all are pairs of circuits
    circuits: FailureArrays | None = None  # each on its own; its nodes are the ends of its arcs

    @property
    def name(self) -> str:
        """What the chunk is called where it fails."""
        return f"failures {int(self.rows[0]) + 1} to {int(self.rows[-1]) + 1} of the sweep"


def sweep(swept: Swept, failures: FailureArrays, engine: Engine) -> FailureFigures:
    """Evaluate every failure, each on its own, in as many chunks as the engine has use for."""
    count, m = len(failures.first_arc) - 1, len(swept.arrays.head)
    chunks = _cut(swept.arrays, failures, engine)
    found: list[tuple[Ints, FailureFigures]] = []
    with closing(engine.map(evaluate, swept, chunks)) as results:
        found += [(chunks[position].rows, figures) for position, figures in results]
    return join(found, count, m)


def evaluate(swept: Swept, chunk: FailureChunk) -> FailureFigures:
    """Evaluate one chunk."""
    failures = read_only(chunk.failures)
    if needs_full(swept.arrays):
        walked = walked_targets(swept.arrays)
        return _in_full(swept, failures) if walked is None else _walked(swept, failures, walked)
    base, steering = read_only(swept.base), read_only(swept.steering)
    ground, state = SweepGround(graph_of(swept.arrays), base, steering), state_for(base, steering)
    if chunk.pairs is None or chunk.circuits is None:
        return _one_by_one(ground, state, failures)
    circuits = read_only(chunk.circuits)
    effects = _effects(ground, circuits, state)
    figures = no_figures(len(chunk.rows), len(base.load))
    fail_pairs(ground, Pairs(chunk.pairs, failures, circuits), effects, state, figures)
    again = np.flatnonzero(np.isnan(figures.lost))
    if not again.size:
        return figures
    others = _one_by_one(ground, state, read_only(some_of(failures, again)))
    return join([(np.arange(len(chunk.rows)), figures), (again, others)], len(chunk.rows), len(base.load))


def _one_by_one(ground: SweepGround, state: State, failures: FailureArrays) -> FailureFigures:
    figures = no_figures(len(failures.first_arc) - 1, len(ground.base.load))
    fail_each(ground.graph, ground.base, ground.steering, failures, state, figures)
    return figures


def _in_full(swept: Swept, failures: FailureArrays) -> FailureFigures:
    """Route every failed state anew: where tunnels lose traffic on the way, every leg depends on those before it.

    What routers drop otherwise than the IGP says counts as lost.
    """
    arrays, rows = swept.arrays, len(failures.first_arc) - 1
    figures, base = no_figures(rows, len(arrays.head)), read_only(swept.base)
    if not arrays.astray:
        fail_each_anew(base, failures, state_of(arrays), figures)
        figures.lost[:] += arrays.refused
        return figures
    for row in range(rows):
        state = without(arrays, *failed_in(failures, row))
        routing = route(state)
        record(base, routing.load, row, figures)
        figures.lost[row] = routing.lost + routing.discarded + routing.blackholed
        figures.severed[row] = state.severed - arrays.severed
    return figures


def _walked(swept: Swept, failures: FailureArrays, walked: Flags) -> FailureFigures:
    """Evaluate failures where routers go astray that concern few targets; figures as `_in_full` has them."""
    figures, base = no_figures(len(failures.first_arc) - 1, len(swept.arrays.head)), read_only(swept.base)
    for row, found in enumerate(walk_failures(swept.arrays, walked, swept.base, swept.steering, failures)):
        record(base, found.load, row, figures)
        figures.lost[row], figures.severed[row] = found.lost, found.severed
    return figures


def failed_in(failures: FailureArrays, row: int) -> tuple[Ids, Ids]:
    """Return the arcs and the nodes of one failure."""
    arcs = failures.arcs[failures.first_arc[row] : failures.first_arc[row + 1]]
    return arcs, failures.nodes[failures.first_node[row] : failures.first_node[row + 1]]


def _effects(ground: SweepGround, circuits: FailureArrays, state: State) -> CircuitEffects:
    n, m, count = len(ground.base.dist), len(ground.base.load), len(circuits.first_arc) - 1
    effects, at = no_effects(count, n, m), 0
    while (at := measure_each(ground, circuits, state, effects, at)) < count:
        effects = with_room(effects, m)
    return effects


def _cut(arrays: Arrays, failures: FailureArrays, engine: Engine) -> list[FailureChunk]:
    count = len(failures.first_arc) - 1
    pairs = np.zeros((0, 3), np.int64) if needs_full(arrays) else _pairs(arrays, failures)
    circuits = np.unique(pairs[:, 1:])
    if len(pairs) < PAYS * len(circuits) or not len(pairs):
        pairs, circuits = pairs[:0], circuits[:0]
    others = np.setdiff1d(np.arange(count), pairs[:, 0], assume_unique=True)
    pieces = 1 if engine.workers == 1 else max(1, min(max(PIECES, 4 * engine.workers), len(others) // 8))
    chunks = [FailureChunk(rows, some_of(failures, rows)) for rows in np.array_split(others, pieces) if rows.size]
    if not len(pairs):
        return chunks
    blocks = _blocks(arrays, len(circuits), len(pairs), engine)
    places = np.searchsorted(circuits, pairs[:, 1:]) * blocks // len(circuits)
    where = places[:, 0] * blocks + places[:, 1]
    for block in np.unique(where):
        mine = pairs[where == block]
        used, local = np.unique(mine[:, 1:], return_inverse=True)
        alone = _alone(arrays, used)
        chunks.append(FailureChunk(mine[:, 0].copy(), some_of(failures, mine[:, 0]), local.reshape(-1, 2), alone))
    return chunks


def _blocks(arrays: Arrays, circuits: int, pairs: int, engine: Engine) -> int:
    n, m = len(arrays.up), len(arrays.head)
    each = n * ((n // 64 + 1) * 16 + 12 * _CHANGES) + 8 * (n + m)
    spread = 1 if engine.workers == 1 or pairs < 64 * PIECES else _BLOCKS * max(1, round((engine.workers / 4) ** 0.5))
    return max(spread, -(-circuits * each // _EFFECTS))


def _pairs(arrays: Arrays, failures: FailureArrays) -> Ints:
    """Return the rows of the failures that are two circuits and nothing else, and the first arcs of both [., 3]."""
    first = np.minimum(failures.arcs, arrays.back[failures.arcs]).tolist()
    starts, ends = failures.first_arc[:-1].tolist(), failures.first_arc[1:].tolist()
    bare = (failures.first_node[:-1] == failures.first_node[1:]).tolist()
    found: list[tuple[int, int, int]] = []
    for row, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if bare[row] and 2 <= end - start <= 4:
            circuits = sorted(set(first[start:end]))
            if len(circuits) == 2:
                found.append((row, *circuits))
    return np.array(found, dtype=np.int64).reshape(-1, 3)


def _alone(arrays: Arrays, first: Ints) -> FailureArrays:
    """Return circuits, by the first arc of each, as failures; the nodes are the ends of their arcs."""
    both = np.stack([first, arrays.back[first]], axis=1)
    twice = both[:, 0] != both[:, 1]
    keep = np.stack([np.ones(len(first), np.bool_), twice], axis=1)
    starts = np.concatenate([[0], np.cumsum(keep.sum(axis=1))]).astype(np.int32)
    arcs = both[keep].astype(np.int32)
    return FailureArrays(starts, arcs, starts, arrays.tail[arcs].astype(np.int32))


def some_of(failures: FailureArrays, rows: Ints) -> FailureArrays:
    """Return some of the failures."""
    arcs, nodes = _items(failures.first_arc, rows), _items(failures.first_node, rows)
    return FailureArrays(
        _starts(failures.first_arc, rows),
        failures.arcs[arcs],
        _starts(failures.first_node, rows),
        failures.nodes[nodes],
    )


def _starts(first: Ids, rows: Ints) -> Ids:
    return np.concatenate([[0], np.cumsum(first[rows + 1] - first[rows])]).astype(np.int32)


def _items(first: Ids, rows: Ints) -> Ints:
    """Return the positions of the items of some rows, row by row."""
    counts = (first[rows + 1] - first[rows]).astype(np.int64)
    before: Ints = np.cumsum(counts, dtype=np.int64) - counts
    return np.arange(int(counts.sum()), dtype=np.int64) + np.repeat(first[rows] - before, counts)


def join(parts: Sequence[tuple[Ints, FailureFigures]], count: int, m: int) -> FailureFigures:
    """Put figures in their rows; of failures that load a link alike the first of the sweep is its worst."""
    whole = no_figures(count, m)
    for rows, part in parts:
        for name in ("max_utilisation", "busiest", "lost", "severed", "overload", "excess", "dropped"):
            getattr(whole, name)[rows] = getattr(part, name)
        cause = np.where(part.worst_failure >= 0, rows[part.worst_failure], -1)
        use, known = part.worst_utilisation, whole.worst_utilisation
        worse = (cause >= 0) & ((use > known) | ((use == known) & (cause < whole.worst_failure)))
        known[worse], whole.worst_failure[worse] = use[worse], cause[worse]
    return whole
