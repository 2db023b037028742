"""A network that is known from files alone: it can be read, and whoever changes it is a person."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from twin.errors import ExecutionError
from twin.model import Network
from twin.plan import Change

from .declared import Declaration
from .network import Telemetry, since_then


class Look(NamedTuple):
    """What files say when they are read: the inventory, everything measured, and the clock of who looks."""

    network: Network
    telemetry: Telemetry
    now: datetime


class FilesNetwork:
    """A network read from files, as they are at each look.

    Nothing here can change it: `apply` is refused, and a plan for it is advice to a person.
    """

    def __init__(self, look: Callable[[], Look]) -> None:
        self._read = look
        self._look = look()

    @property
    def declared(self) -> Declaration:
        """What is said of the instruments, and that a person makes the changes."""
        return self._look.telemetry.declared

    @property
    def now(self) -> datetime:
        """The clock of who looks, UTC."""
        return self._look.now

    def look_again(self) -> None:
        """Read the files as they are now. Raises what reading them raises."""
        self._look = self._read()

    def read_topology(self) -> Network:
        """Return the inventory as the files have it."""
        return self._look.network

    def read_telemetry(self, since: datetime) -> Telemetry:
        """Return everything measured after `since` that the files hold, with what this network declares."""
        return replace(since_then(self._look.telemetry, since), declared=self.declared)

    def apply(self, change: Change, *, recorded: Change | None = None) -> None:
        """Refuse the change: raises `ExecutionError`."""
        del recorded
        raise ExecutionError(
            f"a network read from files cannot be changed: {change.op} was not made",
            fix="have a person make it, with what `twinops render` prints",
        )

    def wait(self, samples: int = 1) -> None:
        """Look for what has been written since; nobody here waits for it."""
        del samples
        self.look_again()
