"""What a plan has to improve and what it must not break, by the rules of the gate.

A state is better with less harm, then with a lower peak. It is safe when, with everything up and under every single
failure, it keeps the limits or is no worse than before, moves no more traffic than the policy allows, and answers every
counterexample of the plans that were rejected.
"""

import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from twin.checks.compare import SHARE_SLACK, Where, busier, more_above, more_dropped, newly_lost, rate_slack, slower
from twin.checks.moved import moved_share
from twin.checks.order import order_steps
from twin.checks.rehearsal import under
from twin.checks.uncertain import cvar
from twin.errors import UnknownElementError
from twin.model import Floats, Ints, Network
from twin.plan import Change
from twin.policy import Policy
from twin.sim.arrays import Arrays, compile_network
from twin.sim.route import Routing, route
from twin.sim.simulate import Failure, Outcome, simulate, single_failures
from twin.verdict import Counterexample

from .proposal import Value

HEADROOM = 0.97
"""Plans aim this far below the limit, so that measurement noise does not put them above."""
ORDER_STATES = 600
"""States that the search for an order of steps may simulate."""
_NEAR_PEAK = 0.98
_END = Where(1)


class Ceiling(NamedTuple):
    """Utilisation that links may not exceed, intact or under one failure."""

    links: Ints
    failure: Failure | None
    level: Floats  # one per link


class Judge:
    """Judges states of one network under one policy; counts the states that it evaluates."""

    def __init__(self, network: Network, policy: Policy, avoid: Sequence[Counterexample] = ()) -> None:
        self.network, self.policy = network, policy
        self.failures, self.base = _baseline(network)
        self.evaluations = 1 + len(self.failures)
        self.arrays = compile_network(network)
        self.routing = self.route(self.arrays)
        self.before = self.value(self.routing)
        self.ceilings = tuple(x for example in avoid if (x := self._ceiling(example)) is not None)

    def route(self, arrays: Arrays) -> Routing:
        """Evaluate one state in full."""
        self.evaluations += 1
        return route(arrays)

    def value(self, routing: Routing, *, aim: float = 1.0) -> Value:
        """Measure one state; `aim` scales the utilisation limit."""
        return Value(self.harm(routing.load, aim=aim) + routing.lost, self.peak(routing.load))

    def harm(self, load: Floats, *, aim: float = 1.0) -> float:
        """Mbit/s that arcs with this load [m] drop or carry above the limit."""
        excess = np.maximum(load - aim * self.policy.max_utilisation * self.arrays.capacity, 0.0).sum()
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
        if self.base.sweep is None:
            return self.routing.load / self.arrays.capacity
        return self.base.sweep.worst_utilisation[self.arrays.link_of]

    def is_safe(self, state: Network) -> bool:
        """Whether a plan may end in this state."""
        return not self.objection(state)

    def objection(self, state: Network) -> str:
        """Return in one sentence why no plan may end in this state; empty when one may."""
        after = simulate(state, failures=self.failures)
        self.evaluations += 1 + len(self.failures)
        return (
            self._limit_broken(after)
            or self._failure_not_survived(after)
            or self._demand_not_survived(after)
            or self._radius_exceeded(state)
            or self._unanswered(state, after)
        )

    def in_safe_order(self, steps: Sequence[Change]) -> tuple[Change, ...] | None:
        """Return the steps in an order in which no kind of harm ever rises, or None when none was found."""
        ordered = order_steps(steps, self.network, self.policy, allows=self.keeps_ceilings, max_states=ORDER_STATES)
        self.evaluations += ordered.states
        return ordered.steps

    def keeps_ceilings(self, outcome: Outcome) -> bool:
        """Whether a state with everything up answers the counterexamples."""
        return not any(x.failure is None and _above(x, outcome) for x in self.ceilings)

    def protects(self, *elements: str) -> bool:
        """Whether the policy forbids to touch any of these element ids."""
        return not set(elements).isdisjoint(self.policy.protected)

    def _limit_broken(self, after: Outcome) -> str:
        before, policy = self.base, self.policy
        violation = (
            newly_lost(before, after, _END)
            or more_dropped(before, after, _END)
            or busier(before, after, policy.max_utilisation, _END)
            or slower(before, after, policy.max_delay_stretch, _END)
        )
        return violation.detail if violation else ""

    def _failure_not_survived(self, after: Outcome) -> str:
        if self.base.sweep is None or after.sweep is None:
            return ""
        was, now, limit = self.base.sweep, after.sweep, self.policy.max_failure_utilisation
        slack = rate_slack(self.network)
        loses = now.lost > was.lost + slack + self._accepted_loss(after.network)
        if loses.any():
            row = int((now.lost - was.lost).argmax())
            return f"when {self.failures[row].name} fails, {now.lost[row] - was.lost[row]:.6g} Mbit/s more are lost"
        hot = now.max_utilisation > limit + SHARE_SLACK
        worse = (now.max_utilisation > was.max_utilisation + SHARE_SLACK) | (now.overload > was.overload + slack)
        rows = np.flatnonzero(hot & worse)
        if rows.size == 0 and limit < 1:
            rows = np.array([row for row in np.flatnonzero(hot) if self._worse_above(after.network, int(row))])
        if rows.size == 0:
            return ""
        row = int(rows[now.max_utilisation[rows].argmax()])
        peak, link = now.max_utilisation[row], self.network.links[int(now.busiest[row])].name
        return f"when {self.failures[row].name} fails, {link} is at {peak:.1%}, the limit is {limit:.1%}"

    def _accepted_loss(self, state: Network) -> float:
        """Mbit/s that a failure may newly cut off, as the gate's check *survivable* has it: only during a drain."""
        elements = zip((*self.network.links, *self.network.nodes), (*state.links, *state.nodes), strict=True)
        drains = any(after.drained and not before.drained for before, after in elements)
        return self.policy.max_maintenance_loss * float(self.network.offered.sum()) if drains else 0.0

    def _worse_above(self, state: Network, row: int) -> bool:
        before, after = (simulate(under(x, self.failures[row])) for x in (self.network, state))
        return more_above(before, after, self.policy.max_failure_utilisation, _END) is not None

    def _demand_not_survived(self, after: Outcome) -> str:
        """Loads grow with the demands in proportion, so the policy's demand factors need no simulation."""
        factors, policy = np.array(self.policy.demand_factors), self.policy
        if factors.size == 0 or policy.cvar_alpha >= 1:
            return ""
        peak = cvar(factors * after.max_utilisation, policy.cvar_alpha)
        if peak <= policy.max_uncertain_utilisation + SHARE_SLACK:
            return ""
        was = cvar(factors * self.base.max_utilisation, policy.cvar_alpha)
        spilt = [cvar(factors * [x.harm(1 / f) for f in factors], policy.cvar_alpha) for x in (self.base, after)]
        if peak <= max(was, policy.max_uncertain_utilisation) + SHARE_SLACK and spilt[1] <= spilt[0]:
            return ""
        return f"should the demands grow, the peak utilisation is {peak:.1%}, {was:.1%} without the plan"

    def _radius_exceeded(self, state: Network) -> str:
        share, limit = moved_share(self.network, state), self.policy.max_blast_radius
        return f"{share:.1%} of the traffic would move, {limit:.1%} is allowed" if share > limit else ""

    def _unanswered(self, state: Network, after: Outcome) -> str:
        for ceiling in self.ceilings:
            outcome = simulate(under(state, ceiling.failure)) if ceiling.failure else after
            if _above(ceiling, outcome):
                name = self.network.links[int(ceiling.links[0])].name
                return f"{name} is again too busy{f' when {ceiling.failure.name} fails' if ceiling.failure else ''}"
        return ""

    def _ceiling(self, example: Counterexample) -> Ceiling | None:
        """Turn a counterexample into a ceiling: below its limit with headroom, or not above what was there before."""
        links = links_of(self.network, example.element)
        if links is None:
            return None
        failure = next((x for x in self.failures if x.name == example.failure), None)
        before = simulate(under(self.network, failure)) if failure else self.base
        return Ceiling(links, failure, np.maximum(before.utilisation[links], min(example.limit, 1.0) * HEADROOM))


_baselines: dict[int, tuple[tuple[Failure, ...], Outcome]] = {}


def _baseline(network: Network) -> tuple[tuple[Failure, ...], Outcome]:
    """Return the network's single failures and its outcome under them; swept once for as long as the network lives."""
    known = _baselines.get(id(network))
    if known is None:
        failures = single_failures(network)
        # the outcome holds the network: with it kept here, the network would never go
        known = failures, simulate(replace(network), failures=failures)
        _baselines[id(network)] = known
        weakref.finalize(network, _baselines.pop, id(network), None)
    return known


def links_of(network: Network, element: str) -> Ints | None:
    """Positions of the links of a link, interface, circuit or node (those that lead to it); None for anything else."""
    try:
        if element in network.circuits:
            return np.array(network.circuits[element], dtype=np.int64)
        if element.startswith("node/") or element in network.node_index:
            name = network.nodes[network.node(element)].name
            return np.array([i for i, link in enumerate(network.links) if link.head == name], dtype=np.int64)
        return np.array([network.link(element)], dtype=np.int64)
    except UnknownElementError:
        return None


def _above(ceiling: Ceiling, outcome: Outcome) -> bool:
    return bool((outcome.utilisation[ceiling.links] > ceiling.level + SHARE_SLACK).any())


def _busiest(utilisation: Floats) -> Ints:
    order = np.argsort(-utilisation, kind="stable")
    return order[utilisation[order] >= _NEAR_PEAK * utilisation.max(initial=0.0)]
