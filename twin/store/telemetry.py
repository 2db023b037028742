"""Telemetry as time series: appended in bulk, never lost or doubled when the same interval is read again."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from pydantic import ValidationError

from twin.errors import InputError, StoreError, UnknownElementError
from twin.live.declared import Declaration
from twin.live.network import (
    Event,
    FlowSamples,
    InterfaceSamples,
    LinkSamples,
    NodeSamples,
    ProbeSamples,
    Telemetry,
    TrafficSamples,
)
from twin.live.peerings import REASONS, PeeringSamples, claimants
from twin.model import Floats, Ints, Network

from .database import Database, ascending
from .times import micros

_KEYS = {
    "link_sample": ("network", "time", "link"),
    "node_sample": ("network", "time", "node"),
    "path_probe": ("network", "time", "source", "target"),
    "traffic_sample": ("network", "time", "source", "target"),
    "interface_sample": ("network", "time", "link"),
    "flow_sample": ("network", "time", "source", "target"),
    "peering_sample": ("network", "time", "link"),
    "event": ("network", "time", "node", "severity", "message", "copy"),
}
_AT_ONCE = 500_000  # rows
Objects = np.ndarray[Any, np.dtype[np.object_]]


def insert_telemetry(database: Database, telemetry: Telemetry, network: Network, *, at_once: int = _AT_ONCE) -> int:
    """Append what is new, all or nothing; returns how many rows were.

    About `at_once` rows are laid out at a time, all of a moment together: four samples of a thousand nodes are four
    million rows of flow export. A sample of traffic from files of flows is read before its last flow has ended, or
    after the file of its first has gone: of two readings the larger one stays.
    """
    nodes: Objects = np.array([node.name for node in network.nodes], dtype=object)
    links: Objects = np.array([link.name for link in network.links], dtype=object)
    reasons: Objects = np.array(REASONS, dtype=object)
    claimed: Objects = np.array(claimants(network), dtype=object)
    elements = {"link": links, "node": nodes, "source": nodes, "target": nodes, "reason": reasons, "claimed": claimed}
    added = 0
    with database.write() as writer:
        for table, columns in _tables(telemetry).items():
            names = {} if table == "event" else {name: x for name, x in elements.items() if name in columns}
            for name, known in names.items():
                _check_range(columns[name], len(known), name)
            for rows in _parts(columns["time"], at_once):
                some = {name: column[rows] for name, column in columns.items()}
                some["time"] = some["time"] if table == "event" else _stamps(some["time"])
                grows = "mbps" if table == "traffic_sample" and telemetry.declared.sparse else ""
                added += writer.insert(table, some, key=_KEYS[table], names=names, network=network.name, grows=grows)
        if telemetry.declared != Declaration():
            row = [network.name, telemetry.declared.model_dump_json()]
            writer.run("INSERT OR REPLACE INTO declaration VALUES (?, ?)", row)
    return added


def select_telemetry(database: Database, network: Network, since: datetime) -> Telemetry:
    """Return everything after `since`, in time order, elements as positions in `network`."""
    nodes, links = list(network.node_index), list(network.link_index)
    after = [network.name, micros(since)]
    node = _located(database, "node_sample", after, {"node": nodes})
    probe = _located(database, "path_probe", after, {"source": nodes, "target": nodes})
    traffic = _located(database, "traffic_sample", after, {"source": nodes, "target": nodes})
    interface = _located(database, "interface_sample", after, {"link": links})
    flow = _located(database, "flow_sample", after, {"source": nodes, "target": nodes})
    told: dict[str, list[str]] = {"link": links, "reason": list(REASONS), "claimed": list(claimants(network))}
    peering = _located(database, "peering_sample", after, told)
    event = _located(database, "event", after, {})
    lines = zip(event["seconds"], event["node"], event["severity"], event["message"], strict=True)
    return Telemetry(
        select_links(database, network, since),
        NodeSamples(node["seconds"], node["node"], node["answered"]),
        ProbeSamples(probe["seconds"], probe["source"], probe["target"], probe["loss"], probe["delay_ms"]),
        TrafficSamples(traffic["seconds"], traffic["source"], traffic["target"], traffic["mbps"]),
        tuple(Event(float(time), str(name), int(severity), str(line)) for time, name, severity, line in lines),
        InterfaceSamples(interface["seconds"], interface["link"], interface["errors_per_s"], interface["adjacent"]),
        FlowSamples(flow["seconds"], flow["source"], flow["target"], flow["packets_per_s"], flow["flows_per_s"]),
        _declared(database, network),
        PeeringSamples(peering["seconds"], *(peering[name] for name in PeeringSamples._fields[1:])),
    )


def select_links(database: Database, network: Network, since: datetime) -> LinkSamples:
    """Return what was measured of links after `since`, in time order, links as positions in `network`."""
    after = [network.name, micros(since)]
    link = _located(database, "link_sample", after, {"link": list(network.link_index)})
    up = link["up"] if np.isnan(link["up"]).any() else link["up"].astype(np.bool_)
    return LinkSamples(link["seconds"], link["link"], link["out_mbps"], link["in_mbps"], link["dropped_mbps"], up)


def _declared(database: Database, network: Network) -> Declaration:
    rows = database.rows("SELECT document FROM declaration WHERE network = ?", [network.name])
    try:
        return Declaration.model_validate_json(str(rows[0][0])) if rows else Declaration()
    except ValidationError as error:
        raise StoreError(f"what {network.name} declares of its instruments cannot be read", fix="use a copy") from error


def _located(
    database: Database, table: str, after: Sequence[object], elements: Mapping[str, list[str]]
) -> dict[str, np.ndarray[Any, Any]]:
    """Rows of a series in time order, then by element, with the columns in `elements` turned into positions."""
    positions = "".join(f", coalesce(of_{column}.position, -1) AS {column}" for column in elements)
    joins = "".join(
        f" LEFT JOIN (SELECT unnest(?::VARCHAR[]) AS name, unnest(range(len(?::VARCHAR[]))) AS position) AS of_{column}"
        f" ON of_{column}.name = rows.{column}"
        for column in elements
    )
    kept = f"rows.* EXCLUDE (network, time{''.join(f', {column}' for column in elements)})"
    kept += " REPLACE (rows.up::DOUBLE AS up)" if table == "link_sample" else ""
    chosen = f"SELECT {kept}, epoch_us(rows.time) / 1e6 AS seconds{positions} FROM {table} AS rows{joins}"  # noqa: S608 - names come from this module alone
    order = "" if elements else " ORDER BY rows.time, line"
    sql = f"{chosen} WHERE network = ? AND rows.time > make_timestamptz(?::BIGINT){order}"
    names = [known for known in elements.values() for _ in range(2)]
    rows = database.columns(sql, [*names, *after])
    if not elements:
        return rows
    for column, known in elements.items():
        if (rows[column] < 0).any():
            raise _unknown(database, table, column, known, after)
    order_by = [rows["seconds"], *(rows[column] for column in elements)]
    if ascending(order_by):
        return rows
    by_time = np.lexsort(order_by[::-1])
    return {name: column[by_time] for name, column in rows.items()}


def _unknown(
    database: Database, table: str, column: str, known: list[str], after: Sequence[object]
) -> UnknownElementError:
    sql = (
        f"SELECT DISTINCT {column} FROM {table} "  # noqa: S608 - names come from this module alone
        "WHERE network = ? AND time > make_timestamptz(?::BIGINT) ORDER BY 1"
    )
    names = [str(name) for (name,) in database.rows(sql, after)]
    return UnknownElementError(column, next(name for name in names if name not in known), known)


def _tables(telemetry: Telemetry) -> dict[str, dict[str, np.ndarray[Any, Any]]]:
    """Columns by table; those of a series are named as its fields, with their times in seconds."""
    series = {
        "link_sample": telemetry.links,
        "node_sample": telemetry.nodes,
        "path_probe": telemetry.probes,
        "traffic_sample": telemetry.traffic,
        "interface_sample": telemetry.interfaces,
        "flow_sample": telemetry.flows,
        "peering_sample": telemetry.peerings,
    }
    tables: dict[str, dict[str, np.ndarray[Any, Any]]] = {table: rows._asdict() for table, rows in series.items()}
    return {**tables, "event": _event_columns(telemetry.events)}


def _parts(time: Floats | Ints, most: int) -> Iterator[slice]:
    """Yield stretches of rows that end where a moment does; all rows at once where they are in no order of time."""
    ordered = not (time[1:] < time[:-1]).any()
    begin = 0
    while begin < len(time):
        last = min(begin + most, len(time)) - 1
        moment = np.searchsorted(time, time[last : last + 1], side="right") if ordered else [len(time)]
        end = max(int(moment[0]), last + 1)
        yield slice(begin, end)
        begin = end


def _check_range(positions: Ints, count: int, column: str) -> None:
    """No sample may be lost because its element has no name."""
    if positions.size and not 0 <= positions.min() <= positions.max() < count:
        wrong = positions.max() if positions.max() >= count else positions.min()
        raise InputError(
            f"telemetry names {column} {wrong}, the inventory has {count}",
            fix="read the topology again: the inventory is older than the telemetry",
        )


def _event_columns(events: tuple[Event, ...]) -> dict[str, np.ndarray[Any, Any]]:
    """Events as columns; the order and the copies within one instant are counted, for time alone tells neither."""
    times = _stamps(np.array([event.time for event in events], dtype=np.float64))
    copies, lines = Counter[tuple[int, Event]](), Counter[int]()
    counted: list[tuple[int, int]] = []
    for time, event in zip(times.tolist(), events, strict=True):
        copies[time, event] += 1
        lines[time] += 1
        counted.append((copies[time, event], lines[time]))
    return {
        "time": times,
        "node": np.array([event.node for event in events], dtype=object),
        "severity": np.array([event.severity for event in events], dtype=np.int64),
        "message": np.array([event.message for event in events], dtype=object),
        "copy": np.array([copy for copy, _ in counted], dtype=np.int64),
        "line": np.array([line for _, line in counted], dtype=np.int64),
    }


def _stamps(seconds: Floats) -> Ints:
    """Epoch seconds as the whole microseconds that the table keeps."""
    return np.round(np.asarray(seconds, dtype=np.float64) * 1e6).astype(np.int64)
