"""Work that others have planned: which elements it takes away, from when to when."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field, model_validator

from .model import Frozen
from .untrusted import Origin

Text = Annotated[str, Origin("file")]


class PlannedWork(Frozen):
    """One maintenance of somebody's, such as a provider's: its elements count as failed while it lasts."""

    name: Text = Field(min_length=1, max_length=200, description="What it is called: a ticket or maintenance id.")
    elements: tuple[str, ...] = Field(min_length=1, description="Ids of the nodes and circuits that it takes away.")
    begins: AwareDatetime
    ends: AwareDatetime
    who: Text = Field(default="", max_length=200, description="Who does it.")

    @model_validator(mode="after")
    def _takes_time(self) -> "PlannedWork":
        if self.ends <= self.begins:
            raise ValueError("work ends after it begins")
        return self

    def meets(self, begins: datetime, ends: datetime) -> bool:
        """Whether it lasts at some moment of a time, whose end is not in it."""
        return self.begins < ends and begins < self.ends


def work_at(works: Sequence[PlannedWork], moment: datetime) -> tuple[PlannedWork, ...]:
    """Return the work that is under way at a moment."""
    return tuple(x for x in works if x.begins <= moment < x.ends)
