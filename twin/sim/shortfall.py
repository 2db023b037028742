"""What each demand misses under a failure: all of it without a path, a share where links on the way lose traffic.

A sweep says how much is lost and dropped in sum; this says whose traffic it is.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints, Network

from .anew import FailedState, missed_anew, state_of
from .arrays import FAR, Flags, compile_network
from .chunks import failed_in
from .failing import break_each
from .failure_sweep import flatten, shrunk
from .graph import Graph, graph_of, on_shifted_path
from .heap import pop, push
from .jit import part
from .route import Routing, expected_of_demands, needs_full, route, without
from .simulate import Failure
from .update import Scratch, matters, redistance, scratch_for
from .walked import FailedWalks, arriving_walked, missed_where_all_join, walked_targets


class Shortfall:
    """One evaluated state, and what its demands miss under one failure after another."""

    def __init__(self, network: Network, routing: Routing | None = None) -> None:
        self._network, self._arrays = network, compile_network(network)
        arrays = self._arrays
        drained = {node.name for node in network.nodes if node.drained}
        self._beyond_igp = any(x.holds or not drained.isdisjoint(y.via) for x in network.tunnels for y in x.paths)
        walked = walked_targets(arrays)
        self._walks = None if walked is None else FailedWalks(arrays, walked)
        dist, lossy = (routing or route(arrays)).paths.dist, np.flatnonzero(arrays.keep < 1)
        targets = np.asarray((arrays.offered > 0).any(axis=1), dtype=np.bool_)
        targets[arrays.tunnels.leg_to] |= self._walks is not None
        self._state = _State(graph_of(arrays), dist, targets, lossy)
        self._broken = np.zeros(len(arrays.head) + 1, np.int64)
        self._scratch = scratch_for(len(arrays.up), len(arrays.head))

    def missed(self, failure: Failure) -> tuple[Ints, Floats]:
        """Return the demands that miss something, as positions in [n, n] by target first, and Mbit/s of each."""
        if self._walks is not None and not failure.members:
            few = missed_where_all_join(self._walks, failed_in(flatten(self._arrays, (failure,)), 0))
            if few is not None:
                return few
        missed = self.under(failure)
        where = np.flatnonzero(missed).astype(np.int64)
        return where, missed.flat[where]

    def under(self, failure: Failure) -> Floats:
        """Return the Mbit/s of each demand between nodes that are up which do not arrive, by target first [n, n]."""
        arrays = shrunk(self._network, failure) if failure.members else self._arrays
        flat = flatten(arrays, (failure,))
        arcs, nodes = failed_in(flat, 0)
        shifted = (arrays.weight != self._arrays.weight).any()
        if self._walks is None and not shifted and not arrays.astray and (needs_full(arrays) or self._beyond_igp):
            return missed_anew(flat, self._anew)
        if shifted or (self._walks is None and arrays.astray):
            state = without(arrays, arcs, nodes)
            routing = route(state)
            return state.offered * (1 - expected_of_demands(state, routing.paths, routing.used).survival)
        up = arrays.up.copy()
        up[nodes] = False
        missing = np.zeros(arrays.offered.shape)
        break_each(self._state.graph, arcs, nodes, self._broken)
        _miss_each(self._state, up, self._broken[1 : self._broken[0] + 1], self._scratch, missing)
        if self._walks is not None:
            missing = 1 - arriving_walked(self._walks, (arcs, nodes), 1 - missing)
            missing[~up] = missing[:, ~up] = 0.0
        return missing * arrays.offered

    @cached_property
    def _anew(self) -> FailedState:
        return state_of(self._arrays)


class _State(NamedTuple):
    """The state with everything up."""

    graph: Graph
    dist: Ints  # [n, n] by target first
    targets: Flags  # [n] nodes that anything is offered to
    lossy: Ints  # arcs that lose traffic


@part
def _miss_each(state: _State, up: Flags, broken: Ints, scratch: Scratch, missing: Floats) -> None:
    """Set the share of what stands at each node for each target that does not arrive there, 0..1 [n, n]."""
    graph, dist, targets, lossy = state
    for t in range(up.size):
        if not (targets[t] and up[t]):
            continue
        far = dist[t]
        if matters(graph.arcs, dist[t], broken):
            redistance(graph, dist[t], broken, scratch)
            far = scratch.far
        for node in range(up.size):
            if up[node] and far[node] >= FAR:
                missing[t, node] = 1.0
        if lossy.size > 0:
            _fade(graph, far, lossy, scratch, missing[t])
    for arc in broken:
        graph.arcs[arc].shifted = graph.arcs[arc].weight


@part
def _fade(graph: Graph, far: Ints, lossy: Ints, scratch: Scratch, missing: Floats) -> None:
    """Let what lossy arcs lose count at every node upstream of them, the nearest to the target first."""
    arcs, heap, queued, n = graph.arcs, scratch.heap, scratch.queued, far.size
    for arc in lossy:
        if on_shifted_path(arcs, far, arc):
            _queue(far, queued, heap, arcs[arc].tail)
    while heap[0] > 0:
        node = pop(heap) % n
        queued[node] = False
        hops, missed = 0, 0.0
        for arc in range(graph.first_out[node], graph.first_out[node + 1]):
            if on_shifted_path(arcs, far, arc):
                hops += 1
                missed += 1 - arcs[arc].keep * (1 - missing[arcs[arc].head])
        missing[node] = missed / hops
        for k in range(graph.first_in[node], graph.first_in[node + 1]):
            if on_shifted_path(arcs, far, graph.arc_in[k]):
                _queue(far, queued, heap, arcs[graph.arc_in[k]].tail)


@part
def _queue(far: Ints, queued: Flags, heap: Ints, node: int) -> None:
    if not queued[node]:
        queued[node] = True
        push(heap, far[node] * far.size + node)
