"""What a file says of a network, entry by entry and field by field, before anything is made of it.

Every reader of a topology ends with `Records`; `build` makes the network and the account from them, so that a field
means the same in every format.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from pydantic import JsonValue

from twin.model import DemandLimit, Igp, LocalRepair, Tunnel
from twin.traffic_classes import ClassShare, TrafficClass

from .account import FieldUse
from .source import Source

Fields = Mapping[str, JsonValue]
"""Values as the file writes them, by the names that the file gives them."""

NOTHING: Fields = MappingProxyType({})


class NodeRecord(NamedTuple):
    """One node: its id in the file, where it stands there, and its fields."""

    id: str
    where: str
    fields: Fields = NOTHING


class LinkRecord(NamedTuple):
    """One link between two node ids; `directed`: whether it is one direction, None if as the file in general."""

    source: str
    target: str
    where: str
    fields: Fields = NOTHING
    directed: bool | None = None


class DemandRecord(NamedTuple):
    """Traffic between two node ids, in Mbit/s or in units of the file's own."""

    source: str
    target: str
    volume: float
    where: str


@dataclass(frozen=True)
class Records:
    """A file, read and not yet understood.

    `directed` is None in formats that do not say whether a link stands for one direction; it is told by the links then.
    `units` are the format's conventions for quantities whose unit neither name nor value states. `relative` is whether
    demands have no unit. `noted` is what the reader itself has to say. Tunnels, limits and groups come from files that
    know our own model; groups are circuit ids by name. `unheard` are systems that others name as neighbours and that
    say nothing themselves: of a database that is whole there is none. `alone` are systems in it without a link.
    """

    source: Source
    format: str
    name: str
    nodes: Sequence[NodeRecord]
    links: Sequence[LinkRecord]
    demands: Sequence[DemandRecord] = ()
    directed: bool | None = False
    relative: bool = False
    planar: bool = False
    units: Mapping[str, str] = field(default_factory=dict[str, str])
    noted: tuple[FieldUse, ...] = ()
    tunnels: tuple[Tunnel, ...] = ()
    limits: tuple[DemandLimit, ...] = ()
    igp: Igp = ""
    repair: LocalRepair = "ti-lfa"
    classes: tuple[TrafficClass, ...] = ()
    class_shares: tuple[ClassShare, ...] = ()
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    unheard: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
