"""The record of a watched network: every look at it and every change of it, one line each, and what was measured."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from twin.append_log import AppendLog, read_lines
from twin.errors import ExecutionError, InputError, StoreError
from twin.files import read_bytes, write_bytes
from twin.model import Frozen
from twin.plan import Change

from .declared import Declaration
from .network import MadeChange

SAMPLES = "samples"
"""Folder, beside the record, of what was measured at each look."""
_SHOWN = 200  # characters of an entry in a message


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


class Waited(Frozen):
    """Time is about to pass; `outside` says that no run waits for it."""

    did: Literal["wait"] = "wait"
    samples: int
    outside: bool = False


class Intended(Frozen):
    """A change is about to be made; `effect` counts them from 1."""

    did: Literal["intend"] = "intend"
    time: AwareDatetime
    effect: int
    change: Change


class Confirmed(Frozen):
    """What became of the change announced last: made, or refused for a reason."""

    did: Literal["confirm"] = "confirm"
    effect: int
    made: bool
    because: str = ""


class Asked(Frozen):
    """What was asked of the network itself, and its answer as JSON, or why there was none."""

    did: Literal["ask"] = "ask"
    question: str
    answer: str = ""
    error: str = ""
    fix: str = ""


Entry = Opened | Looked | Waited | Intended | Confirmed | Asked
_ENTRY: TypeAdapter[Entry] = TypeAdapter(Annotated[Entry, Field(discriminator="did")])


class WatchRecord:
    """What has happened so far, what else is on file and lies ahead, and where it is written.

    Whatever happens again must be what lies ahead; once nothing does, it is written, if the record goes on.
    """

    def __init__(self, entries: Iterable[Entry] = (), path: Path | None = None, *, goes_on: bool = True) -> None:
        self.past: list[Entry] = []
        self.ahead = list(entries)
        self.goes_on = goes_on
        self._path = path

    def keep(self, path: Path, samples: bytes) -> None:
        """Write down what has happened so far, with the samples of the first look. Raises `StoreError`."""
        self._path = path
        for entry in self.past:
            if isinstance(entry, Looked):
                self._write(entry, samples)
        with AppendLog.create(path) as log:
            log.append([_line(entry) for entry in self.past], durable=True)

    def happens(self, entry: Entry) -> None:
        """Let something happen, again or for the first time. Raises `ExecutionError` when the record says otherwise."""
        if self.ahead:
            known = self.ahead.pop(0)
            if known != entry:
                raise ExecutionError(
                    f"the network's own record says {known.model_dump_json()[:_SHOWN]} where the run did "
                    f"{entry.model_dump_json()[:_SHOWN]}",
                    fix="do not trust this run's folder: compare the network with its snapshot",
                )
        elif not self.goes_on:
            raise ExecutionError("the record of the network ends here", fix="resume the run")
        elif self._path is not None:
            with AppendLog.reopen(self._path) as log:
                log.append([_line(entry)], durable=True)
        self.past.append(entry)

    def looked(self, time: AwareDatetime, samples: bytes) -> None:
        """Write down a look, its samples first."""
        number = sum(isinstance(x, Looked) for x in self.past) + 1
        entry = Looked(time=time, number=number, sha256=hashlib.sha256(samples).hexdigest())
        if self._path is not None:
            self._write(entry, samples)
        self.happens(entry)

    def next_look(self) -> tuple[Looked, bytes] | None:
        """Go on to the look that lies ahead, with its samples; None where nothing does.

        Raises `ExecutionError` when something else lies there, `StoreError` when the samples are not those of the look.
        """
        if not self.ahead or self._path is None:
            return None
        entry = self.ahead[0]
        if not isinstance(entry, Looked):
            raise ExecutionError("the network's own record holds no look here", fix="do not trust this run's folder")
        samples = _samples(self._path.parent, entry)
        self.happens(entry)
        return entry, samples

    def _write(self, entry: Looked, samples: bytes) -> None:
        assert self._path is not None  # noqa: S101  the callers have looked
        folder = self._path.parent
        try:
            (folder / SAMPLES).mkdir(exist_ok=True)
            write_bytes(_file(folder, entry), samples, below=folder)
        except (OSError, InputError) as error:
            raise StoreError(f"cannot write {folder / SAMPLES}: {error}", fix="choose another run folder") from error


def read_watch(path: Path) -> tuple[Entry, ...]:
    """Read a record, but a last line that was cut off: what it says never happened. Raises `StoreError`."""
    try:
        return tuple(_ENTRY.validate_json(line) for line in read_lines(path).whole)
    except InputError as error:
        raise StoreError(str(error), fix="name a run's folder") from error
    except ValidationError as error:
        raise StoreError(f"{path} is no record of a watched network", fix="restore it from a copy") from error


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
            made.append(MadeChange(announced[entry.effect].time, announced[entry.effect].change))
    return tuple(made)


def require_samples(folder: Path, entries: Iterable[Entry]) -> None:
    """Raise `StoreError` when the samples of a look are missing, or are not those that were looked at."""
    for entry in entries:
        if isinstance(entry, Looked):
            _samples(folder, entry)


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


def _line(entry: Entry) -> bytes:
    return entry.model_dump_json().encode()
