"""Telemetry as one file of arrays, exactly as it was measured: an uncompressed NumPy archive without objects."""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from twin.errors import StoreError
from twin.model import Network

from .declared import Declaration
from .network import (
    Event,
    FlowSamples,
    InterfaceSamples,
    LinkSamples,
    NodeSamples,
    ProbeSamples,
    Telemetry,
    TrafficSamples,
)
from .peerings import REASONS, UNTOLD, PeeringSamples, claimants, no_peerings

_TABLES: Mapping[str, Any] = {
    "links": LinkSamples,
    "nodes": NodeSamples,
    "probes": ProbeSamples,
    "traffic": TrafficSamples,
    "interfaces": InterfaceSamples,
    "flows": FlowSamples,
}
_PEERINGS = "peerings"
"""The table that only a file of a network with peerings has."""
_EVENT = ("time", "node", "severity", "message")


def pack(telemetry: Telemetry) -> bytes:
    """Write telemetry down; equal telemetry gives equal bytes."""
    tables: dict[str, Any] = {**_TABLES}
    if telemetry.peerings.time.size:
        tables[_PEERINGS] = PeeringSamples
    arrays = {
        f"{table}.{column}": getattr(getattr(telemetry, table), column)
        for table, kind in tables.items()
        for column in kind._fields
    }
    for i, column in enumerate(_EVENT):
        kind = np.float64 if column == "time" else np.int64 if column == "severity" else np.str_
        arrays[f"events.{column}"] = np.array([event[i] for event in telemetry.events], dtype=kind)
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def unpack(content: bytes, network: Network, declared: Declaration) -> Telemetry:
    """Read telemetry of a network back. Raises `StoreError` on anything that `pack` did not write for it."""
    try:
        found = _arrays(content)
        sizes = {"link": len(network.links), **dict.fromkeys(("node", "source", "target"), len(network.nodes))}
        tables = {table: kind(*_columns(found, table, kind._fields, sizes)) for table, kind in _TABLES.items()}
        peered = _peerings(found, sizes, network)
        events = _columns(found, "events", _EVENT, {})
    except (ValueError, KeyError, TypeError, EOFError, MemoryError, OSError, zipfile.BadZipFile) as error:
        raise StoreError(
            f"what was measured cannot be read: {str(error)[:120]}", fix="restore the run's folder"
        ) from error
    lines = zip(*(column.tolist() for column in events), strict=True)
    lines_read = tuple(Event(*line) for line in lines)
    return Telemetry(**tables, events=lines_read, declared=declared, peerings=peered)


def _peerings(found: Mapping[str, np.ndarray[Any, Any]], sizes: Mapping[str, int], network: Network) -> PeeringSamples:
    if f"{_PEERINGS}.time" not in found:
        return no_peerings()
    if f"{_PEERINGS}.claimed" not in found:  # of a version that did not ask who else announces a group
        found = {**found, f"{_PEERINGS}.claimed": np.full_like(found[f"{_PEERINGS}.link"], UNTOLD)}
    sizes = {**sizes, "reason": len(REASONS), "claimed": len(claimants(network))}
    columns = _columns(found, _PEERINGS, PeeringSamples._fields, sizes)
    return PeeringSamples(*columns)


def _arrays(content: bytes) -> dict[str, np.ndarray[Any, Any]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if any(x.compress_type != zipfile.ZIP_STORED for x in archive.infolist()):
            raise ValueError("it is compressed")
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _columns(
    found: Mapping[str, np.ndarray[Any, Any]], table: str, names: tuple[str, ...], sizes: Mapping[str, int]
) -> list[np.ndarray[Any, Any]]:
    columns = [found[f"{table}.{name}"] for name in names]
    rows = {column.shape for column in columns}
    if len(rows) != 1 or columns[0].ndim != 1:
        raise ValueError(f"columns of {table} are of unequal length")
    for name, column in zip(names, columns, strict=True):
        if name in sizes and column.size and not 0 <= int(column.min()) <= int(column.max()) < sizes[name]:
            raise ValueError(f"{table} names no {name} of this network")
        if column.dtype.kind not in ("fib" if table != "events" else "fiU"):
            raise ValueError(f"{table}.{name} holds no numbers")
    return columns
