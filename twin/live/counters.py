"""Octet counters of interfaces, and the poller that reads them: what makes measured rates differ from true ones."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from twin.model import Floats

OCTETS_PER_MBIT = 125_000.0


@dataclass
class CounterBank:
    """64-bit octet counters, one per interface, that run on from any value and wrap.

    A poll asks at the end of each interval, but an interface answers with what its counter was up to `jitter_s` before
    (line cards export to the route processor every second or so). A rate needs two polls in a row: one gap
    costs two intervals.
    """

    size: int
    seed: list[int]
    interval_s: float
    jitter_s: float
    _octets: NDArray[np.uint64] = field(init=False)
    _remainder: Floats = field(init=False)
    _read: NDArray[np.uint64] = field(init=False)
    _known: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self._octets = np.random.default_rng(self.seed).integers(0, 2**64, self.size, dtype=np.uint64)
        self._remainder = np.zeros(self.size)
        self._read = self._octets.copy()
        self._known = np.ones(self.size, dtype=bool)

    def poll(
        self, mbps: Floats, age: Floats, answered: NDArray[np.bool_], stuck: NDArray[np.bool_] | None = None
    ) -> Floats:
        """Count one interval at true rates `mbps`, poll, and return measured rates; NaN where there is none.

        `age` is how old each answer is as a share of `jitter_s`, `answered` which interfaces answered, `stuck` which
        ones answer with the same value as before, while they go on counting.
        """
        exact = mbps * self.interval_s * OCTETS_PER_MBIT + self._remainder
        whole = np.floor(exact)
        self._remainder = exact - whole
        self._octets = self._octets + whole.astype(np.uint64)
        stale = np.floor(np.minimum(mbps * age * self.jitter_s * OCTETS_PER_MBIT, whole)).astype(np.uint64)
        value = self._octets - stale
        if stuck is not None:
            value = np.where(stuck, self._read, value)
        rate = (value - self._read) / (self.interval_s * OCTETS_PER_MBIT)
        measured = np.where(answered & self._known, rate, np.nan)
        self._read, self._known = value, answered.copy()
        return measured
