"""What comes from outside while a run goes on, as records: what others plan by now, and that it is told to stop."""

from typing import ClassVar, Literal

from pydantic import Field

from twin.model import Frozen
from twin.planned import PlannedWork
from twin.printed import counted


class CalendarRead(Frozen):
    """What others plan was read again, and is not what was known. `before` says what was to come next."""

    kind: Literal["calendar read"] = "calendar read"
    durable: ClassVar[bool] = True
    before: str = Field(description="What the run was about to do.")
    works: tuple[PlannedWork, ...]
    asked: tuple[str, ...] = Field(default=(), description="What the calendars leave open.")
    failed: str = Field(default="", description="Why they could not be read; then the works are those known before.")

    @property
    def words(self) -> str:
        """Who reads the record is told in one sentence."""
        if self.failed:
            return f"what others plan is not known before {self.before}: {self.failed}"
        return f"before {self.before} others plan otherwise than was known: {counted(len(self.works), 'works')}"


class StopRequested(Frozen):
    """The run was told to stop while a plan was under way: what follows takes it back."""

    kind: Literal["stop requested"] = "stop requested"
    durable: ClassVar[bool] = True
