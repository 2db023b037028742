"""REPETITA instances [Gay et al., arXiv 1710.08665]: `.graph` with directed links, `.demands` with one traffic matrix.

Bandwidths are in kbit/s. The delay column is not physical, so delays follow from the coordinates at 5 us/km.
"""

from pathlib import Path

import numpy as np
from pydantic import JsonValue

from twin.files import read_text
from twin.model import Floats

from .account import FieldUse
from .build import Choices
from .content import Content
from .records import LinkRecord, NodeRecord, Records
from .source import MAX_WEIGHT, Source

_KBIT = 1e-3  # Mbit/s
_LIMIT = 200_000

Line = tuple[int, list[str]]


def read_repetita(content: Content, _choices: Choices) -> Records:
    """Read a network, parallel links kept apart; its traffic is in a file of its own.

    An edge from a node to itself, which some networks have, carries nothing and is left out. The delay column is not
    read. Raises `FormatError` naming the line and what was expected there.
    """
    source = content.source
    sections = _sections(source, content.text, {"NODES": 3, "EDGES": 6})
    source.require_size(len(sections["NODES"]), "NODES")
    count = len(sections["NODES"])
    nodes = [
        NodeRecord(str(number), f"line {at}", {"name": label, **_place(source, at, x, y)})
        for number, (at, (label, x, y)) in enumerate(sections["NODES"])
    ]
    note = "not physical: delays follow from the places, 5 us per km"
    return Records(
        source,
        "REPETITA",
        content.stem,
        nodes=nodes,
        links=[_link(source, line, count) for line in sections["EDGES"]],
        directed=True,
        units={"capacity": "kbps"},
        noted=(FieldUse(field="link delay", became="not modelled", count=len(sections["EDGES"]), note=note),),
    )


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


def _place(source: Source, at: int, x: str, y: str) -> dict[str, JsonValue]:
    return {"longitude": source.number(x, f"line {at}", "x"), "latitude": source.number(y, f"line {at}", "y")}


def _link(source: Source, line: Line, nodes: int) -> LinkRecord:
    at, (_, src, dest, weight, kbps, _delay) = line
    where = f"line {at}"
    tail, head = (str(source.whole(end, where, "a node number", most=nodes - 1)) for end in (src, dest))
    bandwidth = source.number(kbps, where, "bw", least=1)
    igp = source.whole(weight, where, "weight", least=1, most=MAX_WEIGHT)
    return LinkRecord(tail, head, where, {"weight": igp, "bw": bandwidth})


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
