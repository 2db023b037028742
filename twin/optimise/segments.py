"""Two-segment routing for a whole traffic matrix: split, round to one midpoint per demand, thin out, polish.

At most two segments come close to the best routing on real backbones [Bhatia, Hao, Kodialam, Lakshman, "Optimized
network traffic engineering using segment routing", INFOCOM 2015]. The split optimum is found by Frank-Wolfe and rounded
demand by demand; then every tunnel that the peak does not need is taken back.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin.gate.verdict import Counterexample
from twin.model import Floats, Ints, Network
from twin.plan import Change, SetTunnel, apply
from twin.policy import Policy
from twin.sim.arrays import FAR, Arrays, compile_network
from twin.sim.route import Routing, route

from .affected import AffectedPart, part_of
from .allowance import Allowance
from .assemble import assemble, node_cut_bound, without_plan
from .frank_wolfe import Demands, Mixture, flow_bound_by, split_demands
from .judge import Judge
from .midpoints import Assignment, Problem, polish, round_midpoints, thin
from .proposal import Proposal
from .tunnels import Move, tunnel_over

METHOD = "sr-segments"
POWER = 30.0
POLISH_MOVES = 200
_BISECTIONS = 14


class SegmentRouting(NamedTuple):
    """One midpoint, or none, for every demand. m links."""

    moves: tuple[Move, ...]  # the demands that take a midpoint, the largest first
    max_utilisation: float
    split: float  # peak when the demands that may move here may be split over several midpoints
    bound: float  # no split over two segments has a lower peak
    flow_bound: float  # no routing at all has a lower peak; 0 where links lose traffic
    load: Floats  # [m] Mbit/s
    rounds: int

    @property
    def gap(self) -> float | None:
        """Share by which the peak lies above the best possible two-segment routing."""
        return self.max_utilisation / self.bound - 1 if self.bound > 0 else None


def route_by_segments(
    network: Network, *, most: int | None = None, seed: int = 0, time_limit_s: float | None = None
) -> SegmentRouting:
    """Choose a midpoint for every demand so that the peak utilisation is low, for at most `most` demands.

    Demands that a tunnel carries already stay on it. Nothing is random: `seed` changes nothing. A time limit ends the
    search for the split optimum early. On networks too large for the ECMP shares of all pairs, only demands between
    some nodes move (`affected`), and the bounds are what the links of single nodes allow at best.
    """
    del seed
    arrays, allowance = compile_network(network), Allowance(time_limit_s)
    routing = route(arrays)
    demands = _demands(arrays, network, routing)
    part = part_of(arrays, routing, demands)
    mixture = split_demands(arrays.capacity, part.routes, part.demands, allowance)
    via = _choose(part, arrays, mixture, most).via
    load = part.routes.load(part.demands.volume, via)
    if part.nodes.size == len(network.nodes):
        bound, flow_bound = mixture.bound, max(flow_bound_by(arrays, routing.paths, x) for x in mixture.prices)
    else:  # what bounds the part says nothing about all demands
        bound = flow_bound = node_cut_bound(network)
    return SegmentRouting(
        _moves(via, part),
        float((load / arrays.capacity).max(initial=0.0)),
        mixture.max_utilisation,
        bound,
        flow_bound,
        load[arrays.arc_of],
        mixture.rounds,
    )


def relieve_by_segments(
    network: Network,
    policy: Policy,
    *,
    seed: int = 0,
    avoid: Sequence[Counterexample] = (),
    time_limit_s: float | None = None,
) -> Proposal:
    """Plan the tunnels of the best two-segment routing that `policy.max_steps` tunnels can make.

    Looks at the whole matrix, of large networks at the affected part, where the greedy planner looks at the worst
    links. Nothing is random.
    """
    judge = Judge(network, policy, avoid)
    if judge.before.max_utilisation == 0:
        return without_plan(judge, METHOD, "the network carries no traffic")
    routing = route_by_segments(network, most=policy.max_steps, seed=seed, time_limit_s=time_limit_s)
    judge.evaluations += routing.rounds
    steps: list[Change] = []
    state = network
    for move in routing.moves:
        if judge.protects(*(network.nodes[i].id for i in move[:3])):
            continue
        steps.append(SetTunnel(tunnel=tunnel_over(state, move)))
        state = apply(state, steps[-1])
    return assemble(judge, METHOD, steps)


def _demands(arrays: Arrays, network: Network, routing: Routing) -> Demands:
    """Demands without a tunnel may move; the legs of the others are fixed. Demands without a path are left out."""
    volume = np.where(routing.paths.dist < FAR, arrays.offered, 0.0)
    for tunnel in network.tunnels:
        volume[network.node(tunnel.target), network.node(tunnel.source)] = 0.0
    carried = np.where(routing.paths.dist < FAR, routing.volume, 0.0)
    return Demands(volume, np.maximum(carried - volume, 0.0), arrays.up & ~arrays.no_transit)


def _choose(part: AffectedPart, arrays: Arrays, mixture: Mixture, most: int | None) -> Assignment:
    problem = Problem(part.share, arrays.capacity, part.demands.volume, part.demands.midpoint)
    rounded = round_midpoints(problem, mixture.mix, mixture.load, POWER)
    if most is None:
        return polish(problem, thin(problem, rounded, _peak(rounded, arrays)), POWER, POLISH_MOVES, rounded.via.size)
    nowhere = np.full(rounded.via.shape, -1, dtype=np.int64)
    direct = Assignment(nowhere, part.routes.load(part.demands.volume, nowhere))
    starts = [_thinned(problem, rounded, arrays, most), direct]
    polished = [polish(problem, start, POWER, POLISH_MOVES, most) for start in starts]
    return min(polished, key=lambda found: (round(_peak(found, arrays), 9), _count(found)))


def _thinned(problem: Problem, start: Assignment, arrays: Arrays, most: int) -> Assignment:
    """Take tunnels back until `most` are left, for the lowest peak that allows it."""
    low = _peak(start, arrays)
    lean = thin(problem, start, low)
    high = 64 * low
    best = lean if _count(lean) <= most else thin(problem, start, high)
    for _ in range(_BISECTIONS if _count(lean) > most else 0):
        middle = (low * high) ** 0.5
        trial = thin(problem, start, middle)
        if _count(trial) > most:
            low = middle
        else:
            best, high = trial, middle
    return best


def _moves(via: Ints, part: AffectedPart) -> tuple[Move, ...]:
    order = np.argsort(-part.demands.volume, axis=None, kind="stable")
    pairs = [divmod(int(flat), via.shape[0]) for flat in order if via.flat[flat] >= 0]
    nodes = part.nodes.tolist()
    return tuple(Move(nodes[source], nodes[target], nodes[via[target, source]]) for target, source in pairs)


def _peak(assignment: Assignment, arrays: Arrays) -> float:
    return float((assignment.load / arrays.capacity).max(initial=0.0))


def _count(assignment: Assignment) -> int:
    return int((assignment.via >= 0).sum())
