"""States that differ little from one network, put under its failures together: what they have in common is found once.

The failures come part by part, the most telling ones first. A state that one of them makes surely worse meets no
further part; those that are left are swept to the end.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from twin.engines.seam import Engine
from twin.gate.checks.stressed import Stressed
from twin.gate.rules import surely_worse
from twin.model import Ints, Network
from twin.policy import Policy
from twin.sim.failure_sweep import joined, rows_of
from twin.sim.simulate import FailureSweep
from twin.sim.succession import can_follow, sweep_states

from .baseline import beside
from .foretold import foretold

_FIRST = 16
"""Failures that are tried first: most states that are not safe show it there."""

Sweeps = Mapping[float, FailureSweep]
"""What every failure does to a state, by what all its demands are multiplied by."""


class Sifted(NamedTuple):
    """What came of one state: the first failure, by position, that makes it surely worse, and its sweeps if swept."""

    worse: int | None
    sweeps: Sweeps | None


class Sifting(NamedTuple):
    """How states are sifted: by which rules, with demands times which factors, in which order of failures, by whom."""

    policy: Policy
    factors: Sequence[float]
    order: Sequence[int]
    at_once: bool  # whether no failure tells anything before all are known
    engine: Engine
    spent: Callable[[], bool]


def are_nearby(network: Network, states: Sequence[Network]) -> bool:
    """Whether states can be swept together with the network: see `can_follow`; loads have to grow in proportion."""
    return not any(x.limits for x in (network, *states)) and can_follow((network, *states))


def sift(start: Stressed, states: Sequence[Stressed], sifting: Sifting) -> list[Sifted]:
    """Put states under all failures of `start`, the network before; what time runs out for stays unknown."""
    found = [_declared(start, x, sifting) or Sifted(None, None) for x in states]
    left: list[int] = [i for i, x in enumerate(found) if x.sweeps is None]
    parts: list[tuple[Ints, dict[int, Sweeps]]] = []
    if not sifting.at_once:
        order = foretold(start, [states[i].network for i in left], sifting.order, max(sifting.factors))
        sifting = sifting._replace(order=order)
    for rows in _parts(sifting):
        if not left or sifting.spent():
            return found
        swept = dict(zip(left, _swept(start, [states[i].network for i in left], rows, sifting), strict=True))
        parts.append((rows, swept))
        found = [
            Sifted(_worse(start, states[i], rows, swept[i], sifting), None) if i in swept else x
            for i, x in enumerate(found)
        ]
        left = [i for i in left if found[i].worse is None or sifting.at_once]
    for i in left:
        sweeps = {x: joined([(rows, swept[i][x]) for rows, swept in parts]) for x in sifting.factors}
        found[i] = found[i]._replace(sweeps=sweeps)
    return found


def _declared(start: Stressed, state: Stressed, sifting: Sifting) -> Sifted | None:
    """Sift what is as declared by its own loads: whoever asks next, whether it lasts, has them for every hour."""
    kept = beside(start, state.network) if state.as_declared else None
    if kept is None:
        return None
    swept = {x: kept.grown(x).sweep for x in sifting.factors}
    sweeps = {x: sweep for x, sweep in swept.items() if sweep is not None}
    return Sifted(_worse(start, state, np.arange(len(start.failures)), sweeps, sifting), sweeps)


def _parts(sifting: Sifting) -> Iterator[Ints]:
    """Cut the failures: each part as large as all before it."""
    order, first = np.array(sifting.order, dtype=np.int64), 0
    while first < len(order):
        last = len(order) if sifting.at_once else min(len(order), first + max(_FIRST, first))
        yield order[first:last]
        first = last


def _swept(start: Stressed, states: Sequence[Network], rows: Ints, sifting: Sifting) -> list[Sweeps]:
    failures = [start.failures[int(i)] for i in rows]
    variants = [(k, x) for k in range(1, len(states) + 1) for x in sifting.factors]
    sweeps = sweep_states((start.network, *states), failures, start.limit, variants, sifting.engine)
    by_variant = dict(zip(variants, sweeps, strict=True))
    return [{x: by_variant[k, x] for x in sifting.factors} for k in range(1, len(states) + 1)]


def _worse(start: Stressed, state: Stressed, rows: Ints, sweeps: Sweeps, sifting: Sifting) -> int | None:
    """Return the first of some failures that makes a state surely worse, None where none does."""
    for factor in sifting.factors:
        before = start.grown(factor)
        if before.sweep is None:
            continue
        chosen = tuple(start.failures[int(i)] for i in rows)
        was = Stressed(before.network, chosen, start.limit, rows_of(before.sweep, rows.tolist()))
        now = Stressed(state.network, chosen, start.limit, sweeps[factor], as_declared=state.as_declared)
        worse = surely_worse(was, now, sifting.policy)
        if worse.size:
            return int(rows[worse[0]])
    return None
