"""One rehearsal of a plan: every state on the way, with everything up and under failures, for all checks to look at."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from twin.engines.seam import Engine, Serial
from twin.gate.declared import stands_as
from twin.model import Floats, Network
from twin.plan import Plan, states
from twin.planned import PlannedWork
from twin.policy import Policy
from twin.sim.simulate import Failure, Outcome, single_failures
from twin.sim.succession import PAYS, SuccessiveSweeps, can_follow
from twin.sim.tunnelled import TunnelledStates, tunnelled_states

from .context import Context
from .stressed import MOST_LOADS, Stressed, proportion


@dataclass(frozen=True)
class Rehearsal:
    """A plan played through on the twin. `states[0]` is the base, `states[k]` the state after step k.

    `known` are states of which somebody has found out what every failure does to them, if any.
    """

    plan: Plan
    policy: Policy
    states: tuple[Network, ...]
    context: Context = field(default_factory=Context)
    engine: Engine = field(default_factory=Serial)  # does the failures
    known: Sequence[Stressed] = ()
    _worked_on: "dict[tuple[str, tuple[str, ...]], Stressed]" = field(default_factory=dict, init=False, repr=False)

    @property
    def base(self) -> Network:
        """The state before the first step."""
        return self.states[0]

    @property
    def final(self) -> Network:
        """The state after the last step."""
        return self.states[-1]

    @cached_property
    def _failures(self) -> tuple[Failure, ...]:
        """Every single failure of any state: a plan may bring a circuit back into use."""
        known = {failure.name: failure for state in self.states for failure in single_failures(state)}
        return tuple(known.values())

    @cached_property
    def stressed(self) -> tuple[Stressed, ...]:
        """Each state, under every single failure of any of them."""
        first = self._under_failures(self.states[0])
        return first, *(self._under_failures(state, first) for state in self.states[1:])

    @cached_property
    def closing(self) -> tuple[Stressed, ...]:
        """The end state, and the one after each step that ends the plan."""
        known = {state.network: state for state in self.stressed}
        return tuple(known.get(x) or self._under_failures(x) for x in self._ending)

    def without(self, state: Stressed, works: Sequence[PlannedWork]) -> Stressed:
        """Return a state while others work on its elements: these have failed already, under every failure."""
        gone = tuple(sorted({element for work in works for element in work.elements}))
        key = state.network.id, gone
        if key not in self._worked_on:
            network = taken_away(state.network, gone)
            self._worked_on[key] = Stressed(
                network, state.failures, state.limit, error=state.error, as_declared=state.as_declared
            )
        return self._worked_on[key]

    @cached_property
    def _together(self) -> TunnelledStates | SuccessiveSweeps | None:
        on_the_way = self._one_by_one
        ends = {0, len(self.states) - 1, len(on_the_way) - 1}
        between = frozenset(range(len(on_the_way))) - ends
        making = self._factors_on_the_way
        factors = [(ends, self._factors | making), (between, making)]
        return self._at_once(on_the_way, [(k, x) for states, many in factors for k in sorted(states) for x in many])

    def _at_once(
        self, networks: Sequence[Network], grown: Sequence[tuple[int, float]] = ()
    ) -> TunnelledStates | SuccessiveSweeps | None:
        """Sweeps all states at once, where a failure does to most of them what it does to the one before."""
        failures, first = self._failures, networks[0]
        if len(failures) * len(first.links) < PAYS or len(networks) == 1 or not can_follow(networks):
            return tunnelled_states(first, failures)
        limit = self.policy.max_failure_utilisation
        return SuccessiveSweeps(networks, failures, limit, grown=grown, engine=self.engine)

    def under_demands(self, states: Sequence[Stressed], demands: Floats) -> tuple[Stressed, ...]:
        """Return states of this plan under another traffic matrix, Mbit/s [n, n], to be swept together."""
        if proportion(self.base.demands, demands) is not None:
            return tuple(x.under_demands(demands) for x in states)
        networks = [x.network.with_demands(demands) for x in states]
        limit, together = self.policy.max_failure_utilisation, self._at_once(networks)
        return tuple(Stressed(x, self._failures, limit, together=together) for x in networks)

    @cached_property
    def _one_by_one(self) -> tuple[Network, ...]:
        """The states on the way and those in which the plan ends, each once."""
        return tuple({id(state): state for state in (*self.states, *self._ending)}.values())

    @cached_property
    def _ending(self) -> tuple[Network, ...]:
        return tuple(states(self.final, self.plan.closing))

    @property
    def _factors(self) -> frozenset[float]:
        """What demands are multiplied by where the ends of the plan meet their failures."""
        outlook = self.context.outlook
        hours = outlook.hours if outlook is not None else ()
        if hours and outlook is not None and len(self._failures) * len(self.base.links) > MOST_LOADS:
            hours = (outlook.fullest,)
        factors = {proportion(self.base.demands, x.demands) or 1.0 for x in hours}
        return frozenset({self.policy.growth, *factors} - {1.0})

    @property
    def _factors_on_the_way(self) -> frozenset[float]:
        """What demands are multiplied by in the fullest hour in which the first steps are made, or the last ones."""
        context, until = self.context, self.plan.until
        spans = [(context.making, len(self.states))] + ([(context.ending(until), len(self._ending))] if until else [])
        hours = (context.hours_between(x, count - 1) for x, count in spans if x)
        fullest = (max(x, key=lambda hour: float(hour.demands.sum())) for x in hours if x)
        return frozenset({proportion(self.base.demands, x.demands) or 1.0 for x in fullest} - {1.0})

    def _under_failures(self, state: Network, first: Stressed | None = None) -> Stressed:
        limit, error, declared = self.policy.max_failure_utilisation, self.context.error, self.context.declared
        as_declared = declared is not None and stands_as(state, declared)
        if known := next((x for x in self.known if self._is_known(x, state)), None):
            return replace(known, error=error, as_declared=as_declared)
        together = self._together
        beside = (first, together) if first is not None and isinstance(together, TunnelledStates) else None
        return Stressed(
            state,
            self._failures,
            limit,
            error=error,
            together=together,
            beside=beside,
            as_declared=as_declared,
        )

    def _is_known(self, known: Stressed, state: Network) -> bool:
        alike = known.limit == self.policy.max_failure_utilisation and known.failures == self._failures
        return alike and known.network == state

    @property
    def ends(self) -> tuple[Stressed, Stressed]:
        """The first and the last state."""
        return self.stressed[0], self.stressed[-1]

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What each state carries."""
        return tuple(x.outcome for x in self.stressed)


def taken_away(network: Network, elements: Sequence[str]) -> Network:
    """Return the network without these nodes, circuits and risk groups; an interface takes its circuit along.

    Ids that it does not have change nothing.
    """
    links, nodes = list(network.links), list(network.nodes)
    groups = {f"risk-group/{group.name}": group.circuits for group in network.risk_groups}
    for element in elements:
        at = network.interface_index.get(element)
        circuits = groups.get(element, (element if at is None else network.links[at].circuit,))
        for i in (i for circuit in circuits for i in network.circuits.get(circuit, ())):
            links[i] = links[i]._replace(up=False)
        if element.startswith("node/") and element.removeprefix("node/") in network.node_index:
            i = network.node(element)
            nodes[i] = nodes[i]._replace(up=False)
    return replace(network, links=tuple(links), nodes=tuple(nodes))
