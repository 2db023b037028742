"""An emulated network that lives on: its record is in the room's folder, so that a room that was killed finds it again.

`emulated:NETWORK` names one, `emulated:NETWORK,seed=2,interval=30` one with another seed and sampling interval.
"""

import threading
from datetime import UTC, datetime
from pathlib import Path

from twin.errors import InputError
from twin.faults import Fault
from twin.files import is_plain
from twin.formats.load import load_network
from twin.live.adapters import EMULATED, hold
from twin.live.declared import Declaration
from twin.live.network import Configuration, ProbeReading, Telemetry
from twin.live.read_fault import read_fault
from twin.live.recorded import RecordedNetwork
from twin.model import Frozen, Network
from twin.plan import Change

RECORD = "network.jsonl"
_BEGIN = datetime(2026, 3, 2, 18, tzinfo=UTC)  # the evening of a working day: see `agents.run.staging`


class Chosen(Frozen):
    """What a name of an emulated network chooses."""

    network: str
    seed: int = 1
    interval_s: float = 300.0


def chosen(name: str) -> Chosen:
    """Read the name of an emulated network. Raises `InputError`."""
    network, *options = name.removeprefix(f"{EMULATED}:").split(",")
    known = dict(x.split("=", 1) for x in options if "=" in x)
    if not network or len(known) != len(options) or known.keys() - {"seed", "interval"}:
        raise InputError(f"{name!r} names no emulated network", fix="use for example emulated:sndlib/abilene,seed=2")
    try:
        seed, interval = int(known.get("seed", "1")), float(known.get("interval", "300"))
    except ValueError:
        raise InputError(f"{name!r}: seed and interval are numbers", fix="use for example seed=2,interval=30") from None
    if not (seed >= 0 and 1 <= interval <= 3600):
        raise InputError(f"{name!r}: an interval of {interval:g} s", fix="use 1 to 3600 seconds, and a seed from 0")
    return Chosen(network=network, seed=seed, interval_s=interval)


class LivingNetwork:
    """An emulated network on its record, shared by the threads of one process."""

    def __init__(self, live: RecordedNetwork) -> None:
        self._live, self._lock = live, threading.RLock()

    @classmethod
    def open(cls, name: str, folder: Path, *, start: datetime = _BEGIN) -> "LivingNetwork":
        """Begin a network, or find it again as its last process left it, and let `open_live` find it by its name.

        Raises `InputError` on a name that is none, `StoreError` when its record is another network's.
        """
        which = chosen(name)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        network, record = load_network(which.network), folder / RECORD
        if is_plain(record) and not record.stat().st_size:  # a disk was full, or a process killed, before it began
            record.unlink()
        if is_plain(record):
            live = RecordedNetwork.restore(record, network)
            live.catch_up()
        else:
            live = RecordedNetwork(network, seed=which.seed, start=start, interval_s=which.interval_s)
            live.staged()
            live.keep(record)
        found = cls(live)
        hold(name, found)
        return found

    @property
    def declared(self) -> Declaration:
        """What the network says of its instruments and of what it can do."""
        return self._live.declared

    @property
    def now(self) -> datetime:
        """The network's clock, UTC."""
        with self._lock:
            return self._live.now

    def read_topology(self) -> Network:
        """Return the inventory: every change that was applied and no fault."""
        with self._lock:
            return self._live.read_topology()

    def read_telemetry(self, since: datetime) -> Telemetry:
        """Return everything measured after `since` that is still kept."""
        with self._lock:
            return self._live.read_telemetry(since)

    def read_configuration(self) -> Configuration:
        """Return what routers said of their configuration when it was last collected."""
        with self._lock:
            return self._live.read_configuration()

    def probe(self, source: str, target: str) -> ProbeReading:
        """Probe from one node to another now."""
        with self._lock:
            return self._live.probe(source, target)

    def read_router(self, router: str) -> Configuration:
        """Ask one router for its configuration now."""
        with self._lock:
            return self._live.read_router(router)

    def wait(self, samples: int = 1) -> None:
        """Let time pass until there are this many more samples."""
        with self._lock:
            self._live.wait(samples)

    def look_again(self) -> None:
        """Nothing to do: what is measured is there at once."""

    def apply(self, change: Change, *, recorded: Change | None = None) -> None:
        """Make one change. Raises as `RecordedNetwork.apply` does."""
        with self._lock:
            self._live.apply(change, recorded=recorded)

    def strike(self, fault: Fault | str, *, seed: int = 0) -> Fault:
        """Let a fault strike. Raises as `read_fault` does on one that cannot strike this network."""
        with self._lock:
            found = read_fault(fault, self._live.read_topology(), seed=seed) if isinstance(fault, str) else fault
            self._live.inject(found)
            return found

    @property
    def faults_struck(self) -> tuple[Fault, ...]:
        """Every fault that struck so far: for who directs the network, never for the agents."""
        with self._lock:
            return tuple(x.fault for x in self._live.faults_struck)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults that have struck and not ended: for who directs the network, never for the agents."""
        with self._lock:
            return self._live.faults

    def heal(self, fault: Fault) -> None:
        """Let a fault end. Raises `InputError` when it is not there."""
        with self._lock:
            self._live.heal(fault)
