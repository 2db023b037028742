"""Which links and interfaces a fault strikes."""

from twin.errors import TopologyError, UnknownElementError
from twin.model import Network

from .declaration import declared
from .fault import Fault


def struck_links(network: Network, fault: Fault) -> tuple[int, ...]:
    """Positions of the links that the fault is about: of its circuits, out of its interface, or of its node.

    What an IGP does at a node has nothing to do with its exits: BGP has their sessions.
    """
    sort, _, rest = fault.element.partition("/")
    if sort == "link":
        return network.circuit(fault.element)
    if sort == "interface":
        position = network.link(fault.element)
        whole = declared(fault.kind).reach == "circuit"
        return network.circuit(network.links[position].circuit) if whole else (position,)
    if sort == "risk-group":
        return tuple(i for circuit in risk_group(network, fault.element) for i in network.circuit(circuit))
    kind = declared(fault.kind)
    sent_only, apart = kind.reach == "sent", network.exits if kind.layer == "control" else ()
    around = [i for i, x in enumerate(network.links) if x.tail == rest or (x.head == rest and not sent_only)]
    return tuple(i for i in around if i not in apart)


def interfaces(network: Network, fault: Fault) -> tuple[str, ...]:
    """Ids of the interfaces at which the fault lies: its own, both of its circuit, or all of its router.

    Of a line card, a risk group, those of the router that all its circuits share.
    """
    sort, _, rest = fault.element.partition("/")
    if sort == "interface":
        return (fault.element,)
    if sort == "link":
        return tuple(network.links[i].interface for i in network.circuit(fault.element))
    name = router_of(network, fault.element) if sort == "risk-group" else rest
    return tuple(network.links[i].interface for i in struck_links(network, fault) if network.links[i].tail == name)


def risk_group(network: Network, element: str) -> tuple[str, ...]:
    """Ids of the circuits of a risk group, by the id of the group. Raises `UnknownElementError`."""
    groups = {f"risk-group/{x.name}": x.circuits for x in network.risk_groups}
    if element not in groups:
        raise UnknownElementError("risk group", element, groups)
    return groups[element]


def router_of(network: Network, element: str) -> str:
    """The router that all circuits of a risk group share. Raises `TopologyError` where there is none, or two."""
    links = [network.links[network.circuit(x)[0]] for x in risk_group(network, element)]
    shared = frozenset[str].intersection(*(frozenset((x.tail, x.head)) for x in links))
    if len(shared) != 1:
        raise TopologyError(f"{element} is no line card: its circuits share no single router", fix="name a circuit")
    return next(iter(shared))
