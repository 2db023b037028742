"""The one entry to the simulator: a network state in, what it carries and what it cannot out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from twin.model import Floats, Ints, Network


class Failure(NamedTuple):
    """Elements that fail together: positions of directed links and of nodes; `name` is the element id."""

    name: str
    links: tuple[int, ...] = ()
    nodes: tuple[int, ...] = ()


@dataclass(frozen=True)
class FailureSweep:
    """What each failure does, and what is the worst for each link. F failures, m links."""

    failures: tuple[Failure, ...]
    max_utilisation: Floats  # [F] busiest link under each failure
    busiest: Ints  # [F] position of that link, -1 if none carries traffic
    lost: Floats  # [F] Mbit/s with both ends up and no path left
    severed: Floats  # [F] Mbit/s from or to a failed node: no plan can carry it
    overload: Floats  # [F] Mbit/s offered above capacity, summed over links
    worst_utilisation: Floats  # [m] highest utilisation of each link over all failures
    worst_failure: Ints  # [m] position of the failure that causes it, -1 if none beats the intact state


@dataclass(frozen=True)
class Outcome:
    """What a network state carries, and what it cannot. n nodes, m links."""

    network: Network
    load: Floats  # [m] Mbit/s
    utilisation: Floats  # [m] share of capacity
    lost: float  # Mbit/s with both ends up and no path
    severed: float  # Mbit/s from or to a node that is down
    dropped: float  # Mbit/s lost on links with a loss share
    delay_ms: Floats  # [n, n] one-way propagation delay, expected over ECMP; inf where there is no path
    invalid_tunnels: tuple[str, ...]  # tunnels with no valid segment list: their demand follows the IGP
    sweep: FailureSweep | None

    @property
    def max_utilisation(self) -> float: ...

    @property
    def busiest(self) -> str | None: ...  # directed link name

    @property
    def mean_delay_ms(self) -> float: ...  # demand-weighted over pairs with a path

    def harm(self, limit: float) -> float:
        """Mbit/s lost, dropped, or above `limit` (share of capacity) summed over links."""
        ...


def simulate(network: Network, *, failures: Sequence[Failure] = ()) -> Outcome:
    """Route every demand and evaluate every failure."""
    raise NotImplementedError


def single_failures(network: Network) -> tuple[Failure, ...]:
    """Every circuit and every node that is up, one at a time, then every risk group."""
    raise NotImplementedError
