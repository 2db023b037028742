"""What the network is configured to do, element by element, and how that differs from what it should be."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal, NamedTuple

from twin.errors import ExecutionError
from twin.live.network import Configuration, Filter, LiveNetwork, Measurable, StaticRoute
from twin.model import Network
from twin.printed import mbps, short

Value = float | str | None
What = Literal["weight", "drained", "asleep", "capacity", "tunnel", "limit", "static route", "filter"]
_NAMED = 3
_RUN: tuple[What, ...] = ("weight", "drained", "asleep")
_RUN_AT_EXITS: tuple[What, ...] = ("drained", "asleep")  # how an exit is preferred is no metric: peerings tell it


class ConfiguredItem(NamedTuple):
    """One thing that is configured: of which element, and which."""

    element: str
    what: What

    def __str__(self) -> str:
        return f"{self.what} of {short(self.element)}"


class Difference(NamedTuple):
    """One thing that is not configured as it should be; None where there is no such thing."""

    item: ConfiguredItem
    expected: Value
    found: Value

    def __str__(self) -> str:
        told = partial(_told, self.item.what)
        return f"{self.item} is {told(self.found)} and should be {told(self.expected)}"


class Running(NamedTuple):
    """What the routers run: as a network, the routes and filters beside it, and the routers that did not answer."""

    network: Network
    beside: frozenset[StaticRoute | Filter]
    unread: tuple[str, ...]
    said: Mapping[str, Configuration]  # by router, as each answered


def read_running(live: LiveNetwork, expected: Network) -> Running | None:
    """Ask every router what it runs now; None where the network has no router to ask.

    Where a router does not answer, what is `expected` of it stands in its place, and it is named as unread. A group of
    exits and a shared segment are no router, and are not asked.
    """
    if not isinstance(live, Measurable):
        return None
    said: dict[str, Configuration] = {}
    asked = [x.name for x in expected.nodes if x.kind not in ("exits", "lan")]
    for name in asked:
        try:
            said[name] = live.read_router(name)
        except ExecutionError:
            continue
    network = _put_together(expected, {name: x.network for name, x in said.items()})
    beside = {x for name, told in said.items() for x in (*told.routes, *told.filters) if x.router == name}
    return Running(network, frozenset(beside), tuple(x for x in asked if x not in said), said)


def _put_together(expected: Network, said: Mapping[str, Network]) -> Network:
    """Each router's part in its own words. It speaks for its interfaces, itself, and what enters at it."""
    exits = set(expected.exits)
    read = {i: _RUN_AT_EXITS if i in exits else _RUN for i, x in enumerate(expected.links) if x.tail in said}
    links = tuple(
        link._replace(**{x: getattr(said[link.tail].links[i], x) for x in read.get(i, ())})
        for i, link in enumerate(expected.links)
    )
    nodes = tuple(
        x._replace(drained=said[x.name].nodes[i].drained) if x.name in said else x for i, x in enumerate(expected.nodes)
    )
    tunnels = [x for x in expected.tunnels if x.source not in said]
    limits = [x for x in expected.limits if x.source not in said]
    for name, network in said.items():
        tunnels += [x for x in network.tunnels if x.source == name]
        limits += [x for x in network.limits if x.source == name]
    return replace(expected, links=links, nodes=nodes, tunnels=tuple(tunnels), limits=tuple(limits))


def items(network: Network, *, built: bool = False) -> dict[ConfiguredItem, Value]:
    """Everything that operators configure; `built` adds the capacities, which an inventory says and no router runs."""
    found: dict[ConfiguredItem, Value] = {}
    for link in network.links:
        found[ConfiguredItem(link.interface, "weight")] = link.weight
        found[ConfiguredItem(link.interface, "drained")] = link.drained
        found[ConfiguredItem(link.interface, "asleep")] = link.asleep
        if built:
            found[ConfiguredItem(link.interface, "capacity")] = link.capacity
    found |= {ConfiguredItem(node.id, "drained"): node.drained for node in network.nodes}
    found |= {ConfiguredItem(f"tunnel/{x.name}", "tunnel"): x.model_dump_json() for x in network.tunnels}
    found |= {ConfiguredItem(f"demand/{x.source}->{x.target}", "limit"): x.limit for x in network.limits}
    return found


def differences(expected: Network, found: Network, *, built: bool = False) -> tuple[Difference, ...]:
    """Return what is configured in `found` and is not as in `expected`."""
    return tuple(_between(items(expected, built=built), items(found, built=built)))


def beside(expected: frozenset[StaticRoute | Filter], found: frozenset[StaticRoute | Filter]) -> Iterator[Difference]:
    """Return the static routes and filters that came or went."""
    for x in sorted(expected ^ found, key=str):
        what: What = "static route" if isinstance(x, StaticRoute) else "filter"
        item = ConfiguredItem(f"node/{x.router}", what)
        told = f"{x.target or 'routing packets'} at {x.via}"
        yield Difference(item, told, None) if x in expected else Difference(item, None, told)


def told(found: Sequence[Difference]) -> str:
    """Name the differences, the first of them in full."""
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return "; ".join(map(str, found[:_NAMED])) + more


def _between(expected: Mapping[ConfiguredItem, Value], found: Mapping[ConfiguredItem, Value]) -> Iterator[Difference]:
    for item in dict.fromkeys((*expected, *found)):
        if expected.get(item) != found.get(item):
            yield Difference(item, expected.get(item), found.get(item))


def _told(what: What, value: Value) -> str:
    if value is None:
        return "absent"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    return mbps(value) if what in ("capacity", "limit") else f"{value:g}"
