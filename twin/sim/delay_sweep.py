"""Delays under each of many failures, by differences from the base state: only nodes whose ways change are visited."""

from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints

from .arrays import FAR, Flags
from .failing import FailureArrays, Steering, lift, strike
from .graph import Graph, on_shifted_path
from .heap import pop, push
from .jit import part
from .update import Scratch, find_moved, matters, redistance, scratch_for


class PathDelays(NamedTuple):
    """Delays of the longest of the equal-cost paths, and their mean, ms; inf without a path.

    Of all pairs by target first [n, n], or of the legs of tunnels under each failure [F, G].
    """

    longest: Floats
    mean: Floats


class Delaying(NamedTuple):
    """What the failure in hand does to the delays to one target: working memory of `delay_each`."""

    failed: Flags  # [n] all false between failures
    broken: Ints  # list of arcs
    longest: Floats  # [n] ms
    mean: Floats  # [n] ms
    queued: Flags  # [n] all false between targets
    scratch: Scratch


def delaying_for(n: int, m: int) -> Delaying:
    """Allocate working memory for n nodes and m arcs."""
    return Delaying(
        failed=np.zeros(n, np.bool_),
        broken=np.zeros(m + 1, np.int64),
        longest=np.zeros(n),
        mean=np.zeros(n),
        queued=np.zeros(n, np.bool_),
        scratch=scratch_for(n, m),
    )


class DelayGround(NamedTuple):
    """The evaluated state, and what it may come to."""

    dist: Ints  # [n, n] by target first
    base: PathDelays
    most: PathDelays  # that a changed delay may be
    steering: Steering


@part
def delay_each(
    graph: Graph, ground: DelayGround, failures: FailureArrays, state: Delaying, beyond: Flags, legs: PathDelays
) -> None:
    """Find the failures, each on its own, under which a delay comes to be more than it may, into `beyond` [F].

    Of the others the delays of the legs are set where they change; `legs` holds those of the base state before. The
    `shifted` weights of the graph must equal its weights, and do so again at the end.
    """
    for row in range(beyond.size):
        strike(graph, failures, row, state.failed, state.broken)
        broken = state.broken[1 : state.broken[0] + 1]
        for t in range(ground.dist.shape[0]):
            if not beyond[row] and (state.failed[t] or matters(graph.arcs, ground.dist[t], broken)):
                beyond[row] = _delay(graph, ground, t, broken, state)
                _enter_legs(ground.steering, t, state, row, legs)
        lift(graph, failures, row, state.failed, state.broken)


@part
def _delay(graph: Graph, ground: DelayGround, t: int, broken: Ints, state: Delaying) -> bool:
    """Set the delays to one target; whether any that changes is more than it may be."""
    old, scratch, longest, mean = ground.dist[t], state.scratch, state.longest, state.mean
    if state.failed[t]:
        longest[:], mean[:] = np.inf, np.inf
        return False
    for node in range(old.size):
        longest[node], mean[node] = ground.base.longest[t, node], ground.base.mean[t, node]
    redistance(graph, old, broken, scratch)
    find_moved(graph, old, broken, scratch)
    for position in range(1, scratch.moved[0] + 1):
        node = scratch.moved[position]
        scratch.is_moved[node] = False
        longest[node] = mean[node] = np.inf
        _queue(node, state)
    beyond = False
    while scratch.heap[0] > 0:
        node = pop(scratch.heap) % old.size
        state.queued[node] = False
        _settle(graph, node, state)
        if longest[node] != ground.base.longest[t, node] or mean[node] != ground.base.mean[t, node]:
            beyond = beyond or longest[node] > ground.most.longest[t, node] or mean[node] > ground.most.mean[t, node]
            for k in range(graph.first_in[node], graph.first_in[node + 1]):
                if on_shifted_path(graph.arcs, scratch.far, graph.arc_in[k]):
                    _queue(graph.arcs[graph.arc_in[k]].tail, state)
    return beyond


@part
def _queue(node: int, state: Delaying) -> None:
    """Put a node that has a way on the heap, nearest first: what it takes follows from its next hops."""
    far = state.scratch.far
    if not state.queued[node] and 0 < far[node] < FAR:
        state.queued[node] = True
        push(state.scratch.heap, far[node] * far.size + node)


@part
def _settle(graph: Graph, node: int, state: Delaying) -> None:
    longest, mean, far = state.longest, state.mean, state.scratch.far
    hops, most, total = 0, 0.0, 0.0
    for k in range(graph.first_out[node], graph.first_out[node + 1]):
        if on_shifted_path(graph.arcs, far, k):
            arc = graph.arcs[k]
            hops += 1
            most = max(most, arc.delay + longest[arc.head])
            total += arc.delay + mean[arc.head]
    longest[node], mean[node] = most, total / hops


@part
def _enter_legs(steering: Steering, t: int, state: Delaying, row: int, legs: PathDelays) -> None:
    for position in range(steering.first_leg[t], steering.first_leg[t + 1]):
        leg = steering.legs[position]
        source = steering.tunnels.leg_from[leg]
        legs.longest[row, leg], legs.mean[row, leg] = state.longest[source], state.mean[source]
