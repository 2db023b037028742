"""Reads what `ietf` describes, from our own files and from others': members with or without their module's name."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from twin.errors import FormatError
from twin.model import DemandLimit, Floats, Link, Network, Node, RiskGroup, Tunnel
from twin.provision import MS_PER_KM, Circuit, Topology, distance_km

from .ietf import LAYER3, MBPS_PER_BYTE, NETWORK, OWN, TE, TOPOLOGY, US_PER_MS, bandwidth, degrees
from .names import distinct_names
from .source import MAX_WEIGHT, Source, numbered, without_reverses
from .text import first_problem, read_text


def _member(module: str, name: str, **rest: Any) -> Any:  # noqa: ANN401 - pydantic's Field takes and returns anything
    """Build a field that is called `module:name` in JSON, or just `name`."""
    return Field(validation_alias=AliasChoices(f"{module}:{name}", name), **rest)


def _bytes_per_second(value: object) -> object:
    """Read a hexadecimal float, or a plain number."""
    if isinstance(value, str) and value[:2].lower() == "0x":
        try:
            return float.fromhex(value)
        except (ValueError, OverflowError):
            return value
    return value


_Bandwidth = Annotated[float, BeforeValidator(_bytes_per_second), Field(gt=0, le=1e18)]
_Degrees = Annotated[float, Field(ge=-1e9, le=1e9)]
_Metric = Annotated[int, Field(ge=1, le=MAX_WEIGHT)]


class _Foreign(BaseModel):
    """A part of a file that others write: what we do not know is left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class _Demand(_Foreign):
    source: str
    target: str
    mbps: float = Field(ge=0, le=1e15)


class _OwnGroup(_Foreign):
    name: str
    circuits: tuple[str, ...]


class _OwnNetwork(_Foreign):
    demand: tuple[_Demand, ...] = ()
    tunnel: tuple[Tunnel, ...] = ()
    limit: tuple[DemandLimit, ...] = ()
    group: tuple[_OwnGroup, ...] | None = Field(default=None, validation_alias="risk-group")


class _OwnNode(_Foreign):
    longitude: _Degrees
    latitude: _Degrees


class _OwnLink(_Foreign):
    capacity: float = Field(validation_alias="capacity-mbps", gt=0, le=1e15)
    delay: float = Field(validation_alias="delay-ms", ge=0, le=1e9)
    index: int = Field(ge=1, le=10_000)
    asleep: bool
    loss: float = Field(ge=0, le=1)
    adjacent: bool = True


class _Place(_Foreign):
    latitude: _Degrees
    longitude: _Degrees


class _TeNodeAttributes(_Foreign):
    admin: str = Field(default="up", validation_alias="admin-status")


class _TeNode(_Foreign):
    attributes: _TeNodeAttributes = Field(default=_TeNodeAttributes(), validation_alias="te-node-attributes")
    oper: str = Field(default="up", validation_alias="oper-status")
    place: _Place | None = Field(default=None, validation_alias="geolocation")


class _Node(_Foreign):
    id: str = Field(validation_alias="node-id")
    te: _TeNode = _member(TE, "te", default=_TeNode())
    own: _OwnNode | None = _member(OWN, "state", default=None)


class _TeBandwidth(_Foreign):
    generic: _Bandwidth


class _MaxBandwidth(_Foreign):
    te: _TeBandwidth | None = Field(default=None, validation_alias="te-bandwidth")


class _Srlgs(_Foreign):
    value: tuple[int, ...] = ()


class _TeLinkAttributes(_Foreign):
    admin: str = Field(default="up", validation_alias="admin-status")
    bandwidth: _MaxBandwidth | _Bandwidth | None = Field(default=None, validation_alias="max-link-bandwidth")
    igp_metric: _Metric | None = Field(default=None, validation_alias="te-igp-metric")
    default_metric: _Metric | None = Field(default=None, validation_alias="te-default-metric")
    delay: int | None = Field(default=None, validation_alias="te-delay-metric", ge=0, le=2**32)
    srlgs: _Srlgs = Field(default=_Srlgs(), validation_alias="te-srlgs")

    @property
    def bytes_per_second(self) -> float | None:
        if isinstance(self.bandwidth, _MaxBandwidth):
            return self.bandwidth.te.generic if self.bandwidth.te else None
        return self.bandwidth


class _TeLink(_Foreign):
    attributes: _TeLinkAttributes = Field(default=_TeLinkAttributes(), validation_alias="te-link-attributes")
    oper: str = Field(default="up", validation_alias="oper-status")


class _Layer3Link(_Foreign):
    metric: _Metric | None = Field(default=None, validation_alias="metric1")


class _Source(_Foreign):
    node: str = Field(validation_alias="source-node")


class _Destination(_Foreign):
    node: str = Field(validation_alias="dest-node")


class _Link(_Foreign):
    source: _Source
    destination: _Destination
    layer3: _Layer3Link = _member(LAYER3, "l3-link-attributes", default=_Layer3Link())
    te: _TeLink = _member(TE, "te", default=_TeLink())
    own: _OwnLink | None = _member(OWN, "state", default=None)


class _Network(_Foreign):
    id: str = Field(validation_alias="network-id")
    node: tuple[_Node, ...] = ()
    link: tuple[_Link, ...] = _member(TOPOLOGY, "link", default=())
    own: _OwnNetwork = _member(OWN, "state", default=_OwnNetwork())


class _Networks(_Foreign):
    network: tuple[_Network, ...]


class _Document(_Foreign):
    networks: _Networks = _member(NETWORK, "networks")


def read_ietf(path: str | Path) -> Network | Topology:
    """Read the one network of a file that has nodes, or a bare topology when no link has a bandwidth.

    Raises `FormatError` with the place in the document and what was expected there.
    """
    source = Source(str(path))
    try:
        document = _Document.model_validate_json(read_text(path))
    except ValidationError as error:
        raise FormatError(source.path, *first_problem(error)) from error
    with_nodes = [network for network in document.networks.network if network.node]
    if len(with_nodes) != 1:
        raise source.error("$.networks.network", f"exactly one network with nodes, not {len(with_nodes)}")
    return _network(source, with_nodes[0])


def _network(source: Source, found: _Network) -> Network | Topology:
    source.require_size(len(found.node), "$.networks.network.node")
    index = {node.id: i for i, node in enumerate(found.node)}
    if len(index) < len(found.node):
        raise source.error("$.networks.network.node", "each node-id once")
    labels = distinct_names([node.id for node in found.node])
    nodes = tuple(_read_node(node, label) for node, label in zip(found.node, labels, strict=True))
    ends = [_ends(source, link, index, i) for i, link in enumerate(found.link)]
    capacities = [_capacity(link) for link in found.link]
    demands = _demands(source, found.own.demand, index)
    if capacities and not any(capacities):
        circuits = without_reverses([Circuit(a, b, distance_km(nodes[a], nodes[b])) for a, b in ends])
        return Topology(found.id, nodes, circuits, demands if demands.any() else None)
    if not all(capacities):
        place = f"$.networks.network.link[{capacities.index(None)}]"
        raise source.error(place, "max-link-bandwidth, as other links have it")
    indices = numbered([(nodes[a].name, nodes[b].name) for a, b in ends])
    rows = zip(found.link, ends, indices, capacities, strict=True)
    links = tuple(_read_link(x, nodes[a], nodes[b], n, capacity or 0.0) for x, (a, b), n, capacity in rows)
    return Network(found.id, nodes, links, demands, found.own.tunnel, _groups(found, links), found.own.limit)


def _read_node(found: _Node, name: str) -> Node:
    place = found.te.place
    longitude, latitude = (place.longitude, place.latitude) if place else (0.0, 0.0)
    own = found.own
    if own and (place is None or _same_place(own, place)):
        longitude, latitude = own.longitude, own.latitude
    maintained = found.te.attributes.admin == "maintenance"
    return Node(name, longitude, latitude, up=found.te.oper != "down", drained=maintained)


def _same_place(own: _OwnNode, place: _Place) -> bool:
    ours, theirs = (own.longitude, own.latitude), (place.longitude, place.latitude)
    return [degrees(x) for x in ours] == [degrees(x) for x in theirs]


def _ends(source: Source, link: _Link, index: dict[str, int], number: int) -> tuple[int, int]:
    where = f"$.networks.network.link[{number}]"
    a, b = (source.known(name, index, where) for name in (link.source.node, link.destination.node))
    if a == b:
        raise source.error(where, "two different ends of a link")
    return a, b


def _capacity(link: _Link) -> float | None:
    """Mbit/s; the precise value while it still rounds to the standard one."""
    standard = link.te.attributes.bytes_per_second
    if standard is None:
        return link.own.capacity if link.own else None
    rounded = standard * MBPS_PER_BYTE
    return link.own.capacity if link.own and bandwidth(link.own.capacity) == bandwidth(rounded) else rounded


def _read_link(found: _Link, tail: Node, head: Node, index: int, capacity: float) -> Link:
    te, own = found.te.attributes, found.own
    if te.delay is None:
        delay = own.delay if own else round(distance_km(tail, head) * MS_PER_KM, 6)
    else:
        delay = own.delay if own and round(own.delay * US_PER_MS) == te.delay else te.delay / US_PER_MS
    return Link(
        tail.name,
        head.name,
        capacity,
        found.layer3.metric or te.igp_metric or te.default_metric or 1,
        delay,
        own.index if own else index,
        up=found.te.oper != "down",
        drained=te.admin == "maintenance",
        asleep=own.asleep if own else False,
        loss=own.loss if own else 0.0,
        adjacent=own.adjacent if own else True,
    )


def _groups(found: _Network, links: tuple[Link, ...]) -> tuple[RiskGroup, ...]:
    """Risk groups as we wrote them, or else one per SRLG value."""
    if found.own.group is not None:
        return tuple(RiskGroup(group.name, group.circuits) for group in found.own.group)
    circuits: dict[int, dict[str, None]] = {}
    for link, read in zip(found.link, links, strict=True):
        for value in link.te.attributes.srlgs.value:
            circuits.setdefault(value, {})[read.circuit] = None
    return tuple(RiskGroup(f"srlg-{value}", tuple(members)) for value, members in sorted(circuits.items()))


def _demands(source: Source, listed: tuple[_Demand, ...], index: dict[str, int]) -> Floats:
    demands = np.zeros((len(index), len(index)))
    for i, demand in enumerate(listed):
        where = f"$.networks.network.state.demand[{i}]"
        s, t = source.known(demand.source, index, where), source.known(demand.target, index, where)
        demands[s, t] = demand.mbps
    np.fill_diagonal(demands, 0.0)
    return demands
