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
    return assemble(judge, METHOD, _Search(judge, deadline).run())


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


class _Search:
    def __init__(self, judge: Judge, deadline: float | None) -> None:
        self.judge, self.deadline = judge, deadline
        self.table: Fractions = ecmp_fractions(judge.arrays, judge.routing.paths)
        self.nodes = judge.network.nodes
        untouched = np.array([not judge.protects(node.id) for node in self.nodes], dtype=np.bool_)
        self.midpoint = judge.arrays.up & ~judge.arrays.no_transit & untouched
        self.movable = np.outer(untouched, untouched) & (judge.arrays.offered > 0) & (self.table.survival > 0)
        self.moved: dict[tuple[int, int], int] = {}
        self.spare = (judge.policy.max_failure_utilisation - judge.worst_case()) * judge.arrays.capacity

    def run(self) -> tuple[Change, ...]:
        """Return the accepted moves as changes, in the order in which they were found."""
        state, load = self.judge.network, self.judge.routing.load
        steps: list[Change] = []
        while len(steps) < self.judge.policy.max_steps and not self._done(load) and not self._late():
            for move in self._improving(load):
                change = SetTunnel(tunnel=tunnel_over(state, move))
                reached = apply(state, change)
                routing = self.judge.route(compile_network(reached))
                if self._better(routing.load, load) and self.judge.is_safe(reached):
                    break
            else:
                break
            state, load = reached, routing.load
            self.moved[move.source, move.target] = move.via
            steps.append(change)
        return tuple(steps)

    def _done(self, load: Floats) -> bool:
        """Harm was there and is gone: fewest tunnels win over a still lower peak."""
        return self.judge.before.harm > 0 and self.judge.harm(load, aim=HEADROOM) <= 0

    def _late(self) -> bool:
        return self.deadline is not None and monotonic() > self.deadline

    def _better(self, load: Floats, than: Floats) -> bool:
        return self._value(load).beats(self._value(than), gain=1e-3)

    def _value(self, load: Floats) -> Value:
        return Value(self.judge.harm(load, aim=HEADROOM), self.judge.peak(load))

    def _improving(self, load: Floats) -> Iterator[Move]:
        """Yield the moves that lower harm, then the peak, at most `TRIALS`.

        Those that load no link beyond what it can take in its worst failure come first: they are likely to be safe.
        """
        found: list[tuple[bool, float, float, Move]] = []
        now = self._value(load)
        for source, target in self._demands(load):
            harm, peak, exposed = self._after(source, target, load)
            found += [
                (bool(exposed[k]), float(harm[k]), float(peak[k]), Move(source, target, int(k)))
                for k in np.flatnonzero(np.isfinite(harm))
                if Value(float(harm[k]), float(peak[k])).beats(now, gain=1e-3)
            ]
        yield from (move for *_, move in sorted(found)[:TRIALS])

    def _demands(self, load: Floats) -> list[tuple[int, int]]:
        """Return the demands with the most Mbit/s on the worst arcs, those not moved yet."""
        hot = self.judge.hot(load)
        volume = np.where(self.movable, self.judge.arrays.offered, 0.0)
        amount = volume * self.table.share[:, :, hot].sum(axis=2)
        for source, target in self.moved:
            amount[target, source] = 0
        order = np.argsort(-amount, axis=None, kind="stable")[:DEMANDS]
        pairs = [divmod(int(i), len(self.nodes)) for i in order if amount.flat[i] > 0]
        return [(source, target) for target, source in pairs]

    def _after(self, source: int, target: int, load: Floats) -> tuple[Floats, Floats, Flags]:
        """Return harm, peak and whether a failure is likely to hurt, for every midpoint of one demand [n].

        Harm and peak are inf where the demand cannot go there.
        """
        share, survival = self.table
        volume = self.judge.arrays.offered[target, source]
        detour = share[:, source, :] + survival[:, source, None] * share[target]
        added = volume * (detour - share[target, source])
        loads = load + added
        exposed = ((added > 1e-6) & (added > self.spare)).any(axis=1)
        possible = self.midpoint & (survival[:, source] > 0) & (survival[target] > 0)
        possible[[source, target]] = False
        limit = HEADROOM * self.judge.policy.max_utilisation * self.judge.arrays.capacity
        harm = np.maximum(loads - limit, 0.0).sum(axis=1) + loads @ (1 - self.judge.arrays.keep)
        peak = (loads / self.judge.arrays.capacity).max(axis=1)
        return np.where(possible, harm, np.inf), np.where(possible, peak, np.inf), exposed
