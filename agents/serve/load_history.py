"""The loads of the last days, sample by sample, so that one can look back at what the wall showed."""

import hashlib
import threading
from contextlib import suppress
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np

from twin.errors import InputError
from twin.files import is_plain, read_bytes, write_bytes
from twin.live.network import LinkSamples
from twin.model import Floats, Network

from .newest_rows import NewestRows

FILE = "loads.npz"
_MOST = 16 << 20  # bytes of samples: two weeks of 200 links every 30 s; the oldest go first
_STEP, _NONE, _DOWN = 1e-4, 65_535, 65_534  # shares of capacity are kept in hundredths of a per cent


class Loads(NamedTuple):
    """Samples of K times and m links: ends in epoch seconds [K], and shares of capacity [K, m].

    A share is NaN where nothing was measured, and -1 where the link was down.
    """

    times: Floats
    shares: Floats


class LoadHistory:
    """Bounded by size. What is on file is taken up again if it is of the same links with the same capacities.

    One thread takes samples in; any may ask for them.
    """

    def __init__(self, folder: Path) -> None:
        self._path, self._lock = folder / FILE, threading.Lock()
        self._key: str = ""
        self._kept = _room_for(0)
        if is_plain(self._path):
            with (
                suppress(InputError, BadZipFile, ValueError, KeyError, OSError, EOFError),
                np.load(BytesIO(read_bytes(self._path)), allow_pickle=False) as found,
            ):
                times, codes, key = found["times"], found["codes"], str(found["key"])
                if codes.dtype == np.uint16 and codes.ndim == 2 and times.shape == codes.shape[:1]:
                    self._key, self._kept = key, _room_for(codes.shape[1])
                    self._kept.fill(times, codes)

    def take(self, network: Network, samples: LinkSamples) -> None:
        """Take in the samples of times that are newer than the last; rows that come late find their time again."""
        key = f"{len(network.links)} {hash_of(network)}"
        if key != self._key:
            with self._lock:
                self._key, self._kept = key, _room_for(len(network.links))
        if not samples.time.size:
            return
        moments, row = np.unique(samples.time, return_inverse=True)
        fresh = np.full((len(moments), len(network.links)), _NONE, np.uint16)
        capacity = np.array([x.capacity for x in network.links])
        share = samples.out_mbps / capacity[samples.link] / _STEP
        known = np.isfinite(share)
        fresh[row[known], samples.link[known]] = np.clip(share[known].round(), 0, _DOWN - 1)
        down = np.asarray(samples.up, dtype=float) == 0
        fresh[row[down], samples.link[down]] = _DOWN
        with self._lock:
            self._kept.forget_from(float(moments[0]))  # what is read again replaces what was there
            self._kept.fill(moments, fresh)

    def between(self, since: datetime, until: datetime) -> Loads:
        """Return the samples that ended after `since` and not after `until`."""
        with self._lock:
            times, codes = self._kept.between(since.timestamp(), until.timestamp())
        shares = codes.astype(float) * _STEP
        shares[codes == _NONE] = np.nan
        shares[codes == _DOWN] = -1.0
        return Loads(times, shares)

    def keep(self) -> None:
        """Put it on file. Raises what writing does."""
        times, codes = self._kept.between()
        packed = BytesIO()
        np.savez(packed, times=times, codes=codes, key=np.array(self._key))
        write_bytes(self._path, packed.getvalue(), mode=0o600)


def _room_for(links: int) -> NewestRows:
    return NewestRows(max(2, _MOST // (2 * links)) if links else 0, (links,), _NONE)


def hash_of(network: Network) -> str:
    """Tell whether links and their capacities are the same: what shares of capacity can be compared over."""
    text = "\n".join(f"{x.name} {x.index} {x.capacity!r}" for x in network.links)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
