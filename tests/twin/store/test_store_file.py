import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import duckdb
import pytest

from tests.twin.store.store_samples import NETWORK, NOW, empty, in_another_process, measured, rows
from twin.errors import StoreBusyError, StoreError
from twin.live.network import Event
from twin.store import TwinStore


@pytest.fixture
def store():
    with TwinStore.open() as opened:
        yield opened


def test_a_second_process_is_told_who_holds_the_file(tmp_path):
    path = tmp_path / "twin.duckdb"
    with TwinStore.open(path):
        run = in_another_process(
            """
            import sys
            from twin.errors import StoreBusyError
            from twin.store import TwinStore
            try:
                TwinStore.open(sys.argv[1])
            except StoreBusyError as error:
                print(error)
            """,
            path,
        )
    assert run.stdout.count("\n") == 1, run.stderr
    assert f"{path} is in use by process {os.getpid()}" in run.stdout
    assert issubclass(StoreBusyError, Exception)
    TwinStore.open(path).close()


@pytest.mark.parametrize("content", [b"not a database" * 400, b"x", bytes(8192)])
def test_a_file_that_is_no_database_is_left_alone(tmp_path, content):
    path = tmp_path / "twin.duckdb"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"twin\.duckdb") as caught:
        TwinStore.open(path)
    assert caught.value.fix
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_left_alone(tmp_path):
    path = tmp_path / "sales.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE sales (id INTEGER)")
    with pytest.raises(StoreError, match="another program"):
        TwinStore.open(path)
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("sales",)]


def test_a_twin_of_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "twin.duckdb"
    TwinStore.open(path).close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO schema_version VALUES (999)")
    with pytest.raises(StoreError, match="newer"):
        TwinStore.open(path)


@pytest.mark.parametrize(
    ("place", "said"),
    [("none/twin.duckdb", "does not exist"), ("", "is a folder"), ("file/twin.duckdb", "does not exist")],
)
def test_a_place_that_cannot_be_written_says_what_to_give(tmp_path, place, said):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=said) as caught:
        TwinStore.open(tmp_path / place)
    assert caught.value.fix


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_without_write_permission_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="cannot be written"):
        TwinStore.open(tmp_path / "twin.duckdb")
    tmp_path.chmod(0o700)


def test_a_closed_store_says_so(store):
    store.close()
    with pytest.raises(StoreError):
        store.snapshots()


def test_a_kill_in_a_transaction_keeps_the_last_committed_state(tmp_path):
    path = tmp_path / "twin.duckdb"
    run = in_another_process(
        """
        import os, signal, sys
        from datetime import UTC, datetime
        from twin.formats import load_network
        from twin.store import TwinStore
        import twin.store.database as database
        store, network = TwinStore.open(sys.argv[1]), load_network("synthetic/8-1")
        now = datetime(2026, 3, 1, tzinfo=UTC)
        store.save_snapshot(network, now=now)
        store.set_current(network.id)
        insert = database.Writer.insert
        def kill_after_the_demands(self, table, columns, **options):
            rows = insert(self, table, columns, **options)
            if table == "demand":
                os.kill(os.getpid(), signal.SIGKILL)
            return rows
        database.Writer.insert = kill_after_the_demands
        store.save_snapshot(network.with_demands(network.demands * 2), now=now)
        """,
        path,
    )
    assert run.returncode == -signal.SIGKILL, run.stderr
    with TwinStore.open(path) as store:
        assert [entry.id for entry in store.snapshots()] == [NETWORK.id]
        assert store.load_snapshot(store.current or "") == NETWORK


def test_an_interrupted_write_leaves_nothing(store):
    broken = replace(
        empty(), events=(Event(NOW.timestamp(), "A", 3, "fine"), Event(NOW.timestamp(), "A", 10**12, "too severe"))
    )
    with pytest.raises(StoreError):
        store.append_telemetry(broken, NETWORK)
    assert store.read_telemetry(NETWORK, datetime(2000, 1, 1, tzinfo=UTC)).events == ()
    assert store.save_snapshot(NETWORK, now=NOW) == NETWORK.id


def test_threads_append_the_same_interval_once(tmp_path):
    telemetry = measured(hours=1)
    with TwinStore.open(tmp_path / "twin.duckdb") as store, ThreadPoolExecutor(8) as threads:
        added = list(threads.map(lambda _: store.append_telemetry(telemetry, NETWORK), range(8)))
        found = list(threads.map(lambda _: store.read_telemetry(NETWORK, datetime(2000, 1, 1, tzinfo=UTC)), range(8)))
    assert sorted(added) == [0] * 7 + [rows(telemetry)]
    assert {rows(x) for x in found} == {rows(telemetry)}


def test_threads_may_read_while_others_write(tmp_path):
    with TwinStore.open(tmp_path / "twin.duckdb") as store, ThreadPoolExecutor(6) as threads:
        store.save_snapshot(NETWORK, now=NOW)
        writes = [
            threads.submit(store.save_snapshot, NETWORK.with_demands(NETWORK.demands * k), now=NOW)
            for k in range(2, 12)
        ]
        reads = [threads.submit(store.load_snapshot, NETWORK.id) for _ in range(10)]
        assert len({future.result() for future in writes}) == 10
        assert {future.result() for future in reads} == {NETWORK}
        assert len(store.snapshots()) == 11
