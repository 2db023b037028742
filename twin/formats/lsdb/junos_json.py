"""`show isis database extensive | display json` of Junos: every value is a list of one object with `data`.

Keys occur more than once in what is printed of the packet, so neighbours are taken from the summary before it.
"""

import re
from collections.abc import Iterator

from pydantic import JsonValue

from ..build import Choices
from ..content import Content
from ..layout import at
from ..records import Records
from .database import Database, Neighbour, System, chosen
from .lsps import Lsp, join
from .topology import records_of

_ROOT = "isis-database-information"


def read_junos_json(content: Content, choices: Choices) -> Records:
    """Read a database, each level apart. Raises `FormatError`: without neighbours the command to use is named."""
    found = list(read_databases(content))
    if not any(system.neighbours for one in found for system in one.systems.values()):
        wanted = "neighbours of each router: `show isis database extensive | display json`"
        raise content.source.error("the whole file", wanted)
    return records_of(chosen(found, choices.network_id, content.path), content.source, "IS-IS", content.stem)


def read_databases(content: Content) -> Iterator[Database]:
    """Read every level of a file. Raises `FormatError` where an LSP or a neighbour has no id or no metric."""
    for root in _listed(at(content.json(), _ROOT)):
        for level in _listed(at(root, "isis-database")):
            database = Database(f"level {_data(level, 'level') or '?'}", styles=False)
            entries = _listed(at(level, "isis-database-entry"))
            join(content.source, database, [_block(content, entry) for entry in entries])
            if database.systems:
                yield database


def _block(content: Content, entry: JsonValue) -> Lsp:
    head, _, fragment = _data(entry, "lsp-id").rpartition("-")
    if not head:
        raise content.source.error(f"${_ROOT}", "the lsp-id of every entry")
    lan = not head.endswith(".00")
    name = head if lan else head[:-3]
    system = System(name, f"LSP {head}", lan)
    system.purged = _data(entry, "remaining-lifetime") == "0"
    flags = " ".join(_data(packet, "lsp-attributes") for packet in _listed(at(entry, "isis-packet")))
    system.overloaded, system.attached = "Overload" in flags, "Attached" in flags
    for neighbour in _listed(at(entry, "isis-neighbor")):
        other = _data(neighbour, "is-neighbor-id")
        metric = content.source.whole(
            _data(neighbour, "metric"), f"LSP {head}", "the metric of a neighbour", most=2**24
        )
        known = other[:-3] if other.endswith(".00") else other
        if not other:
            raise content.source.error(f"LSP {head}", "the is-neighbor-id of a neighbour")
        system.neighbours.append(Neighbour(known, metric, f"LSP {head}", stated=other))
    stated = _data(entry, "sequence-number")
    sequence = int(stated, 0) if re.fullmatch(r"0x[0-9a-fA-F]+|[1-9]\d*", stated) else None
    return Lsp(system, fragment, fragment == "00", sequence=sequence)


def _listed(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _data(entry: JsonValue, name: str) -> str:
    """The text of a value, empty where there is none."""
    value = at(entry, f"{name}.0.data")
    return "" if value is None else str(value)
