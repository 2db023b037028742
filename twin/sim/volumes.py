"""Failures under many traffic matrices at once: the same routing, other volumes.

Where traffic goes does not depend on how much there is, so that what a failure changes is found once, and the flows of
all matrices take the same way side by side: what a failure costs is one walk over the nodes that it affects, not one
for each matrix. H matrices.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin.engines.seam import Engine, Serial, in_order
from twin.model import Floats, Ints, Network

from .arrays import FAR, Arrays, Flags, compile_network, read_only
from .chunks import PIECES, some_of
from .failing import FailureArrays, FailureFigures, lift, strike
from .failure_sweep import base_state, flatten, in_links, sweep_failures
from .graph import Graph, graph_of, on_path, on_shifted_path
from .heap import pop, push
from .jit import part
from .kernels import count_hops, shortest_paths, spread
from .route import Routing, needs_full, route
from .simulate import Failure, FailureSweep
from .update import Scratch, find_moved, matters, redistance, scratch_for

_NOISE = 1e-14  # share of a node's traffic below which a difference is rounding
_WEIGHT_LIMIT = 1 << 24
_HERE = Serial()
_MEMORY = 1 << 29  # bytes that the flows of matrices which go side by side may take


class MatrixFlows(NamedTuple):
    """What all matrices put on one routing; matrices by target first."""

    dist: Ints  # [n, n]
    passing: Floats  # [n, n, H] Mbit/s that pass node u for target t
    volume: Floats  # [n, n, H] Mbit/s
    load: Floats  # [m, H] Mbit/s
    capacity: Floats  # [m] Mbit/s
    loss: Floats  # [m] share of its traffic that an arc loses
    noise: Floats  # [H] Mbit/s below which a load left over by differences is rounding
    limit: float  # share of capacity above which traffic counts as excess
    arc_of: Ints  # [m] arc of each link
    active: Flags  # [n] targets with any traffic
    stranded: Ints  # [., 2] target and source of the demands that have no path though both ends are up


class VolumeFigures(NamedTuple):
    """What each failure does under each matrix [F, H], and the worst of each arc [m, H]; see `FailureFigures`."""

    max_utilisation: Floats
    busiest: Ints
    lost: Floats
    severed: Floats
    overload: Floats
    excess: Floats
    dropped: Floats
    worst_utilisation: Floats
    worst_failure: Ints


class _State(NamedTuple):
    failed: Flags  # [n] all false between failures
    load: Floats  # [m, H]
    delta: Floats  # [n, H] zero between two targets
    flow: Floats  # [H]
    broken: Ints  # list of arcs
    scratch: Scratch


class VolumeChunk(NamedTuple):
    """Failures that are evaluated together."""

    first: int  # place of the first of them
    failures: FailureArrays

    @property
    def name(self) -> str:
        """What the chunk is called where it fails."""
        return f"failures from {self.first + 1} on"


class _Shared(NamedTuple):
    arrays: Arrays
    flows: MatrixFlows


def sweep_volumes(
    networks: Sequence[Network], failures: Sequence[Failure], limit: float = 1.0, engine: Engine = _HERE
) -> list[FailureSweep]:
    """Evaluate every failure of networks that differ in their demands alone; one sweep for each of them.

    Equal to sweeping each of them. Where volumes depend on the failure (tunnels), or failed states have to be routed
    anew, each of them is swept on its own.
    """
    arrays = [compile_network(x) for x in networks]
    if not networks or not failures or not _side_by_side(arrays[0], failures):
        return [sweep_failures(x, failures, route(a), limit, engine) for x, a in zip(networks, arrays, strict=True)]
    most = max(1, _MEMORY // (16 * len(arrays[0].up) ** 2))
    found: list[FailureSweep] = []
    for first in range(0, len(arrays), most):
        some = arrays[first : first + most]
        flows = _flows(some, limit)
        figures = _sweep(_Shared(some[0], flows), flatten(some[0], failures), engine)
        found += [_of_matrix(a, failures, figures, flows, h) for h, a in enumerate(some)]
    return found


def _side_by_side(arrays: Arrays, failures: Sequence[Failure]) -> bool:
    return not (len(arrays.tunnels.source) or needs_full(arrays) or any(x.members for x in failures))


def _flows(arrays: Sequence[Arrays], limit: float) -> MatrixFlows:
    one, paths, width = arrays[0], shortest_paths(arrays[0]), len(arrays)
    passing, load, noise = np.empty((*paths.dist.shape, width)), np.empty((len(one.capacity), width)), np.empty(width)
    for h, x in enumerate(arrays):  # one matrix beside what is kept of all
        put, through = spread(x, paths, x.offered)
        passing[:, :, h], load[:, h] = through, put
        noise[h] = base_state(x, Routing(paths, x.offered, np.zeros(0), put, through, 0.0)).noise
    stranded = (paths.dist >= FAR) & np.outer(one.up, one.up)
    volume = np.stack([x.offered for x in arrays], axis=2)
    return MatrixFlows(
        dist=paths.dist,
        passing=passing,
        volume=volume,
        load=load,
        capacity=one.capacity,
        loss=1 - one.keep,
        noise=noise,
        limit=limit,
        arc_of=one.arc_of.astype(np.int64),
        active=(volume > 0).any(axis=(1, 2)) & one.up,
        stranded=np.ascontiguousarray(np.argwhere(stranded & (volume > 0).any(axis=2)), dtype=np.int64),
    )


def _sweep(shared: _Shared, failures: FailureArrays, engine: Engine) -> VolumeFigures:
    count = len(failures.first_arc) - 1
    pieces = 1 if engine.workers == 1 else max(1, min(max(PIECES, 4 * engine.workers), count // 4))
    chunks = [VolumeChunk(int(x[0]), some_of(failures, x)) for x in np.array_split(np.arange(count), pieces) if x.size]
    parts = in_order(engine, evaluate_chunk, shared, chunks)
    whole = parts[0]
    for chunk, other in zip(chunks[1:], parts[1:], strict=True):
        worse = other.worst_utilisation > whole.worst_utilisation
        whole.worst_utilisation[worse] = other.worst_utilisation[worse]
        whole.worst_failure[worse] = other.worst_failure[worse] + chunk.first
    return VolumeFigures(
        max_utilisation=np.concatenate([x.max_utilisation for x in parts]),
        busiest=np.concatenate([x.busiest for x in parts]),
        lost=np.concatenate([x.lost for x in parts]),
        severed=np.concatenate([x.severed for x in parts]),
        overload=np.concatenate([x.overload for x in parts]),
        excess=np.concatenate([x.excess for x in parts]),
        dropped=np.concatenate([x.dropped for x in parts]),
        worst_utilisation=whole.worst_utilisation,
        worst_failure=whole.worst_failure,
    )


def evaluate_chunk(shared: _Shared, chunk: VolumeChunk) -> VolumeFigures:
    """Evaluate one chunk."""
    flows, failures = read_only(shared.flows), read_only(chunk.failures)
    n, (m, width), rows = len(flows.dist), flows.load.shape, len(failures.first_arc) - 1
    figures = VolumeFigures(
        max_utilisation=np.zeros((rows, width)),
        busiest=np.full((rows, width), -1, np.int64),
        lost=np.zeros((rows, width)),
        severed=np.zeros((rows, width)),
        overload=np.zeros((rows, width)),
        excess=np.zeros((rows, width)),
        dropped=np.zeros((rows, width)),
        worst_utilisation=np.zeros((m, width)),
        worst_failure=np.full((m, width), -1, np.int64),
    )
    state = _State(
        failed=np.zeros(n, np.bool_),
        load=np.zeros((m, width)),
        delta=np.zeros((n, width)),
        flow=np.zeros(width),
        broken=np.zeros(m + 1, np.int64),
        scratch=scratch_for(n, m),
    )
    _fail_each(graph_of(shared.arrays), flows, failures, state, figures)
    return figures


def _of_matrix(
    arrays: Arrays, failures: Sequence[Failure], figures: VolumeFigures, flows: MatrixFlows, h: int
) -> FailureSweep:
    mine = FailureFigures(
        max_utilisation=figures.max_utilisation[:, h].copy(),
        busiest=figures.busiest[:, h].copy(),
        lost=figures.lost[:, h].copy(),
        severed=figures.severed[:, h].copy(),
        overload=figures.overload[:, h].copy(),
        excess=figures.excess[:, h].copy(),
        dropped=figures.dropped[:, h].copy(),
        worst_utilisation=figures.worst_utilisation[:, h].copy(),
        worst_failure=figures.worst_failure[:, h].copy(),
        load=np.zeros((0, 0)),
    )
    return in_links(arrays, tuple(failures), mine, np.ascontiguousarray(flows.load[:, h]))


@part
def _fail_each(
    graph: Graph, flows: MatrixFlows, failures: FailureArrays, state: _State, figures: VolumeFigures
) -> None:
    width = flows.noise.size
    for row in range(failures.first_arc.size - 1):
        strike(graph, failures, row, state.failed, state.broken)
        broken = state.broken[1 : state.broken[0] + 1]
        _evaluate(graph, flows, broken, state, figures.lost[row])
        for node in failures.nodes[failures.first_node[row] : failures.first_node[row + 1]]:
            _sever(flows, node, state.failed, figures.severed[row])
        for arc in broken:
            for h in range(width):
                state.load[arc, h] = 0.0
        _record(flows, state.load, row, figures)
        lift(graph, failures, row, state.failed, state.broken)


@part
def _evaluate(graph: Graph, flows: MatrixFlows, broken: Ints, state: _State, lost: Floats) -> None:
    """Set the loads under the broken arcs, and what is lost under each matrix [H]."""
    failed, load, width = state.failed, state.load, flows.noise.size
    _begin(flows, failed, load, lost)
    for t in range(flows.dist.shape[0]):
        if not flows.active[t]:
            continue
        if failed[t]:
            _erase(graph, flows.dist[t], flows.passing[t], load)
        elif matters(graph.arcs, flows.dist[t], broken):
            redistance(graph, flows.dist[t], broken, state.scratch)
            for position in range(1, state.scratch.changed[0] + 1):
                node = state.scratch.changed[position]
                if state.scratch.far[node] >= FAR and not failed[node]:
                    for h in range(width):
                        lost[h] += flows.volume[t, node, h]
            _reroute(graph, flows.dist[t], flows.passing[t], broken, state)


@part
def _begin(flows: MatrixFlows, failed: Flags, load: Floats, lost: Floats) -> None:
    """Set the loads with everything up, and what has no path even then."""
    for arc in range(load.shape[0]):
        for h in range(lost.size):
            load[arc, h] = flows.load[arc, h]
    for k in range(flows.stranded.shape[0]):
        t, s = flows.stranded[k, 0], flows.stranded[k, 1]
        if not failed[s] and not failed[t]:
            for h in range(lost.size):
                lost[h] += flows.volume[t, s, h]


@part
def _reroute(graph: Graph, old: Ints, passing: Floats, broken: Ints, state: _State) -> None:
    """Change the loads as `update.reroute` does, all matrices side by side; `passing` [n, H]."""
    scratch, delta, flow, width = state.scratch, state.delta, state.flow, state.flow.size
    moved, is_moved, heap = scratch.moved, scratch.is_moved, scratch.heap
    find_moved(graph, old, broken, scratch)
    for position in range(1, moved[0] + 1):
        node = moved[position]
        _queue(scratch, node)
        if _any(passing[node]):
            _take_back(graph, old, passing[node], node, state)
    while heap[0] > 0:
        node = pop(heap) % old.size
        scratch.queued[node], counts = False, False
        for h in range(width):
            flow[h] = delta[node, h] + passing[node, h] if is_moved[node] else delta[node, h]
            delta[node, h] = 0.0
            if abs(flow[h]) > _NOISE * passing[node, h]:
                counts = True
            else:
                flow[h] = 0.0
        if counts:
            _send(graph, node, state)
    for position in range(1, moved[0] + 1):
        is_moved[moved[position]] = False


@part
def _any(values: Floats) -> bool:
    for value in values:  # noqa: SIM110 - a kernel has no generators
        if value > 0:
            return True
    return False


@part
def _queue(scratch: Scratch, node: int) -> bool:
    """Have a node looked at, farthest first; whether traffic passes it on."""
    reached = scratch.far[node]
    if reached >= FAR or reached == 0:
        return False
    if not scratch.queued[node]:
        scratch.queued[node] = True
        push(scratch.heap, (_WEIGHT_LIMIT * scratch.far.size - reached) * scratch.far.size + node)
    return True


@part
def _take_back(graph: Graph, old: Ints, passing: Floats, node: int, state: _State) -> None:
    first, last = graph.first_out[node], graph.first_out[node + 1]
    hops = count_hops(graph.arcs, old, first, last)
    for arc in range(first, last):
        if on_path(graph.arcs, old, arc):
            head, keep = graph.arcs[arc].head, graph.arcs[arc].keep
            goes_on = _queue(state.scratch, head)
            for h in range(passing.size):
                each = passing[h] / hops
                state.load[arc, h] -= each
                if goes_on:
                    state.delta[head, h] -= each * keep


@part
def _send(graph: Graph, node: int, state: _State) -> None:
    first, last = graph.first_out[node], graph.first_out[node + 1]
    far, flow, hops = state.scratch.far, state.flow, 0
    for arc in range(first, last):
        if on_shifted_path(graph.arcs, far, arc):
            hops += 1
    for arc in range(first, last):
        if on_shifted_path(graph.arcs, far, arc):
            head, keep = graph.arcs[arc].head, graph.arcs[arc].keep
            goes_on = _queue(state.scratch, head)
            for h in range(flow.size):
                each = flow[h] / hops
                state.load[arc, h] += each
                if goes_on:
                    state.delta[head, h] += each * keep


@part
def _erase(graph: Graph, old: Ints, passing: Floats, load: Floats) -> None:
    """Take off everything that goes to one target."""
    for node in range(old.size):
        first, last = graph.first_out[node], graph.first_out[node + 1]
        if old[node] > 0 and _any(passing[node]):
            hops = count_hops(graph.arcs, old, first, last)
            for arc in range(first, last):
                if on_path(graph.arcs, old, arc):
                    for h in range(passing.shape[1]):
                        load[arc, h] -= passing[node, h] / hops


@part
def _sever(flows: MatrixFlows, node: int, failed: Flags, severed: Floats) -> None:
    for other in range(failed.size):
        for h in range(severed.size):
            severed[h] += flows.volume[node, other, h]
            if not failed[other]:
                severed[h] += flows.volume[other, node, h]


@part
def _record(flows: MatrixFlows, load: Floats, row: int, figures: VolumeFigures) -> None:
    """Enter the loads [m, H] of one failure."""
    for arc in flows.arc_of:
        capacity, loss = flows.capacity[arc], flows.loss[arc]
        for h in range(flows.noise.size):
            amount = load[arc, h] if load[arc, h] > flows.noise[h] else 0.0
            utilisation = amount / capacity
            figures.overload[row, h] += max(0.0, amount - capacity)
            figures.excess[row, h] += max(0.0, amount - flows.limit * capacity)
            figures.dropped[row, h] += amount * loss
            if utilisation > figures.max_utilisation[row, h]:
                figures.max_utilisation[row, h] = utilisation
                figures.busiest[row, h] = arc
            if utilisation > figures.worst_utilisation[arc, h]:
                figures.worst_utilisation[arc, h] = utilisation
                figures.worst_failure[arc, h] = row
