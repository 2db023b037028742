"""The measured traffic matrix of the last days in quarters of an hour, and what was forecast of it."""

from contextlib import suppress
from datetime import datetime
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from twin.errors import InputError
from twin.files import is_plain, read_bytes, write_bytes
from twin.forecast.forecast import forecast
from twin.forecast.report import Forecast
from twin.forecast.sources import matrix_series
from twin.live.network import Telemetry
from twin.model import Floats, Network

FILE = "demands.npz"
BIN_S, DAYS = 900.0, 7
_MOST = int(DAYS * 86_400 / BIN_S)
_LEAST = 12  # bins before anything is forecast
_HOUR = 4  # bins


class DemandHistory:
    """Bounded: seven days. What is on file is taken up again if it is of a network of the same size."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._times: list[float] = []
        self._bins: list[Floats] = []  # each [n, n]
        self._open: tuple[float, Floats, Floats] | None = None  # a bin's end, sums and counts
        self._last = -np.inf
        self._told: tuple[float, Floats] | None = None  # what the bin of this end should be
        self.newest: Forecast | None = None
        self.errors: list[tuple[float, float, float]] = []  # a bin's end, error of the forecast, and of the last value
        self._load()

    def __len__(self) -> int:
        return len(self._bins)

    def take(self, network: Network, telemetry: Telemetry) -> None:
        """Take in the traffic samples that are newer than the last one; a bin that is full is forecast from."""
        traffic, n = telemetry.traffic, len(network.nodes)
        if self._bins and self._bins[-1].shape != (n, n):
            self._times, self._bins, self._open, self._told = [], [], None, None
        for moment in np.unique(traffic.time[traffic.time > self._last]):
            rows = traffic.time == moment
            end = float(np.ceil(moment / BIN_S) * BIN_S)
            if self._open is None or self._open[0] != end:
                self._close(network)
                self._open = (end, np.zeros((n, n)), np.zeros((n, n)))
            value = traffic.mbps[rows]
            known = np.isfinite(value)
            place = (traffic.source[rows][known], traffic.target[rows][known])
            np.add.at(self._open[1], place, value[known])
            np.add.at(self._open[2], place, 1.0)
            self._last = float(moment)

    def keep(self) -> None:
        """Put the bins on file. Raises `InputError` when that fails."""
        if self._bins:
            file = BytesIO()
            np.savez_compressed(
                file,
                allow_pickle=False,
                times=np.array(self._times),
                bins=np.array(self._bins),
                last=np.array(self._last),
            )
            write_bytes(self._path, file.getvalue(), mode=0o600)

    def forecast_error(self) -> tuple[float, float] | None:
        """Sum of absolute errors over sum of traffic of the bins so far: of the forecast, and of the last value."""
        if not self.errors:
            return None
        recent = np.array(self.errors[-96:])
        return float(recent[:, 1].mean()), float(recent[:, 2].mean())

    def _close(self, network: Network) -> None:
        if self._open is None:
            return
        end, total, count = self._open
        seen = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        self._compare(end, seen)
        self._times.append(end)
        self._bins.append(seen)
        del self._times[:-_MOST], self._bins[:-_MOST]
        if len(self._bins) >= _LEAST and len(self._bins) % _HOUR == 0:
            self._forecast(network, end)

    def _compare(self, end: float, seen: Floats) -> None:
        if self._told is None or self._told[0] != end or not self._bins:
            return
        known = np.isfinite(seen) & np.isfinite(self._told[1]) & np.isfinite(self._bins[-1])
        size = float(np.abs(seen[known]).sum())
        if size > 0:
            off, still = (float(np.abs(seen[known] - x[known]).sum()) / size for x in (self._told[1], self._bins[-1]))
            self.errors.append((end, off, still))
            del self.errors[:-_MOST]

    def _forecast(self, network: Network, end: float) -> None:
        history = np.array(self._bins[-_MOST:])
        pairs = matrix_series(np.array(self._times[-_MOST:]), history, network, interval_s=BIN_S)
        with suppress(InputError):  # nothing was measured yet
            self.newest = forecast(pairs.series, groups=(pairs.source, pairs.target))
            matrix = np.full(history.shape[1:], np.nan)
            matrix[pairs.source, pairs.target] = self.newest.values[0]
            self._told = (end + BIN_S, matrix)

    def _load(self) -> None:
        if not is_plain(self._path):
            return
        try:
            with np.load(BytesIO(read_bytes(self._path)), allow_pickle=False) as file:
                self._times, self._bins = [float(x) for x in file["times"]], list(file["bins"])
                self._last = float(file["last"])
        except (ValueError, KeyError, OSError, BadZipFile):
            self._times, self._bins = [], []

    @property
    def until(self) -> datetime | None:
        """Up to when the traffic is known; None before the first full bin."""
        return self.newest.report.end if self.newest else None
