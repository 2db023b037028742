"""From a bare topology to a network one can operate: IGP weights, delays, standard capacities, scaled demands.

Published topologies carry no capacities and no units of traffic, so both are dimensioned here, as an operator would:
every circuit gets the smallest standard capacity that carries its normal load, and part of its load under the worst
single circuit failure, with the demands scaled so that the busiest link peaks at a stated utilisation.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import ceil
from typing import NamedTuple

import numpy as np

from twin.errors import TopologyError
from twin.model import Bools, Floats, Ints, Link, Network, Node
from twin.sim.simulate import Failure, simulate
from twin.sim.superposed import Superposition

STANDARD_CAPACITIES = (10_000.0, 40_000.0, 100_000.0, 400_000.0)
MS_PER_KM = 0.005  # light in fibre: 5 us/km

_EARTH_KM = 6371.0088
_WEIGHTS = (1, 65_535)
_HEADROOMS = (0.0, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1)  # share of its worst failure load that a circuit is built for
_SCALES = 24
_TIGHT, _FULL = 0.8, 1.0
_TIGHT_SHARE, _FULL_SHARE = 0.42, 0.05  # of single circuit failures: pushing a link above 80 %, above 100 %
_WORK = 8_000_000_000  # nodes x links x failures evaluated, some twelve seconds: all circuits of 1,000 nodes


_NEAR_MS = 0.05  # between two virtual interfaces of one machine


def standard_capacity(need: float) -> float:
    """Return the least standard capacity that holds `need` Mbit/s; above the largest, whole multiples of it."""
    fitting = [size for size in STANDARD_CAPACITIES if size >= need * (1 - 1e-9)]
    return fitting[0] if fitting else ceil(need / STANDARD_CAPACITIES[-1]) * STANDARD_CAPACITIES[-1]


def next_capacity(capacity: float) -> float:
    """Return the standard capacity above a capacity, Mbit/s."""
    return standard_capacity(capacity * (1 + 1e-6))


class Circuit(NamedTuple):
    """A circuit without a weight: positions of its two ends, its length, and where known its capacity in Mbit/s."""

    low: int
    high: int
    km: float
    capacity: float | None = None


class Topology(NamedTuple):
    """Nodes and circuits, and where known the relative demands [n, n]; without them they follow a gravity model.

    Stated capacities are kept, and the others dimensioned beside them.
    """

    name: str
    nodes: tuple[Node, ...]
    circuits: tuple[Circuit, ...]
    demands: Floats | None = None


class _Sizing(NamedTuple):
    distance: float  # from the wanted shares of tight and full failures; the smallest wins
    capacity: Floats  # [circuits] Mbit/s
    scale: float  # Mbit/s per unit of relative demand


def provision(topology: Topology, *, peak_utilisation: float = 0.65, seed: int = 0) -> Network:
    """Dimension a topology: both directions of a circuit equal, all demands scaled by one factor.

    The IGP weight is the length in km (at least 1), the delay 5 us/km. A fixed search chooses scale and headroom
    so that about two in five single circuit failures push some link above 80 % and at most one in twenty above 100 %:
    sound, yet not failure-proof. The busiest link of the result carries `peak_utilisation`, to the kbit/s that demands
    are rounded to. Stated capacities are kept. Without demands: a gravity model [Zhang et al., SIGMETRICS 2003] over
    node degree and a log-normal size drawn with `seed`.

    Raises `TopologyError` on a disconnected topology or a peak outside (0, 1].
    """
    if not 0 < peak_utilisation <= 1:
        raise TopologyError(f"peak utilisation {peak_utilisation:g} is not in (0, 1]", fix="give a share of capacity")
    require_connected([node.name for node in topology.nodes], [(c.low, c.high) for c in topology.circuits])
    unsized = _unsized(topology, seed)
    known = np.repeat(np.array([circuit.capacity is not None for circuit in topology.circuits], dtype=bool), 2)
    return dimension(unsized, known, peak_utilisation=peak_utilisation)


def dimension(network: Network, known: Bools, *, peak_utilisation: float = 0.65, fixed: bool = False) -> Network:
    """Size the circuits whose capacity is not `known` [links], and scale the demands unless they are `fixed`.

    With no capacity known, scale and sizes come from one search (see `provision`). Known capacities are kept: the
    demands are scaled until the busiest of those links carries `peak_utilisation`, and each other circuit gets the
    smallest standard capacity, or multiple of the largest, that holds its load at that share and its worst load under a
    single circuit failure.
    """
    outcome = simulate(network)
    if not outcome.load.any():
        return network
    if not known.any() and not fixed:
        circuits = _Circuits.of(network)
        sizing = _size(
            circuits.largest(outcome.load), _failure_loads(network, circuits, outcome.load), peak_utilisation
        )
        return replace(_resized(network, circuits, sizing.capacity, known), demands=_scaled(network, sizing.scale))
    if not fixed:
        capacity = np.array([link.capacity for link in network.links])
        busiest = float((outcome.load / capacity)[known].max())
        if busiest > 0:
            network = network.with_demands(_scaled(network, peak_utilisation / busiest))
            outcome = simulate(network)
    if known.all():
        return network
    circuits = _Circuits.of(network)
    load = circuits.largest(outcome.load)
    worst = _failure_loads(network, circuits, outcome.load).max(axis=0, initial=0.0)
    return _resized(network, circuits, _standard(np.maximum(load / peak_utilisation, worst)), known)


def in_small(network: Network, *, capacity: float, peak_utilisation: float) -> Network:
    """Return a network of the same shape that fits on one machine: circuits of one capacity, and traffic to match.

    The traffic keeps its shape and is scaled until the busiest link is at `peak_utilisation`; propagation takes next to
    no time. Raises `TopologyError` where no demand loads any link.
    """
    links = tuple(x._replace(capacity=capacity, delay_ms=_NEAR_MS) for x in network.links)
    small = replace(network, links=links)
    busiest = float(simulate(small).load.max(initial=0.0))
    if busiest <= 0:
        raise TopologyError(f"{network.name} carries no traffic", fix="name a network with demands")
    return small.with_demands(network.demands * (peak_utilisation * capacity / busiest))


def require_connected(names: Sequence[str], pairs: Iterable[tuple[int, int]]) -> None:
    """Raise `TopologyError` naming a cut-off node unless every node reaches every other; `pairs` are undirected."""
    if not names:
        raise TopologyError("the topology has no nodes", fix="give a file that has some")
    neighbours: list[list[int]] = [[] for _ in names]
    for low, high in pairs:
        neighbours[low].append(high)
        neighbours[high].append(low)
    reached, frontier = {0}, [0]
    while frontier:
        fresh = [j for j in neighbours[frontier.pop()] if j not in reached]
        reached.update(fresh)
        frontier.extend(fresh)
    cut_off = [name for i, name in enumerate(names) if i not in reached]
    if cut_off:
        raise TopologyError(
            f"the topology is disconnected: no path from {names[0]} to {cut_off[0]} ({len(cut_off)} nodes cut off)",
            fix="add the missing circuits, or load each part as a network of its own",
        )


def distance_km(a: Node, b: Node) -> float:
    """Great-circle distance by the haversine formula, rounded to 10 m."""
    lon_a, lat_a, lon_b, lat_b = np.radians([a.longitude, a.latitude, b.longitude, b.latitude])
    h = np.sin((lat_b - lat_a) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    return round(float(2 * _EARTH_KM * np.arcsin(np.sqrt(min(h, 1.0)))), 2)


def gravity(topology: Topology, seed: int) -> Floats:
    """Relative demands [n, n]: the product of node sizes, a size being the degree times a log-normal factor."""
    degree = np.bincount([end for circuit in topology.circuits for end in circuit[:2]], minlength=len(topology.nodes))
    return _gravity(degree.astype(np.float64), seed)


def gravity_of(network: Network, seed: int) -> Floats:
    """Relative demands [n, n] as `gravity` draws them, for a network; only routers originate traffic."""
    index = network.node_index
    ends = [index[end] for links in network.circuits.values() for end in network.links[links[0]][:2]]
    degree = np.bincount(ends, minlength=len(network.nodes)).astype(np.float64)
    routers = np.array([node.kind == "router" for node in network.nodes])
    return _gravity(np.where(routers, degree, 0.0), seed)


def _gravity(degree: Floats, seed: int) -> Floats:
    size: Floats = degree * np.exp(np.random.default_rng(seed).normal(0.0, 0.6, len(degree)))
    demands = size[:, None] * size[None, :]
    np.fill_diagonal(demands, 0.0)
    return np.round(demands, 6)


def _scaled(network: Network, factor: float) -> Floats:
    """All demands times a factor, rounded to the kbit/s so that every machine gets the same."""
    return np.round(network.demands * factor, 3)


def _unsized(topology: Topology, seed: int) -> Network:
    """Every capacity as stated, or the smallest standard one; demands in any unit."""
    demands = gravity(topology, seed) if topology.demands is None else topology.demands
    links: list[Link] = []
    parallels: dict[tuple[int, int], int] = {}
    for low, high, km, known in topology.circuits:
        capacity = STANDARD_CAPACITIES[0] if known is None else known
        pair = (min(low, high), max(low, high))
        parallels[pair] = index = parallels.get(pair, 0) + 1
        weight = min(max(round(km), _WEIGHTS[0]), _WEIGHTS[1])
        a, b = topology.nodes[low].name, topology.nodes[high].name
        for tail, head in ((a, b), (b, a)):
            links.append(Link(tail, head, capacity, weight, round(km * MS_PER_KM, 6), index))
    return Network(topology.name, topology.nodes, tuple(links), demands)


class _Circuits(NamedTuple):
    """Which circuit each link is a direction of, [links], and the links of each."""

    of_link: Ints
    links: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, network: Network) -> "_Circuits":
        links = tuple(network.circuits.values())
        of_link = np.empty(len(network.links), dtype=np.int64)
        for number, directions in enumerate(links):
            of_link[list(directions)] = number
        return cls(of_link, links)

    def largest(self, load: Floats) -> Floats:
        """Larger load of the two directions of each circuit."""
        found = np.zeros(len(self.links))
        np.maximum.at(found, self.of_link, load)
        return found


def _failure_loads(network: Network, circuits: _Circuits, base: Floats) -> Floats:
    """Load of each circuit [failures, circuits] under the failure of each in turn; of many, the busiest."""
    names = tuple(network.circuits)
    affordable = max(1, _WORK // (len(network.nodes) * len(network.links)))
    failing = np.argsort(-circuits.largest(base), kind="stable")[:affordable]
    sums = Superposition(network, [Failure(names[int(one)], circuits.links[int(one)]) for one in failing])
    found = np.zeros((len(failing), len(names)))
    for row, load in enumerate(sums.total().load):
        found[row] = circuits.largest(load[sums.arrays.arc_of])
    return found


def _resized(network: Network, circuits: _Circuits, capacity: Floats, known: Bools) -> Network:
    """Give the links that are not `known` the capacity of their circuit."""
    links = [
        link if is_known else link._replace(capacity=float(capacity[number]))
        for link, number, is_known in zip(network.links, circuits.of_link, known, strict=True)
    ]
    return replace(network, links=tuple(links))


def _standard(required: Floats) -> Floats:
    """Smallest standard capacity of at least so much, or multiple of the largest."""
    largest = STANDARD_CAPACITIES[-1]
    steps: Ints = np.searchsorted(STANDARD_CAPACITIES, required * (1 - 1e-9))
    single = np.array(STANDARD_CAPACITIES)[np.minimum(steps, len(STANDARD_CAPACITIES) - 1)]
    return np.where(required > largest, np.ceil(required * (1 - 1e-9) / largest) * largest, single)


def _size(load: Floats, failure_loads: Floats, peak: float) -> _Sizing:
    worst = failure_loads.max(axis=0, initial=0.0)
    required = [np.maximum(load / peak, worst * headroom) for headroom in _HEADROOMS]
    tops = np.geomspace(STANDARD_CAPACITIES[-2] * 1.02, STANDARD_CAPACITIES[-1], _SCALES)
    candidates = [_candidate(load, failure_loads, peak, need * (top / need.max())) for need in required for top in tops]
    return min(candidates, key=lambda sizing: sizing.distance)


def _candidate(load: Floats, failure_loads: Floats, peak: float, required: Floats) -> _Sizing:
    steps: Ints = np.searchsorted(STANDARD_CAPACITIES, required * (1 - 1e-9))
    capacity = np.array(STANDARD_CAPACITIES)[np.minimum(steps, len(STANDARD_CAPACITIES) - 1)]
    scale = peak / float((load / capacity).max())
    busiest = (failure_loads * scale / capacity).max(axis=1, initial=0.0)
    tight, full = (float((busiest > limit).sum()) / max(len(busiest), 1) for limit in (_TIGHT, _FULL))
    distance = abs(tight - _TIGHT_SHARE) + 3 * max(0.0, full - _FULL_SHARE)
    return _Sizing(round(distance, 9), capacity, scale)
