"""Which node an address is behind: the longest prefix of a table that holds it, IPv4 and IPv6."""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from twin.formats.node_names import Names, known_as
from twin.formats.source import Source
from twin.model import Ints, Network

_NETWORK = ("prefix", "network", "subnet", "cidr", "net", "range", "route")
_NODE = ("node", "router", "site", "pop", "device", "name", "egress", "location")


class Prefixes(NamedTuple):
    """Nodes by prefix: for each family and length from the longest, the node of each network number."""

    tables: tuple[tuple[int, int, dict[int, int]], ...]

    def node(self, address: str) -> int:
        """Position of the node that an address is behind, -1 when no prefix holds it. Raises `ValueError`."""
        ip = ipaddress.ip_address(address)
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        bits, value = ip.max_prefixlen, int(ip)
        for version, length, nodes in self.tables:
            if version == ip.version:
                found = nodes.get(value >> (bits - length), -1)
                if found >= 0:
                    return found
        return -1

    def nodes(self, addresses: Sequence[str]) -> Ints:
        """Positions of the nodes of many addresses, as `node`; -1 also where a text is no address."""
        found: list[int] = []
        for address in addresses:
            try:
                found.append(self.node(address))
            except ValueError:
                found.append(-1)
        return np.array(found, dtype=np.int64)


def read_prefixes(path: str, network: Network, names: Names | None = None) -> Prefixes:
    """Read a table `prefix, node`; addresses without a length are hosts, host bits are cut off.

    A node may be a group of exits, and a prefix may stand at several routers, which are the exits of one of the
    network's groups. Raises `FormatError` on a prefix that is none, a node that the network does not have, and a prefix
    at routers that are no such group.
    """
    from twin.formats.vocabulary import plain

    from .sheet import Sheet

    source, known = Source(path), known_as(network, names)
    with Sheet(source) as sheet:
        words = {plain(column): column for column in sheet.header}
        of = [next((words[name] for name in options if name in words), None) for options in (_NETWORK, _NODE)]
        if of[0] is None or of[1] is None:
            raise source.error("the header", "the columns prefix and node")
        rows = list(zip(sheet.texts(of[0]), sheet.texts(of[1]), strict=True))
    tables: dict[tuple[int, int], dict[int, dict[int, str]]] = {}
    for row, (text, name) in enumerate(rows, start=1):
        try:
            net = ipaddress.ip_network(text or "", strict=False)
        except ValueError as error:
            raise source.error(f"row {row}", f"a prefix such as 192.0.2.0/24, not {(text or '')[:40]!r}") from error
        node = known.position(source, name or "", f"row {row}")
        number = int(net.network_address) >> (net.max_prefixlen - net.prefixlen)
        tables.setdefault((net.version, net.prefixlen), {}).setdefault(number, {}).setdefault(node, f"row {row}")
    ordered = sorted(tables.items(), key=lambda item: -item[0][1])
    return Prefixes(
        tuple(
            (version, length, {number: _behind(source, network, nodes) for number, nodes in found.items()})
            for (version, length), found in ordered
        )
    )


def _behind(source: Source, network: Network, nodes: Mapping[int, str]) -> int:
    """The node of a prefix, or the group whose exits the nodes are that it stands at."""
    if len(nodes) == 1:
        return next(iter(nodes))
    at = {network.nodes[i].name: where for i, where in nodes.items()}
    has: dict[str, set[str]] = {}
    for i in network.exits:
        has.setdefault(network.links[i].head, set()).add(network.links[i].tail)
    group = next((name for name, own in has.items() if own == set(at)), None)
    if group is None:
        wanted = f"one node for the prefix, or the exits of a group of the network, not {' and '.join(sorted(at))}"
        raise source.error(list(at.values())[-1], wanted)
    return network.node_index[group]
