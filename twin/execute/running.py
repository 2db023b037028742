"""What the network is configured to do, element by element, and how that differs from what it should be."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal, NamedTuple

from twin.errors import ExecutionError
from twin.live.network import Configuration, Filter, LiveNetwork, Measurable, StaticRoute
from twin.model import DemandLimit, Link, Network, Node, Tunnel
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
    """What the routers run: as a network, the routes and filters beside it, and the routers that did not answer.

    `said` has, by router, what each answered of itself: one network in all routers' own words is that of all of them.
    """

    network: Network
    beside: frozenset[StaticRoute | Filter]
    unread: tuple[str, ...]
    said: Mapping[str, Configuration]


class _Own(NamedTuple):
    """A router's own part of the network that it answered: its interfaces, itself, and what enters at it.

    What it was told of the others is a whole network, and is not kept: a thousand of them are a gigabyte.
    """

    links: Mapping[int, Link]  # by position
    node: Node
    tunnels: tuple[Tunnel, ...]
    limits: tuple[DemandLimit, ...]


def read_running(live: LiveNetwork, expected: Network) -> Running | None:
    """Ask every router what it runs now; None where the network has no router to ask.

    Where a router does not answer, what is `expected` of it stands in its place, and it is named as unread. A group of
    exits and a shared segment are no router, and are not asked.
    """
    if not isinstance(live, Measurable):
        return None
    leaving: dict[str, list[int]] = {}
    for i, link in enumerate(expected.links):
        leaving.setdefault(link.tail, []).append(i)
    asked = [(i, x.name) for i, x in enumerate(expected.nodes) if x.kind not in ("exits", "lan")]
    own, said = dict[str, _Own](), dict[str, Configuration]()
    for place, name in asked:
        try:
            told = live.read_router(name)
        except ExecutionError:
            continue
        own[name] = _own(told.network, name, place, leaving.get(name, ()))
        said[name] = replace(
            told,
            network=expected,
            routes=tuple(x for x in told.routes if x.router == name),
            filters=tuple(x for x in told.filters if x.router == name),
            mismatches=tuple(x for x in told.mismatches if x.router == name),
        )
    network = _put_together(expected, own, _RUN_AT_EXITS)
    in_words = _put_together(expected, own, _RUN) if expected.exits else network
    said = {name: replace(x, network=in_words) for name, x in said.items()}
    beside = frozenset(x for told in said.values() for x in (*told.routes, *told.filters))
    return Running(network, beside, tuple(name for _, name in asked if name not in said), said)


def _own(told: Network, name: str, place: int, leaving: Sequence[int]) -> _Own:
    """The part of a router at a place among the nodes, whose links are those at the positions in `leaving`."""
    return _Own(
        links={i: told.links[i] for i in leaving},
        node=told.nodes[place],
        tunnels=tuple(x for x in told.tunnels if x.source == name),
        limits=tuple(x for x in told.limits if x.source == name),
    )


def _put_together(expected: Network, own: Mapping[str, _Own], of_exits: Sequence[What]) -> Network:
    """Each router's part in its own words, of exits only what is named; the rest is as expected."""
    exits = set(expected.exits)
    links = list(expected.links)
    for i, said in ((i, x) for part in own.values() for i, x in part.links.items()):
        links[i] = links[i]._replace(**{x: getattr(said, x) for x in (of_exits if i in exits else _RUN)})
    nodes = tuple(x._replace(drained=own[x.name].node.drained) if x.name in own else x for x in expected.nodes)
    tunnels = [x for x in expected.tunnels if x.source not in own]
    limits = [x for x in expected.limits if x.source not in own]
    for part in own.values():
        tunnels += part.tunnels
        limits += part.limits
    return replace(expected, links=tuple(links), nodes=nodes, tunnels=tuple(tunnels), limits=tuple(limits))


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
