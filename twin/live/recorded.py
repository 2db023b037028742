"""An emulated network that outlives its process: whatever happens to it is on a file of its own, one line each.

The file is the network's, not the run's: a change is in force once its line is complete, and at no other moment. A
process that was killed finds the network again exactly as it left it, and nothing happens to it twice.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, TypeAdapter

from twin.append_log import AppendLog
from twin.errors import StoreError
from twin.faults import Fault
from twin.harm import Harm
from twin.model import Frozen, Network
from twin.plan import Change

from .declared import Declaration
from .network import Configuration, MadeChange, ProbeReading, Telemetry
from .own_record import ChangeEntry, OwnRecord, entries_of
from .surprises import Surprise


class Begun(Frozen):
    """The first line: what the network is made of."""

    did: Literal["begin"] = "begin"
    network: str = Field(description="Snapshot id of the inventory.")
    seed: int
    time: AwareDatetime
    interval_s: float


class Waited(Frozen):
    """Time passed; `time` is the network's clock before it did. `outside` says that no run waited for it."""

    did: Literal["wait"] = "wait"
    time: AwareDatetime
    samples: int
    outside: bool = False


class Struck(Frozen):
    """A fault struck."""

    did: Literal["fault"] = "fault"
    time: AwareDatetime
    fault: Fault


class Healed(Frozen):
    """A fault ended."""

    did: Literal["heal"] = "heal"
    time: AwareDatetime
    fault: Fault


class Announced(Frozen):
    """Something will happen by itself later."""

    did: Literal["announce"] = "announce"
    time: AwareDatetime
    what: Surprise


class Applied(ChangeEntry):
    """A change was made; `effect` counts the changes from 1 and names this one for good."""

    did: Literal["apply"] = "apply"
    time: AwareDatetime
    effect: int
    change: Change
    recorded: Change | None = Field(default=None, description="What the inventory takes, where that is not the change.")


class Staged(Frozen):
    """The scene is set: what follows is what a run did."""

    did: Literal["staged"] = "staged"
    time: AwareDatetime


Entry = Begun | Waited | Struck | Healed | Announced | Applied | Staged
_ENTRY: TypeAdapter[Entry] = TypeAdapter(Annotated[Entry, Field(discriminator="did")])


class RecordedNetwork:
    """An `EmulatedNetwork` with a record of what happened to it, on file once `keep` has said where.

    A network that was restored is as it was when its scene was set, and `ahead` of it lies what else is on file. Doing
    what lies ahead makes it happen here, without a second line; `catch_up` makes all of it happen. Whoever does
    something else gets an `ExecutionError`: the network has another past than they think.
    """

    def __init__(self, network: Network, *, seed: int, start: datetime, interval_s: float = 300.0) -> None:
        from .emulated import EmulatedNetwork  # who only reads a record needs no network to play

        self._live = EmulatedNetwork(network, seed=seed, start=start, interval_s=interval_s)
        self._record = OwnRecord[Entry]()
        self._record.happens(Begun(network=network.id, seed=seed, time=start, interval_s=interval_s))

    @classmethod
    def restore(cls, path: Path, network: Network, *, keep: bool = True) -> Self:
        """Find a network again as its scene was set; `keep` says whether its file goes on.

        A last line that was cut off says what never happened; it is removed from a file that goes on. Raises
        `StoreError` when the file cannot be read, or is the record of another network.
        """
        entries = read_record(path)
        begun = entries[0] if entries else None
        if not isinstance(begun, Begun) or begun.network != network.id:
            raise StoreError(f"{path} is not the record of network {network.id}", fix="restore the run's folder")
        live = cls(network, seed=begun.seed, start=begun.time, interval_s=begun.interval_s)
        live._record.ahead = list(entries[1:])
        live._catch_up_to(Staged)
        if keep:
            AppendLog.reopen(path).close()
            live._record.path = path
        return live

    def keep(self, path: Path) -> None:
        """Write down what has happened so far, and from now on everything before it happens. Raises `StoreError`."""
        self._record.begin(path)

    @property
    def start(self) -> datetime:
        """The clock's first value, UTC."""
        return self._record.past[0].time

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What has happened so far."""
        return tuple(self._record.past)

    @property
    def ahead(self) -> tuple[Entry, ...]:
        """What is on file and has not happened here yet."""
        return tuple(self._record.ahead)

    @property
    def effects(self) -> tuple[MadeChange, ...]:
        """Every change that was made, on file or not."""
        made = (entry for entry in (*self._record.past, *self._record.ahead) if isinstance(entry, Applied))
        return tuple(MadeChange(entry.time, entry.change, entry.recorded) for entry in made)

    @property
    def faults_struck(self) -> tuple[Struck, ...]:
        """Every fault that struck so far: for scoring, never for the agents."""
        return tuple(entry for entry in self._record.past if isinstance(entry, Struck))

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults that are there now: for scoring, never for the agents."""
        return self._live.faults

    @property
    def declared(self) -> Declaration:
        """What the network says of its instruments and of what it can do."""
        return self._live.declared

    @property
    def truth(self) -> Network:
        """The true state now: for scoring, never for the agents."""
        return self._live.truth

    def true_harm(self, limit: float) -> Harm:
        """What users lose right now, and the load above `limit`: for scoring, never for the agents."""
        return self._live.true_harm(limit)

    @property
    def now(self) -> datetime:
        """The network's clock, UTC."""
        return self._live.now

    def read_topology(self) -> Network:
        """Return the inventory: every change that was applied and no fault."""
        return self._live.read_topology()

    def read_telemetry(self, since: datetime) -> Telemetry:
        """Return everything measured after `since` that is still kept. Raises `InputError` without a time zone."""
        return self._live.read_telemetry(since)

    def read_configuration(self) -> Configuration:
        """Return what routers said of their configuration when it was last collected."""
        return self._live.read_configuration()

    def probe(self, source: str, target: str) -> ProbeReading:
        """Probe from one node to another now. Raises as `EmulatedNetwork.probe` does."""
        return self._live.probe(source, target)

    def read_router(self, router: str) -> Configuration:
        """Ask one router for its configuration now. Raises as `EmulatedNetwork.read_router` does."""
        return self._live.read_router(router)

    def wait(self, samples: int = 1) -> None:
        """Let time pass until there are this many more samples. Raises `InputError` on a negative number."""
        self._live.require_wait(samples)
        self._record.happens(Waited(time=self.now, samples=samples))
        self._live.wait(samples)

    def elapse(self, samples: int = 1) -> None:
        """Let time pass that no run waits for, as it does while a plan waits for people."""
        self._live.require_wait(samples)
        self._record.happens(Waited(time=self.now, samples=samples, outside=True))
        self._live.wait(samples)

    def inject(self, fault: Fault) -> None:
        """Let a fault strike. Raises as `EmulatedNetwork.inject` does."""
        self._live.require_fault(fault)
        self._record.happens(Struck(time=self.now, fault=fault))
        self._live.inject(fault)

    def heal(self, fault: Fault) -> None:
        """Let a fault end. Raises `InputError` when it is not there."""
        self._live.require_there(fault)
        self._record.happens(Healed(time=self.now, fault=fault))
        self._live.clear(fault)

    def announce(self, what: Surprise) -> None:
        """Let something happen by itself later. Raises `UnknownElementError` where it names no element."""
        self._record.happens(Announced(time=self.now, what=what))
        self._live.schedule([what])

    def apply(self, change: Change, *, recorded: Change | None = None) -> None:
        """Make one change, once it is on record; the inventory takes `recorded`, where that is not the change.

        Raises `ExecutionError` when the network refuses it, `PlanError` when it cannot be made, and `StoreError` when
        it cannot be recorded: then it is not made.
        """
        self._live.require_change(change, recorded)
        made = sum(isinstance(entry, Applied) for entry in self._record.past)
        self._record.happens(Applied(time=self.now, effect=made + 1, change=change, recorded=recorded))
        self._live.apply(change, recorded=recorded)

    def staged(self) -> None:
        """Say that the scene is set."""
        self._record.happens(Staged(time=self.now))

    def catch_up(self) -> None:
        """Let everything happen that is on file."""
        while self._record.ahead:
            self._again(self._record.ahead[0])

    def catch_up_outside(self) -> None:
        """Let everything happen that comes next on file and was no run's doing: time, and faults."""
        while self._record.ahead and _is_outside(self._record.ahead[0]):
            self._again(self._record.ahead[0])

    def _catch_up_to(self, kind: type[Entry]) -> None:
        while self._record.ahead and not isinstance(self._record.past[-1], kind):
            self._again(self._record.ahead[0])

    def _again(self, entry: Entry) -> None:
        match entry:
            case Waited():
                (self.elapse if entry.outside else self.wait)(entry.samples)
            case Struck():
                self.inject(entry.fault)
            case Healed():
                self.heal(entry.fault)
            case Announced():
                self.announce(entry.what)
            case Applied():
                self.apply(entry.change, recorded=entry.recorded)
            case Staged():
                self.staged()
            case Begun():
                raise StoreError("the network's record begins twice", fix="restore the run's folder")


def _is_outside(entry: Entry) -> bool:
    return isinstance(entry, Struck | Healed) or (isinstance(entry, Waited) and entry.outside)


def read_record(path: Path) -> tuple[Entry, ...]:
    """Read what happened to a network, but a last line that was cut off: what it says never happened.

    Raises `StoreError`.
    """
    return entries_of(path, _ENTRY, of="a network", fix="name a run's folder")
