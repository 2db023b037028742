"""The best of all short plans on a small network: every change alone, and the promising ones two by two.

No planner and no simulator of the product is asked: what a change does is walked by the emulated network itself.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from twin.errors import TwinError
from twin.live.emulated import EmulatedNetwork
from twin.model import Network, SegmentList, Tunnel
from twin.plan import (
    Change,
    DrainLink,
    DrainNode,
    SetTunnel,
    SetWeight,
    UndrainLink,
    UndrainNode,
)

LARGEST = 16
"""Nodes up to which a network is small enough."""
_DEMANDS = 12  # the largest, and those that are told to be concerned, are tried by every midpoint
_PROMISING, _JUDGED = 10, 30  # single changes that are paired; plans that are put before the gate
_FACTORS = (0.1, 0.5, 2.0, 10.0)

Accepts = Callable[[tuple[Change, ...]], bool]


class TriedRouting(NamedTuple):
    """Steps, and the harm right after them, Mbit/s."""

    left: float
    number: int  # as they were tried: of equal ones the first
    steps: tuple[Change, ...]


def short_plan(
    live: EmulatedNetwork, limit: float, *, towards: Sequence[str], least: float, accepts: Accepts
) -> tuple[Change, ...]:
    """Return the steps of the best accepted plan of one or two changes; none where none takes off more than `least`.

    `live` is as it was before; `towards` are the targets that a fault is about. `accepts` says whether the gate lets a
    plan pass: those that leave the least are put before it first, tunnels that fall back to the IGP before the same
    ones that black-hole, for under failures either may be the one that passes.
    """
    before = live.true_harm(limit).total
    single = _all_tried(live, ((x,) for x in every_change(live.read_topology(), towards)), limit)
    better = sorted((x for x in single if x.left < before - least), key=_order)
    pairs = ((*a.steps, *b.steps) for a, b in combinations(better[:_PROMISING], 2))
    plans = sorted([*better, *_all_tried(live, pairs, limit)], key=_order)
    worth = (x.steps for x in plans[:_JUDGED] if x.left < before - least)
    return next((steps for tried in worth for steps in _by_failures(tried) if accepts(steps)), ())


def _by_failures(steps: tuple[Change, ...]) -> Iterator[tuple[Change, ...]]:
    """Yield a plan, and the same one with tunnels that black-hole: what differs is what failures make of them."""
    yield steps
    dark = tuple(
        SetTunnel(tunnel=x.tunnel.model_copy(update={"on_invalid": "blackhole"})) if isinstance(x, SetTunnel) else x
        for x in steps
    )
    if dark != steps:
        yield dark


def _order(tried: TriedRouting) -> tuple[float, int, int]:
    return tried.left, len(tried.steps), tried.number


def _all_tried(live: EmulatedNetwork, plans: Iterable[tuple[Change, ...]], limit: float) -> list[TriedRouting]:
    found = [(steps, _left(live, steps, limit)) for steps in plans]
    return [TriedRouting(left, number, steps) for number, (steps, left) in enumerate(found) if left is not None]


def _left(live: EmulatedNetwork, steps: tuple[Change, ...], limit: float) -> float | None:
    """Harm, Mbit/s, after some changes; None where the network refuses one."""
    try:
        return live.true_harm_after(steps, limit).total
    except TwinError:
        return None


def every_change(network: Network, towards: Sequence[str] = ()) -> Iterator[Change]:
    """Yield every drain, some weights of every link, and every midpoint for the largest demands and for `towards`.

    Tunnels fall back to the IGP where their labels lead nowhere.
    """
    for circuit, positions in network.circuits.items():
        drained = network.links[positions[0]].drained
        yield UndrainLink(circuit=circuit) if drained else DrainLink(circuit=circuit)
    for node in network.nodes:
        yield UndrainNode(node=node.name) if node.drained else DrainNode(node=node.name)
    for link in network.links:
        for factor in _FACTORS:
            weight = max(1, min(round(link.weight * factor), 2**16 - 2))
            if weight != link.weight:
                yield SetWeight(link=link.name, weight=weight)
    names = [x.name for x in network.nodes]
    largest = (
        np.unravel_index(int(i), network.offered.shape) for i in np.argsort(-network.offered, axis=None)[:_DEMANDS]
    )
    pairs = [(names[int(s)], names[int(t)]) for s, t in largest]
    pairs += [(source, target.removeprefix("node/")) for target in towards for source in names]
    for source, target in dict.fromkeys(x for x in pairs if x[0] != x[1]):
        for via in names:
            if via not in (source, target):
                paths = (SegmentList(via=(via,), share=1.0),)
                tunnel = Tunnel(name=f"{source}>{target}", source=source, target=target, paths=paths, on_invalid="igp")
                yield SetTunnel(tunnel=tunnel)
