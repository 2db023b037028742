"""Any live network, seen through a record of every look at it: a run on it can be gone through again, and resumed.

Between two looks time stands still: whatever is asked is answered from the last look, which is on file before anybody
sees it. A look is taken at the beginning, after waiting, and after every change. A change is announced on the record
before it is made, and confirmed there afterwards. Where the confirmation is missing, because the process was killed in
between, the network itself is asked whether the change is in place.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol, Self

from twin.append_log import AppendLog
from twin.corrections import with_change
from twin.errors import ExecutionError, StoreError, TwinError
from twin.model import Network
from twin.plan import Change, apply

from .declared import Declaration
from .network import LiveNetwork, MadeChange, Telemetry, keep_change, since_then
from .samples_file import pack, unpack
from .watch_record import Asked, Confirmed, Intended, Kept, Opened, WatchedWait, WatchRecord, changes_in, read_watch

_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class Lookable(LiveNetwork, Protocol):
    """A live network that can be told to look again, where it does not measure by itself."""

    def look_again(self) -> None:
        """Read everything anew."""
        ...


class WatchedNetwork:
    """A live network behind its own record. `source` opens the real one when it is first needed.

    Restored, it is as it was at its first look, and what else is on file lies ahead: doing it again makes it happen
    here and nowhere else. Whoever does something else gets an `ExecutionError`.
    """

    def __init__(
        self, network: Network, declared: Declaration, record: WatchRecord, source: Callable[[], Lookable]
    ) -> None:
        self._network, self.declared, self._record = network, declared, record
        self._source, self._live = source, None
        self._telemetry: Telemetry
        self._now: datetime

    @classmethod
    def watch(cls, live: Lookable) -> Self:
        """Watch a network from now on."""
        network = live.read_topology()
        self = cls(network, live.declared, WatchRecord(), lambda: live)
        self._record.happens(Opened(network=network.id, declared=live.declared))
        self._look()
        return self

    @classmethod
    def restore(cls, path: Path, network: Network, source: Callable[[], Lookable], *, keep: bool = True) -> Self:
        """Find a watched network again as it was at its first look; `keep` says whether its record goes on.

        Raises `StoreError` when the record cannot be read, is that of another network, or its samples are not those
        that were looked at.
        """
        entries = read_watch(path)
        opened = entries[0] if entries else None
        if not isinstance(opened, Opened) or opened.network != network.id or len(entries) == 1:
            raise StoreError(f"{path} is not the record of network {network.id}", fix="restore the run's folder")
        if keep:
            AppendLog.reopen(path).close()
        self = cls(network, opened.declared, WatchRecord(entries, path, goes_on=keep), source)
        self._record.happens(opened)
        self._look()
        return self

    def keep(self, path: Path) -> None:
        """Write down what has been seen so far, and from now on everything before it is used. Raises `StoreError`."""
        self._record.keep(path, pack(self._telemetry))

    @property
    def start(self) -> datetime:
        """A moment before the oldest sample of the last look, UTC; its clock where there is none."""
        times = self._telemetry.links.time
        oldest = datetime.fromtimestamp(float(times.min()), UTC) if times.size else self._now
        return oldest - timedelta(seconds=1)

    @property
    def effects(self) -> tuple[MadeChange, ...]:
        """Every change that was made, on file or not; one that nobody has confirmed is not among them."""
        return changes_in((*self._record.past, *self._record.ahead))

    @property
    def now(self) -> datetime:
        """The network's clock at the last look, UTC."""
        return self._now

    def read_topology(self) -> Network:
        """Return the inventory with every change that was made."""
        return self._network

    def read_telemetry(self, since: datetime) -> Telemetry:
        """Return everything measured after `since` and up to the last look."""
        return since_then(self._telemetry, since)

    def apply(self, change: Change, *, recorded: Change | None = None) -> None:
        """Announce a change on the record, have it made, and confirm it. Raises as the network itself does.

        The inventory takes `recorded`, where that is not the change.
        """
        record, after = self._record, self._noted(change, recorded)
        again = bool(record.ahead)
        effect = sum(isinstance(x, Intended) for x in record.past) + 1
        record.happens(Intended(time=self._now, effect=effect, change=change, recorded=recorded))
        known = record.ahead[0] if record.ahead else None
        if isinstance(known, Confirmed):
            record.happens(known)
            if not known.made:
                raise ExecutionError(known.because or "the network refused the change")
        elif not (again and self._in_place(effect, after)):
            self._make(effect, change, recorded)
        self._network = after
        self._look()

    def confirm_change(self) -> None:
        """Keep the change that was made last, where changes are on trial. Raises as the network itself does."""
        if self.declared.trial_s is None:
            return
        effect = sum(isinstance(x, Intended) for x in self._record.past)
        known = self._record.ahead[0] if self._record.ahead else None
        if known is None:
            known = self._kept(effect)
        elif not isinstance(known, Kept):
            known = Kept(effect=effect, stays=True)  # the record says that it differs
        self._record.happens(known)
        if not known.stays:
            raise ExecutionError(known.because)

    def _kept(self, effect: int) -> Kept:
        try:
            keep_change(self._opened())
        except TwinError as error:
            return Kept(effect=effect, stays=False, because=str(error))
        return Kept(effect=effect, stays=True)

    def wait(self, samples: int = 1) -> None:
        """Let time pass until there are this many more samples, and look."""
        self._record.happens(WatchedWait(samples=samples))
        if not self._record.ahead:
            self._opened().wait(samples)
        self._look()

    def catch_up(self) -> None:
        """Let everything happen that is on file."""
        while self._record.ahead:
            match self._record.ahead[0]:
                case WatchedWait(outside=True):
                    self.catch_up_outside()
                case WatchedWait(samples=samples):
                    self.wait(samples)
                case Intended(change=change, recorded=recorded):
                    self._again(change, recorded)
                case Kept() | Asked():
                    self._record.happens(self._record.ahead[0])
                case _:
                    self._look()

    def catch_up_outside(self) -> None:
        """Look at what has become of the network while no run was there."""
        if not self._record.ahead and not self._record.goes_on:
            return
        self._record.happens(WatchedWait(samples=0, outside=True))
        if not self._record.ahead:
            self._opened().look_again()
        self._look()

    def _noted(self, change: Change, recorded: Change | None) -> Network:
        return apply(self._network, change) if recorded is None else with_change(self._network, recorded)

    def _again(self, change: Change, recorded: Change | None) -> None:
        try:
            self.apply(change, recorded=recorded)
        except ExecutionError:
            if any(isinstance(x, Intended) for x in self._record.past[-1:]):
                raise  # nobody knows what became of it

    def _look(self) -> None:
        known = self._record.next_look()
        if known is not None:
            look, samples = known
            self._telemetry, self._now = unpack(samples, self._network, self.declared), look.time
            return
        live = self._opened()
        found = live.read_topology().with_demands(self._network.demands)  # those may be an estimate, made anew
        if found.id != self._network.id:
            raise ExecutionError(
                f"the inventory is {found.id} now, and was {self._network.id}", fix="run again on it as it is now"
            )
        telemetry, now = live.read_telemetry(_EVER), live.now
        self._record.looked(now, pack(telemetry))
        self._telemetry, self._now = telemetry, now

    def _make(self, effect: int, change: Change, recorded: Change | None) -> None:
        try:
            self._opened().apply(change, recorded=recorded)
        except TwinError as error:
            self._record.happens(Confirmed(effect=effect, made=False, because=str(error)))
            raise
        self._record.happens(Confirmed(effect=effect, made=True))

    def _in_place(self, effect: int, after: Network) -> bool:
        """Ask the network whether a change that was announced before a kill is in place."""
        found = self._opened().read_topology().id
        if found == self._network.id:
            return False
        if found != after.id:
            raise ExecutionError(
                f"the network is {found}, neither before nor after the change announced last",
                fix="compare it with the run's snapshots by hand",
            )
        self._record.happens(Confirmed(effect=effect, made=True, because="found in place"))
        return True

    def _opened(self) -> Lookable:
        if not self._record.goes_on:
            raise ExecutionError("the record of the network ends here", fix="resume the run")
        if self._live is None:
            self._live = self._source()
        return self._live
