"""Traffic matrices over time as CSV or Parquet: one row per time and node pair.

Columns: `source` and `target` (or `src`, `dst`) with node names or, where no node is called so, node numbers from 0;
one of `mbps`, `bps`, `kbps`, `gbps`; and, for more than one matrix, `time` or `bin`: numbers, or text that sorts.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import duckdb
import numpy as np

from twin.errors import InputError
from twin.model import Floats, Ints, Network

from .source import Source
from .text import require_file

_UNITS = {"mbps": 1.0, "bps": 1e-6, "kbps": 1e-3, "gbps": 1e3}
_TIMES = ("time", "bin")
_CELLS = 400_000_000  # 3.2 GB of matrices
_LARGEST = 1e18

_Columns = Mapping[str, np.ndarray[Any, Any]]


class Traffic(NamedTuple):
    """Matrices [T, n, n] in Mbit/s, in order of time; `times` is what the file calls them."""

    times: tuple[str, ...]
    demands: Floats

    @property
    def peak(self) -> Floats:
        """The matrix [n, n] of the largest total, the first of equal ones."""
        return self.demands[int(self.demands.sum(axis=(1, 2)).argmax())]


def read_traffic(path: str | Path, network: Network) -> Traffic:
    """Read the matrices for the nodes of `network`; rows of one pair and time add up, a node's demands to itself go.

    Raises `FormatError` with the row and what was expected there, `InputError` when the file cannot be read.
    """
    source = Source(str(path))
    table = _table(source)
    with duckdb.connect(":memory:", config={"autoload_known_extensions": False}) as connection:
        header = _columns(source, connection, f"DESCRIBE SELECT * FROM {table}")["column_name"]  # noqa: S608 - from _table
        names = [str(name).lower() for name in header]
        s, t, unit = (_chosen(source, names, options) for options in (("source", "src"), ("target", "dst"), _UNITS))
        time = next((f'"{name}"' for name in names if name in _TIMES), "'0'")
        text = f'"{s}"::VARCHAR AS s, "{t}"::VARCHAR AS t, {time}::VARCHAR AS stamp, "{unit}"::VARCHAR AS volume'
        # a table in between: on a CSV file itself DuckDB 2.0 fails on the first TRY_CAST that does not fit
        _columns(source, connection, f"CREATE TEMP TABLE raw AS SELECT {text} FROM {table}")  # noqa: S608 - our own lists
        numbers = "TRY_CAST(volume AS DOUBLE) AS volume, TRY_CAST(stamp AS DOUBLE) AS number"
        rows = _columns(source, connection, f"SELECT s, t, stamp, {numbers} FROM raw ORDER BY rowid")  # noqa: S608 - a constant
    return _matrices(source, rows, network, _UNITS[unit])


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


def _table(source: Source) -> str:
    """The file as a table function of DuckDB, every CSV value as text."""
    file = _literal(require_file(source.path))
    if source.path.lower().endswith(".parquet"):
        return f"read_parquet({file})"
    return f"read_csv({file}, header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"')"


def _columns(source: Source, connection: duckdb.DuckDBPyConnection, sql: str) -> _Columns:
    try:
        return cast("_Columns", connection.execute(sql).fetchnumpy())  # pyright: ignore[reportUnknownMemberType] - half-typed stub
    except duckdb.Error as error:
        raise source.error("the whole file", f"a table; {str(error).splitlines()[0][:160]}") from error


def _chosen(source: Source, names: list[str], options: Iterable[str]) -> str:
    found = [name for name in names if name in options]
    if len(found) != 1:
        raise source.error("the header", f"one column {' or '.join(options)}, not {len(found)}")
    return found[0]


def _matrices(source: Source, rows: _Columns, network: Network, unit: float) -> Traffic:
    n = len(network.nodes)
    volume = np.ma.filled(np.ma.asarray(rows["volume"], dtype=np.float64), np.nan)
    bad = np.flatnonzero(~((volume >= 0) & (volume <= _LARGEST)))
    if len(bad):
        raise source.error(f"row {int(bad[0]) + 1}", "a volume that is a number and not negative")
    s, t = (_positions(source, rows[end], network) for end in ("s", "t"))
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


def _positions(source: Source, names: Iterable[object], network: Network) -> Ints:
    index = dict(network.node_index)
    if not any(name.isdigit() for name in index):
        index |= {str(i): i for i in range(len(index))}
    found: list[int] = []
    for row, name in enumerate(names, start=1):
        found.append(source.known(str(name), index, f"row {row}"))
    return np.array(found, dtype=np.int64)


def _literal(path: Path) -> str:
    """A path as SQL text, absolute and with nothing that could be a pattern or another scheme."""
    plain = "".join(f"[{c}]" if c in "*?[" else c for c in str(path.resolve()))
    return "'" + plain.replace("'", "''") + "'"
