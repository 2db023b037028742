"""A live network's own record: one line for everything that happened to it, on file before it takes effect."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from pydantic import BaseModel, SerializerFunctionWrapHandler, TypeAdapter, ValidationError, model_serializer

from twin.append_log import AppendLog, read_lines
from twin.errors import ExecutionError, InputError, StoreError
from twin.model import Frozen

E = TypeVar("E", bound=BaseModel)
T = TypeVar("T")


class ChangeEntry(Frozen):
    """An entry about a change, written without what the inventory took where that is the change."""

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        content: dict[str, object] = write(self)
        return {key: value for key, value in content.items() if key != "recorded" or value is not None}


class OwnRecord(Generic[E]):
    """What has happened so far, what else is on file and lies ahead, and where it is written.

    Whatever happens again must be what lies ahead; once nothing does, it is written, if the record goes on.
    """

    SHOWN: ClassVar[int | None] = None
    """Most characters of an entry in a message."""

    def __init__(self, ahead: Iterable[E] = (), path: Path | None = None, *, goes_on: bool = True) -> None:
        self.past: list[E] = []
        self.ahead = list(ahead)
        self.goes_on = goes_on
        self.path = path

    def begin(self, path: Path) -> None:
        """Write down what has happened so far, and from now on everything before it happens. Raises `StoreError`."""
        with AppendLog.create(path) as log:
            log.append([line_of(entry) for entry in self.past], durable=True)
        self.path = path

    def happens(self, entry: E) -> None:
        """Let something happen, again or for the first time. Raises `ExecutionError` when the record says otherwise."""
        if self.ahead:
            known = self.ahead.pop(0)
            if known != entry:
                raise ExecutionError(
                    f"the network's own record says {self._shown(known)} where the run did {self._shown(entry)}",
                    fix="do not trust this run's folder: compare the network with its snapshot",
                )
        elif not self.goes_on:
            raise ExecutionError("the record of the network ends here", fix="resume the run")
        elif self.path is not None:
            write_on(self.path, entry)
        self.past.append(entry)

    def _shown(self, entry: E) -> str:
        return entry.model_dump_json()[: self.SHOWN]


def entries_of(path: Path, reader: TypeAdapter[T], *, of: str, fix: str) -> tuple[T, ...]:
    """Read a record `of` something, but a last line that was cut off: what it says never happened.

    Raises `StoreError`, with `fix` where there is no such file.
    """
    try:
        return tuple(reader.validate_json(line) for line in read_lines(path).whole)
    except InputError as error:
        raise StoreError(str(error), fix=fix) from error
    except ValidationError as error:
        raise StoreError(f"{path} is no record of {of}", fix="restore it from a copy") from error


def write_on(path: Path, entry: BaseModel) -> None:
    """Put one more entry on disk. Raises `StoreError`."""
    with AppendLog.reopen(path) as log:
        log.append([line_of(entry)], durable=True)


def line_of(entry: BaseModel) -> bytes:
    """Return an entry as it stands on file."""
    return entry.model_dump_json().encode()
