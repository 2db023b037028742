"""What routers say of their configuration, held against the inventory: only the differences count."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from twin.live.network import EVERY_ITEM, Configuration, ItemKind
from twin.model import Network


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
    """What one router said that differs from the inventory, and when, epoch seconds; of what is in `tells` alone."""

    router: str
    taken: float
    items: tuple[Item, ...]
    tells: frozenset[ItemKind] = EVERY_ITEM


def read_back(inventory: Network, said: Mapping[str, Configuration]) -> tuple[Readback, ...]:
    """Compare what routers, by name, said of themselves with the inventory; of others they say nothing that counts."""
    found: dict[str, list[Item]] = {name: [] for name in said}
    for position, recorded in enumerate(inventory.links):
        if recorded.tail not in said:
            continue
        runs = said[recorded.tail].network.links[position]
        if recorded.weight != runs.weight:
            found[recorded.tail].append(Item("weight", recorded.interface, value=float(runs.weight)))
        if recorded.drained != runs.drained:
            found[recorded.tail].append(Item("drained", recorded.circuit, value=float(runs.drained)))
    for name, configuration in said.items():
        found[name] += (x for router, x in _besides(inventory, configuration) if router == name)
    return tuple(Readback(name, x.taken.timestamp(), tuple(found[name]), x.tells) for name, x in said.items())


def _besides(inventory: Network, configuration: Configuration) -> Iterator[tuple[str, Item]]:
    """Lines that no inventory has, each with its router."""
    for route in configuration.routes:
        yield route.router, Item("route", _interface(inventory, route.via), f"node/{route.target}")
    for block in configuration.filters:
        target = f"node/{block.target}" if block.target else ""
        yield block.router, Item("filter", _interface(inventory, block.via), target)
    for odd in configuration.mismatches:
        yield odd.router, Item(odd.what, _interface(inventory, odd.via))


def _interface(network: Network, link: str) -> str:
    return network.links[network.link(link)].interface
