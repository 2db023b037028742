"""Demands as flow export has them: rates of the pairs that may have traffic, sample by sample, not of all pairs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from twin.live.network import Flags
from twin.model import Floats, Ints

from .with_gaps import mean


@dataclass(frozen=True)
class Exported:
    """The demands of E samples in time order. Pairs that are not named have no traffic."""

    nodes: int
    pair: Ints  # [q] source times nodes plus target, in order
    mbps: Floats  # [E, q] NaN where it was not measured

    def __len__(self) -> int:
        return len(self.mbps)

    def __iter__(self) -> Iterator[Floats]:
        """Yield the matrix of each sample, one at a time."""
        return (self.matrix(row) for row in range(len(self)))

    @property
    def source(self) -> Ints:
        """Position of the node that sends each pair's traffic [q]."""
        return self.pair // self.nodes

    @cached_property
    def target(self) -> Ints:
        """Position of the node that each pair's traffic is for [q]."""
        return self.pair % self.nodes

    def matrix(self, row: int) -> Floats:
        """The demands of one sample, Mbit/s by source first [n, n]."""
        return self.placed(self.mbps[row])

    def placed(self, values: Floats, others: float = 0.0) -> Floats:
        """Return values of the pairs [q] as a matrix by source first [n, n], in which other pairs have `others`."""
        matrix = np.full(self.nodes * self.nodes, others)
        matrix[self.pair] = values
        return matrix.reshape(self.nodes, self.nodes)

    def of(self, matrix: Floats) -> Floats:
        """Pick the values of the pairs [q] from a matrix by source first [n, n]."""
        return matrix.ravel()[self.pair]

    def mean(self) -> Floats:
        """Mean of what was measured of each pair, Mbit/s [n, n]; NaN where nothing was."""
        return self.placed(mean(self.mbps), 0.0 if len(self) else np.nan)

    def known(self) -> Flags:
        """Whether anything was measured of each pair [n, n]; of one that has no traffic, where there is a sample."""
        measured = np.asarray(np.isfinite(self.mbps).any(axis=0), dtype=np.float64)
        return self.placed(measured, float(bool(len(self)))) > 0

    def towards(self, node: int) -> Floats:
        """The demands for one node in every sample, Mbit/s [E, n]."""
        found, chosen = np.zeros((len(self), self.nodes)), self.target == node
        found[:, self.source[chosen]] = self.mbps[:, chosen]
        return found

    def arriving(self, rates: Floats) -> Floats:
        """All that goes to each node, Mbit/s [n], when the pairs have these rates [q]."""
        total: Floats = np.bincount(self.target, rates, self.nodes).astype(np.float64, copy=False)
        return total

    def rows(self, chosen: slice | Sequence[int] | Ints) -> "Exported":
        """Return only some samples, by position, in their order."""
        return replace(self, mbps=self.mbps[chosen])
