"""A network compiled to flat arrays, which is all that the kernels see.

Arcs are the directed links sorted by tail, so that the arcs leaving a node lie side by side; `link_of` maps back.
"""

import weakref
from collections import deque
from collections.abc import Iterable
from itertools import accumulate, pairwise
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from twin.model import Astray, Bools, Floats, Ints, Link, Network, Node, Tunnel
from twin.shape import NetworkIndex, Shape

FAR = 1 << 60
"""Weight of an arc that routing may not use, and distance of a node that has no path."""
EXIT = 1 << 40
"""One step of preference among exits: more than any distance within a network, so that preference comes first.

A node at a whole multiple of it from a target is the target, or leaves by an exit of its own.
"""

Ids = NDArray[np.int32]
Flags = Bools


class TunnelArrays(NamedTuple):
    """Tunnels flattened: tunnel -> its segment lists -> their legs. T tunnels, P lists, G legs.

    A leg from a node to itself is left out. `healthy` is false for lists with an intermediate node that is down, and
    for computed ones with one that is drained. Lists that `holds` are labels, healthy whatever becomes of their nodes.
    """

    source: Ids  # [T]
    target: Ids  # [T]
    first_list: Ids  # [T + 1]
    share: Floats  # [P]
    healthy: Flags  # [P]
    holds: Flags  # [P]
    first_leg: Ids  # [P + 1]
    leg_from: Ids  # [G]
    leg_to: Ids  # [G]


class Stray(NamedTuple):
    """What a router does otherwise than the IGP says; positions of nodes and arcs, -1 where not."""

    target: int  # traffic for this node; -1 is all
    node: int = -1  # it sends by `via`, nowhere where that is -1
    via: int = -1
    barred: int = -1  # arc by which nothing may leave
    left_out: int = -1  # arc that is left out of groups of equal paths
    claims: int = (
        -1
    )  # node, or the tail of arc `via`, that says falsely to lead to the target: all that it attracts is lost
    reflects: int = -1  # node through which alone the others hear of exits


class Arrays(NamedTuple):
    """A compiled network. n nodes, m arcs; matrices are by target first: `[t, s]`."""

    first_out: Ids  # [n + 1] arcs leaving node u are first_out[u] .. first_out[u + 1]
    head: Ids  # [m]
    tail: Ids  # [m]
    first_in: Ids  # [n + 1] positions in arc_in of the arcs entering a node
    arc_in: Ids  # [m]
    weight: Ints  # [m] IGP weight, of an exit EXIT times its preference; FAR on an arc that is down, drained, asleep,
    # or ends at a node that is down
    capacity: Floats  # [m] Mbit/s
    delay: Floats  # [m] ms
    keep: Floats  # [m] share of the traffic that the link delivers, 1 - loss
    no_transit: Flags  # [n] drained: may start and end traffic, not pass it on; groups of exits have nowhere to
    up: Flags  # [n]
    offered: Floats  # [n, n] Mbit/s between nodes that are up
    severed: float  # Mbit/s from or to nodes that are down
    tunnels: TunnelArrays
    link_of: Ids  # [m] position in Network.links of each arc
    arc_of: Ids  # [m] arc of each link
    back: Ids  # [m] arc of the other direction of each arc, its own where there is none
    astray: tuple[Stray, ...] = ()
    refused: float = 0.0  # Mbit/s that routers drop where they enter

    def ordinary(self) -> "Arrays":
        """Return these arrays without what leads traffic astray, for kernels that compile once for all networks.

        How many entries a tuple has is part of its type, and each type is compiled anew.
        """
        return self._replace(astray=()) if self.astray else self


_compiled: dict[int, Arrays] = {}
_shapes: "weakref.WeakKeyDictionary[Shape, Arrays]" = weakref.WeakKeyDictionary()
_Tuple = TypeVar("_Tuple", bound=tuple[Any, ...])


def compile_network(network: Network) -> Arrays:
    """Return the network's arrays; compiled once for as long as it lives, all but its demands once for its shape."""
    known = _compiled.get(id(network))
    if known is None:
        empty = _shapes.get(network.shape)
        if empty is None:
            empty = _shapes[network.shape] = _with_tunnels_of(network)
        known = _compiled[id(network)] = _laden(empty, network)
        weakref.finalize(network, _compiled.pop, id(network), None)
    return known


class _Bare(NamedTuple):
    """Arrays without demands, and the parts of a network that all of them but its tunnels come from."""

    found: NetworkIndex
    rest: tuple[object, ...]
    arrays: Arrays


class _Offered(NamedTuple):
    """What of some demands the nodes that are up offer, as in `Arrays`."""

    demands: Floats
    rest: tuple[object, ...]
    fields: dict[str, Any]


_bare: deque[_Bare] = deque(maxlen=4)
_offered: deque[_Offered] = deque(maxlen=4)


def _with_tunnels_of(network: Network) -> Arrays:
    """Compile a network without demands; of one that differs in tunnels alone from one seen just now, only these."""
    rest = network.astray, network.igp
    for bare in tuple(_bare):
        if bare.found is network.index and bare.rest == rest:
            return bare.arrays._replace(tunnels=flatten_tunnels(network.tunnels, network))
    arrays = _compile(network)
    _bare.append(_Bare(network.index, rest, arrays))
    return arrays


def _laden(arrays: Arrays, network: Network) -> Arrays:
    """Return the arrays with the demands of a network of this shape; those of the very same demands are shared."""
    rest = network.limits, network.astray, tuple(network.node_index), arrays.up.tobytes()
    for known in tuple(_offered):
        if known.demands is network.demands and known.rest == rest:
            return arrays._replace(**known.fields)
    ends = np.outer(arrays.up, arrays.up)
    carried = network.offered * ends
    refused = [(network.node(x.at), network.node(x.target)) for x in network.astray if x.does == "refuse"]
    lost_at_entry = float(
        sum(carried[pair] for pair in refused)
    )  # never the integer 0: kernels would be compiled twice
    for pair in refused:
        carried[pair] = 0.0
    severed = float(network.offered[~ends].sum())
    fields = {"offered": np.ascontiguousarray(carried.T), "severed": severed, "refused": lost_at_entry}
    _offered.append(_Offered(network.demands, rest, fields))
    return arrays._replace(**fields)


def _compile(network: Network) -> Arrays:
    """Return the arrays without demands: nothing is offered."""
    n, links = len(network.nodes), network.links
    index = network.node_index
    link_tail = np.array([index[link.tail] for link in links], dtype=np.int32)
    link_of = np.argsort(link_tail, kind="stable").astype(np.int32)
    arcs: list[Link] = [links[int(i)] for i in link_of]
    tail = link_tail[link_of]
    head = np.array([index[link.head] for link in arcs], dtype=np.int32)
    up = np.array([node.up for node in network.nodes], dtype=np.bool_)
    trusted = {x.at for x in network.astray if x.does == "trust"}
    heard = ((links[i].is_heard or x.name in trusted) for i, x in zip(network.reverse, links, strict=True))
    both = np.fromiter(heard, dtype=np.bool_, count=len(links))
    usable = np.array([link.usable for link in arcs], dtype=np.bool_) & both[link_of] & up[tail] & up[head]
    arc_of = np.argsort(link_of).astype(np.int32)
    metric = network.metrics[link_of]
    metric[arc_of[list(network.exits)]] *= EXIT
    return Arrays(
        first_out=offsets(tail, n),
        head=head,
        tail=tail,
        first_in=offsets(head, n),
        arc_in=np.argsort(head, kind="stable").astype(np.int32),
        weight=np.where(usable, metric, FAR),
        capacity=np.array([link.capacity for link in arcs], dtype=np.float64),
        delay=np.array([link.delay_ms for link in arcs], dtype=np.float64),
        keep=_kept(network)[link_of],
        no_transit=np.array([_is_closed(network, node) for node in network.nodes], dtype=np.bool_),
        up=up,
        offered=np.zeros((0, 0)),
        severed=0.0,
        tunnels=flatten_tunnels(network.tunnels, network),
        link_of=link_of,
        arc_of=arc_of,
        back=arc_of[np.array(network.reverse, dtype=np.int64)[link_of]].astype(np.int32),
        astray=tuple(_stray(network, x, arc_of) for x in network.astray if _is_there(network, x)),
    )


def read_only(parts: _Tuple) -> _Tuple:
    """Return a named tuple with views of its arrays that cannot be written through; nothing is copied.

    Kernels compiled for such arrays take memory that several processes share. Named tuples inside go the same way.
    """
    views = [_read_only(x) for x in parts]
    return tuple.__new__(type(parts), views)  # pyright: ignore[reportUnknownMemberType] - of anything


def _read_only(part: Any) -> Any:  # noqa: ANN401 - arrays, named tuples and numbers
    if isinstance(part, np.ndarray):
        array = cast("NDArray[Any]", part)
        if not array.flags.writeable:
            return array
        view = array.view()
        view.setflags(write=False)
        return view
    return read_only(part) if isinstance(part, tuple) else part  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - a tuple of anything


def _is_closed(network: Network, node: Node) -> bool:
    """Whether a node passes no traffic on: drained otherwise than as a last resort, or no router at all."""
    return (node.drained and not network.is_stub(node)) or node.kind == "exits"


def leaked(network: Network) -> Floats:
    """Share of what each link delivers that the router behind it drops [m]."""
    kept = np.ones(len(network.links))
    for entry in network.astray:
        if entry.does == "leak":
            kept[network.link(entry.at)] *= 1 - entry.share
    return 1 - kept


def _kept(network: Network) -> Floats:
    loss = np.array([link.loss for link in network.links], dtype=np.float64)
    return (1 - loss) * (1 - leaked(network)) if network.astray else 1 - loss


def _is_there(network: Network, entry: Astray) -> bool:
    """Whether it changes where traffic goes: a static route counts while its interface has light."""
    if entry.does == "send":
        link = network.links[network.link(entry.at)]
        return link.up and not link.asleep
    if entry.does == "claim" and entry.at in network.link_index:
        return network.links[network.link(entry.at)].usable
    return entry.does in ("drop", "bar", "leave out", "claim", "reflect")


def _stray(network: Network, entry: Astray, arc_of: Ids) -> Stray:
    target = network.node(entry.target) if entry.target else -1
    if entry.does == "reflect":
        return Stray(target, reflects=network.node(entry.at))
    if entry.does == "drop":
        return Stray(target, node=network.node(entry.at))
    if entry.does == "claim" and entry.at in network.node_index:
        return Stray(target, claims=network.node(entry.at))
    arc = int(arc_of[network.link(entry.at)])
    match entry.does:
        case "claim":
            return Stray(target, claims=network.node(network.links[network.link(entry.at)].tail), via=arc)
        case "send":
            return Stray(target, node=network.node(network.links[network.link(entry.at)].tail), via=arc)
        case "bar":
            return Stray(target, barred=arc)
        case _:
            return Stray(target, left_out=arc)


def _ids(values: Iterable[int]) -> Ids:
    return np.fromiter(values, dtype=np.int32)


def offsets(ends: Ids, n: int) -> Ids:
    """Return where the items of each of n groups start, once sorted by group [n + 1]."""
    counts = np.bincount(ends, minlength=n) if len(ends) else np.zeros(n, dtype=np.int64)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)


def flatten_tunnels(tunnels: tuple[Tunnel, ...], network: Network) -> TunnelArrays:
    """Return tunnels of a network as arrays. Raises `UnknownElementError` on a node that it does not have."""
    paths = [(tunnel, path) for tunnel in tunnels for path in tunnel.paths]
    stops = [[network.node(x) for x in (tunnel.source, *path.via, tunnel.target)] for tunnel, path in paths]
    legs = [[(a, b) for a, b in pairwise(x) if a != b] for x in stops]
    flat = [leg for path_legs in legs for leg in path_legs]
    nodes = network.nodes
    return TunnelArrays(
        source=_ids(network.node(tunnel.source) for tunnel in tunnels),
        target=_ids(network.node(tunnel.target) for tunnel in tunnels),
        first_list=_ids(accumulate((len(tunnel.paths) for tunnel in tunnels), initial=0)),
        share=np.array([path.share for _, path in paths], dtype=np.float64),
        healthy=np.array(
            [
                tunnel.holds
                or all(nodes[i].up and (tunnel.path == "explicit" or not nodes[i].drained) for i in x[1:-1])
                for x, (tunnel, _) in zip(stops, paths, strict=True)
            ],
            dtype=np.bool_,
        ),
        holds=np.array([tunnel.holds for tunnel, _ in paths], dtype=np.bool_),
        first_leg=_ids(accumulate((len(path_legs) for path_legs in legs), initial=0)),
        leg_from=_ids(a for a, _ in flat),
        leg_to=_ids(b for _, b in flat),
    )
