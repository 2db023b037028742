"""What a twin file may hold: the tables of this program as its migrations make them, and nothing else.

A view, a macro, a trigger or a computed column is somebody's statement that runs when a table is read: whoever can
write a file could have its reader do something, or never come back. So nothing of a file is read before the list of
what is in it has been compared, definition by definition, with that of an empty file of the same version.
"""

import re
from functools import cache
from pathlib import Path
from typing import cast

import duckdb

from twin.errors import StoreError

CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "enable_external_access": False,
    "memory_limit": "512MB",
    "temp_directory": "",
    "max_temp_directory_size": "0GB",
    "max_execution_time": 300_000,
}
"""No other file, no extension, bounded memory, and at most five minutes a statement."""
ARCHIVE_MEMORY = "4GB"
"""Memory of a file whose days are sorted into an archive: one of a thousand nodes has twelve million rows."""
VERSIONS = "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY)"
MOST_ROWS, MOST_TEXT = 100_000_000, 2**29
_SCHEMA = Path(__file__).parent.parent / "schema.sql"
_MIGRATION = re.compile(r"^-- migration (\d+)\s*$", re.MULTILINE)
_OTHERS = {
    "view": "SELECT view_name FROM duckdb_views() WHERE NOT internal",
    "macro": "SELECT function_name FROM duckdb_functions() WHERE NOT internal",
    "trigger": "SELECT trigger_name FROM duckdb_triggers()",
    "sequence": "SELECT sequence_name FROM duckdb_sequences()",
    "type": "SELECT type_name FROM duckdb_types() WHERE NOT internal",
    "index": "SELECT index_name FROM duckdb_indexes()",
    "schema": "SELECT schema_name FROM duckdb_schemas() WHERE NOT internal AND schema_name <> 'main'",
}


def version_of(cursor: duckdb.DuckDBPyConnection, path: Path | None) -> int | None:
    """Return the version of an open file's tables, None when it has none.

    Raises `StoreError` when it was written by a newer version, by another program, or by somebody who put something
    there that a twin does not have.
    """
    found = _tables(cursor)
    for kind, sql in _OTHERS.items():
        if names := cursor.execute(sql).fetchmany(1):
            what = f"a {kind}, {str(names[0][0])[:60]!r}, which no twin file has"
            raise StoreError(f"{path} holds {what}: it is not read", fix="do not trust this file")
    if not found:
        return None
    newest = max(migrations())
    if found.get("schema_version") != _tables_at(newest)["schema_version"]:  # the same in every version
        raise StoreError(f"{path} is a DuckDB file of another program", fix="give another file name")
    version = int(cursor.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchall()[0][0])
    if version > newest:
        raise StoreError(f"{path} was written by a newer twinops", fix="update twinops, or give another file")
    if found != _tables_at(max(version, 0)):
        odd = sorted(set(found.items()) ^ set(_tables_at(max(version, 0)).items()))[0][0]
        raise StoreError(f"{path}: table {odd[:60]!r} is not as twinops makes it", fix="do not trust this file")
    if version > 0:
        _require_bounded(cursor, path)
    return version


def _require_bounded(cursor: duckdb.DuckDBPyConnection, path: Path | None) -> None:
    """A few bytes of a file can stand for any number of equal rows."""
    if cursor.execute(f"SELECT sum(estimated_size) > {MOST_ROWS} FROM duckdb_tables()").fetchall()[0][0]:  # noqa: S608 - a constant
        raise StoreError(f"{path} holds more than {MOST_ROWS:,} rows", fix="give a smaller file")
    text = cursor.execute("SELECT coalesce(sum(strlen(node) + strlen(message)), 0) FROM event").fetchall()[0][0]
    if text > MOST_TEXT:
        raise StoreError(f"{path} holds more than {MOST_TEXT:,} bytes of log lines", fix="give a smaller file")


@cache
def migrations() -> dict[int, str]:
    """Every migration by its number, in order."""
    parts = _MIGRATION.split(_SCHEMA.read_text(encoding="utf-8"))
    return {int(number): sql for number, sql in zip(parts[1::2], parts[2::2], strict=True)}


@cache
def _tables_at(version: int) -> dict[str, str]:
    """The tables that a file of a version has, as DuckDB words their definitions."""
    with duckdb.connect(":memory:", config=CONFIG) as empty:
        empty.execute(VERSIONS)
        for number, sql in migrations().items():
            if number <= version:
                empty.execute(sql)
        return _tables(empty)


def _tables(cursor: duckdb.DuckDBPyConnection) -> dict[str, str]:
    rows = cursor.execute("SELECT schema_name, table_name, sql FROM duckdb_tables()").fetchall()
    return {
        table if schema == "main" else f"{schema}.{table}": sql
        for schema, table, sql in cast("list[tuple[str, str, str]]", rows)
    }
