"""A plan on its way into the live network: one step, one look, and the way back."""

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import datetime
from threading import current_thread, main_thread
from typing import Literal

from pydantic import Field

from .agreement import Agreement, Tolerance, watch
from .errors import ExecutionError, TwinError
from .live.network import LiveNetwork
from .model import Frozen, Network
from .plan import Change, Plan, states, way_back
from .preflight import configuration

Action = Literal["apply", "agree", "disagree", "roll back", "refused"]

_ATTEMPTS = 3


class StepRecord(Frozen):
    """One thing that the executor is about to do, or saw: `apply` and `roll back` are recorded before they happen."""

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


class Rollout:
    """The steps of a plan on a live network, of which `applied` are in place.

    `base` is the state that the twin predicts from, `configured` the live configuration before the plan. `permit` is
    called before every step forward and raises when it may not be made any more.
    Raises `PlanError` when the steps cannot be made to either.
    """

    def __init__(
        self,
        plan: Plan,
        base: Network,
        live: LiveNetwork,
        *,
        configured: Network,
        log: Logbook,
        permit: Callable[[], None] = lambda: None,
    ) -> None:
        self._plan, self._live, self._log, self._permit = plan, live, log, permit
        self._states, self._back = states(base, plan.steps), way_back(base, plan.steps)
        self._configured = states(configured, plan.steps)
        self.applied = 0

    def advance(self, tolerance: Tolerance) -> str | None:
        """Make every step and look at the network after each.

        Returns why to turn back, or None when all steps are confirmed; what `on_step` or the network raises, passes.
        """
        for number, change in enumerate(self._plan.steps, start=1):
            self._permit()
            self._log.write(number, "apply", f"making step {number}", change=change)
            self._live.apply(change)
            self.applied = number
            agreement = watch(self._states[number], self._live, tolerance)
            if agreement.deviation:
                reason = f"after step {number} the network is not as predicted: {agreement.deviation}"
                self._log.write(number, "disagree", reason, change=change, agreement=agreement)
                return reason
            self._log.write(number, "agree", f"as predicted, furthest off is {agreement.worst}", agreement=agreement)
        return None

    def turn_back(self, reason: str, tolerance: Tolerance) -> None:
        """Undo the steps made, also one that was under way when something was raised, if it was made after all."""
        with _uninterrupted():
            with suppress(TwinError):
                found = configuration(self._live.read_topology())
                here, *beyond = (configuration(state) for state in self._configured[self.applied :])
                if beyond and found == beyond[0] != here:
                    self.applied += 1
            self.roll_back(reason, tolerance)

    def find(self) -> None:
        """Find out from the live configuration alone how many steps are in place. Raises `ExecutionError`."""
        found = configuration(self._live.read_topology())
        passed = [number for number, state in enumerate(self._configured) if configuration(state) == found]
        if not passed:
            raise ExecutionError(
                "the live configuration is none of those that the plan passes through: somebody else changed it",
                fix="compare it with the snapshot and restore it by hand",
            )
        self.applied = passed[-1]

    def roll_back(self, reason: str, tolerance: Tolerance) -> None:
        """Undo the steps in place, last one first; neither Ctrl-C nor a failing `on_step` stops it.

        Raises `ExecutionError` that names what is still in place when a step cannot be undone.
        """
        with _uninterrupted():
            expected = self._configured[self.applied]
            for number in range(self.applied, 0, -1):
                change = self._back[len(self._plan.steps) - number]
                (expected,) = states(expected, (change,))[1:]
                self._log.try_to_write(number, "roll back", f"undoing step {number}: {reason}", change=change)
                self._undo(number, change, expected)
                self.applied = number - 1
                self._log.try_to_write(number, "roll back", f"step {number} is undone", change=change)
            self._confirm(expected, tolerance)

    def _undo(self, number: int, change: Change, expected: Network) -> None:
        error: BaseException | None = None
        for _ in range(_ATTEMPTS):
            try:
                self._live.apply(change)
            except BaseException as raised:  # whatever it is, the way back comes first
                error = raised
                if configuration(self._live.read_topology()) != configuration(expected):
                    continue
            return
        raise ExecutionError(
            f"step {number} could not be undone: {error}; steps 1 to {number} are STILL IN PLACE",
            fix="undo by hand, in this order: " + "; ".join(x.model_dump_json() for x in self._back[-number:]),
        ) from error

    def _confirm(self, expected: Network, tolerance: Tolerance) -> None:
        if configuration(self._live.read_topology()) != configuration(expected):
            raise ExecutionError(
                "every step was undone, yet the live configuration is NOT what it was before",
                fix="compare it with the snapshot and restore it by hand",
            )
        with suppress(TwinError):
            agreement = watch(self._states[0], self._live, tolerance)
            detail = str(agreement.deviation or f"as before the plan, furthest off is {agreement.worst}")
            self._log.try_to_write(0, "agree" if agreement.holds else "disagree", detail, agreement=agreement)


@contextmanager
def _uninterrupted() -> Generator[None]:
    """Ignore Ctrl-C meanwhile; signals reach the main thread only."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
