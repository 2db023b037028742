"""Dynamic update: what other arc weights change, by visiting only the nodes that they affect.

After Ramalingam and Reps (J. Algorithms 21, 1996): nodes that keep a next hop keep their distance; the others are
repaired by a Dijkstra that starts at their border. Loads follow by differences: nodes whose next hops change take back
what they sent, then send it along the new shortest paths, farthest node first. The new weights are the arcs' `shifted`;
FAR takes an arc away. Every function here works towards one target, to which `old` [n] are the distances before.
"""

from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints

from .arrays import FAR, Flags, Ids
from .graph import Graph, Records, ends, on_path, on_shifted_path
from .heap import append, pop, push
from .jit import part
from .kernels import count_hops

_NOISE = 1e-14  # share of a node's traffic below which a difference is rounding
_WEIGHT_LIMIT = 1 << 24


class Scratch(NamedTuple):
    """Working memory of one update; `delta`, `queued` and `is_moved` are clean between two."""

    far: Ints  # [n] new distances
    delta: Floats  # [n] difference of the Mbit/s that arrive or start at a node
    queued: Flags  # [n] nodes whose traffic differs
    is_moved: Flags  # [n] nodes whose next hops change
    moved: Ints  # list of them
    changed: Ints  # list of the nodes whose distance changes
    passed: Ints  # list of the nodes that pass on what differs
    heap: Ints


def scratch_for(n: int, m: int) -> Scratch:
    """Allocate working memory for n nodes and m arcs."""
    return Scratch(
        far=np.zeros(n, np.int64),
        delta=np.zeros(n),
        queued=np.zeros(n, np.bool_),
        is_moved=np.zeros(n, np.bool_),
        moved=np.zeros(n + 1, np.int64),
        changed=np.zeros(2 * n + 1, np.int64),
        passed=np.zeros(n + 1, np.int64),
        heap=np.zeros(2 * m + 2 * n + 2, np.int64),
    )


@part
def matters(arcs: Records, old: Ints, shifted: Ints) -> bool:
    """Whether any of the shifted arcs is, or comes to be, on a shortest path."""
    for arc in shifted:
        if on_path(arcs, old, arc):
            return True
        here = arcs[arc]
        reached = here.shifted + old[here.head]
        if here.shifted < here.weight and reached <= old[here.tail] and reached < FAR:
            return True
    return False


@part
def redistance(graph: Graph, old: Ints, shifted: Ints, scratch: Scratch) -> None:
    """Find the new distances, `scratch.far`, and list the nodes whose distance may differ in `scratch.changed`."""
    arcs, first_out, first_in, arc_in = graph.arcs, graph.first_out, graph.first_in, graph.arc_in
    far, changed, heap = scratch.far, scratch.changed, scratch.heap
    for node in range(old.size):
        far[node] = old[node]
    changed[0], scratch.moved[0] = 0, 0
    for arc in shifted:
        if arcs[arc].shifted > arcs[arc].weight and on_path(arcs, old, arc):
            _strand(arcs, first_out, old, far, arcs[arc].tail, changed)
    position = 1
    while position <= changed[0]:
        node = changed[position]
        position += 1
        if not graph.no_transit[node] or ends(int(old[node])):
            for k in range(first_in[node], first_in[node + 1]):
                if on_path(arcs, old, arc_in[k]):
                    _strand(arcs, first_out, old, far, arcs[arc_in[k]].tail, changed)
    for position in range(1, changed[0] + 1):
        _seed(arcs, first_out, old, far, changed[position], heap)
    for arc in shifted:
        head = arcs[arc].head
        if arcs[arc].shifted < arcs[arc].weight and far[head] < FAR:
            push(heap, far[head] * old.size + head)
    if heap[0] > 0:
        _settle(graph, old, far, changed, heap)


@part
def _strand(arcs: Records, first_out: Ids, old: Ints, far: Ints, node: int, changed: Ints) -> None:
    """Mark a node as stranded unless a next hop is left."""
    if far[node] >= FAR:
        return
    for k in range(first_out[node], first_out[node + 1]):
        arc = arcs[k]
        if arc.shifted <= arc.weight and far[arc.head] == old[arc.head] and on_path(arcs, old, k):
            return
    far[node] = FAR
    append(changed, node)


@part
def _seed(arcs: Records, first_out: Ids, old: Ints, far: Ints, node: int, heap: Ints) -> None:
    """Start a stranded node from what its neighbours offer; a closed one offers what it is sure of."""
    nearest = FAR
    for k in range(first_out[node], first_out[node + 1]):
        arc = arcs[k]
        if not arc.closed or (far[arc.head] == old[arc.head] and ends(far[arc.head])):
            nearest = min(nearest, arc.shifted + far[arc.head])
    far[node] = nearest
    if nearest < FAR:
        push(heap, nearest * far.size + node)


@part
def _settle(graph: Graph, old: Ints, far: Ints, changed: Ints, heap: Ints) -> None:
    arcs, first_in, arc_in, no_transit = graph.arcs, graph.first_in, graph.arc_in, graph.no_transit
    n = old.size
    while heap[0] > 0:
        key = pop(heap)
        reached = key // n
        node = key - reached * n
        if reached > far[node] or (no_transit[node] and not ends(reached)):
            continue
        for k in range(first_in[node], first_in[node + 1]):
            arc = arcs[arc_in[k]]
            candidate = reached + arc.shifted
            if candidate < far[arc.tail]:
                if far[arc.tail] == old[arc.tail]:
                    append(changed, arc.tail)
                far[arc.tail] = candidate
                push(heap, candidate * n + arc.tail)


@part
def add(far: Ints, delta: Floats, queued: Flags, heap: Ints, node: int, amount: float) -> None:
    """Let `amount` Mbit/s more arrive or start at a node, in the scratch between `redistance` and `reroute`."""
    reached = far[node]
    if reached >= FAR or reached == 0:
        return
    delta[node] += amount
    if not queued[node]:
        queued[node] = True
        push(heap, (_WEIGHT_LIMIT * far.size - reached) * far.size + node)


@part
def reroute(graph: Graph, old: Ints, passing: Floats, shifted: Ints, scratch: Scratch, load: Floats) -> None:
    """Change `load` [m] by what the new distances and the calls of `add` move.

    `passing` [n] is what passes each node before, Mbit/s. Lists the nodes that pass on what differs.
    """
    heap, delta, moved, is_moved = scratch.heap, scratch.delta, scratch.moved, scratch.is_moved
    scratch.passed[0] = 0
    find_moved(graph, old, shifted, scratch)
    for position in range(1, moved[0] + 1):
        node = moved[position]
        add(scratch.far, delta, scratch.queued, heap, node, 0.0)
        if passing[node] > 0:
            _take_back(graph, old, float(passing[node]), node, scratch, load)
    while heap[0] > 0:
        node = pop(heap) % old.size
        flow = delta[node] + passing[node] if is_moved[node] else delta[node]
        delta[node], scratch.queued[node] = 0.0, False
        if abs(flow) > _NOISE * passing[node]:
            append(scratch.passed, node)
            send(graph, scratch, node, flow, load)
    for position in range(1, moved[0] + 1):
        is_moved[moved[position]] = False


@part
def find_moved(graph: Graph, old: Ints, shifted: Ints, scratch: Scratch) -> None:
    """List the nodes whose next hops may change, between `redistance` and sending."""
    arcs, first_in, arc_in = graph.arcs, graph.first_in, graph.arc_in
    far, changed, is_moved, moved = scratch.far, scratch.changed, scratch.is_moved, scratch.moved
    for arc in shifted:
        if on_path(arcs, old, arc) or on_shifted_path(arcs, far, arc):
            _mark_moved(arcs[arc].tail, is_moved, moved)
    for position in range(1, changed[0] + 1):
        node = changed[position]
        _mark_moved(node, is_moved, moved)
        if not graph.no_transit[node] or ends(int(old[node])) or ends(int(far[node])):
            for k in range(first_in[node], first_in[node + 1]):
                arc = arc_in[k]
                if on_path(arcs, old, arc) or on_shifted_path(arcs, far, arc):
                    _mark_moved(arcs[arc].tail, is_moved, moved)


@part
def _mark_moved(node: int, is_moved: Flags, moved: Ints) -> None:
    if not is_moved[node]:
        is_moved[node] = True
        append(moved, node)


@part
def _take_back(graph: Graph, old: Ints, flow: float, node: int, scratch: Scratch, load: Floats) -> None:
    arcs, first, last = graph.arcs, graph.first_out[node], graph.first_out[node + 1]
    far, delta, queued, heap = scratch.far, scratch.delta, scratch.queued, scratch.heap
    each = flow / count_hops(arcs, old, first, last)
    for arc in range(first, last):
        if on_path(arcs, old, arc):
            load[arc] -= each
            add(far, delta, queued, heap, arcs[arc].head, -each * arcs[arc].keep)


@part
def send(graph: Graph, scratch: Scratch, node: int, flow: float, load: Floats) -> None:
    """Let `flow` Mbit/s leave a node by its new next hops, and queue these."""
    arcs, first, last = graph.arcs, graph.first_out[node], graph.first_out[node + 1]
    far, delta, queued, heap = scratch.far, scratch.delta, scratch.queued, scratch.heap
    hops = 0
    for arc in range(first, last):
        if on_shifted_path(arcs, far, arc):
            hops += 1
    for arc in range(first, last):
        if on_shifted_path(arcs, far, arc):
            load[arc] += flow / hops
            add(far, delta, queued, heap, arcs[arc].head, flow / hops * arcs[arc].keep)
