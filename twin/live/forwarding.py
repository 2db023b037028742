"""How the emulated network forwards: next-hop tables per router and flows hashed hop by hop.

This is a second implementation of IGP and SR routing, written apart from the simulator so that the two can be
compared: no fractions are computed here, every flow takes exactly one path. What hashing alone moves, over the links
of germany50 that carry more than 1 % of their capacity, ten seeds: with distance weights 0.02 % on average and 1 % at
most, with all weights equal 3 % on average, 9 % at the 95th percentile and 33 % at most.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.model import Floats, Ints, Network, Tunnel

from .misrouting import Drops
from .tables import Tables, link_ends, routing_tables, usable_links

__all__ = ["link_ends", "routing_tables", "usable_links"]  # of the room's own files, for those who forward by hand

Words = NDArray[np.uint64]

FLOW_MBPS = 10.0
"""Traffic per flow: a pair has one flow for each `FLOW_MBPS` of its provisioned demand, within the bounds below."""
FEWEST_FLOWS, MOST_FLOWS = 16, 200
TAIL_INDEX = 1.3
"""Pareto index of flow sizes (finite mean, infinite variance); sizes end at `LARGEST` times the smallest."""
LARGEST = 1000.0
FLOWS_AT_ONCE = 1_000_000
"""Flows that are walked at once, with a table of their hops: some 200 MB. It changes the order of the paths only."""
Ids = NDArray[np.int32]
Hops = NDArray[np.int16 | np.int32]
"""Positions of links, in as few bytes as they fit into: a large network has millions of paths."""


class Flows(NamedTuple):
    """Flows between k node pairs: each has a key for a 5-tuple, a pair's traffic is split in proportion to `size`.

    Those of pair i are flows `first[i]` to `first[i + 1]`. A large network has millions: their ends need no room, and
    neither do their keys, which are drawn again from `seed` whenever flows are routed.
    """

    source: Ids  # [k]
    target: Ids  # [k]
    first: Ints  # [k + 1]
    seed: tuple[int, int]
    size: Floats  # [f]

    def keys(self) -> Words:
        """What routers hash of each flow [f]."""
        return _keys(self.size.size, np.random.default_rng(self.seed))


class Paths(NamedTuple):
    """Flows of one pair on one path, taken together. `hops` is padded with m, the number of links."""

    pair: Ints  # [g] source * n + target
    share: Floats  # [g] part of the pair's traffic
    hops: Hops  # [g, h] links in order
    delivered: NDArray[np.bool_]  # [g] whether the path reaches the target
    end: Ints  # [g] where it ends: its target, where there was no route, n for a target that its labels lead on from
    shared: Ids  # [s] flows of pairs that had a choice; all of any other pair are on its one path
    member: Ids  # [s] the path that each of them is on


def draw_flows(demands: Floats, seed: int) -> Flows:
    """Draw heavy-tailed flows for each pair with a demand, Mbit/s [n, n]; more of them where the demand is larger."""
    stream = (seed, 1)
    rng = np.random.default_rng(stream)
    source, target = np.nonzero(demands)
    number = np.ceil(demands[source, target] / FLOW_MBPS).clip(FEWEST_FLOWS, MOST_FLOWS).astype(np.int64)
    first = np.append(0, np.cumsum(number)).astype(np.int64)
    _keys(int(first[-1]), rng)  # sizes come after the keys
    return Flows(source.astype(np.int32), target.astype(np.int32), first, stream, _sizes(int(first[-1]), rng))


def renew_flows(flows: Flows, share: float, rng: np.random.Generator) -> Flows:
    """Let about this share of the flows end, and others of another size begin where they were hashed to."""
    size = flows.size.copy()
    ended = rng.integers(0, max(size.size, 1), round(share * size.size))
    size[ended] = _sizes(ended.size, rng)
    return flows._replace(size=size)


def even_flows(source: Ints, target: Ints, number: int, seed: int) -> Flows:
    """Draw `number` equal flows for each listed pair, as a prober that varies its port numbers."""
    first = np.arange(source.size + 1) * number
    return Flows(source.astype(np.int32), target.astype(np.int32), first, (seed, 2), np.ones(source.size * number))


def router_salts(n: int, seed: int) -> Words:
    """Hash salt of each router: without it, successive hops would all split the same way."""
    return np.random.default_rng([seed, 3]).integers(0, 2**64, n, dtype=np.uint64)


def forward(network: Network, tables: Tables, flows: Flows, salts: Words, drops: Drops | None = None) -> Paths:
    """Send every flow from its source, hop by hop, and group the flows that took the same path.

    One flow of each pair goes first: where it met no choice, all the others of its pair follow it.
    """
    n, m = len(network.nodes), len(network.links)
    if not flows.size.size:
        return _no_paths(m)
    keys = flows.keys()
    routers = _Routers(network, tables, salts, drops or Drops.none())
    pair = flows.source * np.int32(n) + flows.target
    pairs, once, row = np.unique(pair, return_index=True, return_inverse=True)
    first = _walk(routers, _sent(flows, once, keys[flows.first[once]]))
    steered = np.array([network.node_index[x.source] * n + network.node_index[x.target] for x in network.tunnels])
    forked = first.forked | np.isin(pairs, steered)
    alone = np.flatnonzero(~forked)
    parts, reached = [_Part(pairs[alone].astype(np.int64), first.hops[alone], first.end[alone])], alone.size
    del first
    shared, member = [np.zeros(0, dtype=np.int32)], [np.zeros(0, dtype=np.int32)]
    for chunk, of in _chunks(flows, forked[row], row):
        part, group = _grouped(pair[of], _walk(routers, _sent(flows, of, keys[chunk])))
        parts.append(part)
        shared.append(chunk.astype(np.int32))
        member.append((reached + group).astype(np.int32))
        reached += part.pair.size
    pair, end = np.concatenate([part.pair for part in parts]), np.concatenate([part.end for part in parts])
    hops = _stack([part.hops for part in parts], filler=m)
    way = Paths(pair, np.ones(pair.size), hops, end == pair % n, end, np.concatenate(shared), np.concatenate(member))
    return share_out(way, flows)


def _no_paths(m: int) -> Paths:
    """What becomes of no flows at all, as when nobody probes."""
    none, ids = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32)
    return Paths(none, np.zeros(0), np.zeros((0, 1), dtype=_narrow(m)), none.astype(np.bool_), none, ids, ids)


class _Part(NamedTuple):
    """Some of the paths; see `Paths`."""

    pair: Ints
    hops: Hops
    end: Ints


def _chunks(flows: Flows, chosen: NDArray[np.bool_], row: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Cut the flows of the chosen entries of pairs [k] into parts of about `FLOWS_AT_ONCE`, with the entry of each.

    All flows of one pair, which `row` [k] counts, stay together.
    """
    entries = np.flatnonzero(chosen)
    entries = entries[np.argsort(row[entries], kind="stable")]
    number = np.diff(flows.first)[entries]
    begins = np.flatnonzero(np.diff(row[entries], prepend=-1))
    so_far = np.concatenate([[0], np.cumsum(number)])[begins]
    cuts = begins[np.flatnonzero(np.diff(so_far // FLOWS_AT_ONCE, prepend=0))]
    for some in np.split(entries, cuts) if entries.size else ():
        many = np.diff(flows.first)[some]
        of = np.repeat(some, many)
        within = np.arange(of.size) - np.repeat(np.cumsum(many) - many, many)
        yield flows.first[of] + within, of


def _grouped(pair: Ids, walk: "_Walk") -> tuple[_Part, Ints]:
    """Take flows of one pair on one path together; which path each is on."""
    signature = _signature(pair, walk.hops, walk.end)
    _, path, group = np.unique(signature, return_index=True, return_inverse=True)
    return _Part(pair[path].astype(np.int64), walk.hops[path], walk.end[path]), group


def share_out(paths: Paths, flows: Flows) -> Paths:
    """Give every path the share of its pair's traffic that its flows have now."""
    share = np.ones(paths.pair.size)
    if paths.shared.size:
        begin = int(paths.member.min())  # paths that all of a pair's flows are on come first
        pair = paths.pair[begin:]
        size = np.bincount(paths.member - np.int32(begin), flows.size[paths.shared], minlength=pair.size)
        share[begin:] = size / np.bincount(pair, size)[pair]
    return paths._replace(share=share)


def bucket(words: Words, number: Ints) -> Ints:
    """Hash each word (splitmix64) to one of `number` buckets."""
    x = words + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    high = (x ^ (x >> np.uint64(31))) >> np.uint64(32)
    return ((high * number.astype(np.uint64)) >> np.uint64(32)).astype(np.int64)


def _keys(number: int, rng: np.random.Generator) -> Words:
    return rng.integers(0, 2**64, number, dtype=np.uint64)


def _sizes(number: int, rng: np.random.Generator) -> Floats:
    return np.minimum((1 - rng.random(number)) ** (-1 / TAIL_INDEX), LARGEST)


def _steer(network: Network, tables: Tables, flows: "_Sent", salts: Words) -> Ints:
    """Nodes that each flow must visit, in order, padded with its target. [f, w]."""
    longest = max((len(path.via) for tunnel in network.tunnels for path in tunnel.paths), default=0)
    way = np.repeat(flows.target.astype(np.int64)[:, None], longest + 1, axis=1)
    for tunnel in network.tunnels:
        source, target = network.node_index[tunnel.source], network.node_index[tunnel.target]
        inside = np.flatnonzero((flows.source == source) & (flows.target == target))
        lists = valid_lists(network, tables, tunnel)
        if not lists or not inside.size:
            continue
        edges: Floats = np.cumsum(np.array([share for share, _ in lists], dtype=np.float64))
        resolution = np.full(inside.size, 2**31, dtype=np.int64)
        drawn: Floats = bucket(~flows.key[inside] ^ salts[source], resolution) / 2**31 * edges[-1]
        chosen = (drawn[:, None] >= edges[:-1]).sum(axis=1)
        for number, (_, via) in enumerate(lists):
            way[inside[chosen == number], : len(via)] = via
    return way


def valid_lists(network: Network, tables: Tables, tunnel: Tunnel) -> list[tuple[float, list[int]]]:
    """Share and node positions of the segment lists that are in use now.

    Labels that nobody verifies are, for as long as their end is there: a flow on them goes as far as it gets.
    """
    source, target = network.node_index[tunnel.source], network.node_index[tunnel.target]
    valid: list[tuple[float, list[int]]] = []
    unverified = tunnel.path == "explicit" and tunnel.on_invalid == "blackhole"
    unverified &= network.nodes[source].up and network.nodes[target].up
    for path in tunnel.paths:
        via = [network.node_index[name] for name in path.via]
        legs = zip([source, *via], [*via, target], strict=True)
        avoids = tunnel.path == "dynamic" and any(network.nodes[v].drained for v in via)
        if unverified or (all(tables.distance[b, a] >= 0 for a, b in legs) and not avoids):
            valid.append((path.share, via))
    return valid


def _advance(way: Ints, node: Ints, stage: Ints, travelling: Ints) -> Ints:
    """Move on to the next node of the way where one is reached; return where each flow is heading."""
    for _ in range(way.shape[1] - 1):
        at = travelling[(node[travelling] == way[travelling, stage[travelling]])]
        stage[at] = np.minimum(stage[at] + 1, way.shape[1] - 1)
    return way[travelling, stage[travelling]]


class _Walk(NamedTuple):
    hops: Hops  # [f, h] links in order, padded with m
    end: Ints  # [f] where it ended; n where that is its target, and its labels lead on from there
    forked: NDArray[np.bool_]  # [f] whether the flow had a choice anywhere


class _Routers(NamedTuple):
    network: Network
    tables: Tables
    salts: Words
    drops: Drops


def _walk(routers: _Routers, flows: "_Sent") -> _Walk:
    network, tables, salts, drops = routers
    way = _steer(network, tables, flows, salts)
    n, m, f = len(network.nodes), len(network.links), flows.key.size
    _, head = link_ends(network)
    node, stage, forked = flows.source.astype(np.int64), np.zeros(f, dtype=np.int64), np.zeros(f, dtype=bool)
    travelling = np.flatnonzero(~np.isin(flows.source * n + flows.target, drops.pairs))
    narrow = _narrow(m)
    hops = [np.full(f, m, dtype=narrow)]
    while travelling.size and (drops.most_hops is None or len(hops) <= drops.most_hops):
        goal = _advance(way, node, stage, travelling)
        slot = goal * n + node[travelling]
        choices = tables.first[slot + 1] - tables.first[slot]
        moves = (node[travelling] != goal) & (choices > 0)
        travelling, slot, choices, goal = travelling[moves], slot[moves], choices[moves], goal[moves]
        forked[travelling] |= choices > 1
        pick = bucket(flows.key[travelling] ^ salts[node[travelling]], choices)
        link = tables.links[tables.first[slot] + pick]
        leaves = ~np.isin(link * n + goal, drops.exits)
        travelling, link = travelling[leaves], link[leaves]
        taken = np.full(f, m, dtype=narrow)
        taken[travelling] = link
        node[travelling] = head[link]
        hops.append(taken)
    columns = hops[1:] if travelling.size else hops[1:-1]
    on_the_way = (node == flows.target) & (way[np.arange(f), stage] != node)  # its labels lead further, to nowhere
    return _Walk(np.array(columns or hops[:1]).T, np.where(on_the_way, n, node), forked)


def _narrow(m: int) -> type[np.int16 | np.int32]:
    return np.int16 if m < np.iinfo(np.int16).max else np.int32


class _Sent(NamedTuple):
    """Some of the flows, one by one."""

    source: Ids
    target: Ids
    key: Words


def _sent(flows: Flows, of: Ints, keys: Words) -> _Sent:
    """Take the flows with these keys, which belong to these entries of pairs."""
    return _Sent(flows.source[of], flows.target[of], keys)


def _stack(tables: Sequence[Hops], *, filler: int) -> Hops:
    """Put tables of hops under each other, the narrower ones padded; a column lies together, as paths are walked."""
    shape = sum(len(x) for x in tables), max(x.shape[1] for x in tables)
    stacked = np.full(shape, filler, dtype=tables[0].dtype, order="F")
    row = 0
    for table in tables:
        stacked[row : row + len(table), : table.shape[1]] = table
        row += len(table)
    return stacked


def _signature(pair: Ids, hops: Hops, end: Ints) -> Words:
    """One 64-bit word per flow, so that equal ways can be found by sorting words."""
    word = np.zeros(pair.size, dtype=np.uint64)
    for column in (pair, *hops.T, end):
        word = (word ^ column.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        word ^= word >> np.uint64(29)
    return word
