"""Which routers, targets and links a forwarding fault could be at: every place weighed at once, without simulation.

A router that drops what passes it for a target takes a known amount off the links behind it, off the balance of two
nodes and off the probes of some pairs. What that gains over the present explanation is a sum along shortest paths, so
that all pairs of router and target are weighed in the time of one simulation; only the best are then simulated.
"""

from typing import NamedTuple

import numpy as np

from twin.diagnose.balance import Excess
from twin.diagnose.density import student
from twin.diagnose.simulated_hypothesis import SimulatedHypothesis
from twin.live.declared import Declaration
from twin.model import Floats, Ints
from twin.observe.expect.probing import probe_error
from twin.sim.arrays import FAR, Arrays, Flags
from twin.sim.kernels import expect
from twin.sim.regroup import tight_targets
from twin.sim.trips import trips
from twin.sim.walk import MOST_HOPS, Deviation, walk

from .routed import Routed

_BOLDEST = 6.0  # standard errors that one reading speaks with at most
_DETOURS = 60  # detours that are followed
_LOOPING = 3.0  # standard errors more than expected on a link that is part of a loop


class Weighed(NamedTuple):
    """What the readings say about an amount of traffic more or less at each place. n nodes, m arcs, p probed pairs."""

    base: Routed
    pull: Floats  # [m] log likelihood per Mbit/s more on an arc
    weight: Floats  # [m] how fast that falls, per (Mbit/s)^2
    behind: Floats  # [t, u] pull along the paths from u to t
    behind_weight: Floats  # [t, u]
    node_pull: Floats  # [n] the same for the excess of what leaves a node
    node_weight: Floats  # [n]
    probe_nodes: Floats  # [t, u] what the probes gain when all for t is dropped at u
    probe_pairs: Floats  # [t, s] the same when all from s to t is
    probe_arcs: Floats  # [t, m] when all for t is dropped on an arc
    shares: Floats  # [t, m] share of what its tail sends to t that an arc carries


def weigh(base: Routed, judged: SimulatedHypothesis, excess: Excess) -> Weighed:
    """Turn what a hypothesis leaves unexplained into pulls."""
    arrays, (paths, *_) = base
    pull, weight = _bounded(judged.residuals.difference[arrays.link_of], judged.residuals.sigma[arrays.link_of])
    node_pull, node_weight = _bounded(excess.difference, excess.sigma)
    along = (expect(arrays._replace(delay=x), paths).delay for x in (pull, weight))
    behind, behind_weight = (np.where(np.isfinite(x), x, 0.0) for x in along)
    probes = _probe_gains(base, judged)
    return Weighed(base, pull, weight, behind, behind_weight, node_pull, node_weight, *probes, _shares(base))


def drop_gains(field: Weighed, amount: Floats) -> Floats:
    """What the counters gain, nats [t, u], when `amount` [t, u] for t is dropped at u, before it leaves by any link."""
    linear = -field.behind - field.node_pull[None, :] + field.node_pull[:, None]
    square = field.behind_weight + field.node_weight[None, :] + field.node_weight[:, None]
    return np.where(amount > 0, amount * linear - amount**2 / 2 * square, -np.inf)


def filter_gains(field: Weighed) -> Floats:
    """What is gained, nats [t, m], when an arc that is one of several next hops drops what it should carry for t."""
    arrays, routing = field.base
    share = field.shares
    amount = share * routing.passing[:, arrays.tail]
    linear = -field.pull - field.behind[:, arrays.head] - field.node_pull[arrays.tail] + field.node_pull[:, None]
    square = field.weight + field.behind_weight[:, arrays.head]
    square = square + field.node_weight[arrays.tail] + field.node_weight[:, None]
    gain = amount * linear - amount**2 / 2 * square + field.probe_arcs
    return np.where((amount > 0) & (share < 1), gain, -np.inf)


def detour_gains(field: Weighed) -> Floats:
    """What is gained, nats [t, m], when the tail of an arc sends all for t there; a loop only where it is followed."""
    arrays, routing = field.base
    paths, passing = routing.paths, routing.passing
    amount, dist = passing[:, arrays.tail], paths.dist
    before, after = field.behind[:, arrays.tail], field.behind[:, arrays.head]
    hope = amount * (field.pull + after - before) - amount**2 / 2 * field.weight
    usable = (amount > 0) & (arrays.weight < FAR) & (field.shares < 1)
    back = dist[arrays.tail, arrays.head] + dist[:, arrays.tail] == dist[:, arrays.head]
    likely = np.argwhere(usable & ~back & (hope > 0))
    likely = likely[np.argsort(-hope[likely[:, 0], likely[:, 1]], kind="stable")[:_DETOURS]]
    gain = np.full(hope.shape, -np.inf)
    for target, arc in [*likely, *_loops(field, usable & back & (dist[:, arrays.head] < FAR))]:
        gain[target, arc] = _detour_gain(field, int(target), int(arc))
    return gain


def _shares(base: Routed) -> Floats:
    arrays, (paths, *_) = base
    tight = np.stack([tight_targets(arrays, paths, arc) for arc in range(arrays.head.size)], axis=1)
    number = np.add.reduceat(tight, _starts(arrays), axis=1) if tight.size else tight
    return tight / np.maximum(number[:, _group(arrays)], 1)


def member_gains(field: Weighed) -> Floats:
    """What is gained, nats [m], at its own router when an arc is left out of its groups of equal paths."""
    arrays, routing = field.base
    share = field.shares
    forked = (share > 0) & (share < 1)
    amount = np.where(forked, share * routing.passing[:, arrays.tail], 0.0)
    gain = np.full(arrays.head.size, -np.inf)
    for arc in np.flatnonzero(amount.sum(axis=0) > 0):
        siblings = np.flatnonzero(arrays.tail == arrays.tail[arc])
        others = np.where(forked[:, siblings] & forked[:, [arc]], amount[:, siblings], 0.0)
        others[:, siblings == arc] = 0.0
        put = others / np.maximum(others.sum(axis=1, keepdims=True), 1e-9)
        change = (put * amount[:, [arc]]).sum(axis=0)
        change[siblings == arc] = -amount[:, arc].sum()
        gain[arc] = float(np.sum(change * field.pull[siblings] - change**2 / 2 * field.weight[siblings]))
    return gain


def _loops(field: Weighed, possible: Flags) -> Ints:
    """Targets and arcs whose loop could have put on the arc what is there too much [k, 2]."""
    arrays, routing = field.base
    surplus = field.pull / np.maximum(field.weight, 1e-12)
    loud = field.pull / np.sqrt(field.weight) > _LOOPING
    amount = routing.passing[:, arrays.tail]
    fits = (surplus > amount) & (surplus < MOST_HOPS * amount)
    return np.argwhere(possible & loud & fits)


def _detour_gain(field: Weighed, target: int, arc: int) -> float:
    arrays, routing = field.base
    way = Deviation(node=int(arrays.tail[arc]), via=arc)
    start = np.zeros(arrays.up.size)
    start[way.node] = routing.passing[target, way.node]
    change = walk(arrays, routing.paths, target, start, way).load - walk(arrays, routing.paths, target, start).load
    return float(np.sum(change * field.pull - change**2 / 2 * field.weight))


def _bounded(difference: Floats, sigma: Floats) -> tuple[Floats, Floats]:
    """Pull and weight of readings; one that is far off is taken less exactly, so that it does not outvote the rest."""
    loose = np.hypot(sigma, np.abs(difference) / _BOLDEST)
    return difference / loose**2, 1 / loose**2


def _probe_gains(base: Routed, judged: SimulatedHypothesis) -> tuple[Floats, Floats, Floats]:
    arrays, (paths, *_) = base
    probes, n, m = judged.observation.probes, arrays.up.size, arrays.head.size
    nodes, pairs, arcs = np.zeros((n, n)), np.zeros((n, n)), np.zeros((n, m))
    declared = judged.observation.declared
    expected = 1 - judged.readings.through
    known = np.flatnonzero(np.isfinite(probes.loss) & np.isfinite(expected))
    source, target, more = probes.source[known], probes.target[known], (probes.loss - expected)[known]
    found = trips(arrays, paths, source, target)
    at, by = (np.repeat(np.arange(known.size), np.diff(x)) for x in (found.at, found.by))
    np.add.at(arcs, (target[by], found.arc), _probe_gain(more[by], found.load, declared))
    np.add.at(nodes, (target[at], found.node), _probe_gain(more[at], found.share, declared))
    np.add.at(pairs, (target, source), _probe_gain(more, np.ones(known.size), declared))
    return nodes, pairs, arcs


def _probe_gain(more: Floats, dropped: Floats, declared: Declaration) -> Floats:
    """What it gains that a share of the probes is dropped when this much more than expected is lost."""
    with_it = student((more - dropped) / probe_error(dropped, declared))
    return with_it - student(more / probe_error(np.zeros(1), declared))


def _starts(arrays: Arrays) -> Ints:
    """First arc of each node that has any."""
    first = np.asarray(arrays.first_out[:-1], dtype=np.int64)
    return first[np.diff(arrays.first_out) > 0]


def _group(arrays: Arrays) -> Ints:
    """For each arc, the position of its tail among the nodes that have any [m]."""
    return np.searchsorted(_starts(arrays), np.arange(arrays.head.size), side="right") - 1
