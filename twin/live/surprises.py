"""What happens by itself: flash crowds, planned maintenance, the end of a fault, what others configure."""

from datetime import datetime, timedelta
from typing import NamedTuple

from twin.faults import Fault
from twin.model import Floats, Network
from twin.numeric import np
from twin.plan import Change

RAMP = 0.25
"""Share of a flash crowd's time in which it gathers, and in which it goes."""
CROWD = (1.15, 1.45)
CROWDS_PER_DAY, MAINTENANCES_PER_DAY = 1.0, 0.5
NIGHT_H = (1.0, 3.0)


class FlashCrowd(NamedTuple):
    """More users than usual of one node: demands towards it grow to `factor` times and fall back."""

    node: str
    factor: float
    begin: datetime
    lasts: timedelta


class Maintenance(NamedTuple):
    """Work on a circuit, announced: it is drained before, in the inventory as well, and given back after."""

    circuit: str
    begin: datetime
    lasts: timedelta


class Healing(NamedTuple):
    """A fault that is there ends by itself."""

    fault: Fault
    at: datetime


class ByOthers(NamedTuple):
    """Somebody else configures something, in the inventory as well."""

    change: Change
    at: datetime


Surprise = FlashCrowd | Maintenance | Healing | ByOthers


def crowd_factor(crowd: FlashCrowd, moment: datetime) -> float:
    """Factor on the demands towards its node at this moment: rises and falls as half cosines."""
    position = (moment - crowd.begin) / crowd.lasts
    if not 0 < position < 1:
        return 1.0
    grown = min(position, 1 - position, RAMP) / RAMP
    return float(1 + (crowd.factor - 1) * (1 - np.cos(np.pi * grown)) / 2)


def crowd_factors(network: Network, crowds: tuple[FlashCrowd, ...], moment: datetime) -> Floats:
    """Factor on the demands towards each node [n]."""
    factors = np.ones(len(network.nodes))
    for crowd in crowds:
        factors[network.node(crowd.node)] *= crowd_factor(crowd, moment)
    return factors


def draw_surprises(
    network: Network, seed: int, *, start: datetime, days: float
) -> tuple[FlashCrowd | Maintenance, ...]:
    """Draw what a healthy stretch brings: crowds at any time, maintenance at night on circuits that are not needed."""
    rng = np.random.default_rng([seed, 14])
    towards: Floats = network.offered.sum(axis=0)
    found: list[FlashCrowd | Maintenance] = []
    for _ in range(rng.poisson(CROWDS_PER_DAY * days) if towards.any() else 0):
        node = network.nodes[int(rng.choice(len(network.nodes), p=towards / towards.sum()))].name
        begin = start + timedelta(days=float(rng.uniform(0, days)))
        found.append(FlashCrowd(node, float(rng.uniform(*CROWD)), begin, timedelta(hours=float(rng.uniform(1, 4)))))
    spare = spare_circuits(network)
    for _ in range(rng.poisson(MAINTENANCES_PER_DAY * days) if spare else 0):
        circuit = spare[int(rng.integers(len(spare)))]
        found.append(Maintenance(circuit, _night(network, circuit, start, days, rng), timedelta(hours=2)))
    return tuple(sorted(found, key=lambda x: (x.begin, str(x))))


def spare_circuits(network: Network) -> list[str]:
    """Circuits without which the network still hangs together."""
    import networkx as nx

    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(node.name for node in network.nodes)
    graph.add_edges_from((link.tail, link.head) for link in network.links)
    bridges = {frozenset(edge) for edge in nx.bridges(graph)}
    links = ((circuit, network.links[positions[0]]) for circuit, positions in network.circuits.items())
    return [circuit for circuit, link in links if frozenset((link.tail, link.head)) not in bridges]


def _night(network: Network, circuit: str, start: datetime, days: float, rng: "np.random.Generator") -> datetime:
    """A time within the days, at night where the circuit begins if the days have one."""
    node = network.nodes[network.node(network.links[network.circuit(circuit)[0]].tail)]
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    hour = (float(rng.uniform(*NIGHT_H)) - node.longitude / 15) % 24
    moment = midnight + timedelta(days=int(rng.integers(max(1, round(days)))), hours=hour)
    return moment if moment >= start else moment + timedelta(days=1)
