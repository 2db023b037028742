"""How long the folders of a room's runs are kept, and how much of them: the oldest go first.

Only what the room began itself is deleted, and of that nothing which somebody may still need: no run of an incident
that has not ended or of an entry of the calendar that is not over, none that waits for people and may still be decided
on, none that was certified and has not ended, and none that another process holds or nobody can read. What the
operator's home knows of a run stays: its name is never given to another one.
"""

import os
import shutil
import stat
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from agents.record.events import CertificateIssued
from agents.record.files import JOURNAL
from agents.record.history import SENSELESS, RunHistory, read_history
from agents.record.journal import Clock
from agents.record.ownership import own
from agents.record.questions import question_of
from agents.record.waiting import describe
from agents.wording import counted
from twin.clock import utc_now
from twin.errors import TwinError
from twin.files import is_plain

from .board import Board, BoardRun
from .calendar import certificate_of
from .record import RunsDeleted

_OVER = ("refused", "missed", "taken back", "cancelled")


class HeldRuns(NamedTuple):
    """What is on the disk of a room's runs."""

    folders: int
    size: int  # bytes


class RunFolders:
    """The folders of the runs that one room began. For one thread at a time.

    They are kept for `keep` after they were last heard of, by the network's clock, and up to `most` bytes of them.
    """

    def __init__(self, runs: Path, *, keep: timedelta, most: float, clock: Clock = utc_now) -> None:
        self._runs, self._keep, self._most, self._clock = runs, keep, most, clock
        self.held: HeldRuns | None = None

    def prune(self, board: Board, now: datetime) -> RunsDeleted | None:
        """Delete what is too old, or too much; `now` is the network's clock. Returns what that was, None for nothing.

        A process that is killed half way leaves folders that are gone and still on the board: they leave it when they
        are old.
        """
        begun = sorted(_begun(board).items(), key=lambda x: (x[1].time, x[0]))
        sizes = {name: _size(self._runs / name) for name, _ in begun if _is_folder(self._runs / name)}
        size, deleted, freed = sum(sizes.values()), list[str](), 0
        for name, run in begun:
            old = now - run.time > self._keep
            if name not in sizes:
                deleted += [name] if old and name in board.runs else []
            elif (old or size > self._most) and self._delete(name, run, board, now):
                size, freed = size - sizes[name], freed + sizes.pop(name)
                deleted.append(name)
        self.held = HeldRuns(len(sizes), size)
        if not deleted:
            return None
        words = f"{counted(len(deleted), 'folders of runs')}, {freed / 1e6:.1f} MB"
        return RunsDeleted(time=now, runs=tuple(deleted), because=f"{words}; {self.words}")

    @property
    def words(self) -> str:
        """Say what is kept."""
        return f"kept are {counted(self._keep.days, 'days')} and {self._most / 1e9:g} GB"

    def _delete(self, name: str, run: BoardRun, board: Board, now: datetime) -> bool:
        folder = self._runs / name
        if _is_open(name, run, board):
            return False
        try:
            with own(folder):
                if is_plain(folder / JOURNAL) and self._is_needed(read_history(folder), now):
                    return False
                shutil.rmtree(folder)  # follows no link
        except (TwinError, OSError, *SENSELESS):  # it is held, or cannot be told, or not be deleted: another time
            return False
        return True

    def _is_needed(self, past: RunHistory, now: datetime) -> bool:
        """Whether somebody may still decide on a run, or something of it may be in the network."""
        done = past.finished
        if done is None:
            return any(isinstance(event, CertificateIssued) for event in past.events)
        if past.waits is not None:
            return not describe(past, self._clock()).expired
        if past.question is not None and past.answer is None:
            return self._clock() < question_of(past).until
        return done.outcome == "scheduled" and now < certificate_of(past.folder).expires


def _begun(board: Board) -> Mapping[str, BoardRun]:
    """The runs that were begun here; logs of the first format knew the last one of each incident alone."""
    last = {
        x.run: BoardRun(incident=x.id, time=x.closed or x.opened) for x in board.incidents.values() if x.run is not None
    }
    return {name: x for name, x in {**last, **board.runs}.items() if name and "/" not in name and name[0] != "."}


def _is_open(name: str, run: BoardRun, board: Board) -> bool:
    """Whether the incident of a run has not ended, or an entry of the calendar needs it."""
    incident = board.incidents.get(run.incident)
    entries = (x for x in board.calendar.values() if name in (x.run, x.scheduled.run))
    return (incident is not None and incident.alive) or any(x.state not in _OVER for x in entries)


def _is_folder(path: Path) -> bool:
    with suppress(OSError):
        return stat.S_ISDIR(path.lstat().st_mode)
    return False


def _size(folder: Path) -> int:
    """Bytes of the files in a folder; what vanishes meanwhile counts for nothing."""
    size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                size += Path(place, name).lstat().st_size
    return size
