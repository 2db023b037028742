"""What routers log when they lose neighbours, by the cause: facts to expect, and how far the log agrees with them."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from twin.faults import Fault, FaultKind, interfaces, struck_links
from twin.model import Network
from twin.observe.readings.observation import Observation
from twin.observe.readings.syslog import LineKind

_K = FaultKind


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
    place = _place(observation.inventory, fault)
    expected = set(_expect(fault.kind, place))
    around = {*place.routers, *place.own, *place.others}
    logged = {_Expected(x.kind, x.element) for x in observation.events if x.element in around and _tells(x.kind)}
    if not logged:
        return 0.0
    return 2 * len(expected & logged) / len(expected | logged) - 1


def _tells(kind: LineKind) -> bool:
    return kind not in ("interface_up", "neighbour_up")


def _place(network: Network, fault: Fault) -> _Place:
    own = interfaces(network, fault)
    struck = [network.links[i].interface for i in struck_links(network, fault)]
    routers = dict.fromkeys(f"node/{network.links[network.link(x)].tail}" for x in own)
    return _Place(tuple(routers), own, tuple(x for x in struck if x not in own))


def _expect(kind: FaultKind, place: _Place) -> Iterator[_Expected]:
    """Facts that a fault of this kind leaves: RFC 2328 section 10.3 (neighbour events), 10.6 (MTU), 8.2 (area)."""
    yield from _LINES[kind](place)


def _area(place: _Place) -> Iterator[_Expected]:
    yield from (_Expected("commit", x) for x in place.routers)
    yield from (_Expected("neighbour_down", x) for x in place.own)
    for other in place.others:
        yield _Expected("neighbour_timeout", other)
        yield _Expected("area_refused", other)


def _ended(place: _Place) -> Iterator[_Expected]:
    yield from (_Expected("process_ended", x) for x in place.routers)
    yield from (_Expected("neighbour_timeout", x) for x in place.others)


def _missing(place: _Place) -> Iterator[_Expected]:
    yield from (_Expected("commit", x) for x in place.routers)
    yield from (_Expected("neighbour_down", x) for x in place.own)
    yield from (_Expected("neighbour_timeout", x) for x in place.others)


def _blocked(place: _Place) -> Iterator[_Expected]:
    yield from (_Expected("commit", x) for x in place.routers)
    yield from (_Expected("neighbour_timeout", x) for x in place.own)
    yield from (_Expected("neighbour_one_way", x) for x in place.others)


def _stuck(place: _Place) -> Iterator[_Expected]:
    yield from (_Expected("commit", x) for x in place.routers)
    yield from (_Expected("mtu_refused", x) for x in place.own)
    for interface in (*place.own, *place.others):
        yield _Expected("neighbour_down", interface)
        yield _Expected("neighbour_stuck", interface)


_LINES: dict[FaultKind, Callable[[_Place], Iterator[_Expected]]] = {
    _K.AREA: _area,
    _K.ROUTING_DOWN: _ended,
    _K.NEIGHBOUR_MISSING: _missing,
    _K.ACL_BLOCK: _blocked,
    _K.MTU: _stuck,
}
