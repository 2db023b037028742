"""Topology Zoo networks in GraphML [Knight et al., IEEE JSAC 2011]: labels, coordinates and, at times, link speeds."""

from pathlib import Path

import numpy as np

from twin.model import Node
from twin.provision import Topology

from .markup import Element, read_xml
from .names import distinct_names
from .source import Source, circuits_of

_BIT = 1e-6  # Mbit/s


def read_graphml(path: str | Path) -> Topology:
    """Read a topology. Every edge is a circuit; an edge from a node to itself carries nothing and is left out.

    `LinkSpeedRaw` (bit/s) gives the capacities when all edges have it. A node without coordinates is placed amid its
    neighbours. Raises `FormatError` naming the line and what was expected there.
    """
    source = Source(str(path))
    root = read_xml(source.path)
    graph = root.first("graph")
    if root.tag != "graphml" or graph is None:
        raise source.error(f"line {root.line}", "<graphml> with a <graph>")
    fields = {key.attributes.get("id", ""): key.attributes.get("attr.name", "") for key in root.all("key")}
    index: dict[str, int] = {}
    values = [_node(source, node, fields, index) for node in graph.all("node")]
    source.require_size(len(values), f"line {graph.line}")
    edges = [edge for edge in graph.all("edge") if edge.attributes.get("source") != edge.attributes.get("target")]
    ends = [_ends(source, edge, index) for edge in edges]
    places = _placed(source, [_place(source, value, f"line {line}") for value, line in values], ends)
    names = distinct_names([value.get("label", "") for value, _ in values])
    nodes = tuple(Node(name, x, y) for name, (x, y) in zip(names, places, strict=True))
    speeds = [_speed(source, edge, fields) for edge in edges]
    return Topology(Path(path).stem, nodes, circuits_of(nodes, ends, speeds, geographical=True))


def _values(element: Element, fields: dict[str, str]) -> dict[str, str]:
    """The <data> of an element by attribute name."""
    return {fields.get(data.attributes.get("key", ""), ""): data.text for data in element.all("data")}


def _node(source: Source, node: Element, fields: dict[str, str], index: dict[str, int]) -> tuple[dict[str, str], int]:
    name = node.attributes.get("id", "")
    if not name or name in index:
        raise source.error(f"line {node.line}", "a node id that is there and not used twice")
    index[name] = len(index)
    return _values(node, fields), node.line


def _place(source: Source, values: dict[str, str], where: str) -> tuple[float, float] | None:
    if "Longitude" not in values and "Latitude" not in values:
        return None
    longitude = source.number(values.get("Longitude"), where, "Longitude")
    return longitude, source.number(values.get("Latitude"), where, "Latitude")


def _ends(source: Source, edge: Element, index: dict[str, int]) -> tuple[int, int]:
    low, high = (source.known(edge.attributes.get(end, ""), index, f"line {edge.line}") for end in ("source", "target"))
    return low, high


def _speed(source: Source, edge: Element, fields: dict[str, str]) -> float | None:
    values, where = _values(edge, fields), f"line {edge.line}"
    if "LinkSpeedRaw" not in values:
        return None
    speed = source.number(values["LinkSpeedRaw"], where, "LinkSpeedRaw", least=0) * _BIT
    return speed if speed > 0 else None


def _placed(
    source: Source, places: list[tuple[float, float] | None], ends: list[tuple[int, int]]
) -> list[tuple[float, float]]:
    """Fill the gaps with the mean of the neighbours that are placed, from the placed ones outwards."""
    found = {i: place for i, place in enumerate(places) if place is not None}
    if not found:
        raise source.error("the whole file", "Longitude and Latitude of at least one node")
    neighbours: list[list[int]] = [[] for _ in places]
    for a, b in ends:
        neighbours[a].append(b)
        neighbours[b].append(a)
    centre = _mean(list(found.values()))
    fresh = found
    while fresh:
        edge = {j for i in fresh for j in neighbours[i] if j not in found}
        fresh = {i: _mean([found[j] for j in neighbours[i] if j in found]) for i in edge}
        found |= fresh
    return [found.get(i, centre) for i in range(len(places))]


def _mean(places: list[tuple[float, float]]) -> tuple[float, float]:
    x, y = np.mean(places, axis=0)
    return round(float(x), 5), round(float(y), 5)
