"""Measurements that somebody brings: a twin file, or tables as CSV or Parquet, each told by its columns.

| table | columns; those in brackets may be left out |
|---|---|
| links | `time`, `link` (`A->B`), `out_mbps` (counted at A), `in_mbps` (counted at B) [`dropped_mbps`, `up`] |
| traffic | `time`, `source`, `target`, `mbps` as flow export counts it at the source |
| nodes | `time`, `node`, `answered` |
| probes | `time`, `source`, `target`, `loss` (share), `delay_ms` (one way) |
| interfaces | `time`, `link`, `errors_per_s`, `adjacent` |

Times are epoch seconds or dates, UTC where they name no zone; rates are means over the interval that ends then.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

import duckdb
import numpy as np

from twin.errors import FormatError, InputError, UnknownElementError
from twin.files import exists
from twin.formats.stored import SUFFIX
from twin.formats.table import connect, require_rows, table_of
from twin.live.network import (
    InterfaceSamples,
    LinkSamples,
    NodeSamples,
    ProbeSamples,
    Telemetry,
    TrafficSamples,
)
from twin.model import Floats, Ints, Network
from twin.store import TwinStore

_TABLES: Mapping[str, tuple[str, ...]] = {
    "links": ("time", "link", "out_mbps", "in_mbps"),
    "probes": ("time", "source", "target", "loss", "delay_ms"),
    "interfaces": ("time", "link", "errors_per_s", "adjacent"),
    "nodes": ("time", "node", "answered"),
    "traffic": ("time", "source", "target", "mbps"),
}
_NAMES = ("link", "source", "target", "node")
_BLANK = ("", "none", "nan", "null", "unknown")
_FALSE = ("0", "0.0", "false", "f", "no", "down")
UNNAMED = "tables do not say of which network they are"
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

_Columns = Mapping[str, np.ndarray[Any, Any]]


class Measured(NamedTuple):
    """Telemetry of a network, and the time of its newest sample: the clock of who looks at it."""

    network: Network
    telemetry: Telemetry
    now: datetime


def read_measured(paths: str | Path | Sequence[str | Path], network: Network | None = None) -> Measured:
    """Read a twin file, which knows its network, or tables of one that is given.

    Raises what `read_twin` and `read_tables` raise, and `InputError` on a mix of both or on nothing.
    """
    paths = (paths,) if isinstance(paths, str | Path) else paths
    if not paths:
        raise InputError("there is nothing to look at", fix="give a twin file, or tables of links and of traffic")
    if not any(is_twin(x) for x in paths):
        if network is None:
            raise InputError(UNNAMED, fix="name it with --network")
        return read_tables(paths, network)
    if len(paths) > 1:
        raise InputError("a twin file holds all its tables", fix="give the twin file alone")
    return read_twin(paths[0], network)


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
    return Measured(chosen, telemetry, now)


def read_tables(paths: Sequence[str | Path], network: Network) -> Measured:
    """Read tables for a network; several of one kind are put together.

    Raises `FormatError` on a table that is none of those above or names an element that the network does not have, and
    `InputError` when a file cannot be read or nothing is in it.
    """
    parts: dict[str, list[_Columns]] = {}
    for path in paths:
        kind, columns = _read(Path(path), network)
        parts.setdefault(kind, []).append(columns)
    tables = {kind: _joined(found) for kind, found in parts.items()}
    telemetry = _telemetry(tables, network)
    return Measured(network, telemetry, _newest(telemetry, ", ".join(map(str, paths))))


def is_twin(path: str | Path) -> bool:
    """Whether a file is a twin file by its name."""
    return Path(path).suffix == SUFFIX


def table_kind(path: str | Path) -> str:
    """Which table a file holds: links, traffic, nodes, probes or interfaces. Raises as `read_tables` does."""
    with connect() as connection:
        return _kind(Path(path), _header(Path(path), connection))


def _newest(telemetry: Telemetry, source: str) -> datetime:
    times = np.concatenate([telemetry.links.time, telemetry.traffic.time])
    known = times[np.isfinite(times)]
    if not known.size:
        raise InputError(f"{source}: there is no sample", fix="give telemetry of at least one interval")
    return datetime.fromtimestamp(float(known.max()), UTC)


def _read(path: Path, network: Network) -> tuple[str, _Columns]:
    with connect() as connection:
        header = _header(path, connection)
        kind = _kind(path, header)
        wanted = [x for x in (*_TABLES[kind], "dropped_mbps", "up") if x in header]
        texts = ", ".join(f'"{header[name]}"::VARCHAR AS {name}' for name in wanted)
        _run(path, connection, f"CREATE TEMP TABLE raw AS SELECT {texts} FROM {table_of(path)}")  # noqa: S608 - from our own lists
        casts = [name if name in (*_NAMES, "up", "answered", "adjacent") else _number(name) for name in wanted]
        require_rows(connection, "raw", path)
        rows = _run(path, connection, f"SELECT {', '.join(casts)} FROM raw ORDER BY rowid")  # noqa: S608 - as above
    return kind, {name: _column(path, name, rows[name], network) for name in wanted}


def _number(name: str) -> str:
    if name == "time":
        return "coalesce(TRY_CAST(time AS DOUBLE), epoch(TRY_CAST(time AS TIMESTAMP))) AS time"
    return f"TRY_CAST({name} AS DOUBLE) AS {name}"


def _header(path: Path, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    rows = _run(path, connection, f"DESCRIBE SELECT * FROM {table_of(path)}")  # noqa: S608 - a quoted path
    return {str(name).strip().lower(): str(name).replace('"', '""') for name in rows["column_name"]}


def _kind(path: Path, header: Mapping[str, str]) -> str:
    for kind, columns in _TABLES.items():
        if set(columns) <= set(header):
            return kind
    known = "; ".join(f"{kind}: {', '.join(columns)}" for kind, columns in _TABLES.items())
    raise FormatError(str(path), "the header", f"the columns of one of these, not {', '.join(header)[:80]}. {known}")


def _run(path: Path, connection: duckdb.DuckDBPyConnection, sql: str) -> _Columns:
    try:
        return cast("_Columns", connection.execute(sql).fetchnumpy())  # pyright: ignore[reportUnknownMemberType] - half-typed stub
    except duckdb.Error as error:
        raise FormatError(str(path), "the whole file", f"a table; {str(error).splitlines()[0][:160]}") from error


def _column(path: Path, name: str, values: np.ndarray[Any, Any], network: Network) -> np.ndarray[Any, Any]:
    if name in _NAMES:
        known = network.link_index if name == "link" else network.node_index
        return _positions(path, name, [str(x).removeprefix("node/") for x in values], known)
    if name == "up":
        told = [str(x).strip().lower() for x in np.ma.filled(np.ma.asarray(values), "")]
        return np.array([np.nan if x in _BLANK else float(x not in _FALSE) for x in told])
    if name in ("answered", "adjacent"):
        return np.array([str(x).strip().lower() not in _FALSE for x in values], dtype=np.bool_)
    return np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan)


def _positions(path: Path, name: str, texts: Sequence[str], known: Mapping[str, int]) -> Ints:
    found = [known.get(text, -1) for text in texts]
    if -1 in found:
        row = found.index(-1)
        raise FormatError(
            str(path), f"row {row + 1}", f"a known {name}; {UnknownElementError(name, texts[row], known)}"
        )
    return np.array(found, dtype=np.int64)


def _joined(parts: Sequence[_Columns]) -> _Columns:
    """Tables of one kind one below the other, with the columns that all of them have."""
    shared = [name for name in parts[0] if all(name in x for x in parts)]
    return {name: np.concatenate([x[name] for x in parts]) for name in shared}


def _telemetry(tables: Mapping[str, _Columns], network: Network) -> Telemetry:
    none, zero, no = np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
    links, traffic = tables.get("links"), tables.get("traffic")
    if links is None or traffic is None:
        missing = "links" if links is None else "traffic"
        raise InputError(
            f"there is no table of {missing}", fix=f"give one with the columns {', '.join(_TABLES[missing])} as well"
        )
    rows = len(links["time"])
    probes, interfaces = tables.get("probes"), tables.get("interfaces")
    return Telemetry(
        LinkSamples(
            links["time"],
            links["link"],
            links["out_mbps"],
            links["in_mbps"],
            links.get("dropped_mbps", np.zeros(rows)),
            links.get("up", np.full(rows, np.nan)),
        ),
        NodeSamples(**tables["nodes"]) if "nodes" in tables else _all_answer(links["time"], network),
        ProbeSamples(**probes) if probes else ProbeSamples(none, zero, zero, none, none),
        TrafficSamples(**{name: traffic[name] for name in _TABLES["traffic"]}),
        (),
        InterfaceSamples(**interfaces) if interfaces else InterfaceSamples(none, zero, none, no),
    )


def _all_answer(time: Floats, network: Network) -> NodeSamples:
    """Where nobody says whether nodes answered their polls, they are taken to have."""
    stamps, n = np.unique(time[np.isfinite(time)]), len(network.nodes)
    every: Ints = np.tile(np.arange(n), stamps.size)
    return NodeSamples(np.repeat(stamps, n), every, np.ones(every.size, dtype=np.bool_))
