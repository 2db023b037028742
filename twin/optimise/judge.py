"""What a search for plans knows of its network: how good a state is, and whether a plan may end in it.

A state is better with less harm, then with a lower peak. It is safe when the rulebook lets it follow the network as it
is, it moves no more traffic than the policy allows, and answers every counterexample of the plans that were rejected.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from twin.gate.checks.gain import least_harm
from twin.gate.checks.moved import moved_share
from twin.gate.checks.stressed import Stressed, under
from twin.gate.checks.touch import emptied
from twin.gate.class_rules import worse_for_classes
from twin.gate.no_worse import SHARE_SLACK, Where
from twin.gate.order import Around, Effort, KnownStart, Ordered, order_steps
from twin.gate.rules import may_follow, surely_worse, worse_in_time, worse_under_failure
from twin.gate.verdict import Counterexample
from twin.model import Floats, Ints, Network, Tunnel
from twin.plan import Change
from twin.policy import Policy
from twin.printed import percent, short
from twin.sim.arrays import Arrays, compile_network
from twin.sim.route import Routing, route
from twin.sim.simulate import Outcome, simulate
from twin.sim.superposed import LoneLoads, MovedLoads

from .allowance import Allowance
from .baseline import baseline
from .ceilings import Ceiling, is_above, links_of
from .proposal import Value
from .under_failures import ENGINE, StatesUnderFailures

HEADROOM = 0.97
"""Plans aim this far below the limit, so that measurement noise does not put them above."""
ORDER_STATES = 600
"""States that the search for an order of steps may simulate."""
_NEAR_PEAK = 0.98


class Judge:
    """Judges states of one network under one policy; counts the states that it evaluates."""

    def __init__(
        self,
        network: Network,
        policy: Policy,
        avoid: Sequence[Counterexample] = (),
        *,
        allowance: Allowance | None = None,
        declared: Network | None = None,
    ) -> None:
        """Take a network, and how it is `declared`; once the allowance is spent, no further state is found safe."""
        self.network, self.policy, self.allowance = network, policy, allowance or Allowance(None)
        self.declared = declared
        self.limit = policy.max_failure_utilisation
        known = baseline(network, self.limit)
        self.start, self.demands, self.swept = known
        self.failures, self.base = self.start.failures, self.start.outcome
        self.evaluations = 1 + len(self.failures)
        self.under_failures = StatesUnderFailures(network, known, policy, declared, self.allowance, self._count)
        self._latest: tuple[tuple[int, int], LoneLoads] | None = None
        self.stranded = self.base.stranded  # Mbit/s that no plan can carry
        self._calm = Stressed(network, (), self.limit)
        self.arrays = compile_network(network)
        self.routing = self.route(self.arrays)
        self.before = self.value(self.routing)
        self.ceilings = tuple(x for example in avoid if (x := self._ceiling(example)) is not None)

    def _count(self, states: int) -> None:
        self.evaluations += states

    def route(self, arrays: Arrays) -> Routing:
        """Evaluate one state in full."""
        self.evaluations += 1
        return route(arrays)

    def value(self, routing: Routing, *, scale: float = 1.0) -> Value:
        """Measure one state; `scale` lowers the utilisation limit."""
        lost = routing.lost + routing.blackholed + routing.discarded + self.base.refused - self.stranded
        return Value(self.excess(routing.load, scale=scale) + lost, self.peak(routing.load))

    def excess(self, load: Floats, *, scale: float = 1.0) -> float:
        """Mbit/s that arcs with this load [m] drop or carry above the limit."""
        excess = np.maximum(load - scale * self.policy.max_utilisation * self.arrays.capacity, 0.0).sum()
        return float(excess + np.dot(load, 1 - self.arrays.keep))

    def peak(self, load: Floats) -> float:
        """Highest utilisation for a load per arc [m]."""
        return float((load / self.arrays.capacity).max(initial=0.0))

    def hot(self, load: Floats) -> Ints:
        """Arcs that do harm with this load [m], with headroom; without any, those at the peak."""
        limit = HEADROOM * self.policy.max_utilisation * self.arrays.capacity
        harmful = np.flatnonzero(np.maximum(load - limit, 0.0) + load * (1 - self.arrays.keep) > 0)
        return harmful if harmful.size else _busiest(load / self.arrays.capacity)

    def worst_case(self) -> Floats:
        """Highest utilisation of each arc over all failures of the unchanged network [m]."""
        if self.start.sweep is None:
            return self.routing.load / self.arrays.capacity
        return self.start.sweep.worst_utilisation[self.arrays.link_of]

    @cached_property
    def broken_already(self) -> str:
        """Say how many failures overload links as the network is found, grown traffic included; empty if none does.

        A plan may make none of them worse, which leaves few plans where they are many.
        """
        sweep = self.start.grown(max(self.under_failures.growth)).sweep
        over = 0 if sweep is None else int(np.count_nonzero(sweep.max_utilisation > self.limit + SHARE_SLACK))
        if sweep is None or not over:
            return ""
        grown = f" with demand x{self.policy.growth:.4g}" if self.policy.growth > 1 else ""
        peak = percent(float(sweep.max_utilisation.max()))
        return (
            f"as it is, {over:,} of {len(self.failures):,} single failures overload links{grown}, {peak} at worst, and "
            "a plan may make none of them worse"
        )

    @cached_property
    def removable(self) -> float:
        """Mbit/s of harm that some plan might spare the network."""
        return max(self.before.harm + self.stranded - least_harm(self.network, self.policy.max_utilisation), 0.0)

    def moved(
        self, swept: MovedLoads, demand: tuple[int, int], tunnels: tuple[Tunnel | None, Tunnel | None]
    ) -> MovedLoads:
        """Return the loads once a demand, by its ends' positions, has gone from one tunnel, or none, to another."""
        off, onto = self._present(*demand, tunnels[0]), self.demands.alone(*demand, tunnels[1])
        self.evaluations += len(onto.rows)
        return swept.moved(off, onto, float(self.network.offered[demand]))

    def _present(self, source: int, target: int, tunnel: Tunnel | None) -> LoneLoads:
        """Return what one Mbit/s of a demand does as it is routed now; the last answer is kept."""
        if self._latest is None or self._latest[0] != (source, target):
            self._latest = (source, target), self.demands.alone(source, target, tunnel)
        return self._latest[1]

    def is_safe(self, state: Network, swept: MovedLoads | None = None) -> bool:
        """Whether a plan may end in this state; `swept` is what it carries under every failure, where that is known."""
        if swept is None:
            self.under_failures.foresee((state,))
        if (failure := self.under_failures.found_worse(state)) is not None:
            self.under_failures.try_first(failure)
            return False
        for factor in self.under_failures.growth:
            for before, after in self.under_failures.pairs(state, swept, factor):
                if self.allowance.spent:
                    return False
                worse = surely_worse(before, after, self.policy)
                if worse.size:
                    self.under_failures.try_first(after.failures[int(worse[0])].name)
                    return False
        return not self.objection(state, swept)

    def objection(self, state: Network, swept: MovedLoads | None = None) -> str:
        """Return in one sentence why no plan may end in this state; empty when one may."""
        calm = Stressed(state, (), self.limit)
        self.evaluations += 1
        intact = may_follow(self._calm, calm, self.policy)
        if intact:
            return intact.violation.detail
        if swept is None:
            self.under_failures.foresee((state,))
        for factor in self.under_failures.growth:
            for before, after in self.under_failures.pairs(state, swept, factor):
                if self.allowance.spent:
                    return "there was no time to look at every failure"
                failing = worse_under_failure((before,), after, self.policy, Where(1, traffic=factor))
                if failing:
                    self.under_failures.try_first(failing.counterexample.failure)
                    return failing.detail
        promised = Stressed(state, self.failures, self.limit)
        if in_time := worse_in_time((self.start,), promised, self.policy, Where(1)):
            return in_time.detail
        for factor in self.under_failures.growth if self.policy.classes else ():
            grown = self.start.grown(factor), promised.grown(factor)
            if broken := worse_for_classes(*grown, self.policy, Where(1, traffic=factor)):
                return broken.detail
        left = emptied(self.base, calm.outcome, self.policy.protected)
        if left:
            return f"no traffic would pass {short(left)}, which the policy protects"
        return self._radius_exceeded(state) or self._unanswered(state, calm.outcome)

    def in_safe_order(self, steps: Sequence[Change]) -> tuple[Change, ...] | None:
        """Return the steps in an order in which no kind of harm ever rises, or None when none was found."""
        return self.ordered(steps).steps

    def ordered(self, steps: Sequence[Change]) -> Ordered:
        """Return the steps in a safe order, and the longest safe beginning where there is none."""
        ordered = order_steps(
            steps,
            self.network,
            self.policy,
            against=self._met_again,
            effort=Effort(ORDER_STATES, lambda: self.allowance.spent),
            known=KnownStart(self.start, self.under_failures.tunnelled, self.under_failures.known, ENGINE),
        )
        self.evaluations += ordered.states
        return ordered

    def _met_again(self, around: Around, _: int) -> str | None:
        return None if self.keeps_ceilings(around[1].outcome) else "a counterexample would be met again"

    def keeps_ceilings(self, outcome: Outcome) -> bool:
        """Whether a state with everything up answers the counterexamples."""
        return not any(x.failure is None and is_above(x, outcome) for x in self.ceilings)

    def protects(self, *elements: str) -> bool:
        """Whether the policy forbids to touch any of these element ids."""
        return not set(elements).isdisjoint(self.policy.protected)

    @property
    def fixed_weights(self) -> frozenset[str]:
        """Names of the links whose weights the policy forbids to touch."""
        return frozenset(
            link.name
            for link in self.network.links
            if self.protects(link.name, link.interface, link.circuit, f"node/{link.tail}")
        )

    def _radius_exceeded(self, state: Network) -> str:
        share, limit = moved_share(self.network, state), self.policy.max_blast_radius
        return f"{percent(share)} of the traffic would move, {percent(limit)} is allowed" if share > limit else ""

    def _unanswered(self, state: Network, after: Outcome) -> str:
        for ceiling in self.ceilings:
            outcome = simulate(under(state, ceiling.failure)) if ceiling.failure else after
            if is_above(ceiling, outcome):
                name = self.network.links[int(ceiling.links[0])].name
                return (
                    f"{name} is again too busy{f' when {short(ceiling.failure.name)} fails' if ceiling.failure else ''}"
                )
        return ""

    def _ceiling(self, example: Counterexample) -> Ceiling | None:
        """Turn a counterexample into a ceiling: below its limit with headroom, or not above what was there before."""
        links = links_of(self.network, example.element)
        if links is None:
            return None
        failure = next((x for x in self.failures if x.name == example.failure), None)
        before = simulate(under(self.network, failure)) if failure else self.base
        level = min(example.limit, 1.0) * HEADROOM / max(example.traffic, 1.0)
        return Ceiling(links, failure, np.maximum(before.utilisation[links], level))


def _busiest(utilisation: Floats) -> Ints:
    order = np.argsort(-utilisation, kind="stable")
    return order[utilisation[order] >= _NEAR_PEAK * utilisation.max(initial=0.0)]
