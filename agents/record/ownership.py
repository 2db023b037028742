"""One owner of each run folder: whoever works on it holds its lock, and the lock says who that is."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from twin.errors import InputError, StoreBusyError, StoreError
from twin.files import extend, is_absent, open_lock, reason

LOCK = "lock"
_DIGITS = 20  # of a process's id, at most


@contextmanager
def own(folder: Path) -> Generator[None]:
    """Hold a run's folder; the operating system takes the lock back when the process ends, however it ends.

    Raises `InputError` where there is no folder, `StoreBusyError` that names the process which holds it, `StoreError`
    when the folder cannot be written, or something else is in the lock's place.
    """
    if is_absent(folder):
        raise InputError(f"{folder} holds no run", fix="`twinops runs` lists them")
    try:
        file = open_lock(folder / LOCK)
    except (OSError, ValueError) as error:
        problem = f"cannot write {folder / LOCK}: {reason(folder / LOCK, error)}"
        raise StoreError(problem, fix="name a run's folder") from error
    with file:
        _take(file, folder)
        yield


def holder(folder: Path) -> int | None:
    """Return the id of the process that works on a run now, None when nobody does."""
    try:
        file = extend(folder / LOCK, new=False)
    except (OSError, ValueError):
        return None
    with file:
        return None if _locked(file) else _written(file)


def _take(file: BinaryIO, folder: Path) -> None:
    if not _locked(file):
        owner = _written(file)
        who = f"process {owner}" if owner else "another process"
        raise StoreBusyError(f"run {folder.name} is held by {who}", fix="wait until it ends, or stop it")
    file.seek(0)
    file.truncate()
    file.write(f"{os.getpid()}\n".encode())


def _locked(file: BinaryIO) -> bool:
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _written(file: BinaryIO) -> int | None:
    file.seek(0)
    text = file.read(_DIGITS).strip()
    return int(text) if text.isdigit() else None
