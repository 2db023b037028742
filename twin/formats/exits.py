"""Groups of exits from files: where demand that may leave the network by several routers goes."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from twin.errors import FormatError
from twin.model import Link, Network, Node
from twin.network_rules import MOST_PREFERENCE
from twin.node_name import is_node_name

from .account import FieldUse
from .node_names import NodeNames
from .source import Source

UNLIMITED = 1e9
"""Mbit/s of an exit whose capacity nobody states: it limits nothing."""


class ExitGroup(NamedTuple):
    """What lies beyond some exits: preference by router, 1 is the best, and Mbit/s of each exit."""

    name: str
    at: Mapping[str, int]
    capacity: float = UNLIMITED


def read_exits(source: Source, text: str, known: NodeNames, network: Network, where: str) -> dict[str, int]:
    """Read a set of exits as files write it: `P Q`, `P|Q`, or `P Q:2` where Q is only a second choice.

    Raises `FormatError` on a router that the network does not have, and on a preference that is none.
    """
    found: dict[str, int] = {}
    for part in text.replace("|", " ").replace(";", " ").replace(",", " ").split():
        name, _, preference = part.partition(":")
        node = network.nodes[known.position(source, name, where)]
        rank = int(preference) if preference.isdigit() else 0 if preference else 1
        if not 1 <= rank <= MOST_PREFERENCE or node.kind == "exits":
            raise source.error(where, f"routers such as P, or P:2 for a second choice, up to {MOST_PREFERENCE}")
        found[node.name] = rank
    return found


def group_named(at: Mapping[str, int]) -> str:
    """Return the name of a group that its file gives none."""
    whole = "exits-" + "-".join(f"{name}.{rank}" if rank > 1 else name for name, rank in sorted(at.items()))
    return whole if is_node_name(whole) else f"exits-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def find_group(network: Network, at: Mapping[str, int]) -> str | None:
    """Return the group with exactly these exits, the first of several; None where there is none."""
    has: dict[str, dict[str, int]] = {}
    for i in network.exits:
        has.setdefault(network.links[i].head, {})[network.links[i].tail] = network.links[i].weight
    return next((name for name, own in has.items() if own == dict(at)), None)


def with_groups(network: Network, groups: Sequence[ExitGroup]) -> Network:
    """Return the network with these groups and an exit for each of their routers; those that it has stay as they are.

    Raises `FormatError` on a name that is a router's, or no name.
    """
    fresh = [group for group in groups if group.name not in network.node_index]
    for group in groups:
        kind = network.nodes[network.node(group.name)].kind if group not in fresh else "exits"
        if kind != "exits" or not is_node_name(group.name) or not group.at:
            raise FormatError(group.name, "the name of a group of exits", "a name that no router has, and its routers")
    if not fresh:
        return network
    n = len(network.nodes)
    demands = np.zeros((n + len(fresh), n + len(fresh)))
    demands[:n, :n] = network.demands
    nodes = tuple(_amid(network, group) for group in fresh)
    links = tuple(Link(name, group.name, group.capacity, rank) for group in fresh for name, rank in group.at.items())
    return replace(network, nodes=(*network.nodes, *nodes), links=(*network.links, *links), demands=demands)


def exits_assumed(network: Network) -> tuple[FieldUse, ...]:
    """Say which exits have a capacity that nobody stated, none where there is none."""
    free = [network.links[i] for i in network.exits if network.links[i].capacity == UNLIMITED]
    if not free:
        return ()
    note = f"of {', '.join(x.name for x in free[:3])}{', …' if len(free) > 3 else ''}: not stated; they limit nothing"
    return (FieldUse(field="capacities of exits", became="assumed", count=len(free), note=note),)


def _amid(network: Network, group: ExitGroup) -> Node:
    places = [network.nodes[network.node(name)] for name in group.at]
    x, y = (float(np.mean([getattr(place, axis) for place in places])) for axis in ("longitude", "latitude"))
    return Node(group.name, round(x, 5), round(y, 5), kind="exits")
