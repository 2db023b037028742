"""What leads from one state of a network to another: typed changes, and what no change of a plan can express."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .model import Link, Network
from .plan import (
    Change,
    DrainLink,
    DrainNode,
    LimitDemand,
    RemoveTunnel,
    SetCapacity,
    SetTunnel,
    SetWeight,
    SleepLink,
    UndrainLink,
    UndrainNode,
    WakeLink,
)
from .printed import short


class StateDifference(NamedTuple):
    """Changes that lead from `before` to `after`, restoring ones first, and in sentences what they leave out."""

    changes: tuple[Change, ...]
    others: tuple[str, ...]


def difference(before: Network, after: Network) -> StateDifference:
    """Compare two states by the names of their elements.

    What gives capacity back comes first and what takes it away last; the order is not yet safe, `safe_order` looks for
    one. Traffic is not configuration: it is compared, and never changed.
    """
    changes = [*_given_back(before, after), *_weights(before, after), *_tunnels(before, after), *_limits(before, after)]
    taken = [*_capacities(before, after), *_taken_away(before, after)]
    others = (*_elements(before, after), *_states(before, after), *_traffic(before, after))
    return StateDifference((*changes, *taken), others)


def _both(before: Network, after: Network) -> Iterator[tuple[Link, Link]]:
    index = after.link_index
    return ((link, after.links[index[link.name]]) for link in before.links if link.name in index)


def _circuits(before: Network, after: Network, flag: str, *, to: bool) -> Iterator[str]:
    """Circuits of both states whose directions all get a flag, or lose it."""
    for circuit, positions in before.circuits.items():
        there = after.circuits.get(circuit)
        if there is None:
            continue
        was = {bool(getattr(before.links[i], flag)) for i in positions}
        becomes = {bool(getattr(after.links[i], flag)) for i in there}
        if (was, becomes) == ({not to}, {to}):
            yield circuit


def _nodes(before: Network, after: Network, *, to: bool) -> Iterator[str]:
    index = after.node_index
    for node in before.nodes:
        if node.name in index and after.nodes[index[node.name]].drained is to and node.drained is not to:
            yield node.name


def _given_back(before: Network, after: Network) -> Iterator[Change]:
    yield from (WakeLink(circuit=x) for x in _circuits(before, after, "asleep", to=False))
    yield from (UndrainLink(circuit=x) for x in _circuits(before, after, "drained", to=False))
    yield from (UndrainNode(node=x) for x in _nodes(before, after, to=False))


def _taken_away(before: Network, after: Network) -> Iterator[Change]:
    for name in _nodes(before, after, to=True):
        yield DrainNode(node=name, mode="cost_out" if after.nodes[after.node(name)].cost_out else "overload")
    for circuit in _circuits(before, after, "drained", to=True):
        last = any(after.links[i].cost_out for i in after.circuit(circuit))
        yield DrainLink(circuit=circuit, mode="cost_out" if last else "remove")
    yield from (SleepLink(circuit=x) for x in _circuits(before, after, "asleep", to=True))


def _weights(before: Network, after: Network) -> Iterator[Change]:
    return (SetWeight(link=a.name, weight=b.weight) for a, b in _both(before, after) if a.weight != b.weight)


def _tunnels(before: Network, after: Network) -> Iterator[Change]:
    had = {tunnel.name: tunnel for tunnel in before.tunnels}
    wanted = {tunnel.name: tunnel for tunnel in after.tunnels}
    yield from (RemoveTunnel(name=name) for name in had if name not in wanted)
    for name, tunnel in wanted.items():
        ends = (tunnel.source, tunnel.target, *(via for path in tunnel.paths for via in path.via))
        if had.get(name) != tunnel and all(end in before.node_index for end in ends):
            yield SetTunnel(tunnel=tunnel)


def _limits(before: Network, after: Network) -> Iterator[Change]:
    had = {(x.source, x.target): x.limit for x in before.limits}
    wanted = {(x.source, x.target): x.limit for x in after.limits}
    for pair in dict.fromkeys((*had, *wanted)):
        if had.get(pair) != wanted.get(pair) and set(pair) <= set(before.node_index):
            yield LimitDemand(source=pair[0], target=pair[1], limit=wanted.get(pair))


def _capacities(before: Network, after: Network) -> Iterator[Change]:
    for circuit, positions in before.circuits.items():
        there = after.circuits.get(circuit, ())
        was = {before.links[i].capacity for i in positions}
        becomes = {after.links[i].capacity for i in there}
        if len(was) == len(becomes) == 1 and was != becomes:
            yield SetCapacity(circuit=circuit, capacity=becomes.pop())


def _elements(before: Network, after: Network) -> Iterator[str]:
    for named, had, has in (
        ("node {}".format, before.node_index, after.node_index),
        (short, before.circuits, after.circuits),
    ):
        yield from (f"{named(name)} is gone" for name in had if name not in has)
        yield from (f"{named(name)} is new" for name in has if name not in had)


def _states(before: Network, after: Network) -> Iterator[str]:
    """States and measures that nobody configures, and flags that one direction alone has."""
    index = after.node_index
    for node in before.nodes:
        other = after.nodes[index[node.name]] if node.name in index else node
        if node.up != other.up:
            yield f"node {node.name} is {'up' if other.up else 'down'} now"
    for a, b in _both(before, after):
        if a.up != b.up:
            yield f"{a.name} is {'up' if b.up else 'down'} now"
        if abs(a.delay_ms - b.delay_ms) > 1e-9:
            yield f"the delay of {a.name} is {b.delay_ms:g} ms, it was {a.delay_ms:g}"
        if a.loss != b.loss:
            yield f"{a.name} loses {100 * b.loss:.2f} %, it lost {100 * a.loss:.2f} %"
    for circuit, positions in before.circuits.items():
        there = after.circuits.get(circuit, ())
        for what in ("drained", "asleep", "capacity"):
            was = {getattr(before.links[i], what) for i in positions}
            becomes = {getattr(after.links[i], what) for i in there}
            if there and was != becomes and max(len(was), len(becomes)) > 1:
                yield f"{what} of {circuit} differs between its directions"


def _traffic(before: Network, after: Network) -> Iterator[str]:
    if before.node_index == after.node_index and np.array_equal(before.demands, after.demands):
        return
    was, becomes = float(before.demands.sum()), float(after.demands.sum())
    if becomes:
        yield f"traffic is {becomes:,.0f} Mbit/s, it was {was:,.0f}: compared, not changed"
