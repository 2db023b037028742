"""A twin file from somebody else: it is read as the tables it should be, or refused before anything in it is run."""

import os
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from tests.twin.store.store_samples import NETWORK, NOW
from twin.errors import StoreError, TwinError
from twin.formats import load_network
from twin.store import TwinStore, contents


@pytest.fixture
def twin(tmp_path: Path) -> Path:
    path = tmp_path / "twin.duckdb"
    with TwinStore.open(path) as store:
        store.save_inventory([NETWORK], now=NOW)
    return path


ADDED = {
    "a view that reads a file": "DROP TABLE event; CREATE VIEW event AS SELECT content FROM read_text('/etc/hostname')",
    "a view without end": "ALTER TABLE plan RENAME TO o; CREATE VIEW plan AS SELECT o.* FROM o, range(100000000000)",
    "one view more": "CREATE VIEW more AS SELECT 1",
    "a macro in place of a function": "CREATE MACRO epoch_us(x) AS 1",
    "a table macro": "CREATE MACRO rows_of(x) AS TABLE SELECT 1",
    "a trigger": "CREATE TRIGGER t AFTER INSERT ON plan FOR EACH STATEMENT INSERT INTO mirror VALUES (1, 'x')",
    "a computed column": "DROP TABLE mirror; CREATE TABLE mirror (slot INTEGER, x VARCHAR AS (repeat(chr(9), slot)))",
    "a default that computes": "ALTER TABLE plan ALTER goal SET DEFAULT repeat('x', 1000000)",
    "another type": "ALTER TABLE mirror ALTER snapshot TYPE BLOB USING snapshot::BLOB",
    "a column more": "ALTER TABLE mirror ADD COLUMN more INTEGER",
    "a column less": "ALTER TABLE node DROP COLUMN drained",
    "a table more": "CREATE TABLE more (x INTEGER)",
    "a table less": "DROP TABLE execution",
    "another schema": "CREATE SCHEMA more; CREATE TABLE more.event (x INTEGER)",
    "a sequence": "CREATE SEQUENCE more",
    "a type": "CREATE TYPE more AS ENUM ('x')",
    "an index": "CREATE INDEX more ON plan (goal)",
    "a version that is a view": "DROP TABLE schema_version; CREATE VIEW schema_version AS SELECT 9 AS version",
}


@pytest.mark.parametrize("kind", ADDED)
def test_what_no_twin_file_holds_is_refused_before_it_is_read(twin: Path, kind: str):
    with duckdb.connect(str(twin)) as connection:
        connection.execute(ADDED[kind])
    with pytest.raises(StoreError) as caught:
        TwinStore.open(twin)
    assert caught.value.fix


def test_a_few_bytes_that_stand_for_rows_without_end_are_refused(twin: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(contents, "MOST_ROWS", 1_000)
    with duckdb.connect(str(twin)) as connection:
        connection.execute("INSERT INTO node_sample SELECT 'x', now(), 'x', true FROM range(1000)")
    with pytest.raises(StoreError, match="1,000 rows"):
        TwinStore.open(twin)


def test_a_twin_file_reaches_no_other_file(twin: Path):
    with TwinStore.open(twin) as store, pytest.raises(StoreError, match="disabled"):
        store._database.rows("SELECT * FROM read_text('/etc/hostname')")
    with TwinStore.open(twin) as store, pytest.raises(StoreError, match="locked"):
        store._database.rows("SET memory_limit = '1TB'")


@pytest.mark.parametrize("suffix", ["", ".wal"])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_neither_a_link_nor_a_pipe_is_opened_as_a_twin_file(tmp_path: Path, twin: Path, suffix: str, kind: str):
    place = tmp_path / "run" / "twin.duckdb"
    place.parent.mkdir()
    before = twin.read_bytes()
    file = place.with_name(place.name + suffix)
    os.mkfifo(file) if kind == "pipe" else file.symlink_to(twin)
    with pytest.raises(StoreError, match="not opened"):
        TwinStore.open(place)
    assert twin.read_bytes() == before


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE snapshot SET changes = '[]', parent = id",
        "UPDATE snapshot SET changes = '" + "[" * 5_000 + "]" * 5_000 + "'",
        "UPDATE snapshot SET created = 'infinity'",
        "UPDATE link SET capacity = 'nan'",
        "UPDATE link SET weight = -9223372036854775808",
        "UPDATE link SET tail = 'nobody'",
        "UPDATE node SET name = ''",
        "UPDATE demand SET mbps = 'inf'",
        "DELETE FROM node",
        "INSERT INTO risk_group SELECT id, 0, 'x', '{}' FROM snapshot",
        "INSERT INTO risk_group SELECT id, 0, 'x', '" + "[" * 5_000 + "]" * 5_000 + "' FROM snapshot",
        "INSERT INTO tunnel SELECT id, 'x', 'y', 'z', '7', 'explicit', 'igp' FROM snapshot",
        "INSERT INTO node SELECT node.* REPLACE (range AS position, 'n' || range AS name) FROM node, range(9000)",
    ],
)
def test_rows_that_mean_nothing_are_an_error_of_the_tree(twin: Path, sql: str):
    with duckdb.connect(str(twin)) as connection:
        connection.execute(sql)
    with pytest.raises(TwinError):
        load_network(str(twin))


def test_the_rest_of_a_twin_opens_as_before(twin: Path):
    assert load_network(str(twin)).id == NETWORK.id
    with TwinStore.open(twin) as one, TwinStore.open(twin) as other:  # two in one process share its settings
        assert one.snapshots() == other.snapshots()
        assert other.snapshots()[0].created.astimezone(UTC) <= datetime.max.replace(tzinfo=UTC)
