"""Telemetry as time series: appended in bulk, never lost or doubled when the same interval is read again."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from twin.errors import UnknownElementError
from twin.live.network import Event, LinkSamples, NodeSamples, ProbeSamples, Telemetry, TrafficSamples
from twin.model import Floats, Ints, Network

from .database import Database
from .times import micros

_KEYS = {
    "link_sample": ("network", "time", "link"),
    "node_sample": ("network", "time", "node"),
    "path_probe": ("network", "time", "source", "target"),
    "traffic_sample": ("network", "time", "source", "target"),
    "event": ("network", "time", "node", "severity", "message", "copy"),
}
Objects = np.ndarray[Any, np.dtype[np.object_]]


def insert_telemetry(database: Database, telemetry: Telemetry, network: Network) -> int:
    """Append what is new, all or nothing; returns how many rows were."""
    added = 0
    with database.write() as writer:
        for table, columns in _tables(telemetry, network).items():
            length = len(columns["time"])
            columns["network"] = np.array([network.name] * length, dtype=object)
            added += writer.insert(table, columns, key=_KEYS[table])
    return added


def select_telemetry(database: Database, network: Network, since: datetime) -> Telemetry:
    """Return everything after `since`, in time order, elements as positions in `network`."""
    nodes, links = network.node_index, network.link_index
    after = [network.name, micros(since)]
    link = _located(database, "link_sample", after, {"link": links})
    node = _located(database, "node_sample", after, {"node": nodes})
    probe = _located(database, "path_probe", after, {"source": nodes, "target": nodes})
    traffic = _located(database, "traffic_sample", after, {"source": nodes, "target": nodes})
    event = _located(database, "event", after, {}, order="line")
    lines = zip(event["seconds"], event["node"], event["severity"], event["message"], strict=True)
    return Telemetry(
        LinkSamples(link["seconds"], link["link"], link["out_mbps"], link["in_mbps"], link["dropped_mbps"], link["up"]),
        NodeSamples(node["seconds"], node["node"], node["answered"]),
        ProbeSamples(probe["seconds"], probe["source"], probe["target"], probe["loss"], probe["delay_ms"]),
        TrafficSamples(traffic["seconds"], traffic["source"], traffic["target"], traffic["mbps"]),
        tuple(Event(float(time), str(name), int(severity), str(line)) for time, name, severity, line in lines),
    )


def _located(
    database: Database,
    table: str,
    after: Sequence[object],
    elements: Mapping[str, Mapping[str, int]],
    *,
    order: str = "rowid",
) -> dict[str, np.ndarray[Any, Any]]:
    """Rows of a series in time order, then by element, with the columns in `elements` turned into positions."""
    sql = (
        f"SELECT *, epoch_us(time) / 1e6 AS seconds FROM {table} "  # noqa: S608 - names come from this module alone
        f"WHERE network = ? AND time > make_timestamptz(?::BIGINT) ORDER BY time, {order}"
    )
    rows = database.columns(sql, after)
    for column, index in elements.items():
        rows[column] = _positions(rows[column], index, column)
    by_time = np.lexsort((*(rows[column] for column in reversed(list(elements))), rows["seconds"]))
    return {name: column[by_time] for name, column in rows.items()}


def _tables(telemetry: Telemetry, network: Network) -> dict[str, dict[str, np.ndarray[Any, Any]]]:
    names: Objects = np.array([node.name for node in network.nodes], dtype=object)
    links: Objects = np.array([link.name for link in network.links], dtype=object)
    link, node, probe, traffic = telemetry.links, telemetry.nodes, telemetry.probes, telemetry.traffic
    return {
        "link_sample": {
            "time": _stamps(link.time),
            "link": links[link.link],
            "out_mbps": link.out_mbps,
            "in_mbps": link.in_mbps,
            "dropped_mbps": link.dropped_mbps,
            "up": link.up,
        },
        "node_sample": {"time": _stamps(node.time), "node": names[node.node], "answered": node.answered},
        "path_probe": {
            "time": _stamps(probe.time),
            "source": names[probe.source],
            "target": names[probe.target],
            "loss": probe.loss,
            "delay_ms": probe.delay_ms,
        },
        "traffic_sample": {
            "time": _stamps(traffic.time),
            "source": names[traffic.source],
            "target": names[traffic.target],
            "mbps": traffic.mbps,
        },
        "event": _event_columns(telemetry.events),
    }


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


def _positions(names: Objects, index: Mapping[str, int], kind: str) -> Ints:
    for name in names:
        if name not in index:
            raise UnknownElementError(kind, str(name), index)
    return np.array([index[name] for name in names], dtype=np.int64)
