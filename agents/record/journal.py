"""Writing a run's record: JSON Lines, each line bound to the one before by its hash, written before it takes effect."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from twin.append_log import AppendLog
from twin.errors import JournalError, RehearsedError, StoreError

from .events import Event
from .records import GENESIS, Record, RecordsRead, body, digest, read_journal
from .rerun import RecordsAhead
from .spelling import canonical

__all__ = ["GENESIS", "Clock", "Journal", "Listener", "Record", "RecordsRead", "read_journal"]

Clock = Callable[[], datetime]
Listener = Callable[[Record], None]


class Journal:
    """An append-only run record. Each event is written first and shown to the listener afterwards.

    Every line reaches the operating system at once; a durable event reaches the disk before `append` returns. An event
    that could not be written is not on record, and the next one follows the one before it (see `AppendLog`).
    Raises `StoreError` when the file exists or cannot be made, `JournalError` when an event cannot be written.
    """

    def __init__(self, path: Path | None, *, clock: Clock, listener: Listener | None = None) -> None:
        self._log = AppendLog.create(path) if path else None
        self._clock, self._listener = clock, listener
        self._lock = threading.Lock()
        self._head, self._seq = GENESIS, 0
        self.recorded = RecordsAhead()

    @classmethod
    def reopen(cls, path: Path, reading: RecordsRead, *, clock: Clock, listener: Listener | None = None) -> Self:
        """Open a journal that was just read to go on with it; a last line that was cut off is removed.

        Nothing is recalled: what is appended follows the last record.
        """
        journal = cls(None, clock=clock, listener=listener)
        journal._log = AppendLog.reopen(path)
        journal._head, journal._seq = reading.head, len(reading.records)
        return journal

    @classmethod
    def rehearse(cls, records: Sequence[Record], *, clock: Clock) -> Self:
        """Make a journal that writes nothing and only recalls: a new event raises `RehearsedError`."""
        journal = cls(None, clock=clock)
        journal.recorded = RecordsAhead(records)
        return journal

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

    @property
    def begun(self) -> bool:
        """Whether it holds a record."""
        return self._seq > 0

    def append(self, event: Event) -> Record:
        """Write one event, then show it to the listener; an event that `recorded` knows is neither written nor shown.

        Raises `DivergedError` when `recorded` knows another one in its place.
        """
        with self._lock:
            if (met := self.recorded.meet(event)) is not None:
                return met
            record = self._write(event)
        if self._listener is not None:
            self._listener(record)
        return record

    def close(self) -> None:
        """Put everything on disk and take no more. Raises `JournalError` when that fails."""
        if self._log is None:
            return
        try:
            self._log.close()
        except StoreError as error:
            raise JournalError(str(error), fix=error.fix) from error

    def _write(self, event: Event) -> Record:
        if self._log is None:
            raise RehearsedError(f"the record ends before {event.kind!r}", fix="resume the run")
        content = body(self._seq, self._clock(), self._head, event)
        hashed = digest(content)
        try:
            self._log.append([canonical({**content, "hash": hashed})], durable=event.durable)
        except StoreError as error:
            raise JournalError(f"{event.kind!r} is not on record: {error}", fix=error.fix) from error
        self._head, self._seq = hashed, self._seq + 1
        return Record.model_validate({**content, "hash": hashed})
