"""Draw a fault by a seed: where there is traffic, as bad as operators meet it."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from zlib import crc32

import numpy as np

from twin.errors import TopologyError
from twin.faults import DRAWN_KINDS, MAX_WEIGHT, TRAITS, Fault, FaultKind, with_fault
from twin.model import Floats, Network

TRIES_PER_KIND = 12
HURTS = 0.001
"""A drawn fault must add at least this share of all demand to the harm."""

_K = FaultKind


class _Scene(NamedTuple):
    network: Network
    load: Floats  # [m] Mbit/s
    rng: np.random.Generator


def draw_fault(
    network: Network, seed: int, *, kinds: Sequence[FaultKind] = DRAWN_KINDS, policy_limit: float = 0.8
) -> Fault:
    """Draw a fault that hurts: it adds at least `HURTS` of all demand to the harm at `policy_limit`.

    The kinds come in drawn order, and of each one up to `TRIES_PER_KIND` elements and severities, the loaded ones more
    often, before the next kind has its turn. Kinds that the simulator cannot weigh (forwarding, telemetry, latency) are
    taken where they concern traffic. When nothing hurts this network, the last one drawn is returned.
    Raises `TopologyError` when there is no link or demand to draw from, or no place for any of the kinds.
    """
    from twin.sim.simulate import simulate

    if not network.links or not network.offered.any() or not kinds:
        raise TopologyError("no fault to draw: no link, no demand or no kind", fix="use a network that carries traffic")
    intact = simulate(network)
    enough = intact.harm(policy_limit).routable + HURTS * float(network.offered.sum())
    scene = _Scene(network, intact.load, np.random.default_rng([seed, crc32(network.name.encode())]))
    fault = None
    for fault in _candidates(scene, kinds):
        if not TRAITS[fault.kind].weighed or simulate(with_fault(network, fault)).harm(policy_limit).routable > enough:
            break
    if fault is None:
        raise TopologyError(
            f"no fault to draw: {network.name} has no place for {', '.join(kinds)}", fix="ask for other kinds"
        )
    return fault


def _candidates(scene: _Scene, kinds: Sequence[FaultKind]) -> Iterator[Fault]:
    for position in scene.rng.permutation(len(kinds)):
        for _ in range(TRIES_PER_KIND):
            fault = _draw(kinds[int(position)], scene)
            if fault is not None:
                yield fault


def _draw(kind: FaultKind, scene: _Scene) -> Fault | None:
    """Draw where, by the traffic that is there, and how bad, over the range that operators meet."""
    if kind in _PLACES:
        return _PLACES[kind](kind, scene)
    network, load, rng = scene
    match TRAITS[kind].element:
        case "circuit":
            traffic = np.array([load[list(links)].sum() for links in network.circuits.values()])
            severity = _severity(kind, rng)
            return Fault(kind=kind, element=_pick(list(network.circuits), traffic, rng), severity=severity)
        case "interface":
            element = _pick([link.interface for link in network.links], load, rng)
        case "exit":
            if not network.exits:
                return None
            exits = list(network.exits)
            element = _pick([network.links[i].interface for i in exits], load[exits], rng)
        case "node" | "node or network":
            able = np.array([node.kind != "exits" or TRAITS[kind].layer == "traffic" for node in network.nodes])
            element = _pick([node.id for node in network.nodes], _node_traffic(kind, scene) * able, rng)
    if kind is _K.WEIGHT:
        return Fault(kind=kind, element=element, severity=_wrong_weight(network, element, rng))
    return Fault(kind=kind, element=element, severity=_severity(kind, rng))


def _severity(kind: FaultKind, rng: np.random.Generator) -> float:
    drawn = TRAITS[kind].drawn
    return 1.0 if drawn is None else float(drawn(rng))


def _node_traffic(kind: FaultKind, scene: _Scene) -> Floats:
    """What counts at a node: the demands towards it, those from it, or all that it receives."""
    network, load, _ = scene
    if TRAITS[kind].layer == "traffic":
        return network.offered.sum(axis=0)
    if kind is _K.DEMAND_INPUT:
        return network.offered.sum(axis=1)
    ends = [network.node_index[x.tail if kind is _K.DEVICE_CORRUPTION else x.head] for x in network.links]
    return np.array(np.bincount(ends, load, minlength=len(network.nodes)), dtype=np.float64)


class _Hop(NamedTuple):
    link: int  # the link that one flow of a pair takes at one of its hops
    target: int  # node that it is heading for
    choices: int  # next hops that there were


def _hop(scene: _Scene, *, forked: bool = False) -> _Hop | None:
    """A hop of a drawn pair on one of its shortest paths, only a fork if so asked; None when it has none."""
    from .forwarding import routing_tables

    network, _, rng = scene
    tables, n = routing_tables(network), len(network.nodes)
    pairs = np.flatnonzero(network.offered)
    traffic = network.offered.ravel()[pairs]
    node, target = divmod(int(rng.choice(pairs, p=traffic / traffic.sum())), n)
    hops: list[_Hop] = []
    while node != target:
        slot = target * n + node
        nexts = tables.links[tables.first[slot] : tables.first[slot + 1]]
        if not nexts.size:
            break
        hops.append(_Hop(int(rng.choice(nexts)), target, nexts.size))
        node = network.node_index[network.links[hops[-1].link].head]
    wanted = [hop for hop in hops if hop.choices > 1 or not forked]
    return wanted[int(rng.integers(len(wanted)))] if wanted else None


def _at_fork(kind: FaultKind, scene: _Scene) -> Fault | None:
    hop = _hop(scene, forked=True)
    return hop and Fault(kind=kind, element=scene.network.links[hop.link].interface)


def _at_interface(kind: FaultKind, scene: _Scene) -> Fault | None:
    hop = _hop(scene)
    return hop and Fault(
        kind=kind, element=scene.network.links[hop.link].interface, target=scene.network.nodes[hop.target].id
    )


def _at_node(kind: FaultKind, scene: _Scene) -> Fault | None:
    hop = _hop(scene)
    return hop and Fault(
        kind=kind, element=f"node/{scene.network.links[hop.link].tail}", target=scene.network.nodes[hop.target].id
    )


def _at_source(kind: FaultKind, scene: _Scene) -> Fault | None:
    network, _, rng = scene
    pairs = [(s.id, t.id) for s in network.nodes for t in network.nodes]
    traffic = network.offered.ravel()
    element, target = pairs[int(rng.choice(len(pairs), p=traffic / traffic.sum()))]
    return Fault(kind=kind, element=element, target=target)


def _off_path(kind: FaultKind, scene: _Scene) -> Fault | None:
    """An interface of a router on the path that does not lead to the target the shortest way."""
    hop = _hop(scene)
    if hop is None:
        return None
    network, _, rng = scene
    here = network.links[hop.link].tail
    others = [x.interface for i, x in enumerate(network.links) if x.tail == here and i != hop.link]
    return Fault(kind=kind, element=str(rng.choice(others)), target=network.nodes[hop.target].id) if others else None


def _swapped(kind: FaultKind, scene: _Scene) -> Fault | None:
    network, load, rng = scene
    element = _pick([link.interface for link in network.links], load, rng)
    here = network.links[network.link(element)].tail
    others = [x.interface for x in network.links if x.tail == here and x.interface != element]
    return Fault(kind=kind, element=element, target=str(rng.choice(others))) if others else None


def _speaker(kind: FaultKind, scene: _Scene) -> Fault | None:
    """A router that has exits; those that carry more are drawn more often."""
    network, load, rng = scene
    if not network.exits:
        return None
    out: dict[str, float] = {}
    for i in network.exits:
        name = network.links[i].tail
        out[name] = out.get(name, 0.0) + float(load[i])
    return Fault(kind=kind, element=f"node/{_pick(list(out), np.array(list(out.values())), rng)}")


def _claim(kind: FaultKind, scene: _Scene) -> Fault | None:
    """A router, or what is behind an exit, and a group that its router has no exit of; the busier groups more often."""
    network, _, rng = scene
    groups = {network.links[i].head for i in network.exits}
    owned = {(network.links[i].tail, network.links[i].head) for i in network.exits}
    inside = [(x.name, x.id) for x in network.nodes if x.kind == "router"]
    outside = [(network.links[i].tail, network.links[i].interface) for i in network.exits]
    places = [
        (element, group)
        for router, element in (inside if kind is _K.BGP_HIJACK else outside)
        for group in sorted(groups)
        if (router, group) not in owned
    ]
    if not places:
        return None
    traffic = np.array([network.offered[:, network.node(group)].sum() for _, group in places])
    pick = int(rng.choice(len(places), p=traffic / traffic.sum() if traffic.sum() > 0 else None))
    return Fault(kind=kind, element=places[pick][0], target=f"node/{places[pick][1]}")


_PLACES: dict[FaultKind, Callable[[FaultKind, _Scene], Fault | None]] = {
    _K.ECMP_MISSING: _at_fork,
    _K.ECMP_STALE: _at_fork,
    _K.DATA_ACL: _at_interface,
    _K.BLACKHOLE: _at_node,
    _K.HOST_BLACKHOLE: _at_source,
    _K.STATIC_ROUTE: _off_path,
    _K.SWAPPED_COUNTERS: _swapped,
    _K.BGP_HIJACK: _claim,
    _K.BGP_ORIGIN: _claim,
    _K.BGP_PROCESS: _speaker,
}


def _pick(ids: list[str], traffic: Floats, rng: np.random.Generator) -> str:
    """Draw an element in proportion to its traffic."""
    total = traffic.sum()
    return ids[int(rng.choice(len(ids), p=traffic / total if total > 0 else None))]


def _wrong_weight(network: Network, interface: str, rng: np.random.Generator) -> float:
    """Mistakes of the keyboard and of templates: a digit lost or doubled, the default, the largest metric."""
    weight = network.links[network.link(interface)].weight
    mistakes = {max(weight // 10, 1), weight * 10, 1, 10, 1000, MAX_WEIGHT} - {weight}
    return float(rng.choice(sorted(min(value, MAX_WEIGHT) for value in mistakes)))
