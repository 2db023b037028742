"""The room's log: one append-only file, and the board that it adds up to. What is not on it has not happened.

A line is on disk before anything follows from it, so that a room which was killed anywhere finds all of it again. Now
and then the file is written anew, with what is still wanted of the past as its first line; the old one is kept beside.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from twin.append_log import AppendLog, read_lines
from twin.errors import InputError, StoreError, TwinError
from twin.files import is_absent, parse_json, read_bytes, write_bytes

from .board import Board
from .record import ROOM_EVENT, RoomEvent

LOG = "room.jsonl"
_LARGE = 8 << 20  # bytes from which the file is written anew
_KEPT = 3  # old files
_BEGINNING = "0" * 64
FORMAT = 2
"""Of the lines; one that states a higher one was written by a newer version. Logs that state none are of the first; the
second has `runs deleted`, and the runs that were begun here."""
Heard = Callable[[int, RoomEvent], None]


def chained(head: str, line: bytes) -> str:
    """Return the head of a log after one more line: SHA-256 of the head before and the line without its end."""
    return hashlib.sha256(head.encode() + line.rstrip(b"\n")).hexdigest()


class Ledger:
    """The log of a room, and its board. One process holds it; threads take turns."""

    def __init__(self, folder: Path, *, retention: timedelta = timedelta(days=90), large: int = _LARGE) -> None:
        """Open or begin the log in a folder. Raises `StoreError` when it cannot be read or written."""
        self._path, self._retention, self._large = folder / LOG, retention, large
        self._lock = threading.RLock()
        self._heard: list[Heard] = []
        self.seq, self.board = 0, Board()
        self.head, self._stated = _BEGINNING, False
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreError(f"cannot write {folder}: {error.strerror}", fix="name another folder") from error
        if is_absent(self._path):
            self._log = AppendLog.create(self._path)
            self._size = 0
        else:
            self._log = AppendLog.reopen(self._path)
            try:
                self._read()
            except BaseException:
                self._log.close()
                raise

    def close(self) -> None:
        """Take no more events."""
        with self._lock:
            self._log.close()

    def listen(self, heard: Heard) -> Callable[[], None]:
        """Call `heard` with every event from now on, under the room's lock; returns what ends that."""
        with self._lock:
            self._heard.append(heard)
        return lambda: self._heard.remove(heard) if heard in self._heard else None

    def decide(self, work: Callable[[Board], Iterable[RoomEvent]]) -> tuple[RoomEvent, ...]:
        """Put on the log what follows from the board as it is now; nobody else writes in between. All, or none.

        Raises `StoreError` when it cannot be written, `InputError` when an event cannot follow.
        """
        with self._lock:
            events = tuple(work(self.board))
            board = self.board
            for event in events:
                board = board.add(event)
            lines = [self._line(self.seq + i + 1, x, first=not (i or self._stated)) for i, x in enumerate(events)]
            if lines:
                self._log.append(lines, durable=True)
                self._size += sum(map(len, lines))
                self._stated = True
            self.board = board
            for event, line in zip(events, lines, strict=True):
                self.seq += 1
                self.head = chained(self.head, line)
                for heard in tuple(self._heard):
                    heard(self.seq, event)
            return events

    def write(self, *events: RoomEvent) -> None:
        """Put events on the log. Raises as `decide` does."""
        self.decide(lambda _board: events)

    def tidy(self, now: datetime) -> bool:
        """Write the file anew when it has grown large, without what is older than the retention; true when it was.

        Without space for that the log goes on as it is.
        """
        with self._lock:
            if self._size < self._large:
                return False
            board = self.board.forget(now - self._retention)
            first = {"format": FORMAT, "seq": self.seq, "head": self.head, "board": board.model_dump(mode="json")}
            anew, copy = self._beside("next"), self._beside("0")
            try:  # both are on disk before anything has another name: a full disk leaves all as it is
                write_bytes(anew, json.dumps(first, ensure_ascii=False).encode() + b"\n", durable=True)
                write_bytes(copy, read_bytes(self._path))
            except TwinError:
                anew.unlink(missing_ok=True)
                return False
            for number in range(_KEPT, 0, -1):
                older = self._beside(str(number - 1))
                if older.exists():
                    older.replace(self._beside(str(number)))
            anew.replace(self._path)
            self._log.close()
            self._log, self._size, self.board = AppendLog.reopen(self._path), 0, board
            return True

    def _beside(self, end: str) -> Path:
        return self._path.with_name(f"{LOG}.{end}")

    def since(self, seq: int) -> tuple[tuple[int, RoomEvent], ...]:
        """Return the events after a number that are still on the file, with theirs."""
        with self._lock:
            lines = read_lines(self._path).whole
        found: list[tuple[int, RoomEvent]] = []
        for line in lines:
            known = self._known(line)
            number, event = known
            if not isinstance(event, Board) and number > seq:
                found.append((number, event))
        return tuple(found)

    def _read(self) -> None:
        lines = read_lines(self._path).whole
        self._size = sum(map(len, lines))
        for line in lines:
            seq, known = self._known(line)
            try:
                self.board = known if isinstance(known, Board) else self.board.add(known)
            except InputError as error:
                raise self._broken(seq) from error
            self.seq = seq
            self.head = self._head(line) if isinstance(known, Board) else chained(self.head, line)

    def _known(self, line: bytes) -> tuple[int, "Board | RoomEvent"]:
        try:
            content = parse_json(line)
            if not isinstance(content, dict) or not isinstance(seq := content.get("seq"), int):
                raise self._broken(self.seq + 1)
            stated = content.get("format", 1)
            if isinstance(stated, int) and stated > FORMAT:
                raise StoreError(
                    f"{self._path} is of format {stated}, this version reads up to {FORMAT}",
                    fix="use the version of twinops that wrote it, or a newer one",
                )
            if "board" in content:
                return seq, Board.model_validate(content["board"])
            return seq, ROOM_EVENT.validate_python(content["event"])
        except (ValueError, KeyError, ValidationError) as error:
            raise self._broken(self.seq + 1) from error

    def _head(self, line: bytes) -> str:
        content = parse_json(line)
        found = content.get("head") if isinstance(content, dict) else None
        return found if isinstance(found, str) else _BEGINNING  # logs that were tidied before heads were kept

    def _broken(self, seq: int) -> StoreError:
        return StoreError(f"{self._path} is broken at event {seq}", fix="restore the room from a backup")

    @staticmethod
    def _line(seq: int, event: RoomEvent, *, first: bool) -> bytes:
        """Return a line. The first that a process writes states the format: an older process after it stops there."""
        stated = {"format": FORMAT} if first else {}
        content = {**stated, "seq": seq, "event": event.model_dump(mode="json")}
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
