"""Relief by SR tunnels: the largest demands over the worst links take a detour each, over the best midpoint."""

import re
from collections.abc import Iterator, Sequence
from time import monotonic
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Network, SegmentList, Tunnel
from twin.plan import Change, SetTunnel, apply
from twin.policy import Policy
from twin.sim.arrays import Flags, compile_network
from twin.verdict import Counterexample

from .assemble import assemble, without_plan
from .fractions import Fractions, ecmp_fractions
from .judge import HEADROOM, Judge
from .proposal import Proposal, Value

METHOD = "sr-tunnels"
DEMANDS = 100
"""Demands that are tried in each round, the largest over the worst links."""
TRIALS = 60
"""Moves that are tried under every failure in each round before giving up."""


class Move(NamedTuple):
    """Send the demand from `source` to `target` over the midpoint `via`, all node positions."""

    source: int
    target: int
    via: int


def relieve_by_tunnels(
    network: Network,
    policy: Policy,
    *,
    seed: int = 0,
    avoid: Sequence[Counterexample] = (),
    time_limit_s: float | None = None,
) -> Proposal:
    """Move whole demands to two-segment tunnels, at most `policy.max_steps`, until nothing does harm.

    Greedy over the `DEMANDS` largest demands on the worst links and every midpoint; every accepted state survives every
    single failure. Nothing is random: `seed` changes nothing. A time limit returns the best so far.
    Raises `InputError` on networks too large for the table of ECMP shares.
    """
    del seed
    judge = Judge(network, policy, avoid)
    if judge.before.max_utilisation == 0:
        return without_plan(judge, METHOD, "the network carries no traffic")
    deadline = None if time_limit_s is None else monotonic() + time_limit_s
    risk = Risk(judge.arrays.offered[None], np.ones(1))
    return assemble(judge, METHOD, TunnelSearch(judge, risk, deadline).run())


def tunnel_over(network: Network, move: Move) -> Tunnel:
    """Return the tunnel for a move; it keeps the name of the tunnel that carries the demand already, if any."""
    source, target, via = (network.nodes[i].name for i in move)
    names = {(tunnel.source, tunnel.target): tunnel.name for tunnel in network.tunnels}
    name = names.get((source, target)) or _new_name(source, target, set(names.values()))
    return Tunnel(name=name, source=source, target=target, paths=(SegmentList(via=(via,)),))


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
    """What every midpoint of one demand would give [n]."""

    harm: Floats  # Mbit/s, with headroom
    peak: Floats  # share of capacity
    crowding: Floats  # sum of squared utilisations
    exposed: Flags  # whether some failure is likely to hurt


class TunnelSearch:
    """Greedy choice of tunnels; `network` has to be safe after each one under its own demands."""

    def __init__(self, judge: Judge, risk: Risk, deadline: float | None) -> None:
        self.judge, self.risk, self.deadline = judge, risk, deadline
        self.table: Fractions = ecmp_fractions(judge.arrays, judge.routing.paths)
        self.nodes = judge.network.nodes
        untouched = np.array([not judge.protects(node.id) for node in self.nodes], dtype=np.bool_)
        self.midpoint = judge.arrays.up & ~judge.arrays.no_transit & untouched
        self.movable = np.outer(np.ones_like(untouched), untouched) & (self.table.survival > 0)
        self.moved: dict[tuple[int, int], int] = {}
        self.spare = (judge.policy.max_failure_utilisation - judge.worst_case()) * judge.arrays.capacity

    def run(self) -> tuple[Change, ...]:
        """Return the accepted moves as changes, in the order in which they were found."""
        state, loads = self.judge.network, self.loads(self.judge.network)
        had_harm = self.value(loads).harm > 0
        steps: list[Change] = []
        while len(steps) < self.judge.policy.max_steps and not self._late():
            if had_harm and self.value(loads).harm <= 0:
                break  # fewest tunnels win over a still lower peak
            for move in self._improving(loads):
                change = SetTunnel(tunnel=tunnel_over(state, move))
                reached = apply(state, change)
                found = self.loads(reached)
                if self.value(found).beats(self.value(loads), gain=1e-3) and self.judge.is_safe(reached):
                    break
            else:
                break
            state, loads = reached, found
            self.moved[move.source, move.target] = move.via
            steps.append(change)
        return tuple(steps)

    def loads(self, state: Network) -> Floats:
        """Load of each arc in each scenario, Mbit/s [S, m]."""
        arrays = compile_network(state)
        rows = [self.judge.route(arrays._replace(offered=volume)).load for volume in self.risk.volumes]
        return np.array(rows)

    def value(self, loads: Floats) -> Value:
        """Weigh harm, with headroom, and peak over the scenarios."""
        harm = np.array([self.judge.harm(load, aim=HEADROOM) for load in loads])
        peak = np.array([self.judge.peak(load) for load in loads])
        return Value(float(self.risk.of(harm)), float(self.risk.of(peak)))

    def _late(self) -> bool:
        return self.deadline is not None and monotonic() > self.deadline

    def _improving(self, loads: Floats) -> Iterator[Move]:
        """Yield the moves that lower harm, then the peak, at most `TRIALS`.

        Those that load no link beyond what it can take in its worst failure come first: they are likely to be safe.
        Among those that relieve alike, the ones that crowd least: short ways over empty links.
        """
        found: list[tuple[bool, float, float, float, Move]] = []
        now = self.value(loads)
        for source, target in self._demands(loads):
            after = self._after(source, target, loads)
            for k in np.flatnonzero(np.isfinite(after.harm)):
                harm, peak = float(after.harm[k]), float(after.peak[k])
                if Value(harm, peak).beats(now, gain=1e-3):
                    rank = bool(after.exposed[k]), round(harm, 3), round(peak, 6), float(after.crowding[k])
                    found.append((*rank, Move(source, target, int(k))))
        yield from (move for *_, move in sorted(found)[:TRIALS])

    def _demands(self, loads: Floats) -> list[tuple[int, int]]:
        """Return the demands with the most Mbit/s on the hot arcs of the worst scenario, those not moved yet."""
        values = [(self.judge.harm(load, aim=HEADROOM), self.judge.peak(load)) for load in loads]
        worst = max(range(len(values)), key=lambda row: values[row])
        volume = np.where(self.movable, self.risk.volumes[worst], 0.0)
        amount = volume * self.table.share[:, :, self.judge.hot(loads[worst])].sum(axis=2)
        for source, target in self.moved:
            amount[target, source] = 0
        order = np.argsort(-amount, axis=None, kind="stable")[:DEMANDS]
        pairs = [divmod(int(i), len(self.nodes)) for i in order if amount.flat[i] > 0]
        return [(source, target) for target, source in pairs]

    def _after(self, source: int, target: int, loads: Floats) -> _Trials:
        """Try every midpoint of one demand; harm is infinite where it cannot go there."""
        share, survival = self.table
        detour = share[:, source, :] + survival[:, source, None] * share[target] - share[target, source]
        added = self.risk.volumes[:, target, source, None, None] * detour
        reached = loads[:, None, :] + added
        possible = self.midpoint & (survival[:, source] > 0) & (survival[target] > 0)
        possible[[source, target]] = False
        limit = HEADROOM * self.judge.policy.max_utilisation * self.judge.arrays.capacity
        harm = np.maximum(reached - limit, 0.0).sum(axis=2) + reached @ (1 - self.judge.arrays.keep)
        use = reached / self.judge.arrays.capacity
        return _Trials(
            harm=np.where(possible, self.risk.of(harm), np.inf),
            peak=self.risk.of(use.max(axis=2)),
            crowding=self.risk.of((use**2).sum(axis=2)),
            exposed=((added > 1e-6) & (added > self.spare)).any(axis=(0, 2)),
        )
