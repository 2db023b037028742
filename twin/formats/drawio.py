"""Drawings of draw.io: shapes that lines join are nodes, and what stands on a line or in its data is read.

A page is deflated and coded unless the file was saved without compression. A drawing says neither which shape is a
router nor which way a line goes: shapes are routers and lines circuits, unless their data or their picture says more.
"""

import base64
import binascii
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote

from pydantic import JsonValue

from .account import FieldUse
from .build import Choices
from .content import Content
from .drawn import fields_of_labels, lines_of_label
from .markup import Element, parse_xml
from .records import LinkRecord, NodeRecord, Records

_MOST = 64 * 1024 * 1024
_OWN = frozenset(
    {"id", "label", "placeholders", "link", "tooltip", "tags", "source", "target", "src_label", "trgt_label", "value"}
)
_CLOUDS = ("cloud", "internet")
_HOSTS = ("server", "workstation", "pc", "laptop", "user", "phone", "printer", "storage")


class _Cell(NamedTuple):
    """One shape or line of a page. `data` is what people added to it."""

    id: str
    label: str
    parent: str
    style: str
    vertex: bool
    edge: bool
    source: str
    target: str
    connectable: bool
    data: Mapping[str, str]
    line: int


def read_drawio(content: Content, choices: Choices) -> Records:
    """Read one page: the only one with lines, or the one that the network id names. Raises `FormatError`."""
    root = parse_xml(content.path, content.data)
    pages = list(_pages(content, root))
    with_lines = [(name, cells) for name, cells in pages if any(cell.edge for cell in cells)]
    found = [page for page in with_lines if choices.network_id is None or page[0] == choices.network_id]
    if len(found) != 1:
        names = ", ".join(repr(name) for name, _ in with_lines[:8]) or "none"
        raise content.source.error(
            "the whole file", f"one page with lines; it holds {names}: choose with --network-id PAGE"
        )
    name, cells = found[0]
    return _records(content, name, cells)


def _pages(content: Content, root: Element) -> Iterator[tuple[str, list[_Cell]]]:
    if root.tag == "mxGraphModel":
        yield "page", list(_cells(root))
    for number, diagram in enumerate(root.all("diagram"), start=1):
        model = diagram.first("mxGraphModel") or _inflated(content, diagram)
        name = diagram.attributes.get("name", f"page {number}")
        yield name, [] if model is None else list(_cells(model))


def _inflated(content: Content, diagram: Element) -> Element | None:
    """A page as draw.io stores it: XML, URL coded, deflated, in base64."""
    if not diagram.text:
        return None
    where = f"line {diagram.line}"
    try:
        packed = base64.b64decode(diagram.text, validate=True)
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        text = inflater.decompress(packed, _MOST)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise content.source.error(where, "a page as draw.io stores it (base64, deflated)") from error
    if inflater.unconsumed_tail:
        raise content.source.error(where, f"a page of at most {_MOST // 2**20} MB")
    return parse_xml(content.path, unquote(text.decode("utf-8", errors="replace")))


def _cells(model: Element) -> Iterator[_Cell]:
    root = model.first("root")
    for element in root.children if root is not None else ():
        cell = element if element.tag == "mxCell" else element.first("mxCell")
        if cell is None:
            continue
        outer, inner = element.attributes, cell.attributes
        data = {} if element is cell else {name: value for name, value in outer.items() if name not in _OWN and value}
        yield _Cell(
            outer.get("id", inner.get("id", "")),
            outer.get("label") or inner.get("value", ""),
            inner.get("parent", ""),
            inner.get("style", "").lower(),
            inner.get("vertex") == "1",
            inner.get("edge") == "1",
            inner.get("source", ""),
            inner.get("target", ""),
            inner.get("connectable") != "0",
            data,
            element.line,
        )


def _records(content: Content, page: str, cells: Sequence[_Cell]) -> Records:
    by_id = {cell.id: cell for cell in cells}
    lines = [cell for cell in cells if cell.edge]
    on_lines: dict[str, list[str]] = {}
    for cell in cells:
        if cell.vertex and cell.parent in by_id and by_id[cell.parent].edge:
            on_lines.setdefault(cell.parent, []).append(cell.label)
    links: list[LinkRecord] = []
    loose = 0
    for line in lines:
        ends = [_shape(by_id, end) for end in (line.source, line.target)]
        if ends[0] is None or ends[1] is None:
            loose += 1
            continue
        labels = [label for label in (line.label, *on_lines.get(line.id, [])) if label]
        links.append(LinkRecord(ends[0].id, ends[1].id, f"line {line.line}", {**line.data, **fields_of_labels(labels)}))
    linked = dict.fromkeys(end for link in links for end in (link.source, link.target))
    shapes = [cell for cell in cells if cell.vertex and cell.parent not in {line.id for line in lines}]
    alone = sum(cell.id not in linked and not _is_part(by_id, cell, linked) for cell in shapes)
    nameless = sum(not lines_of_label(by_id[name].label) for name in linked)
    return Records(
        content.source,
        "draw.io drawing",
        content.stem if page.lower().startswith("page") else page,
        nodes=[_node(by_id[name]) for name in linked],
        links=links,
        directed=False,
        noted=tuple(_noted(loose, alone, nameless)),
    )


def _shape(by_id: Mapping[str, _Cell], end: str) -> _Cell | None:
    """The shape at the end of a line: a group where the line ends at a part of it that has no label of its own."""
    cell = by_id.get(end)
    for _ in range(8):
        if cell is None or not cell.vertex:
            return None
        outer = by_id.get(cell.parent)
        if lines_of_label(cell.label) or outer is None or not outer.vertex:
            return cell
        cell = outer
    return cell


def _is_part(by_id: Mapping[str, _Cell], cell: _Cell, linked: Mapping[str, object]) -> bool:
    return cell.parent in linked or any(x.parent == cell.id and x.id in linked for x in by_id.values())


def _node(cell: _Cell) -> NodeRecord:
    fields: dict[str, JsonValue] = dict(cell.data)
    label = lines_of_label(cell.label)
    if label:
        fields["name"] = label[0]
    picture = cell.style + " " + " ".join(label).lower()
    if "kind" not in fields and any(word in picture for word in _CLOUDS):
        fields["kind"] = "external"
    elif "kind" not in fields and any(f".{word}" in cell.style or f"/{word}" in cell.style for word in _HOSTS):
        fields["kind"] = "host"
    return NodeRecord(cell.id, f"line {cell.line}", fields)


def _noted(loose: int, alone: int, nameless: int) -> Iterator[FieldUse]:
    note = "a drawing does not say: shapes that lines join are routers, lines are circuits"
    yield FieldUse(field="shapes", became="assumed", count=1, note=note)
    if loose:
        note = f"{loose} lines have a loose end: no link"
        yield FieldUse(field="lines", became="not modelled", count=loose, note=note)
    if alone:
        note = f"{alone} shapes that no line joins: left out"
        yield FieldUse(field="shapes without lines", became="not modelled", count=alone, note=note)
    if nameless:
        note = f"of {nameless} shapes without a text: the drawing's own id"
        yield FieldUse(field="names", became="assumed", count=nameless, note=note)
