"""Node-link JSON, as networkx, topohub and traffic-engineering data sets write it.

Links: `capacity` in bit/s or `capacity_mbps`, `weight`, `delay_ms`, and where the delay is not given `dist` in km.
Nodes: `id`, and `name` or `label`; `pos` [longitude, latitude] or `longitude` and `latitude`. The graph may hold `name`
and `demands` {source: {target: Mbit/s}} by node id. What `write_node_link` adds makes the way there and back exact.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from twin.errors import FormatError
from twin.model import DemandLimit, Floats, Link, Network, Node, RiskGroup, Tunnel
from twin.provision import MS_PER_KM, Circuit, Topology, distance_km

from .names import distinct_names
from .source import MAX_WEIGHT, Source, numbered, without_reverses
from .text import first_problem, read_text, write_text

_BIT = 1e-6  # Mbit/s
_Label = Annotated[StrictInt | StrictStr, Field(description="Node id.")]
_Degrees = Annotated[float, Field(ge=-1e9, le=1e9)]
_Volume = Annotated[float, Field(ge=0, le=1e15)]


class _Foreign(BaseModel):
    """A part of a file that others write: what we do not know is left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class _Node(_Foreign):
    id: _Label
    name: str | None = Field(default=None, validation_alias=AliasChoices("name", "label"))
    pos: tuple[_Degrees, _Degrees] | None = None
    longitude: _Degrees = Field(default=0.0, validation_alias=AliasChoices("longitude", "Longitude", "lon"))
    latitude: _Degrees = Field(default=0.0, validation_alias=AliasChoices("latitude", "Latitude", "lat"))
    up: bool = True
    drained: bool = False


class _Link(_Foreign):
    source: _Label
    target: _Label
    capacity: float | None = Field(default=None, gt=0, le=1e18)
    capacity_mbps: float | None = Field(default=None, gt=0, le=1e12)
    weight: int | None = Field(default=None, ge=1, le=MAX_WEIGHT)
    delay_ms: float | None = Field(default=None, ge=0, le=1e9)
    dist: float | None = Field(default=None, ge=0, le=1e9)
    index: int | None = Field(default=None, ge=1, le=10_000)
    up: bool = True
    drained: bool = False
    asleep: bool = False
    loss: float = Field(default=0.0, ge=0, le=1)
    adjacent: bool = True

    @property
    def mbps(self) -> float | None:
        if self.capacity_mbps is not None:
            return self.capacity_mbps
        return None if self.capacity is None else self.capacity * _BIT


class _Graph(_Foreign):
    name: str | None = None
    demands: dict[str, dict[str, _Volume]] = {}
    tunnels: tuple[Tunnel, ...] = ()
    risk_groups: tuple[RiskGroup, ...] = ()
    limits: tuple[DemandLimit, ...] = ()


class _Document(_Foreign):
    directed: bool = False
    graph: _Graph = _Graph()
    nodes: tuple[_Node, ...]
    links: tuple[_Link, ...] = Field(validation_alias=AliasChoices("links", "edges"))


def read_node_link(path: str | Path) -> Network | Topology:
    """Read a network, or a bare topology when no link has a capacity.

    Without `directed`, each link is a circuit. Raises `FormatError` with the place in the document.
    """
    source = Source(str(path))
    try:
        document = _Document.model_validate_json(read_text(path))
    except ValidationError as error:
        raise FormatError(source.path, *first_problem(error)) from error
    source.require_size(len(document.nodes), "$.nodes")
    index: dict[str, int] = {}
    for i, node in enumerate(document.nodes):
        if str(node.id) in index:
            raise source.error(f"$.nodes[{i}].id", f"an id that is not used twice, not {str(node.id)!r}")
        index[str(node.id)] = i
    ends = [_ends(source, link, index, f"$.links[{i}]") for i, link in enumerate(document.links)]
    nodes = _nodes(document.nodes)
    demands = _demands(source, document.graph.demands, index)
    name = Path(path).stem if document.graph.name is None else document.graph.name
    known = [link.mbps for link in document.links]
    if known and not any(known):
        return Topology(name, nodes, _circuits(document, nodes, ends), demands if demands.any() else None)
    if not all(known):
        raise source.error(f"$.links[{known.index(None)}]", "`capacity` or `capacity_mbps`, as other links have it")
    links = _links(document, nodes, ends)
    graph = document.graph
    return Network(name, nodes, links, demands, graph.tunnels, graph.risk_groups, graph.limits)


def write_node_link(network: Network, path: str | Path) -> None:
    """Write a network so that `read_node_link` gives back an equal one, with the same id."""
    demands: dict[str, dict[str, float]] = {}
    for source, row in zip(network.nodes, network.demands, strict=True):
        volumes = {network.nodes[t].name: float(row[t]) for t in np.flatnonzero(row)}
        if volumes:
            demands[source.name] = volumes
    document = {
        "directed": True,
        "multigraph": True,
        "graph": {
            "name": network.name,
            "demands": demands,
            "tunnels": [tunnel.model_dump(mode="json") for tunnel in network.tunnels],
            "risk_groups": network.risk_groups,
            "limits": network.limits,
        },
        "nodes": [{"id": node.name, **node._asdict()} for node in network.nodes],
        "links": [_written(link) for link in network.links],
    }
    write_text(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def _written(link: Link) -> dict[str, object]:
    fields = link._asdict()
    return {
        "source": fields.pop("tail"),
        "target": fields.pop("head"),
        "capacity_mbps": fields.pop("capacity"),
        "key": link.index - 1,
        **fields,
    }


def _ends(source: Source, link: _Link, index: dict[str, int], where: str) -> tuple[int, int]:
    a, b = source.known(str(link.source), index, where), source.known(str(link.target), index, where)
    if a == b:
        raise source.error(where, "two different ends of a link")
    return a, b


def _nodes(listed: Sequence[_Node]) -> tuple[Node, ...]:
    names = distinct_names([node.name or str(node.id) for node in listed])
    return tuple(
        Node(name, *(node.pos or (node.longitude, node.latitude)), up=node.up, drained=node.drained)
        for name, node in zip(names, listed, strict=True)
    )


def _circuits(document: _Document, nodes: tuple[Node, ...], ends: list[tuple[int, int]]) -> tuple[Circuit, ...]:
    lengths = [_km(link, nodes[a], nodes[b]) for link, (a, b) in zip(document.links, ends, strict=True)]
    circuits = [Circuit(a, b, km) for (a, b), km in zip(ends, lengths, strict=True)]
    return without_reverses(circuits) if document.directed else tuple(circuits)


def _links(document: _Document, nodes: tuple[Node, ...], ends: list[tuple[int, int]]) -> tuple[Link, ...]:
    found: list[tuple[Node, Node, _Link]] = []
    for (a, b), link in zip(ends, document.links, strict=True):
        found.append((nodes[a], nodes[b], link))
        if not document.directed:
            found.append((nodes[b], nodes[a], link))
    indices = numbered([(tail.name, head.name) for tail, head, _ in found])
    return tuple(_link(tail, head, link, index) for (tail, head, link), index in zip(found, indices, strict=True))


def _link(tail: Node, head: Node, given: _Link, index: int) -> Link:
    km = _km(given, tail, head)
    return Link(
        tail.name,
        head.name,
        given.mbps or 0.0,
        given.weight or 1,
        round(km * MS_PER_KM, 6) if given.delay_ms is None else given.delay_ms,
        given.index or index,
        up=given.up,
        drained=given.drained,
        asleep=given.asleep,
        loss=given.loss,
        adjacent=given.adjacent,
    )


def _km(link: _Link, a: Node, b: Node) -> float:
    return distance_km(a, b) if link.dist is None else link.dist


def _demands(source: Source, listed: dict[str, dict[str, float]], index: dict[str, int]) -> Floats:
    demands = np.zeros((len(index), len(index)))
    for s, row in listed.items():
        for t, volume in row.items():
            where = f"$.graph.demands[{s!r}][{t!r}]"
            demands[source.known(s, index, where), source.known(t, index, where)] = volume
    np.fill_diagonal(demands, 0.0)
    return demands
