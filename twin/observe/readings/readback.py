"""What routers say of their configuration, held against the inventory: only the differences count."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from twin.live.network import Configuration
from twin.model import Network

ItemKind = Literal["weight", "drained", "route", "filter", "routing", "area", "mtu"]


class Item(NamedTuple):
    """One line of configuration that the inventory does not have.

    `element` is the interface, of a drain the circuit; `target` the node id that a route or filter is about, empty
    where a filter stops routing packets, and of what else differs from the neighbour's; `value` the weight, or 1 and 0
    for drained and not.
    """

    kind: ItemKind
    element: str
    target: str = ""
    value: float = 1.0


class Readback(NamedTuple):
    """What one router said that differs from the inventory, and when, epoch seconds."""

    router: str
    taken: float
    items: tuple[Item, ...]


def read_back(
    inventory: Network, configuration: Configuration, routers: Iterable[str] | None = None
) -> tuple[Readback, ...]:
    """Compare what routers said, all of them or those that are named, with the inventory."""
    found: dict[str, list[Item]] = {node.name: [] for node in inventory.nodes}
    for recorded, said in zip(inventory.links, configuration.network.links, strict=True):
        if recorded.weight != said.weight:
            found[said.tail].append(Item("weight", said.interface, value=float(said.weight)))
        if recorded.drained != said.drained:
            found[said.tail].append(Item("drained", said.circuit, value=float(said.drained)))
    for route in configuration.routes:
        found[route.router].append(Item("route", _interface(inventory, route.via), f"node/{route.target}"))
    for block in configuration.filters:
        target = f"node/{block.target}" if block.target else ""
        found[block.router].append(Item("filter", _interface(inventory, block.via), target))
    for odd in configuration.mismatches:
        found[odd.router].append(Item(odd.what, _interface(inventory, odd.via)))
    taken = configuration.taken.timestamp()
    names = found if routers is None else [x for x in found if x in set(routers)]
    return tuple(Readback(name, taken, tuple(found[name])) for name in names)


def _interface(network: Network, link: str) -> str:
    return network.links[network.link(link)].interface
