"""One DuckDB file, opened for one process: cursors, transactions, bulk inserts and migrations."""

import os
import re
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from weakref import WeakValueDictionary

import duckdb
import numpy as np

from twin.errors import StoreBusyError, StoreError, first_line_of
from twin.files import is_plain

from . import contents
from .contents import ARCHIVE_MEMORY, CONFIG

Row = tuple[Any, ...]
Columns = Mapping[str, np.ndarray[Any, Any]]

_LOCKS = ("SET GLOBAL TimeZone = 'UTC'", "SET GLOBAL lock_configuration = true")
MOST_FETCHED = 5_000_000
_guard = threading.Lock()
_writers: WeakValueDictionary[str, threading.RLock] = WeakValueDictionary()  # gone with the last who has the file open


class Database:
    """A file, or memory when `path` is None. One cursor per call: any thread may read, writers take turns.

    `reaches` is the one folder whose files statements may read and write besides; by default none. Raises
    `StoreBusyError` when another process holds the file, `StoreError` when it cannot be opened or used.
    """

    def __init__(self, path: Path | None, *, reaches: Path | None = None) -> None:
        self.path = path
        empty = path is None or not any(file.exists() for file in _files(path))
        self._connection = _connect(path, reaches)
        self._writer = _writer_lock(path)
        try:
            _lock(self._connection)
            self._migrate(empty=empty)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the file back; closing twice is allowed."""
        self._connection.close()

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run one query and return all its rows."""
        with self._cursor() as cursor:
            found = cursor.execute(sql, list(parameters)).fetchmany(MOST_FETCHED + 1)
        if len(found) > MOST_FETCHED:
            raise StoreError(f"{self.path} holds more than {MOST_FETCHED:,} rows of a kind", fix="give a smaller file")
        return found

    def columns(self, sql: str, parameters: Sequence[object] = ()) -> dict[str, np.ndarray[Any, Any]]:
        """Run one query and return its columns as arrays; a missing number is NaN."""
        with self._cursor() as cursor:
            found = cast("Columns", cursor.execute(sql, list(parameters)).fetchnumpy())  # pyright: ignore[reportUnknownMemberType] - half-typed stub
        return {name: _filled(column) for name, column in found.items()}

    @contextmanager
    def understood(self) -> Generator[None]:
        """Answer rows that are there and mean nothing (no JSON, a time that no clock has) with a `StoreError`."""
        try:
            yield
        except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError, MemoryError) as error:
            what = f"{type(error).__name__}: {first_line_of(error)[:120]}"
            raise StoreError(f"{self.path} holds what no twin does: {what}", fix="use a copy") from error

    @contextmanager
    def write(self) -> "Generator[Writer]":
        """Open a transaction: committed as a whole when the block ends well, else undone."""
        with self._writer, self._cursor() as cursor:
            cursor.execute("BEGIN")
            try:
                yield Writer(cursor)
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")

    @contextmanager
    def snapshot(self, table: str) -> Generator[duckdb.DuckDBPyConnection]:
        """Give a cursor that sees the table as it is now, whatever is written meanwhile; what it makes goes with it."""
        with self._cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(f"SELECT 1 FROM {table} LIMIT 1")  # noqa: S608 - a transaction begins with what it first sees
            try:
                yield cursor
            finally:
                cursor.execute("ROLLBACK")

    @contextmanager
    def _cursor(self) -> Generator[duckdb.DuckDBPyConnection]:
        try:
            with _guard:
                cursor = self._connection.cursor()
            try:
                yield cursor
            finally:
                cursor.close()
        except duckdb.Error as error:
            raise StoreError(f"{self.path or 'the twin in memory'}: {first_line_of(error)}", fix=_FIX) from error

    def _migrate(self, *, empty: bool) -> None:
        version = None
        if not empty:
            with self._cursor() as cursor:
                version = contents.version_of(cursor, self.path)
        if version is None:  # nothing is there that one migration could leave half changed for the next
            with self.write() as writer:
                writer.run(contents.VERSIONS)
                for sql in contents.migrations().values():
                    writer.run(sql)
                writer.run("INSERT INTO schema_version SELECT unnest(?::INTEGER[])", [[*contents.migrations()]])
            return
        for number, sql in contents.migrations().items():
            if number > version:
                with self.write() as writer:
                    writer.migrate(number, sql)


class Writer:
    """What may be done inside one transaction."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def run(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run one statement, or several without parameters, and return the rows of the last."""
        return self._cursor.execute(sql, list(parameters) or None).fetchall()

    def migrate(self, number: int, sql: str) -> None:
        """Change the tables as a migration says, and note that it has been made."""
        self.run(sql)
        self.run("INSERT INTO schema_version VALUES (?)", [number])

    def insert(
        self,
        table: str,
        columns: Columns,
        *,
        key: Sequence[str] = (),
        names: Columns | None = None,
        network: str | None = None,
        grows: str = "",
    ) -> int:
        """Insert arrays of equal length by column name and return how many rows went in.

        A column in `names` holds positions there and is stored as the name; `network` is stored in every row. With a
        `key`, which includes `network` and `time`, only rows whose key is new; of others the column that `grows` takes
        what is larger there. `time` is in epoch microseconds.
        """
        if not len(next(iter(columns.values()))):
            return 0
        constant = [] if network is None else [network]
        source = _source(timed="time" in columns, constant=bool(constant))
        known = bool(key) and self._overlaps(table, network, columns["time"])
        larger = _larger(source, table, key, grows) if known and grows else ""
        if key:
            repeats = not ascending([columns[name] for name in key if name != "network"])
            source = _only_new(source, table, key, repeats=repeats, known=known)
        named = names or {}  # looked up here: joining the names takes DuckDB several times as long
        with self._registered({name: named[name][x] if name in named else x for name, x in columns.items()}):
            if larger:
                self._cursor.execute(larger, constant)
            added = self._cursor.execute(f"INSERT INTO {table} BY NAME {source}", constant).fetchall()
        return int(added[0][0])

    def _overlaps(self, table: str, network: str | None, time: np.ndarray[Any, Any]) -> bool:
        """Whether the table has rows of the network within the span of these times."""
        found = f"SELECT 1 FROM {table} WHERE network = ? AND time BETWEEN {_STAMP} AND {_STAMP} LIMIT 1"  # noqa: S608 - names come from this package alone
        return bool(self.run(found, [network, int(time.min()), int(time.max())]))

    @contextmanager
    def _registered(self, batch: Columns) -> "Generator[None]":
        self._cursor.register("batch", batch)
        try:
            yield
        finally:
            self._cursor.unregister("batch")


_STAMP = "make_timestamptz(?::BIGINT)"


def _source(*, timed: bool, constant: bool) -> str:
    """Select the registered batch, its times as times."""
    every = "batch.*" + (" REPLACE (make_timestamptz(batch.time) AS time)" if timed else "")
    return f"SELECT {'? AS network, ' if constant else ''}{every} FROM batch"  # noqa: S608 - names come from this package alone


def _only_new(source: str, table: str, key: Sequence[str], *, repeats: bool, known: bool) -> str:
    """Select the rows of `source` whose key is not in the table yet, each key once."""
    keys, match = ", ".join(key), " AND ".join(f"known.{column} = fresh.{column}" for column in key)
    once = f"DISTINCT ON ({keys}) *" if repeats else "*"
    rows = f"SELECT 1 FROM {table} AS known WHERE {match} AND known.time >= (SELECT min(time) FROM fresh)"  # noqa: S608 - names come from this package alone
    return f"WITH fresh AS ({source}) SELECT {once} FROM fresh" + (f" WHERE NOT EXISTS ({rows})" if known else "")  # noqa: S608 - as above


def _larger(source: str, table: str, key: Sequence[str], column: str) -> str:
    """Raise a column of the rows of the table whose key is in `source` to what that has, where it is more."""
    match = " AND ".join(f"known.{x} = fresh.{x}" for x in key)
    most = f"SELECT {', '.join(key)}, max({column}) AS {column} FROM ({source}) GROUP BY {', '.join(key)}"  # noqa: S608 - names come from this package alone
    where = f"WHERE {match} AND fresh.{column} > known.{column}"
    return f"UPDATE {table} AS known SET {column} = fresh.{column} FROM ({most}) AS fresh {where}"  # noqa: S608 - as above


def ascending(key: Sequence[np.ndarray[Any, Any]]) -> bool:
    """Whether rows are in strict order of these columns, so that none can repeat another; text is never said to be."""
    if any(column.dtype.kind not in "iuf" for column in key):
        return False
    if not len(key[0]):
        return True
    later, equal = np.zeros(len(key[0]) - 1, dtype=np.bool_), np.ones(len(key[0]) - 1, dtype=np.bool_)
    for column in key:
        later |= equal & (column[1:] > column[:-1])
        equal &= column[1:] == column[:-1]
    return bool(later.all())


_FIX = "check that the disk has room and the file is intact; a copy of it opens elsewhere"


def _connect(path: Path | None, reaches: Path | None) -> duckdb.DuckDBPyConnection:
    """Open a file that may be somebody else's: it cannot reach another one, and what it is told stays as it is."""
    if path is not None:
        _require_plain(path)
    closed = reaches is None
    config = CONFIG if closed else {**CONFIG, "memory_limit": ARCHIVE_MEMORY}
    if not closed:
        del config["enable_external_access"]
    try:
        connection = duckdb.connect(":memory:" if path is None else str(path), config=config)
        if not closed:
            folder = str(reaches.resolve()).replace("'", "''")
            connection.execute(f"SET GLOBAL allowed_directories = ['{folder}/']")
            connection.execute("SET GLOBAL parquet_metadata_cache = true")  # read again only where a file is another
            connection.execute("SET GLOBAL enable_external_access = false")
        return connection
    except duckdb.Error as error:
        raise _open_error(path, str(error)) from error


def _lock(connection: duckdb.DuckDBPyConnection) -> None:
    (locked,) = connection.execute("SELECT current_setting('lock_configuration')").fetchall()[0]
    if not locked:  # else somebody in this process has the file open already
        for statement in _LOCKS:
            connection.execute(statement)


def _require_plain(path: Path) -> None:
    """DuckDB follows links and waits for pipes: neither may stand in the place of the file or of its log."""
    for file in _files(path):
        if (file.is_symlink() or file.exists()) and not is_plain(file) and not file.is_dir():
            what = "a symbolic link" if file.is_symlink() else "no regular file"
            raise StoreError(f"{file} is {what}, and not opened", fix="give the file itself")


def _files(path: Path) -> tuple[Path, Path]:
    return path, path.with_name(path.name + ".wal")


def _open_error(path: Path | None, message: str) -> StoreError | StoreBusyError:
    holder = re.search(r"lock is held in (.*?) ?\(PID (\d+)\)", message)
    if holder or "set lock" in message:
        who = f"process {holder[2]} ({Path(holder[1]).name})" if holder else "another process"
        return StoreBusyError(f"{path} is in use by {who}", fix="wait until it ends, or give another file")
    if "not a valid DuckDB" in message:
        return StoreError(f"{path} is not a twin file", fix="give another file name, or remove this one")
    if path is not None and path.exists() and path.is_dir():
        return StoreError(f"{path} is a folder", fix="give a file name inside it")
    if path is not None and not path.parent.is_dir():
        return StoreError(f"{path}: its folder does not exist", fix=f"create {path.parent}, or give another file name")
    if path is not None and not os.access(path if path.exists() else path.parent, os.W_OK):
        return StoreError(f"{path} cannot be written", fix="give a file in a folder that you may write to")
    return StoreError(f"{path} cannot be opened: {message.splitlines()[0]}", fix=_FIX)


def _writer_lock(path: Path | None) -> threading.RLock:
    """Lock shared by all who opened the same file in this process: they share one DuckDB instance."""
    if path is None:
        return threading.RLock()
    with _guard:
        return _writers.setdefault(str(path.resolve()), threading.RLock())


def _filled(column: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if type(column) is not np.ndarray and isinstance(column, np.ma.MaskedArray):  # numpy.ma is slow to import
        return np.asarray(column.filled(np.nan) if column.dtype.kind == "f" else column.data)
    return column
