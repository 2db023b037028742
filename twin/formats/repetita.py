"""REPETITA instances [Gay et al., arXiv 1710.08665]: `.graph` with directed links, `.demands` with one traffic matrix.

Bandwidths are in kbit/s. The delay column is not physical, so delays follow from the coordinates at 5 us/km.
"""

from pathlib import Path

import numpy as np

from twin.model import Floats, Link, Network, Node
from twin.provision import MS_PER_KM, distance_km

from .names import distinct_names
from .source import MAX_WEIGHT, Source, numbered
from .text import read_text, write_text

_KBIT = 1e-3  # Mbit/s
_LIMIT = 200_000

Line = tuple[int, list[str]]


def read_repetita(path: str | Path, demands: str | Path | None = None) -> Network:
    """Read a network, parallel links kept apart; without a demands file it carries no traffic.

    An edge from a node to itself, which some networks have, carries nothing and is left out.
    Raises `FormatError` naming the line and what was expected there.
    """
    source = Source(str(path))
    sections = _sections(source, read_text(path), {"NODES": 3, "EDGES": 6})
    source.require_size(len(sections["NODES"]), "NODES")
    names = distinct_names([fields[0] for _, fields in sections["NODES"]])
    nodes = tuple(
        Node(name, source.number(x, f"line {at}", "x"), source.number(y, f"line {at}", "y"))
        for name, (at, (_, x, y)) in zip(names, sections["NODES"], strict=True)
    )
    links = [_link(source, line, nodes) for line in sections["EDGES"] if line[1][1] != line[1][2]]
    indices = numbered([(link.tail, link.head) for link in links])
    matrix = np.zeros((len(nodes), len(nodes))) if demands is None else read_repetita_demands(demands, len(nodes))
    numbered_links = tuple(link._replace(index=index) for link, index in zip(links, indices, strict=True))
    return Network(Path(path).stem, nodes, numbered_links, matrix)


def read_repetita_demands(path: str | Path, nodes: int) -> Floats:
    """Read a traffic matrix, Mbit/s [n, n]: demands of one pair add up, those of a node to itself are left out."""
    source = Source(str(path))
    demands = np.zeros((nodes, nodes))
    for line, (_, s, t, kbps) in _sections(source, read_text(path), {"DEMANDS": 4})["DEMANDS"]:
        where = f"line {line}"
        ends = [source.whole(end, where, "a node number", most=nodes - 1) for end in (s, t)]
        demands[ends[0], ends[1]] += source.number(kbps, where, "bw", least=0) * _KBIT
    np.fill_diagonal(demands, 0.0)
    return demands


def write_repetita(network: Network, path: str | Path, demands: str | Path) -> None:
    """Write what the format holds: usable links with weight and capacity, and the offered traffic, in whole kbit/s."""
    index = network.node_index
    links = [link for link in network.links if link.usable]
    lines = [f"NODES {len(network.nodes)}", "label x y"]
    lines += [f"{node.name} {node.longitude!r} {node.latitude!r}" for node in network.nodes]
    lines += ["", f"EDGES {len(links)}", "label src dest weight bw delay"]
    lines += [
        f"edge_{i} {index[x.tail]} {index[x.head]} {x.weight} {round(x.capacity / _KBIT)} {round(x.delay_ms * 1000)}"
        for i, x in enumerate(links)
    ]
    write_text(path, "\n".join(lines) + "\n")
    pairs = np.argwhere(network.offered > 0)
    rows = [f"demand_{i} {s} {t} {round(float(network.offered[s, t]) / _KBIT)}" for i, (s, t) in enumerate(pairs)]
    write_text(demands, "\n".join([f"DEMANDS {len(rows)}", "label src dest bw", *rows]) + "\n")


def _link(source: Source, line: Line, nodes: tuple[Node, ...]) -> Link:
    at, (_, src, dest, weight, kbps, _delay) = line
    where = f"line {at}"
    tail, head = (nodes[source.whole(end, where, "a node number", most=len(nodes) - 1)] for end in (src, dest))
    capacity = source.number(kbps, where, "bw", least=1) * _KBIT
    igp = source.whole(weight, where, "weight", least=1, most=MAX_WEIGHT)
    return Link(tail.name, head.name, capacity, igp, round(distance_km(tail, head) * MS_PER_KM, 6))


def _sections(source: Source, text: str, wanted: dict[str, int]) -> dict[str, list[Line]]:
    """Rows of each section, numbered by their line, each of so many fields."""
    lines = [(number, line.split()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    found: dict[str, list[Line]] = {}
    for title, width in wanted.items():
        at, header = lines.pop(0) if lines else (text.count("\n") + 1, [""])
        if header[0] != title or len(header) != 2:
            raise source.error(f"line {at}", f"{title} and their number")
        count = source.whole(header[1], f"line {at}", f"the number of {title.lower()}", most=_LIMIT)
        rows, lines = lines[1 : count + 1], lines[count + 1 :]
        wrong = next((row for row in rows if len(row[1]) != width), None)
        if wrong is not None:
            raise source.error(f"line {wrong[0]}", f"{width} fields of one of {count} {title.lower()}")
        if len(rows) < count:
            raise source.error(f"line {at}", f"{count} {title.lower()}; the file has {len(rows)}")
        found[title] = rows
    if lines:
        raise source.error(f"line {lines[0][0]}", "the end of the file")
    return found
