"""What routers call their interfaces, from a table beside the topology: columns `link` (`A->B`) and `interface`.

Or `node`, `neighbour`, `interface` and, between parallel circuits, `index`. Separated by commas, semicolons or tabs.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from twin.errors import FormatError
from twin.files import SMALL, read_text
from twin.untrusted import NAME, clean

from .build import Reading

_MOST = 16 * SMALL
_LINK = {"link", "linkname"}
_NODE = {"node", "router", "device", "hostname"}
_NEIGHBOUR = {"neighbour", "neighbor", "peer", "remote", "remotenode"}
_INTERFACE = {"interface", "ifname", "port", "name", "address"}


def read_interfaces(path: str | Path, reading: Reading) -> Mapping[str, str]:
    """Read the names by the directed link that leaves each interface.

    Raises `FormatError` on a table without these columns, on an element that the network does not have, and on two
    names for one interface.
    """
    text = read_text(path, most=_MOST)
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter, strict=True)
    found: dict[str, str] = {}
    try:
        for number, row in enumerate(_plain(rows), start=2):
            link, name = _link(path, number, row, reading), clean(_value(row, _INTERFACE) or "", NAME)
            if not name:
                continue
            if found.setdefault(link, name) != name:
                raise FormatError(str(path), f"line {number}", f"one name for {link}, not {found[link]} and {name}")
    except csv.Error as error:
        raise FormatError(str(path), "the whole file", f"a table; {error}") from error
    return found


def read_peers(paths: Sequence[Path], reading: Reading) -> Mapping[str, str]:
    """Read the addresses of the neighbours behind exits, by exit.

    Raises as `read_interfaces` does, and `FormatError` where one router has one neighbour at two exits: what it logs of
    that session would be told of one of them alone.
    """
    found, at = dict[str, str](), dict[tuple[str, str], str]()
    for path in paths:
        for link, address in read_interfaces(path, reading).items():
            router = reading.network.links[reading.network.link(link)].tail
            other = at.setdefault((router, address.lower()), link)
            if other != link:
                wanted = "one exit a session: a neighbour that announces several groups is a node, with an exit of each"
                raise FormatError(str(path), f"{address} at {other} and {link}", wanted)
            found[link] = address
    return found


def _plain(rows: "csv.DictReader[str]") -> Iterator[dict[str, str]]:
    for row in rows:
        yield {str(key).strip().lower().replace("_", ""): str(value or "").strip() for key, value in row.items()}


def _value(row: Mapping[str, str], names: set[str]) -> str | None:
    return next((row[name] for name in row if name in names), None)


def _link(path: str | Path, number: int, row: Mapping[str, str], reading: Reading) -> str:
    network = reading.network
    if _value(row, _INTERFACE) is None:
        raise FormatError(str(path), "the header", "columns link and interface, or node, neighbour and interface")
    link = _value(row, _LINK)
    if link is None:
        ends = [_value(row, names) for names in (_NODE, _NEIGHBOUR)]
        if None in ends:
            raise FormatError(str(path), "the header", "columns link and interface, or node, neighbour and interface")
        tail, head = (_node(path, number, str(end), reading) for end in ends)
        index = row.get("index", "")
        link = f"{tail}->{head}" + (f".{index}" if index not in ("", "1") else "")
    if link not in network.link_index:
        raise FormatError(str(path), f"line {number}", f"a link of {network.name}, such as A->B, not {link[:80]!r}")
    return link


def _node(path: str | Path, number: int, text: str, reading: Reading) -> str:
    if text in reading.network.node_index:
        return text
    named = reading.names.get(text, ())
    if len(named) != 1:
        raise FormatError(str(path), f"line {number}", f"a node of {reading.network.name}, not {text[:80]!r}")
    return named[0]
