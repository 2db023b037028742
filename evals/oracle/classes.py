"""What classes of traffic lose, computed apart from the simulator: ways by networkx, links by a water level."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from math import inf
from typing import NamedTuple

import numpy as np

from twin.model import Network

from .carried import Failed, carried, thinned


class OfClass(NamedTuple):
    """One class in one state, Mbit/s: its load and what is dropped of it by link, what has no way, what it offers."""

    load: dict[str, float]
    dropped: dict[str, float]
    stranded: float
    offered: float

    @property
    def missing(self) -> float:
        """What does not arrive."""
        return sum(self.dropped.values()) + self.stranded


def parts(network: Network) -> dict[str, np.ndarray]:
    """Mbit/s of each demand by class; what no class claims is the default one's."""
    n, found = len(network.nodes), dict[str, np.ndarray]()
    named = {(x.name, x.source, x.target): x.share for x in network.class_shares}
    left = np.array(network.offered)
    for entry in network.classes:
        if entry.name == "default":
            continue
        part = np.zeros((n, n))
        for s, source in enumerate(network.nodes):
            for t, target in enumerate(network.nodes):
                part[s, t] = network.offered[s, t] * named.get((entry.name, source.name, target.name), entry.share)
        found[entry.name], left = part, left - part
    return {**found, "default": np.maximum(left, 0.0)}


def by_class(network: Network, dead: Failed = Failed("nothing")) -> dict[str, OfClass]:
    """Every class in one state, under one failure if given."""
    loads: dict[str, dict[str, float]] = {}
    stranded, offered = dict[str, float](), dict[str, float]()
    index = network.node_index
    down = {x.name for x in network.nodes if not x.up} | ({dead.node} if dead.node else set[str]())
    up = np.array([x.name not in down for x in network.nodes])
    for name, part in parts(network).items():
        state = carried(_alone(network, part), dead)
        loads[name] = state.load
        stranded[name] = sum(float(part[index[s], index[t]]) for s, t in state.lost)
        offered[name] = float(part[np.ix_(up, up)].sum())
    dropped = _dropped(network, dead, loads)
    return {name: OfClass(loads[name], dropped[name], stranded[name], offered[name]) for name in loads}


@lru_cache(maxsize=100)
def _plain(network: Network) -> Network:
    return replace(network, demands=network.offered, limits=(), classes=(), class_shares=())


def _alone(network: Network, part: np.ndarray) -> Network:
    return _plain(network).with_demands(part)


def _dropped(network: Network, dead: Failed, loads: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """What full links drop of each class once what is dropped upstream does not load them any more, link by link.

    Each class is carried over links that lose the share which they drop of it, until nothing changes.
    """
    rules = {x.name: (x.priority, x.weight) for x in network.classes}
    rules.setdefault("default", (8, 1.0))
    alone = {name: _alone(network, part) for name, part in parts(network).items()}
    room = {x.name: (x.capacity, 1 - x.loss) for x in network.links}
    passes = {name: dict.fromkeys(room, 1.0) for name in loads}
    dropped: dict[str, dict[str, float]] = {name: {} for name in loads}
    loads = dict(loads)
    for number in range(80):
        most = 0.0
        for link, (capacity, _) in room.items():
            wanted = {name: load[link] for name, load in loads.items()}
            for name, got in scheduled(wanted, rules, capacity).items():
                dropped[name][link] = wanted[name] - got
                share = got / wanted[name] if wanted[name] > 1e-12 else 1.0
                most = max(most, abs(share - passes[name][link]))
                passes[name][link] += (share - passes[name][link]) * (1.0 if number < 40 else 0.5)
        if most < 1e-9:
            break
        for name, state in alone.items():
            passed = {link: kept * min(max(passes[name][link], 0.0), 1.0) for link, (_, kept) in room.items()}
            loads[name] = thinned(state, dead, passed)
    return dropped


def scheduled(wanted: Mapping[str, float], rules: Mapping[str, tuple[int, float]], capacity: float) -> dict[str, float]:
    """What a link sends of each class: priority by priority, up to one level per unit of weight."""
    got, room = dict[str, float](), capacity
    for priority in sorted({first for first, _ in rules.values()}):
        here = [(amount, rules[name][1], name) for name, amount in wanted.items() if rules[name][0] == priority]
        level = _level(here, room)
        sent = {name: min(amount, level * weight) for amount, weight, name in here}
        got |= sent
        room = max(room - sum(sent.values()), 0.0)
    return got


def _level(here: Sequence[tuple[float, float, str]], room: float) -> float:
    """Mbit/s per unit of weight at which what is sent sums to the room: who wants less is content, one by one."""
    left, share = room, sum(weight for _, weight, _ in here)
    for amount, weight, _ in sorted(here, key=lambda x: x[0] / x[1]):
        if amount / weight * share > left:
            return left / share
        left, share = left - amount, share - weight
    return inf


def filled(network: Network, name: str, dead: Failed = Failed("nothing")) -> dict[str, float]:
    """Utilisation of each link by a class and all that is served before it."""
    rules = {x.name: x.priority for x in network.classes}
    first = rules.get(name, 8)
    loads = {x: carried(_alone(network, part), dead).load for x, part in parts(network).items()}
    before = [x for x in loads if x == name or rules.get(x, 8) < first]
    return {x.name: sum(loads[y][x.name] for y in before) / x.capacity for x in network.links}
