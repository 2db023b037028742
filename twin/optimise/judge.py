"""What a search for plans knows of its network: how good a state is, and whether a plan may end in it.

A state is better with less harm, then with a lower peak. It is safe when the rulebook lets it follow the network as it
is, it moves no more traffic than the policy allows, and answers every counterexample of the plans that were rejected.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from twin.engines.local import Local
from twin.gate.checks.gain import least_harm
from twin.gate.checks.moved import moved_share
from twin.gate.checks.stressed import Stressed, under
from twin.gate.checks.touch import emptied
from twin.gate.class_rules import worse_for_classes
from twin.gate.declared import stands_as
from twin.gate.no_worse import SHARE_SLACK, Where
from twin.gate.order import Around, Effort, KnownStart, Ordered, order_steps
from twin.gate.rules import may_follow, surely_worse, worse_in_time, worse_under_failure
from twin.gate.verdict import Counterexample
from twin.model import Floats, Ints, Network, Tunnel
from twin.plan import Change
from twin.policy import Policy
from twin.printed import percent, short
from twin.sim.arrays import Arrays, compile_network
from twin.sim.failure_sweep import rows_of, sweep_failures
from twin.sim.reweighted import Reweighted
from twin.sim.route import Routing, route
from twin.sim.simulate import Failure, FailureSweep, Outcome, simulate
from twin.sim.succession import PAYS
from twin.sim.superposed import LoneLoads, MovedLoads, Superposition, SweptLoads
from twin.sim.tunnelled import TunnelledStates
from twin.sim.walked import astray_adds_up

from .allowance import Allowance
from .baseline import baseline
from .ceilings import Ceiling, is_above, links_of
from .nearby import Sifted, Sifting, Sweeps, are_nearby, sift
from .proposal import Value

HEADROOM = 0.97
"""Plans aim this far below the limit, so that measurement noise does not put them above."""
ORDER_STATES = 600
"""States that the search for an order of steps may simulate."""
_ENGINE = Local()  # for states that are swept together
_NEAR_PEAK = 0.98
_FIRST_FAILURES = 16  # tried before the rest: most states that are not safe show it there
_MOST_FAILURES = 256  # tried at once: between them the time is looked at


class _SweptState(NamedTuple):
    """The state that was judged last, and what is known of it under failures."""

    state: Network
    swept: MovedLoads | None
    wholes: dict[float, Stressed]  # by what its demands are multiplied by: under all failures
    parts: dict[tuple[tuple[int, ...], float], Stressed]  # under the failures of these rows


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
        self.start, self.demands, self.swept = baseline(network, self.limit)
        self.failures, self.base = self.start.failures, self.start.outcome
        self._tunnelled = TunnelledStates(self.start.network, self.failures, (self.demands, self.swept))
        self._latest: tuple[tuple[int, int], LoneLoads] | None = None
        self.stranded = self.base.stranded  # Mbit/s that no plan can carry
        self._calm = Stressed(network, (), self.limit)
        self._growth = tuple(sorted({policy.growth, 1.0}, reverse=True))  # the stricter one first
        self._swept_last: tuple[Network, dict[tuple[int, ...], SweptLoads]] | None = None
        self._swept_state: _SweptState | None = None
        self._own: tuple[Network, Superposition | Reweighted] | None = None  # the state that was swept last
        self._telling = _worst_first(self.start.sweep)
        self._sifted: dict[Network, Sifted] = {}
        self.evaluations = 1 + len(self.failures)
        self.arrays = compile_network(network)
        self.routing = self.route(self.arrays)
        self.before = self.value(self.routing)
        self.ceilings = tuple(x for example in avoid if (x := self._ceiling(example)) is not None)

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
        sweep = self.start.grown(max(self._growth)).sweep
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
            self.foresee((state,))
        known = self._sifted.get(state) if self._sifted else None
        if known is not None and known.worse is not None:
            self._try_first(self.failures[known.worse].name)
            return False
        for factor in self._growth:
            for before, after in self._stressed(state, swept, factor):
                if self.allowance.spent:
                    return False
                worse = surely_worse(before, after, self.policy)
                if worse.size:
                    self._try_first(after.failures[int(worse[0])].name)
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
            self.foresee((state,))
        for factor in self._growth:
            for before, after in self._stressed(state, swept, factor):
                if self.allowance.spent:
                    return "there was no time to look at every failure"
                failing = worse_under_failure((before,), after, self.policy, Where(1, traffic=factor))
                if failing:
                    self._try_first(failing.counterexample.failure)
                    return failing.detail
        promised = Stressed(state, self.failures, self.limit)
        if in_time := worse_in_time((self.start,), promised, self.policy, Where(1)):
            return in_time.detail
        for factor in self._growth if self.policy.classes else ():
            grown = self.start.grown(factor), promised.grown(factor)
            if broken := worse_for_classes(*grown, self.policy, Where(1, traffic=factor)):
                return broken.detail
        left = emptied(self.base, calm.outcome, self.policy.protected)
        if left:
            return f"no traffic would pass {short(left)}, which the policy protects"
        return self._radius_exceeded(state) or self._unanswered(state, calm.outcome)

    @property
    def sweeps_together(self) -> bool:
        """Whether the network is so large that `foresee` pays."""
        return len(self.failures) * len(self.network.links) >= PAYS

    def foresee(self, states: Sequence[Network]) -> None:
        """Find out together what failures do to states that are to be judged, where that pays: see `nearby`.

        Those with other tunnels alone add up; the others have the way of most of their traffic in common.
        """
        if not self.sweeps_together:
            return
        new = [x for x in states if x not in self._sifted and not self._tunnelled.differs_in_tunnels(x)]
        if not new or self.start.sweep is None or not are_nearby(self.network, new):
            return
        whole = [self._whole(_SweptState(x, None, {}, {}), 1.0) for x in new]
        at_once = any(x.as_declared for x in whole)  # what is declared is judged by all failures together
        sifting = Sifting(self.policy, self._growth, self._telling, at_once, _ENGINE, lambda: self.allowance.spent)
        self._sifted |= zip(new, sift(self.start, whole, sifting), strict=True)
        self.evaluations += len(new) * len(self.failures)

    def known(self, state: Network) -> FailureSweep | None:
        """Return what every failure does to a state, where that has been found out by `foresee`."""
        return self._known(state, 1.0)

    def _known(self, state: Network, factor: float) -> FailureSweep | None:
        found = self._sifted.get(state) if self._sifted else None
        sweeps: Sweeps | None = found.sweeps if found is not None else None
        if sweeps is None and self.sweeps_together:
            return self._tunnelled.sweep(state, self.limit, factor=factor)
        return sweeps.get(factor) if sweeps is not None else None

    def _stressed(self, state: Network, swept: MovedLoads | None, factor: float) -> Iterator[tuple[Stressed, Stressed]]:
        """Yield the network and the state under the same failures, part by part, the most telling failures first.

        Both with all demands times `factor`.
        """
        start = self.start.grown(factor)
        if start.sweep is None:
            return
        if self._swept_last is None or self._swept_last[0] is not state:
            self._swept_last = state, {}
        if self._swept_state is None or self._swept_state.state is not state or self._swept_state.swept is not swept:
            self._swept_state = _SweptState(state, swept, {}, {})
        known, first, order = self._swept_state.parts, 0, tuple(self._telling)
        # what is declared is judged by all failures together
        least = len(order) if self._whole(self._swept_state, factor).as_declared else _FIRST_FAILURES
        while first < len(order):
            rows = order[first : first + max(least, min(first, _MOST_FAILURES))]
            if (rows, factor) not in known:
                known[rows, factor] = self._part(self._swept_state, rows, factor)
            chosen = known[rows, factor].failures
            yield Stressed(start.network, chosen, self.limit, rows_of(start.sweep, rows), start), known[rows, factor]
            first += len(rows)

    def _part(self, judged: "_SweptState", rows: tuple[int, ...], factor: float) -> Stressed:
        """Return a state with all its demands times `factor` under some of the failures."""
        state, chosen = judged.state, tuple(self.failures[i] for i in rows)
        whole = self._whole(judged, factor)
        known = self._known(state, factor) if judged.swept is None else None
        if known is not None:
            sweep = rows_of(known, rows)
        elif astray_adds_up(state) and (factor == 1 or not state.limits):
            sweep = self._added_up(state, judged.swept, rows, factor)
        else:
            sweep = self._swept(whole, chosen)
        return Stressed(whole.network, chosen, self.limit, sweep, whole, as_declared=whole.as_declared)

    def _whole(self, judged: "_SweptState", factor: float) -> Stressed:
        """Return it under all failures: what any of them costs whom is found once for all factors of its demands."""
        if factor not in judged.wholes:
            state, multiple = judged.state, None
            if factor != 1 and not state.limits:
                multiple = self._whole(judged, 1.0), factor
            grown = self._grown(state, self.start.grown(factor).network, factor)
            as_declared = self.declared is not None and stands_as(state, self.declared)
            judged.wholes[factor] = Stressed(
                grown,
                self.failures,
                self.limit,
                multiple=multiple,
                beside=(self.start, self._tunnelled) if factor == 1 else None,
                as_declared=as_declared,
            )
        return judged.wholes[factor]

    def _grown(self, state: Network, start: Network, factor: float) -> Network:
        """Return the state with all demands times `factor`: those of `start`, where it has the network's own."""
        if factor == 1:
            return state
        same = state.demands is self.network.demands
        return state.with_demands(start.demands if same else state.demands * factor)

    def _swept(self, grown: Stressed, chosen: tuple[Failure, ...]) -> FailureSweep:
        self.evaluations += len(chosen)
        return sweep_failures(grown.network, chosen, grown.routing, limit=self.limit)

    def _added_up(self, state: Network, swept: MovedLoads | None, rows: tuple[int, ...], factor: float) -> FailureSweep:
        """Sweep some failures of a state by its loads, which are found once for all factors of its demands."""
        chosen, known = np.array(rows, dtype=np.int64), self._swept_last[1] if self._swept_last else {}
        if swept is not None:
            self.evaluations += len(rows)
            return self.demands.sweep(swept.grown(factor), self.limit, rows=chosen)
        if self._own is None or self._own[0] is not state:
            self._own = state, self.demands.reweighted(state) or Superposition(state, self.failures, like=self.demands)
        own = self._own[1]
        if rows not in known:
            self.evaluations += len(rows)
            if isinstance(own, Reweighted):
                known[rows] = self.demands.changed(self.swept, own, chosen)
            else:
                known[rows] = own.total_under(chosen)
        words = self.demands if isinstance(own, Reweighted) else own
        return words.sweep_of(known[rows].grown(factor), chosen, self.limit)

    def _try_first(self, failure: str | None) -> None:
        self._telling.sort(key=lambda i: self.failures[i].name != failure)

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
            known=KnownStart(self.start, self._tunnelled, self.known, _ENGINE),
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


def _worst_first(sweep: FailureSweep | None) -> list[int]:
    """Return the rows of a sweep, those that lose or fill most first."""
    if sweep is None:
        return []
    return [int(row) for row in np.lexsort((-sweep.max_utilisation, -sweep.overload, -sweep.lost))]


def _busiest(utilisation: Floats) -> Ints:
    order = np.argsort(-utilisation, kind="stable")
    return order[utilisation[order] >= _NEAR_PEAK * utilisation.max(initial=0.0)]
