"""What was done to a network, on an append-only file: each change before it is made, and what became of it after.

The file is the site's, not a run's. A process that is killed between the two lines leaves a change that may or may not
have been made; whoever comes next asks the network and closes it.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, TypeAdapter

from twin.append_log import AppendLog
from twin.model import Frozen
from twin.plan import Change

from .own_record import ChangeEntry, entries_of, write_on


class Intended(ChangeEntry):
    """A change is about to be made; `effect` counts from 1 and names it for good."""

    did: Literal["intend"] = "intend"
    time: AwareDatetime
    effect: int = Field(ge=1)
    change: Change
    recorded: Change | None = Field(default=None, description="What the inventory takes, where that is not the change.")

    @property
    def noted(self) -> Change:
        """What the inventory takes of it."""
        return self.recorded or self.change


class Made(Frozen):
    """It is in force: read back, not only answered."""

    did: Literal["made"] = "made"
    time: AwareDatetime
    effect: int
    how: str = Field(max_length=300, description="How that was found out.")


class NotMade(Frozen):
    """It is not in force."""

    did: Literal["not made"] = "not made"
    time: AwareDatetime
    effect: int
    why: str = Field(max_length=300)


Line = Intended | Made | NotMade
_LINE: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="did")])
_MOST = 299


class EffectRecord:
    """The effects on one network, in their order. One process writes at a time."""

    def __init__(self, path: Path, lines: tuple[Line, ...]) -> None:
        self.path, self._lines = path, list(lines)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a record or begin one; a last line that was cut off says what never happened. Raises `StoreError`."""
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            AppendLog.create(path).close()
        return cls(path, entries_of(path, _LINE, of="effects", fix="restore it from a copy"))

    @property
    def lines(self) -> tuple[Line, ...]:
        """Everything on record."""
        return tuple(self._lines)

    @property
    def made(self) -> tuple[Intended, ...]:
        """Changes that are known to have been made, in their order."""
        known = {x.effect for x in self._lines if isinstance(x, Made)}
        return tuple(x for x in self._lines if isinstance(x, Intended) and x.effect in known)

    @property
    def open_effect(self) -> Intended | None:
        """The change of which nobody knows whether it was made, if there is one."""
        last = self._lines[-1] if self._lines else None
        return last if isinstance(last, Intended) else None

    def intend(self, change: Change, now: datetime, *, recorded: Change | None = None) -> int:
        """Say what is about to be done, and return its number. Raises `StoreError`: then it must not be done."""
        number = 1 + sum(isinstance(x, Intended) for x in self._lines)
        self._write(Intended(time=now, effect=number, change=change, recorded=recorded))
        return number

    def confirm(self, effect: int, how: str, now: datetime) -> None:
        """Say that a change is in force. Raises `StoreError`."""
        self._write(Made(time=now, effect=effect, how=how[:_MOST]))

    def deny(self, effect: int, why: str, now: datetime) -> None:
        """Say that a change is not in force. Raises `StoreError`."""
        self._write(NotMade(time=now, effect=effect, why=why[:_MOST]))

    def _write(self, line: Line) -> None:
        write_on(self.path, line)
        self._lines.append(line)
