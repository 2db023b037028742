"""From records to a network and its account: what a field means is the same in every format.

A value that the file states is kept, whatever else is missing. What the file leaves open is dimensioned or assumed, and
the account names each such value with the reason; what is not understood is named too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from statistics import median
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from twin.errors import InputError, TopologyError
from twin.model import Floats, Link, Network, RiskGroup
from twin.traffic_classes import ClassShare

from .account import Account, FieldUse
from .arcs import FileArc
from .exits import ExitGroup
from .link_values import arcs_of
from .names import distinct_names
from .node_values import PlacedNode, placed_nodes, with_pseudonodes
from .provision import STANDARD_CAPACITIES, dimension, gravity_of, require_connected
from .records import Records
from .values import value_of
from .vocabulary import LENGTH, RATE, TIME, unit_of

_TOO_BUSY = 100.0  # times its capacity: no network is that full, so a unit is wrong


class Choices(NamedTuple):
    """What the one who imports has said: units by quantity, which network of several, tables to lay over it.

    `columns` and `zone` are for a table of traffic: what its columns are, and where times are that name no zone.

    Invented traffic is drawn with `seed` and scaled until the busiest link is at `peak_utilisation`.
    """

    units: Mapping[str, str] = MappingProxyType({})
    network_id: str | None = None
    peak_utilisation: float = 0.65
    seed: int = 0
    tables: tuple[str, ...] = ()
    columns: Mapping[str, str] = MappingProxyType({})
    zone: tzinfo = UTC
    exits: tuple[ExitGroup, ...] = ()


class Reading(NamedTuple):
    """A network as a file gives it, the account of that, and the names by which the file knows its nodes.

    `names` maps every id and label of the file to the nodes that bear it: more than one where a label repeats.
    """

    network: Network
    account: Account
    names: Mapping[str, tuple[str, ...]]
    unsized: frozenset[str] = frozenset()
    """Circuits whose capacity no file states."""
    interfaces: Mapping[str, str] = MappingProxyType({})
    """What routers call their interfaces, by the directed link that leaves each; text from a file."""

    @property
    def assumed(self) -> tuple[str, ...]:
        """What the file leaves open and what was taken for it, one sentence each."""
        return self.account.assumed


def build(records: Records, choices: Choices | None = None, *, traffic: bool = False) -> Reading:
    """Make the network that records describe, and the account of every field.

    `traffic` is whether the demands will be replaced by a traffic file: none are invented then, and capacities that the
    file leaves open keep the smallest standard size until `fit_capacities`.

    Raises `FormatError` with the place in the file, `TopologyError` when the values fit no network, or cut off nodes.
    """
    choices = choices or Choices()
    records = with_pseudonodes(records)
    source = records.source
    source.require_size(len(records.nodes), "the nodes")
    index = _index(records)
    ends = [(source.known(x.source, index, x.where), source.known(x.target, index, x.where)) for x in records.links]
    nodes, node_uses = placed_nodes(records, ends)
    names = distinct_names([node.label for node in nodes])
    groups = {i for i, node in enumerate(nodes) if node.kind == "exits"}
    arcs, link_uses = arcs_of(_preferring(records, ends, groups), ends, nodes, choices.units)
    arcs = [arc for arc in arcs if arc.tail not in groups]  # nothing comes back from beyond an exit
    network = Network(
        records.name,
        tuple(node.node(name) for node, name in zip(nodes, names, strict=True)),
        tuple(arc.link(names) for arc in arcs),
        _demands(records, index),
        records.tunnels,
        limits=records.limits,
        igp=records.igp,
        repair=records.repair,
        classes=records.classes,
        class_shares=_with_names(records, index, names),
    )
    network = replace(network, risk_groups=_groups(records, arcs, network.links))
    require_connected(names, [(arc.tail, arc.head) for arc in arcs])
    network, sized = _sized(network, arcs, records, choices, traffic=traffic)
    uses = (*records.noted, *node_uses, *_renamed(nodes, names), *link_uses, *sized)
    known = _names(records, nodes, names)
    account = Account(file=source.path, format=records.format, fields=uses)
    unsized = frozenset(x.circuit for x, arc in zip(network.links, arcs, strict=True) if arc.capacity is None)
    interfaces = {x.name: arc.interface for x, arc in zip(network.links, arcs, strict=True) if arc.interface}
    return Reading(network, account, known, unsized, interfaces)


def read_units(said: Iterable[str]) -> Mapping[str, str]:
    """Read units as they are typed, `capacity=gbps`. Raises `InputError` on a quantity or a unit that is not known."""
    known: dict[str, Mapping[str, float]] = {
        **{"capacity": RATE, "traffic": RATE, "counters": RATE, "delay": TIME, "length": LENGTH},
        "time": {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "dmy": 0.0, "mdy": 0.0},
    }
    found: dict[str, str] = {}
    for text in said:
        quantity, _, unit = text.partition("=")
        units = known.get(quantity.strip().lower())
        word = unit_of(unit, units) if units else None
        if units is None or word is None:
            options = "; ".join(f"{name}={'|'.join(list(of)[:6])}" for name, of in known.items())
            raise InputError(f"no unit {text!r}", fix=f"write one of {options}")
        found[quantity.strip().lower()] = word
    return found


def require_plausible(path: str, busiest: float) -> None:
    """Raise `TopologyError` when loads are so far above the capacities that one of their units must be wrong."""
    if busiest > _TOO_BUSY:
        raise TopologyError(
            f"{path}: the busiest link would carry {busiest:,.0f} times its capacity",
            fix="say the unit, such as --unit capacity=gbps or --unit traffic=kbps",
        )


def fit_capacities(reading: Reading, network: Network, peak: float) -> Network:
    """Size the circuits whose capacity no file states for the traffic that `network` carries."""
    known = np.array([link.circuit not in reading.unsized for link in network.links], dtype=bool)
    return network if known.all() else dimension(network, known, peak_utilisation=peak, fixed=True)


def _with_names(records: Records, index: Mapping[str, int], names: Sequence[str]) -> tuple[ClassShare, ...]:
    """Shares of classes with the names that nodes have here."""
    found: list[ClassShare] = []
    for part in records.class_shares:
        ends = [names[records.source.known(x, index, "$.graph.class_shares")] for x in (part.source, part.target)]
        found.append(part._replace(source=ends[0], target=ends[1]))
    return tuple(found)


def _preferring(records: Records, ends: Sequence[tuple[int, int]], groups: set[int]) -> Records:
    """Give each exit without one the first preference: no metric is made up for it."""
    if not groups:
        return records
    links = [
        x
        if not groups & {*pair} or value_of(x.fields, "link", "weight") not in (None, "")
        else x._replace(fields={**x.fields, "weight": 1})
        for x, pair in zip(records.links, ends, strict=True)
    ]
    return replace(records, links=links)


def _index(records: Records) -> dict[str, int]:
    index: dict[str, int] = {}
    for number, node in enumerate(records.nodes):
        if node.id in index:
            raise records.source.error(node.where, f"an id that is not used twice, not {node.id!r}")
        index[node.id] = number
    return index


def _demands(records: Records, index: Mapping[str, int]) -> Floats:
    demands = np.zeros((len(index), len(index)))
    for demand in records.demands:
        s = records.source.known(demand.source, index, demand.where)
        t = records.source.known(demand.target, index, demand.where)
        demands[s, t] += demand.volume
    np.fill_diagonal(demands, 0.0)
    return demands


def _groups(records: Records, arcs: list[FileArc], links: tuple[Link, ...]) -> tuple[RiskGroup, ...]:
    """Risk groups as our own files list them, or else one per shared-risk value of a link."""
    if records.groups:
        return tuple(RiskGroup(name, tuple(circuits)) for name, circuits in records.groups.items())
    found: dict[str, dict[str, None]] = {}
    for arc, link in zip(arcs, links, strict=True):
        for value in arc.risks:
            found.setdefault(value, {})[link.circuit] = None
    ordered = sorted(found.items(), key=lambda item: (not item[0].isdigit(), item[0].zfill(12)))
    return tuple(RiskGroup(name if not name.isdigit() else f"srlg-{name}", tuple(x)) for name, x in ordered)


def _sized(
    network: Network, arcs: list[FileArc], records: Records, choices: Choices, *, traffic: bool
) -> tuple[Network, list[FieldUse]]:
    """Give every circuit a capacity and, unless a traffic file follows, a bare topology its traffic."""
    known = np.array([arc.capacity is not None for arc in arcs], dtype=bool)
    missing = len({link.circuit for link, is_known in zip(network.links, known, strict=True) if not is_known})
    has_own = bool(network.demands.any())
    if traffic or has_own or records.relative:
        uses = [_dimensioned(missing, len(network.circuits))] if missing else []
    else:
        network, uses = _without_traffic(network, arcs, missing)
    if traffic or not (has_own or records.relative):
        return network, uses
    if not has_own:
        network = network.with_demands(gravity_of(network, choices.seed))
    fixed = has_own and not records.relative
    network = dimension(network, known, peak_utilisation=choices.peak_utilisation, fixed=fixed)
    if not fixed:
        what = "the file's own" if has_own else "a gravity model"
        note = f"{what}, scaled until the busiest link is at {100 * choices.peak_utilisation:.0f} %"
        uses.append(FieldUse(field="traffic", became="assumed", count=int((network.demands > 0).sum()), note=note))
    return network, uses


def _dimensioned(missing: int, circuits: int) -> FieldUse:
    which = "" if missing == circuits else f"of {missing} of {circuits} circuits "
    note = f"{which}dimensioned in standard sizes for the traffic and its failures"
    return FieldUse(field="capacities", became="assumed", count=missing, note=note)


def _without_traffic(network: Network, arcs: list[FileArc], missing: int) -> tuple[Network, list[FieldUse]]:
    """A network that carries nothing: there is nothing to size circuits for but what the others have."""
    uses = [FieldUse(field="traffic", became="assumed", count=0, note="none, as the file has none")]
    stated = [arc.capacity for arc in arcs if arc.capacity is not None]
    if not missing:
        return network, uses
    if not stated:
        note = f"all {STANDARD_CAPACITIES[0]:,.0f} Mbit/s, as the file gives none and no traffic to size them for"
        return network, [*uses, FieldUse(field="capacities", became="assumed", count=missing, note=note)]
    usual = median(stated)
    note = f"of {missing} of {len(network.circuits)} circuits: {usual:g} Mbit/s, the median of those that are stated"
    uses.append(FieldUse(field="capacities", became="assumed", count=missing, note=note))
    links = (
        link if arc.capacity is not None else link._replace(capacity=usual)
        for link, arc in zip(network.links, arcs, strict=True)
    )
    return replace(network, links=tuple(links)), uses


def _renamed(nodes: list[PlacedNode], names: list[str]) -> list[FieldUse]:
    changed = [(node.label, name) for node, name in zip(nodes, names, strict=True) if node.label != name]
    if not changed:
        return []
    shown = ", ".join(f"{label!r} is {name}" for label, name in changed[:3])
    note = f"{len(changed)} nodes have names of letters, digits and _ . & + - here: {shown}"
    return [FieldUse(field="node name", became="used", count=len(changed), note=note)]


def _names(records: Records, nodes: list[PlacedNode], names: list[str]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for record, node, name in zip(records.nodes, nodes, names, strict=True):
        for known in dict.fromkeys((record.id, node.label, name)):
            found.setdefault(known, []).append(name)
    return {known: tuple(dict.fromkeys(group)) for known, group in found.items()}
