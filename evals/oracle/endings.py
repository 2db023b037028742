"""Which endings of a run an operator would accept, from what really struck: nothing here asks the product.

What could be gained is bounded by the true state of the emulated network: what is severed and what a router refuses
where it enters no configuration can carry, and a flow programme says whether all the rest could be carried within the
limits. Where it could, leaving everything as it is is no right ending.
"""

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from agents.record.events import Outcome
from twin.faults import Fault, FaultKind, indistinguishable
from twin.faults.apply import struck_links
from twin.harm import Harm
from twin.model import Network

from .flow import lowest_peak
from .ways import Failed, ways_of

_K = FaultKind
_NOTHING = 0.05  # of the noise, below which nobody is harmed in anybody's book
LARGEST = 4_000
"""Product of sources and links up to which the flow programme is solved; above, what could be gained is not judged."""

DOES: MappingProxyType[FaultKind, frozenset[str]] = MappingProxyType({
    _K.BGP_SESSION: frozenset({"restore peering"}),
    _K.BGP_ADVERTISEMENT: frozenset({"ask for the routes"}),
    _K.BGP_FILTER: frozenset({"correct route policy"}),
    _K.BGP_NEXT_HOP: frozenset({"correct next hop"}),
    _K.BGP_DISCARD: frozenset({"lift the discard"}),
    _K.BGP_PREFERENCE: frozenset({"correct preference"}),
    _K.BGP_LONGER_PATH: frozenset({"ask about the path"}),
    _K.BGP_HIJACK: frozenset({"withdraw the announcement"}),
    _K.BGP_ORIGIN: frozenset({"reject the announcement"}),
    _K.BGP_PROCESS: frozenset({"restart BGP"}),
    _K.PROBE_FILTER: frozenset({"remove filter"}),
    _K.LINK_DOWN: frozenset({"repair circuit", "restore interface"}),
    _K.DETACH: frozenset({"restore interface", "repair circuit"}),
    _K.FLAP: frozenset({"repair circuit"}),
    _K.DEVICE_DOWN: frozenset({"restore router"}),
    _K.CAPACITY: frozenset({"restore capacity"}),
    _K.SURGE: frozenset({"find the senders", "filter the attack"}),
    _K.WEIGHT: frozenset({"correct weight"}),
    _K.SILENT_LOSS: frozenset({"replace optic", "replace line card"}),
    _K.CORRUPTION: frozenset({"replace optic"}),
    _K.DEVICE_CORRUPTION: frozenset({"replace line card"}),
    _K.LATENCY: frozenset({"check path delay"}),
    _K.ROUTING_DOWN: frozenset({"restart routing"}),
    _K.AREA: frozenset({"correct area"}),
    _K.NEIGHBOUR_MISSING: frozenset({"add to routing"}),
    _K.ACL_BLOCK: frozenset({"remove filter"}),
    _K.MTU: frozenset({"fix MTU"}),
    _K.HOST_BLACKHOLE: frozenset({"remove static route"}),
    _K.BLACKHOLE: frozenset({"remove blackhole route"}),
    _K.STATIC_ROUTE: frozenset({"remove static route"}),
    _K.DATA_ACL: frozenset({"remove filter"}),
    _K.ONE_WAY: frozenset({"replace line card"}),
    _K.ECMP_MISSING: frozenset({"rebuild ECMP group"}),
    _K.ECMP_STALE: frozenset({"rebuild ECMP group"}),
    _K.INCAST: frozenset({"find the senders"}),
    _K.WEB_DOS: frozenset({"filter the attack", "find the senders"}),
    _K.SYN_FLOOD: frozenset({"filter the attack"}),
    _K.STUCK_COUNTER: frozenset({"reset counters"}),
    _K.SCALED_COUNTER: frozenset({"correct counter scale"}),
    _K.MISSING_COUNTERS: frozenset({"restore polling"}),
    _K.SWAPPED_COUNTERS: frozenset({"correct interface mapping"}),
    _K.STALE_TOPOLOGY: frozenset({"correct inventory"}),
    _K.WRONG_CAPACITY: frozenset({"correct inventory"}),
    _K.DEMAND_INPUT: frozenset({"correct flow export"}),
    _K.STALE_CONFIGURATION: frozenset({"collect configuration"}),
})  # fmt: skip
"""What an operator would have done about each kind of fault."""


class Accepted(NamedTuple):
    """What is right: outcomes, whether something must, may or must not be changed, and what is to be recommended."""

    outcomes: frozenset[Outcome]
    act: bool | None  # None where either is right
    floor: float  # Mbit/s of harm that no plan can take off
    faults: tuple[Fault, ...]  # what has to be recommended against
    could_gain: bool = False  # harmed all the time, by more than the floor: a plan that gains leaves no choice
    unknown: frozenset[Outcome] = frozenset()  # those that are right only because some faults move no reading


class Struck(NamedTuple):
    """What happened: the true state under its traffic, the faults, whether they show, the harm if nobody acts."""

    truth: Network
    faults: tuple[Fault, ...]
    shown: tuple[
        Fault, ...
    ]  # those that move some reading: what the others do not hide, and nothing else could be named
    at_first: Harm  # when the run begins
    in_the_end: Harm  # an hour after the onset
    seen: Harm  # in the mean from the onset until the run begins: what there was to be measured
    at_worst: Harm  # in the worst sample of that hour, of those that the run could see


def accepted(struck: Struck, *, limit: float, noise: float) -> Accepted:
    """Say which endings are right. Where harm comes or goes within the hour, or is next to none, either may be.

    A network may be harmed without a fault that shows, by its usual traffic: then a run may end without a plan.
    """
    ways = [
        _of(struck, harm, limit=limit, noise=least)
        for harm in (struck.at_first, struck.seen, struck.in_the_end)
        for least in ((_NOTHING * noise, noise) if struck.faults else (noise,))
    ]
    if struck.at_worst.total > noise:  # traffic that swells and ebbs: whoever looked then was right to act
        ways.insert(0, _of(struck, struck.at_worst, limit=limit, noise=noise))
    act = ways[0].act if len({way.act for way in ways}) == 1 else None
    outcomes, could_gain = frozenset[Outcome]().union(*(way.outcomes for way in ways)), all(x.could_gain for x in ways)
    return Accepted(outcomes, act, ways[-1].floor, struck.shown, could_gain)


def blind_to(hidden: Accepted, seen: Accepted) -> Accepted:
    """Also accept what is right where only the faults struck that move a reading: nobody can know of the others."""
    unknown = seen.outcomes - hidden.outcomes
    act = hidden.act if hidden.act == seen.act else None
    return hidden._replace(
        outcomes=hidden.outcomes | seen.outcomes,
        act=act,
        could_gain=hidden.could_gain and seen.could_gain,
        unknown=unknown,
    )


def _of(struck: Struck, harm: Harm, *, limit: float, noise: float) -> Accepted:
    faults = struck.faults
    if harm.total <= noise:
        hidden: frozenset[Outcome] = frozenset({"no action needed", "healthy"} if faults else {"healthy"})
        calm: frozenset[Outcome] = frozenset({"no action needed"})
        return Accepted(calm if struck.shown else hidden, act=False, floor=0.0, faults=faults)
    floor = harm.severed + _refused(struck.truth, faults)
    if harm.total - floor <= noise:
        return Accepted(frozenset({"needs a person"}), act=None, floor=floor, faults=faults)
    helped: frozenset[Outcome] = frozenset({"resolved", "relieved", "needs a person"})
    unknown: frozenset[Outcome] = frozenset({"no safe plan"})
    helped = helped if struck.shown else helped | unknown
    must = True if could_be_carried(struck.truth, faults, limit) else None
    return Accepted(helped, act=must, floor=floor, faults=faults, could_gain=True)


def could_be_carried(truth: Network, faults: Sequence[Fault], limit: float) -> bool:
    """Whether some routing carries everything that can be carried within the limit, clear of what loses or drops."""
    usable = _clear(truth, faults)
    sources = int((usable.offered.sum(axis=1) > 0).sum())
    if sources * len(usable.links) > LARGEST:
        return False
    try:
        return lowest_peak(usable) <= limit
    except ValueError:
        return False


def _clear(truth: Network, faults: Sequence[Fault]) -> Network:
    """The state without links that lose or drop something, and without the demands that nothing can carry."""
    nodes, index = [node.up for node in truth.nodes], truth.node_index
    shunned = {i for x in faults if x.kind in _LOSING for i in struck_links(truth, x)}
    links = tuple(
        link
        for i, link in enumerate(truth.links)
        if link.up and link.adjacent and not link.loss and i not in shunned
        and nodes[index[link.tail]] and nodes[index[link.head]]
    )  # fmt: skip
    demands = truth.offered.copy()
    for i, up in enumerate(nodes):
        if not up:
            demands[i], demands[:, i] = 0.0, 0.0
    return replace(truth, links=links, demands=demands, tunnels=(), limits=(), risk_groups=(), astray=())


_LOSING = (_K.SILENT_LOSS, _K.CORRUPTION, _K.DEVICE_CORRUPTION, _K.ONE_WAY, _K.FLAP, _K.DATA_ACL)


def _refused(truth: Network, faults: Sequence[Fault]) -> float:
    pairs = {(x.element, x.target) for x in faults if x.kind is _K.HOST_BLACKHOLE and x.target}
    return sum(float(truth.offered[truth.node(source), truth.node(target or "")]) for source, target in pairs)


def recommends(network: Network, faults: Sequence[Fault], recommended: Sequence[tuple[str, str]]) -> bool:
    """Whether there is a recommendation (action, element) for every fault, up to what no measurement can tell apart.

    Where one mistake is made at every interface of a router, naming the router names all of them. A filter at the only
    next hop for its target drops what one on all of the router would, wherever the configuration is not read.
    """
    wide = _routers(network, faults) | _only_ways(network, faults)
    return all(any(_ends(fault, action, element, wide) for action, element in recommended) for fault in faults)


def _routers(network: Network, faults: Sequence[Fault]) -> frozenset[tuple[FaultKind, str]]:
    """Kinds and routers all of whose interfaces are struck by that kind."""
    struck = {(x.kind, x.element) for x in faults}
    return frozenset(
        (kind, node.id)
        for kind in {x.kind for x in faults}
        for node in network.nodes
        if all((kind, x.interface) in struck for x in network.links if x.tail == node.name)
    )


def _only_ways(network: Network, faults: Sequence[Fault]) -> frozenset[tuple[FaultKind, str]]:
    """Kinds and routers of filters at the one interface by which their router sends all that goes to their target."""
    found = set[tuple[FaultKind, str]]()
    for fault in faults:
        if fault.kind is _K.DATA_ACL and fault.target and fault.element.startswith("interface/"):
            router = fault.element.split("/")[1]
            hops = ways_of(network, Failed("nothing"))[fault.target.removeprefix("node/")].hops.get(router, [])
            if [network.links[network.link(x.name)].interface for x in hops] == [fault.element]:
                found.add((fault.kind, f"node/{router}"))
    return frozenset(found)


def _ends(fault: Fault, action: str, element: str, wide: frozenset[tuple[FaultKind, str]]) -> bool:
    kinds = (fault.kind, *(kind for kind in FaultKind if indistinguishable(fault.kind, kind)))
    router = f"node/{fault.element.split('/')[1]}" if fault.element.startswith("interface/") else ""
    same = element in (fault.element, fault.target) or _circuit(element) == _circuit(fault.element)
    same = same or (element == router and (fault.kind, router) in wide)
    return same and any(action in DOES[kind] for kind in kinds)


def _circuit(element: str) -> object:
    """The two ends that an interface or a circuit joins; anything else as it is."""
    sort, _, rest = element.partition("/")
    if sort == "interface":
        return frozenset(x.partition(".")[0] for x in rest.split("/"))
    if sort == "link":
        return frozenset(x.partition(":")[0] for x in rest.split("--"))
    return element
