"""Loads while each of many failures is repaired locally, by differences from the base state.

What a failure turns back is taken off the ways behind it, and sent along the new shortest paths from where it turns.
What is on its way to a router that has failed goes as far as it gets.
"""

from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints

from .arrays import FAR, Flags, Ids
from .failing import Base, FailureArrays, lift, strike
from .graph import Graph, on_path
from .heap import append, pop
from .jit import part
from .kernels import count_hops
from .update import Scratch, add, redistance, scratch_for, send


class RepairFigures(NamedTuple):
    """What arcs carry while a failure is repaired: of the busiest its share of capacity and which it is, both [F].

    And what they carry above each of some shares of their capacity, in sum, Mbit/s [F, S].
    """

    max_utilisation: Floats
    busiest: Ints  # arc
    shares: Floats  # [S]
    above: Floats


class Unsent(NamedTuple):
    """What tunnels carry no more behind a router that has failed, by failure and then by target. K entries."""

    first: Ids  # [F + 1]
    target: Ids  # [K]
    at: Ids  # [K] where a leg of a tunnel begins, none of which has failed
    mbps: Floats  # [K]


class Turning(NamedTuple):
    """What the failure in hand turns back: working memory of `repair_each`."""

    failed: Flags  # [n] all false between failures
    load: Floats  # [m]
    broken: Ints  # list of arcs
    onto: Floats  # [n] Mbit/s that turn round at a node, all zero between targets
    turned: Ints  # list of these nodes
    scratch: Scratch


def turning_for(n: int, m: int) -> Turning:
    """Allocate working memory for n nodes and m arcs."""
    return Turning(
        failed=np.zeros(n, np.bool_),
        load=np.zeros(m),
        broken=np.zeros(m + 1, np.int64),
        onto=np.zeros(n),
        turned=np.zeros(n + 1, np.int64),
        scratch=scratch_for(n, m),
    )


@part
def repair_each(
    graph: Graph, base: Base, failures: FailureArrays, unsent: Unsent, state: Turning, figures: RepairFigures
) -> None:
    """Find what each failure, on its own, puts on the arcs while it is repaired.

    The `shifted` weights of the graph must equal its weights, and do so again at the end.
    """
    for row in range(figures.busiest.size):
        strike(graph, failures, row, state.failed, state.broken)
        nodes = failures.nodes[failures.first_node[row] : failures.first_node[row + 1]]
        _repair(graph, base, nodes, (unsent, row), state)
        _enter(base, state.load, row, figures)
        lift(graph, failures, row, state.failed, state.broken)


@part
def _repair(graph: Graph, base: Base, nodes: Ids, sent: tuple[Unsent, int], state: Turning) -> None:
    """Set the loads while the failure is repaired; `sent` is what is unsent, and the row of the failure in it."""
    load, broken = state.load, state.broken[1 : state.broken[0] + 1]
    unsent, row = sent
    entry, last = int(unsent.first[row]), int(unsent.first[row + 1])
    for arc in range(load.size):
        load[arc] = base.load[arc]
    for t in range(base.volume.shape[0]):
        while entry < last and unsent.target[entry] == t:
            scratch = state.scratch
            add(
                base.dist[t],
                scratch.delta,
                scratch.queued,
                scratch.heap,
                int(unsent.at[entry]),
                -float(unsent.mbps[entry]),
            )
            entry += 1
        if not _turn(graph, base, t, nodes, broken, state):
            continue
        if state.failed[t]:
            _forget(state)
        else:
            _go_round(graph, base.dist[t], broken, state)
    for arc in broken:
        load[arc] = 0.0


@part
def _forget(state: Turning) -> None:
    for position in range(1, state.turned[0] + 1):
        state.onto[state.turned[position]] = 0.0


@part
def _turn(graph: Graph, base: Base, t: int, nodes: Ids, broken: Ints, state: Turning) -> bool:
    """Take off what no longer gets past the failure on its way to a target; whether anything turns round."""
    arcs, old, passing, volume = graph.arcs, base.dist[t], base.passing[t], base.volume[t]
    delta, queued, heap = state.scratch.delta, state.scratch.queued, state.scratch.heap
    state.turned[0] = 0
    for arc in broken:
        if passing[arcs[arc].tail] > 0 and on_path(arcs, old, arc):
            add(old, delta, queued, heap, arcs[arc].tail, 0.0)
    for node in nodes:
        if volume[node] > 0:
            add(old, delta, queued, heap, node, -volume[node])
    while heap[0] > 0:
        node = pop(heap) % old.size
        left = max(passing[node] + delta[node], 0.0)
        delta[node], queued[node] = 0.0, False
        if passing[node] > 0:
            _pass_on(graph, old, node, (passing[node], left), state)
    return state.turned[0] > 0


@part
def _pass_on(graph: Graph, old: Ints, node: int, flow: tuple[float, float], state: Turning) -> None:
    """Let a node pass on what is left of what passed it, both Mbit/s; what would have gone by a broken arc turns."""
    arcs, first, last = graph.arcs, graph.first_out[node], graph.first_out[node + 1]
    delta, queued, heap = state.scratch.delta, state.scratch.queued, state.scratch.heap
    hops = count_hops(arcs, old, first, last)
    was, left = flow[0] / hops, flow[1] / hops
    for arc in range(first, last):
        if on_path(arcs, old, arc):
            gone = -was
            if arcs[arc].shifted < FAR:
                gone = left - was
                state.load[arc] += gone
            elif left > 0:
                if state.onto[node] == 0:
                    append(state.turned, node)
                state.onto[node] += left
            if gone < 0:
                add(old, delta, queued, heap, arcs[arc].head, gone * arcs[arc].keep)


@part
def _go_round(graph: Graph, old: Ints, broken: Ints, state: Turning) -> None:
    """Send what has turned round along the new shortest paths; what has none is on no link."""
    scratch, onto = state.scratch, state.onto
    redistance(graph, old, broken, scratch)
    for position in range(1, state.turned[0] + 1):
        node = state.turned[position]
        add(scratch.far, scratch.delta, scratch.queued, scratch.heap, node, float(onto[node]))
        onto[node] = 0.0
    while scratch.heap[0] > 0:
        node = pop(scratch.heap) % old.size
        flow = scratch.delta[node]
        scratch.delta[node], scratch.queued[node] = 0.0, False
        send(graph, scratch, node, flow, state.load)


@part
def _enter(base: Base, load: Floats, row: int, figures: RepairFigures) -> None:
    for arc in range(load.size):
        utilisation = load[arc] / base.capacity[arc] if load[arc] > base.noise else 0.0
        if utilisation > figures.max_utilisation[row]:
            figures.max_utilisation[row], figures.busiest[row] = utilisation, arc
        for which in range(figures.shares.size):
            if utilisation > figures.shares[which]:
                figures.above[row, which] += load[arc] - figures.shares[which] * base.capacity[arc]
