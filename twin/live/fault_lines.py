"""What routers log when a fault strikes or ends, apart from interfaces that go down or come up."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from twin.faults import Fault, FaultKind, interfaces
from twin.faults.kinds import FLAP_PERIOD_S
from twin.model import Link, Network

from .network import Event
from .plane import DataPlane
from .syslog import Syslog

_K = FaultKind
DEAD_INTERVAL_S = (30.0, 40.0)
"""A neighbour that is not heard is given up after this long: hellos come every 10 s, the fourth is the last."""
_COMMITTED = (_K.WEIGHT, _K.AREA, _K.NEIGHBOUR_MISSING, _K.ACL_BLOCK, _K.MTU, _K.DATA_ACL, _K.STATIC_ROUTE)
_AT_ONCE = (0.05, 1.0)
_Noticed = tuple[str, tuple[float, float]]


def committers(network: Network, fault: Fault) -> tuple[str, ...]:
    """Routers whose configuration a fault of this kind changes, and which log so."""
    if fault.kind in _COMMITTED:
        return culprits(network, fault)
    if fault.kind is _K.STALE_TOPOLOGY:
        link = network.links[network.circuit(fault.element)[0]]
        return (link.tail, link.head)
    return ()


def culprits(network: Network, fault: Fault) -> tuple[str, ...]:
    """The routers that a fault of an interface, of a node or of both ends of a circuit lies at."""
    if fault.element.startswith("node/"):
        return (network.nodes[network.node(fault.element)].name,)
    return tuple(network.links[network.link(x)].tail for x in interfaces(network, fault))


class Clock(NamedTuple):
    """When something happens, epoch seconds, and the chance of how fast it is noticed."""

    time: float
    rng: np.random.Generator


def strike_lines(syslog: Syslog, network: Network, fault: Fault, clock: Clock) -> Iterator[Event]:
    """Lines of routers that are configured, end their routing or flap once when the fault strikes."""
    for name in committers(network, fault):
        yield syslog.commit(name, *clock)
    if fault.kind is _K.ROUTING_DOWN:
        for name in culprits(network, fault):
            yield syslog.process(name, *clock)
    if fault.kind is _K.ECMP_STALE:
        circuit = network.links[network.link(fault.element)].circuit
        for offset, up in ((0.0, False), (1.0, True)):
            yield from _circuit_lines(syslog, network, circuit, clock._replace(time=clock.time + offset), up=up)


def end_lines(syslog: Syslog, network: Network, fault: Fault, clock: Clock) -> Iterator[Event]:
    """Lines of routers whose configuration is put right, or whose circuit stops flapping, when the fault ends."""
    for name in committers(network, fault):
        yield syslog.commit(name, *clock)
    if fault.kind is _K.FLAP and is_down(fault, clock.time):
        yield from _circuit_lines(syslog, network, fault.element, clock, up=True)


def state_lines(
    syslog: Syslog, before: DataPlane, after: DataPlane, clock: Clock, cause: Fault | None
) -> Iterator[Event]:
    """Lines about the interfaces and neighbours that are there after and were not before, or the other way round."""
    for position, link in enumerate(after.network.links):
        if not after.node_up[after.ends[0][position]]:
            continue
        up = bool(after.oper[position])
        had, has = (bool(x.defects.adjacent[position]) for x in (before, after))
        if up != before.oper[position]:
            yield from syslog.link_state(link, *clock, up=up)
        elif up and had and not has and cause is not None:
            yield from _lost_adjacency(syslog, after.network, cause, link, clock)
        elif up and has and not had:
            yield syslog.interface("adjacency up", link, clock.time + float(clock.rng.uniform(1, 10)), clock.rng)


def _circuit_lines(syslog: Syslog, network: Network, circuit: str, clock: Clock, *, up: bool) -> Iterator[Event]:
    for position in network.circuit(circuit):
        yield from syslog.link_state(network.links[position], *clock, up=up)


def _lost_adjacency(syslog: Syslog, network: Network, fault: Fault, link: Link, clock: Clock) -> Iterator[Event]:
    """Lines of the tail of `link` when the fault takes away its neighbour while the interface stays up."""
    time, rng = clock
    at_fault = link.tail in culprits(network, fault)
    if fault.kind is _K.ROUTING_DOWN and at_fault:
        return
    subject, (first, last) = _SUBJECTS[fault.kind][0 if at_fault else 1]
    noticed = time + float(rng.uniform(first, last))
    yield syslog.interface(subject, link, noticed, rng)
    if fault.kind is _K.AREA and not at_fault:
        yield syslog.interface("area", link, time + float(rng.uniform(1, 10)), rng)
    if fault.kind is _K.MTU:
        if at_fault:
            yield syslog.interface("mtu", link, noticed + float(rng.uniform(1, 10)), rng)
        yield syslog.interface("adjacency stuck", link, noticed + float(rng.uniform(60, 125)), rng)


_SUBJECTS: dict[FaultKind, tuple[_Noticed, _Noticed]] = {
    _K.AREA: (("adjacency down", _AT_ONCE), ("adjacency timeout", DEAD_INTERVAL_S)),
    _K.NEIGHBOUR_MISSING: (("adjacency down", _AT_ONCE), ("adjacency timeout", DEAD_INTERVAL_S)),
    _K.ROUTING_DOWN: (("adjacency timeout", DEAD_INTERVAL_S), ("adjacency timeout", DEAD_INTERVAL_S)),
    _K.ACL_BLOCK: (("adjacency timeout", DEAD_INTERVAL_S), ("adjacency one-way", DEAD_INTERVAL_S)),
    _K.MTU: (("adjacency down", _AT_ONCE), ("adjacency down", _AT_ONCE)),
}
"""What the router at fault logs, and what its neighbour does; when, in seconds."""


def flap_lines(
    syslog: Syslog, network: Network, fault: Fault, span: tuple[float, float], rng: np.random.Generator
) -> Iterator[Event]:
    """Lines of both ends of a flapping circuit over a span of time, epoch seconds."""
    turns = ((0.0, False), (fault.severity * FLAP_PERIOD_S, True))
    for offset, up in turns:
        for time in _times(_began(fault) + offset, span):
            yield from _circuit_lines(syslog, network, fault.element, Clock(time, rng), up=up)


def is_down(fault: Fault, time: float) -> bool:
    """Whether a flapping circuit is down at this moment, epoch seconds."""
    return (time - _began(fault)) % FLAP_PERIOD_S < fault.severity * FLAP_PERIOD_S


def _times(first: float, span: tuple[float, float]) -> Iterator[float]:
    begin, end = span
    number = max(0, int(np.ceil((begin - first) / FLAP_PERIOD_S)))
    while first + number * FLAP_PERIOD_S < end:
        yield first + number * FLAP_PERIOD_S
        number += 1


def _began(fault: Fault) -> float:
    return fault.onset.timestamp() if fault.onset else 0.0
