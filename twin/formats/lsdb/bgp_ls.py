"""BGP-LS [RFC 9552] as GoBGP prints it: nodes and links that a router exports, as JSON of the API or of `gobgp`.

A link-state database by other means, so the same rules hold: a link counts if both ends state it, a pseudonode is a
LAN, and each protocol, level and area is a database of its own. Bandwidth is in bytes per second, and a value of zero
is not written at all.
"""

from collections.abc import Iterator

from pydantic import JsonValue

from ..build import Choices
from ..content import Content
from ..layout import at
from ..records import Records
from .database import Database, Neighbour, System, chosen
from .topology import records_of

_MBPS_PER_BYTE = 8e-6
_NODE, _LINK = ("ls_nlri_node", "node", "1"), ("ls_nlri_link", "link", "2")
_PREFIXES = ("prefix", "3", "4")


def read_bgp_ls(content: Content, choices: Choices) -> Records:
    """Read a table. Raises `FormatError`: entries without attributes hold no metrics, and none are made up."""
    databases: dict[str, Database] = {}
    names: dict[tuple[str, str], str] = {}
    bare = links = 0
    for nlri, attributes in _paths(content.json()):
        if nlri is None or attributes is None:
            bare += 1
            continue
        title = _title(nlri)
        database = databases.setdefault(title, Database(title, styles=False))
        kind, body = _kind(nlri), at(nlri, "nlri") or nlri
        if kind in _NODE:
            _add_node(database, names, body, attributes)
        elif kind in _LINK:
            links += 1
            _add_link(content, database, body, attributes)
        elif any(kind.endswith(x) for x in _PREFIXES):
            continue
        else:
            database.unmodelled[f"NLRI {kind or 'of no type'}"] += 1
    if not links:
        without = f"{bare} entries have no attributes here: `gobgp` prints none, " if bare else "no link is in it: "
        raise content.source.error(
            "the whole file", f"links with their metrics; {without}take the answer of its API (ListPath)"
        )
    found = [_named(database, names) for database in databases.values()]
    one = chosen(found, choices.network_id, content.path)
    if bare:
        one.unmodelled["entries without attributes"] += bare
    return records_of(one, content.source, "BGP-LS", content.stem)


def _paths(tree: JsonValue) -> Iterator[tuple[JsonValue, dict[str, JsonValue] | None]]:
    """Each best path: its NLRI and its link-state attribute, None where the file has none."""
    listed: list[JsonValue] = []
    if isinstance(tree, dict):
        listed = [paths for paths in tree.values() if isinstance(paths, list)]
        listed = [paths for paths in listed if paths]
    for entry in listed if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        paths = entry if isinstance(entry, list) else at(entry, "destination.paths") or at(entry, "paths")
        usable = [path for path in paths if isinstance(path, dict)] if isinstance(paths, list) else []
        best = next((path for path in usable if path.get("best")), usable[0] if usable else None)
        if best is not None:
            yield best.get("nlri"), _attribute(best)


def _attribute(path: dict[str, JsonValue]) -> dict[str, JsonValue] | None:
    listed = path.get("pattrs") or path.get("attrs")
    if not isinstance(listed, list):
        return None
    for one in listed:
        if isinstance(one, dict) and (str(one.get("@type", "")).endswith("LsAttribute") or one.get("type") == 29):
            return one
    return {}  # it has attributes, and none of a link or a node: all of those are zero


def _kind(nlri: JsonValue) -> str:
    return str(at(nlri, "type") or "").lower()


def _title(nlri: JsonValue) -> str:
    """The protocol with its level, and the area where nodes state one."""
    protocol = str(at(nlri, "protocolId") or at(nlri, "protocol") or "LS").upper().removeprefix("LS_PROTOCOL_")
    body = at(nlri, "nlri") or nlri
    area = at(body, "localNode.ospfAreaId")
    return f"{protocol.replace('_', ' ')}{f' area {area}' if area else ''}"


def _node_id(node: JsonValue) -> str:
    return str(at(node, "igpRouterId") or at(node, "igp_router_id") or "")


def _is_lan(name: str) -> bool:
    """IS-IS writes a pseudonode with its number after a dash, OSPF the router id and the address of its interface."""
    return "-" in name or ":" in name


def _add_node(
    database: Database, names: dict[tuple[str, str], str], body: JsonValue, attributes: dict[str, JsonValue]
) -> None:
    name = _node_id(at(body, "localNode"))
    if not name:
        return
    system = database.systems.setdefault(name, System(name, name, lan=_is_lan(name)))
    system.overloaded = bool(at(attributes, "node.flags.overload"))
    system.attached = bool(at(attributes, "node.flags.attached"))
    label = at(attributes, "node.name")
    if isinstance(label, str) and label:
        names[database.title, name] = label


def _add_link(content: Content, database: Database, body: JsonValue, attributes: dict[str, JsonValue]) -> None:
    local, remote = (_node_id(at(body, end)) for end in ("localNode", "remoteNode"))
    if not local or not remote:
        raise content.source.error("an NLRI of a link", "igpRouterId of its localNode and its remoteNode")
    system = database.systems.setdefault(local, System(local, local, lan=_is_lan(local)))
    database.systems.setdefault(remote, System(remote, remote, lan=_is_lan(remote)))
    link, where = at(attributes, "link"), f"{local} to {remote}"
    metric = content.source.whole(str(at(link, "igpMetric") or 0), where, "igpMetric", most=2**24 - 1)
    neighbour = Neighbour(remote, metric, where, stated=remote)
    rate = at(link, "bandwidth")
    if rate not in (None, 0):
        neighbour.mbps = content.source.number(str(rate), where, "bandwidth", least=0) * _MBPS_PER_BYTE
    delay = at(link, "unidirectionalLinkDelay") or at(link, "uniDirectionalLinkDelay")
    if delay:
        neighbour.delay_us = content.source.number(str(delay), where, "the delay", least=0)
    risks = at(link, "srlgs")
    neighbour.risks = [str(risk) for risk in risks] if isinstance(risks, list) else []
    system.neighbours.append(neighbour)


def _named(database: Database, names: dict[tuple[str, str], str]) -> Database:
    """Give systems the names that the table states; a LAN is called after the router that speaks for it."""
    labels: dict[str, str] = {}
    for name in database.systems:
        stem, dash, number = name.partition("-")
        label = names.get((database.title, stem))
        labels[name] = name if label is None else f"{label}.{number}" if dash else label
    if len(set(labels.values())) < len(labels):
        return database
    renamed = Database(database.title, unmodelled=database.unmodelled, styles=False)
    for name, system in database.systems.items():
        system.name = labels[name]
        for neighbour in system.neighbours:
            neighbour.system = labels.get(neighbour.system, neighbour.system)
        renamed.systems[system.name] = system
    return renamed
