"""GraphML [Brandes et al., 2002]: Topology Zoo [Knight et al., IEEE JSAC 2011], networkx, igraph and yEd write it.

Read are the defaults of keys, directions of single edges, groups (their members, not the frame), hyperedges (a shared
segment), and the labels that yEd draws.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pydantic import JsonValue

from .account import FieldUse
from .build import Choices
from .content import Content
from .drawn import fields_of_labels
from .markup import Element, parse_xml
from .records import LinkRecord, NodeRecord, Records
from .source import Source
from .vocabulary import decides_routing
from .zoo import with_speeds


class _Key(NamedTuple):
    """What a <key> declares: for which elements, under which name, and the value of those that state none."""

    domain: str
    name: str
    default: str | None


_Keys = Mapping[str, _Key]


def read_graphml(content: Content, _choices: Choices) -> Records:
    """Read a topology. Raises `FormatError` naming the line and what was expected there."""
    source = content.source
    root = parse_xml(source.path, content.data)
    graph = root.first("graph")
    if root.tag != "graphml" or graph is None:
        raise source.error(f"line {root.line}", "<graphml> with a <graph>")
    keys = {key.attributes.get("id", ""): _key(key) for key in root.all("key")}
    directed: bool | None = graph.attributes.get("edgedefault", "undirected") == "directed"
    if directed and any("yfiles" in name for key in root.all("key") for name in key.attributes):
        directed = None  # yEd writes so on every drawing, whichever way its lines are meant
    listed = list(_nested(graph))
    nodes, links = list(_nodes(source, listed, keys)), list(_edges(listed, keys))
    segments, joins = _hyperedges(source, listed)
    frames = sum(1 for element in listed if element.tag == "node" and element.first("graph") is not None)
    noted = [*_about(graph, keys)]
    if frames:
        noted.append(
            FieldUse(field="groups", became="used", count=frames, note="their members are read, not the frames")
        )
    records = Records(
        source,
        "GraphML",
        content.stem,
        nodes=[*nodes, *segments],
        links=[*links, *joins],
        directed=directed,
        relative=True,
        units={"capacity": "bps"},
        noted=tuple(noted),
    )
    return with_speeds(records)


def _key(element: Element) -> _Key:
    default = element.first("default")
    name = element.attributes.get("attr.name", "")
    text = default.text if default is not None and default.text else None
    return _Key(element.attributes.get("for", "all"), name, text)


def _about(graph: Element, keys: _Keys) -> Iterator[FieldUse]:
    """What is stated of the graph as a whole: what decides routing by itself, the rest in one line."""
    names = [key.name for data in graph.all("data") if data.text and (key := keys.get(data.attributes.get("key", "")))]
    for name in names:
        if decides_routing(name):
            note = "not read, and loads may run elsewhere for it"
            yield FieldUse(field=f"graph {name}", became="not modelled", count=1, note=note, decides_routing=True)
    rest = [name for name in names if name and not decides_routing(name)]
    if rest:
        note = f"about the file as a whole, not read: {', '.join(rest[:6])}{', …' if len(rest) > 6 else ''}"
        yield FieldUse(field="graph fields", became="not modelled", count=len(rest), note=note)


def _nested(graph: Element) -> Iterator[Element]:
    """Nodes, edges and hyperedges of a graph and of the groups inside it."""
    for child in graph.children:
        if child.tag in ("node", "edge", "hyperedge"):
            yield child
            inner = child.first("graph")
            if inner is not None:
                yield from _nested(inner)


def _fields(element: Element, keys: _Keys, domain: str) -> dict[str, JsonValue]:
    """Defaults of the keys, then the <data> of the element, by attribute name."""
    values: dict[str, JsonValue] = {
        key.name: key.default for key in keys.values() if key.default is not None and key.domain in (domain, "all")
    }
    for data in element.all("data"):
        key = keys.get(data.attributes.get("key", ""))
        if key is not None and key.name:
            values[key.name] = data.text
        elif labels := list(_drawn_labels(data)):
            drawn = fields_of_labels(labels) if domain == "edge" else {"label": labels[0]}
            values = {**drawn, **values}
    return values


def _drawn_labels(data: Element) -> Iterator[str]:
    """The labels that an editor draws inside a <data>, yEd's <y:NodeLabel> and <y:EdgeLabel>."""
    for child in data.children:
        if child.tag in ("NodeLabel", "EdgeLabel"):
            if child.text:
                yield child.text
        else:
            yield from _drawn_labels(child)


def _nodes(source: Source, listed: list[Element], keys: _Keys) -> Iterator[NodeRecord]:
    for element in listed:
        if element.tag == "node" and element.first("graph") is None:
            name = element.attributes.get("id", "")
            if not name:
                raise source.error(f"line {element.line}", "a node id that is there and not used twice")
            yield NodeRecord(name, f"line {element.line}", _fields(element, keys, "node"))


def _edges(listed: list[Element], keys: _Keys) -> Iterator[LinkRecord]:
    for element in listed:
        if element.tag == "edge":
            low, high = (element.attributes.get(end, "") for end in ("source", "target"))
            said = element.attributes.get("directed")
            directed = None if said is None else said == "true"
            yield LinkRecord(low, high, f"line {element.line}", _fields(element, keys, "edge"), directed)


def _hyperedges(source: Source, listed: list[Element]) -> tuple[list[NodeRecord], list[LinkRecord]]:
    """A hyperedge is a segment that its endpoints share: a node of its own, with a link to each."""
    nodes: list[NodeRecord] = []
    links: list[LinkRecord] = []
    for number, element in enumerate(x for x in listed if x.tag == "hyperedge"):
        name, where = element.attributes.get("id") or f"segment_{number + 1}", f"line {element.line}"
        ends = [end.attributes.get("node", "") for end in element.all("endpoint")]
        if len(ends) < 2:
            raise source.error(where, "two endpoints of a hyperedge or more")
        nodes.append(NodeRecord(name, where, {"kind": "lan"}))
        links.extend(LinkRecord(name, end, where, directed=False) for end in ends)
    return nodes, links
