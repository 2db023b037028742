"""From files into a twin file, and from a twin file to a network."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pydantic import Field, ValidationError

from twin.errors import InputError, StoreError, UnknownElementError
from twin.files import exists
from twin.model import Frozen
from twin.sim.simulate import simulate
from twin.store import StoredReading, TwinStore

from .account import Account
from .load import Choices, Reading, read_explained

SUFFIX = ".duckdb"
"""What tells a twin file from a network's file."""


class Imported(Frozen):
    """What was read from one file. Demand in Mbit/s, utilisation as a share of capacity."""

    file: str
    snapshot: str
    network: str
    nodes: int
    circuits: int
    risk_groups: int
    tunnels: int
    demands: int = Field(description="Node pairs with traffic.")
    demand: float = Field(description="Sum of the demands.")
    max_utilisation: float
    busiest: str | None
    lost: float = Field(description="Demand without a path.")
    assumed: tuple[str, ...] = Field(description="What the file leaves open, and what was taken for it.")
    not_modelled: tuple[str, ...] = Field(description="What the file states and the network does not hold.")
    account: Account = Field(description="What became of every field.")


def import_networks(
    files: Sequence[str | Path],
    into: str | Path,
    *,
    now: datetime,
    traffic: str | Path | None = None,
    choices: Choices | None = None,
) -> tuple[Imported, ...]:
    """Read every file, then store all networks in the twin file `into` in one transaction; the last is its current one.

    `traffic` replaces the traffic of the only file. Nothing is made or changed when any file cannot be read. Raises
    what `read_network` raises, `StoreError` and `StoreBusyError`, and `InputError` on traffic for several files or
    a twin file that is not called so.
    """
    if traffic is not None and len(files) != 1:
        raise InputError("one traffic file belongs to one network", fix="import the networks one by one")
    require_twin_name(into)
    return store_readings(files, [read_explained(file, traffic, choices) for file in files], into, now=now)


def require_twin_name(into: str | Path) -> None:
    """Raise `InputError` on a file that is not called as twin files are."""
    if Path(into).suffix != SUFFIX:
        raise InputError(f"{into} is no name for a twin file", fix=f"give one that ends in {SUFFIX}")


def store_readings(
    files: Sequence[str | Path], readings: Sequence[Reading], into: str | Path, *, now: datetime
) -> tuple[Imported, ...]:
    """Store what was read from files in the twin file `into`, in one transaction; the last is its current network.

    Raises `StoreError` and `StoreBusyError`.
    """
    found = tuple(_imported(str(file), reading) for file, reading in zip(files, readings, strict=True))
    with TwinStore.open(into) as store:
        store.save_inventory([reading.network for reading in readings], now=now, readings=stored(readings))
    return found


def stored(readings: Sequence[Reading]) -> dict[str, StoredReading]:
    """Return what a store keeps of readings beside their networks, by snapshot."""
    return {x.network.id: StoredReading(x.account.model_dump_json(), x.names, x.interfaces) for x in readings}


def read_stored(name: str) -> Reading:
    """Read a network from a twin file: `twin.duckdb` for its current snapshot, `twin.duckdb#SNAPSHOT` for another.

    With it come the account and the names of the file that it was imported from, if it was.

    SNAPSHOT is an id, or a network's name for the newest snapshot of it. Raises `InputError` when there is no such file
    or it holds no snapshot, `UnknownElementError`, `StoreError`, and `StoreBusyError` while another process holds it.
    """
    file, _, wanted = name.partition("#")
    if not exists(file):
        raise InputError(f"no twin file {file}", fix=f"make it with `twinops import FILE --into {file}`")
    with TwinStore.open(file) as store:
        snapshot = _chosen(store, file, wanted)
        network, stored = store.load_snapshot(snapshot), store.reading(snapshot)
    if stored is None:
        return Reading(network, Account(file=file, format="twin file"), {})
    try:
        account = Account.model_validate_json(stored.account)
        return Reading(network, account, stored.names, interfaces=stored.interfaces)
    except ValidationError as error:
        raise StoreError(f"{file} holds no account of what was read", fix="use a copy") from error


def keep_account(store: TwinStore, reading: Reading, *, now: datetime) -> None:
    """Keep with a network what its file holds that decides routing and is not modelled, and what interfaces are called.

    The one is for whoever verifies later, the other for whoever has to type something.
    """
    if reading.account.unmodelled_routing or reading.interfaces:
        store.save_inventory([reading.network], now=now, readings=stored([reading]))


def unmodelled_of(store: TwinStore, snapshot: str) -> tuple[str, ...]:
    """Return what decides routing and is not modelled in the file that a snapshot goes back to. Raises `StoreError`."""
    account = _account_of(store, snapshot)
    return account.unmodelled_routing if account else ()


def estimate_of(store: TwinStore, snapshot: str) -> str:
    """Return how the traffic of a snapshot was estimated from loads, empty if it was not. Raises `StoreError`."""
    account = _account_of(store, snapshot)
    return account.estimated_traffic if account else ""


def _account_of(store: TwinStore, snapshot: str) -> Account | None:
    stored = store.reading(snapshot)
    if stored is None:
        return None
    try:
        return Account.model_validate_json(stored.account)
    except ValidationError as error:
        raise StoreError("the twin holds no account of what was read", fix="use a copy") from error


def _chosen(store: TwinStore, file: str, wanted: str) -> str:
    entries = store.snapshots()
    if not entries:
        raise InputError(f"{file} holds no snapshot", fix=f"fill it with `twinops import FILE --into {file}`")
    if not wanted:
        return store.current or entries[-1].id
    if any(entry.id == wanted for entry in entries):
        return wanted
    named = [entry.id for entry in entries if entry.network == wanted]
    if not named:
        raise UnknownElementError("snapshot", wanted, [y for x in entries for y in (x.id, x.network)])
    return named[-1]


def _imported(file: str, reading: Reading) -> Imported:
    network, outcome = reading.network, simulate(reading.network)
    return Imported(
        file=file,
        snapshot=network.id,
        network=network.name,
        nodes=len(network.nodes),
        circuits=len(network.circuits),
        risk_groups=len(network.risk_groups),
        tunnels=len(network.tunnels),
        demands=int((network.demands > 0).sum()),
        demand=float(network.demands.sum()),
        max_utilisation=outcome.max_utilisation,
        busiest=outcome.busiest,
        lost=outcome.lost,
        assumed=reading.account.assumed,
        not_modelled=reading.account.not_modelled,
        account=reading.account,
    )
