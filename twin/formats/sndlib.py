"""SNDlib networks in XML [Orlowski et al., Networks 2010]: nodes, links, and demands in units that the file keeps open.

Modules that may be installed are not read: they are design alternatives with prices, in units that differ from instance
to instance. A module that is installed already is the capacity of its link.
"""

from collections.abc import Iterator

from pydantic import JsonValue

from .account import FieldUse
from .build import Choices
from .content import Content
from .markup import Element, parse_xml
from .records import DemandRecord, LinkRecord, NodeRecord, Records
from .source import Source


def read_sndlib(content: Content, _choices: Choices) -> Records:
    """Read a network; a demand is its value times its routing unit.

    In a file without a single pair in both directions, demands are undirected and count both ways, as links do.
    Raises `FormatError` naming the line and what was expected there.
    """
    source = content.source
    root = parse_xml(source.path, content.data)
    structure = _child(source, root, "networkStructure")
    listed = _child(source, structure, "nodes")
    demands, noted = both_directions(list(_demands(source, root.first("demands"))))
    links = list(_child(source, structure, "links").all("link"))
    modules = sum(1 for link in links if link.first("additionalModules") is not None)
    if modules:
        note = "what could be installed at a price: not read"
        noted.append(FieldUse(field="additional modules", became="not modelled", count=modules, note=note))
    return Records(
        source,
        "SNDlib XML",
        content.stem,
        nodes=[_node(source, node) for node in listed.all("node")],
        links=[_link(source, link) for link in links],
        demands=demands,
        relative=True,
        planar=listed.attributes.get("coordinatesType", "geographical") != "geographical",
        units={"capacity": "mbps"},
        noted=tuple(noted),
    )


def _node(source: Source, node: Element) -> NodeRecord:
    where = f"line {node.line}"
    name = node.attributes.get("id", "")
    if not name:
        raise source.error(where, "a node id that is there and not used twice")
    place = node.first("coordinates")
    if place is None:
        return NodeRecord(name, where)
    x, y = (source.number(_child(source, place, axis).text, where, f"<{axis}>") for axis in "xy")
    return NodeRecord(name, where, {"longitude": x, "latitude": y})


def _link(source: Source, link: Element) -> LinkRecord:
    where = f"line {link.line}"
    low, high = (_child(source, link, end).text for end in ("source", "target"))
    if low == high:
        raise source.error(where, "two different ends of a link")
    installed = link.first("preInstalledModule")
    fields: dict[str, JsonValue] = {}
    if installed is not None:
        fields["capacity"] = source.number(_child(source, installed, "capacity").text, where, "<capacity>", least=0)
    return LinkRecord(low, high, where, fields)


def _demands(source: Source, listed: Element | None) -> Iterator[DemandRecord]:
    for demand in () if listed is None else listed.all("demand"):
        where = f"line {demand.line}"
        s, t = (_child(source, demand, end).text for end in ("source", "target"))
        volume = source.number(_child(source, demand, "demandValue").text, where, "<demandValue>", least=0)
        unit = demand.first("routingUnit")
        volume *= 1.0 if unit is None else source.number(unit.text, where, "<routingUnit>", least=0)
        yield DemandRecord(s, t, volume, where)


def both_directions(demands: list[DemandRecord]) -> tuple[list[DemandRecord], list[FieldUse]]:
    """Return the demands, mirrored where not a single pair is listed in both directions, and what was assumed so."""
    pairs = {(x.source, x.target) for x in demands}
    if not demands or any((t, s) in pairs for s, t in pairs):
        return demands, []
    note = "no pair is listed in both directions: each demand is taken for both"
    use = FieldUse(field="demand directions", became="assumed", count=len(demands), note=note)
    return [*demands, *(DemandRecord(x.target, x.source, x.volume, x.where) for x in demands)], [use]


def _child(source: Source, parent: Element, tag: str) -> Element:
    child = parent.first(tag)
    if child is None:
        raise source.error(f"line {parent.line}", f"<{tag}> inside <{parent.tag}>")
    return child
