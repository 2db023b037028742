"""What an execution does and sees, written down before it has an effect."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Literal

from pydantic import Field

from twin.live.network import LiveNetwork
from twin.model import Frozen
from twin.plan import Change

from .agreement import Agreement

Action = Literal["apply", "agree", "disagree", "roll back", "refused", "not made"]


class StepRecord(Frozen):
    """One thing that the executor is about to do, or saw: `apply` and `roll back` are recorded before they happen.

    Whether a step that was only announced was made is asked of the network: `not made` says that it was not.
    """

    step: int = Field(description="Counted from 1; 0 is the state before the plan.")
    of: int
    action: Action
    change: Change | None = None
    predicted_utilisation: float | None = Field(default=None, description="Of the link predicted to be busiest.")
    measured_utilisation: float | None = Field(default=None, description="Of the same link.")
    live_time: datetime = Field(description="The network's own clock, UTC.")
    detail: str


OnStep = Callable[[StepRecord], None]


class Logbook:
    """The records of one execution, each shown to `on_step` as soon as it is there."""

    def __init__(self, live: LiveNetwork, of: int, on_step: OnStep | None) -> None:
        self._live, self._of, self._on_step = live, of, on_step
        self.records: list[StepRecord] = []

    def write(
        self,
        step: int,
        action: Action,
        detail: str,
        *,
        change: Change | None = None,
        agreement: Agreement | None = None,
    ) -> None:
        """Keep a record; raises what `on_step` raises."""
        record = StepRecord(
            step=step,
            of=self._of,
            action=action,
            change=change,
            predicted_utilisation=agreement.predicted_utilisation if agreement else None,
            measured_utilisation=agreement.measured_utilisation if agreement else None,
            live_time=self._live.now,
            detail=detail,
        )
        self.records.append(record)
        if self._on_step:
            self._on_step(record)

    def try_to_write(
        self,
        step: int,
        action: Action,
        detail: str,
        *,
        change: Change | None = None,
        agreement: Agreement | None = None,
    ) -> None:
        """Keep a record whatever `on_step` raises: a journal that fails must not keep a change in the network."""
        with suppress(BaseException):
            self.write(step, action, detail, change=change, agreement=agreement)
