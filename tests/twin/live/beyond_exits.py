"""A small network with exits, and what is measured of it when faults strike."""

from datetime import UTC, datetime

from twin.faults import EXIT_KINDS, Fault, FaultKind
from twin.formats.drawn_exits import with_drawn_exits
from twin.formats.exits import ExitGroup, with_groups
from twin.formats.load import load_network
from twin.live.emulated import EmulatedNetwork
from twin.live.network import Telemetry
from twin.model import Network

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVER = datetime(2000, 1, 1, tzinfo=UTC)


def with_exits() -> Network:
    """Eight routers, the internet behind three of them, the third only a second choice; a tenth of all goes there."""
    inner = load_network("synthetic/8-1")
    names = [x.name for x in inner.nodes]
    network = with_groups(inner, [ExitGroup("internet", {names[0]: 1, names[3]: 1, names[6]: 2})])
    demands = network.demands.copy()
    demands[: len(names), network.node("internet")] = inner.demands.sum() / 10 / len(names)
    return network.with_demands(demands)


NETWORK = with_exits()
FIRST, SECOND, SPARE = (NETWORK.links[i].interface for i in NETWORK.exits)


TWO_GROUPS = with_drawn_exits(load_network("synthetic/8-3"), seed=1, capacity=100_000)
"""Eight routers, `transit` behind three of them and `content` behind two of these; two fifths of all goes there."""
OUT = (FaultKind.BGP_SESSION, FaultKind.BGP_ADVERTISEMENT, FaultKind.BGP_FILTER)
"""Kinds that take an exit out of use for everybody."""
ASTRAY = tuple(kind for kind in EXIT_KINDS if kind not in OUT)
"""Kinds that leave it in use for somebody, or make others of it."""
WAYLESS = (*OUT, FaultKind.BGP_NEXT_HOP, FaultKind.BGP_DISCARD)
"""Kinds after which an exit leads the network nowhere, by what its router says."""


def measured(*faults: Fault, seed: int = 5, before: int = 4, after: int = 2, network: Network = NETWORK) -> Telemetry:
    """Everything that was measured: so many samples before the faults strike, and after."""
    live = EmulatedNetwork(network, seed=seed, start=START)
    live.wait(before)
    for fault in faults:
        live.inject(fault)
    live.wait(after)
    return live.read_telemetry(EVER)
