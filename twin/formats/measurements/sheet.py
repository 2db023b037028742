"""A CSV or Parquet file as columns of texts, numbers and counts, whatever its separator and its decimal mark."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self, cast

import duckdb
import numpy as np

from twin.errors import first_line_of
from twin.files import read_head
from twin.formats.source import Source
from twin.formats.table import connect, require_rows, table_of
from twin.model import Bools, Floats, Ints

from .counters import UInts

_THOUSANDS = r"^[+-]?\d{1,3}(,\d{3})+$"
_COMMA_LAST, _POINT_LAST = r",\d+([eE][+-]?\d+)?$", r"\.\d+([eE][+-]?\d+)?$"


class Coded(NamedTuple):
    """A column of texts: the distinct ones, and for each row which of them it has, -1 where it has none."""

    values: tuple[str, ...]
    codes: Ints


class Sheet:
    """An open table; every value is a text until it is asked for as something else.

    `columns` are its columns where they come from no file that is a table itself.

    Raises `InputError` when the file cannot be read and `FormatError` when it is no table.
    """

    def __init__(self, source: Source, columns: Mapping[str, Sequence[str | None]] | None = None) -> None:
        self.source = source
        self._connection = connect()
        self._run("SET TimeZone = 'UTC'")
        self.delimiter = "," if columns is not None else delimiter_of(source.path)
        if columns is not None:
            arrays = {f"c{i}": np.array(values, dtype=object) for i, values in enumerate(columns.values())}
            self._connection.register("given", arrays)
            self.header: tuple[str, ...] = tuple(columns)
            table, names = "given", list(arrays)
        else:
            table = table_of(source.path, self.delimiter)
            described = self._run(f"DESCRIBE SELECT * FROM {table}")  # noqa: S608 - a quoted path
            self.header = tuple(str(x) for x in described["column_name"])
            names = [_quoted(name) for name in self.header]
        texts = ", ".join(f"nullif(trim({name}::VARCHAR), '') AS c{i}" for i, name in enumerate(names))
        # a table in between: on a CSV file itself DuckDB 2.0 fails on the first TRY_CAST that does not fit
        self._run(f"CREATE TEMP TABLE raw AS SELECT {texts} FROM {table}")  # noqa: S608 - our own names
        require_rows(self._connection, "raw", source.path)
        self.rows = int(self._run("SELECT count(*) AS n FROM raw")["n"][0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def texts(self, column: str) -> list[str | None]:
        """Values as texts, None where there is none."""
        values = self._column(self._of(column))
        return [None if x is None or x is np.ma.masked else str(x) for x in values.tolist()]

    def coded(self, column: str) -> Coded:
        """Values as numbers of the distinct texts."""
        c = self._of(column)
        values = [str(x) for x in self._column(f"DISTINCT {c}", f"WHERE {c} IS NOT NULL ORDER BY {c}", order="")]
        if not values:
            return Coded((), np.full(self.rows, -1, dtype=np.int64))
        kind = f"kind_{c}"
        self._run(f"CREATE TYPE {kind} AS ENUM (SELECT DISTINCT {c} FROM raw WHERE {c} IS NOT NULL ORDER BY {c})")  # noqa: S608
        codes = self._column(f"coalesce(enum_code({c}::{kind})::BIGINT, -1)")
        self._run(f"DROP TYPE {kind}")
        return Coded(tuple(values), np.asarray(codes, dtype=np.int64))

    def numbers(self, column: str) -> Floats:
        """Values as numbers, NaN where a value is none."""
        text = self._plain(self._of(column))
        return np.ma.filled(np.ma.asarray(self._column(f"TRY_CAST({text} AS DOUBLE)"), dtype=np.float64), np.nan)

    def counts(self, column: str) -> tuple[UInts, Bools]:
        """Values as counts of up to 64 bits, and whether each is one."""
        c = self._of(column)
        as_float = f"TRY_CAST(TRY_CAST({self._plain(c)} AS DOUBLE) AS UBIGINT)"
        values = np.ma.asarray(self._column(f"coalesce(TRY_CAST({c} AS UBIGINT), {as_float})"))
        return np.ma.filled(values.astype(np.uint64), 0), ~np.ma.getmaskarray(values)

    def _plain(self, c: str) -> str:
        """SQL for a number with a decimal point, from one with whatever decimal mark and thousands marks it has."""
        counted = self._run(
            f"SELECT count(*) FILTER (regexp_matches({c}, '{_COMMA_LAST}')) AS comma, "  # noqa: S608 - our own names
            f"count(*) FILTER (regexp_matches({c}, '{_POINT_LAST}')) AS point, "
            f"count(*) FILTER (regexp_matches({c}, '{_COMMA_LAST}') AND NOT regexp_matches({c}, '{_THOUSANDS}')) "
            "AS fraction "
            "FROM raw"
        )
        comma, point, fraction = (int(counted[name][0]) for name in ("comma", "point", "fraction"))
        if comma and not point and (fraction or self.delimiter != ","):
            return f"replace(replace({c}, '.', ''), ',', '.')"
        return f"replace({c}, ',', '')" if comma and not fraction else c

    def _of(self, column: str) -> str:
        return f"c{self.header.index(column)}"

    def _column(self, sql: str, rest: str = "", *, order: str = "ORDER BY rowid") -> np.ndarray[Any, Any]:
        return self._run(f"SELECT {sql} AS x FROM raw {rest} {order}")["x"]  # noqa: S608 - our own names

    def _run(self, sql: str) -> dict[str, np.ndarray[Any, Any]]:
        try:
            done = self._connection.execute(sql)
            return cast("dict[str, np.ndarray[Any, Any]]", done.fetchnumpy()) if done.description else {}  # pyright: ignore[reportUnknownMemberType] - half-typed stub
        except duckdb.Error as error:
            told = first_line_of(error)[:160]
            raise self.source.error("the whole file", f"a table; {told}") from error


def delimiter_of(path: str) -> str:
    """The character that separates the columns of a CSV file, by its first line."""
    if path.lower().endswith(".parquet"):
        return ","
    first = first_line(path)
    return max(",;\t|", key=first.count)


def first_line(path: str) -> str:
    """The first line of a file. Raises `InputError` when it cannot be read."""
    return read_head(path).partition(b"\n")[0].decode("utf-8-sig", errors="replace")


def header_of(path: str) -> Sequence[str]:
    """The words of the first line of a CSV file, split where it separates them."""
    return [word.strip().strip('"') for word in first_line(path).strip().split(delimiter_of(path))]


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'
