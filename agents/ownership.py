"""One owner of each run folder: whoever works on it holds its lock, and the lock says who that is."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from twin.errors import StoreBusyError, StoreError

LOCK = "lock"


@contextmanager
def own(folder: Path) -> Generator[None]:
    """Hold a run's folder; the operating system takes the lock back when the process ends, however it ends.

    Raises `StoreBusyError` that names the process which holds it, `StoreError` when the folder cannot be written.
    """
    try:
        file = (folder / LOCK).open("a+", encoding="ascii")
    except OSError as error:
        raise StoreError(f"cannot write {folder / LOCK}: {error.strerror}", fix="name a run's folder") from error
    with file:
        _take(file, folder)
        yield


def holder(folder: Path) -> int | None:
    """Return the id of the process that works on a run now, None when nobody does."""
    try:
        file = (folder / LOCK).open("r+", encoding="ascii")
    except OSError:
        return None
    with file:
        return None if _locked(file) else _written(file)


def _take(file: TextIO, folder: Path) -> None:
    if not _locked(file):
        owner = _written(file)
        who = f"process {owner}" if owner else "another process"
        raise StoreBusyError(f"run {folder.name} is held by {who}", fix="wait until it ends, or stop it")
    file.seek(0)
    file.truncate()
    file.write(f"{os.getpid()}\n")
    file.flush()


def _locked(file: TextIO) -> bool:
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _written(file: TextIO) -> int | None:
    file.seek(0)
    text = file.read().strip()
    return int(text) if text.isdigit() else None
