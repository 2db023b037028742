"""From a database to records: routers, LANs and the links that both ends state, and what of it is not modelled."""

from collections import Counter
from collections.abc import Iterator

from pydantic import JsonValue

from twin.formats.account import FieldUse
from twin.formats.records import LinkRecord, NodeRecord, Records
from twin.formats.source import Source
from twin.model import LARGEST_METRIC, UNUSED_METRIC, Igp

from .database import Database, Neighbour, System
from .parallels import paired


def records_of(database: Database, source: Source, protocol: str, name: str) -> Records:
    """Turn a database into records: routers, LANs, and the links that both ends state."""
    links: list[LinkRecord] = []
    lost: Counter[str] = Counter()
    unused = 0
    used = {
        name for system, neighbour, back in database.adjacencies() if back for name in (system.name, neighbour.system)
    }
    numbers, untold = paired(database)
    unheard = {x.system for _, x, back in database.adjacencies() if not back} - set(database.systems)
    for system, neighbour, back in database.adjacencies():
        if not back:
            lost["no one there" if neighbour.system not in database.alive else "does not name it"] += 1
            continue
        unused += neighbour.metric >= UNUSED_METRIC
        fields = _fields(neighbour)
        if id(neighbour) in numbers:
            fields["index"] = numbers[id(neighbour)]
        links.append(LinkRecord(system.name, neighbour.system, neighbour.where, fields, True))
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
        noted=tuple(_noted(database, lost, alone, unused, untold)),
        igp=_igp(database, protocol),
        unheard=tuple(sorted(unheard)),
        alone=tuple(sorted(alone)),
    )


def _igp(database: Database, protocol: str) -> Igp:
    """The routing protocol by what the text says of it; IS-IS only where its metrics are known as narrow or wide."""
    if "OSPF" in f"{protocol} {database.title}".upper():
        return "ospf"
    if not any(name in f"{protocol} {database.title}".upper() for name in ("IS-IS", "ISIS")):
        return ""
    stated = [x for _, x, back in database.adjacencies() if back]
    if any(x.metric > LARGEST_METRIC["isis-narrow"] for x in stated):
        return "isis"
    if not database.styles:
        return ""
    return "isis" if any(x.wide for x in stated) else "isis-narrow"


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


def _noted(database: Database, lost: Counter[str], alone: list[str], unused: int, untold: int) -> Iterator[FieldUse]:
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
    if untold:
        note = f"{untold} whose two ends the text does not tell apart: the cheapest of one end is that of the other"
        yield FieldUse(field="parallel links", became="assumed", count=untold, note=note)
    if database.repeated:
        note = f"{database.repeated} are in the text once more: the newest of each counts"
        yield FieldUse(field="LSPs", became="used", count=database.repeated, note=note)
    if database.headless:
        note = f"of {database.headless} systems the first fragment is not in the text: taken for not overloaded"
        yield FieldUse(field="overload bit", became="assumed", count=database.headless, note=note)
    for what, count in database.unmodelled.items():
        note, decides = f"{count} stated, not modelled", what in _DECIDES
        yield FieldUse(field=what, became="not modelled", count=count, note=note, decides_routing=decides)


_DECIDES = frozenset(
    {
        "attached bit",
        "links that LSAs count and do not list",
        "IPv6 topology",
        "flexible algorithm",
        "areas",
        "levels",
        "virtual links",
    }
)
