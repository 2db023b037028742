"""What a fault makes of a network, as far as a `Network` can say it: what the simulator is given."""

from collections.abc import Iterable
from dataclasses import replace
from functools import reduce

from twin.errors import TopologyError, UnknownElementError
from twin.model import Astray, AstrayKind, Network

from .declaration import ElementKind, Form, declared
from .fault import Fault, FaultKind
from .struck import interfaces, risk_group, router_of, struck_links

_K = FaultKind


def with_fault(network: Network, fault: Fault) -> Network:
    """Return the network as it is once the fault has struck.

    A lost adjacency leaves its circuit up and takes it from routing; a flapping circuit is in its down state; what a
    router does otherwise than its routes say is in `Network.astray`. What is wrong with the measurement alone leaves it
    as it is. Raises `UnknownElementError` on an element or target that the network does not have, `TopologyError` on a
    severity or target that the kind of fault cannot have.
    """
    check(network, fault)
    effect = declared(fault.kind)
    if effect.demands is not None:
        network = network.with_demands(effect.demands(network, fault))
    if effect.nodes_down:
        nodes = list(network.nodes)
        position = network.node(fault.element)
        nodes[position] = nodes[position]._replace(up=False)
        network = replace(network, nodes=tuple(nodes))
    if effect.astray is not None:
        network = replace(network, astray=(*network.astray, *_gone_astray(network, fault, effect.astray)))
    if effect.links is not None:
        links = list(network.links)
        preferences = set(network.exits) if fault.kind is _K.WEIGHT else ()  # no metric: the IGP knows no exit
        for position in (i for i in struck_links(network, fault) if i not in preferences):
            links[position] = effect.links(links[position], fault.severity)
        network = replace(network, links=tuple(links))
    return network if effect.network is None else effect.network(network, fault)


def with_one_way_fault(network: Network, fault: Fault) -> Network:
    """The same where routers keep a neighbour that does not hear them, and all route over it to where it ends.

    Hellos that do not get in take away the neighbour at one end only; what is sent from the other is still routed, and
    behind an MTU that is too small it is lost but for small packets.
    """
    deaf = declared(fault.kind).deaf
    if deaf is None or fault.element.startswith("link/"):
        return with_fault(network, fault)
    check(network, fault)
    links, trusted = list(network.links), list[Astray]()
    for here in (network.link(x) for x in interfaces(network, fault)):
        towards = network.reverse[here]
        links[here] = links[here]._replace(adjacent=False)
        if deaf == "to large packets":
            links[towards] = links[towards]._replace(loss=1.0)
        trusted.append(Astray("trust", links[towards].name))
    return replace(network, links=tuple(links), astray=(*network.astray, *trusted))


def with_faults(network: Network, faults: Iterable[Fault]) -> Network:
    """Let several faults strike, in order. Raises as `with_fault` does."""
    return reduce(with_fault, faults, network)


def check(network: Network, fault: Fault) -> None:
    """Make sure that the fault can strike this network. Raises as `with_fault` does."""
    trait = declared(fault.kind)
    if trait.layer == "exits":
        _require_exits(network, fault)
    if not trait.severity.holds(fault.severity):
        raise TopologyError(
            f"{fault.kind} cannot have severity {fault.severity:g}", fix=f"its severity is {trait.severity.words}"
        )
    _check_element(network, fault)
    if (fault.target is None) != (trait.target is None):
        wanted = f"a target, a {trait.target}" if trait.target else "no target"
        raise TopologyError(f"{fault.kind} takes {wanted}", fix="see the tables of kinds in twin/faults/families/")
    if fault.target is not None and trait.target is not None:
        _find(network, fault.target, trait.target)
        _check_target(fault)
        if trait.layer == "exits":
            _require_foreign_group(network, fault)


def _check_element(network: Network, fault: Fault) -> None:
    trait, sort = declared(fault.kind), fault.element.partition("/")[0]
    if trait.element == "node or network" and sort == "network":
        if fault.element != f"network/{network.name}":
            raise UnknownElementError("network", fault.element, (f"network/{network.name}",))
        return
    form = _SORTS.get(sort, trait.element)
    match form if form in trait.forms else trait.element:
        case "circuit":
            network.circuit(fault.element)
        case "risk group":
            risk_group(network, fault.element)
            if fault.kind is _K.DETACH:
                router_of(network, fault.element)
        case "interface":
            _find(network, fault.element, "interface")
        case "exit":
            _require_exit(network, fault)
        case _:
            _find(network, fault.element, "node")


_SORTS: dict[str, ElementKind | Form] = {
    "link": "circuit",
    "interface": "interface",
    "node": "node",
    "risk-group": "risk group",
}


def _require_exits(network: Network, fault: Fault) -> None:
    if not network.exits:
        raise TopologyError(
            f"{fault.kind} strikes an exit, and {network.name} has none",
            fix="give it groups of exits: [[exits]] in site.toml, or a column `exits` of the traffic file",
        )
    groups = {x.id for x in network.nodes if x.kind == "exits"}
    if fault.element in groups:
        raise TopologyError(f"{fault}: that is what lies beyond exits, and no router", fix="name a router")


def _require_exit(network: Network, fault: Fault) -> None:
    if _find(network, fault.element, "interface") not in network.exits:
        known = ", ".join(network.links[i].name for i in network.exits[:6])
        raise TopologyError(f"{fault.kind} strikes an exit, and {fault.element} is none", fix=f"name one of {known}")


def _require_foreign_group(network: Network, fault: Fault) -> None:
    """The target is a group of exits, and the router at fault has no exit of it: it would compete with itself."""
    group, router = (fault.target or "").removeprefix("node/"), fault.element.split("/")[1]
    if network.nodes[network.node(group)].kind != "exits":
        raise TopologyError(f"{fault}: {group} is no group of exits", fix="name what lies beyond some exits")
    if network.nodes[network.node(router)].kind == "exits" or any(
        network.links[i].tail == router and network.links[i].head == group for i in network.exits
    ):
        raise TopologyError(f"{fault}: {router} may announce {group}", fix="name a router without an exit of it")


def _check_target(fault: Fault) -> None:
    """A target is another element; one whose counters are swapped is on the same router."""
    target = fault.target or ""
    if fault.kind is _K.SWAPPED_COUNTERS:
        apart = fault.element.rpartition("/")[0] != target.rpartition("/")[0] or fault.element == target
        if apart:
            raise TopologyError(f"{fault}: not two interfaces of one router", fix="name two of one router")
        return
    here = fault.element.split("/")[1]
    if target == f"node/{here}":
        raise TopologyError(f"{fault}: a router does not forward to itself", fix="name another node")


def _find(network: Network, element: str, kind: str) -> int:
    """Position of an element of this very kind, not of one that goes by the same name."""
    if not element.startswith(f"{kind}/"):
        raise UnknownElementError(kind, element, ())
    return network.node(element) if kind == "node" else network.link(element)


def _gone_astray(network: Network, fault: Fault, does: AstrayKind) -> tuple[Astray, ...]:
    target = (fault.target or "").removeprefix("node/")
    if does in ("drop", "refuse"):
        return (Astray(does, fault.element.removeprefix("node/"), target, fault.severity),)
    links = (network.links[network.link(x)].name for x in interfaces(network, fault))
    return tuple(Astray(does, name, target, fault.severity) for name in links)
