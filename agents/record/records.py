"""A run's record as it is read: JSON Lines, each bound to the one before by its hash."""

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, cast

from pydantic import AwareDatetime, JsonValue, ValidationError

from twin.append_log import read_lines
from twin.errors import InputError, JournalError, StoreError
from twin.files import parse_json
from twin.model import Frozen

from .events import Event
from .spelling import canonical

GENESIS = "0" * 64


class Record(Frozen):
    """One line: `hash` covers everything else in it, `previous` is the hash of the line before."""

    seq: int
    time: AwareDatetime
    previous: str
    event: Event
    hash: str


class RecordsRead(NamedTuple):
    """A journal as it was read. `torn` says that its last line was cut off while being written, and left out."""

    records: tuple[Record, ...]
    torn: bool

    @property
    def head(self) -> str:
        """Hash of the last record: keep it elsewhere to detect a journal that was shortened."""
        return self.records[-1].hash if self.records else GENESIS


def read_journal(path: Path) -> RecordsRead:
    """Read a journal and verify its chain.

    A last line without its line end was cut off by a crash and is left out. Raises `StoreError` when the file cannot
    be read, `JournalError` that names the first line which is malformed, missing, reordered, altered, or not
    byte for byte what its record is written as. A field that an earlier version did not know has its default.
    """
    try:
        lines = read_lines(path)
    except InputError as error:
        raise StoreError(str(error), fix="name a run's folder") from error
    records: list[Record] = []
    head = GENESIS
    for number, line in enumerate(lines.whole):
        record = _read_line(path, number, line, head)
        head = record.hash
        records.append(record)
    return RecordsRead(tuple(records), lines.torn)


def body(seq: int, time: datetime, previous: str, event: Event) -> dict[str, object]:
    """Everything of a record but its hash."""
    return {"seq": seq, "time": time.isoformat(), "previous": previous, "event": event.model_dump(mode="json")}


def digest(content: dict[str, object]) -> str:
    """SHA-256 of the canonical JSON of a record without its hash, 64 hex digits."""
    text = json.dumps(content, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _read_line(path: Path, number: int, line: bytes, head: str) -> Record:
    where = f"{path}: line {number + 1}"
    try:
        said = parse_json(line)
        record = Record.model_validate(said)
    except (ValueError, ValidationError) as error:
        raise JournalError(f"{where} is not a journal record", fix="restore the file from a copy") from error
    content = body(record.seq, record.time, record.previous, record.event)
    if record.previous != head or record.seq != number:
        raise JournalError(f"{where} does not follow the line before it", fix="do not trust this run record")
    if record.hash != digest(content):
        content = {name: _as_said(value, cast("dict[str, JsonValue]", said)[name]) for name, value in content.items()}
    if record.hash != digest(content):
        raise JournalError(f"{where} was altered after it was written", fix="do not trust this run record")
    # A record has one spelling: a key that is there twice could say something else to another reader of the file.
    if line != canonical({**content, "hash": record.hash}):
        raise JournalError(f"{where} is not as this record is written", fix="do not trust this run record")
    return record


def _as_said(value: object, said: JsonValue) -> object:
    """Leave out what a record does not say: an earlier version knew no such field, and wrote none.

    What it says counts as it stands, and its hash is of that.
    """
    match value, said:
        case dict(), dict():
            fields = cast("dict[str, object]", value)
            return {name: _as_said(inner, said[name]) for name, inner in fields.items() if name in said}
        case list(), list() if len(cast("list[object]", value)) == len(said):
            return [_as_said(inner, one) for inner, one in zip(cast("list[object]", value), said, strict=True)]
        case _:
            return value
