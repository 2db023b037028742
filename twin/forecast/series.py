"""Many series of one clock as an even grid, with everything said that had to be done to get there."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np

from twin.errors import InputError
from twin.live.network import Flags
from twin.model import Floats, Ints

MOST_CELLS = 50_000_000
"""Bins times series: 400 MB."""
_LATE_S = 60.0
_LAST_S = 2e10  # year 2603
_LARGEST = 1e12
_LONGEST_GRID = 4  # times as many bins as rows


class Series(NamedTuple):
    """S series over T even bins. Gaps are filled with the value before; `known` says where there was a value."""

    names: tuple[str, ...]
    time: Floats  # [T] epoch seconds, the end of each bin
    values: Floats  # [T, S] finite and not negative
    known: Flags  # [T, S]
    interval_s: float
    remarks: tuple[str, ...]  # what was wrong and what was done about it

    @property
    def empty(self) -> Flags:
        """Series that never had a value [S]: nobody can forecast them."""
        return np.asarray(~np.any(self.known, axis=0), dtype=np.bool_)

    @property
    def constant(self) -> Flags:
        """Series with one and the same value throughout [S]."""
        moved: Floats = np.abs(self.values - self.values[-1]).max(axis=0)
        return ~self.empty & (moved == 0)


def arrange(
    time: Floats, values: Floats, names: Sequence[str], *, now: datetime | None = None, interval_s: float | None = None
) -> Series:
    """Put rows [T] of values [T, S] in order on an even grid.

    Rows out of order are sorted, of rows of one time the last counts, rows after `now` and without a finite time are
    left out, values that are negative or beyond 1e12 are taken for missing, gaps are filled with the value before:
    each is said in `remarks`. `interval_s` is by default the median distance of the rows. Raises `InputError` on no
    rows, no series, shapes that do not fit, or no row that is left.
    """
    time, values = np.asarray(time, dtype=np.float64), np.asarray(values, dtype=np.float64)
    _require_shapes(time, values, names)
    remarks: list[str] = []
    time, values = _in_order(time, values, now, remarks)
    interval = interval_s or (float(np.median(np.diff(time))) if len(time) > 1 else 300.0)
    if not (np.isfinite(interval) and interval > 0):
        raise InputError(f"an interval of {interval} s is no time", fix="give the distance of the samples in seconds")
    grid, table = _on_grid(time, values, interval, remarks)
    wrong = (np.nan_to_num(table) < 0) | (np.nan_to_num(table, posinf=np.inf) > _LARGEST)
    if wrong.any():
        remarks.append(f"{int(wrong.sum())} impossible values were taken for missing")
    known = np.isfinite(table) & ~wrong
    gaps = int(np.sum(~known[:, known.any(axis=0)]))
    if gaps:
        remarks.append(f"{gaps} missing values were filled with the value before")
    return Series(tuple(names), grid, _filled(table, known), known, interval, tuple(remarks))


def _require_shapes(time: Floats, values: Floats, names: Sequence[str]) -> None:
    if not time.size or not len(names):
        raise InputError("there is no series to forecast", fix="give at least one sample of one series")
    if values.shape != (time.size, len(names)):
        raise InputError(
            f"values of shape {values.shape} are not {time.size} times of {len(names)} series",
            fix="give one row per time and one column per series",
        )


def _in_order(time: Floats, values: Floats, now: datetime | None, remarks: list[str]) -> tuple[Floats, Floats]:
    if now is not None and now.tzinfo is None:
        raise InputError(f"{now} has no time zone", fix="give it one: datetime(…, tzinfo=UTC)")
    dated = (np.nan_to_num(time, nan=-1.0) >= 0) & (np.nan_to_num(time, nan=-1.0) <= _LAST_S)
    future = dated & (time > (now.timestamp() + _LATE_S if now else np.inf))
    _remark(remarks, int(np.sum(~dated)), "rows without a possible time were left out")
    _remark(remarks, int(future.sum()), "rows dated after the clock were left out")
    kept = dated & ~future
    if not kept.any():
        raise InputError(
            "no row is left to forecast from", fix="check the times: they are no epoch seconds, or in the future"
        )
    time, values = time[kept], values[kept]
    _remark(remarks, int(np.sum(np.diff(time) < 0)), "rows were out of order: sorted")
    order = np.argsort(time, kind="stable")
    time, values = time[order], values[order]
    last = np.append(np.diff(time) > 0, True)
    _remark(remarks, int(np.sum(~last)), "rows came twice: the last one counts")
    return time[last], values[last]


def _on_grid(time: Floats, values: Floats, interval: float, remarks: list[str]) -> tuple[Floats, Floats]:
    bins = round(min(float(time[-1] - time[0]) / interval, 1e15)) + 1
    if bins > max(_LONGEST_GRID * len(time), 100):
        raise InputError(
            f"{len(time)} rows lie on {bins} bins of {interval:g} s: nearly all are missing",
            fix="give the right interval, or a part of the time that was measured",
        )
    if bins * values.shape[1] > MOST_CELLS:
        raise InputError(
            f"{bins} bins of {values.shape[1]} series are too many", fix=f"give fewer, up to {MOST_CELLS} values"
        )
    position: Ints = np.rint((time - time[0]) / interval).astype(np.int64)
    _remark(remarks, bins - len(set(position.tolist())), "bins are missing")
    table = np.full((bins, values.shape[1]), np.nan)
    table[position] = values
    return time[0] + interval * np.arange(bins), table


def _filled(table: Floats, known: Flags) -> Floats:
    """Every gap with the last value before it, else the first after it; 0 in a series without values."""
    rows = np.arange(len(table))[:, None]
    before = np.maximum.accumulate(np.where(known, rows, -1), axis=0)
    first = np.argmax(known, axis=0)
    source = np.where(before >= 0, before, first)
    return np.where(known.any(axis=0), np.nan_to_num(np.take_along_axis(table, source, axis=0)), 0.0)


def _remark(remarks: list[str], count: int, what: str) -> None:
    if count:
        remarks.append(f"{count} {what}")
