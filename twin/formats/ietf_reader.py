"""Reads what `ietf` describes, from our own files and from others': members with or without their module's name."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

from twin.errors import FormatError
from twin.model import DemandLimit, Igp, LocalRepair, NodeKind, Tunnel
from twin.traffic_classes import ClassShare, TrafficClass

from .build import Choices
from .content import Content
from .ietf import LAYER3, MBPS_PER_BYTE, NETWORK, OWN, TE, TOPOLOGY, US_PER_MS, bandwidth, degrees
from .ietf_tree import parse_tree, unread_leaves
from .layout import at
from .records import DemandRecord, LinkRecord, NodeRecord, Records
from .source import Source
from .text import first_problem


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
_Metric = Annotated[int, Field(ge=0, le=2**32 - 1)]


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
    igp: Igp = ""
    repair: LocalRepair = "ti-lfa"
    classes: tuple[TrafficClass, ...] = Field(default=(), validation_alias="class")
    class_shares: tuple[ClassShare, ...] = Field(default=(), validation_alias="class-share")


class _OwnNode(_Foreign):
    longitude: _Degrees
    latitude: _Degrees
    kind: NodeKind = "router"
    cost_out: bool = Field(default=False, validation_alias="cost-out")


class _OwnLink(_Foreign):
    capacity: float = Field(validation_alias="capacity-mbps", gt=0, le=1e15)
    delay: float = Field(validation_alias="delay-ms", ge=0, le=1e9)
    index: int = Field(ge=1, le=10_000)
    asleep: bool
    loss: float = Field(ge=0, le=1)
    adjacent: bool = True
    members: int = Field(default=1, ge=1, le=1_000)
    min_members: int = Field(default=1, validation_alias="min-members", ge=1, le=1_000)
    degraded_weight: int = Field(default=0, validation_alias="degraded-weight", ge=0, le=2**24)
    cost_out: bool = Field(default=False, validation_alias="cost-out")


class _Place(_Foreign):
    latitude: _Degrees
    longitude: _Degrees


class _TeNodeAttributes(_Foreign):
    admin: str | None = Field(default=None, validation_alias="admin-status")


class _TeNode(_Foreign):
    attributes: _TeNodeAttributes = Field(default=_TeNodeAttributes(), validation_alias="te-node-attributes")
    oper: str | None = Field(default=None, validation_alias="oper-status")
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
    admin: str | None = Field(default=None, validation_alias="admin-status")
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
    oper: str | None = Field(default=None, validation_alias="oper-status")


class _Layer3Link(_Foreign):
    metric: _Metric | None = Field(default=None, validation_alias="metric1")


class _Source(_Foreign):
    node: str = Field(validation_alias="source-node")
    port: str | None = Field(default=None, validation_alias="source-tp")


class _Destination(_Foreign):
    node: str = Field(validation_alias="dest-node")
    port: str | None = Field(default=None, validation_alias="dest-tp")


class _Link(_Foreign):
    source: _Source
    destination: _Destination
    layer3: _Layer3Link = _member(LAYER3, "l3-link-attributes", default=_Layer3Link())
    te: _TeLink = _member(TE, "te", default=_TeLink())
    own: _OwnLink | None = _member(OWN, "state", default=None)


class _Network(_Foreign):
    id: str = Field(validation_alias="network-id")
    types: dict[str, object] = Field(default={}, validation_alias="network-types")
    node: tuple[_Node, ...] = ()
    link: tuple[_Link, ...] = _member(TOPOLOGY, "link", default=())
    own: _OwnNetwork = _member(OWN, "state", default=_OwnNetwork())


class _Networks(_Foreign):
    network: tuple[_Network, ...]


class _Listed(_Foreign):
    """The whole tree, or as RESTCONF answers (RFC 8040): the list, or one of its entries, on its own."""

    networks: _Networks | None = _member(NETWORK, "networks", default=None)
    network: tuple[_Network, ...] = _member(NETWORK, "network", default=())


class _Document(_Foreign):
    networks: _Networks = _member(NETWORK, "networks")


def read_ietf(content: Content, choices: Choices) -> Records:
    """Read one network of a file: the only one with nodes, the only layer-3 one among several, or `network_id`.

    Raises `FormatError` with the place in the document and what was expected there.
    """
    source, tree = content.source, parse_tree(content)
    try:
        listed = _Listed.model_validate(tree)
        found = listed.networks.network if listed.networks else listed.network
        if not found:
            found = _Document.model_validate(tree).networks.network
    except ValidationError as error:
        raise FormatError(source.path, *first_problem(error)) from error
    chosen = _chosen(source, found, choices.network_id)
    raw = at(tree, "networks.network" if listed.networks else "network")
    written = raw[found.index(chosen)] if isinstance(raw, list) else None
    form = "XML" if content.text.lstrip()[:1] == "<" else "JSON"
    return replace(
        _records(source, chosen),
        format=f"IETF network topology {form} (RFC 8345)",
        noted=tuple(unread_leaves(written)),
    )


def _chosen(source: Source, found: Sequence[_Network], network_id: str | None) -> _Network:
    with_nodes = [network for network in found if network.node]
    if network_id is not None:
        named = [network for network in with_nodes if network.id == network_id]
        if len(named) == 1:
            return named[0]
    elif len(with_nodes) == 1:
        return with_nodes[0]
    else:
        layer3 = [network for network in with_nodes if any("l3-unicast-topology" in kind for kind in network.types)]
        if len(layer3) == 1:
            return layer3[0]
    ids = ", ".join(network.id for network in with_nodes[:8]) or "none"
    raise source.error("$.networks.network", f"one network with nodes; it holds {ids}: choose with --network-id ID")


def _records(source: Source, found: _Network) -> Records:
    groups = {group.name: group.circuits for group in found.own.group} if found.own.group is not None else {}
    return Records(
        source,
        "IETF network topology JSON (RFC 8345)",
        found.id,
        nodes=[NodeRecord(node.id, "$.networks.network.node", _node_fields(node)) for node in found.node],
        links=[
            LinkRecord(x.source.node, x.destination.node, f"$.networks.network.link[{i}]", _link_fields(x))
            for i, x in enumerate(found.link)
        ],
        demands=[
            DemandRecord(x.source, x.target, x.mbps, f"$.networks.network.state.demand[{i}]")
            for i, x in enumerate(found.own.demand)
        ],
        directed=True,
        tunnels=found.own.tunnel,
        limits=found.own.limit,
        igp=found.own.igp,
        repair=found.own.repair,
        classes=found.own.classes,
        class_shares=found.own.class_shares,
        groups=groups,
    )


def _node_fields(found: _Node) -> dict[str, JsonValue]:
    place, own = found.te.place, found.own
    fields = _state(found.te.oper, found.te.attributes.admin)
    if own and (place is None or _same_place(own, place)):
        fields |= {"longitude": own.longitude, "latitude": own.latitude, "kind": own.kind}
    elif place:
        fields |= {"longitude": place.longitude, "latitude": place.latitude}
    return fields | ({"cost_out": True} if own and own.cost_out and fields.get("drained") else {})


def _state(oper: str | None, admin: str | None) -> dict[str, JsonValue]:
    """What is stated of a state, and nothing where the file is silent."""
    fields: dict[str, JsonValue] = {}
    if oper is not None:
        fields["up"] = oper != "down"
    if admin is not None:
        fields["drained"] = admin == "maintenance"
    return fields


def _link_fields(found: _Link) -> dict[str, JsonValue]:
    te, own = found.te.attributes, found.own
    fields: dict[str, JsonValue] = {
        "capacity_mbps": _capacity(found),
        "metric": next((x for x in (found.layer3.metric, te.igp_metric, te.default_metric) if x is not None), None),
        "delay_ms": _delay(te.delay, own),
        "srlgs": list(te.srlgs.value) or None,
        **_state(found.te.oper, te.admin),
    }
    if own is None:  # ours are named after the neighbour, which no router knows
        fields |= {"source_tp": found.source.port, "dest_tp": found.destination.port}
    else:
        fields |= {"index": own.index, "asleep": own.asleep, "loss": own.loss, "adjacent": own.adjacent}
        fields |= {"cost_out": True} if own.cost_out and fields.get("drained") else {}
    if own and own.members > 1:
        fields |= {"members": own.members, "min_members": own.min_members, "degraded_weight": own.degraded_weight}
    return {name: value for name, value in fields.items() if value is not None}


def _delay(standard: int | None, own: _OwnLink | None) -> float | None:
    """Milliseconds; the precise value while it still rounds to the standard one."""
    if standard is None:
        return own.delay if own else None
    return own.delay if own and round(own.delay * US_PER_MS) == standard else standard / US_PER_MS


def _same_place(own: _OwnNode, place: _Place) -> bool:
    ours, theirs = (own.longitude, own.latitude), (place.longitude, place.latitude)
    return [degrees(x) for x in ours] == [degrees(x) for x in theirs]


def _shortest(value: float) -> float:
    """The shortest decimal that single precision writes so: 100 Gbit/s are no 99,999.998 Mbit/s."""
    single = np.float32(value)
    short = float(f"{value:.6g}")
    return short if float(single) == value and np.float32(short) == single else value


def _capacity(link: _Link) -> float | None:
    """Mbit/s; the precise value while it still rounds to the standard one."""
    standard = link.te.attributes.bytes_per_second
    if standard is None:
        return link.own.capacity if link.own else None
    rounded = round(_shortest(standard) * MBPS_PER_BYTE, 9)
    return link.own.capacity if link.own and bandwidth(link.own.capacity) == bandwidth(rounded) else rounded
