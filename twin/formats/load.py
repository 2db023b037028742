"""The door to every network: by published name, by synthetic name, or from a file."""

from twin.model import Network
from twin.provision import Topology, provision

from .synthetic import read_synthetic
from .topohub import read_topohub


def load_network(name: str, *, peak_utilisation: float = 0.65, seed: int = 0) -> Network:
    """Load a network by name (`sndlib/germany50`, `topozoo/Abilene`, `synthetic/20-1`) or from a file.

    Bare topologies are dimensioned so that the busiest link peaks at `peak_utilisation` (see `provision`); `seed` draws
    the traffic of those that have none. Raises `UnknownNetworkError`, `TopologyError` when disconnected.
    """
    return provision(_topology(name), peak_utilisation=peak_utilisation, seed=seed)


def _topology(name: str) -> Topology:
    return read_synthetic(name) if name.startswith("synthetic/") else read_topohub(name)
