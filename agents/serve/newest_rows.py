"""The newest rows of a table in memory that is taken at once: what fills over days makes no process grow."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.model import Floats


class NewestRows:
    """Rows with a time each, the oldest first; where there is room for no more, the oldest go."""

    def __init__(self, most: int, shape: tuple[int, ...], blank: int) -> None:
        """Take the memory for `most` rows of unsigned 16 bits, `shape` each, and write it, so that it is really had."""
        self._times = np.full(most, np.nan)
        self._rows = np.full((most, *shape), blank, np.uint16)
        self._begin = self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def shape(self) -> tuple[int, ...]:
        """That of one row."""
        return self._rows.shape[1:]

    def add(self, time: float, row: NDArray[np.uint16]) -> None:
        """Add the newest row."""
        place = self._place(self._length)
        self._times[place], self._rows[place] = time, row
        if self._length < len(self._times):
            self._length += 1
        else:
            self._begin = self._place(1)

    def forget_from(self, time: float) -> None:
        """Drop the rows of a time and after it."""
        while self._length and self._times[self._place(self._length - 1)] >= time:
            self._length -= 1

    def last(self) -> NDArray[np.uint16]:
        """The newest row. Raises `IndexError` when there is none."""
        if not self._length:
            raise IndexError("there is no row")
        return self._rows[self._place(self._length - 1)]

    def between(self, since: float = -np.inf, until: float = np.inf) -> tuple[Floats, NDArray[np.uint16]]:
        """Return copies of the times after `since` and not after `until`, and of their rows."""
        order = (self._begin + np.arange(self._length)) % max(len(self._times), 1)
        times = self._times[order]
        chosen = (times > since) & (times <= until)
        return times[chosen], self._rows[order[chosen]]

    def fill(self, times: NDArray[Any], rows: NDArray[np.uint16]) -> None:
        """Add rows that were kept on file, of them the newest that there is room for."""
        most = len(self._times)
        for time, row in zip(times[-most:], rows[-most:], strict=True):
            self.add(float(time), row)

    def _place(self, number: int) -> int:
        return (self._begin + number) % len(self._times)
