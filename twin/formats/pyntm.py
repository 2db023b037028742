"""pyNTM models [network_traffic_modeler_py3]: tables of interfaces, nodes, demands and RSVP LSPs in one text.

Each interface is one direction. Capacities, demands and LSPs have one unit, which the file keeps open; where nobody
says it, Mbit/s is assumed, as only their ratio matters to utilisation.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pydantic import JsonValue

from .account import FieldUse
from .build import Choices
from .content import Content
from .records import DemandRecord, LinkRecord, NodeRecord, Records
from .vocabulary import RATE

_TITLE = re.compile(r"([A-Z0-9]+(?:_[A-Z0-9]+)*_TABLE)\s*[,\t]*\s*")
_READ = ("INTERFACES_TABLE", "NODES_TABLE", "DEMANDS_TABLE", "RSVP_LSP_TABLE")


_DRAWN = FieldUse(
    field="lon, lat", became="not modelled", count=1, note="some lie beyond the poles: of a drawing, no length follows"
)


class _Entry(NamedTuple):
    line: int
    cells: Mapping[str, str]

    def at(self, content: Content, name: str) -> str:
        if not self.cells.get(name):
            raise content.source.error(f"line {self.line}", f"a value under {name}")
        return self.cells[name]


def read_pyntm(content: Content, choices: Choices) -> Records:
    """Read a model. Raises `FormatError` with the line, also when two ends of a circuit differ in capacity."""
    tables = _tables(content)
    interfaces = tables.get("INTERFACES_TABLE", [])
    if not interfaces:
        raise content.source.error("the whole file", "rows under INTERFACES_TABLE")
    links = [_link(content, entry) for entry in interfaces]
    _require_equal_ends(content, interfaces)
    drawn = any(not _on_earth(entry) for entry in tables.get("NODES_TABLE", []))
    nodes = {entry.at(content, "name"): _node(content, entry, drawn) for entry in tables.get("NODES_TABLE", [])}
    alone = sorted(set(nodes) - {end for link in links for end in (link.source, link.target)})
    for link in links:
        for end in (link.source, link.target):
            nodes.setdefault(end, NodeRecord(end, link.where))
    unit = choices.units.get("traffic") or choices.units.get("capacity") or "mbps"
    demands = [_demand(content, entry, RATE[unit]) for entry in tables.get("DEMANDS_TABLE", [])]
    lost = [x for x in demands if x.source in alone or x.target in alone]
    return Records(
        content.source,
        "pyNTM model",
        content.stem,
        nodes=[node for name, node in nodes.items() if name not in alone],
        links=links,
        demands=[demand for demand in demands if demand not in lost],
        directed=True,
        units={"capacity": "mbps"},
        noted=(*_noted(tables, choices, alone, len(lost)), *([_DRAWN] if drawn else [])),
    )


def _tables(content: Content) -> dict[str, list[_Entry]]:
    """Rows of each table by its title, each cell by the name of its column."""
    found: dict[str, list[_Entry]] = {}
    rows: list[_Entry] | None = None
    head: list[str] | None = None
    for number, line in enumerate(content.text.splitlines(), start=1):
        title = _TITLE.fullmatch(line.strip())
        if title is not None:
            rows, head = found.setdefault(title[1], []), None
        elif line.strip() and rows is not None:
            cells = [cell.strip().strip("'\"") for cell in re.split(r"\t|,", line.rstrip("\r\n"))]
            if head is None:
                head = cells
            else:
                rows.append(_Entry(number, dict(zip(head, cells, strict=False))))
    return found


def _link(content: Content, entry: _Entry) -> LinkRecord:
    fields: dict[str, JsonValue] = {
        name: value
        for name, value in entry.cells.items()
        if name not in ("node_object_name", "remote_node_object_name", "name", "circuit_id", "") and value
    }
    ends = (entry.at(content, "node_object_name"), entry.at(content, "remote_node_object_name"))
    return LinkRecord(*ends, f"line {entry.line}", fields)


def _node(content: Content, entry: _Entry, drawn: bool) -> NodeRecord:
    left_out = ("name", "", *(("lon", "lat") if drawn else ()))
    fields: dict[str, JsonValue] = {
        name: value for name, value in entry.cells.items() if name not in left_out and value
    }
    return NodeRecord(entry.at(content, "name"), f"line {entry.line}", fields)


def _on_earth(entry: _Entry) -> bool:
    try:
        return abs(float(entry.cells.get("lon") or 0)) <= 360 and abs(float(entry.cells.get("lat") or 0)) <= 90
    except ValueError:
        return True


def _demand(content: Content, entry: _Entry, factor: float) -> DemandRecord:
    where = f"line {entry.line}"
    volume = content.source.number(entry.cells.get("traffic"), where, "traffic", least=0) * factor
    return DemandRecord(entry.at(content, "source"), entry.at(content, "dest"), volume, where)


def _require_equal_ends(content: Content, interfaces: list[_Entry]) -> None:
    """PyNTM's own rule: the interfaces of one circuit have one capacity, so other figures are a mistake in the file."""
    seen: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for entry in interfaces:
        ends = (entry.at(content, "node_object_name"), entry.at(content, "remote_node_object_name"))
        seen.setdefault(ends, []).append((entry.at(content, "capacity"), entry.line))
    for (a, b), ours in seen.items():
        theirs = [capacity for capacity, _ in seen.get((b, a), [])]
        for capacity, line in ours:
            if capacity in theirs:
                theirs.remove(capacity)
            elif len(theirs) >= 1:
                wanted = f"one capacity for both ends of {a}-{b}, as {b} states {theirs[0]} where {a} states {capacity}"
                raise content.source.error(f"line {line}", wanted)


def _noted(tables: Mapping[str, list[_Entry]], choices: Choices, alone: list[str], lost: int) -> Iterator[FieldUse]:
    if not {"traffic", "capacity"} & set(choices.units):
        note = "the file states none for capacities and demands: Mbit/s for both"
        yield FieldUse(field="units", became="assumed", count=1, note=note)
    lsps = len(tables.get("RSVP_LSP_TABLE", []))
    if lsps:
        note = f"{lsps} RSVP LSPs are not modelled: their demands run on shortest paths here, loads may be elsewhere"
        yield FieldUse(field="RSVP LSPs", became="not modelled", count=lsps, note=note, decides_routing=True)
    if alone:
        note = f"{', '.join(alone[:5])}: without an interface, left out with {lost} demands from or to them"
        yield FieldUse(field="nodes without links", became="not modelled", count=len(alone), note=note)
    for title, rows in tables.items():
        if title not in _READ and rows:
            note = f"{len(rows)} rows, not read"
            yield FieldUse(
                field=title, became="not modelled", count=len(rows), note=note, decides_routing="LSP" in title
            )
