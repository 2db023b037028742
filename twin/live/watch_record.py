"""The record of a watched network: every look at it and every change of it, one line each, and what was measured."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from twin.append_log import read_lines
from twin.errors import ExecutionError, InputError, StoreError
from twin.files import read_bytes, write_bytes
from twin.model import Frozen
from twin.plan import Change

from .declared import Declaration
from .network import MadeChange
from .own_record import ChangeEntry, OwnRecord, entries_of

SAMPLES = "samples"
"""Folder, beside the record, of what was measured at each look."""


class Opened(Frozen):
    """The first line: which network is watched, and what it says of itself."""

    did: Literal["open"] = "open"
    network: str = Field(description="Snapshot id of the inventory.")
    declared: Declaration


class Looked(Frozen):
    """A look: the network's clock, and the file of everything measured by then."""

    did: Literal["look"] = "look"
    time: AwareDatetime
    number: int = Field(ge=1, le=99_999)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class WatchedWait(Frozen):
    """Time is about to pass; `outside` says that no run waits for it."""

    did: Literal["wait"] = "wait"
    samples: int
    outside: bool = False


class Intended(ChangeEntry):
    """A change is about to be made; `effect` counts them from 1."""

    did: Literal["intend"] = "intend"
    time: AwareDatetime
    effect: int
    change: Change
    recorded: Change | None = Field(default=None, description="What the inventory takes, where that is not the change.")


class Confirmed(Frozen):
    """What became of the change announced last: made, or refused for a reason."""

    did: Literal["confirm"] = "confirm"
    effect: int
    made: bool
    because: str = ""


class Kept(Frozen):
    """What became of the trial of the change announced last: it stays, or has been taken back for a reason."""

    did: Literal["keep"] = "keep"
    effect: int
    stays: bool
    because: str = ""


class Asked(Frozen):
    """What was asked of the network itself, and its answer as JSON, or why there was none."""

    did: Literal["ask"] = "ask"
    question: str
    answer: str = ""
    error: str = ""
    fix: str = ""


Entry = Opened | Looked | WatchedWait | Intended | Confirmed | Kept | Asked
_ENTRY: TypeAdapter[Entry] = TypeAdapter(Annotated[Entry, Field(discriminator="did")])


class WatchRecord(OwnRecord[Entry]):
    """The record of a watched network, with the samples of its looks beside it."""

    SHOWN: ClassVar[int | None] = 200

    def keep(self, path: Path, samples: bytes) -> None:
        """Write down what has happened so far, with the samples of the first look. Raises `StoreError`."""
        for entry in self.past:
            if isinstance(entry, Looked):
                _write(path.parent, entry, samples)
        self.begin(path)

    def looked(self, time: AwareDatetime, samples: bytes) -> None:
        """Write down a look, its samples first."""
        number = sum(isinstance(x, Looked) for x in self.past) + 1
        entry = Looked(time=time, number=number, sha256=hashlib.sha256(samples).hexdigest())
        if self.path is not None:
            _write(self.path.parent, entry, samples)
        self.happens(entry)

    def next_look(self) -> tuple[Looked, bytes] | None:
        """Go on to the look that lies ahead, with its samples; None where nothing does.

        Raises `ExecutionError` when something else lies there, `StoreError` when the samples are not those of the look.
        """
        if not self.ahead or self.path is None:
            return None
        entry = self.ahead[0]
        if not isinstance(entry, Looked):
            raise ExecutionError("the network's own record holds no look here", fix="do not trust this run's folder")
        samples = _samples(self.path.parent, entry)
        self.happens(entry)
        return entry, samples


def read_watch(path: Path) -> tuple[Entry, ...]:
    """Read a record, but a last line that was cut off: what it says never happened. Raises `StoreError`."""
    return entries_of(path, _ENTRY, of="a watched network", fix="name a run's folder")


def is_watch(path: Path) -> bool:
    """Whether a network's record is one of a watched network. Raises `StoreError` when it cannot be read."""
    try:
        first = next(iter(read_lines(path).whole), b"")
    except InputError as error:
        raise StoreError(str(error), fix="name a run's folder") from error
    return first.startswith(b'{"did":"open"')


def changes_in(entries: Iterable[Entry]) -> tuple[MadeChange, ...]:
    """The changes that were made: announced, and confirmed as made."""
    announced: dict[int, Intended] = {}
    made: list[MadeChange] = []
    for entry in entries:
        if isinstance(entry, Intended):
            announced[entry.effect] = entry
        elif isinstance(entry, Confirmed) and entry.made and entry.effect in announced:
            said = announced[entry.effect]
            made.append(MadeChange(said.time, said.change, said.recorded))
    return tuple(made)


def require_samples(folder: Path, entries: Iterable[Entry]) -> None:
    """Raise `StoreError` when the samples of a look are missing, or are not those that were looked at."""
    for entry in entries:
        if isinstance(entry, Looked):
            _samples(folder, entry)


def _write(folder: Path, entry: Looked, samples: bytes) -> None:
    try:
        (folder / SAMPLES).mkdir(exist_ok=True)
        write_bytes(_file(folder, entry), samples, below=folder)
    except (OSError, InputError) as error:
        raise StoreError(f"cannot write {folder / SAMPLES}: {error}", fix="choose another run folder") from error


def _samples(folder: Path, entry: Looked) -> bytes:
    try:
        samples = read_bytes(_file(folder, entry), below=folder)
    except InputError as error:
        raise StoreError(str(error), fix="restore the run's folder") from error
    if hashlib.sha256(samples).hexdigest() != entry.sha256:
        raise StoreError(f"{_file(folder, entry)} is not what was measured", fix="do not trust this run's folder")
    return samples


def _file(folder: Path, entry: Looked) -> Path:
    return folder / SAMPLES / f"{entry.number:05}.npz"
