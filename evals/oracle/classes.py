"""What classes of traffic lose, computed apart from the simulator: ways by networkx, links by a water level."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from twin.model import Network

from .carried import Failed, carried


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
        alone = replace(network, demands=part, limits=(), classes=(), class_shares=())
        state = carried(alone, dead)
        loads[name] = state.load
        stranded[name] = sum(float(part[index[s], index[t]]) for s, t in state.lost)
        offered[name] = float(part[np.ix_(up, up)].sum())
    dropped = _dropped(network, dead, loads)
    return {name: OfClass(loads[name], dropped[name], stranded[name], offered[name]) for name in loads}


def _dropped(network: Network, dead: Failed, loads: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """What full links drop of each class once what is dropped upstream does not load them any more, link by link.

    Each class is carried over links that lose the share which they drop of it, until nothing changes.
    """
    rules = {x.name: (x.priority, x.weight) for x in network.classes}
    rules.setdefault("default", (8, 1.0))
    divided, passes = parts(network), {name: dict.fromkeys(load, 1.0) for name, load in loads.items()}
    dropped: dict[str, dict[str, float]] = {name: {} for name in loads}
    for number in range(80):
        most = 0.0
        for link in network.links:
            wanted = {name: load[link.name] for name, load in loads.items()}
            for name, got in scheduled(wanted, rules, link.capacity).items():
                dropped[name][link.name] = wanted[name] - got
                share = got / wanted[name] if wanted[name] > 1e-12 else 1.0
                most = max(most, abs(share - passes[name][link.name]))
                passes[name][link.name] += (share - passes[name][link.name]) * (1.0 if number < 40 else 0.5)
        if most < 1e-9:
            break
        loads = {}
        for name, part in divided.items():
            links = tuple(
                x._replace(loss=1 - (1 - x.loss) * min(max(passes[name][x.name], 0.0), 1.0)) for x in network.links
            )
            alone = replace(network, links=links, demands=part, limits=(), classes=(), class_shares=())
            loads[name] = carried(alone, dead).load
    return dropped


def scheduled(wanted: Mapping[str, float], rules: Mapping[str, tuple[int, float]], capacity: float) -> dict[str, float]:
    """What a link sends of each class: priority by priority, up to one level per unit of weight, found by halving."""
    got, room = dict[str, float](), capacity
    for priority in sorted({first for first, _ in rules.values()}):
        here = {name: (amount, rules[name][1]) for name, amount in wanted.items() if rules[name][0] == priority}
        low, high = 0.0, max((amount / weight for amount, weight in here.values()), default=0.0)
        if sum(amount for amount, _ in here.values()) > room:
            for _ in range(200):
                level = (low + high) / 2
                fits = sum(min(amount, level * weight) for amount, weight in here.values()) <= room
                low, high = (level, high) if fits else (low, level)
            got |= {name: min(amount, low * weight) for name, (amount, weight) in here.items()}
        else:
            got |= {name: amount for name, (amount, _) in here.items()}
        room = max(room - sum(got[name] for name in here), 0.0)
    return got


def filled(network: Network, name: str, dead: Failed = Failed("nothing")) -> dict[str, float]:
    """Utilisation of each link by a class and all that is served before it."""
    rules = {x.name: x.priority for x in network.classes}
    first = rules.get(name, 8)
    states = by_class(network, dead)
    before = [x for x in states if x == name or rules.get(x, 8) < first]
    return {x.name: sum(states[y].load[x.name] for y in before) / x.capacity for x in network.links}
