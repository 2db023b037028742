"""Neighbours that IS-IS states by system id, and the names of those ids where the paste tells them."""

import re
from collections.abc import Sequence

from twin.formats.source import Source

from .database import Database
from .paste import Line

_TABLE_ROW = re.compile(r"^\s*(?:\d|\*)\s+(?P<id>[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4})\s+(?P<name>\S+)\s*$")
_BY_ID = re.compile(r"^[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}(?:\.[0-9a-fA-F]{2})?$")


def name_by_table(databases: Sequence[Database], lines: Sequence[Line]) -> None:
    """Give neighbours that are stated by system id the names of `show isis hostname`, if that is in the paste."""
    names = {found["id"].lower(): found["name"] for line in lines if (found := _TABLE_ROW.match(line.text))}
    for database in databases:
        for system in database.systems.values():
            for neighbour in system.neighbours:
                stem, suffix = (neighbour.system[:14], neighbour.system[14:])
                if stem.lower() in names and neighbour.system not in database.systems:
                    neighbour.system = names[stem.lower()] + suffix


def require_names(source: Source, databases: Sequence[Database]) -> None:
    """Refuse a text whose LSPs go by names and whose neighbours go by ids: which is which would be a guess.

    Raises `FormatError` with the title of the database.
    """
    for database in databases:
        stated = {x.system for system in database.systems.values() for x in system.neighbours}
        if not stated & set(database.systems) and any(_BY_ID.match(name) for name in stated):
            wanted = "the names of its system ids: put the output of `show isis hostname` into the same file"
            raise source.error(database.title, wanted)
