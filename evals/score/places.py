"""Localisation as NetOpsBench scores it: the verdict is a gate, then half for the device and half for the interface."""

from collections.abc import Iterable
from typing import NamedTuple

from twin.faults import Fault, struck_links
from twin.model import Network


class Places(NamedTuple):
    """Where a fault is: the routers and the interfaces that may be named for it, both ends of a circuit alike."""

    devices: frozenset[str]
    interfaces: frozenset[str]


def places(network: Network, fault: Fault) -> Places:
    """Return what may be named for one fault; of a fault of a whole router, or of the whole network, no interface."""
    if fault.element.startswith("network/"):
        return Places(frozenset(), frozenset())
    if fault.element.startswith("node/"):
        return Places(frozenset((fault.element,)), frozenset())
    links = [network.links[i] for i in struck_links(network, fault)]
    circuits = {i for link in links for i in network.circuit(link.circuit)}
    ends = [network.links[i] for i in circuits]
    return Places(frozenset(f"node/{x.tail}" for x in ends), frozenset(x.interface for x in ends))


def localisation(network: Network, named: Iterable[Fault], there: Iterable[Fault]) -> float:
    """Score of one case, 0 to 1: nothing for a wrong verdict, everything for the right one on a healthy network."""
    said, true = ([places(network, x) for x in faults] for faults in (named, there))
    if bool(said) != bool(true):
        return 0.0
    if not true:
        return 1.0
    best = [max(_near(x, truth) for x in said) for truth in true]
    return sum(best) / len(best) / max(1.0, len(said) / len(true))


def device_hit(network: Network, named: Iterable[Fault], there: Iterable[Fault]) -> bool:
    """Whether every fault that is there has one of its devices among those named."""
    said = frozenset(x for fault in named for x in places(network, fault).devices)
    return all(said & places(network, fault).devices for fault in there)


def interface_hit(network: Network, named: Iterable[Fault], there: Iterable[Fault]) -> bool:
    """Whether every fault that is at an interface has one of its interfaces among those named."""
    said = frozenset(x for fault in named for x in places(network, fault).interfaces)
    wanted = [places(network, fault).interfaces for fault in there]
    return all(said & interfaces for interfaces in wanted if interfaces)


def _near(said: Places, true: Places) -> float:
    device = 0.5 * bool(said.devices & true.devices)
    if not true.interfaces:
        return 2 * device
    return device + 0.5 * bool(said.interfaces & true.interfaces)
