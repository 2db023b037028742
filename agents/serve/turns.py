"""Whose turn it is: the runs of the agents on all sites of a machine, so many at once, first come, first served.

A site waits with one ticket at most, so that those with much to do come no oftener than the others. A ticket is a file
that its holder keeps locked: the kernel takes the lock from a process that ends, however it ends.
"""

import fcntl
import os
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from twin.files import open_lock

_LENT_S = 3600.0  # after which a run that does not end keeps nobody waiting any more
_DIGITS = 12


class Among(NamedTuple):
    """The place of a site among several: its name, the folder that all of them share, and how many runs at once."""

    name: str
    folder: Path
    at_once: int = 1


class RunTurns:
    """The turns of one site. Not for several threads at once."""

    def __init__(self, among: Among, *, clock: Callable[[], float] = time.time) -> None:
        self._folder, self._name, self._at_once, self._clock = among.folder / "turns", among.name, among.at_once, clock
        self._ticket: tuple[Path, BinaryIO] | None = None
        self.words = "none is wanted"

    def come(self, *, now: bool = False) -> bool:
        """Whether a run may be at work now; takes a ticket at first, and is to be asked again until it is so.

        With `now` it may in any case, and the others wait for it. What no disk has room for waits as well.
        """
        try:
            with self._alone():
                path, file = self._ticket = self._ticket or self._draw()
                if os.fstat(file.fileno()).st_size:
                    return True
                before = [x for x, works in self._living() if works or x < path.name]
                if len(before) >= self._at_once and not now:
                    self.words = f"waits for {', '.join(x[_DIGITS + 1 :] for x in before)}"
                    return False
                file.write(b"\n")  # from here on it is at work
                file.flush()
        except OSError as error:
            self.words = f"cannot be waited for: {error.strerror}"
            return False
        self.words = "it is at work"
        return True

    def end(self) -> None:
        """Give the turn, or the place among those who wait, to the others."""
        if self._ticket is not None:
            path, file = self._ticket
            with suppress(OSError):
                path.unlink()
            file.close()
            self._ticket, self.words = None, "none is wanted"

    @contextmanager
    def _alone(self):  # noqa: ANN202 - a context manager
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open_lock(self._folder / "lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _draw(self) -> tuple[Path, BinaryIO]:
        last = max((int(x.name[:_DIGITS]) for x in self._tickets()), default=0)
        path = self._folder / f"{last + 1:0{_DIGITS}d}-{self._name}"
        file = open_lock(path)
        fcntl.flock(file, fcntl.LOCK_EX)
        return path, file

    def _living(self) -> list[tuple[str, bool]]:
        """The tickets of processes that live, the first first, and whether a run is at work; not for too long."""
        found: list[tuple[str, bool]] = []
        for path in self._tickets():
            with open_lock(path) as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    known = os.fstat(file.fileno())
                    if not (known.st_size and self._clock() - known.st_mtime > _LENT_S):
                        found.append((path.name, known.st_size > 0))
                else:
                    path.unlink()
        return found

    def _tickets(self) -> list[Path]:
        return sorted(x for x in self._folder.iterdir() if x.name[:_DIGITS].isdigit())
