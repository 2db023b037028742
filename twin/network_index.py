"""What is found by name among nodes and links: worked out once for all states of a network that share them.

A plan makes hundreds of states that differ in their tunnels or demands alone. `Network` hands the same two tuples on to
them, and by these their index is known again.
"""

import threading
from collections import OrderedDict
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .model import Link, Node

_KEPT = 16  # indexes of the latest nodes and links, with the tuples themselves, so that no other can take their place
_known: "OrderedDict[tuple[int, int], NetworkIndex]" = OrderedDict()
_turn = threading.Lock()


class NetworkIndex:
    """Where names are in `nodes` and `links`. `is_sound` says that both have been found to be in order."""

    def __init__(self, nodes: "tuple[Node, ...]", links: "tuple[Link, ...]") -> None:
        self.nodes, self.links, self.is_sound = nodes, links, False

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
            found = _known[key] = NetworkIndex(nodes, links)
        _known.move_to_end(key)
        if len(_known) > _KEPT:
            _known.popitem(last=False)
    return found
