"""Measurements that somebody brings: a twin file, or files of any make that `twin.formats.measurements` reads."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from twin.errors import InputError
from twin.files import exists
from twin.formats.account import Account
from twin.formats.measurements.folders import MOST_FILES
from twin.formats.measurements.part import Options, Part
from twin.formats.measurements.read import combine, read_parts, table_kind
from twin.formats.stored import SUFFIX, estimate_of
from twin.live.network import Telemetry
from twin.model import Network
from twin.store import TwinStore

from .imported import as_estimated, with_estimate

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Measured(NamedTuple):
    """Telemetry of a network, and the time of its newest sample: the clock of who looks at it.

    `accounts` says what became of every column of the files that it was read from.
    """

    network: Network
    telemetry: Telemetry
    now: datetime
    accounts: tuple[Account, ...] = ()


def read_measured(
    paths: str | Path | Sequence[str | Path], network: Network | None = None, options: Options | None = None
) -> Measured:
    """Read a twin file, which knows its network, or files of one that is given.

    Raises what `read_twin` and `read_tables` raise, and `InputError` on a mix of both or on nothing.
    """
    paths = (paths,) if isinstance(paths, str | Path) else paths
    if not paths:
        raise InputError("there is nothing to look at", fix="give a twin file, or tables of links and of traffic")
    if not any(is_twin(x) for x in paths):
        if network is None:
            raise unnamed(paths)
        return read_tables(paths, network, options)
    if len(paths) > 1:
        raise InputError("a twin file holds all its tables", fix="give the twin file alone")
    return read_twin(paths[0], network)


def unnamed(paths: Sequence[str | Path]) -> InputError:
    """What is wrong with files that no network is named for: one that is not there, or that none is named."""
    missing = next((x for x in paths if not exists(x)), None)
    if missing is not None:
        return InputError(f"there is no file {missing}", fix="give a twin file, or tables that exist")
    return InputError("tables do not say of which network they are", fix="name it with --network")


def read_twin(path: str | Path, network: Network | None = None) -> Measured:
    """Read the telemetry in a twin file, of the inventory that was current at its newest sample unless one is given.

    Raises `InputError` when there is no such file, no inventory or no telemetry in it, and what `TwinStore.open` does.
    """
    if not exists(path):
        raise InputError(f"no twin file {path}", fix="give a file that exists, such as runs/NAME/twin.duckdb")
    with TwinStore.open(path) as store:
        entries = [x for x in store.snapshots() if x.kind == "inventory"]
        if network is None and not entries:
            raise InputError(f"{path} holds no inventory", fix="say which network it is of with --network")
        first = network or store.load_snapshot(entries[0].id)
        telemetry = store.read_telemetry(first, _BEGINNING)
        now = _newest(telemetry, str(path))
        current = [x.id for x in entries if x.created <= now and x.network == first.name]
        chosen = store.load_snapshot(current[-1]) if network is None and current else first
        how = estimate_of(store, chosen.id)
    if how and not telemetry.traffic.time.size:
        telemetry = as_estimated(telemetry, how)
    return Measured(chosen, telemetry, now)


def read_tables(
    paths: Sequence[str | Path],
    network: Network,
    options: Options | None = None,
    asked: Sequence[Part] = (),
    *,
    most: int = MOST_FILES,
) -> Measured:
    """Read files of measurements for a network; several of one kind are put together, with what servers were `asked`.

    Of a folder the newest `most` are read.
    Where none of them holds traffic, the network's is estimated from its loads.
    Raises what `read_measurements` raises, and `InputError` when nothing of any link is among them.
    """
    known = options or Options()
    found = combine([*read_parts(paths, network, known, most=most), *asked], network, known)
    if not found.telemetry.links.time.size:
        fix = "give one with the columns time, link, out_mbps, in_mbps as well, or counters of interfaces"
        raise InputError("there is no table of links, or no sample in it", fix=fix)
    under, telemetry = with_estimate(network, found)
    return Measured(under, telemetry, found.now, found.accounts)


def is_twin(path: str | Path) -> bool:
    """Whether a file is a twin file by its name."""
    return Path(path).suffix == SUFFIX


def _newest(telemetry: Telemetry, source: str) -> datetime:
    times = np.concatenate([telemetry.links.time, telemetry.traffic.time])
    known = times[np.isfinite(times)]
    if not known.size:
        raise InputError(f"{source}: there is no sample", fix="give telemetry of at least one interval")
    return datetime.fromtimestamp(float(known.max()), UTC)


__all__ = ["Measured", "is_twin", "read_measured", "read_tables", "read_twin", "table_kind", "unnamed"]
