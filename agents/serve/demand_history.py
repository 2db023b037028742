"""The measured demands of the last days in quarters of an hour, by pair, and what was forecast of them."""

from contextlib import suppress
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from twin.errors import InputError
from twin.files import is_plain, read_bytes, write_bytes
from twin.forecast.boosted import warm
from twin.forecast.forecast import forecast
from twin.forecast.report import Forecast
from twin.forecast.sources import pair_series
from twin.live.network import Flags, Telemetry
from twin.model import Floats, Ints, Network

from .newest_rows import NewestRows

if TYPE_CHECKING:
    from numpy.lib.npyio import NpzFile

FILE = "demands.npz"
Codes = NDArray[np.uint16]
BIN_S, DAYS = 900.0, 7
_MOST = int(DAYS * 86_400 / BIN_S)
_MOST_BYTES = 64 << 20  # of bins: seven days of 50,000 pairs, one of 350,000; the oldest go first
_NONE, _LARGEST = 65_535, 65_534  # a bin is kept as codes on a logarithmic scale, 0.02 % at most beside what was seen
_LEAST_MBPS, _OCTAVES = 1e-4, 40.0
_LEAST = 12  # bins before anything is forecast
_HOUR = 4  # bins


class DemandHistory:
    """Bounded: seven days, and 64 MB. What is on file is taken up again if it is of a network of the same size."""

    def __init__(self, folder: Path, *, most_bytes: int = _MOST_BYTES) -> None:
        self._path = folder / FILE
        self._nodes, self._most_bytes = 0, most_bytes
        self._pair: Ints = np.zeros(0, np.int64)  # [q] source times nodes plus target of all ever measured, in order
        self._column = np.zeros(0, np.int32)  # of each pair among these, -1 where it never was [nodes * nodes]
        self._bins = NewestRows(0, (0,), _NONE)  # codes [q] by the end of a bin
        self._open: tuple[float, Floats, Floats] | None = None  # a bin's end, sums and counts [q]
        self._last = -np.inf
        self._closed = 0  # bins so far
        self._told: tuple[float, Floats] | None = None  # what the bin of this end should be [q]
        self.newest: Forecast | None = None
        self.errors: list[tuple[float, float, float]] = []  # a bin's end, error of the forecast, and of the last value
        self._load()

    def __len__(self) -> int:
        return len(self._bins)

    def take(self, network: Network, telemetry: Telemetry) -> None:
        """Take in the traffic samples that are newer than the last one; a bin that is full is forecast from."""
        traffic, n = telemetry.traffic, len(network.nodes)
        if self._nodes != n:
            self._nodes, self._open, self._told = n, None, None
            self._take_room(np.zeros(0, np.int64))
        self._meet(traffic.source * n + traffic.target, np.isfinite(traffic.mbps) & (traffic.time > self._last))
        for moment in np.unique(traffic.time[traffic.time > self._last]):
            rows = traffic.time == moment
            end = float(np.ceil(moment / BIN_S) * BIN_S)
            if self._open is None or self._open[0] != end:
                self._close(network)
                self._open = (end, np.zeros(len(self._pair)), np.zeros(len(self._pair)))
            value = traffic.mbps[rows]
            known = np.isfinite(value)
            place = self._column[traffic.source[rows][known] * n + traffic.target[rows][known]]
            np.add.at(self._open[1], place, value[known])
            np.add.at(self._open[2], place, 1.0)
            self._last = float(moment)

    def keep(self) -> None:
        """Put the bins on file. Raises `InputError` when that fails."""
        if len(self._bins):
            file, (times, codes) = BytesIO(), self._bins.between()
            kept = {"times": times, "codes": codes, "pairs": self._pair, "nodes": np.array(self._nodes)}
            np.savez_compressed(file, allow_pickle=False, **kept, last=np.array(self._last))
            write_bytes(self._path, file.getvalue(), mode=0o600)

    def forecast_error(self) -> tuple[float, float] | None:
        """Sum of absolute errors over sum of traffic of the bins so far: of the forecast, and of the last value."""
        if not self.errors:
            return None
        recent = np.array(self.errors[-96:])
        return float(recent[:, 1].mean()), float(recent[:, 2].mean())

    def _meet(self, pairs: Ints, measured: Flags) -> None:
        """Make room for pairs that were measured for the first time: nothing is known of them before."""
        new = measured & (self._column[pairs] < 0)
        if not new.any():
            return
        every, (times, codes) = np.union1d(self._pair, pairs[new]), self._bins.between()
        place = np.searchsorted(every, self._pair)
        wider = np.full((len(codes), len(every)), _NONE, np.uint16)
        wider[:, place] = codes
        self._take_room(every)
        self._bins.fill(times, wider)
        if self._open is not None:
            end, *sums = self._open
            total, count = (_among(len(every), place, x, 0.0) for x in sums)
            self._open = end, total, count
        if self._told is not None:
            self._told = self._told[0], _among(len(every), place, self._told[1], np.nan)

    def _close(self, network: Network) -> None:
        if self._open is None:
            return
        end, total, count = self._open
        seen = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        self._compare(end, seen)
        self._bins.add(end, coded(seen))
        self._closed += 1
        warm()  # a day later, when there is enough to learn from, it would be memory that was not there before
        if len(self._bins) >= _LEAST and self._closed % _HOUR == 0:
            self._forecast(network, end)

    def _compare(self, end: float, seen: Floats) -> None:
        if self._told is None or self._told[0] != end or not len(self._bins):
            return
        last = decoded(self._bins.last())
        known = np.isfinite(seen) & np.isfinite(self._told[1]) & np.isfinite(last)
        size = float(np.abs(seen[known]).sum())
        if size > 0:
            off, still = (float(np.abs(seen[known] - x[known]).sum()) / size for x in (self._told[1], last))
            self.errors.append((end, off, still))
            del self.errors[:-_MOST]

    def _forecast(self, network: Network, end: float) -> None:
        times, codes = self._bins.between()
        pairs = pair_series(times, decoded(codes), self._pair, network, interval_s=BIN_S)
        with suppress(InputError):  # nothing was measured yet
            self.newest = forecast(pairs.series, groups=(pairs.source, pairs.target))
            place = self._column[pairs.source * self._nodes + pairs.target]
            self._told = (end + BIN_S, _among(len(self._pair), place, self.newest.values[0], np.nan))

    def _load(self) -> None:
        if not is_plain(self._path):
            return
        try:
            with np.load(BytesIO(read_bytes(self._path)), allow_pickle=False) as file:
                times, last = file["times"].astype(float), float(file["last"])
                nodes, pair, codes = _pairs_on_file(file)
                if codes.dtype != np.uint16 or codes.shape != (len(times), len(pair)):
                    return
                self._nodes, self._last = nodes, last
                self._take_room(pair)
                self._bins.fill(times, codes)
                self._closed = len(self._bins)
        except (ValueError, KeyError, OSError, BadZipFile):
            return

    def _take_room(self, pair: Ints) -> None:
        """Begin anew for these pairs, in order."""
        most = max(_LEAST, min(_MOST, self._most_bytes // max(2 * len(pair), 1)))
        self._pair, self._bins = pair, NewestRows(most, pair.shape, _NONE)
        self._column = np.full(self._nodes**2, -1, np.int32)
        self._column[pair] = np.arange(len(pair))

    @property
    def until(self) -> datetime | None:
        """Up to when the traffic is known; None before the first full bin."""
        return self.newest.report.end if self.newest else None


def _pairs_on_file(file: "NpzFile") -> tuple[int, Ints, Codes]:
    """How many nodes there are, the pairs in order, and a code for each in every bin [T, q].

    Files of earlier versions have matrices; those of 0.1 of Mbit/s.
    """
    if "pairs" in file.files:
        return int(file["nodes"]), file["pairs"].astype(np.int64), file["codes"]
    codes = file["codes"] if "codes" in file.files else coded(file["bins"])
    nodes = codes.shape[-1]
    codes = codes.reshape(len(codes), nodes * nodes)
    pair = np.flatnonzero((codes != _NONE).any(axis=0))
    return nodes, pair, codes[:, pair]


def _among(count: int, place: NDArray[np.integer[Any]], values: Floats, others: float) -> Floats:
    """Values at their places among so many [count], in which others have one and the same."""
    found = np.full(count, others)
    found[place] = values
    return found


def coded(mbps: Floats) -> Codes:
    """Return demands, Mbit/s and NaN where nothing was measured, as codes of the same shape."""
    with np.errstate(divide="ignore", invalid="ignore"):
        code = 1 + (np.log2(mbps / _LEAST_MBPS) * ((_LARGEST - 1) / _OCTAVES)).round()
    code = np.where(mbps > 0, code.clip(1, _LARGEST), 0)
    return np.where(np.isnan(mbps), _NONE, code).astype(np.uint16)


def decoded(codes: Codes) -> Floats:
    """Return the demands of codes."""
    mbps = _LEAST_MBPS * np.exp2((codes.astype(float) - 1) * (_OCTAVES / (_LARGEST - 1)))
    mbps[codes == 0], mbps[codes == _NONE] = 0.0, np.nan
    return mbps
