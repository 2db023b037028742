"""What one file of measurements gives, and what the one who brings it has said of it."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from twin.formats.account import Account, Became, FieldUse
from twin.formats.node_names import Names
from twin.live.network import Event, LinkSamples, NodeSamples, ProbeSamples, TrafficSamples
from twin.model import Floats, Ints

from .assemble import Series
from .interfaces import Ports
from .prefixes import Prefixes
from .turns import CountedTurn


class Options(NamedTuple):
    """What the one who brings measurements has said of them, and what is known of the network's own file.

    `columns` maps quantities to columns, `units` quantities to units; `zone` is that of times that name none;
    `interval_s` the length of a sample; `sampling` that flows saw one packet in so many; `names` the ids and labels of
    the topology's file, `ports` which link leaves each interface, `prefixes` which node each address is behind,
    `unsized` the circuits whose capacity nobody stated. `now` dates log lines that name no year.
    """

    columns: Mapping[str, str] = MappingProxyType({})
    units: Mapping[str, str] = MappingProxyType({})
    zone: tzinfo = UTC
    interval_s: float | None = None
    sampling: int | None = None
    names: Names | None = None
    ports: Ports | None = None
    prefixes: Prefixes | None = None
    unsized: frozenset[str] = frozenset()
    now: datetime | None = None


class Edges(NamedTuple):
    """Mean rates on interfaces that lead to no link: what enters the network at a node, and what leaves it, Mbit/s."""

    node: Ints
    enters: Floats
    leaves: Floats


class Part(NamedTuple):
    """What one file gives; what it does not hold is None or empty. `traffic` has rows where there is traffic."""

    account: Account
    series: tuple[Series, ...] = ()
    rows: LinkSamples | None = None
    """The same as `series`, row by row as the file has them, where each row is a sample of a link."""
    traffic: TrafficSamples | None = None
    probes: ProbeSamples | None = None
    nodes: NodeSamples | None = None
    events: tuple[Event, ...] = ()
    turns: tuple[CountedTurn, ...] = ()
    """Changes of interfaces that no poll met."""
    edges: Edges | None = None
    sampling: int | None = None
    probe_packets: int | None = None
    """Packets behind one reading of `probes`, where that is known."""
    end: float = np.nan
    """Epoch seconds of the newest of it."""


def use(field: str, became: Became, count: int, note: str) -> FieldUse:
    """One line of the account of measurements."""
    return FieldUse(field=field, became=became, count=count, note=note)
