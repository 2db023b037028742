"""The doors to every network: by published name, by synthetic name, or from a file."""

from pathlib import Path

from twin.errors import FormatError, InputError, TopologyError, UnknownNetworkError
from twin.files import exists
from twin.model import Network
from twin.sim.simulate import simulate

from .account import Account, FieldUse
from .build import Choices, Reading, build, fit_capacities, require_plausible
from .exits import exits_assumed, with_groups
from .overlay import lay_over
from .provision import Topology, provision
from .recognise import SUFFIXES, read_records
from .repetita import read_repetita_demands
from .synthetic import read_synthetic
from .topohub import read_topohub

__all__ = ["Choices", "Reading", "load_network", "load_reading", "read_explained", "read_network"]

_TRAFFIC = (".csv", ".parquet", ".demands")


def load_network(name: str, *, peak_utilisation: float = 0.65, seed: int = 0) -> Network:
    """Load a network by name (`sndlib/germany50`, `topozoo/Abilene`, `synthetic/20-1`) or from a file (`read_network`).

    See `load_reading`. Raises `UnknownNetworkError`, `TopologyError` when
    disconnected, and for files `InputError`, `FormatError`, `StoreError` or `StoreBusyError`.
    """
    return load_reading(name, Choices(peak_utilisation=peak_utilisation, seed=seed)).network


def load_reading(name: str, choices: Choices | None = None) -> Reading:
    """Load a network by name or from a file, with the account of where its values come from.

    A twin file is a name too: `twin.duckdb` is its current snapshot, `twin.duckdb#SNAPSHOT` another one, by id or by
    its network's name. Bare topologies are dimensioned so that the busiest link peaks at a stated utilisation (see
    `provision`); a seed draws the traffic of those that have none.
    """
    choices = choices or Choices()
    if Path(name.partition("#")[0]).suffix == ".duckdb":
        from .stored import read_stored  # DuckDB only where a twin file is read

        return read_stored(name)
    if Path(name).suffix.lower() in SUFFIXES or _is_file(name):
        return read_explained(name, choices=choices)
    try:
        topology = read_synthetic(name) if name.startswith("synthetic/") else read_topohub(name)
    except UnknownNetworkError:
        _require_no_path(name)
        raise
    network = provision(topology, peak_utilisation=choices.peak_utilisation, seed=choices.seed)
    return Reading(network, _published(name, topology, choices), {})


def _require_no_path(name: str) -> None:
    """Say of what is meant as a path why no network is read from it: names of networks are no help there."""
    if name and exists(name):
        raise InputError(f"{name} is no file", fix="name a file, or a network by its name")
    if name.startswith(("/", "./", "../", "~")):
        raise InputError(f"there is no file {name}", fix="name a file that exists, or a network by its name")


def _published(name: str, topology: Topology, choices: Choices) -> Account:
    """The account of a published or made-up topology: what `provision` chose for it."""
    circuits, own = len(topology.circuits), topology.demands is not None
    traffic = "the published one" if own else "a gravity model"
    notes = (
        ("capacities", circuits, "dimensioned in standard sizes for the traffic and its failures"),
        ("weights", circuits, "from the lengths, one per km"),
        ("delays", circuits, "from the lengths, 5 us per km"),
        ("traffic", circuits, f"{traffic}, scaled until the busiest link is at {100 * choices.peak_utilisation:.0f} %"),
    )
    uses = tuple(FieldUse(field=field, became="assumed", count=count, note=note) for field, count, note in notes)
    return Account(file=name, format="published topology", fields=uses)


def read_network(
    path: str | Path, traffic: str | Path | None = None, *, peak_utilisation: float = 0.65, seed: int = 0
) -> Network:
    """Read a network from a file, and `traffic` from another in place of the file's own; see `read_explained`."""
    return read_explained(path, traffic, Choices(peak_utilisation=peak_utilisation, seed=seed)).network


def read_explained(path: str | Path, traffic: str | Path | None = None, choices: Choices | None = None) -> Reading:
    """Read a network from a file, and account for every field: used, assumed or not modelled.

    The format is told by the content (see `recognise`). `traffic` is a .csv or
    .parquet with one or more matrices, of which the largest counts, or a REPETITA .demands file. Capacities that no
    file states are dimensioned, as `provision` does; traffic in units of the file's own is scaled.

    Raises `InputError` when a file cannot be read, `FormatError` with the place and what was expected there,
    `TopologyError` when the values fit no network, nodes are cut off, or loads say that a unit must be wrong.
    """
    choices = choices or Choices()
    try:
        records = read_records(path, choices)
        for table in choices.tables:
            records = lay_over(records, table)
        reading = build(records, choices, traffic=traffic is not None)
        reading = reading._replace(network=with_groups(reading.network, choices.exits))
    except TopologyError as error:
        raise TopologyError(f"{path}: {error}", fix=error.fix) from error
    return reading if traffic is None else _with_traffic(reading, Path(traffic), choices)


def _told_classes(network: Network) -> list[FieldUse]:
    """Say which classes traffic has, and that those of no stated priority are served last."""
    if not network.classes:
        return []
    note = ", ".join(f"{x.name} (priority {x.priority}, weight {x.weight:g})" for x in network.served)
    return [FieldUse(field="classes of traffic", became="used", count=len(network.served), note=note)]


def _is_file(name: str) -> bool:
    return exists(name) and Path(name).is_file()


def _with_traffic(reading: Reading, path: Path, choices: Choices) -> Reading:
    network, uses = reading.network, list[FieldUse]()
    match path.suffix.lower():
        case ".csv" | ".parquet":
            from .measurements.part import Options
            from .traffic import read_traffic, with_classes_of, with_exits_of  # DuckDB only where a table is read

            network = with_exits_of(path, network, reading.names)
            said = Options(choices.columns, choices.units, choices.zone)
            traffic = read_traffic(path, network, reading.names, said=said)
            network, uses = network.with_demands(traffic.peak), list(traffic.uses)
            network = with_classes_of(path, network, reading.names)
            uses += _told_classes(network)
        case ".demands":
            network = network.with_demands(read_repetita_demands(path, len(network.nodes)))
        case _:
            raise FormatError(str(path), "the file name", f"a suffix among {', '.join(_TRAFFIC)}")
    uses += exits_assumed(network)
    network = fit_capacities(reading, network, choices.peak_utilisation)
    require_plausible(str(path), simulate(network).max_utilisation)
    return reading._replace(network=network, account=reading.account.with_fields(uses))
