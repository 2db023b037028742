"""Telemetry as it comes in, made fit to be arranged: what cannot be true is taken out, and counted."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from twin.errors import InputError
from twin.live.network import (
    Flags,
    FlowSamples,
    InterfaceSamples,
    LinkSamples,
    NodeSamples,
    ProbeSamples,
    Telemetry,
    TrafficSamples,
)
from twin.live.peerings import PeeringSamples
from twin.model import Floats

_UNIT_LIMIT = 1e9  # Mbit/s; no interface sends a petabit per second


class Intake(NamedTuple):
    """What was wrong with the rows; every count is of rows or, for `impossible`, of values."""

    rows: int
    undated: int  # without a finite time: left out
    future: int  # dated after the reader's clock: left out
    duplicated: int  # the same element and time again: of these the last one counts
    disordered: int  # older than the row before
    impossible: int  # negative, infinite or beyond any interface: treated as missing

    @property
    def defects(self) -> int:
        """Rows and values that are wrong in a way that costs a measurement."""
        return self.undated + self.future + self.impossible


def take_in(telemetry: Telemetry, now: datetime | None = None) -> tuple[Telemetry, Intake]:
    """Leave out undated and future rows, blank impossible values, and put the rest in time order.

    Without `now` no row is of the future. Raises `InputError` on columns of unequal length or on a clock without zone.
    """
    if now is not None and now.tzinfo is None:
        raise InputError(f"{now} has no time zone", fix="give it one: datetime(…, tzinfo=UTC)")
    latest = np.inf if now is None else now.timestamp() + telemetry.declared.clocks_s
    counts = np.zeros(5, dtype=np.int64)
    rows = 0
    kept: list[Any] = []
    for table in (getattr(telemetry, name) for name in _TABLES):
        _require_columns(table)
        cleaned, found = _cleaned(table, latest)
        counts += found
        rows += len(table.time)
        kept.append(cleaned)
    undated, future, duplicated, disordered, impossible = (int(x) for x in counts)
    tally = Intake(rows, undated, future, duplicated, disordered, impossible)
    if not any(tally[1:]):
        return telemetry, tally
    return replace(telemetry, **dict(zip(_TABLES, kept, strict=True))), tally


_Table = LinkSamples | NodeSamples | ProbeSamples | TrafficSamples | InterfaceSamples | FlowSamples | PeeringSamples
_TABLES = ("links", "nodes", "probes", "traffic", "interfaces", "flows", "peerings")
_RATES = ("out_mbps", "in_mbps", "dropped_mbps", "mbps", "errors_per_s", "packets_per_s", "flows_per_s", "delay_ms")
_KEYS = ("link", "node", "source", "target")


def _cleaned(table: _Table, latest: float) -> tuple[_Table, np.ndarray[Any, np.dtype[np.int64]]]:
    time = np.asarray(table.time, dtype=np.float64)
    dated = np.isfinite(time)
    future = dated & (time > latest)
    kept = dated & ~future
    disordered = int(np.sum(np.diff(time[kept]) < 0))
    columns = {name: np.asarray(column) for name, column in table._asdict().items()}
    if disordered or not kept.all():  # else nothing is copied: a thousand nodes have gigabytes of rows
        order = np.flatnonzero(kept)[np.argsort(time[kept], kind="stable")]
        columns = {name: column[order] for name, column in columns.items()}
    impossible = 0
    for name in _RATES:
        if name in columns:
            bad = _impossible(columns[name])
            if bad.any():
                impossible += int(bad.sum())
                columns[name] = np.where(bad, np.nan, columns[name])
    counts = [int(np.sum(~dated)), int(future.sum()), _duplicated(columns), disordered, impossible]
    return table._replace(**columns), np.array(counts, dtype=np.int64)


def _impossible(values: Floats) -> Flags:
    return (values < 0) | (values > _UNIT_LIMIT)


def _duplicated(columns: dict[str, Any]) -> int:
    keys = [columns[name] for name in (*_KEYS, "time") if name in columns]
    if not len(keys[0]) or _ascending([columns["time"], *keys[:-1]]):
        return 0
    order = np.lexsort(keys)
    same = np.ones(len(order) - 1, dtype=bool)
    for key in keys:
        same &= key[order][1:] == key[order][:-1]
    return int(same.sum())


def _ascending(keys: Sequence[np.ndarray[Any, Any]]) -> bool:
    """Whether rows rise by these keys, the first of them first, so that no two are the same: most sources write so."""
    equal = np.ones(len(keys[0]) - 1, dtype=np.bool_)
    risen = np.zeros_like(equal)
    for key in keys:
        risen |= equal & (key[1:] > key[:-1])
        equal &= key[1:] == key[:-1]
    return bool(risen.all())


def _require_columns(table: _Table) -> None:
    lengths = {len(column) for column in table}
    if len(lengths) > 1:
        name = type(table).__name__
        raise InputError(f"columns of {name} differ in length: {sorted(lengths)}", fix="give every row every column")
