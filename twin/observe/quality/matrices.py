"""Data quality of what is at hand: the telemetry in a twin file, or traffic matrices that somebody brings."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from twin.forecast.sources import file_series
from twin.live.network import Flags
from twin.model import Floats, Frozen, Network

if TYPE_CHECKING:
    from twin.forecast.series import Series

_SHOWN = 10
_HOLE = 0.5  # a total below this share of both its neighbours' is a hole: exports are missing
_SPIKE = 12.0  # usual moves by which one bin of a series stands out of its neighbours on both sides
_LEAST_LEVEL = 0.001  # of the mean series: spikes of smaller ones concern nobody


class MatrixReport(Frozen):
    """Data quality of traffic matrices over time. Shares and the score are 0..1."""

    series: int
    bins: int
    interval_s: float
    score: float
    missing: float  # share of bins without a matrix
    holes: tuple[int, ...]  # bins whose total falls to less than half of both neighbours': exports are missing
    spikes: tuple[str, ...]  # series with single bins far out of their neighbours, the largest first
    spiked: float  # share of the values that are such bins
    constant: int
    remarks: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """The report as short lines of text."""
        head = f"quality {self.score:.2f}: {self.series} series, {self.bins} bins of {self.interval_s:g} s, "
        return (
            f"{head}{100 * self.missing:.1f} % missing, {len(self.holes)} holes, {100 * self.spiked:.2f} % spikes",
            *([f"holes at bins {', '.join(map(str, self.holes[:_SHOWN]))}"] if self.holes else []),
            *([f"spikes in {', '.join(self.spikes)}"] if self.spikes else []),
            *self.remarks,
        )


def quality_of_file(path: str | Path, network: Network, *, interval_s: float = 900.0) -> MatrixReport:
    """Check the traffic matrices in a Parquet or CSV file; raises as `twin.forecast.forecast_of` does."""
    return quality_of_series(file_series(path, network, interval_s=interval_s).series)


def quality_of_series(series: "Series") -> MatrixReport:
    """Check matrices over time that are arranged as series: bins that are missing, holes, spikes, standing still."""
    missing = 1 - float(np.any(series.known, axis=1).mean())
    holes = np.flatnonzero(_holes(series.values.sum(axis=1)))
    spikes = _spikes(series.values)
    count = spikes.sum(axis=0)
    ranked = [int(i) for i in np.argsort(-series.values.mean(axis=0), kind="stable") if count[i]]
    spiked = float(spikes.mean()) if spikes.size else 0.0
    bins = len(series.values)
    return MatrixReport(
        series=len(series.names),
        bins=bins,
        interval_s=series.interval_s,
        score=(1 - missing) * (1 - len(holes) / bins) * (1 - spiked),
        missing=missing,
        holes=tuple(int(x) for x in holes),
        spikes=tuple(series.names[i] for i in ranked[:_SHOWN]),
        spiked=spiked,
        constant=int(series.constant.sum()),
        remarks=series.remarks,
    )


def _holes(total: Floats) -> Flags:
    hole = np.array([False] * total.size, dtype=np.bool_)
    hole[1:-1] = total[1:-1] < _HOLE * np.minimum(total[:-2], total[2:])
    return hole


def _spikes(values: Floats) -> Flags:
    """Bins [T, S] that stand out of both neighbours by far more than the series usually moves in one bin."""
    spike = np.full(values.shape, fill_value=False, dtype=np.bool_)
    if len(values) < 8:
        return spike
    level = values.mean(axis=0)
    usual = np.median(np.abs(np.diff(values, axis=0)), axis=0) + 0.05 * level + 1e-9
    up = values[1:-1] - np.maximum(values[:-2], values[2:])
    down = np.minimum(values[:-2], values[2:]) - values[1:-1]
    spike[1:-1] = (np.maximum(up, down) > _SPIKE * usual) & (level > _LEAST_LEVEL * level.mean())
    return spike
