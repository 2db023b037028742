"""How likely a hypothesis makes what routers say of their configuration; a readback may be old, or untrue."""

from collections.abc import Iterable, Iterator

import numpy as np

from twin.faults import TRAITS, Fault, FaultKind, interfaces
from twin.model import Floats, Network
from twin.observe.readings.observation import Observation
from twin.observe.readings.readback import Item, Readback

_UNEXPLAINED, _UNSAID = float(np.log(1e-4)), float(np.log(0.02))
"""Log probability of a line that nothing explains, and that a line is missing which should be there."""
_ANYTHING = float(np.log(0.5))


def expected_items(network: Network, faults: Iterable[Fault]) -> set[tuple[str, Item]]:
    """Lines of configuration that these faults are, each with its router; of a weight any value is the same line."""
    return {(router, _key(item)) for fault in faults for router, item in _lines(network, fault)}


def configured(seen: Observation, faults: tuple[Fault, ...]) -> Floats:
    """Log likelihood of every router's readback [n]; 0 where there is none."""
    found = np.zeros(len(seen.network.nodes))
    if not seen.readbacks:
        return found
    expected = expected_items(seen.network, faults)
    stale = {x.element for x in faults if x.kind is FaultKind.STALE_CONFIGURATION}
    for readback in seen.readbacks:
        if not _overtaken(seen, readback):
            mine = {item for router, item in expected if router == readback.router}
            position = seen.network.node_index[readback.router]
            outdated = f"node/{readback.router}" in stale
            found[position] = _ANYTHING if outdated else _said(seen, readback, mine)
    return found


def denied(seen: Observation, faults: tuple[Fault, ...]) -> bool:
    """Whether some router said that it is configured otherwise than these faults have it."""
    return bool((configured(seen, faults) < _ANYTHING).any())


def _said(seen: Observation, readback: Readback, expected: set[Item]) -> float:
    said = {_key(item) for item in readback.items}
    since = float(seen.window.time[0]) - seen.interval_s
    unsaid = sum(x.kind in readback.tells for x in expected - said) if readback.taken > since else 0
    return _UNEXPLAINED * len(said - expected) + _UNSAID * unsaid


def _overtaken(seen: Observation, readback: Readback) -> bool:
    """Whether the router was configured after it was asked."""
    router = f"node/{readback.router}"
    return any(x.kind == "commit" and x.element == router and x.time > readback.taken for x in seen.events)


def _key(item: Item) -> Item:
    return item._replace(value=1.0) if item.kind == "weight" else item


def _lines(network: Network, fault: Fault) -> Iterator[tuple[str, Item]]:
    setting = TRAITS[fault.kind].setting
    if setting == "drained":
        for position in network.circuit(fault.element):
            yield network.links[position].tail, Item(setting, fault.element)
    elif setting is not None:
        for interface in interfaces(network, fault):
            yield network.links[network.link(interface)].tail, Item(setting, interface, fault.target or "")
