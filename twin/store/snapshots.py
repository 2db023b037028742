"""Snapshots: whole network states by content hash, and branches as the changes that make them.

A whole state is parts, one for each table: nodes, links, demands and so on. Rows of a part are stored once, by the
first snapshot that has them; every other one with the very same part says in `snapshot_part` whose rows they are.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import TypeAdapter

from twin.errors import StoreError, UnknownElementError
from twin.model import MAX_NODES, Astray, DemandLimit, Link, Network, Node, RiskGroup, SegmentList, Tunnel
from twin.plan import Change, apply_all
from twin.traffic_classes import ClassShare, TrafficClass

from .database import Database, Row, Writer
from .times import from_micros, micros

SnapshotKind = Literal["inventory", "observed", "diagnosed", "branch"]
_TUNNEL = ("name", "source", "target", "paths", "path", "on_invalid")
_MIRROR = "INSERT OR REPLACE INTO mirror VALUES (1, ?)"
_PATHS: TypeAdapter[tuple[SegmentList, ...]] = TypeAdapter(tuple[SegmentList, ...])
_CHANGES: TypeAdapter[tuple[Change, ...]] = TypeAdapter(tuple[Change, ...])


class SnapshotEntry(NamedTuple):
    """What the store knows of a snapshot without loading it."""

    id: str
    network: str
    kind: SnapshotKind
    parent: str | None
    created: datetime


def insert_snapshot(database: Database, network: Network, kind: SnapshotKind, parent: str | None, now: datetime) -> str:
    """Store a state once; the first kind and parent stay."""
    _require_known(database, parent)
    with database.write() as writer:
        _insert_whole(writer, network, kind, parent, now)
    return network.id


class StoredReading(NamedTuple):
    """The account of a file as a JSON document, and every name that the file gives its nodes."""

    account: str
    names: Mapping[str, tuple[str, ...]]
    interfaces: Mapping[str, str] = MappingProxyType({})  # what routers call them, by the link that leaves each


def insert_inventory(
    database: Database, networks: Sequence[Network], now: datetime, readings: Mapping[str, StoredReading]
) -> None:
    """Store several inventories in one transaction; the last one becomes the current snapshot."""
    with database.write() as writer:
        for network in networks:
            _insert_whole(writer, network, "inventory", None, now)
        for snapshot, reading in readings.items():
            row = [snapshot, reading.account, json.dumps(reading.names), json.dumps(dict(reading.interfaces))]
            writer.run("INSERT OR REPLACE INTO reading VALUES (?, ?, ?, ?)", row)
        for network in networks[-1:]:
            writer.run(_MIRROR, [network.id])


def insert_branch(database: Database, base: str, changes: Sequence[Change], now: datetime) -> str:
    """Store a branch as its changes."""
    network = apply_all(select_network(database, base), changes)
    document = _CHANGES.dump_json(tuple(changes)).decode()
    with database.write() as writer:
        _claim(writer, (network.id, network.name, "branch", base, micros(now), document, network.igp, network.repair))
    return network.id


def select_snapshots(database: Database) -> tuple[SnapshotEntry, ...]:
    """Every snapshot, oldest first."""
    rows = database.rows(
        "SELECT id, network, kind, parent, epoch_us(created) FROM snapshot ORDER BY created, rowid",
    )
    return tuple(SnapshotEntry(id, name, kind, parent, from_micros(at)) for id, name, kind, parent, at in rows)


def select_network(database: Database, snapshot: str) -> Network:
    """Load a snapshot or a branch, and check that it is what was stored."""
    _require_known(database, snapshot)
    base, branches = snapshot, dict[str, tuple[Change, ...]]()
    while True:
        found = database.rows("SELECT network, parent, changes, igp, repair FROM snapshot WHERE id = ?", [base])
        name, parent, changes, igp, repair = found[0]
        if changes is None:
            break
        if base in branches:
            raise StoreError(f"snapshot {base} is a branch of itself: the twin file is damaged", fix="use a copy")
        branches[base], base = _CHANGES.validate_json(changes), parent
    network = replace(_whole(database, base, name), igp=igp or "", repair=repair or "ti-lfa")
    for changed in reversed(branches.values()):
        network = apply_all(network, changed)
    if network.id != snapshot:
        raise StoreError(f"snapshot {snapshot} reads back as {network.id}: the twin file is damaged", fix="use a copy")
    return network


def select_reading(database: Database, snapshot: str) -> StoredReading | None:
    """Return the account that a snapshot was read with; of a branch or a derived state, that of its origin."""
    seen: set[str] = set()
    while snapshot not in seen:
        seen.add(snapshot)
        rows = database.rows("SELECT account, names, interfaces FROM reading WHERE snapshot = ?", [snapshot])
        if rows:
            account, names, interfaces = rows[0]
            known = {str(name): tuple(nodes) for name, nodes in json.loads(names).items()}
            return StoredReading(account, known, {str(x): str(y) for x, y in json.loads(interfaces or "{}").items()})
        parents = database.rows("SELECT parent FROM snapshot WHERE id = ? AND parent IS NOT NULL", [snapshot])
        if not parents:
            return None
        snapshot = str(parents[0][0])
    raise StoreError(f"snapshot {snapshot} is its own parent: the twin file is damaged", fix="use a copy")


def select_current(database: Database) -> str | None:
    """Return the snapshot that mirrors the network now."""
    rows = database.rows("SELECT snapshot FROM mirror")
    return rows[0][0] if rows else None


def update_current(database: Database, snapshot: str) -> None:
    """Say which snapshot mirrors the network now."""
    _require_known(database, snapshot)
    with database.write() as writer:
        writer.run(_MIRROR, [snapshot])


def _insert_whole(writer: Writer, network: Network, kind: SnapshotKind, parent: str | None, now: datetime) -> None:
    if not _claim(writer, (network.id, network.name, kind, parent, micros(now), None, network.igp, network.repair)):
        return
    names = {"source": np.array([node.name for node in network.nodes], dtype=object)}
    names["target"] = names["source"]
    for table, columns in _tables(network).items():
        length = len(next(iter(columns.values())))
        named = names if table == "demand" else {}
        digest = _digest({**columns, **{f"names of {name}": x for name, x in named.items()}})
        known = writer.run("SELECT holder FROM snapshot_part WHERE part = ? AND digest = ? LIMIT 1", [table, digest])
        holder = known[0][0] if known else network.id
        writer.run("INSERT INTO snapshot_part VALUES (?, ?, ?, ?)", [network.id, table, digest, holder])
        if not known:
            owner = np.array([network.id] * length, dtype=object)
            writer.insert(table, {"snapshot": owner, **columns}, names=named)


def _digest(columns: Mapping[str, np.ndarray[Any, Any]]) -> str:
    """Hash of rows in their order: equal ones are equal to the last bit, and of one type."""
    found = hashlib.sha256()
    for name, column in columns.items():
        text = column.dtype.kind == "O"
        content = json.dumps(column.tolist()).encode() if text else np.ascontiguousarray(column).tobytes()
        found.update(f"{name} {column.dtype.str} {len(content)}\n".encode() + content)
    return found.hexdigest()


def _claim(writer: Writer, row: Row) -> bool:
    """Insert the snapshot's own row; false when it is already there."""
    added = writer.run(
        "INSERT INTO snapshot SELECT $1, $2, $3, $4, make_timestamptz($5::BIGINT), $6::JSON, $7, $8 "
        "WHERE NOT EXISTS (SELECT 1 FROM snapshot WHERE id = $1)",
        row,
    )
    return bool(added[0][0])


def _require_known(database: Database, snapshot: str | None) -> None:
    if snapshot is None or database.rows("SELECT 1 FROM snapshot WHERE id = ?", [snapshot]):
        return
    raise UnknownElementError("snapshot", snapshot, [entry.id for entry in select_snapshots(database)])


def _tables(network: Network) -> dict[str, dict[str, np.ndarray[Any, Any]]]:
    sources, targets = np.nonzero(network.demands)
    tables = {
        "node": _columns(Node._fields, network.nodes),
        "link": _columns(Link._fields, network.links),
        "demand": {"source": sources, "target": targets, "mbps": network.demands[sources, targets]},
        "demand_limit": _columns(("source", "target", "mbps"), network.limits),
        "astray": _columns(("does", "place", "target", "share"), network.astray),
        "tunnel": _columns(_TUNNEL, [_tunnel_row(x) for x in network.tunnels]),
        "traffic_class": _columns(TrafficClass._fields, network.classes),
        "class_share": _columns(ClassShare._fields, network.class_shares),
        "risk_group": _columns(("name", "circuits"), [(x.name, json.dumps(x.circuits)) for x in network.risk_groups]),
    }
    tables["link"]["parallel"] = tables["link"].pop("index")
    tables["link"]["name"] = np.array([link.name for link in network.links], dtype=object)
    tables["link"]["circuit"] = np.array([link.circuit for link in network.links], dtype=object)
    for table in ("node", "link", "risk_group"):
        tables[table]["position"] = np.arange(len(next(iter(tables[table].values()))))
    return tables


def _columns(names: Sequence[str], rows: Sequence[Row]) -> dict[str, np.ndarray[Any, Any]]:
    values = list(zip(*rows, strict=True)) or [()] * len(names)
    return {name: _column(column) for name, column in zip(names, values, strict=True)}


def _column(values: Sequence[Any]) -> np.ndarray[Any, Any]:
    return np.array(values, dtype=object if values and isinstance(values[0], str) else None)


def _tunnel_row(tunnel: Tunnel) -> Row:
    return (
        tunnel.name,
        tunnel.source,
        tunnel.target,
        json.dumps([x.model_dump(mode="json") for x in tunnel.paths]),
        tunnel.path,
        tunnel.on_invalid,
    )


def _whole(database: Database, snapshot: str, name: str) -> Network:
    parts = database.rows("SELECT part, holder FROM snapshot_part WHERE snapshot = ?", [snapshot])
    holder = {str(part): str(held) for part, held in parts}  # of a part that shares nothing: the snapshot itself

    def rows(columns: str, table: str, order: str = "position") -> list[Row]:
        sql = f"SELECT {columns} FROM {table} WHERE snapshot = ? ORDER BY {order}"  # noqa: S608 - constants
        return database.rows(sql, [holder.get(table, snapshot)])

    nodes = tuple(Node(*row) for row in rows("name, longitude, latitude, up, drained, kind, cost_out", "node"))
    if len(nodes) > MAX_NODES:
        raise StoreError(f"snapshot {snapshot} has more than {MAX_NODES:,} nodes", fix="use a copy")
    state = "up, drained, asleep, loss, adjacent, members, min_members, degraded_weight, cost_out"
    links = rows(f"tail, head, capacity, weight, delay_ms, parallel, {state}", "link")
    tunnels = rows(", ".join(_TUNNEL), "tunnel", "name")
    return Network(
        name,
        nodes,
        tuple(Link(*row) for row in links),
        _demands(database, holder.get("demand", snapshot), [node.name for node in nodes]),
        tunnels=tuple(
            Tunnel(name=x[0], source=x[1], target=x[2], paths=_PATHS.validate_json(x[3]), path=x[4], on_invalid=x[5])
            for x in tunnels
        ),
        risk_groups=tuple(RiskGroup(x[0], tuple(json.loads(x[1]))) for x in rows("name, circuits", "risk_group")),
        classes=tuple(TrafficClass(*x) for x in rows(", ".join(TrafficClass._fields), "traffic_class", "name")),
        class_shares=tuple(
            ClassShare(*x) for x in rows(", ".join(ClassShare._fields), "class_share", "source, target, name")
        ),
        limits=tuple(DemandLimit(*row) for row in rows("source, target, mbps", "demand_limit", "source, target")),
        astray=tuple(Astray(*row) for row in rows("does, place, target, share", "astray", "does, place, target")),
    )


def _demands(database: Database, holder: str, nodes: list[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    names = "(SELECT unnest(?::VARCHAR[]) AS name, unnest(range(len(?::VARCHAR[]))) AS position)"
    found = database.columns(
        "SELECT s.position AS source, t.position AS target, mbps FROM demand "  # noqa: S608 - constants
        f"JOIN {names} AS s ON s.name = demand.source JOIN {names} AS t ON t.name = demand.target "
        "WHERE demand.snapshot = ?",
        [nodes, nodes, nodes, nodes, holder],
    )
    demands = np.zeros((len(nodes), len(nodes)))
    demands[found["source"], found["target"]] = found["mbps"]
    return demands
