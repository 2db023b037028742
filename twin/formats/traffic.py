"""Traffic matrices over time as CSV or Parquet: one row per time and node pair.

Columns: `source` and `target` (or `src`, `dst`, `from`, `to`) with the names or ids that the topology's file gives its
nodes or, where no node has a number for a name, node numbers from 0; one volume, in a unit that its name says or that
is asked for; and, for more than one matrix, a time (`time`, `timestamp`, `datetime`, `bin`, …): numbers, or text that
sorts. A pair without a row has no traffic then. A file with a column that nobody knows and that alone tells
rows of one pair apart is refused: added up, they would be traffic that never was at once.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import duckdb
import numpy as np

from twin.errors import InputError
from twin.files import read_head
from twin.model import Floats, Ints, Network

from .account import FieldUse
from .node_names import Names, known_as
from .source import Source
from .table import connect, require_rows, table_of
from .vocabulary import RATE, plain, unit_of

_SOURCES = ("source", "src", "from", "origin", "ingress", "orig")
_TARGETS = ("target", "dst", "dest", "destination", "to", "egress", "sink")
_VOLUMES = ("traffic", "demand", "volume", "rate", "bandwidth", "bw", "value", "load", "bitrate")
_TIMES = (
    "time",
    "timestamp",
    "datetime",
    "ts",
    "stampinserted",
    "bin",
    "date",
    "stamp",
    "datehour",
    "interval",
    "epoch",
)
_CELLS = 400_000_000  # 3.2 GB of matrices
_LARGEST = 1e18

_Columns = Mapping[str, np.ndarray[Any, Any]]


class Traffic(NamedTuple):
    """Matrices [T, n, n] in Mbit/s, in order of time; `times` is what the file calls them."""

    times: tuple[str, ...]
    demands: Floats
    uses: tuple[FieldUse, ...] = ()

    @property
    def peak(self) -> Floats:
        """The matrix [n, n] of the largest total, the first of equal ones."""
        return self.demands[int(self.demands.sum(axis=(1, 2)).argmax())]


class _Header(NamedTuple):
    """Columns of the table, by the names that the file gives them; `factor` is Mbit/s in one unit of the volume."""

    source: str
    target: str
    volume: str
    factor: float
    time: str | None
    others: tuple[str, ...]


def read_traffic(path: str | Path, network: Network, names: Names | None = None, *, unit: str | None = None) -> Traffic:
    """Read the matrices for the nodes of `network`; rows of one pair and time add up, a node's demands to itself go.

    `names` are the ids and labels by which the topology's file knows the nodes, `unit` is that of a volume whose column
    says none. Raises `FormatError` with the row or column and what was expected there, `InputError` when the file
    cannot be read.
    """
    source = Source(str(path))
    with connect() as connection:
        table, may_be_commas = _table(source)
        found = _columns(source, connection, f"DESCRIBE SELECT * FROM {table}")["column_name"]  # noqa: S608 - from _table
        header = _header(source, [str(name) for name in found], unit)
        decimal_comma = may_be_commas and _has_decimal_commas(source, connection, table, header.volume)
        time = "'0'" if header.time is None else _quoted(header.time)
        text = (
            f"{_quoted(header.source)}::VARCHAR AS s, {_quoted(header.target)}::VARCHAR AS t, "
            f"{time}::VARCHAR AS stamp, "
            f"{_volume(header.volume, decimal_comma)} AS volume, {_rest(header.others)} AS rest"
        )
        # a table in between: on a CSV file itself DuckDB 2.0 fails on the first TRY_CAST that does not fit
        _columns(source, connection, f"CREATE TEMP TABLE raw AS SELECT {text} FROM {table}")  # noqa: S608 - our own lists
        _refuse_summing(source, connection, header)
        require_rows(connection, "raw", path)
        numbers = "TRY_CAST(volume AS DOUBLE) AS volume, TRY_CAST(stamp AS DOUBLE) AS number"
        rows = _columns(source, connection, f"SELECT s, t, stamp, {numbers} FROM raw ORDER BY rowid")  # noqa: S608 - a constant
    traffic = _matrices(source, rows, network, names, header.factor)
    return traffic._replace(uses=_uses(header, len(traffic.times), int((traffic.peak > 0).sum())))


def write_traffic(traffic: Traffic, network: Network, path: str | Path) -> None:
    """Write the non-zero demands as `time, source, target, mbps`; the suffix .csv or .parquet decides the format.

    Raises `InputError` when the place cannot be written, `FormatError` on another suffix.
    """
    source, suffix = Source(str(path)), Path(path).suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise source.error("the file name", "the suffix .csv or .parquet")
    moment, s, t = np.nonzero(traffic.demands)
    names = np.array([node.name for node in network.nodes], dtype=object)
    rows = {
        "time": np.array(traffic.times, dtype=object)[moment],
        "source": names[s],
        "target": names[t],
        "mbps": traffic.demands[moment, s, t],
    }
    with duckdb.connect(":memory:") as connection:
        connection.register("matrices", rows)
        relation = connection.sql("SELECT * FROM matrices")
        try:
            relation.write_parquet(str(path)) if suffix == ".parquet" else relation.write_csv(str(path), header=True)
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"cannot write {path}: {reason}", fix="give a folder that can be written") from error


def _table(source: Source) -> tuple[str, bool]:
    """The file as a table function of DuckDB, CSV values as text; and whether decimals are written with a comma."""
    if source.path.lower().endswith(".parquet"):
        return table_of(source.path), False
    first = read_head(source.path).partition(b"\n")[0].decode("utf-8-sig", errors="replace")
    delimiter = max(",;\t|", key=first.count)
    return table_of(source.path, delimiter), delimiter == ";"


def _has_decimal_commas(source: Source, connection: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
    """Whether any volume ends in a comma and digits: else a point is a decimal point, whatever separates columns."""
    query = f"SELECT count(*) FILTER (regexp_matches({_quoted(column)}, ',[0-9]+$')) AS n FROM {table}"  # noqa: S608 - quoted
    return bool(_columns(source, connection, query)["n"][0])


def _columns(source: Source, connection: duckdb.DuckDBPyConnection, sql: str) -> _Columns:
    try:
        return cast("_Columns", connection.execute(sql).fetchnumpy())  # pyright: ignore[reportUnknownMemberType] - half-typed stub
    except duckdb.Error as error:
        raise source.error("the whole file", f"a table; {str(error).splitlines()[0][:160]}") from error


def _header(source: Source, columns: list[str], unit: str | None) -> _Header:
    by_name = {plain(column): column for column in columns}
    s, t = (_one(source, by_name, options, what) for options, what in ((_SOURCES, "source"), (_TARGETS, "target")))
    volume, factor = _unit(source, by_name, unit, {s, t})
    time = next((by_name[name] for name in _TIMES if name in by_name), None)
    others = tuple(column for column in columns if column not in (s, t, volume, time))
    return _Header(s, t, volume, factor, time, others)


def _one(source: Source, by_name: Mapping[str, str], options: Iterable[str], what: str) -> str:
    found = [by_name[name] for name in options if name in by_name]
    if len(found) != 1:
        raise source.error("the header", f"one column {what} or {' or '.join(list(options)[1:4])}, not {len(found)}")
    return found[0]


def _unit(source: Source, by_name: Mapping[str, str], unit: str | None, taken: set[str]) -> tuple[str, float]:
    """The column of volumes and Mbit/s in one of its units: from its name, or as said."""
    free = {name: column for name, column in by_name.items() if column not in taken and name not in _TIMES}
    said = [(column, RATE[word]) for name, column in free.items() if (word := _unit_in(name))]
    if len(said) > 1 or (said and unit is not None and RATE.get(unit) != said[0][1]):
        columns = ", ".join(column for column, _ in said)
        raise source.error("the header", f"one column mbps or bps or kbps or gbps, not {len(said)}: {columns}")
    if said:
        return said[0]
    silent = [column for name, column in free.items() if name in _VOLUMES]
    if len(silent) == 1 and unit is not None and unit in RATE:
        return silent[0], RATE[unit]
    if len(silent) == 1:
        wanted = f"the unit of {silent[0]} in its name (mbps or bps or kbps or gbps), or said with --unit traffic=mbps"
        raise source.error("the header", wanted)
    raise source.error("the header", f"one column mbps or bps or kbps or gbps, not {len(silent)}")


def _unit_in(name: str) -> str | None:
    for stem in ("", *_VOLUMES):
        if name.startswith(stem) and (word := unit_of(name[len(stem) :], RATE)) and (stem or len(name) > 1):
            return word
    return None


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _volume(column: str, decimal_comma: bool) -> str:
    text = f"{_quoted(column)}::VARCHAR"
    return f"replace(replace({text}, '.', ''), ',', '.')" if decimal_comma else text


def _rest(columns: tuple[str, ...]) -> str:
    """The columns that nobody asked for, as one list of texts."""
    return "[" + ", ".join(f"{_quoted(column)}::VARCHAR" for column in columns) + "]" if columns else "[]::VARCHAR[]"


def _refuse_summing(source: Source, connection: duckdb.DuckDBPyConnection, header: _Header) -> None:
    """Refuse rows that only an unknown column tells apart: added up, they would be traffic that never was at once."""
    for number, column in enumerate(header.others, start=1):
        query = (
            f"SELECT count(*) AS n FROM (SELECT 1 FROM raw GROUP BY s, t, stamp "  # noqa: S608 - a number
            f"HAVING count(DISTINCT rest[{number}]) > 1)"
        )
        if int(_columns(source, connection, query)["n"][0]):
            wanted = f"no column {column!r}, which tells rows of a pair apart; name it `time` if it is one"
            raise source.error("the header", wanted)


def _uses(header: _Header, times: int, pairs: int) -> tuple[FieldUse, ...]:
    unit = next(name for name, factor in RATE.items() if factor == header.factor)
    uses = [FieldUse(field=f"traffic {header.volume}", became="used", count=pairs, note=f"demand, {unit}")]
    if header.time is not None:
        note = f"time: of {times} matrices the one of the largest total is the network's traffic"
        uses.append(FieldUse(field=f"traffic {header.time}", became="used", count=times, note=note))
    left = (FieldUse(field=f"traffic {x}", became="not modelled", count=pairs, note="not read") for x in header.others)
    return (*uses, *left)


def _matrices(source: Source, rows: _Columns, network: Network, names: Names | None, unit: float) -> Traffic:
    n = len(network.nodes)
    volume = np.ma.filled(np.ma.asarray(rows["volume"], dtype=np.float64), np.nan)
    bad = np.flatnonzero(~((volume >= 0) & (volume <= _LARGEST)))
    if len(bad):
        raise source.error(f"row {int(bad[0]) + 1}", "a volume that is a number and not negative")
    s, t = (_positions(source, rows[end], network, names) for end in ("s", "t"))
    times, moment = _moments(rows)
    if not 0 < len(times) * n * n <= _CELLS:
        raise source.error("the whole file", f"1 to {_CELLS // (n * n)} times for {n} nodes, not {len(times)}")
    demands = np.zeros((len(times), n, n))
    np.add.at(demands, (moment, s, t), volume * unit)
    demands[:, np.arange(n), np.arange(n)] = 0.0
    return Traffic(times, demands)


def _moments(rows: _Columns) -> tuple[tuple[str, ...], Ints]:
    """The distinct times in order, by number when all are numbers and else as text, and the position of each row."""
    numbers = np.ma.filled(np.ma.asarray(rows["number"], dtype=np.float64), np.nan)
    texts = np.array([str(stamp) for stamp in rows["stamp"]], dtype=np.str_)
    _, first, moment = np.unique(texts if np.isnan(numbers).any() else numbers, return_index=True, return_inverse=True)
    return tuple(str(texts[i]) for i in first), moment.astype(np.int64)


def _positions(source: Source, given: Iterable[object], network: Network, names: Names | None) -> Ints:
    lookup = known_as(network, names)
    found: dict[str, int] = {}
    positions: list[int] = []
    for row, name in enumerate(given, start=1):
        text = str(name)
        if text not in found:
            found[text] = lookup.position(source, text, f"row {row}")
        positions.append(found[text])
    return np.array(positions, dtype=np.int64)
