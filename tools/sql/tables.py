"""The tables that `sql` may read, made from what a run's state holds: a copy, under the names of the twin's schema."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tools.box.handover import SymptomReading
from tools.box.run_state import RunState
from twin.diagnose import Hypothesis
from twin.live.network import Event, Telemetry
from twin.live.peerings import REASONS
from twin.model import Network

MAX_ROWS = 400_000  # of one table; the newest are kept

Kind = Literal["time", "number", "integer", "flag", "name"]


class SqlColumn(NamedTuple):
    """One column: `values` [rows]; of kind `name` they are positions in `names`. Times are epoch microseconds."""

    kind: Kind
    values: NDArray[np.int64] | NDArray[np.float64] | NDArray[np.bool_] | NDArray[np.int32]
    names: Sequence[str] = ()


Table = Mapping[str, SqlColumn]

# Columns as a model reads them; text is what devices, files or people wrote, cleaned and labelled on the way out.
SCHEMA: Mapping[str, str] = MappingProxyType(
    {
        "snapshot": "id, kind (inventory: as configured; believed: what the twin takes the network to be), network",
        "node": "snapshot, name, longitude, latitude, up, drained",
        "link": "snapshot, name, circuit, tail, head, capacity, weight, delay_ms, up, drained, asleep, adjacent",
        "demand": "snapshot, source, target, mbps",
        "tunnel": "snapshot, name, source, target, paths",
        "risk_group": "snapshot, name, circuit",
        "link_sample": "time, link, out_mbps, in_mbps, dropped_mbps, up",
        "node_sample": "time, node, answered",
        "path_probe": "time, source, target, loss, delay_ms",
        "traffic_sample": "time, source, target, mbps",
        "interface_sample": "time, link, errors_per_s, adjacent",
        "flow_sample": "time, source, target, packets_per_s, flows_per_s",
        "peering_sample": (
            "time, link, established, reason, received, accepted, reachable, discards, local_pref, path_length, claimed"
        ),
        "event": "time, node, severity, message (untrusted text)",
        "symptom": "kind, element, measured, expected, detail",
        "hypothesis": "rank, kind, element, probability, residual",
    }
)


def tables_of(run_state: RunState) -> dict[str, Table]:
    """Copy everything that a statement may read. Times are UTC, rates Mbit/s."""
    measured = run_state.live.read_telemetry(run_state.since)
    return {**_networks(run_state), **_samples(measured, run_state.inventory), **_findings(run_state)}


def _networks(run_state: RunState) -> dict[str, Table]:
    states = [("inventory", run_state.inventory)]
    if run_state.state.id != run_state.inventory.id:
        states.append(("believed", run_state.state))
    made: dict[str, Table] = {
        "snapshot": {
            "id": _text([x.id for _, x in states]),
            "kind": _text([kind for kind, _ in states]),
            "network": _text([x.name for _, x in states]),
        }
    }
    for name, rows in _TOPOLOGY.items():
        made[name] = _rows(SCHEMA[name], [(x.id, *row) for _, x in states for row in rows(x)])
    return made


def _samples(measured: Telemetry, network: Network) -> dict[str, Table]:
    links, nodes = [x.name for x in network.links], [x.name for x in network.nodes]
    elements: dict[str, Sequence[str]] = {
        **{"link": links, "node": nodes, "source": nodes, "target": nodes},
        "reason": REASONS,
    }
    series = {
        "link_sample": measured.links,
        "node_sample": measured.nodes,
        "path_probe": measured.probes,
        "traffic_sample": measured.traffic,
        "interface_sample": measured.interfaces,
        "flow_sample": measured.flows,
        "peering_sample": measured.peerings,
    }
    made: dict[str, Table] = {}
    for table, samples in series.items():
        columns = samples._asdict()
        made[table] = {name: _series(name, values[-MAX_ROWS:], elements.get(name)) for name, values in columns.items()}
    return {**made, "event": _events(measured.events[-MAX_ROWS:])}


def _series(name: str, values: NDArray[np.float64], elements: Sequence[str] | None) -> SqlColumn:
    if name == "time":
        return SqlColumn("time", np.round(values * 1e6).astype(np.int64))
    if elements is not None:
        return SqlColumn("name", values.astype(np.int32), elements)
    return SqlColumn("flag", values.astype(np.bool_)) if values.dtype == np.bool_ else SqlColumn("number", values)


def _events(events: Sequence[Event]) -> Table:
    return {
        "time": SqlColumn("time", np.array([round(x.time * 1e6) for x in events], dtype=np.int64)),
        "node": _text([x.node for x in events]),
        "severity": SqlColumn("integer", np.array([x.severity for x in events], dtype=np.int64)),
        "message": _text([x.message for x in events]),
    }


def _findings(run_state: RunState) -> dict[str, Table]:
    symptoms = run_state.incident.symptoms if run_state.incident else ()
    ranked = run_state.ranking.hypotheses if run_state.ranking else ()
    return {
        "symptom": _rows(SCHEMA["symptom"], [_symptom(x) for x in symptoms]),
        "hypothesis": _rows(SCHEMA["hypothesis"], [_hypothesis(i, x) for i, x in enumerate(ranked, start=1)]),
    }


def _symptom(found: SymptomReading) -> "Row":
    return found.kind, found.element, found.measured, found.expected, found.detail


def _hypothesis(rank: int, found: Hypothesis) -> "Row":
    kind, element = (str(found.fault.kind), found.fault.element) if found.fault else ("healthy", "")
    return rank, kind, element, found.confidence, found.residual


Row = tuple[str | int | float | bool | None, ...]

_NUMBERS = frozenset(
    {"longitude", "latitude", "capacity", "delay_ms", "mbps", "measured", "expected", "probability", "residual"}
)
_INTEGERS, _FLAGS = frozenset({"weight", "rank"}), frozenset({"up", "drained", "asleep", "adjacent"})

_TOPOLOGY: Mapping[str, Callable[[Network], list[Row]]] = MappingProxyType(
    {
        "node": lambda network: [(x.name, x.longitude, x.latitude, x.up, x.drained) for x in network.nodes],
        "link": lambda network: [
            (
                *(x.name, x.circuit, x.tail, x.head, x.capacity, x.weight, x.delay_ms),
                *(x.up, x.drained, x.asleep, x.adjacent),
            )
            for x in network.links
        ],
        "demand": lambda network: [
            (network.nodes[s].name, network.nodes[t].name, float(network.demands[s, t]))
            for s, t in np.argwhere(network.demands > 0).tolist()
        ],
        "tunnel": lambda network: [
            (x.name, x.source, x.target, "; ".join(f"{path.share:g} via {','.join(path.via)}" for path in x.paths))
            for x in network.tunnels
        ],
        "risk_group": lambda network: [(x.name, circuit) for x in network.risk_groups for circuit in x.circuits],
    }
)


def _rows(columns: str, rows: Sequence[Row]) -> Table:
    names = [name.split(" ")[0] for name in columns.split(", ")]
    return {name: _typed(name, [row[i] for row in rows]) for i, name in enumerate(names)}


def _typed(name: str, values: Sequence[str | int | float | bool | None]) -> SqlColumn:
    if name in _NUMBERS:
        return SqlColumn("number", np.array([np.nan if x is None else x for x in values], dtype=np.float64))
    if name in _INTEGERS:
        return SqlColumn("integer", np.array(values, dtype=np.int64))
    if name in _FLAGS:
        return SqlColumn("flag", np.array(values, dtype=np.bool_))
    return _text([str(x) for x in values])


def _text(values: Sequence[str]) -> SqlColumn:
    names = list(dict.fromkeys(values))
    codes = {name: i for i, name in enumerate(names)}
    return SqlColumn("name", np.array([codes[x] for x in values], dtype=np.int32), names)
