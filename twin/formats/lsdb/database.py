"""A link-state database of any protocol and vendor: systems, their neighbours, and the topology that both ends state.

A system that fails leaves its last words behind, so a link counts only if both ends name each other (ISO/IEC 10589,
section 7.2.8.2; RFC 2328, section 16.1). A LAN is a node of its own kind: the metric is that of the way onto it, and
the way off is free.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from twin.errors import FormatError


@dataclass
class Neighbour:
    """One neighbour that a system states: its id, the metric to it, and what else the text says of the link.

    `stated` is the id as it is written there.
    """

    system: str
    metric: int
    where: str
    stated: str = ""
    mbps: float | None = None
    delay_us: float | None = None
    risks: list[str] = field(default_factory=list[str])
    wide: bool = True
    near: str = ""
    """The address or number of the interface at this end, where the text states it."""
    far: str = ""
    """That of the other end."""


@dataclass
class System:
    """A router, or a LAN (`lan`) that one of its routers speaks for, with all fragments joined."""

    name: str
    where: str
    lan: bool = False
    overloaded: bool = False
    attached: bool = False
    purged: bool = False
    neighbours: list[Neighbour] = field(default_factory=list[Neighbour])

    @property
    def counted(self) -> list[Neighbour]:
        """Neighbours of the wide style, and of the narrow one where a neighbour has no other: both state one link."""
        wide = {neighbour.system for neighbour in self.neighbours if neighbour.wide}
        return [x for x in self.neighbours if x.wide or x.system not in wide]


@dataclass
class Database:
    """One database of a paste: a level or area of one instance. `title` is how people tell it from others."""

    title: str
    systems: dict[str, System] = field(default_factory=dict[str, System])
    unmodelled: Counter[str] = field(default_factory=Counter[str])
    repeated: int = 0
    """LSPs that the text holds once more."""
    headless: int = 0
    """Systems without their first fragment, which alone says whether they are overloaded."""
    styles: bool = True
    """Whether the text tells narrow metrics of IS-IS from wide ones."""

    @property
    def alive(self) -> Mapping[str, System]:
        """Systems whose last words have not expired."""
        return {name: system for name, system in self.systems.items() if not system.purged}

    def adjacencies(self) -> Iterator[tuple[System, Neighbour, bool]]:
        """Every neighbour that a router states, and whether the other end names it too."""
        alive = self.alive
        for system in alive.values():
            if system.lan:
                continue
            for neighbour in system.counted:
                other = alive.get(neighbour.system)
                back = other is not None and any(x.system == system.name for x in other.counted)
                yield system, neighbour, back


def chosen(databases: Sequence[Database], wanted: str | None, path: str) -> Database:
    """Return the database to read: the only one with links, or the one whose title is `wanted`.

    Raises `FormatError` that lists the titles: databases of levels, areas and instances are never merged.
    """
    full = [one for one in databases if any(back for _, _, back in one.adjacencies())]
    if wanted is not None:
        full = [one for one in databases if one.title == wanted]
    if len(full) == 1:
        others = [one for one in databases if one is not full[0] and any(back for _, _, back in one.adjacencies())]
        for one in others:
            same = _LEVEL.sub("", one.title) == _LEVEL.sub("", full[0].title)
            full[0].unmodelled["levels" if same else "other databases"] += 1
        return full[0]
    if not full and databases and wanted is None:
        raise FormatError(path, "the whole file", "two routers that name each other as neighbours; none do here")
    titles = ", ".join(repr(one.title) for one in databases[:12]) or "none"
    raise FormatError(path, "the whole file", f"one database; it holds {titles}: choose with --network-id TITLE")


_LEVEL = re.compile(r"level \S+$|L[12]\b| area \S+$", re.IGNORECASE)
"""What tells the databases of one routing domain apart, at the end of their titles."""
