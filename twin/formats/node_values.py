"""Nodes from records: names, places and kinds, and what of that the file leaves open."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from twin.model import Node, NodeKind

from .account import FieldUse
from .records import NodeRecord, Records
from .values import field_of, is_costed_out, is_drained, is_up, unread, value_of
from .vocabulary import NO_MEANING, plain, recognise

_LAN = frozenset({"lan", "cloud", "pseudonode", "switch", "hyperedge", "segment", "bridge"})
_EXTERNAL = frozenset(
    {"external", "peer", "internet", "customer", "host", "server", "client", "pc", "datacenter", "emudatacenter"}
)
_EXITS = frozenset({"exits", "exitgroup"})
_ROUTER = frozenset(
    {
        "core", "edge", "backbone", "border", "access", "aggregation", "agg", "distribution", "dist", "spine",
        "leaf", "superspine", "transit", "p", "pe", "ce", "abr", "asbr", "rr", "node", "device", "switchrouter",
        "l3switch", "packetdevice",
    }
)  # fmt: skip


@dataclass(frozen=True)
class PlacedNode:
    """A node before it has its final name; `placed` is whether the file states its place."""

    label: str
    longitude: float
    latitude: float
    placed: bool
    up: bool
    drained: bool
    cost_out: bool
    kind: NodeKind

    def node(self, name: str) -> Node:
        """Return the node of the network."""
        place = self.longitude, self.latitude
        return Node(name, *place, up=self.up, drained=self.drained, kind=self.kind, cost_out=self.cost_out)


def placed_nodes(records: Records, ends: Sequence[tuple[int, int]]) -> tuple[list[PlacedNode], list[FieldUse]]:
    """Read every node; one without a place is drawn amid its neighbours. Raises `FormatError` with the place."""
    places = [_place(records, node) for node in records.nodes]
    drawn = _amid_neighbours(places, ends)
    nodes = [
        PlacedNode(_label(node), *drawn[i], places[i] is not None, *_state(records, node), _kind(node))
        for i, node in enumerate(records.nodes)
    ]
    return nodes, [
        *_used(records),
        *_strange_kinds(records),
        *_left_open(nodes),
        *unread(records.nodes, "node", NO_MEANING),
    ]


def with_pseudonodes(records: Records) -> Records:
    """Take nodes for LANs that state no kind and whose every way off has metric 0: only a pseudonode does so.

    See ISO/IEC 10589, section 7.2.3; at least two routers have to be on it.
    """
    metrics: dict[str, list[str]] = {}
    for link in records.links:
        stated = value_of(link.fields, "link", "weight")
        metrics.setdefault(link.source, []).append("" if stated is None else str(stated))
    free = {name for name, found in metrics.items() if len(found) > 1 and set(found) <= {"0", "0.0"}}
    if not free or not records.directed:
        return records
    nodes = [
        node._replace(fields={**node.fields, "kind": "lan"})
        if node.id in free and not value_of(node.fields, "node", "kind")
        else node
        for node in records.nodes
    ]
    return replace(records, nodes=nodes)


def _label(node: NodeRecord) -> str:
    label = value_of(node.fields, "node", "name")
    return str(label) if label not in (None, "") else node.id


def _place(records: Records, node: NodeRecord) -> tuple[float, float] | None:
    pos = value_of(node.fields, "node", "pos")
    if isinstance(pos, list) and len(pos) == 2:
        east, north = pos
    else:
        east, north = (value_of(node.fields, "node", axis) for axis in ("longitude", "latitude"))
        if east in (None, "") and north in (None, ""):
            return None
    source, where = records.source, node.where
    x, y = (source.number(str(v), where, what) for v, what in ((east, "Longitude"), (north, "Latitude")))
    if not records.planar and not (abs(x) <= 360 and abs(y) <= 90):
        return (x, y) if max(abs(x), abs(y)) <= 1e9 else None
    return x, y


def _state(records: Records, node: NodeRecord) -> tuple[bool, bool, bool]:
    return is_up(records, node, "node"), is_drained(records, node, "node"), is_costed_out(records, node, "node")


def _kind(node: NodeRecord) -> NodeKind:
    kind = _kind_word(node)
    if kind in _LAN or str(value_of(node.fields, "node", "hyperedge") or "0").strip() in ("1", "1.0", "true"):
        return "lan"
    internal = value_of(node.fields, "node", "internal")
    if kind in _EXTERNAL or (internal is not None and str(internal).strip().lower() in ("0", "0.0", "false")):
        return "external"
    return "exits" if kind in _EXITS else "router"


def _kind_word(node: NodeRecord) -> str:
    value = value_of(node.fields, "node", "kind")
    return plain(value) if isinstance(value, str) else ""


def _strange_kinds(records: Records) -> Iterator[FieldUse]:
    """Kinds that nobody knows are taken for routers, which is said."""
    known = _LAN | _EXTERNAL | _EXITS | _ROUTER | {""}
    strange = Counter(
        str(value_of(node.fields, "node", "kind"))[:30]
        for node in records.nodes
        if (word := _kind_word(node)) not in known and "router" not in word
    )
    if strange:
        shown = ", ".join(f"{count} {kind!r}" for kind, count in strange.most_common(4))
        note = f"taken for routers: {shown}{', …' if len(strange) > 4 else ''}"
        yield FieldUse(field="node kinds", became="assumed", count=strange.total(), note=note)


def _used(records: Records) -> Iterator[FieldUse]:
    seen: Counter[tuple[str, str]] = Counter()
    for node in records.nodes:
        for field in node.fields:
            known = recognise(field, "node")
            if known is not None and field_of(node.fields, "node", known.quantity.name) == field:
                seen[field, known.quantity.what] += 1
    for (field, what), count in seen.items():
        yield FieldUse(field=f"node {field}", became="used", count=count, note=what)


def _left_open(nodes: Sequence[PlacedNode]) -> Iterator[FieldUse]:
    unplaced = [node.label for node in nodes if not node.placed]
    if unplaced:
        few = f" ({', '.join(unplaced[:3])}{', …' if len(unplaced) > 3 else ''})" if len(unplaced) < len(nodes) else ""
        note = (
            f"of {len(unplaced)} of {len(nodes)} nodes{few}: not stated; drawn amid their neighbours, no length counts"
        )
        yield FieldUse(field="places", became="assumed", count=len(unplaced), note=note)
    lans = [node.label for node in nodes if node.kind == "lan"]
    if lans:
        note = f"{', '.join(lans[:3])}: taken as shared segments, which originate no traffic and cannot be drained"
        yield FieldUse(field="shared segments", became="used", count=len(lans), note=note)
    peers = [node.label for node in nodes if node.kind == "external"]
    if peers:
        note = f"{', '.join(peers[:3])}: outside the network; no traffic is invented for them"
        yield FieldUse(field="external nodes", became="used", count=len(peers), note=note)


def _amid_neighbours(
    places: Sequence[tuple[float, float] | None], ends: Sequence[tuple[int, int]]
) -> list[tuple[float, float]]:
    """Fill the gaps with the mean of the neighbours that are placed, from the placed ones outwards."""
    found = {i: place for i, place in enumerate(places) if place is not None}
    if not found:
        return [(0.0, 0.0)] * len(places)
    neighbours: list[list[int]] = [[] for _ in places]
    for a, b in ends:
        neighbours[a].append(b)
        neighbours[b].append(a)
    centre = _mean(found, list(found))
    fresh: Mapping[int, tuple[float, float]] = dict(found)
    while fresh:
        edge = {j for i in fresh for j in neighbours[i] if j not in found}
        fresh = {i: _mean(found, [j for j in neighbours[i] if j in found]) for i in edge}
        found |= fresh
    return [found.get(i, centre) for i in range(len(places))]


def _mean(found: Mapping[int, tuple[float, float]], of: Sequence[int]) -> tuple[float, float]:
    x, y = np.mean([found[i] for i in of], axis=0)
    return round(float(x), 5), round(float(y), 5)
