"""The record of a run: JSON Lines, each line bound to the one before by its hash, written before it takes effect."""

import hashlib
import json
import os
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from pydantic import ValidationError

from twin.errors import JournalError, StoreError
from twin.model import Frozen

from .events import Event

GENESIS = "0" * 64
Clock = Callable[[], datetime]
Listener = Callable[["Record"], None]


class Record(Frozen):
    """One line: `hash` covers everything else in it, `previous` is the hash of the line before."""

    seq: int
    time: datetime
    previous: str
    event: Event
    hash: str


class Reading(NamedTuple):
    """A journal as it was read. `torn` says that its last line was cut off while being written, and left out."""

    records: tuple[Record, ...]
    torn: bool

    @property
    def head(self) -> str:
        """Hash of the last record: keep it elsewhere to detect a journal that was shortened."""
        return self.records[-1].hash if self.records else GENESIS


class Journal:
    """An append-only run record. Each event is written first and shown to the listener afterwards.

    Every line reaches the operating system at once; a durable event reaches the disk before `append` returns.
    Raises `StoreError` when the file exists or cannot be written, `JournalError` after it is closed.
    """

    def __init__(self, path: Path, *, clock: Clock, listener: Listener | None = None) -> None:
        try:
            self._file = path.open("xb")
        except FileExistsError as error:
            raise StoreError(f"{path} exists already", fix="choose another run folder") from error
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}", fix="choose another run folder") from error
        self._clock, self._listener = clock, listener
        self._lock = threading.Lock()
        self._head, self._seq = GENESIS, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def head(self) -> str:
        """Hash of the last record written."""
        return self._head

    def append(self, event: Event) -> Record:
        """Write one event, then show it to the listener."""
        with self._lock:
            record = self._write(event)
        if self._listener is not None:
            self._listener(record)
        return record

    def close(self) -> None:
        """Put everything on disk and take no more."""
        if not self._file.closed:
            self._sync()
            self._file.close()

    def _write(self, event: Event) -> Record:
        if self._file.closed:
            raise JournalError(f"the journal is closed, {event.kind!r} was not written", fix="this is a bug: report it")
        body = _body(self._seq, self._clock(), self._head, event)
        digest = _digest(body)
        line = json.dumps({**body, "hash": digest}, separators=(",", ":"), ensure_ascii=False) + "\n"
        try:
            self._file.write(line.encode())
            self._file.flush()
        except OSError as error:
            raise JournalError(f"cannot write the journal: {error.strerror}", fix="free some space") from error
        if event.durable:
            self._sync()
        self._head, self._seq = digest, self._seq + 1
        return Record.model_validate({**body, "hash": digest})

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


def read_journal(path: Path) -> Reading:
    """Read a journal and verify its chain.

    A last line without its line end was cut off by a crash and is left out. Raises `StoreError` when the file cannot
    be read, `JournalError` that names the first line which is malformed, missing, reordered or altered.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}", fix="name a run's folder") from error
    *lines, rest = text.split(b"\n")
    records: list[Record] = []
    head = GENESIS
    for number, line in enumerate(lines):
        record = _read_line(path, number, line, head)
        head = record.hash
        records.append(record)
    return Reading(tuple(records), torn=bool(rest))


def _read_line(path: Path, number: int, line: bytes, head: str) -> Record:
    where = f"{path}: line {number + 1}"
    try:
        raw = json.loads(line)
        record = Record.model_validate(raw)
    except (ValueError, ValidationError) as error:
        raise JournalError(f"{where} is not a journal record", fix="restore the file from a copy") from error
    body = {key: value for key, value in raw.items() if key != "hash"}
    if record.previous != head or record.seq != number:
        raise JournalError(f"{where} does not follow the line before it", fix="do not trust this run record")
    if record.hash != _digest(body):
        raise JournalError(f"{where} was altered after it was written", fix="do not trust this run record")
    return record


def _body(seq: int, time: datetime, previous: str, event: Event) -> dict[str, object]:
    return {"seq": seq, "time": time.isoformat(), "previous": previous, "event": event.model_dump(mode="json")}


def _digest(body: dict[str, object]) -> str:
    text = json.dumps(body, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
