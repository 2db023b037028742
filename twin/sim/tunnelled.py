"""The states of one network that differ in their tunnels alone: each swept by adding up what the moved demands do.

A state costs what the failures do that touch its moved demands, and no sweep of its own.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints, Network, Tunnel

from .arrays import FAR
from .simulate import Failure, FailureSweep
from .superposed import LoneLoads, MovedLoads, Superposition, SweptLoads
from .walked import astray_adds_up

PAYS = 1 << 20
"""Loads, of each link under each failure, from which adding up is quicker than a sweep: some 300 nodes."""

Pair = tuple[str, str]


class _Moved(NamedTuple):
    pair: tuple[int, int]  # source and target, by position
    tunnels: tuple[Tunnel | None, Tunnel | None]  # before and now
    volume: float  # Mbit/s


class TunnelledStates:
    """A network, its failures, and the sweeps of it under other tunnels; the network itself is swept once."""

    def __init__(
        self, network: Network, failures: Sequence[Failure], known: tuple[Superposition, SweptLoads] | None = None
    ) -> None:
        self.network, self.failures = network, tuple(failures)
        self._known = known
        self._swept: tuple[Network, dict[tuple[float, float], FailureSweep]] | None = None  # the latest state
        self._latest: tuple[Network, list[_Moved] | None] | None = None
        self._alone: dict[tuple[int, int, Tunnel | None], LoneLoads] = {}

    def sweep(self, state: Network, limit: float, *, factor: float = 1.0) -> FailureSweep | None:
        """Return what each failure does to a state, with all demands times `factor`, or None where that is no sum.

        `state` is the network with demands as they are; it may have other tunnels and nothing else. Excess counts from
        `limit`, a share of capacity.
        """
        if not self.failures or (factor != 1 and state.limits) or not astray_adds_up(state):
            return None
        moves = self._moves(state)
        if moves is None:
            return None
        if self._swept is None or self._swept[0] is not state:
            self._swept = state, {}
        if (limit, factor) not in self._swept[1]:
            demands, swept = self._whole
            moved = MovedLoads(swept, ())
            for pair, tunnels, volume in moves:
                off, onto = (self._loads(pair, x) for x in tunnels)
                moved = moved.moved(off, onto, volume)
            self._swept[1][limit, factor] = demands.sweep(moved.grown(factor), limit)
        return self._swept[1][limit, factor]

    def missed(self, state: Network, row: int, before: tuple[Ints, Floats]) -> tuple[Ints, Floats] | None:
        """Return what demands miss in a state under a failure, by position as `Shortfall` has it, None where unknown.

        `before` is what they miss in the network itself: those alone that go by other tunnels may miss more or less.
        """
        arrays, moves = self._whole[0].arrays, self._moves(state)
        if moves is None or (arrays.keep[arrays.weight < FAR] < 1).any() or not astray_adds_up(state):
            return None
        (where, amounts), n = before, len(arrays.up)
        for pair, tunnels, volume in moves:
            place, lone = pair[1] * n + pair[0], self._loads(pair, tunnels[1])
            at = int(np.searchsorted(lone.rows, row))
            touched = at < len(lone.rows) and lone.rows[at] == row
            missing = volume * float(lone.lost_under[at] if touched else lone.lost)
            others = where != place
            where, amounts = where[others], amounts[others]
            if missing > 0:
                into = int(np.searchsorted(where, place))
                where, amounts = np.insert(where, into, place), np.insert(amounts, into, missing)
        return where, amounts

    def _moves(self, state: Network) -> list[_Moved] | None:
        """Return the demands that go by other tunnels in a state; None where it differs in more, or by several each."""
        if self._latest is not None and self._latest[0] is state:
            return self._latest[1]
        found = self._found(state) if self.differs_in_tunnels(state) else None
        self._latest = state, found
        return found

    def _found(self, state: Network) -> list[_Moved] | None:
        was, now, found = _by_pair(self.network), _by_pair(state), list[_Moved]()
        for ends in sorted({*was, *now}):
            before, after = was.get(ends, ()), now.get(ends, ())
            if before == after:
                continue
            if len(before) > 1 or len(after) > 1:
                return None
            pair = self.network.node(ends[0]), self.network.node(ends[1])
            tunnels = before[0] if before else None, after[0] if after else None
            found.append(_Moved(pair, tunnels, float(self.network.offered[pair])))
        return found

    @cached_property
    def _whole(self) -> tuple[Superposition, SweptLoads]:
        if self._known is not None:
            return self._known
        demands = Superposition(self.network, self.failures)
        return demands, demands.total()

    def _loads(self, pair: tuple[int, int], tunnel: Tunnel | None) -> LoneLoads:
        key = *pair, tunnel
        if key not in self._alone:
            self._alone[key] = self._whole[0].alone(*pair, tunnel)
        return self._alone[key]

    def differs_in_tunnels(self, state: Network) -> bool:
        """Whether a state is the network, or has other tunnels and nothing else."""
        base = self.network
        same = (base.nodes, base.links, base.limits, base.astray) == (
            state.nodes,
            state.links,
            state.limits,
            state.astray,
        )
        return same and (base.demands is state.demands or np.array_equal(base.demands, state.demands))


def tunnelled_states(network: Network, failures: Sequence[Failure]) -> TunnelledStates | None:
    """Return the states of a network that are swept by adding up; None where a sweep of each is as quick."""
    pays = len(failures) * len(network.links) >= PAYS and astray_adds_up(network)
    return TunnelledStates(network, failures) if pays else None


def _by_pair(network: Network) -> dict[Pair, tuple[Tunnel, ...]]:
    found: dict[Pair, tuple[Tunnel, ...]] = {}
    for tunnel in network.tunnels:
        ends = tunnel.source, tunnel.target
        found[ends] = (*found.get(ends, ()), tunnel)
    return found
