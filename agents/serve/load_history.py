"""The loads of the last days, sample by sample, so that one can look back at what the wall showed."""

import hashlib
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

    One thread takes samples in; what others see of it is replaced whole.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._key, self._kept = "", (np.zeros(0), np.zeros((0, 0), np.uint16))
        if is_plain(self._path):
            with (
                suppress(InputError, BadZipFile, ValueError, KeyError, OSError, EOFError),
                np.load(BytesIO(read_bytes(self._path)), allow_pickle=False) as found,
            ):
                times, codes, key = found["times"], found["codes"], str(found["key"])
                if codes.dtype == np.uint16 and codes.ndim == 2 and times.shape == codes.shape[:1]:
                    self._key, self._kept = key, (times.astype(float), codes)

    def take(self, network: Network, samples: LinkSamples) -> None:
        """Take in the samples of times that are newer than the last; rows that come late find their time again."""
        key = f"{len(network.links)} {hash_of(network)}"
        if key != self._key:
            self._key, self._kept = key, (np.zeros(0), np.zeros((0, len(network.links)), np.uint16))
        times, codes = self._kept
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
        before = times < moments[0]  # what is read again replaces what was there
        kept = max(2, _MOST // (2 * max(len(network.links), 1)))
        self._kept = (
            np.concatenate([times[before], moments])[-kept:],
            np.concatenate([codes[before], fresh])[-kept:],
        )

    def between(self, since: datetime, until: datetime) -> Loads:
        """Return the samples that ended after `since` and not after `until`."""
        times, codes = self._kept
        chosen = (times > since.timestamp()) & (times <= until.timestamp())
        shares = codes[chosen].astype(float) * _STEP
        shares[codes[chosen] == _NONE] = np.nan
        shares[codes[chosen] == _DOWN] = -1.0
        return Loads(times[chosen], shares)

    def keep(self) -> None:
        """Put it on file. Raises what writing does."""
        times, codes = self._kept
        packed = BytesIO()
        np.savez(packed, times=times, codes=codes, key=np.array(self._key))
        write_bytes(self._path, packed.getvalue(), mode=0o600)


def hash_of(network: Network) -> str:
    """Tell whether links and their capacities are the same: what shares of capacity can be compared over."""
    text = "\n".join(f"{x.name} {x.index} {x.capacity!r}" for x in network.links)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
