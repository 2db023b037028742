"""Which signals belong together: symptoms and anomalies of one fault make one incident, those of two far ones make two.

What a device says of itself (it is down, its neighbour is gone, frames are lost between two counters) is a source; what
the rest of the network shows (moved loads, full queues, slow or lost probes) follows from some source or stands for
one that nobody reports. Which follower belongs to which source is simulated, not guessed from distance: take the source
away and see whose load or path it changes.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple, Self

import numpy as np

from twin.live.declared import Declaration
from twin.model import Floats, Frozen, Network
from twin.sim.simulate import Outcome, simulate

from .anomaly import Anomaly
from .symptoms import Symptom

TOGETHER_S = 900.0
"""Sources that begin within this time and touch each other are one."""
_RANK = (
    "silent",
    "down",
    "neighbour_lost",
    "flapping",
    "no_routes",
    "errors",
    "frame_errors",
    "wire",
    "wire_loss",
    "packets",
    "packet_shift",
    "growth",
    "traffic_surge",
    "unread",
    "no_counters",
)
"""Kinds that devices report of themselves, the likeliest cause first."""
_TRAFFIC = frozenset({"packets", "packet_shift", "growth", "traffic_surge"})
_FULL = frozenset({"drops", "over_limit"})
_MOVED, _MOVED_MBPS = 0.01, 2.0
_MOST_PROBES = 20
_FAR = 1e9


class Signal(NamedTuple):
    """One symptom or anomaly: what, where, how strong, since when (epoch seconds; 0 if that is not known)."""

    kind: str
    element: str
    score: float
    since: float = 0.0

    @classmethod
    def of(cls, found: Symptom | Anomaly) -> Self:
        """Take what correlation needs of a symptom or an anomaly."""
        since = found.since.timestamp() if isinstance(found, Anomaly) else 0.0
        return cls(str(found.kind), found.element, found.score, since)


class Group(Frozen):
    """Signals that one cause can explain. `source` is the element that the cause is likely at."""

    source: str
    kind: str
    reported: bool  # whether a device says so itself; else it is where the traffic is farthest off
    signals: tuple[int, ...]  # positions in what was given, the telling ones first
    elements: tuple[str, ...]


def correlate(network: Network, signals: Sequence[Signal], declared: Declaration = Declaration()) -> tuple[Group, ...]:
    """Group signals by what can have caused them, the groups with the likeliest cause first.

    `network` is the inventory under the measured matrix, `declared` what it says of its probes. Elements that it does
    not have form groups of their own.
    """
    sources = [i for i, x in enumerate(signals) if x.kind in _RANK]
    clusters = _merged(network, signals, sources)
    before = simulate(network)
    effects = [_Effect.of(network, before, [signals[i] for i in cluster]) for cluster in clusters]
    left: list[int] = []
    for i in range(len(signals)):
        if i in sources:
            continue
        shares = [effect.share(network, signals[i].element, declared.delay_error_ms) for effect in effects]
        if shares and max(shares) > 0:
            clusters[int(np.argmax(shares))].append(i)
        else:
            left.append(i)
    groups = _unreported(network, signals, left, clusters)
    found = [_group(network, signals, members) for members in (*clusters, *groups)]
    return tuple(sorted(found, key=lambda x: (_order(x.kind), -max(signals[i].score for i in x.signals), x.source)))


class _Effect(NamedTuple):
    """What changes when a source is taken away: load of each link [m] as a share, and delay of each pair [n, n], ms."""

    load: Floats
    delay: Floats
    all_paths: bool  # whether probes between any two nodes may feel it

    @classmethod
    def of(cls, network: Network, before: Outcome, cluster: Sequence[Signal]) -> Self:
        after = simulate(_without(network, cluster))
        moved = np.abs(after.load - before.load)
        load = np.where(moved > _MOVED_MBPS, moved / np.maximum(np.maximum(before.load, after.load), 1e-9), 0.0)
        old, new = (np.where(np.isfinite(x), x, _FAR) for x in (before.delay_ms, after.delay_ms))
        for link in _touched(network, cluster):
            load[link] = 1.0
        return cls(np.where(load > _MOVED, load, 0.0), np.abs(new - old), any(x.kind in _TRAFFIC for x in cluster))

    def share(self, network: Network, element: str, told_ms: float) -> float:
        """How much of what is seen at an element this source can explain, 0..1; a probe tells `told_ms` from none."""
        if element.startswith("network/"):
            return float(self.load.max(initial=0.0))
        if element.startswith("probe/"):
            _, a, b = element.split("/", 2)
            if a not in network.node_index or b not in network.node_index:
                return 0.0
            pair = network.node_index[a], network.node_index[b]
            return 1.0 if self.delay[pair] > told_ms else (0.01 if self.all_paths else 0.0)
        return max((float(self.load[i]) for i in _links(network, element)), default=0.0)


def _without(network: Network, cluster: Sequence[Signal]) -> Network:
    """The network without the elements that report themselves, or with twice the traffic towards those that grew."""
    links, nodes, demands = list(network.links), list(network.nodes), network.demands.copy()
    for signal in cluster:
        if signal.kind in _TRAFFIC and signal.element.startswith("node/"):
            demands[:, network.node(signal.element)] *= 2
        elif signal.kind == "silent" and signal.element in {x.id for x in network.nodes}:
            position = network.node(signal.element)
            nodes[position] = nodes[position]._replace(up=False)
        else:
            for i in _links(network, signal.element):
                links[i] = links[i]._replace(up=False)
    return replace(network, links=tuple(links), nodes=tuple(nodes), demands=demands)


def _touched(network: Network, cluster: Sequence[Signal]) -> set[int]:
    """Links of the elements themselves."""
    return {i for x in cluster if x.kind not in _TRAFFIC for i in _links(network, x.element)}


def _links(network: Network, element: str) -> list[int]:
    """Positions of the links that an element is, or has; none of what the network does not know."""
    if element in network.circuits:
        return list(network.circuits[element])
    if element in network.interface_index:
        return [network.interface_index[element]]
    name = element.removeprefix("node/")
    if element.startswith("node/") and name in network.node_index:
        return [i for i, x in enumerate(network.links) if name in (x.tail, x.head)]
    return []


def _ends(network: Network, element: str) -> frozenset[str]:
    """Nodes that an element is at."""
    if element.startswith("node/"):
        return frozenset({element.removeprefix("node/")})
    return frozenset(x for i in _links(network, element) for x in (network.links[i].tail, network.links[i].head))


def _merged(network: Network, signals: Sequence[Signal], sources: Sequence[int]) -> list[list[int]]:
    """Sources that touch the same node and began together, strongest first: the circuits of a node that is down."""
    clusters: list[list[int]] = []
    for i in sorted(sources, key=lambda i: (_order(signals[i].kind), -signals[i].score, signals[i].element)):
        here, near = _ends(network, signals[i].element), None
        for number, cluster in enumerate(clusters):
            first = signals[cluster[0]]
            together = not signals[i].since or abs(signals[i].since - first.since) <= TOGETHER_S
            if together and here & _ends(network, first.element):
                near = number
                break
        if near is None:
            clusters.append([i])
        else:
            clusters[near].append(i)
    return clusters


def _unreported(
    network: Network, signals: Sequence[Signal], left: Sequence[int], clusters: list[list[int]]
) -> list[list[int]]:
    """Followers that no source explains: those that lie at a source's nodes join it, the others by what they share."""
    at = [frozenset[str]().union(*(_ends(network, signals[i].element) for i in x)) for x in clusters]
    places = {i: _place(network, signals[i].element, number) for number, i in enumerate(left)}
    groups: list[list[int]] = []
    footprints: list[set[str]] = []
    lines = [i for i in left if not signals[i].element.startswith(("probe/", "network/"))]
    for i in lines:
        ends = _ends(network, signals[i].element)
        touching = [number for number, nodes in enumerate(at) if nodes & ends]
        if touching:
            clusters[touching[0]].append(i)
            continue
        same = [number for number, nodes in enumerate(footprints) if nodes & ends]
        groups.append([i, *(j for number in same for j in groups[number])])
        footprints.append(set(ends).union(*(footprints[number] for number in same)))
        for number in reversed(same):
            del groups[number], footprints[number]
    filled = [[network.links[j].name for i in x if signals[i].kind in _FULL
               for j in _links(network, signals[i].element)] for x in clusters]  # fmt: skip
    rest = [i for i in left if i not in lines]
    return _with_probes(rest, places, groups, clusters, [frozenset(x) for x in filled])


def _with_probes(
    rest: Iterable[int],
    places: dict[int, frozenset[str]],
    groups: list[list[int]],
    clusters: list[list[int]],
    full: Sequence[frozenset[str]],
) -> list[list[int]]:
    """Add what was seen end to end to the group whose links its path shares most, or to one of its own kind.

    What goes over a link that a cluster's source has filled, of the `full` ones of each cluster, is of that cluster.
    """
    for i in rest:
        shared = [len(places[i] & frozenset[str]().union(*(places[j] for j in x if j in places))) for x in groups]
        filled = [number for number, links in enumerate(full) if places[i] & links]
        if shared and (max(shared) > 0 or not places[i]):
            groups[int(np.argmax(shared))].append(i)
        elif filled or (not places[i] and clusters):
            clusters[filled[0] if filled else 0].append(i)
        else:
            groups.append([i])
    return groups


def _place(network: Network, element: str, number: int) -> frozenset[str]:
    """Names of the links that an element is; of a probe, the links of its path, for the first few probes."""
    if not element.startswith("probe/"):
        return frozenset(network.links[i].name for i in _links(network, element))
    _, a, b = element.split("/", 2)
    if a not in network.node_index or b not in network.node_index or number >= _MOST_PROBES:
        return frozenset()
    if network.nodes[network.node_index[a]].kind == "exits":  # by which of them it enters is not ours to say
        return frozenset()
    alone = np.zeros_like(network.demands)
    alone[network.node_index[a], network.node_index[b]] = 1.0
    load = simulate(replace(network, demands=alone, limits=())).load
    return frozenset(network.links[int(i)].name for i in np.flatnonzero(load > 0))


def _group(network: Network, signals: Sequence[Signal], members: Sequence[int]) -> Group:
    ordered = sorted(members, key=lambda i: (_order(signals[i].kind), -signals[i].score, signals[i].element))
    first = signals[ordered[0]]
    return Group(
        source=_shared(network, [signals[i].element for i in ordered]) or first.element,
        kind=first.kind,
        reported=first.kind in _RANK,
        signals=tuple(ordered),
        elements=tuple(dict.fromkeys(signals[i].element for i in ordered)),
    )


def _shared(network: Network, elements: Sequence[str]) -> str | None:
    """The circuit that most of the probes go over, where probes alone show something."""
    if not all(x.startswith("probe/") for x in elements):
        return None
    paths = [_place(network, x, number) for number, x in enumerate(elements)]
    circuits = Counter(network.links[network.link(name)].circuit for path in paths for name in path)
    return min(circuits, key=lambda x: (-circuits[x], x)) if circuits else None


def _order(kind: str) -> int:
    return _RANK.index(kind) if kind in _RANK else len(_RANK) + kind.startswith("probe")
