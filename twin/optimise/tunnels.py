"""Relief by SR tunnels: the largest demands over the worst links take a detour each, over the best midpoint."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from math import inf
from typing import NamedTuple

import numpy as np

from twin.gate.verdict import Counterexample
from twin.model import Floats, Ints, Network, SegmentList, Tunnel
from twin.plan import Change, SetTunnel, apply
from twin.policy import Policy
from twin.sim.arrays import Flags, compile_network
from twin.sim.kernels import expect
from twin.sim.superposed import MovedLoads

from .allowance import Allowance
from .assemble import assemble, without_plan
from .fractions import exposure, pair_shares, try_moves
from .judge import HEADROOM, Judge
from .proposal import Proposal, Value

METHOD = "sr-tunnels"
DEMANDS = 100
"""Demands that are tried in each round, the largest over the worst links."""
MIDPOINTS = 48
"""Midpoints that are tried for each: those that keep it off the worst links over the emptiest ones."""
PARTS = (0.75, 0.5, 0.25)
"""Shares of a demand that are tried where all of it would be too much, over the `SPLIT` best midpoints."""
SPLIT = 8
TRIALS, FIRST_TRIALS = 60, 300
"""Moves that are tried under every failure in each round before giving up; more in the first, for without one of them
there is no plan."""
_CROWDED = 0.01  # what a full link weighs in the choice of midpoints, against one of the worst


class Move(NamedTuple):
    """Send a share of the demand from `source` to `target` over the midpoint `via`, all node positions."""

    source: int
    target: int
    via: int
    share: float = 1.0  # the rest stays on the shortest path


def relieve_by_tunnels(
    network: Network,
    policy: Policy,
    *,
    seed: int = 0,
    avoid: Sequence[Counterexample] = (),
    time_limit_s: float | None = None,
    below: float = inf,
) -> Proposal:
    """Move demands, or parts of them, to two-segment tunnels, at most `policy.max_steps`, until nothing does harm.

    Where the harm that is left could not come `below` so many Mbit/s, whatever is moved, nothing is looked for.

    Greedy over the `DEMANDS` largest demands on the worst links and the `MIDPOINTS` best midpoints of each; every
    accepted state survives every single failure. Nothing is random: `seed` changes nothing. A time limit returns the
    best so far.
    """
    del seed
    judge = Judge(network, policy, avoid, allowance=Allowance(time_limit_s))
    if judge.before.max_utilisation == 0:
        return without_plan(judge, METHOD, "the network carries no traffic")
    allowance = Allowance.to_search(time_limit_s)
    search = TunnelSearch(judge, Risk(judge.arrays.offered[None], np.ones(1)), allowance)
    within = search.within_reach()
    if within < policy.min_gain * judge.removable:
        reason = f"the {policy.max_steps} largest demands over the worst links are {within:,.0f} Mbit/s there"
        return without_plan(judge, METHOD, f"{reason}, of {judge.before.harm:,.0f} Mbit/s of harm")
    left = judge.excess(judge.routing.load) - within * (1 + float((1 - judge.arrays.keep).max(initial=0.0)))
    if left >= below:  # of what moves off a full link that loses traffic, a part was lost as well
        return without_plan(judge, METHOD, f"{policy.max_steps} tunnels leave {left:,.0f} Mbit/s of harm at least")
    return assemble(judge, METHOD, search.run())


def tunnel_over(network: Network, move: Move) -> Tunnel:
    """Return the tunnel for a move; it keeps the name of the tunnel that carries the demand already, if any."""
    source, target, via = (network.nodes[i].name for i in move[:3])
    names = {(tunnel.source, tunnel.target): tunnel.name for tunnel in network.tunnels}
    name = names.get((source, target)) or _new_name(source, target, set(names.values()))
    return Tunnel(name=name, source=source, target=target, paths=_lists(via, move.share), on_invalid="igp")


def _lists(via: str, share: float) -> tuple[SegmentList, ...]:
    over = SegmentList(via=(via,), share=share)
    return (over,) if share == 1 else (over, SegmentList(via=(), share=1 - share))


def _new_name(source: str, target: str, taken: set[str]) -> str:
    stem = re.sub(r"[^\w.>-]", "_", f"{source}>{target}")[:120]
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}.{number}"
    return name


class Risk(NamedTuple):
    """Demand scenarios, and how their figures become one: a weighted sum, the worst first."""

    volumes: Floats  # [S, n, n] Mbit/s, by target first
    weights: Floats  # [S] sum to one

    def of(self, figures: Floats) -> Floats:
        """Weigh figures [S, ...] of the scenarios, sorted from the worst down."""
        worst_first = np.sort(figures, axis=0)[::-1]
        return np.einsum("s,s...->...", self.weights, worst_first)


class _Trials(NamedTuple):
    """What the best midpoints of one demand would give, for all of it or a part. K trials."""

    via: Ints  # [K] node positions
    share: Floats  # [K] how much of the demand goes there
    harm: Floats  # [K] Mbit/s, with headroom
    peak: Floats  # [K] share of capacity
    crowding: Floats  # [K] sum of squared utilisations
    exposed: Flags  # [K] whether some failure is likely to hurt


class _Reached(NamedTuple):
    """A state on the way, with the load of each arc in each scenario, Mbit/s [S, m]."""

    network: Network
    loads: Floats


class TunnelSearch:
    """Greedy choice of tunnels; `network` has to be safe after each one under its own demands."""

    def __init__(self, judge: Judge, risk: Risk, allowance: Allowance) -> None:
        self.judge, self.risk, self.allowance = judge, risk, allowance
        self.nodes = judge.network.nodes
        self.survival = expect(judge.arrays, judge.routing.paths).survival
        untouched = np.array([not judge.protects(node.id) for node in self.nodes], dtype=np.bool_)
        self.midpoint = judge.arrays.up & ~judge.arrays.no_transit & untouched
        self.movable = np.outer(np.ones_like(untouched), untouched) & (self.survival > 0)
        self.present = {self._ends(tunnel): tunnel for tunnel in judge.network.tunnels}
        self.moved: set[tuple[int, int]] = set()
        self.spare = (judge.policy.max_failure_utilisation - judge.worst_case()) * judge.arrays.capacity

    def run(self) -> tuple[Change, ...]:
        """Return the accepted moves as changes, in the order in which they were found."""
        here, swept = _Reached(self.judge.network, self.loads(self.judge.network)), MovedLoads(self.judge.swept, ())
        had_harm = self.value(here.loads).harm > 0
        steps: list[Change] = []
        while len(steps) < self.judge.policy.max_steps:
            if had_harm and self.value(here.loads).harm <= 0:
                break  # fewest tunnels win over a still lower peak
            for move in islice(self._improving(here.loads), TRIALS if steps else FIRST_TRIALS):
                tunnel = tunnel_over(here.network, move)
                after = self.judge.moved(swept, move[:2], (self.present.get(move[:2]), tunnel))
                reached = apply(here.network, SetTunnel(tunnel=tunnel))
                if self.allowance.spent or self.judge.is_safe(reached, after):
                    break
            else:
                break
            if self.allowance.spent:
                break
            here, swept = _Reached(reached, here.loads + self._detour(move)), after.settled()
            self.moved.add(move[:2])
            steps.append(SetTunnel(tunnel=tunnel))
        return tuple(steps)

    def within_reach(self) -> float:
        """Mbit/s of harm that as many tunnels as a plan may have can spare at most."""
        hot = np.zeros(self.judge.arrays.head.size)
        hot[self.judge.hot(self.judge.routing.load)] = 1.0
        amount = self._amounts(0, exposure(self.judge.arrays.ordinary(), self.judge.routing.paths, hot))
        return float(np.sort(amount, axis=None)[-self.judge.policy.max_steps :].sum())

    def loads(self, state: Network) -> Floats:
        """Load of each arc in each scenario, Mbit/s [S, m]."""
        arrays = compile_network(state)
        rows = [self.judge.route(arrays._replace(offered=volume)).load for volume in self.risk.volumes]
        return np.array(rows)

    def value(self, loads: Floats) -> Value:
        """Weigh harm, with headroom, and peak over the scenarios."""
        harm = np.array([self.judge.excess(load, scale=HEADROOM) for load in loads])
        peak = np.array([self.judge.peak(load) for load in loads])
        return Value(float(self.risk.of(harm)), float(self.risk.of(peak)))

    def _ends(self, tunnel: Tunnel) -> tuple[int, int]:
        return self.judge.network.node(tunnel.source), self.judge.network.node(tunnel.target)

    def _legs(self, tunnel: Tunnel, path: SegmentList) -> list[tuple[int, int]]:
        return list(pairwise(self.judge.network.node(x) for x in (tunnel.source, *path.via, tunnel.target)))

    def _improving(self, loads: Floats) -> Iterator[Move]:
        """Yield the moves that lower harm, then the peak.

        Those that load no link beyond what it can take in its worst failure come first: they are likely to be safe.
        Among those that relieve alike, the ones that crowd least: short ways over empty links.
        """
        found: list[tuple[bool, float, float, float, Move]] = []
        now = self.value(loads)
        worst = max(loads, key=lambda load: (self.judge.excess(load, scale=HEADROOM), self.judge.peak(load)))
        hot = np.zeros(worst.size)
        hot[self.judge.hot(worst)] = 1.0
        crowded = worst / self.judge.arrays.capacity
        price = hot + _CROWDED * crowded / max(float(crowded.max(initial=0.0)), 1e-12)
        arrays, paths = self.judge.arrays.ordinary(), self.judge.routing.paths
        cost, on_hot = exposure(arrays, paths, price), exposure(arrays, paths, hot)
        for source, target in self._demands(loads, on_hot):
            if self.allowance.spent:
                break
            after = self._after(Move(source, target, -1), loads, cost)
            for row, (harm, peak) in enumerate(zip(after.harm, after.peak, strict=True)):
                if Value(float(harm), float(peak)).beats(now, gain=1e-3):
                    move = Move(source, target, int(after.via[row]), float(after.share[row]))
                    rank = bool(after.exposed[row]), round(float(harm), 3), round(float(peak), 6)
                    found.append((*rank, float(after.crowding[row]), move))
        yield from (move for *_, move in sorted(found))

    def _demands(self, loads: Floats, on_hot: Floats) -> list[tuple[int, int]]:
        """Return the demands with the most Mbit/s on the hot arcs of the worst scenario, those not moved yet."""
        values = [(self.judge.excess(load, scale=HEADROOM), self.judge.peak(load)) for load in loads]
        amount = self._amounts(max(range(len(values)), key=lambda row: values[row]), on_hot)
        for source, target in self.moved:
            amount[target, source] = 0
        order = np.argsort(-amount, axis=None, kind="stable")[:DEMANDS]
        pairs = [divmod(int(i), len(self.nodes)) for i in order if amount.flat[i] > 0]
        return [(source, target) for target, source in pairs]

    def _amounts(self, scenario: int, on_hot: Floats) -> Floats:
        """Mbit/s that each demand that may move has on the hot arcs, by target first [n, n]."""
        volume = np.where(self.movable, self.risk.volumes[scenario], 0.0)
        amount = volume * on_hot
        for (source, target), tunnel in self.present.items():
            met = [path.share * sum(on_hot[b, a] for a, b in self._legs(tunnel, path)) for path in tunnel.paths]
            amount[target, source] = volume[target, source] * sum(met)
        return amount

    def _after(self, demand: Move, loads: Floats, cost: Floats) -> _Trials:
        """Try the midpoints that cost one demand least."""
        (source, target, *_), survival = demand, self.survival
        possible = self.midpoint & (survival[:, source] > 0) & (survival[target] > 0)
        possible[[source, target]] = False
        through = np.where(possible, cost[:, source] + survival[:, source] * cost[target], np.inf)
        best = np.argsort(through, kind="stable")[: min(MIDPOINTS, int(possible.sum()))]
        over = self._over(demand, best)
        few, parts = min(SPLIT, best.size), np.array(PARTS)
        share = np.concatenate([np.ones(best.size), np.repeat(parts, few)])
        best = np.concatenate([best, *[best[:few]] * parts.size])
        over = np.concatenate([over, *(part * over[:few] for part in parts)])
        added = self.risk.volumes[:, target, source, None, None] * over
        limit = HEADROOM * self.judge.policy.max_utilisation * self.judge.arrays.capacity
        tried = try_moves(self.judge.arrays.ordinary(), limit, loads, added, self.spare)
        return _Trials(
            via=best,
            share=share,
            harm=self.risk.of(tried.harm),
            peak=self.risk.of(tried.peak),
            crowding=self.risk.of(tried.crowding),
            exposed=tried.exposed,
        )

    def _detour(self, move: Move) -> Floats:
        """Load that a move adds to each arc in each scenario, Mbit/s [S, m]."""
        volume = self.risk.volumes[:, move.target, move.source, None]
        return volume * move.share * self._over(move, np.array([move.via]))

    def _over(self, demand: Move, via: Ints) -> Floats:
        """Load per Mbit/s that each midpoint adds to each arc, against the present way of the demand [K, m]."""
        arrays, paths = self.judge.arrays.ordinary(), self.judge.routing.paths
        (source, target, *_), same = demand, np.ones_like(via)
        first = pair_shares(arrays, paths, source * same, via)
        second = pair_shares(arrays, paths, via, target * same)
        return first + self.survival[via, source, None] * second - self._present(source, target)

    def _present(self, source: int, target: int) -> Floats:
        """Load per Mbit/s of a demand on each arc as the network routes it [m]."""
        arrays, paths, tunnel = (
            self.judge.arrays.ordinary(),
            self.judge.routing.paths,
            self.present.get((source, target)),
        )
        if tunnel is None:
            return pair_shares(arrays, paths, np.array([source]), np.array([target]))[0]
        return self.judge.demands.alone(source, target, tunnel).intact
