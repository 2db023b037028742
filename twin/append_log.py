"""An append-only file of lines: each is on it whole or not at all, and a durable one is on disk when that is said.

Journals, the emulated network's own record and the results of an evaluation are such files. Their writers write first
and act afterwards; so a line that could not be written must leave no trace that hides the lines before or after it.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

from .errors import StoreError
from .files import MAX_BYTES, extend, read_bytes, reason


class Lines(NamedTuple):
    """The lines of a log. `torn` says that a last one was cut off while it was written, and left out."""

    whole: tuple[bytes, ...]
    torn: bool


class AppendLog:
    """One log, open for writing at its end by one process.

    A write or a sync that fails is taken back: the file ends with the last whole line again, and the next line may be
    tried. When even that fails the log is closed for good, so that nothing follows half a line. A sync that failed may
    have lost what earlier writes left to the operating system: it is written again with the next line.
    """

    def __init__(self, file: BinaryIO, path: Path) -> None:
        """Take an unbuffered file that ends with a whole line, its position at its end."""
        self._file, self.path = file, path
        self._end = file.tell()
        self._unsynced, self._in_doubt, self._broken = bytearray(), False, ""

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make a log. Raises `StoreError` when there is a file of its name, or the folder cannot be written."""
        try:
            return cls(extend(path, new=True), path)
        except FileExistsError as error:
            raise StoreError(f"cannot write {path}: it exists already", fix="choose another run folder") from error
        except (OSError, ValueError) as error:
            raise _unwritable(path, error, "choose another run folder") from error

    @classmethod
    def reopen(cls, path: Path) -> Self:
        """Open a log to go on with it; a last line that was cut off is removed. Raises `StoreError`."""
        try:
            file = extend(path, new=False)
            try:
                _cut(file)
            except BaseException:
                file.close()
                raise
        except (OSError, ValueError) as error:
            raise _unwritable(path, error, "choose another run folder") from error
        return cls(file, path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def closed(self) -> bool:
        """Whether it takes no more lines."""
        return self._file.closed

    def append(self, lines: Iterable[bytes], *, durable: bool) -> None:
        """Write lines, all or none; durable ones are on disk when this returns.

        Raises `StoreError` when they are not on file, whatever was the reason.
        """
        if self._file.closed:
            raise StoreError(f"{self.path} is closed{self._broken}: nothing was written", fix="resume the run")
        content = b"".join(line + b"\n" for line in lines)
        try:
            self._write(content)
            if durable:
                self._sync()
        except OSError as error:
            self._take_back(durable=durable)
            raise _unwritable(self.path, error, "free some space, then resume") from error
        except BaseException:
            self._take_back(durable=durable)
            raise
        self._end += len(content)
        self._unsynced = bytearray() if durable else self._unsynced + content

    def close(self) -> None:
        """Put everything on disk and take no more. Raises `StoreError` when that fails."""
        if self._file.closed:
            return
        try:
            if self._unsynced:
                self._sync()
        except OSError as error:
            raise _unwritable(self.path, error, "check the disk") from error
        finally:
            self._file.close()

    def _write(self, content: bytes) -> None:
        if self._in_doubt:
            self._file.seek(self._end - len(self._unsynced))
            content = bytes(self._unsynced) + content
        left = memoryview(content)
        while left:
            left = left[self._file.write(left) :]

    def _sync(self) -> None:
        self._file.flush()
        try:
            os.fsync(self._file.fileno())
        except OSError:
            self._in_doubt = True
            raise
        self._in_doubt = False

    def _take_back(self, *, durable: bool) -> None:
        try:
            self._file.truncate(self._end)
            self._file.seek(self._end)
            if durable:
                os.fsync(self._file.fileno())
        except OSError as error:
            self._broken = f" for good, since a line could not be taken back ({error.strerror})"
            self._file.close()


def read_lines(path: Path, *, most: int = MAX_BYTES, below: Path | None = None) -> Lines:
    """Read a log; `below` as for `files.read_bytes`, by default the log's own folder. Raises as `read_bytes` does."""
    *whole, rest = read_bytes(path, most=most, below=below or path.parent).split(b"\n")
    return Lines(tuple(whole), torn=bool(rest))


def _cut(file: BinaryIO) -> None:
    """Remove whatever follows the last line end."""
    end = size = file.tell()
    while end:
        start = max(0, end - 65_536)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end < size:
        file.truncate(end)
    file.seek(end)


def _unwritable(path: Path, error: OSError | ValueError, fix: str) -> StoreError:
    return StoreError(f"cannot write {path}: {reason(path, error)}", fix=fix)
