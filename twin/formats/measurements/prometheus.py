"""Counters from a Prometheus API, or from answers of it in files, as a table of one row a time and interface.

Raw samples are asked for by a range selector on the instant endpoint, never `rate()`, which is up to 63 % wrong after a
gap: differences are taken at the samples' own times. VictoriaMetrics, Thanos and Mimir answer in the same form.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, cast

from pydantic import JsonValue

from twin.files import parse_json, read_text

from ..source import Source
from .sheet import Sheet

_NODE = ("node", "router", "source", "target", "device_name", "sysName", "instance", "host")
_INTERFACE = ("ifName", "interface_name", "name", "device", "interface", "ifDescr")
_DESCRIPTION = ("ifAlias", "description", "interface_description")
_INDEX = ("ifIndex",)
_UPTIME = "sysUpTime"


class MetricColumns(NamedTuple):
    """Which metric is which quantity, by the names that one kind of exporter gives them."""

    exporter: str
    quantities: Mapping[str, str]  # metric to the column it becomes


EXPORTERS: tuple[MetricColumns, ...] = (
    MetricColumns(
        "snmp_exporter if_mib",
        {
            "ifHCOutOctets": "ifHCOutOctets",
            "ifHCInOctets": "ifHCInOctets",
            "ifOutOctets": "ifOutOctets",
            "ifInOctets": "ifInOctets",
            "ifOperStatus": "ifOperStatus",
            "ifInErrors": "ifInErrors",
            "ifOutDiscards": "ifOutDiscards",
            "ifLastChange": "ifLastChange",
            "sysUpTime": _UPTIME,
        },
    ),
    MetricColumns(
        "node_exporter",
        {
            "node_network_transmit_bytes_total": "ifHCOutOctets",
            "node_network_receive_bytes_total": "ifHCInOctets",
            "node_network_up": "up",
            "node_network_receive_errs_total": "ifInErrors",
            "node_network_transmit_drop_total": "ifOutDiscards",
            "node_network_carrier_changes_total": "carrier_changes",
        },
    ),
    MetricColumns(
        "gnmic and telegraf, OpenConfig interfaces",
        {
            "interfaces_interface_state_counters_out_octets": "ifHCOutOctets",
            "interfaces_interface_state_counters_in_octets": "ifHCInOctets",
            "interfaces_interface_state_counters_in_errors": "ifInErrors",
            "interfaces_interface_state_counters_out_discards": "ifOutDiscards",
            "interfaces_interface_state_counters_carrier_transitions": "carrier_changes",
            "interfaces_interface_state_last_change": "ifLastChange",
            "gnmic_out_octets": "ifHCOutOctets",
            "gnmic_in_octets": "ifHCInOctets",
            "interface_state_counters_out_octets": "ifHCOutOctets",
            "interface_state_counters_in_octets": "ifHCInOctets",
        },
    ),
)
"""What well-known exporters call their counters."""


class ExposedSample(NamedTuple):
    """One raw sample of one series."""

    metric: str
    labels: Mapping[str, str]
    time: float
    value: str


def is_prometheus(path: str, head: bytes) -> bool:
    """Whether a file is an answer of the API, by its first bytes."""
    return not path.lower().endswith(".parquet") and bool(re.search(rb'"resultType"\s*:\s*"(?:matrix|vector)"', head))


def prometheus_sheet(path: str) -> Sheet:
    """Turn an answer in a file into a table. Raises `FormatError` where it holds no counter that is known."""
    source = Source(path)
    try:
        samples = read_answer(parse_json(read_text(path)))
    except ValueError as error:
        raise source.error("the whole file", f"an answer of the Prometheus API; {error}") from error
    return sheet_of(source, samples)


def read_answer(answer: JsonValue) -> Sequence[ExposedSample]:
    """Read the samples of an answer. Raises `ValueError` with what the server says, or what is no such answer."""
    content = answer if isinstance(answer, dict) else {}
    if content.get("status") != "success":
        raise ValueError(f"the server says {str(content.get('error', 'nothing'))[:160]}")
    data = content.get("data")
    result = data.get("result") if isinstance(data, dict) else None
    if not isinstance(result, list):
        raise ValueError("no result is in it")
    return [sample for series in result for sample in _samples(series)]


def sheet_of(source: Source, samples: Iterable[ExposedSample], quantities: Mapping[str, str] | None = None) -> Sheet:
    """Arrange samples by time, router and interface.

    `quantities` maps metrics to the columns they become, by default those of `EXPORTERS`.
    Raises `FormatError` where none of them is there.
    """
    known = quantities or {metric: column for one in EXPORTERS for metric, column in one.quantities.items()}
    rows: dict[tuple[float, str, str], dict[str, str]] = {}
    described: dict[tuple[str, str], dict[str, str]] = {}
    uptime: dict[tuple[float, str], str] = {}
    for sample in samples:
        column = known.get(sample.metric)
        if column is None:
            continue
        node = _label(sample.labels, _NODE)
        if column == _UPTIME:  # of the router, not of an interface
            uptime[sample.time, node] = sample.value
            continue
        interface = _label(sample.labels, (*_INTERFACE, *_INDEX))
        rows.setdefault((sample.time, node, interface), {})[column] = sample.value
        more = {"ifAlias": _label(sample.labels, _DESCRIPTION), "ifIndex": _label(sample.labels, _INDEX)}
        described.setdefault((node, interface), {}).update({name: text for name, text in more.items() if text})
    if not rows:
        wanted = f"one of the metrics {', '.join(list(known)[:6])}, or a mapping of yours to them"
        raise source.error("the series", wanted)
    keys = sorted(rows)
    columns: dict[str, Sequence[str | None]] = {
        "time": [repr(key[0]) for key in keys],
        "node": [key[1] for key in keys],
        "ifName": [key[2] for key in keys],
    }
    for name in ("ifAlias", "ifIndex"):
        columns[name] = [described[key[1:]].get(name) for key in keys]
    for name in dict.fromkeys(known.values()):
        columns[name] = [uptime.get(key[:2]) if name == _UPTIME else rows[key].get(name) for key in keys]
    return Sheet(source, {name: values for name, values in columns.items() if any(values)})


def _samples(series: JsonValue) -> Iterable[ExposedSample]:
    if not isinstance(series, dict) or not isinstance(labels := series.get("metric"), dict):
        return
    texts = {str(name): str(value) for name, value in labels.items()}
    values = series.get("values", [series["value"]] if "value" in series else [])
    for pair in values if isinstance(values, list) else []:
        if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], int | float):
            yield ExposedSample(texts.get("__name__", ""), texts, float(pair[0]), str(cast("object", pair[1])))


def _label(labels: Mapping[str, str], names: Iterable[str]) -> str:
    return next((labels[name] for name in names if labels.get(name)), "")
