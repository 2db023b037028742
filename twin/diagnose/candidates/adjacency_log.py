"""What routers log when they lose neighbours, by the cause: facts to expect, and how far the log agrees with them."""

from collections.abc import Iterator
from typing import NamedTuple

from twin.faults import TRAITS, Fault, FaultKind, interfaces, struck_links
from twin.faults.log_lines import Subject
from twin.model import Network
from twin.observe.readings.observation import Observation
from twin.observe.readings.syslog import LineKind


class _Expected(NamedTuple):
    kind: LineKind
    element: str


class _Place(NamedTuple):
    """The routers at fault, their interfaces that lose a neighbour, and the interfaces of the neighbours."""

    routers: tuple[str, ...]
    own: tuple[str, ...]
    others: tuple[str, ...]


def agreement(observation: Observation, fault: Fault) -> float:
    """How far the log speaks for a fault that takes away neighbours, -1..1; 0 where it is silent.

    The share of facts in common, of all those that are expected or that were logged about the same interfaces and
    the routers at fault, each kind of line at each element counted once.
    """
    place, declared = _place(observation.inventory, fault), observation.declared
    expected = {x for x in _expect(fault.kind, place, two_way=declared.two_way) if x.kind in declared.logs}
    around = {*place.routers, *place.own, *place.others}
    logged = {_Expected(x.kind, x.element) for x in observation.events if x.element in around and _tells(x.kind)}
    if not logged:
        return 0.0
    return 2 * len(expected & logged) / len(expected | logged) - 1


def _tells(kind: LineKind) -> bool:
    return kind not in ("interface_up", "neighbour_up", "bgp_ended")


def _place(network: Network, fault: Fault) -> _Place:
    own = interfaces(network, fault)
    struck = [network.links[i].interface for i in struck_links(network, fault)]
    routers = dict.fromkeys(f"node/{network.links[network.link(x)].tail}" for x in own)
    return _Place(tuple(routers), own, tuple(x for x in struck if x not in own))


def _expect(kind: FaultKind, place: _Place, *, two_way: bool) -> Iterator[_Expected]:
    """Facts that a fault of this kind leaves, by what it is declared to log.

    Where routers check no circuit both ways and hellos do not get in, nobody tells the other end.
    """
    log = TRAITS[kind].log
    yield from (_Expected(_FACTS[subject], x) for subject in log.at_once for x in place.routers)
    if TRAITS[kind].deaf and not two_way:
        yield from (_Expected("neighbour_timeout", x) for x in place.own)
        return
    yield from (_Expected(_FACTS[line.subject], x) for line in log.own for x in place.own)
    yield from (_Expected(_FACTS[line.subject], x) for line in log.others for x in place.others)


_FACTS: dict[Subject, LineKind] = {
    "adjacency down": "neighbour_down",
    "adjacency timeout": "neighbour_timeout",
    "adjacency one-way": "neighbour_one_way",
    "adjacency stuck": "neighbour_stuck",
    "mtu": "mtu_refused",
    "area": "area_refused",
    "commit": "commit",
    "process": "process_ended",
    "session timeout": "session_timeout",
}
"""What a line about something is read as."""
