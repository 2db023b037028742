"""A link-state database of any protocol and vendor: systems, their neighbours, and the topology that both ends state.

A system that fails leaves its last words behind, so a link counts only if both ends name each other (ISO/IEC 10589,
section 7.2.8.2; RFC 2328, section 16.1). A LAN is a node of its own kind: the metric is that of the way onto it, and
the way off is free.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from twin.errors import FormatError
from twin.formats.account import FieldUse
from twin.formats.records import LinkRecord, NodeRecord, Records
from twin.formats.source import Source
from twin.model import UNUSED_METRIC


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
        """Neighbours of the wide style where there are any, else of the narrow one: both state the same links."""
        wide = [neighbour for neighbour in self.neighbours if neighbour.wide]
        return wide or self.neighbours


@dataclass
class Database:
    """One database of a paste: a level or area of one instance. `title` is how people tell it from others."""

    title: str
    systems: dict[str, System] = field(default_factory=dict[str, System])
    unmodelled: Counter[str] = field(default_factory=Counter[str])

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
        return full[0]
    if not full and databases and wanted is None:
        raise FormatError(path, "the whole file", "two routers that name each other as neighbours; none do here")
    titles = ", ".join(repr(one.title) for one in databases[:12]) or "none"
    raise FormatError(path, "the whole file", f"one database; it holds {titles}: choose with --network-id TITLE")


def records_of(database: Database, source: Source, protocol: str, name: str) -> Records:
    """Turn a database into records: routers, LANs, and the links that both ends state."""
    links: list[LinkRecord] = []
    lost: Counter[str] = Counter()
    unused = 0
    used = {
        name for system, neighbour, back in database.adjacencies() if back for name in (system.name, neighbour.system)
    }
    for system, neighbour, back in database.adjacencies():
        if not back:
            lost["no one there" if neighbour.system not in database.alive else "does not name it"] += 1
            continue
        unused += neighbour.metric >= UNUSED_METRIC
        links.append(LinkRecord(system.name, neighbour.system, neighbour.where, _fields(neighbour), True))
        if database.systems[neighbour.system].lan:
            links.append(LinkRecord(neighbour.system, system.name, neighbour.where, {"metric": 0}, True))
    seen = [system for system in database.alive.values() if system.name in used]
    nodes = [NodeRecord(system.name, system.where, _node_fields(system)) for system in seen]
    alone = [name for name in database.alive if name not in used and not database.systems[name].lan]
    return Records(
        source,
        f"{protocol} database, {database.title}",
        name,
        nodes=nodes,
        links=links,
        directed=True,
        units={"delay": "us"},
        noted=tuple(_noted(database, lost, alone, unused)),
    )


def _fields(neighbour: Neighbour) -> dict[str, JsonValue]:
    fields: dict[str, JsonValue] = {"metric": neighbour.metric}
    if neighbour.mbps:
        fields["capacity_mbps"] = neighbour.mbps
    if neighbour.delay_us is not None:
        fields["delay_us"] = neighbour.delay_us
    if neighbour.risks:
        fields["srlg"] = list(neighbour.risks)
    return fields


def _node_fields(system: System) -> dict[str, JsonValue]:
    return {"kind": "lan"} if system.lan else {"overload": system.overloaded}


def _noted(database: Database, lost: Counter[str], alone: list[str], unused: int) -> Iterator[FieldUse]:
    for reason, count in lost.items():
        note = f"{count} neighbours are stated by one end only ({reason}): no link"
        yield FieldUse(field="adjacencies", became="not modelled", count=count, note=note)
    if alone:
        note = f"{', '.join(alone[:5])}: without a link that both ends state, left out"
        yield FieldUse(field="systems", became="not modelled", count=len(alone), note=note)
    purged = [name for name, system in database.systems.items() if system.purged]
    if purged:
        note = f"{', '.join(purged[:5])}: purged, no longer part of the network"
        yield FieldUse(field="purged", became="not modelled", count=len(purged), note=note)
    if unused:
        note = f"{unused} links have metric {UNUSED_METRIC}, which takes them out of shortest paths (RFC 5305)"
        yield FieldUse(field="unused links", became="used", count=unused, note=note)
    for what, count in database.unmodelled.items():
        note, decides = f"{count} stated, not modelled", what in _DECIDES
        yield FieldUse(field=what, became="not modelled", count=count, note=note, decides_routing=decides)


_DECIDES = frozenset({"attached bit", "IPv6 topology", "flexible algorithm", "areas", "virtual links"})
