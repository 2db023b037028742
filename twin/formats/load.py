"""The doors to every network: by published name, by synthetic name, or from a file."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from twin.errors import FormatError, TopologyError
from twin.model import Network
from twin.provision import Topology, provision, require_connected

from .graphml import read_graphml
from .ietf_reader import read_ietf
from .markup import read_xml
from .nodelink import read_node_link
from .repetita import read_repetita, read_repetita_demands
from .sndlib import read_sndlib
from .synthetic import read_synthetic
from .text import read_text
from .topohub import read_topohub

_NETWORKS = (".json", ".xml", ".graphml", ".graph")
_TRAFFIC = (".csv", ".parquet", ".demands")


class Reading(NamedTuple):
    """A network as a file gives it, and in sentences what the file leaves open and was assumed."""

    network: Network
    assumed: tuple[str, ...]


def load_network(name: str, *, peak_utilisation: float = 0.65, seed: int = 0) -> Network:
    """Load a network by name (`sndlib/germany50`, `topozoo/Abilene`, `synthetic/20-1`) or from a file (`read_network`).

    A twin file is a name too: `twin.duckdb` is its current snapshot, `twin.duckdb#SNAPSHOT` another one, by id or by
    its network's name. Bare topologies are dimensioned so that the busiest link peaks at `peak_utilisation` (see
    `provision`); `seed` draws the traffic of those that have none. Raises `UnknownNetworkError`, `TopologyError` when
    disconnected, and for files `InputError`, `FormatError`, `StoreError` or `StoreBusyError`.
    """
    if Path(name.partition("#")[0]).suffix == ".duckdb":
        from twin.store.inventory import read_stored  # DuckDB only where a twin file is read

        return read_stored(name)
    if Path(name).suffix.lower() in _NETWORKS or _is_file(name):
        return read_network(name, peak_utilisation=peak_utilisation, seed=seed)
    topology = read_synthetic(name) if name.startswith("synthetic/") else read_topohub(name)
    return provision(topology, peak_utilisation=peak_utilisation, seed=seed)


def read_network(
    path: str | Path, traffic: str | Path | None = None, *, peak_utilisation: float = 0.65, seed: int = 0
) -> Network:
    """Read a network from a file: .json (node-link, RFC 8345), .xml (SNDlib, GraphML), .graphml or .graph (REPETITA).

    `traffic` is a .csv or .parquet with one or more matrices, of which the largest counts, or a REPETITA .demands file;
    it replaces the file's own. A file without capacities is a bare topology: it is dimensioned, and its traffic scaled,
    as `provision` does. A file with capacities and no traffic carries none.

    Raises `InputError` when a file cannot be read, `FormatError` with the place and what was expected there,
    `TopologyError` when the values fit no network, or nodes are cut off.
    """
    return read_explained(path, traffic, peak_utilisation=peak_utilisation, seed=seed).network


def read_explained(
    path: str | Path, traffic: str | Path | None = None, *, peak_utilisation: float = 0.65, seed: int = 0
) -> Reading:
    """Read a network as `read_network` does, and say what was assumed."""
    try:
        found = _read(path)
        network = found
        if isinstance(network, Topology):
            network = provision(network, peak_utilisation=peak_utilisation, seed=seed)
        require_connected([node.name for node in network.nodes], _pairs(network))
    except TopologyError as error:
        raise TopologyError(f"{path}: {error}", fix=error.fix) from error
    if traffic is not None:
        network = _with_traffic(network, traffic)
    return Reading(network, tuple(_assumed(found, network, peak_utilisation, own=traffic is None)))


def _assumed(found: Network | Topology, network: Network, peak: float, *, own: bool) -> Iterator[str]:
    """Say what `provision` chose, and what is not there. `own` is whether the traffic is the file's own."""
    if isinstance(found, Topology):
        if any(circuit.capacity is None for circuit in found.circuits):
            yield "capacities: dimensioned in standard sizes for the traffic and its failures"
        if any(circuit.km for circuit in found.circuits):
            yield "weights and delays: from the lengths, one per km and 5 us per km"
        else:
            yield "weights and delays: all 1 and all 0 ms, as the file gives neither lengths nor places"
        if own and found.demands is None:
            yield f"traffic: a gravity model, scaled until the busiest link is at {peak:.0%}"
        elif own:
            yield f"traffic: the file's own, scaled until the busiest link is at {peak:.0%}"
    if not network.demands.any():
        yield "traffic: none, as the file has none"


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except OSError:  # too long for the file system
        return False


def _read(path: str | Path) -> Network | Topology:
    match Path(path).suffix.lower():
        case ".json":
            return read_ietf(path) if '"ietf-network' in read_text(path) else read_node_link(path)
        case ".xml" | ".graphml":
            return read_graphml(path) if read_xml(str(path)).tag == "graphml" else read_sndlib(path)
        case ".graph":
            return read_repetita(path)
        case _:
            raise FormatError(str(path), "the file name", f"a suffix among {', '.join(_NETWORKS)}")


def _with_traffic(network: Network, path: str | Path) -> Network:
    match Path(path).suffix.lower():
        case ".csv" | ".parquet":
            from .traffic import read_traffic  # DuckDB only where a table is read

            return network.with_demands(read_traffic(path, network).peak)
        case ".demands":
            return network.with_demands(read_repetita_demands(path, len(network.nodes)))
        case _:
            raise FormatError(str(path), "the file name", f"a suffix among {', '.join(_TRAFFIC)}")


def _pairs(network: Network) -> list[tuple[int, int]]:
    index = network.node_index
    return [(index[link.tail], index[link.head]) for link in network.links]
