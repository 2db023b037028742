"""Tables laid over a topology: capacities, delays and risk groups by link, places and names by node.

A routing database knows metrics and no more; what an inventory knows beyond it comes as a table with the names of both
ends, or of the node, and a column for each quantity. What the table states counts, also against the topology's own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from twin.errors import TopologyError
from twin.node_name import clean_name

from .account import FieldUse
from .content import Content, read_content
from .edge_table import ends_of, node_column
from .grid import Row, parse_grid
from .records import Fields, LinkRecord, NodeRecord, Records
from .values import value_of
from .vocabulary import recognise

_SHOWN = 3


class _Stated(NamedTuple):
    row: Row
    fields: Fields


@dataclass
class _Said:
    """What a table did: rows that were used, rows of what is not there, values that it replaced."""

    used: int = 0
    replaced: int = 0
    shared: int = 0
    in_order: int = 0
    strange: list[str] = field(default_factory=list[str])


def lay_over(records: Records, path: str | Path) -> Records:
    """Return the records with what a table states of links or of nodes.

    Raises `InputError`, and `FormatError` with the line: on a head that names neither, and where there are more rows
    between two nodes than links.
    """
    content = read_content(path)
    rows = parse_grid(content).rows
    if not rows:
        raise content.source.error("the whole file", "a table with a head and rows")
    head = rows[0].cells
    ends, column = ends_of(head), node_column(head)
    said = _Said()
    if ends is not None:
        laid = replace(records, links=_links(records, content, rows, ends, said))
    elif column is not None:
        laid = replace(records, nodes=_nodes(records, content, rows, column, said))
    else:
        wanted = f"columns for both ends of a link, or for a node, not {', '.join(head)[:60]!r}"
        raise content.source.error(f"line {rows[0].line}", wanted)
    kind = "links" if ends is not None else "nodes"
    return replace(laid, noted=(*records.noted, *_noted(content, said, kind)))


def _stated(content: Content, row: Row, head: Sequence[str], left_out: Sequence[int]) -> _Stated:
    if len(row.cells) != len(head):
        wanted = f"{len(head)} cells as the head has, not {len(row.cells)}"
        raise content.source.error(f"line {row.line}", wanted)
    fields: dict[str, JsonValue] = {
        name: cell for i, (name, cell) in enumerate(zip(head, row.cells, strict=True)) if i not in left_out and cell
    }
    return _Stated(row, fields)


def _ids(records: Records) -> Mapping[str, str | None]:
    """Every name of a node and its id, None where it is the name of several."""
    found: dict[str, str | None] = {}
    for node in records.nodes:
        label = value_of(node.fields, "node", "name")
        names = {node.id, str(label) if label not in (None, "") else node.id}
        for name in names | {x for y in names if (x := _clean(y))}:
            found[name] = node.id if found.get(name, node.id) == node.id else None
    return found


def _clean(text: str) -> str:
    try:
        return clean_name(text)
    except TopologyError:
        return ""


def _find(content: Content, ids: Mapping[str, str | None], row: Row, name: str) -> str | None:
    """The id of a node, None where the topology has none of that name. Raises `FormatError` where it has several."""
    known = name if name in ids else _clean(name)
    if known in ids and ids[known] is None:
        raise content.source.error(f"line {row.line}", f"a name of one node: {name!r} is the label of several, use ids")
    return ids.get(known)


# --- links -----------------------------------------------------------------------------------------------------------


def _links(
    records: Records, content: Content, rows: Sequence[Row], ends: tuple[int, int], said: _Said
) -> list[LinkRecord]:
    ids, head = _ids(records), rows[0].cells
    listed: dict[tuple[str, str], list[_Stated]] = {}
    for row in rows[1:]:
        stated = _stated(content, row, head, ends)
        a, b = (_find(content, ids, row, row.cells[end]) for end in ends)
        if a is None or b is None:
            said.strange.append(f"{row.cells[ends[0]]}-{row.cells[ends[1]]}")
        else:
            listed.setdefault((a, b), []).append(stated)
    present: dict[tuple[str, str], list[int]] = {}
    for i, link in enumerate(records.links):
        present.setdefault((link.source, link.target), []).append(i)
    links = list(records.links)
    for (a, b), stated_rows in listed.items():
        one_way = (b, a) in listed and (a, b) != (b, a)
        places = [present.get((a, b), [])] if one_way else [present.get((a, b), []), present.get((b, a), [])]
        if not any(places):
            undirected = present.get((b, a), [])
            if not undirected:
                said.strange.append(f"{a}-{b}")
                continue
            places = [undirected]
        for where in places:
            _lay(content, links, where, stated_rows, said)
        said.used += len(stated_rows)
    return links


def _lay(content: Content, links: list[LinkRecord], where: Sequence[int], rows: Sequence[_Stated], said: _Said) -> None:
    """Give each of some parallel links its row: the only one, or one each in the order of both files."""
    if not where:
        return
    if len(rows) > 1 and len(rows) != len(where):
        link = links[where[0]]
        wanted = f"one row, or {len(where)} for the links between {link.source} and {link.target}, not {len(rows)}"
        raise content.source.error(f"line {rows[0].row.line}", wanted)
    for position, i in enumerate(where):
        link, stated = links[i], rows[min(position, len(rows) - 1)]
        links[i] = link._replace(fields=_merged(link.fields, stated.fields, "link", said))
    said.shared += len(where) if len(rows) == 1 < len(where) else 0
    said.in_order += len(where) if len(rows) > 1 and len({tuple(x.fields.items()) for x in rows}) > 1 else 0


def _merged(own: Fields, stated: Fields, of: str, said: _Said) -> Fields:
    """The stated fields, and those of its own that are of no quantity among them."""
    quantities = {known.quantity.name for name in stated if (known := recognise(name, of))}
    kept = {n: v for n, v in own.items() if not ((known := recognise(n, of)) and known.quantity.name in quantities)}
    said.replaced += len(kept) < len(own)
    return {**kept, **stated}


# --- nodes -----------------------------------------------------------------------------------------------------------


def _nodes(records: Records, content: Content, rows: Sequence[Row], column: int, said: _Said) -> list[NodeRecord]:
    ids, head = _ids(records), rows[0].cells
    listed: dict[str, _Stated] = {}
    for row in rows[1:]:
        stated = _stated(content, row, head, (column,))
        name = _find(content, ids, row, row.cells[column])
        if name is None:
            said.strange.append(row.cells[column])
        elif name in listed:
            raise content.source.error(f"line {row.line}", f"one row for {row.cells[column]!r}, which has one before")
        else:
            listed[name] = stated
    said.used = len(listed)
    return [
        node._replace(fields=_merged(node.fields, listed[node.id].fields, "node", said)) if node.id in listed else node
        for node in records.nodes
    ]


def _noted(content: Content, said: _Said, kind: str) -> Iterator[FieldUse]:
    file = f"table {Path(content.path).name}"
    yield FieldUse(field=file, became="used", count=said.used, note=f"{said.used} rows of {kind}")
    if said.replaced:
        note = f"{said.replaced} values of the topology's own give way to those of the table"
        yield FieldUse(field=file, became="used", count=said.replaced, note=note)
    if said.shared:
        note = f"{said.shared} parallel links share a row: each of them has what it states"
        yield FieldUse(field=file, became="assumed", count=said.shared, note=note)
    if said.in_order:
        note = f"{said.in_order} parallel links have a row each, in the order of both files"
        yield FieldUse(field=file, became="assumed", count=said.in_order, note=note)
    if said.strange:
        shown = ", ".join(said.strange[:_SHOWN]) + (", …" if len(said.strange) > _SHOWN else "")
        note = f"{len(said.strange)} rows are of {kind} that the topology does not hold ({shown}): down, or elsewhere"
        yield FieldUse(field=file, became="not modelled", count=len(said.strange), note=note)
    yield from content.noted
