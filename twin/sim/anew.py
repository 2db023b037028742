"""Failures that are each routed anew, in one pass: where one leg of a tunnel carries what the one before it delivers.

What routers do otherwise than the IGP says is not for these kernels.
"""

from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints

from .arrays import FAR, Arrays, Flags, Ids, TunnelArrays, read_only
from .failing import Base, FailureArrays, FailureFigures, record, severed_by
from .graph import Graph, Incoming, graph_of, incoming_of
from .jit import part
from .kernels import Expectation, Paths, expect_one, settle_all, spread_all, steer


class FailedState(NamedTuple):
    """One failed state after the other, routed in full. n nodes, m arcs, P segment lists, G legs."""

    graph: Graph  # `weight` is that of the state in hand, `shifted` that with everything up
    incoming: Incoming  # of the state in hand: its weights and nodes are `by_head` and `up`
    by_head: Ints  # [m]
    was_up: Flags  # [n]
    up: Flags  # [n]
    down: Flags  # [n]
    failed: Flags  # [n] all false between failures
    tunnels: TunnelArrays
    leg_targets: Ids
    base_offered: Floats  # [n, n] with everything up, by target first
    offering: Floats  # [n, n] the state in hand
    offered: Floats  # [n, n] the same, only to be read
    paths: Paths
    heap: Ints
    hops: Ints
    volume: Floats  # [n, n]
    passing: Floats  # [n, n]
    load: Floats  # [m]
    expected: Expectation
    cut: Flags  # [G]
    survival: Floats  # [G]
    used: Floats  # [P]


def state_of(arrays: Arrays) -> FailedState:
    """Allocate working memory for the failures of a compiled network in which nothing leads traffic astray."""
    n, m, tunnels = len(arrays.up), len(arrays.head), arrays.tunnels
    by_head, up, offering = np.empty(m, np.int64), arrays.up.copy(), arrays.offered.copy()
    return FailedState(
        graph=graph_of(arrays),
        incoming=read_only(incoming_of(arrays)._replace(weight=by_head, up=up)),
        by_head=by_head,
        was_up=arrays.up.copy(),
        up=up,
        down=~up,
        failed=np.zeros(n, np.bool_),
        tunnels=read_only(tunnels),
        leg_targets=np.unique(tunnels.leg_to).astype(np.int32),
        base_offered=arrays.offered.copy(),
        offering=offering,
        offered=read_only(Expectation(offering, offering)).delay,
        paths=Paths(np.full((n, n), FAR), np.empty((n, n), np.int32), np.zeros(n, np.int32)),
        heap=np.zeros(m + 2, np.int64),
        hops=np.zeros(m, np.int64),
        volume=np.zeros((n, n)),
        passing=np.zeros((n, n)),
        load=np.zeros(m),
        expected=Expectation(np.full((n, n), np.inf), np.zeros((n, n))),
        cut=np.zeros(len(tunnels.leg_to), np.bool_),
        survival=np.ones(len(tunnels.leg_to)),
        used=np.zeros(len(tunnels.share)),
    )


def fail_each_anew(base: Base, failures: FailureArrays, state: FailedState, figures: FailureFigures) -> None:
    """Evaluate every failure on its own into `figures`; lost is what has no path, or is on labels that lead nowhere."""
    _fail_each(base, failures, state, len(state.up).bit_length(), figures)


def missed_anew(failures: FailureArrays, state: FailedState) -> Floats:
    """Return the Mbit/s of each demand that do not arrive under the first of the failures, by target first [n, n]."""
    missed = np.zeros(state.offering.shape)
    _miss(failures, state, len(state.up).bit_length(), missed)
    return missed


@part
def _fail_each(base: Base, failures: FailureArrays, state: FailedState, bits: int, figures: FailureFigures) -> None:
    for row in range(figures.lost.size):
        nodes = failures.nodes[failures.first_node[row] : failures.first_node[row + 1]]
        _break(failures.arcs[failures.first_arc[row] : failures.first_arc[row + 1]], nodes, state)
        figures.severed[row] = severed_by(base.offered, nodes, state.failed)
        figures.lost[row] = _route(state, bits)
        record(base, state.load, row, figures)
        _mend(nodes, state)


@part
def _miss(failures: FailureArrays, state: FailedState, bits: int, missed: Floats) -> None:
    nodes = failures.nodes[: failures.first_node[1]]
    _break(failures.arcs[: failures.first_arc[1]], nodes, state)
    _route(state, bits)
    survival, tunnels = state.expected.survival, state.tunnels
    for t in range(state.up.size):
        expect_one(state.graph, state.paths, t, state.expected)
    for t in range(state.up.size):
        for s in range(state.up.size):
            missed[t, s] = state.offering[t, s] * (1 - survival[t, s])
    for i in range(tunnels.source.size):
        arrives, carried = 0.0, False
        for p in range(tunnels.first_list[i], tunnels.first_list[i + 1]):
            if state.used[p] > 0:
                share, carried = state.used[p], True
                for leg in range(tunnels.first_leg[p], tunnels.first_leg[p + 1]):
                    share *= survival[tunnels.leg_to[leg], tunnels.leg_from[leg]]
                arrives += share
        if carried:
            t, s = tunnels.target[i], tunnels.source[i]
            missed[t, s] = state.offering[t, s] * (1 - arrives)
    _mend(nodes, state)


@part
def _break(arcs: Ids, nodes: Ids, state: FailedState) -> None:
    """Take arcs and nodes out of the state, and what these offer."""
    graph, n = state.graph, state.up.size
    for node in nodes:
        state.failed[node] = True
    for arc in arcs:
        graph.arcs[arc].weight = FAR
    for arc in range(graph.arc_in.size):
        if state.failed[graph.arcs[arc].tail] or state.failed[graph.arcs[arc].head]:
            graph.arcs[arc].weight = FAR
    for k in range(graph.arc_in.size):
        state.by_head[k] = graph.arcs[graph.arc_in[k]].weight
    for t in range(n):
        state.up[t] = state.was_up[t] and not state.failed[t]
        state.down[t] = not state.up[t]
        for s in range(n):
            state.offering[t, s] = 0.0 if state.failed[t] or state.failed[s] else state.base_offered[t, s]


@part
def _mend(nodes: Ids, state: FailedState) -> None:
    for node in nodes:
        state.failed[node] = False
    for arc in range(state.graph.arc_in.size):
        state.graph.arcs[arc].weight = state.graph.arcs[arc].shifted


@part
def _route(state: FailedState, bits: int) -> float:
    """Set paths, volume, shares of segment lists and loads of the state in hand; returns what is lost, Mbit/s."""
    paths, tunnels, n = state.paths, state.tunnels, state.up.size
    for t in range(n):
        paths.sources[t] = 0
        for s in range(n):
            paths.dist[t, s] = FAR
            state.volume[t, s] = state.offering[t, s]
    settle_all(state.incoming, paths, state.heap, bits)
    for t in state.leg_targets:
        expect_one(state.graph, paths, t, state.expected)
    for leg in range(state.cut.size):
        t, s = tunnels.leg_to[leg], tunnels.leg_from[leg]
        state.cut[leg] = paths.dist[t, s] >= FAR
        state.survival[leg] = state.expected.survival[t, s]
    lost = steer(tunnels, state.offered, state.down, state.cut, state.survival, state.volume, state.used)
    for t in range(n):
        for s in range(n):
            reached = paths.dist[t, s] < FAR
            state.passing[t, s] = state.volume[t, s] if reached else 0.0
            if not reached and state.up[t] and state.up[s]:
                lost += state.volume[t, s]
    for arc in range(state.load.size):
        state.load[arc] = 0.0
    spread_all(state.graph, paths, state.load, state.passing, state.hops)
    return lost
