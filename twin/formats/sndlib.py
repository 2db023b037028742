"""SNDlib networks in XML [Orlowski et al., Networks 2010]: nodes, links, and demands in units that the file keeps open.

Capacity modules are not read: they are design alternatives with prices, in units that differ from instance to instance.
"""

from pathlib import Path

import numpy as np

from twin.model import Floats, Node
from twin.provision import Topology

from .markup import Element, read_xml
from .names import distinct_names
from .source import Source, circuits_of


def read_sndlib(path: str | Path) -> Topology:
    """Read a network; a demand is its value times its routing unit, mirrored where only one direction is stated.

    Raises `FormatError` naming the line and what was expected there.
    """
    source = Source(str(path))
    root = read_xml(source.path)
    structure = _child(source, root, "networkStructure")
    listed = _child(source, structure, "nodes")
    geographical = listed.attributes.get("coordinatesType", "geographical") == "geographical"
    index: dict[str, int] = {}
    positions = [_position(source, node, index) for node in listed.all("node")]
    source.require_size(len(positions), f"line {listed.line}")
    nodes = tuple(Node(name, x, y) for name, (x, y) in zip(distinct_names(list(index)), positions, strict=True))
    ends = [_ends(source, link, index) for link in _child(source, structure, "links").all("link")]
    circuits = circuits_of(nodes, ends, [None] * len(ends), geographical=geographical)
    return Topology(Path(path).stem, nodes, circuits, _demands(source, root.first("demands"), index))


def _position(source: Source, node: Element, index: dict[str, int]) -> tuple[float, float]:
    where = f"line {node.line}"
    name = node.attributes.get("id", "")
    if not name or name in index:
        raise source.error(where, "a node id that is there and not used twice")
    index[name] = len(index)
    place = _child(source, node, "coordinates")
    x, y = (source.number(_child(source, place, axis).text, where, f"<{axis}>") for axis in "xy")
    return x, y


def _ends(source: Source, link: Element, index: dict[str, int]) -> tuple[int, int]:
    where = f"line {link.line}"
    low, high = (source.known(_child(source, link, end).text, index, where) for end in ("source", "target"))
    if low == high:
        raise source.error(where, "two different ends of a link")
    return low, high


def _demands(source: Source, listed: Element | None, index: dict[str, int]) -> Floats | None:
    demands = np.zeros((len(index), len(index)))
    for demand in () if listed is None else listed.all("demand"):
        where = f"line {demand.line}"
        s, t = (source.known(_child(source, demand, end).text, index, where) for end in ("source", "target"))
        volume = source.number(_child(source, demand, "demandValue").text, where, "<demandValue>", least=0)
        unit = demand.first("routingUnit")
        demands[s, t] += volume * (1.0 if unit is None else source.number(unit.text, where, "<routingUnit>", least=0))
    np.fill_diagonal(demands, 0.0)
    return np.where(demands > 0, demands, demands.T) if demands.any() else None


def _child(source: Source, parent: Element, tag: str) -> Element:
    child = parent.first(tag)
    if child is None:
        raise source.error(f"line {parent.line}", f"<{tag}> inside <{parent.tag}>")
    return child
