"""Traffic that was measured elsewhere, played again in place of the drawn one."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from twin.errors import InputError
from twin.model import Floats, Network


@dataclass(frozen=True)
class Replay:
    """Matrices [T, n, n] in Mbit/s, `bin_s` apart, from `start` on; after the last one the first comes again.

    Read them with `twin.formats.traffic.read_traffic`. The network's provisioned matrix must have every pair that
    has traffic: `provisioned` makes it so.
    """

    demands: Floats
    bin_s: float
    start: datetime

    def at(self, moment: datetime) -> Floats:
        """The matrix of this moment, Mbit/s [n, n]."""
        number = int((moment - self.start).total_seconds() // self.bin_s)
        return np.asarray(self.demands[number % len(self.demands)], dtype=np.float64)

    def provisioned(self, network: Network) -> Network:
        """The network under the largest demand that each pair ever has."""
        return network.with_demands(self.demands.max(axis=0))

    def check(self, network: Network) -> None:
        """Make sure that it can be played on this network. Raises `InputError`."""
        n = len(network.nodes)
        if self.demands.ndim != 3 or self.demands.shape[1:] != (n, n) or not len(self.demands):
            raise InputError(
                f"traffic of shape {self.demands.shape} is not for {n} nodes",
                fix="give matrices [T, n, n] of this network",
            )
        if not self.bin_s > 0 or self.start.tzinfo is None:
            raise InputError("a replay needs a positive bin and a start with a time zone", fix="use for example 900 s")
        if ((self.demands > 0).any(axis=0) & (network.demands == 0)).any():
            raise InputError(
                "the replayed traffic has pairs without a provisioned demand", fix="emulate replay.provisioned(network)"
            )
