"""Node names as people and files write them: ids and labels of the topology's own file, or names of the network."""

from collections.abc import Mapping
from dataclasses import dataclass

from twin.errors import TopologyError
from twin.model import Network
from twin.node_name import clean_name

from .source import Source

Names = Mapping[str, tuple[str, ...]]
"""Every id and label of a topology's file, and the nodes that bear it."""


@dataclass(frozen=True)
class NodeNames:
    """Looks up nodes of a network by all the names that are known for them."""

    index: Mapping[str, int]
    names: Names

    def position(self, source: Source, text: str, where: str) -> int:
        """Position of the node that a file calls so.

        Raises `FormatError` when none or more than one is: the first of two would be a guess.
        """
        nodes = self.names.get(text) or self.names.get(text.strip()) or self._cleaned(text)
        if len(nodes) > 1:
            raise source.error(where, f"one node, and {text!r} is the label of {', '.join(nodes)}: use its id")
        if not nodes:
            return source.known(text, self.index, where)
        (node,) = nodes
        return self.index[node]

    def find(self, text: str) -> int | None:
        """Position of the one node that is called so, None where none or more than one is."""
        nodes = self.names.get(text) or self.names.get(text.strip()) or self._cleaned(text)
        return self.index[nodes[0]] if len(nodes) == 1 else None

    def _cleaned(self, text: str) -> tuple[str, ...]:
        try:
            name = clean_name(text)
        except TopologyError:
            return ()
        return (name,) if name in self.index else ()


def known_as(network: Network, names: Names | None) -> NodeNames:
    """Return the look-up for a network; without numeric names, nodes are also known by their position from 0."""
    found: dict[str, tuple[str, ...]] = {name: (name,) for name in network.node_index}
    for known, nodes in (names or {}).items():
        found[known] = tuple(dict.fromkeys((*nodes, *found.get(known, ()))))
    if not any(name.isdigit() for name in found):
        found |= {str(i): (node.name,) for i, node in enumerate(network.nodes)}
    return NodeNames(network.node_index, found)
