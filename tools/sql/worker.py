"""The process that runs one statement for the `sql` tool, on a copy of the allowed tables and with nothing else.

It is started with an empty environment in an empty folder, reads the tables from its standard input into a DuckDB in
memory, locks DuckDB's settings and its own limits, says that it is ready, checks the statement and runs it. The parent
kills it when it takes too long.
"""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import BinaryIO, Final, TypedDict, cast

import duckdb
import numpy as np

from .grammar import NotAllowedError, check_statement

READY: Final = b"ready\n"
MEMORY_BYTES: Final = 1536 * 2**20  # of address space, of which DuckDB may use a sixth
CPU_SECONDS: Final = 4
CELL: Final = 200  # characters of one value

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "memory_limit": "256MB",
    "threads": 1,
    "max_temp_directory_size": "0GB",
    "temp_directory": "",
}
_LOCKS: Final = (
    "SET GLOBAL TimeZone = 'UTC'",
    "SET python_enable_replacements = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)

Value = str | int | float | bool | None


class ColumnHead(TypedDict):
    """One column on the wire: `kind` is time, number, integer, flag or name; `names` are what a name's codes mean."""

    column: str
    kind: str
    dtype: str
    names: list[str]


class TableHead(TypedDict):
    """One table on the wire: its columns follow the header as raw arrays of `rows` entries."""

    table: str
    rows: int
    columns: list[ColumnHead]


class SqlJob(TypedDict):
    """The first line of the input. `milliseconds` is what DuckDB itself may take."""

    statement: str
    limit: int
    milliseconds: int
    tables: list[TableHead]


class SqlAnswer(TypedDict, total=False):
    """What the worker writes: rows, or what is wrong with the statement and how to repair it."""

    columns: list[list[str]]
    rows: list[list[Value]]
    truncated: bool
    error: str
    fix: str


def main() -> None:
    """Read a job, run it, write the answer."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    job = cast(SqlJob, json.loads(source.readline()))
    connection = duckdb.connect(":memory:", config=_CONFIG)
    for table in job["tables"]:
        _load(connection, table, source)
    _lock(connection, job["milliseconds"])
    sink.write(READY)
    sink.flush()
    sink.write(json.dumps(run(connection, job), allow_nan=False).encode())
    sink.flush()


def run(connection: duckdb.DuckDBPyConnection, job: SqlJob) -> SqlAnswer:
    """Check a statement and run it; a mistake in it is an answer, too."""
    tables = frozenset(table["table"] for table in job["tables"])
    try:
        found = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [job["statement"]]).fetchone()
        check_statement(json.loads(str(found[0] if found else "{}")), tables)
        return _rows(connection, job["statement"], job["limit"])
    except NotAllowedError as error:
        return SqlAnswer(error=str(error), fix=error.fix)
    except duckdb.InterruptException:
        return SqlAnswer(
            error="the statement took too long", fix="aggregate, narrow it by time or element, or ask for less"
        )
    except (duckdb.OutOfMemoryException, duckdb.IOException, MemoryError):  # I/O is what spilling to disk becomes
        return SqlAnswer(error="the statement needs too much memory", fix="aggregate, or narrow it with WHERE")
    except duckdb.Error as error:
        return SqlAnswer(error=" ".join(str(error).split("\n\n")[0].split())[:400], fix="")
    except RecursionError:
        return SqlAnswer(error="the statement is nested too deeply", fix="write it flatter")


def _rows(connection: duckdb.DuckDBPyConnection, statement: str, limit: int) -> SqlAnswer:
    cursor = connection.execute(statement)
    heads = [[str(column[0])[:64], str(column[1])[:40]] for column in cursor.description or []]
    rows = cursor.fetchmany(limit + 1)
    shown = [[_plain(value) for value in row] for row in rows[:limit]]
    return SqlAnswer(columns=heads, rows=shown, truncated=len(rows) > limit)


def _plain(value: object) -> Value:
    match value:
        case None | bool():
            return value
        case int():
            return value if abs(value) < 2**53 else str(value)
        case float():
            return float(f"{value:.6g}") if math.isfinite(value) else None
        case Decimal():
            return float(value)
        case datetime() | date() | time() | timedelta():
            return str(value)
        case _:
            text = str(value)
            return text if len(text) <= CELL else f"{text[:CELL]}…"


def _load(connection: duckdb.DuckDBPyConnection, table: TableHead, source: BinaryIO) -> None:
    batch: dict[str, np.ndarray[tuple[int], np.dtype[np.generic]]] = {}
    parts: list[str] = []
    joins: list[str] = []
    for column in table["columns"]:
        name, dtype = column["column"], np.dtype(column["dtype"])
        batch[name] = np.frombuffer(source.read(table["rows"] * dtype.itemsize), dtype)
        parts.append(_expression(name, column["kind"]))
        if column["kind"] == "name":
            connection.register(f"of_{name}", _codebook(column["names"]))
            joins.append(f" LEFT JOIN of_{name} ON of_{name}.code = batch.{name}")
    connection.register("batch", batch)
    select = f"SELECT {', '.join(parts)} FROM batch{''.join(joins)}"  # noqa: S608 - names come from tools.sql.tables alone
    connection.execute(f"CREATE TABLE {table['table']} AS {select}")
    for name in ("batch", *(f"of_{x['column']}" for x in table["columns"] if x["kind"] == "name")):
        connection.unregister(name)


def _expression(name: str, kind: str) -> str:
    expressions: Mapping[str, str] = {
        "time": f"make_timestamp(batch.{name}::BIGINT)",
        "number": f"nullif(batch.{name}, 'NaN'::DOUBLE)",
        "name": f"of_{name}.name",
    }
    return f"{expressions.get(kind, f'batch.{name}')} AS {name}"


def _codebook(names: Sequence[str]) -> dict[str, np.ndarray[tuple[int], np.dtype[np.generic]]]:
    text = np.array(names, dtype=object) if names else np.zeros(0, dtype=object)
    return {"code": np.arange(len(names), dtype=np.int32), "name": text}


def _lock(connection: duckdb.DuckDBPyConnection, milliseconds: int) -> None:
    import resource

    connection.execute(f"SET max_execution_time = {milliseconds}")
    for statement in _LOCKS:
        connection.execute(statement)
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, int(resource.getrusage(resource.RUSAGE_SELF).ru_utime) + CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 16),
    ):
        resource.setrlimit(limit, (value, value))
