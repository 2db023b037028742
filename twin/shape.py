"""What states of a network have in common, worked out once: where names are, and the hash of all but the traffic.

A plan makes hundreds of states that differ in their tunnels or demands alone. `Network` hands the same two tuples on to
those, and by these their index is known again; those that differ in their demands alone have one `Shape`.
"""

import hashlib
import json
import threading
from collections import OrderedDict
from functools import cached_property
from typing import TYPE_CHECKING

from .numeric import np

if TYPE_CHECKING:
    from .model import Link, Network, Node, Tunnel

_KEPT = 16  # indexes of the latest nodes and links, with the tuples themselves, so that no other can take their place
_known: "OrderedDict[tuple[int, int], NetworkIndex]" = OrderedDict()
_turn = threading.Lock()
_OF_NAMES = ("node", "link", "interface", "circuits", "reverse", "exits")


class NetworkIndex:
    """Where names are in `nodes` and `links`. `is_sound` says that both have been found to be in order."""

    def __init__(self, nodes: "tuple[Node, ...]", links: "tuple[Link, ...]") -> None:
        self.nodes, self.links, self.is_sound = nodes, links, False
        self.unproven = links
        """Those of the links that no sound network is known to have."""

    def inherit(self, other: "NetworkIndex") -> bool:
        """Take over what a sound index says of the same nodes and links of the same names; whether it is one."""
        if not other.is_sound or other.nodes is not self.nodes or len(other.links) != len(self.links):
            return False
        changed = [(x, y) for x, y in zip(self.links, other.links, strict=True) if x is not y]
        if any((x.tail, x.head, x.index) != (y.tail, y.head, y.index) for x, y in changed):
            return False
        known = vars(other)
        vars(self).update((name, known[name]) for name in _OF_NAMES if name in known)
        self.unproven = tuple(x for x, _ in changed)
        return True

    @cached_property
    def node(self) -> dict[str, int]:
        """Position of each node name."""
        return {node.name: i for i, node in enumerate(self.nodes)}

    @cached_property
    def link(self) -> dict[str, int]:
        """Position of each directed link name."""
        return {link.name: i for i, link in enumerate(self.links)}

    @cached_property
    def interface(self) -> dict[str, int]:
        """Position of the link that leaves each interface."""
        return {link.interface: i for i, link in enumerate(self.links)}

    @cached_property
    def circuits(self) -> dict[str, tuple[int, ...]]:
        """Link positions of each circuit id, in the order of first appearance."""
        found: dict[str, list[int]] = {}
        for i, link in enumerate(self.links):
            found.setdefault(link.circuit, []).append(i)
        return {circuit: tuple(links) for circuit, links in found.items()}

    @cached_property
    def reverse(self) -> tuple[int, ...]:
        """Position of the other direction of each link, its own where the circuit has no other."""
        known = {(link.tail, link.head, link.index): i for i, link in enumerate(self.links)}
        return tuple(known.get((link.head, link.tail, link.index), i) for i, link in enumerate(self.links))

    @cached_property
    def exits(self) -> tuple[int, ...]:
        """Positions of the links that are exits."""
        groups = {node.name for node in self.nodes if node.kind == "exits"}
        return tuple(i for i, link in enumerate(self.links) if link.head in groups) if groups else ()


def index_of(nodes: "tuple[Node, ...]", links: "tuple[Link, ...]") -> NetworkIndex:
    """Return the index of these very nodes and links."""
    key = id(nodes), id(links)
    with _turn:
        found = _known.get(key)
        if found is None:
            found = NetworkIndex(nodes, links)
            any(found.inherit(x) for x in reversed(_known.values()))  # the first that there is
            _known[key] = found
        _known.move_to_end(key)
        if len(_known) > _KEPT:
            _known.popitem(last=False)
    return found


class Shape:
    """Stands for the networks that differ in their demands alone, where something is worked out once for all of them.

    It is of one process, and lives as long as one of them does.
    """

    def __init__(self) -> None:
        self._known = None

    def digest(self, network: "Network") -> str:
        """Content hash of a network of this shape, 16 hex digits; all but its demands is read once."""
        if self._known is None:
            self._known = hashlib.sha256(json.dumps(_content(network), separators=(",", ":")).encode())
        digest = self._known.copy()
        digest.update(np.ascontiguousarray(network.demands, dtype="<f8").tobytes())
        return digest.hexdigest()[:16]

    def __reduce__(self) -> tuple[type["Shape"], tuple[()]]:
        return Shape, ()


def _content(network: "Network") -> list[object]:
    """The state as JSON, with numbers of one type each: 0, 0.0 and -0.0 are the same state."""
    places = [(float(x.longitude) + 0.0, float(x.latitude) + 0.0) for x in network.nodes]
    nodes = [
        (x.name, *place, x.up, x.drained, *((x.kind,) if x.kind != "router" else ()), *_last_resort(x))
        for x, place in zip(network.nodes, places, strict=True)
    ]
    links = [
        x._replace(capacity=float(x.capacity), delay_ms=float(x.delay_ms) + 0.0, loss=float(x.loss) + 0.0)
        for x in network.links
    ]
    content: list[object] = [network.name, nodes, [_of_link(x) for x in links]]
    tunnels = [tunnel.model_dump(mode="json", exclude=_usual(tunnel)) for tunnel in network.tunnels]
    limits = [(x.source, x.target, float(x.limit) + 0.0) for x in network.limits]
    whole = [*content, tunnels, network.risk_groups, limits]
    whole = [*whole, network.astray] if network.astray else whole
    whole = [*whole, {"igp": network.igp}] if network.igp else whole
    whole = [*whole, {"repair": network.repair}] if network.repair != "ti-lfa" else whole
    return [*whole, {"classes": [network.classes, network.class_shares]}] if network.classes else whole


def _of_link(link: "Link") -> tuple[object, ...]:
    """What tells it from other links, as it has been written since there were no bundles."""
    if link.cost_out:
        return tuple(link)
    if (link.members, link.min_members, link.degraded_weight) != (1, 1, 0):
        return tuple(link)[:14]
    return tuple(link)[: 10 if link.adjacent else 11]


def _usual(tunnel: "Tunnel") -> set[str]:
    """Fields that are told where they are not what they always were."""
    return {name for name in ("path", "on_invalid") if getattr(tunnel, name) == type(tunnel).model_fields[name].default}


def _last_resort(node: "Node") -> tuple[str, ...]:
    return ("cost out",) if node.cost_out else ()
