"""A CSV or Parquet file as a table of DuckDB, which may be anybody's: one file, bounded memory, time and rows."""

from pathlib import Path

import duckdb

from twin.errors import FormatError
from twin.files import require_file

MOST_ROWS = 25_000_000
_LIMITS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "memory_limit": "4GB",
    "temp_directory": "",
    "max_temp_directory_size": "0GB",
    "max_execution_time": 300_000,
    "python_enable_replacements": False,
}


def connect() -> duckdb.DuckDBPyConnection:
    """Open a DuckDB in memory to read tables with."""
    return duckdb.connect(":memory:", config=_LIMITS)


def table_of(path: str | Path, delimiter: str = ",") -> str:
    """Return the file as a table function of DuckDB, every value of a CSV file as text. Raises as `require_file`.

    Its path stands there absolute, and with nothing that could be a pattern or another scheme.
    """
    plain = "".join(f"[{c}]" if c in "*?[" else c for c in str(require_file(path).resolve()))
    file = "'" + plain.replace("'", "''") + "'"
    if str(path).lower().endswith(".parquet"):
        return f"read_parquet({file})"
    return f"read_csv({file}, header = true, all_varchar = true, delim = '{delimiter}', quote = '\"', escape = '\"')"


def require_rows(connection: duckdb.DuckDBPyConnection, table: str, path: str | Path) -> None:
    """Raise `FormatError` when a table holds more rows than memory takes once they are names and numbers."""
    (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0]  # noqa: S608 - our own names
    if rows > MOST_ROWS:
        raise FormatError(str(path), "the whole file", f"at most {MOST_ROWS:,} rows, not {rows:,}")
