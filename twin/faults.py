"""The faults that can befall a network, each with ground truth: kind, element, severity, onset.

Ids follow the published vocabulary where it has the fault: `link_down`, `device_down`, `link_capacity_bottleneck`,
`silent_egress_packet_loss`; `demand_surge` and `wrong_igp_weight` are ours.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import assert_never
from zlib import crc32

import numpy as np
from pydantic import Field

from .errors import TopologyError, UnknownElementError
from .model import Floats, Frozen, Link, Network

TRIES_PER_KIND = 12
MAX_WEIGHT = 65_535
HURTS = 0.001
"""A drawn fault must add at least this share of all demand to the harm."""


class FaultKind(StrEnum):
    """What can go wrong; the comment says what `element` and `severity` mean."""

    LINK_DOWN = "link_down"  # circuit; severity 1
    DEVICE_DOWN = "device_down"  # node; severity 1
    CAPACITY = "link_capacity_bottleneck"  # circuit; severity is the share of capacity lost, 0 < x < 1
    SURGE = "demand_surge"  # node; severity is the factor on every demand towards it, > 1
    WEIGHT = "wrong_igp_weight"  # interface; severity is the weight found there
    SILENT_LOSS = "silent_egress_packet_loss"  # interface; severity is the share of its traffic lost


class Fault(Frozen):
    """One fault: what, where and how bad. `element` is `node/…`, `interface/…/…` or `link/…--…`."""

    kind: FaultKind
    element: str = Field(min_length=1, max_length=300)
    severity: float = Field(default=1.0, gt=0)

    def __str__(self) -> str:
        return f"{self.kind} at {self.element}"


def afflict(network: Network, fault: Fault) -> Network:
    """Return the network as it is once the fault has struck.

    Raises `UnknownElementError` on an element the network does not have, `TopologyError` on a severity that the kind
    of fault cannot have.
    """
    _check_severity(fault)
    severity = fault.severity
    match fault.kind:
        case FaultKind.LINK_DOWN:
            return _with_links(network, network.circuit(fault.element), lambda link: link._replace(up=False))
        case FaultKind.DEVICE_DOWN:
            nodes = list(network.nodes)
            position = network.node(_typed(fault.element, "node"))
            nodes[position] = nodes[position]._replace(up=False)
            return replace(network, nodes=tuple(nodes))
        case FaultKind.CAPACITY:
            positions = network.circuit(fault.element)
            return _with_links(network, positions, lambda link: link._replace(capacity=link.capacity * (1 - severity)))
        case FaultKind.SURGE:
            demands = network.demands.copy()
            demands[:, network.node(_typed(fault.element, "node"))] *= severity
            return network.with_demands(demands)
        case FaultKind.WEIGHT:
            positions = (network.link(_typed(fault.element, "interface")),)
            return _with_links(network, positions, lambda link: link._replace(weight=int(severity)))
        case FaultKind.SILENT_LOSS:
            positions = (network.link(_typed(fault.element, "interface")),)
            return _with_links(network, positions, lambda link: link._replace(loss=severity))
        case _:
            assert_never(fault.kind)


def draw_fault(
    network: Network, seed: int, *, kinds: Sequence[FaultKind] = tuple(FaultKind), policy_limit: float = 0.8
) -> Fault:
    """Draw a fault that hurts: it adds at least `HURTS` of all demand to the harm at `policy_limit`.

    The kinds come in drawn order, and of each one up to `TRIES_PER_KIND` elements and severities, the loaded ones more
    often, before the next kind has its turn. When nothing hurts this network, the last one drawn is returned.
    Raises `TopologyError` when there is no link or demand to draw from.
    """
    from .sim.simulate import simulate

    if not network.links or not network.offered.any() or not kinds:
        raise TopologyError("no fault to draw: no link, no demand or no kind", fix="use a network that carries traffic")
    intact = simulate(network)
    enough = intact.harm(policy_limit) + HURTS * float(network.offered.sum())
    candidates = _candidates(network, intact.load, kinds, np.random.default_rng([seed, crc32(network.name.encode())]))
    fault = next(candidates)
    while not simulate(afflict(network, fault)).harm(policy_limit) > enough:
        following = next(candidates, None)
        if following is None:
            break
        fault = following
    return fault


def _candidates(
    network: Network, load: Floats, kinds: Sequence[FaultKind], rng: np.random.Generator
) -> Iterator[Fault]:
    for position in rng.permutation(len(kinds)):
        for _ in range(TRIES_PER_KIND):
            yield _draw(kinds[int(position)], network, load, rng)


def _draw(kind: FaultKind, network: Network, load: Floats, rng: np.random.Generator) -> Fault:
    """Draw where, by the traffic that is there, and how bad, over the range that operators meet."""
    node_ids = [node.id for node in network.nodes]
    match kind:
        case FaultKind.LINK_DOWN | FaultKind.CAPACITY:
            circuits = network.circuits
            traffic = np.array([load[list(links)].sum() for links in circuits.values()])
            severity = rng.uniform(0.3, 0.95) if kind is FaultKind.CAPACITY else 1.0
            return Fault(kind=kind, element=_pick(list(circuits), traffic, rng), severity=severity)
        case FaultKind.DEVICE_DOWN:
            heads = [network.node_index[link.head] for link in network.links]
            traffic = np.array(np.bincount(heads, load, minlength=len(node_ids)), dtype=np.float64)
            return Fault(kind=kind, element=_pick(node_ids, traffic, rng))
        case FaultKind.SURGE:
            towards = network.offered.sum(axis=0)
            return Fault(kind=kind, element=_pick(node_ids, towards, rng), severity=rng.uniform(1.5, 4.0))
        case FaultKind.WEIGHT | FaultKind.SILENT_LOSS:
            interface = _pick([link.interface for link in network.links], load, rng)
            wrong = kind is FaultKind.WEIGHT
            severity = _wrong_weight(network, interface, rng) if wrong else 10 ** rng.uniform(-2, -0.5)
            return Fault(kind=kind, element=interface, severity=severity)
        case _:
            assert_never(kind)


def _pick(ids: list[str], traffic: Floats, rng: np.random.Generator) -> str:
    """Draw an element in proportion to its traffic."""
    total = traffic.sum()
    return ids[int(rng.choice(len(ids), p=traffic / total if total > 0 else None))]


def _wrong_weight(network: Network, interface: str, rng: np.random.Generator) -> float:
    """Mistakes of the keyboard and of templates: a digit lost or doubled, the default, the largest metric."""
    weight = network.links[network.link(interface)].weight
    mistakes = {max(weight // 10, 1), weight * 10, 1, 10, 1000, MAX_WEIGHT} - {weight}
    return float(rng.choice(sorted(min(value, MAX_WEIGHT) for value in mistakes)))


def _check_severity(fault: Fault) -> None:
    x = fault.severity
    holds, allowed = {
        FaultKind.LINK_DOWN: (x == 1, "1"),
        FaultKind.DEVICE_DOWN: (x == 1, "1"),
        FaultKind.CAPACITY: (0 < x < 1, "between 0 and 1: the share of capacity lost"),
        FaultKind.SURGE: (x > 1, "above 1: the factor on the demands"),
        FaultKind.WEIGHT: (x.is_integer() and 1 <= x <= MAX_WEIGHT, f"a weight, 1 to {MAX_WEIGHT}"),
        FaultKind.SILENT_LOSS: (0 < x <= 1, "above 0 and at most 1: the share of traffic lost"),
    }[fault.kind]
    if not holds:
        raise TopologyError(f"{fault.kind} cannot have severity {x:g}", fix=f"its severity is {allowed}")


def _typed(element: str, kind: str) -> str:
    """Refuse an element of another kind, such as a node's name where an interface is meant."""
    if not element.startswith(f"{kind}/"):
        raise UnknownElementError(kind, element, ())
    return element


def _with_links(network: Network, positions: tuple[int, ...], change: Callable[[Link], Link]) -> Network:
    links = list(network.links)
    for position in positions:
        links[position] = change(links[position])
    return replace(network, links=tuple(links))
