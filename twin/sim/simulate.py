"""The one entry to the simulator: a network state in, what it carries and what it cannot out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin.drawn import Drawn
from twin.engines.seam import Engine, Serial
from twin.harm import Harm, excess, joined
from twin.model import Floats, Ints, Network

if TYPE_CHECKING:  # numba is slow to import
    from .route import DemandDelays, Routing

_HERE = Serial()


class Failure(NamedTuple):
    """Elements that fail together: positions of directed links and of nodes; `name` is the element id.

    The links `members` are bundles that lose one of their circuits each, and stay up.
    """

    name: str
    links: tuple[int, ...] = ()
    nodes: tuple[int, ...] = ()
    members: tuple[int, ...] = ()


@dataclass(frozen=True)
class FailureSweep:
    """What each failure does, and what is the worst for each link. F failures, m links."""

    failures: tuple[Failure, ...]
    max_utilisation: Floats  # [F] busiest link under each failure
    busiest: Ints  # [F] position of that link, -1 if none carries traffic
    lost: Floats  # [F] Mbit/s with both ends up and no path left
    severed: Floats  # [F] Mbit/s from or to a failed node: no plan can carry it
    overload: Floats  # [F] Mbit/s offered above capacity, summed over links
    excess: Floats  # [F] the same above the limit that the sweep was asked for
    dropped: Floats  # [F] Mbit/s lost on links with a loss share
    worst_utilisation: Floats  # [m] highest utilisation of each link over all failures
    worst_failure: Ints  # [m] position of the failure that causes it, -1 if none beats the intact state

    @property
    def worst_first(self) -> Ints:
        """Positions of the failures, the worst first [F].

        Worse is more Mbit/s lost or above capacity, then a busier link; of equal ones the first is named first.
        """
        hurt = (self.lost + self.overload).round(6)
        return np.lexsort((-self.max_utilisation.round(9), -hurt))

    @property
    def worst(self) -> int | None:
        """Position of the worst failure, None where there is none."""
        return int(self.worst_first[0]) if self.failures else None


@dataclass(frozen=True)
class Outcome(Drawn):
    """What a network state carries, and what it cannot. n nodes, m links."""

    network: Network
    load: Floats  # [m] Mbit/s
    utilisation: Floats  # [m] share of capacity
    lost: float  # Mbit/s with both ends up and no path, or on labels that lead nowhere
    severed: float  # Mbit/s from or to a node that is down
    dropped: float  # Mbit/s lost on links with a loss share
    undelivered: Floats  # [n, n] Mbit/s of each demand between nodes that are up: lost, or taken off on the way
    discarded: float  # Mbit/s dropped by routers otherwise than their routes say
    delay_ms: Floats  # [n, n] one-way propagation delay, expected over ECMP; inf where there is no path
    invalid_tunnels: tuple[str, ...]  # tunnels with no valid segment list: their demand follows the IGP
    sweep: FailureSweep | None

    @property
    def max_utilisation(self) -> float:
        """Share of capacity on the busiest link; 0 with no links."""
        return float(self.utilisation.max(initial=0.0))

    @property
    def busiest(self) -> str | None:
        """Name of the busiest directed link, None if none carries traffic."""
        if not self.load.any():
            return None
        return self.network.links[int(self.utilisation.argmax())].name

    @property
    def mean_delay_ms(self) -> float:
        """Mean one-way propagation delay in ms, weighted by demand over the pairs with a path; 0 with no traffic."""
        carried = (self.network.offered > 0) & np.isfinite(self.delay_ms)
        volume = self.network.offered[carried]
        return float(np.dot(self.delay_ms[carried], volume) / volume.sum()) if volume.size else 0.0

    @cached_property
    def delays(self) -> "DemandDelays":
        """How long each demand takes, by its longest way too; worked out when somebody asks."""
        from .delay import propagation

        return propagation(self.network)

    @property
    def refused(self) -> float:
        """Mbit/s that rate limits keep out of the network."""
        return float((self.network.demands - self.network.offered).sum())

    def harm(self, limit: float) -> Harm:
        """What users of this state lose, and the load above `limit`, a share of capacity."""
        capacity = np.array([link.capacity for link in self.network.links])
        dropped, overload = excess(self.load, capacity, limit)
        cut = self.stranded
        return Harm(
            severed=self.severed + cut,
            unrouted=max(self.lost - cut, 0.0),
            dropped=dropped,
            silent=self.dropped,
            discarded=self.discarded,
            refused=self.refused,
            overload=overload,
        )

    def grown(self, factor: float, network: Network) -> "Outcome":
        """What the same routes carry in a network whose demands are all `factor` times these; not with rate limits.

        Its failures are not among it.
        """
        return replace(
            self,
            network=network,
            load=self.load * factor,
            utilisation=self.utilisation * factor,
            lost=self.lost * factor,
            severed=self.severed * factor,
            dropped=self.dropped * factor,
            undelivered=self.undelivered * factor,
            discarded=self.discarded * factor,
            sweep=None,
        )

    @property
    def stranded(self) -> float:
        """Mbit/s of what is lost whose ends, both up, nothing joins that is up: no configuration can carry it."""
        if self.lost <= 0:
            return 0.0
        network, up = self.network, np.array([node.up for node in self.network.nodes], dtype=bool)
        apart = np.outer(up, up) & ~joined(network)
        return min(float(network.offered[apart].sum()), self.lost)


def simulate(
    network: Network,
    *,
    failures: Sequence[Failure] = (),
    limit: float = 1.0,
    engine: Engine = _HERE,
    routing: "Routing | None" = None,
) -> Outcome:
    """Route every demand and evaluate every failure.

    `limit` is the share of capacity from which the sweep counts `excess`; `engine` does the failures; `routing` is what
    `route` makes of the network, where that is known.

    IGP shortest paths, split evenly per next-hop link at each node (RFC 2992); tunnels as legs of the IGP (RFC 9256).
    `load` is what the tail of a link sends: a link with a loss share passes on the rest, so that every offered Mbit/s
    is either delivered, lost, severed or dropped.
    """
    # numba is slow to import: only who simulates pays for it
    from .arrays import compile_network, leaked
    from .failure_sweep import sweep_failures
    from .route import expected_of_demands, route

    arrays = compile_network(network)
    routing = routing or route(arrays)
    expected = expected_of_demands(arrays, routing.paths, routing.used)
    load = routing.load[arrays.arc_of]
    capacity, loss = (np.array([getattr(link, name) for link in network.links]) for name in ("capacity", "loss"))
    utilisation = load / capacity
    used = np.add.reduceat(routing.used, arrays.tunnels.first_list[:-1]) if network.tunnels else np.zeros(0)
    return Outcome(
        network=network,
        load=load,
        utilisation=utilisation,
        lost=routing.lost + routing.blackholed,
        severed=arrays.severed,
        dropped=float(np.dot(load, loss)),
        discarded=routing.discarded + float(np.dot(load * (1 - loss), leaked(network))),
        undelivered=(arrays.offered * (1 - expected.survival)).T + _refused(network),
        delay_ms=expected.delay.T.copy(),
        invalid_tunnels=tuple(x.name for x, share in zip(network.tunnels, used, strict=True) if share == 0),
        sweep=sweep_failures(network, failures, routing, limit, engine) if failures else None,
    )


def _refused(network: Network) -> Floats:
    """Mbit/s of each demand between nodes that are up which the router where it enters drops [n, n]."""
    refused = np.zeros_like(network.offered)
    for entry in network.astray:
        if entry.does == "refuse":
            pair = network.node(entry.at), network.node(entry.target)
            refused[pair] = network.offered[pair] if all(network.nodes[i].up for i in pair) else 0.0
    return refused


def single_failures(network: Network) -> tuple[Failure, ...]:
    """Every circuit and every node that is up, one at a time, then every risk group and one member of every bundle.

    A circuit counts as up when traffic can use at least one of its links. An exit is a circuit; a group of exits is no
    node that could fail. Names are element ids; a risk group's is
    `risk-group/NAME`, a member's `member of ` and the circuit.
    """
    up = [node.up for node in network.nodes]
    usable = [x.usable and up[network.node_index[x.tail]] and up[network.node_index[x.head]] for x in network.links]
    circuits = [Failure(name, links) for name, links in network.circuits.items() if any(usable[i] for i in links)]
    routers = [(i, node) for i, node in enumerate(network.nodes) if node.kind != "exits"]
    nodes = [Failure(node.id, nodes=(i,)) for i, node in routers if node.up]
    groups = [
        Failure(
            f"risk-group/{group.name}", tuple(sorted({i for name in group.circuits for i in network.circuits[name]}))
        )
        for group in network.risk_groups
    ]
    members = (
        _member(network, name, links) for name, links in network.circuits.items() if any(usable[i] for i in links)
    )
    return (
        *circuits,
        *nodes,
        *(x for x in groups if any(usable[i] for i in x.links)),
        *(x for x in members if x is not None),
    )


def _member(network: Network, circuit: str, links: tuple[int, ...]) -> Failure | None:
    """What happens when one circuit of a bundle fails: it shrinks, or goes down; None where it is no bundle."""
    bundled = tuple(i for i in links if network.links[i].members > 1)
    if not bundled:
        return None
    down = tuple(i for i in bundled if not network.links[i].short_of_one().up)
    shrunk = tuple(i for i in bundled if i not in down)
    return Failure(f"member of {circuit}", links=down, members=shrunk)
