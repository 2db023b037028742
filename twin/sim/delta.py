"""Loads under other IGP weights, by dynamic update: what a weight search evaluates thousands of times."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from twin.errors import TopologyError
from twin.model import Floats, Ints, Link, Network

from .arrays import EXIT, FAR, Arrays, Flags, compile_network
from .failing import Base
from .failure_sweep import base_state
from .graph import Graph, graph_of, on_path
from .jit import part
from .route import Routing, lossy_tunnels, route
from .update import Scratch, matters, redistance, reroute, scratch_for

_MOST = 1 << 24


class Candidates(NamedTuple):
    """Weight changes to evaluate, flattened. K candidates."""

    first: Ints  # [K + 1]
    arcs: Ints
    weights: Ints


class WeightProbe:
    """A network whose IGP weights are tried out: `loads` evaluates changes, `commit` makes one the new base.

    Links are positions in `Network.links`; a link that routing may not use stays unused whatever its weight. Weights
    outside 1..2^24 raise `TopologyError`.
    """

    def __init__(self, network: Network) -> None:
        self._network, self._weight = network, dict[int, int]()
        self._arrays = compile_network(network)
        self._scale = np.ones(len(self._arrays.head), np.int64)  # of a weight: that of an exit is a preference
        self._scale[self._arrays.arc_of[list(network.exits)]] = EXIT
        self._costed_out = frozenset(np.flatnonzero(network.metrics != _weights_of(network)).tolist())
        self._settle(route(self._arrays))

    @property
    def network(self) -> Network:
        """The network in the base state."""
        links: list[Link] = list(self._network.links)
        for link, weight in self._weight.items():
            links[link] = links[link]._replace(weight=weight)
        return replace(self._network, links=tuple(links))

    @property
    def load(self) -> Floats:
        """Load of each link in the base state, Mbit/s [m]."""
        return self._routing.load[self._arrays.arc_of]

    @property
    def utilisation(self) -> Floats:
        """Share of capacity that each link carries in the base state [m]."""
        return (self._routing.load / self._arrays.capacity)[self._arrays.arc_of]

    def loads(self, candidates: Sequence[Mapping[int, int]]) -> Floats:
        """Return the link loads under each candidate change, link -> weight, on its own; Mbit/s [K, m]."""
        if not all(1 <= weight <= _MOST for change in candidates for weight in change.values()):
            raise TopologyError("a candidate weight is not in 1..2^24", fix="keep weights within the protocol's range")
        if lossy_tunnels(self._arrays):
            return np.array([self._in_full(x) for x in candidates]).reshape(len(candidates), -1)
        loads = np.empty((len(candidates), len(self._arrays.head)))
        shift_each(self._graph, self._base, self._flatten(candidates), self._active, self._scratch, loads)
        loads[loads <= self._base.noise] = 0.0
        return loads[:, self._arrays.arc_of]

    def commit(self, change: Mapping[int, int]) -> None:
        """Make a change, link -> weight, part of the base state."""
        if not all(1 <= weight <= _MOST for weight in change.values()):
            raise TopologyError("a weight is not in 1..2^24", fix="keep weights within the protocol's range")
        self._weight |= change
        self._arrays = self._arrays._replace(weight=self._weights(change))
        self._settle(route(self._arrays))

    def _settle(self, routing: Routing) -> None:
        arrays = self._arrays
        self._routing = routing
        self._base: Base = base_state(arrays, routing)
        self._graph: Graph = graph_of(arrays)
        self._scratch: Scratch = scratch_for(len(arrays.up), len(arrays.head))
        self._active = (routing.volume > 0).any(axis=1) & arrays.up

    def _weights(self, change: Mapping[int, int]) -> Ints:
        weight = self._arrays.weight.copy()
        for link, value in change.items():
            arc = self._arrays.arc_of[link]
            if link not in self._costed_out:
                weight[arc] = value * self._scale[arc] if weight[arc] < FAR else FAR
        return weight

    def _flatten(self, candidates: Sequence[Mapping[int, int]]) -> Candidates:
        counts = (self._arrays.weight[self._arrays.arc_of] < FAR).tolist()  # routing may use the link
        usable = [[x for x in change if counts[x] and x not in self._costed_out] for change in candidates]
        arcs = self._arrays.arc_of[np.array([x for row in usable for x in row], dtype=np.int64)].astype(np.int64)
        pairs = zip(candidates, usable, strict=True)
        asked = np.array([change[x] for change, row in pairs for x in row], dtype=np.int64)
        return Candidates(
            first=np.concatenate([[0], np.cumsum([len(x) for x in usable])]).astype(np.int64),
            arcs=arcs,
            weights=asked * self._scale[arcs],
        )

    def _in_full(self, change: Mapping[int, int]) -> Floats:
        return route(self._arrays._replace(weight=self._weights(change))).load[self._arrays.arc_of]


def _weights_of(network: Network) -> Ints:
    return np.array([link.weight for link in network.links], dtype=np.int64)


def distances_without(arrays: Arrays, dist: Ints, arc: int) -> Ints:
    """Return the distances were an arc not there [n, n], by target first; FAR where no path is left.

    `dist` [n, n] are the distances with it.
    """
    far = dist.copy()
    graph, scratch = graph_of(arrays), scratch_for(len(arrays.up), len(arrays.head))
    _redistance_each(graph, dist, np.array([arc], dtype=np.int64), scratch, far)
    return far


@part
def _redistance_each(graph: Graph, dist: Ints, gone: Ints, scratch: Scratch, far: Ints) -> None:
    arc = gone[0]
    graph.arcs[arc].shifted = FAR
    for t in range(dist.shape[0]):
        if on_path(graph.arcs, dist[t], arc):
            redistance(graph, dist[t], gone, scratch)
            for node in range(dist.shape[1]):
                far[t, node] = scratch.far[node]
    graph.arcs[arc].shifted = graph.arcs[arc].weight


@part
def shift_each(
    graph: Graph, base: Base, candidates: Candidates, active: Flags, scratch: Scratch, loads: Floats
) -> None:
    """Set the loads [K, m] under each candidate; `active` are the targets with any traffic [n].

    Reachability stays as it is, and with it what the tunnels make of the demands. Below the base's `noise` a load is
    rounding. The `shifted` weights of the graph must equal its weights, and do so again at the end.
    """
    for row in range(loads.shape[0]):
        arcs = candidates.arcs[candidates.first[row] : candidates.first[row + 1]]
        for position in range(candidates.first[row], candidates.first[row + 1]):
            graph.arcs[candidates.arcs[position]].shifted = candidates.weights[position]
        load = loads[row]
        for arc in range(load.size):
            load[arc] = base.load[arc]
        for t in range(active.size):
            old = base.dist[t]
            if active[t] and matters(graph.arcs, old, arcs):
                redistance(graph, old, arcs, scratch)
                reroute(graph, old, base.passing[t], arcs, scratch, load)
        for arc in arcs:
            graph.arcs[arc].shifted = graph.arcs[arc].weight
