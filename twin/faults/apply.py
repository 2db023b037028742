"""What a fault makes of a network, as far as a `Network` can say it: what the simulator is given."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import reduce

from twin.errors import TopologyError, UnknownElementError
from twin.model import Astray, AstrayKind, Floats, Link, Network

from .fault import Fault, FaultKind
from .kinds import ADJACENCY_KINDS, PACKET_BITS, SYN_BITS, TRAITS, ElementKind, Form

_K = FaultKind
_Change = Callable[[Link], Link]


def afflict(network: Network, fault: Fault) -> Network:
    """Return the network as it is once the fault has struck.

    A lost adjacency leaves its circuit up and takes it from routing; a flapping circuit is in its down state; what a
    router does otherwise than its routes say is in `Network.astray`. What is wrong with the measurement alone leaves it
    as it is. Raises `UnknownElementError` on an element or target that the network does not have, `TopologyError` on a
    severity or target that the kind of fault cannot have.
    """
    check(network, fault)
    if fault.kind in _TRAFFIC:
        return network.with_demands(_TRAFFIC[fault.kind](network, fault))
    if fault.kind is _K.DEVICE_DOWN:
        nodes = list(network.nodes)
        position = network.node(fault.element)
        nodes[position] = nodes[position]._replace(up=False)
        return replace(network, nodes=tuple(nodes))
    if fault.kind in _ASTRAY:
        return replace(network, astray=(*network.astray, *_gone_astray(network, fault)))
    change = _LINK_CHANGES.get(fault.kind)
    return network if change is None else _with_links(network, struck_links(network, fault), change(fault.severity))


def afflict_all(network: Network, faults: Iterable[Fault]) -> Network:
    """Let several faults strike, in order. Raises as `afflict` does."""
    return reduce(afflict, faults, network)


def struck_links(network: Network, fault: Fault) -> tuple[int, ...]:
    """Positions of the links that the fault is about: of its circuits, out of its interface, or of its node."""
    sort, _, rest = fault.element.partition("/")
    if sort == "link":
        return network.circuit(fault.element)
    if sort == "interface":
        position = network.link(fault.element)
        whole = fault.kind in _WHOLE_CIRCUIT
        return network.circuit(network.links[position].circuit) if whole else (position,)
    if sort == "risk-group":
        return tuple(i for circuit in risk_group(network, fault.element) for i in network.circuit(circuit))
    sent_only = fault.kind in _SENT
    return tuple(i for i, x in enumerate(network.links) if x.tail == rest or (x.head == rest and not sent_only))


def interfaces(network: Network, fault: Fault) -> tuple[str, ...]:
    """Ids of the interfaces at which the fault lies: its own, both of its circuit, or all of its router.

    Of a line card, a risk group, those of the router that all its circuits share.
    """
    sort, _, rest = fault.element.partition("/")
    if sort == "interface":
        return (fault.element,)
    if sort == "link":
        return tuple(network.links[i].interface for i in network.circuit(fault.element))
    name = _router_of(network, fault.element) if sort == "risk-group" else rest
    return tuple(network.links[i].interface for i in struck_links(network, fault) if network.links[i].tail == name)


def risk_group(network: Network, element: str) -> tuple[str, ...]:
    """Ids of the circuits of a risk group, by the id of the group. Raises `UnknownElementError`."""
    groups = {f"risk-group/{x.name}": x.circuits for x in network.risk_groups}
    if element not in groups:
        raise UnknownElementError("risk group", element, groups)
    return groups[element]


def _router_of(network: Network, element: str) -> str:
    """The router that all circuits of a risk group share. Raises `TopologyError` where there is none, or two."""
    links = [network.links[network.circuit(x)[0]] for x in risk_group(network, element)]
    shared = frozenset[str].intersection(*(frozenset((x.tail, x.head)) for x in links))
    if len(shared) != 1:
        raise TopologyError(f"{element} is no line card: its circuits share no single router", fix="name a circuit")
    return next(iter(shared))


def check(network: Network, fault: Fault) -> None:
    """Make sure that the fault can strike this network. Raises as `afflict` does."""
    trait = TRAITS[fault.kind]
    if not trait.severity.holds(fault.severity):
        raise TopologyError(
            f"{fault.kind} cannot have severity {fault.severity:g}", fix=f"its severity is {trait.severity.words}"
        )
    _check_element(network, fault)
    if (fault.target is None) != (trait.target is None):
        wanted = f"a target, a {trait.target}" if trait.target else "no target"
        raise TopologyError(f"{fault.kind} takes {wanted}", fix="see the table of kinds in twin/faults/kinds.py")
    if fault.target is not None and trait.target is not None:
        _find(network, fault.target, trait.target)
        _check_target(fault)


def _check_element(network: Network, fault: Fault) -> None:
    trait, sort = TRAITS[fault.kind], fault.element.partition("/")[0]
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
                _router_of(network, fault.element)
        case "interface":
            _find(network, fault.element, "interface")
        case _:
            _find(network, fault.element, "node")


_SORTS: dict[str, ElementKind | Form] = {
    "link": "circuit",
    "interface": "interface",
    "node": "node",
    "risk-group": "risk group",
}


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


def _with_links(network: Network, positions: tuple[int, ...], change: _Change) -> Network:
    links = list(network.links)
    for position in positions:
        links[position] = change(links[position])
    return replace(network, links=tuple(links))


def _lost(_: float) -> _Change:
    return lambda link: link._replace(up=False)


def _unrouted(_: float) -> _Change:
    return lambda link: link._replace(adjacent=False)


def _lossy(share: float) -> _Change:
    def change(link: Link) -> Link:
        return link._replace(loss=1 - (1 - link.loss) * (1 - share) if link.loss else share)

    return change


_LINK_CHANGES: dict[FaultKind, Callable[[float], _Change]] = {
    _K.CAPACITY: lambda share: lambda link: link._replace(capacity=link.capacity * (1 - share)),
    _K.WEIGHT: lambda weight: lambda link: link._replace(weight=int(weight)),
    _K.LATENCY: lambda extra: lambda link: link._replace(delay_ms=link.delay_ms + extra),
    _K.STALE_TOPOLOGY: lambda _: lambda link: link._replace(drained=True),
    **dict.fromkeys((_K.LINK_DOWN, _K.DETACH, _K.FLAP), _lost),
    **dict.fromkeys(ADJACENCY_KINDS, _unrouted),
    **dict.fromkeys((_K.SILENT_LOSS, _K.CORRUPTION, _K.DEVICE_CORRUPTION), _lossy),
}
_ASTRAY: dict[FaultKind, AstrayKind] = {
    _K.BLACKHOLE: "drop",
    _K.HOST_BLACKHOLE: "refuse",
    _K.STATIC_ROUTE: "send",
    _K.DATA_ACL: "bar",
    _K.ONE_WAY: "leak",
    _K.ECMP_MISSING: "leave out",
    _K.ECMP_STALE: "leave out",
}
_WHOLE_CIRCUIT = (_K.DETACH, _K.NEIGHBOUR_MISSING, _K.ACL_BLOCK, _K.MTU, _K.AREA)
_SENT = (_K.DEVICE_CORRUPTION, _K.WEIGHT, _K.DATA_ACL)


def _gone_astray(network: Network, fault: Fault) -> tuple[Astray, ...]:
    does, target = _ASTRAY[fault.kind], (fault.target or "").removeprefix("node/")
    if does in ("drop", "refuse"):
        return (Astray(does, fault.element.removeprefix("node/"), target, fault.severity),)
    links = (network.links[network.link(x)].name for x in interfaces(network, fault))
    return tuple(Astray(does, name, target, fault.severity) for name in links)


def _surge(network: Network, fault: Fault) -> Floats:
    demands = network.demands.copy()
    demands[:, network.node(fault.element)] *= fault.severity
    return demands


def _incast(network: Network, fault: Fault) -> Floats:
    """The same amount more from every source that has traffic for the node."""
    demands, node = network.demands.copy(), network.node(fault.element)
    sources = demands[:, node] > 0
    demands[sources, node] += (fault.severity - 1) * demands[:, node].sum() / max(int(sources.sum()), 1)
    return demands


def _flood(network: Network, fault: Fault) -> Floats:
    factor = 1 + (fault.severity - 1) * SYN_BITS / PACKET_BITS
    return _surge(network, fault.model_copy(update={"severity": factor}))


_TRAFFIC: dict[FaultKind, Callable[[Network, Fault], Floats]] = {
    _K.SURGE: _surge,
    _K.WEB_DOS: _surge,
    _K.INCAST: _incast,
    _K.SYN_FLOOD: _flood,
}
