"""Which link leaves an interface: by the link's own name, by a table that somebody gives, or by the neighbour it names.

What leads to no link of the network is no error: customers, loopbacks and ports that are not used are interfaces too.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from twin.formats.node_names import Names, known_as
from twin.formats.source import Source
from twin.model import Network

_WORD = re.compile(r"[\w.&+-]+")
_DOMAIN = re.compile(r"(?:\.[A-Za-z][\w-]*)+$")
_PORT = re.compile(r"(?<=[\w\]]):\d{1,5}$")

Ports = Mapping[tuple[int, str], int]
"""The link that leaves each interface, by the node's position and the interface's name in lower case."""


class Interfaces:
    """Looks up nodes and links of a network by what measurements call them."""

    def __init__(self, network: Network, names: Names | None = None, ports: Ports | None = None) -> None:
        self.network = network
        self._ports = dict(ports or {})
        known = known_as(network, names)
        self._nodes = {text: network.node_index[of[0]] for text, of in known.names.items() if len(of) == 1}
        folded = Counter(text.lower() for text in self._nodes)
        self._folded = {text.lower(): i for text, i in self._nodes.items() if folded[text.lower()] == 1}
        self._between: dict[tuple[int, int], list[int]] = {}
        for i, link in enumerate(network.links):
            pair = network.node_index[link.tail], network.node_index[link.head]
            self._between.setdefault(pair, []).append(i)
        self._heads: dict[int, list[int]] = {}
        for tail, head in self._between:
            self._heads.setdefault(tail, []).append(head)
        self.reverse: tuple[int, ...] = tuple(network.link_index.get(_back(link.name), -1) for link in network.links)

    def node(self, text: str) -> int:
        """Position of a node by its name, whatever its case, domain or port number; -1 where there is no such one."""
        plain = text.strip().removeprefix("node/")
        for name in (plain, _PORT.sub("", plain)):
            for form in (name, _DOMAIN.sub("", name), name.partition(".")[0]):
                found = self._nodes.get(form, self._folded.get(form.lower(), -1))
                if found >= 0:
                    return found
        return -1

    def link_named(self, text: str) -> int:
        """Position of a link by `A->B`, `A->B.2` or `interface/A/B`; -1 where there is no such one."""
        plain = text.strip()
        found = self.network.link_index.get(plain, self.network.interface_index.get(plain, -1))
        if found >= 0 or "->" not in plain:
            return found
        tail, _, head = (x.strip() for x in plain.partition("->"))
        pair = self._between.get((self.node(tail), self.node(head)), [])
        return pair[0] if len(pair) == 1 else -1

    def to(self, node: int, neighbour: str) -> int:
        """The link from a node to a neighbour by name; -1 where there is none, or more than one."""
        pair = self._between.get((node, self.node(neighbour)), [])
        return pair[0] if len(pair) == 1 else -1

    def leaving(self, node: int, texts: Iterable[str]) -> int:
        """The link that leaves an interface of a node, by its names and its description; -1 where it leads to none.

        A name counts if somebody gave it, if it is the twin's own, or if it names one neighbour with one link to it.
        """
        given = [text for text in texts if text]
        for text in given:
            found = self._ports.get((node, text.lower()), -1)
            if found < 0:
                found = self.network.interface_index.get(
                    f"{self.network.nodes[node].id.replace('node', 'interface', 1)}/{text}", -1
                )
            if found >= 0:
                return found
        for text in given:
            if (found := self._by_description(node, text)) >= 0:
                return found
        return -1

    def _by_description(self, node: int, text: str) -> int:
        named = {self.node(word) for word in (text, *_WORD.findall(text)) if not word.isdigit()}
        ends = [head for head in self._heads.get(node, ()) if head in named]
        pair = self._between[node, ends[0]] if len(ends) == 1 else []
        return pair[0] if len(pair) == 1 else -1


class PortTable(NamedTuple):
    """Which link leaves each interface, as a table says, and how many of its rows lead to no link of the network."""

    ports: Ports
    elsewhere: int


def read_ports(path: str, network: Network, names: Names | None = None) -> PortTable:
    """Read a table `node, interface` with `link` (`A->B.2`) or `neighbour`.

    Raises `FormatError` on a node that is not known, and where a neighbour alone leaves open which of several parallel
    links it is.
    """
    from .columns import read_columns
    from .sheet import Sheet

    source, found = Source(path), Interfaces(network, names)
    with Sheet(source) as sheet:
        columns = read_columns(source, sheet.header, {}, {})
        by = "link" if "link" in columns else "neighbour"
        if "node" not in columns or not {"interface", "index"} & set(columns.known) or by not in columns:
            raise source.error("the header", "the columns node, interface, and link or neighbour")
        nodes, leads = sheet.texts(columns.name("node")), sheet.texts(columns.name(by))
        keys = [sheet.texts(columns.name(x)) for x in ("interface", "index") if x in columns]
    ports: dict[tuple[int, str], int] = {}
    elsewhere = 0
    for row, (name, lead) in enumerate(zip(nodes, leads, strict=True)):
        node = _node(source, found, name, row + 1)
        link = _led(source, found, node, (by, lead or ""), row + 1)
        elsewhere += link < 0
        ports |= {(node, text.lower()): link for key in keys if (text := key[row]) and link >= 0}
    return PortTable(ports, elsewhere)


def _node(source: Source, found: Interfaces, name: str | None, row: int) -> int:
    node = found.node(name or "")
    return node if node >= 0 else source.known(name or "", found.network.node_index, f"row {row}")


def _led(source: Source, found: Interfaces, node: int, lead: tuple[str, str], row: int) -> int:
    by, text = lead
    if by == "link":
        return found.link_named(text)
    link, other = found.to(node, text), found.node(text)
    if link < 0 and other >= 0:
        names = [x.name for x in found.network.links if _ends(found, x.name) == (node, other)]
        if len(names) > 1:
            raise source.error(f"row {row}", f"a column link, as {text!r} may be any of {', '.join(names[:4])}")
    return link


def _ends(found: Interfaces, name: str) -> tuple[int, int]:
    link = found.network.links[found.network.link_index[name]]
    return found.network.node_index[link.tail], found.network.node_index[link.head]


def _back(name: str) -> str:
    tail, _, head = name.partition("->")
    match = re.fullmatch(r"(.+)\.(\d+)", head)
    return f"{head}->{tail}" if match is None else f"{match[1]}->{tail}.{match[2]}"


def most_common(texts: Sequence[str], most: int = 3) -> str:
    """The first few of some names, in words."""
    distinct = list(dict.fromkeys(texts))
    more = f" and {len(distinct) - most} more" if len(distinct) > most else ""
    return ", ".join(distinct[:most]) + more
