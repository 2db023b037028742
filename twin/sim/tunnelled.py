"""The states of one network that differ in their tunnels alone: each swept by adding up what the moved demands do.

A state costs what the failures do that touch its moved demands, and no sweep of its own.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from twin.model import Network, Tunnel

from .simulate import Failure, FailureSweep
from .superposed import LoneLoads, MovedLoads, Superposition, SweptLoads
from .walked import astray_adds_up

PAYS = 1 << 20
"""Loads, of each link under each failure, from which adding up is quicker than a sweep: some 300 nodes."""

Pair = tuple[str, str]


class TunnelledStates:
    """A network, its failures, and the sweeps of it under other tunnels; the network itself is swept once."""

    def __init__(
        self, network: Network, failures: Sequence[Failure], known: tuple[Superposition, SweptLoads] | None = None
    ) -> None:
        self.network, self.failures = network, tuple(failures)
        self._known = known
        self._alone: dict[tuple[int, int, Tunnel | None], LoneLoads] = {}

    def sweep(self, state: Network, limit: float, *, factor: float = 1.0) -> FailureSweep | None:
        """Return what each failure does to a state, with all demands times `factor`, or None where that is no sum.

        `state` is the network with demands as they are; it may have other tunnels and nothing else. Excess counts from
        `limit`, a share of capacity.
        """
        if not self.failures or (factor != 1 and state.limits) or not self.differs_in_tunnels(state):
            return None
        if not astray_adds_up(state):
            return None
        demands, swept = self._whole
        moved = MovedLoads(swept, ())
        was, now = _by_pair(self.network), _by_pair(state)
        for ends in sorted({*was, *now}):
            before, after = was.get(ends, ()), now.get(ends, ())
            if before == after:
                continue
            if len(before) > 1 or len(after) > 1:
                return None
            pair = self.network.node(ends[0]), self.network.node(ends[1])
            off, onto = (self._loads(pair, x[0] if x else None) for x in (before, after))
            moved = moved.moved(off, onto, float(demands.arrays.offered[pair[1], pair[0]]))
        return demands.sweep(moved.grown(factor), limit)

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
