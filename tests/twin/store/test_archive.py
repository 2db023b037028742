"""Samples of months: what is over goes into files, and one view shows all of it, whoever reads and whenever."""

import ctypes
import gc
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

import duckdb
import numpy as np
import pytest

from twin.errors import StoreError
from twin.formats import load_network
from twin.live.network import LinkSamples
from twin.store.archive import GRACE, SampleArchive, parts_of, read_parts

NETWORK = load_network("synthetic/12-1")
LINKS = len(NETWORK.links)
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVER = timedelta(days=365)
COUNT = "SELECT count(*), count(DISTINCT (time, link)), sum(out_mbps) FROM link_sample"


def measured(begin: datetime, count: int, *, step: float = 600.0) -> LinkSamples:
    """Samples of every link, `count` of them after `begin`; the rate of each says which it is."""
    time = np.repeat(begin.timestamp() + step * np.arange(1, count + 1), LINKS)
    link = np.tile(np.arange(LINKS), count)
    rate = time - BEGIN.timestamp() + link / 64
    return LinkSamples(time, link, rate, rate / 2, np.where(link % 5 == 0, np.nan, 0.0), link % 7 != 0)


def filled(archive: SampleArchive, hours: int) -> list[LinkSamples]:
    """Let a day go by in two looks, then hours as a watch sees them, which reads the last minutes once more."""
    for begin, until in ((0, 10), (9, 22), *((hour - 1, hour + 1) for hour in range(22, hours))):
        archive.append(
            NETWORK, measured(BEGIN + (begin + 0.5) * HOUR if begin else BEGIN, 6 * (until - begin) - 3 * (begin > 0))
        )
        archive.tidy(BEGIN + until * HOUR, keep=EVER)
    return [measured(BEGIN, 6 * hours)]


def expected(samples: list[LinkSamples]) -> tuple[int, int, float]:
    rows = sum(len(x.time) for x in samples)
    return rows, rows, pytest.approx(sum(x.out_mbps.sum() for x in samples), rel=1e-12)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    with closing(SampleArchive(folder)) as archive:
        yield archive, filled(archive, 27)


def test_no_sample_is_lost_or_doubled_on_its_way_from_the_open_hour_to_the_file_of_its_day(kept):
    archive, samples = kept
    assert archive.rows(COUNT) == [expected(samples)]
    names = [part.path.name for part in parts_of(archive.folder)]
    assert names == ["2026-11-01.parquet", "2026-11-02T00.parquet", "2026-11-02T01.parquet"]
    (row,) = archive.rows(
        "SELECT time, out_mbps, in_mbps, dropped_mbps, up FROM link_sample ORDER BY time, link LIMIT 1"
    )
    first = min(NETWORK.links, key=lambda x: x.name)
    place = NETWORK.links.index(first)
    assert row[0] == BEGIN + timedelta(minutes=10)
    assert row[1:3] == (600 + place / 64, 300 + place / 128)
    assert (row[3] is None or np.isnan(row[3])) == (place % 5 == 0)
    assert row[4] == (place % 7 != 0)


def test_whoever_reads_the_files_beside_the_writer_sees_every_hour_that_is_over(kept):
    archive, _ = kept
    with duckdb.connect() as connection:
        read_parts(connection, parts_of(archive.folder))
        found = connection.execute("SELECT count(*), max(time) FROM link_sample").fetchall()
        assert found == [(26 * 6 * LINKS, BEGIN + 26 * HOUR)]


def test_threads_that_read_while_hours_and_days_are_put_away_see_all_of_it_every_time(tmp_path):
    wrong: list[object] = []
    with closing(SampleArchive(tmp_path)) as archive:
        archive.append(NETWORK, measured(BEGIN, 6 * 30))
        whole, done = archive.rows(COUNT), threading.Event()

        def read() -> None:
            while not done.is_set():
                try:
                    found = archive.rows(COUNT)
                except StoreError as error:
                    found = str(error)
                if found != whole:
                    wrong.append(found)

        readers = [threading.Thread(target=read) for _ in range(2)]
        for thread in readers:
            thread.start()
        try:
            archive.tidy(BEGIN + 40 * HOUR, keep=EVER)
        finally:
            done.set()
            for thread in readers:
                thread.join()
        assert next(part.path.name for part in parts_of(tmp_path)) == "2026-11-01.parquet"
    assert not wrong


def test_a_writer_that_was_killed_between_a_file_and_what_it_was_made_of_doubles_nothing(tmp_path):
    with closing(SampleArchive(tmp_path)) as archive:
        samples = filled(archive, 27)
    day = tmp_path / "2026-11-01.parquet"
    again = tmp_path / "2026-11-01T05.parquet"  # an hour that its day holds already, and a file half written
    again.write_bytes((tmp_path / "2026-11-02T00.parquet").read_bytes())
    (tmp_path / "2026-11-02T01.parquet.part").write_bytes(b"PAR1")
    with closing(SampleArchive(tmp_path)) as archive:
        archive.append(NETWORK, measured(BEGIN + 22 * HOUR, 6))  # rows that are in a file already
        assert archive.rows(COUNT) == [expected(samples)]
        archive.tidy(BEGIN + 26 * HOUR, keep=EVER)
        assert archive.rows(COUNT) == [expected(samples)]
    assert day.exists()
    assert not again.exists()
    assert not list(tmp_path.glob("*.part"))


def test_days_that_ended_before_what_is_kept_are_deleted(kept, tmp_path):
    archive, _ = kept
    for part in parts_of(archive.folder):
        (tmp_path / part.path.name).write_bytes(part.path.read_bytes())
    with closing(SampleArchive(tmp_path)) as copy:
        copy.tidy(BEGIN + 49 * HOUR, keep=timedelta(days=1))
        ((oldest,),) = copy.rows("SELECT min(time) FROM link_sample")
    assert oldest == BEGIN + 24 * HOUR + timedelta(minutes=10)


class Allocator(ctypes.Structure):
    """`struct mallinfo2` of glibc, mallinfo(3)."""

    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = tuple((name, ctypes.c_size_t) for name in names.split())


def allocated():
    """Bytes that this process has taken from its allocator and not given back."""
    gc.collect()
    ask = ctypes.CDLL(None).mallinfo2
    ask.restype = Allocator
    found = ask()
    return found.uordblks + found.hblkhd


@pytest.mark.skipif(sys.platform != "linux", reason="asks the allocator of glibc")
def test_a_watch_of_many_hours_holds_no_more_memory_than_one_of_one(tmp_path):
    """DuckDB 2.0.0 keeps 3 kB of every join until its file is closed: 1 MB an hour at 30 s."""
    with closing(SampleArchive(tmp_path)) as archive:
        held = []
        for hour in range(4):
            for minute in range(2, 62, 2):
                archive.append(NETWORK, measured(BEGIN + hour * HOUR + timedelta(minutes=minute), 1, step=0.0))
            archive.tidy(BEGIN + (hour + 1) * HOUR + GRACE, keep=EVER)
            held.append(allocated())
    assert len(parts_of(tmp_path)) == 4
    assert held[-1] - held[0] < 150_000
