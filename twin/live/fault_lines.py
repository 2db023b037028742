"""What routers log when a fault strikes or ends, apart from interfaces that go down or come up."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from twin.faults import TRAITS, Fault, FaultKind, interfaces, struck_links
from twin.faults.kinds import FLAP_PERIOD_S
from twin.model import Link, Network

from .network import Event, Flags
from .plane import DataPlane
from .syslog import Syslog

_OPENED_S = (1.0, 10.0)
"""After this long a session is there again."""


def committers(network: Network, fault: Fault) -> tuple[str, ...]:
    """Routers whose configuration a fault of this kind changes, and which log so."""
    if "commit" not in TRAITS[fault.kind].log.at_once:
        return ()
    if TRAITS[fault.kind].setting == "drained":
        link = network.links[network.circuit(fault.element)[0]]
        return (link.tail, link.head)
    return culprits(network, fault)


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
    log = TRAITS[fault.kind].log
    if "process" in log.at_once:
        for name in culprits(network, fault):
            yield syslog.process(name, *clock)
    yield from _session_lines(syslog, network, fault, clock)
    if log.flaps_once:
        for circuit in dict.fromkeys(network.links[x].circuit for x in struck_links(network, fault)):
            for offset, up in ((0.0, False), (1.0, True)):
                yield from _circuit_lines(syslog, network, circuit, clock._replace(time=clock.time + offset), up=up)


def end_lines(syslog: Syslog, network: Network, fault: Fault, clock: Clock) -> Iterator[Event]:
    """Lines of routers whose configuration is put right, or whose circuit stops flapping, when the fault ends."""
    for name in committers(network, fault):
        yield syslog.commit(name, *clock)
    if fault.kind is FaultKind.BGP_SESSION:
        link = network.links[network.link(fault.element)]
        yield syslog.interface("session up", link, clock.time + float(clock.rng.uniform(*_OPENED_S)), clock.rng)
    if fault.kind is FaultKind.FLAP and is_down(fault, clock.time):
        yield from _circuit_lines(syslog, network, fault.element, clock, up=True)


def _session_lines(syslog: Syslog, network: Network, fault: Fault, clock: Clock) -> Iterator[Event]:
    """Lines of the router of an exit whose session a fault ends; its interface and its neighbours stay as they are."""
    if TRAITS[fault.kind].layer != "exits":
        return
    for line in TRAITS[fault.kind].log.own:
        link = network.links[network.link(fault.element)]
        yield syslog.interface(line.subject, link, clock.time + float(clock.rng.uniform(*line.after_s)), clock.rng)


def state_lines(
    syslog: Syslog, before: tuple[Flags, Flags], after: DataPlane, clock: Clock, cause: Fault | None
) -> Iterator[Event]:
    """Lines about the interfaces and neighbours that are there after and were not before, or the other way round.

    `before` is which interfaces were up, and which had a neighbour [m] each.
    """
    were_up, had_neighbour = before
    for position, link in enumerate(after.network.links):
        if not after.node_up[after.ends[0][position]]:
            continue
        up = bool(after.oper[position])
        had, has = bool(had_neighbour[position]), bool(after.defects.adjacent[position])
        if up != were_up[position]:
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
    log, (struck, rng) = TRAITS[fault.kind].log, clock
    first = struck
    for number, line in enumerate(log.own if link.tail in culprits(network, fault) else log.others):
        time = (first if line.since == "first line" else struck) + float(rng.uniform(*line.after_s))
        first = time if number == 0 else first
        yield syslog.interface(line.subject, link, time, rng)


def flap_lines(
    syslog: Syslog, network: Network, fault: Fault, span: tuple[float, float], rng: np.random.Generator
) -> Iterator[Event]:
    """Lines of both ends of a flapping circuit over a span of time, epoch seconds."""
    for time, up in sorted(turns(fault, span).items(), key=lambda x: x[1]):
        yield from _circuit_lines(syslog, network, fault.element, Clock(time, rng), up=up)


def turns(fault: Fault, span: tuple[float, float]) -> dict[float, bool]:
    """Epoch seconds within a span at which a flapping circuit turns, and whether it comes up then."""
    began = _began(fault)
    falls, rises = _times(began, span), _times(began + fault.severity * FLAP_PERIOD_S, span)
    return {**dict.fromkeys(falls, False), **dict.fromkeys(rises, True)}


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
