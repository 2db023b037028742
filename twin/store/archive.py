"""Link samples of weeks and months: the open hours in a DuckDB file, all before as Parquet, behind one view.

One process writes: it appends to the DuckDB file, puts every hour that is over into a Parquet file of its own, and the
hours of a day that is over into one, sorted by link, so that a question about one link reads little of it. A file
counts from the moment it has its name, and replaces what it was made of: no crash loses or doubles a sample. Files
never change, so that any number of processes read them meanwhile; they are behind the writer by an hour at most.
"""

import os
import re
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from twin.files import is_plain
from twin.live.network import LinkSamples
from twin.model import Network

from .database import Database, Row
from .times import micros

VIEW = "link_sample"
SAMPLES = "samples"
"""Folder of a room's archive, below the room's own."""
NEWEST = "newest.duckdb"
GRACE = timedelta(minutes=10)
"""How long after an hour its rows may still come in; what comes later is not kept."""
_COLUMNS = "time, link, out_mbps, in_mbps, dropped_mbps, up"
_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})(?:T(\d{2}))?\.parquet")
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
FILE_FORMAT = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880, PARQUET_VERSION v2"  # v2: a tenth smaller


class SampleFile(NamedTuple):
    """A file of samples: those of an hour, or of a day, that begins at a time."""

    begin: datetime
    length: timedelta
    path: Path

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return self.begin + self.length


def parts_of(folder: Path) -> tuple[SampleFile, ...]:
    """Return the files that count, the oldest first: an hour does not where its day has a file."""
    found = [part for path in folder.glob("*.parquet") if (part := _part(path)) and is_plain(path)]
    days = _days(found)
    return tuple(sorted(x for x in found if x.length == _DAY or _day_of(x.begin) not in days))


class SampleArchive:
    """The samples of one network's links, in a folder. One process at a time; any of its threads may read.

    Raises `StoreBusyError` when another process writes there, `StoreError` when it cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder
        self._reading = threading.RLock()
        self._held: Database | None = None
        _ = self._database

    def close(self) -> None:
        """Give the file back, until it is used again; closing twice is allowed."""
        with self._reading:
            if self._held is not None:
                self._held.close()
            self._held = None

    def append(self, network: Network, samples: LinkSamples) -> int:
        """Take samples in and return how many rows; they replace those from the first of their times on.

        Rows of hours that are in files already are left out.
        """
        begin = max((part.end for part in parts_of(self.folder)), default=None)
        fresh = np.ones(samples.time.size, dtype=np.bool_) if begin is None else samples.time > begin.timestamp()
        if not fresh.any():
            return 0
        stamps = np.round(np.asarray(samples.time, dtype=np.float64)[fresh] * 1e6).astype(np.int64)
        columns: dict[str, NDArray[Any]] = {name: values[fresh] for name, values in samples._asdict().items()}
        columns["time"] = stamps
        names = {"link": np.array([link.name for link in network.links], dtype=object)}
        with self._database.write() as writer:
            since = [int(stamps.min())]
            writer.run("DELETE FROM link_sample WHERE time >= make_timestamptz(?::BIGINT)", since)
            return writer.insert("link_sample", columns, names=names, network=network.name)

    def tidy(self, now: datetime, *, keep: timedelta) -> None:
        """Put what is over into files, and delete those that ended longer ago than `keep`.

        The hours of a day that has its file are deleted the next time, so that nobody is left reading them.
        """
        for path in self._superseded(now - keep):
            path.unlink(missing_ok=True)
        hours = self._hours_over(now)
        for hour in hours:
            self._put(hour)
        if hours:  # what is deleted is held, in memory and on file, until then
            self._database.rows("FORCE CHECKPOINT")
            self.close()  # DuckDB 2.0.0 keeps some kilobytes of every insert and join until its file is closed
        parts = parts_of(self.folder)
        for day in sorted({_day_of(x.begin) for x in parts} - _days(parts)):
            if day + _DAY + GRACE <= now:
                self._join(day)

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run one query over the view `link_sample` (time, link, out_mbps, in_mbps, dropped_mbps, up)."""
        with self._reading, self._database.snapshot("link_sample") as cursor:
            parts = parts_of(self.folder)
            end = max((part.end for part in parts), default=datetime(1970, 1, 1, tzinfo=UTC))
            database = str(cursor.execute("SELECT current_database()").fetchall()[0][0])
            newest = f'SELECT {_COLUMNS} FROM "{database}".main.link_sample WHERE time > {_moment(end)}'  # noqa: S608 - a name of our own
            cursor.execute(f"CREATE OR REPLACE TEMP VIEW {VIEW} AS {' UNION ALL '.join([*_reading(parts), newest])}")
            return cursor.execute(statement, list(parameters)).fetchall()

    @property
    def _database(self) -> Database:
        with self._reading:
            if self._held is None:
                self._held = Database(self.folder / NEWEST, reaches=self.folder)
            return self._held

    def _superseded(self, before: datetime) -> list[Path]:
        """Return the files that hold nothing that counts: hours of whole days, days before a time, halves of files."""
        counting = {part.path for part in parts_of(self.folder) if part.end >= before}
        ours = (x for x in self.folder.glob("*.parquet*") if _part(x) or _part(x.with_suffix("")))
        return [path for path in ours if path not in counting]

    def _hours_over(self, now: datetime) -> list[datetime]:
        """Return the beginnings of the hours that are over and in no file."""
        end = max((part.end for part in parts_of(self.folder)), default=datetime(1970, 1, 1, tzinfo=UTC))
        # a sample is named after the end of its interval: that of a full hour belongs to the hour before
        sql = "SELECT DISTINCT epoch_us(time_bucket(INTERVAL 1 hour, time - INTERVAL 1 microsecond)) FROM link_sample"
        hours = [datetime.fromtimestamp(int(x) / 1e6, UTC) for (x,) in self._database.rows(sql)]
        return sorted(x for x in hours if end <= x and x + _HOUR + GRACE <= now)

    def _put(self, hour: datetime) -> None:
        within = f"time > {_moment(hour)} AND time <= {_moment(hour + _HOUR)}"
        self._write(f"SELECT {_COLUMNS} FROM link_sample WHERE {within}", f"{hour:%Y-%m-%dT%H}.parquet")  # noqa: S608 - times of our own
        with self._database.write() as writer:
            writer.run("DELETE FROM link_sample WHERE time <= make_timestamptz(?::BIGINT)", [micros(hour + _HOUR)])

    def _join(self, day: datetime) -> None:
        hours = [part for part in parts_of(self.folder) if _day_of(part.begin) == day]
        self._write(" UNION ALL ".join(_reading(hours)), f"{day:%Y-%m-%d}.parquet")

    def _write(self, rows: str, name: str) -> None:
        """Write rows into a file, which gets its name when all of it is on the disk."""
        path = self.folder / name
        unfinished = path.with_name(f"{name}.part")
        with self._database.write() as writer:
            writer.run(f"COPY (SELECT * FROM ({rows}) ORDER BY link, time) TO {_quoted(unfinished)} ({FILE_FORMAT})")  # noqa: S608 - as above
        descriptor = os.open(unfinished, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        unfinished.replace(path)


def read_parts(connection: duckdb.DuckDBPyConnection, parts: Sequence[SampleFile]) -> None:
    """Give a connection of another process the view `link_sample` over some files, which are only read."""
    connection.execute(f"CREATE TEMP VIEW {VIEW} AS {' UNION ALL '.join(_reading(parts))}")


def _reading(parts: Sequence[SampleFile]) -> list[str]:
    files = ", ".join(_quoted(part.path) for part in parts)
    return [f"SELECT {_COLUMNS} FROM read_parquet([{files}])"] if parts else []  # noqa: S608 - files of this folder alone


def _part(path: Path) -> SampleFile | None:
    found = _NAME.fullmatch(path.name)
    if found is None:
        return None
    try:
        begin = datetime.fromisoformat(f"{found[1]}T{found[2] or '00'}:00:00+00:00")
    except ValueError:
        return None
    return SampleFile(begin, _DAY if found[2] is None else _HOUR, path)


def _days(parts: Sequence[SampleFile]) -> set[datetime]:
    """The days that have a file of their own."""
    return {part.begin for part in parts if part.length == _DAY}


def _day_of(time: datetime) -> datetime:
    return time.replace(hour=0, minute=0, second=0, microsecond=0)


def _moment(time: datetime) -> str:
    return f"make_timestamptz({micros(time)}::BIGINT)"


def _quoted(path: Path) -> str:
    """A path as text of SQL; what would be a pattern in it stands for itself."""
    literal = "".join(f"[{x}]" if x in "*?[" else x for x in str(path.resolve()))
    return "'" + literal.replace("'", "''") + "'"
