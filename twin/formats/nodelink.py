"""Node-link JSON, as networkx, topohub and traffic-engineering data sets write it.

Fields go by any of the names in `vocabulary`; a `capacity` without a unit is in bit/s. Nodes: `id`, a name, `pos`
[longitude, latitude] or the two apart. The graph may hold `name` and `demands` {source: {target: Mbit/s}} by node id.
What `write_node_link` adds makes the way there and back exact.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, JsonValue, StrictInt, StrictStr, ValidationError

from twin.errors import FormatError
from twin.files import write_text
from twin.model import DemandLimit, Igp, Link, LocalRepair, Network, RiskGroup, Tunnel
from twin.traffic_classes import ClassShare, TrafficClass

from .account import FieldUse
from .build import Choices
from .content import Content
from .records import DemandRecord, LinkRecord, NodeRecord, Records
from .text import first_problem
from .vocabulary import decides_routing

_Label = Annotated[StrictInt | StrictStr, Field(description="Node id.")]
_Volume = Annotated[float, Field(ge=0, le=1e15)]


class _Foreign(BaseModel):
    """A part of a file that others write: fields that are not named here are handed on as they are."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    @property
    def others(self) -> Mapping[str, JsonValue]:
        """Fields by the names that the file gives them."""
        return self.__pydantic_extra__ or {}


class _Node(_Foreign):
    id: _Label


class _Link(_Foreign):
    source: _Label
    target: _Label


class _Graph(_Foreign):
    name: str | None = None
    demands: dict[str, dict[str, _Volume]] = {}
    tunnels: tuple[Tunnel, ...] = ()
    risk_groups: tuple[RiskGroup, ...] = ()
    limits: tuple[DemandLimit, ...] = ()
    igp: Igp = ""
    repair: LocalRepair = "ti-lfa"
    classes: tuple[TrafficClass, ...] = ()
    class_shares: tuple[ClassShare, ...] = ()


class _Document(_Foreign):
    directed: bool = False
    multigraph: bool = False
    graph: _Graph = _Graph()
    nodes: tuple[_Node, ...]
    links: tuple[_Link, ...] = Field(validation_alias=AliasChoices("links", "edges"))


def read_node_link(content: Content, _choices: Choices) -> Records:
    """Read a node-link file. Without `directed`, each link is a circuit. Raises `FormatError` with the place."""
    source = content.source
    try:
        document = _Document.model_validate_json(content.text)
    except ValidationError as error:
        raise FormatError(source.path, *first_problem(error)) from error
    graph = document.graph
    bare = not any("apacity" in field or "andwidth" in field for link in document.links for field in link.others)
    return Records(
        source,
        "node-link JSON",
        content.stem if graph.name is None else graph.name,
        nodes=[NodeRecord(str(node.id), f"$.nodes[{i}]", node.others) for i, node in enumerate(document.nodes)],
        links=[
            LinkRecord(str(link.source), str(link.target), f"$.links[{i}]", link.others)
            for i, link in enumerate(document.links)
        ],
        demands=tuple(_demands(graph)),
        directed=document.directed,
        relative=bare,
        units={"capacity": "bps"},
        noted=tuple(_unread(document)),
        tunnels=graph.tunnels,
        limits=graph.limits,
        igp=graph.igp,
        repair=graph.repair,
        classes=graph.classes,
        class_shares=graph.class_shares,
        groups={group.name: group.circuits for group in graph.risk_groups},
    )


def _demands(graph: _Graph) -> Iterator[DemandRecord]:
    for source, row in graph.demands.items():
        for target, volume in row.items():
            yield DemandRecord(source, target, volume, "$.graph.demands")


def _unread(document: _Document) -> Iterator[FieldUse]:
    for where, part in (("file", document), ("graph", document.graph)):
        for field in part.others:
            decides = decides_routing(field)
            note = "of no known meaning: not read" + (", and loads may run elsewhere for it" if decides else "")
            yield FieldUse(field=f"{where} {field}", became="not modelled", count=1, note=note, decides_routing=decides)


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
            "igp": network.igp,
            "repair": network.repair,
            "classes": [x._asdict() for x in network.classes],
            "class_shares": network.class_shares,
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
