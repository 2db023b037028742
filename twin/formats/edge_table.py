"""Topologies as tables: a list of links with the names of both ends, or a matrix with a row and a column for each node.

What a column means is told by its head (see `vocabulary`), in any case, order and some languages. A matrix says in its
first cell what its numbers are; where that is empty they are taken for IGP weights, which is said.
"""

from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from twin.errors import FormatError

from .account import FieldUse
from .build import Choices
from .content import Content
from .grid import Grid, Row, parse_grid
from .records import LinkRecord, NodeRecord, Records
from .vocabulary import LINK_ENDS, NODE_QUANTITIES, RATE, plain, recognise

_LOOKED_AT = 50  # lines
_MEASURED = frozenset({"time", "timestamp", "datetime", "octets", "bytes", "packets", "volume", "demand", "traffic"})
_NODE_NAMES = ("id", "node", "router", "device", "host", "site", "pop", *NODE_QUANTITIES[0].names)


def read_table(content: Content, _choices: Choices) -> Records:
    """Read a list of links or a matrix.

    Raises `FormatError` with the line: a head that names no two ends says which names it knows.
    """
    grid = parse_grid(content)
    if not grid.rows:
        raise content.source.error("the whole file", "a table with a head and rows")
    head = grid.rows[0].cells
    if is_matrix(grid.rows):
        return _matrix(content, grid)
    ends = ends_of(head)
    if ends is not None:
        return _listed(content, grid, ends)
    known = ", ".join("/".join(pair) for pair in LINK_ENDS[:4])
    wanted = f"a head that names both ends of a link ({known} …), or a matrix; not {', '.join(head)[:60]!r}"
    raise content.source.error(f"line {grid.rows[0].line}", wanted)


def is_topology_table(content: Content) -> bool:
    """Whether the first lines are those of a list of links or of a matrix, and not of traffic or counters."""
    start = "\n".join(content.text.splitlines()[:_LOOKED_AT])
    try:
        rows = parse_grid(content._replace(text=start)).rows
    except FormatError:
        return False
    if not rows or len(rows[0].cells) < 2:
        return False
    head = [plain(cell) for cell in rows[0].cells]
    if ends_of(rows[0].cells) is None:
        return is_matrix(parse_grid(content).rows)
    measured = any(name in _MEASURED or name in RATE for name in head)
    described = any(recognise(name, "link") is not None for name in head)
    return described or not measured


def ends_of(head: Sequence[str]) -> tuple[int, int] | None:
    """Return the two columns that hold the ends of a link, None when no pair of names is known."""
    names = [plain(cell) for cell in head]
    return next(((names.index(a), names.index(b)) for a, b in LINK_ENDS if a in names and b in names), None)


def node_column(head: Sequence[str]) -> int | None:
    """Return the column that names a node, None when the table is not of nodes."""
    names = [plain(cell) for cell in head]
    return next((names.index(name) for name in _NODE_NAMES if name in names), None)


def is_matrix(rows: Sequence[Row]) -> bool:
    """Whether the head repeats what the rows begin with: one row and one column for each node."""
    columns, lines = rows[0].cells[1:], [row.cells[0] for row in rows[1:]]
    return len(columns) > 1 and len(set(columns)) == len(columns) and sorted(columns) == sorted(lines)


def _listed(content: Content, grid: Grid, ends: tuple[int, int]) -> Records:
    head, rows = grid.rows[0].cells, grid.rows[1:]
    links: list[LinkRecord] = []
    for row in rows:
        _require_width(content, row, len(head))
        source, target = (row.cells[end] for end in ends)
        if not source or not target:
            raise content.source.error(f"line {row.line}", f"a name under {head[ends[0]]} and under {head[ends[1]]}")
        fields: dict[str, JsonValue] = {
            name: cell for i, (name, cell) in enumerate(zip(head, row.cells, strict=True)) if i not in ends and cell
        }
        links.append(LinkRecord(source, target, f"line {row.line}", fields))
    names = dict.fromkeys(end for link in links for end in (link.source, link.target))
    return Records(
        content.source,
        "table of links",
        content.stem,
        nodes=[NodeRecord(name, "the whole file") for name in names],
        links=links,
        directed=None,
        noted=tuple(_said(grid)),
    )


def _matrix(content: Content, grid: Grid) -> Records:
    head, rows = grid.rows[0].cells, grid.rows[1:]
    field, said = head[0], list(_said(grid))
    known = recognise(field, "link") if field else None
    cells = [(row, name, cell) for row in rows for name, cell in _cells(content, row, head)]
    linked = [(row, name, cell) for row, name, cell in cells if not _is_nothing(cell) and row.cells[0] != name]
    if known is None:
        odd = next((x for x in linked if not x[2].isdigit()), None)
        if (field and plain(field) not in _NODE_NAMES) or odd is not None:
            row = odd[0] if odd is not None else grid.rows[0]
            wanted = "what the numbers are in the first cell of the matrix, such as metric or capacity_gbps"
            raise content.source.error(f"line {row.line}", wanted)
        field = "metric"
        note = "its first cell does not say what they are: taken for IGP weights, 0 and empty for no link"
        said.append(FieldUse(field="numbers of the matrix", became="assumed", count=len(linked), note=note))
    note = "a matrix holds one link from a node to another: parallel ones would not show"
    said.append(FieldUse(field="parallel links", became="not modelled", count=0, note=note))
    return Records(
        content.source,
        "matrix of links",
        content.stem,
        nodes=[NodeRecord(name, f"line {grid.rows[0].line}") for name in head[1:]],
        links=[LinkRecord(row.cells[0], name, f"line {row.line}", {field: cell}) for row, name, cell in linked],
        directed=None,
        noted=tuple(said),
    )


def _cells(content: Content, row: Row, head: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    _require_width(content, row, len(head))
    return zip(head[1:], row.cells[1:], strict=True)


def _is_nothing(cell: str) -> bool:
    return cell.lower() in ("", "0", "0.0", "-", "inf", "-1", "na", "n/a", "nan", "∞")


def _require_width(content: Content, row: Row, width: int) -> None:
    if len(row.cells) != width:
        wanted = f"{width} cells as the head has, not {len(row.cells)}"
        raise content.source.error(f"line {row.line}", wanted)


def _said(grid: Grid) -> Iterator[FieldUse]:
    if grid.decimal_comma:
        note = "a comma before the decimals, a point between thousands"
        yield FieldUse(field="numbers", became="used", count=len(grid.rows) - 1, note=note)
