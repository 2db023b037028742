"""A CSV file as rows of texts, whoever wrote it: its separator and its decimal comma are told by the text."""

import csv
import re
from typing import NamedTuple

from .content import Content

_SEPARATORS = ";\t|,"
_MOST_ROWS = 1_000_000
_COMMA = re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+),\d+")
_POINTED = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+,\d+")


class Row(NamedTuple):
    """One row and its line in the file, from 1."""

    line: int
    cells: tuple[str, ...]


class Grid(NamedTuple):
    """The rows of a file that hold anything. `decimal_comma`: numbers have been rewritten with a point."""

    rows: tuple[Row, ...]
    separator: str
    decimal_comma: bool


def parse_grid(content: Content) -> Grid:
    """Split a text into rows. Raises `FormatError` with the line when a quote is left open or there is too much."""
    lines = [line for line in content.text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    separator = _separator(lines[0]) if lines else ","
    rows: list[Row] = []
    reader = csv.reader(content.text.splitlines(keepends=True), delimiter=separator, strict=True, skipinitialspace=True)
    try:
        for cells in reader:
            stripped = tuple(cell.strip() for cell in cells)
            if any(stripped) and not stripped[0].startswith("#"):
                rows.append(Row(reader.line_num, stripped))
            if len(rows) > _MOST_ROWS:
                raise content.source.error(f"line {reader.line_num}", f"at most {_MOST_ROWS:,} rows")
    except csv.Error as error:
        raise content.source.error(f"line {reader.line_num}", f"a table; {error}") from error
    return _with_points(rows, separator)


def _separator(head: str) -> str:
    """The character that parts the head of a table; a comma counts last, as it may stand in numbers."""
    if head.startswith("sep=") and len(head) == len("sep=") + 1:
        return head[-1]
    return max(_SEPARATORS, key=lambda x: (head.count(x) > 0, x != ",", head.count(x)))


def _with_points(rows: list[Row], separator: str) -> Grid:
    """Rewrite `1.234,5` and `0,5` where commas part no cells and every number that has any is written so."""
    body = [cell for row in rows[1:] for cell in row.cells]
    with_comma = [cell for cell in body if "," in cell and any(x.isdigit() for x in cell)]
    written = bool(with_comma) and separator != "," and all(_COMMA.match(cell) for cell in with_comma)
    if not written:
        return Grid(tuple(rows), separator, decimal_comma=False)
    return Grid(
        tuple(Row(row.line, tuple(_pointed(x) for x in row.cells)) for row in rows), separator, decimal_comma=True
    )


def _pointed(cell: str) -> str:
    if _COMMA.match(cell) is None:
        return cell
    return (cell.replace(".", "") if _POINTED.match(cell) else cell).replace(",", ".")
