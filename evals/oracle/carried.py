"""What a network carries, computed in plain Python from its ways: the labels of the gate's cases come from here.

Of what routers do otherwise than their routes say, filters on what leaves by a link (`bar`) are known here.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from math import inf, prod
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Network, Tunnel
from twin.policy import Policy

from .ways import Failed, Towards, metrics, ways_of

SLACK = 1e-6


class Carried(NamedTuple):
    """One state: utilisation of each link, demands without a path, what each link drops, delays of each demand.

    Those are the mean over its ways and that of its longest way, ms.
    """

    utilisation: dict[str, float]
    load: dict[str, float]
    lost: frozenset[tuple[str, str]]
    delay: dict[tuple[str, str], float]
    dropped: dict[str, float]
    longest: dict[tuple[str, str], float]

    @property
    def peak(self) -> float:
        """Utilisation of the busiest link."""
        return max(self.utilisation.values())

    def above(self, limit: float) -> float:
        """Mbit/s above a share of capacity, summed over links."""
        excess = ((u - limit) * self.load[name] / u for name, u in self.utilisation.items() if u > limit)
        return sum(excess)


_List = tuple[tuple[str, ...], float]
_OfPairs = dict[tuple[str, str], float]


class _Legs(NamedTuple):
    volume: _OfPairs
    delay: _OfPairs
    longest: _OfPairs
    lost: set[tuple[str, str]]


def crossing(network: Network, link: str) -> list[tuple[str, str]]:
    """Pairs with a demand some of whose shortest paths use a link."""
    towards, used = ways_of(network, Failed("nothing")), network.links[network.link(link)]
    to_tail, cost = towards[used.tail].far, metrics(network)[link]
    pairs: list[tuple[str, str]] = []
    for s, t in np.argwhere(network.offered).tolist():
        source, target = network.nodes[s].name, network.nodes[t].name
        far = towards[target].far
        if source in to_tail and used.head in far and to_tail[source] + cost + far[used.head] == far.get(source):
            pairs.append((source, target))
    return pairs


@lru_cache(maxsize=4000)
def carried(network: Network, dead: Failed = Failed("nothing")) -> Carried:
    """Evaluate one state, under one failure if given."""
    return _carried(network, dead, _filtered(network, ways_of(network, dead)))


def arriving(network: Network, dead: Failed = Failed("nothing")) -> Floats:
    """Share of each demand between nodes that are up that arrives [n, n], where all labels lead somewhere."""
    towards = _filtered(network, ways_of(network, dead))
    up = {node.name for node in network.nodes if node.up} - ({dead.node} if dead.node else set[str]())
    tunnels = {(tunnel.source, tunnel.target): tunnel for tunnel in network.tunnels}
    share, names = np.ones_like(network.offered), [node.name for node in network.nodes]
    for s, t in np.argwhere(network.offered).tolist():
        pair = names[s], names[t]
        if not {*pair} <= up:
            continue
        lists = lists_of(network, tunnels[pair], towards, up) if pair in tunnels else []
        ways = lists or [(pair, 1.0)]
        share[s, t] = sum(
            part * prod(towards[b].alive.get(a, 0.0) for a, b in pairwise(stops) if a != b) for stops, part in ways
        )
    return share


def _filtered(network: Network, towards: dict[str, Towards]) -> dict[str, Towards]:
    """The ways, of which nothing goes on where a filter is."""
    found = dict(towards)
    for target, link in _filters(network):
        found[target] = found[target].passing({**found[target].passed, link: 0.0})
    return found


def _filters(network: Network) -> set[tuple[str, str]]:
    """Targets and the links by which nothing leaves for them."""
    bars = [x for x in network.astray if x.does == "bar"]
    return {(target, x.at) for x in bars for target in ([x.target] if x.target else network.node_index)}


def thinned(network: Network, dead: Failed, passed: Mapping[str, float]) -> dict[str, float]:
    """Load of each link where each passes on such a share of what it carries, by name, whatever its own loss is."""
    ways = {name: paths.passing(passed) for name, paths in ways_of(network, dead).items()}
    return _carried(network, dead, ways).load


def _carried(network: Network, dead: Failed, towards: dict[str, Towards]) -> Carried:
    up = {node.name for node in network.nodes if node.up} - ({dead.node} if dead.node else set[str]())
    legs = _legs(network, towards, up)
    volume = legs.volume
    links = {link.name: link for link in network.links}
    load, filters = dict.fromkeys(links, 0.0), _filters(network)
    dropped = {name: 0.0 for name, link in links.items() if link.loss}
    for target, paths in towards.items():
        here = {node: volume.get((node, target), 0.0) for node in paths.order}
        for node in reversed(paths.order[1:]):
            hops = paths.hops[node]
            share = here[node] / len(hops)
            for hop in hops:
                if (target, hop.name) in filters:  # dropped before it is sent
                    dropped[hop.name] = dropped.get(hop.name, 0.0) + share
                    continue
                load[hop.name] += share
                here[hop.head] += share * paths.passed[hop.name]
    utilisation = {name: load[name] / link.capacity for name, link in links.items()}
    for name, link in links.items():
        if link.loss:
            dropped[name] += load[name] * link.loss
    return Carried(utilisation, load, frozenset(legs.lost), legs.delay, dropped, legs.longest)


def _legs(network: Network, towards: dict[str, Towards], up: set[str]) -> _Legs:
    volume: dict[tuple[str, str], float] = {}
    delay, longest = dict[tuple[str, str], float](), dict[tuple[str, str], float]()
    lost: set[tuple[str, str]] = set()
    tunnels = {(tunnel.source, tunnel.target): tunnel for tunnel in network.tunnels}
    names = [node.name for node in network.nodes]
    for s, t in np.argwhere(network.offered).tolist():
        pair, amount = (names[s], names[t]), float(network.offered[s, t])
        source, target = pair
        if source not in up or target not in up:
            continue
        if pair not in tunnels:
            if source in towards[target].far:
                volume[pair] = volume.get(pair, 0.0) + amount
                delay[pair], longest[pair] = towards[target].delay[source], towards[target].longest[source]
            else:
                lost.add(pair)
            continue
        lists = lists_of(network, tunnels[pair], towards, up)
        if source not in towards[target].far and not lists:
            lost.add(pair)
            continue
        ways = lists or [(pair, 1.0)]
        arriving = [(stops, share) for stops, share in ways if all(a in towards[b].far for a, b in pairwise(stops))]
        if len(arriving) < len(ways):  # labels that lead nowhere: some of it is lost, or all
            lost.add(pair)
        for stops, share in ways:
            left = amount * share
            for a, b in pairwise(stops):
                if a not in towards[b].far:
                    break
                if a != b:
                    volume[a, b] = volume.get((a, b), 0.0) + left
                    left *= towards[b].alive[a]
        if arriving:
            whole = sum(share for _, share in arriving)
            lasting = (share * towards[b].delay[a] for x, share in arriving for a, b in pairwise(x) if a != b)
            delay[pair] = sum(lasting) / whole
            longest[pair] = max(sum(towards[b].longest[a] for a, b in pairwise(x)) for x, share in arriving if share)
    return _Legs(volume, delay, longest, lost)


def lists_of(network: Network, tunnel: Tunnel, towards: Mapping[str, Towards], up: set[str]) -> list[_List]:
    """Stops of each segment list that traffic is put on, with its share; none where the tunnel is passed over."""
    drained = {node.name for node in network.nodes if node.drained and tunnel.path == "dynamic"}
    valid: list[_List] = []
    for path in tunnel.paths:
        stops = (tunnel.source, *path.via, tunnel.target)
        blind = tunnel.path == "explicit" and tunnel.on_invalid == "blackhole"
        if blind or (set(path.via) <= up - drained and all(a in towards[b].far for a, b in pairwise(stops))):
            valid.append((stops, path.share))
    total = sum(share for _, share in valid)
    return [(stops, share / total) for stops, share in valid]


def failures(network: Network) -> list[Failed]:
    """Every circuit in use and every node, one at a time."""
    circuits = sorted({link.circuit for link in network.links if link.usable})
    routers = [x for x in network.nodes if x.kind != "exits"]
    return [Failed(x, links=frozenset((x,))) for x in circuits] + [Failed(x.id, node=x.name) for x in routers]


def short_of_one(network: Network) -> list[tuple[str, Network]]:
    """The network with one member less in each bundle in turn, and what that failure is called.

    A bundle may have another metric then; where it is costed out, that comes first.
    """
    found: list[tuple[str, Network]] = []
    for circuit in sorted({x.circuit for x in network.links if x.usable and x.members > 1}):
        links = tuple(
            x._replace(
                capacity=x.capacity * (x.members - 1) / x.members,
                up=x.members > x.min_members,
                weight=x.degraded_weight or x.weight,
            )
            if x.circuit == circuit
            else x
            for x in network.links
        )
        found.append((f"member of {circuit}", replace(network, links=links)))
    return found


def while_repaired(network: Network, failed: str) -> dict[str, float]:
    """Utilisation of each link while the routers around a failed circuit or node send around it what would cross it.

    From the definition of TI-LFA (RFC 9855): they use the paths after convergence, everybody else those before; what
    is for a node that has failed gets as far as that, and labels that lead over it no further. Not for lossy links.
    """
    node = failed.removeprefix("node/") if failed.startswith("node/") else None
    failure = Failed(failed, node=node) if node else Failed(failed, frozenset((failed,)))
    before, after = ways_of(network, Failed("nothing")), ways_of(network, failure)
    dead = {x.name for x in network.links if x.circuit == failed or node in (x.tail, x.head)}
    load, volume = dict.fromkeys((x.name for x in network.links), 0.0), _sent(network, before, node)
    for target, paths in before.items():
        here = {x: volume.get((x, target), 0.0) for x in paths.order}
        around: dict[str, float] = {}
        for at in reversed(paths.order[1:]):
            for hop in paths.hops[at]:
                share = here[at] / len(paths.hops[at])
                if hop.name in dead:
                    around[at] = around.get(at, 0.0) + share
                else:
                    load[hop.name] += share
                    here[hop.head] += share
        way = after[target]
        rest = {x: around.get(x, 0.0) for x in way.order}
        for at in reversed(way.order[1:]):
            for hop in way.hops[at]:
                load[hop.name] += rest[at] / len(way.hops[at])
                rest[hop.head] += rest[at] / len(way.hops[at])
    return {x.name: load[x.name] / x.capacity for x in network.links}


def _sent(network: Network, towards: dict[str, Towards], failed: str | None) -> _OfPairs:
    """Mbit/s between the ends of every leg, by the lists as they were before a node failed; it sends nothing on."""
    names, tunnels = [x.name for x in network.nodes], {(x.source, x.target): x for x in network.tunnels}
    up, volume = {x.name for x in network.nodes if x.up}, _OfPairs()
    for s, t in np.argwhere(network.offered).tolist():
        pair = names[s], names[t]
        lists = lists_of(network, tunnels[pair], towards, up) if pair in tunnels else []
        for stops, share in lists or [(pair, 1.0)]:
            for a, b in pairwise(stops):
                if a == failed or a not in towards[b].far:
                    break
                if a != b:
                    volume[a, b] = volume.get((a, b), 0.0) + float(network.offered[s, t]) * share
    return volume


def hot(state: Carried, limit: float) -> set[str]:
    """Links above a limit."""
    return {name for name, share in state.utilisation.items() if share > limit + SLACK}


def hotter(before: Carried, after: Carried, limit: float) -> set[str]:
    """Links above a limit and above what they carried before: the strict, per-link meaning of getting worse."""
    return {x for x in hot(after, limit) if after.utilisation[x] > before.utilisation[x] + SLACK}


def no_worse(before: Carried, after: Carried, limit: float) -> bool:
    """Whether no link is hotter, nothing is newly lost and no lossy link gets more."""
    gets = any(after.dropped[x] > before.dropped.get(x, 0) + SLACK for x in after.dropped)
    return not (hotter(before, after, limit) or after.lost - before.lost or gets)


def slow(before: Carried, after: Carried, network: Network, stretch: float) -> bool:
    """Whether the mean or the longest delay of the demands with a path before and after grew beyond the factor."""
    both = sorted(set(before.delay) & set(after.delay))
    index, offered = network.node_index, network.offered
    weight = np.array([offered[index[a], index[b]] for a, b in both])
    was, now = (np.array([x.delay[pair] for pair in both]) for x in (before, after))
    return bool(now @ weight > stretch * (was @ weight) + SLACK or now.max() > stretch * was.max() + SLACK)


def gain(before: Carried, after: Carried, limit: float) -> float:
    """Share of the harm removed, or of the peak when there was no harm."""
    was, now = (x.above(limit) + sum(x.dropped.values()) for x in (before, after))
    if was > SLACK:
        return (was - now) / was
    return (before.peak - after.peak) / before.peak if before.peak else -inf


def survives(before: Network, after: Network, policy: Policy) -> bool:
    """Whether every single failure is survived, link by link, or no worse than before; also once demands have grown."""
    limit = policy.max_failure_utilisation
    dead = {*failures(before), *failures(after)}
    pairs = [(before, after), *([(grown(before, x), grown(after, x)) for x in (growth(policy),) if x > 1])]
    return all(no_worse(carried(was, x), carried(now, x), limit) for was, now in pairs for x in dead)


def growth(policy: Policy) -> float:
    """How far a policy lets demands grow before the next failure."""
    return max((1.0, *policy.demand_factors))


@lru_cache(maxsize=400)
def grown(network: Network, factor: float) -> Network:
    """The network with all its demands times a factor."""
    return network.with_demands(network.demands * factor)
