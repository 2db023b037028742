"""One state of the network and the failures that it is judged under, each evaluated once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from twin.model import Floats, Ints, Network
from twin.sim.arrays import compile_network
from twin.sim.classes import ClassLoads, ClassLosses, class_loads, class_losses
from twin.sim.failure_sweep import sweep_failures
from twin.sim.late import maybe_late
from twin.sim.repair import Repair, repaired_failures, repairs
from twin.sim.route import DemandDelays, Routing, route
from twin.sim.shortfall import Shortfall
from twin.sim.simulate import Failure, FailureSweep, Outcome, simulate
from twin.sim.succession import SuccessiveSweeps
from twin.sim.superposed import Superposition, SweptLoads
from twin.sim.tunnelled import TunnelledStates
from twin.sim.volumes import sweep_volumes
from twin.sim.walked import astray_adds_up

from .context import DemandError, ratio_of

_KEPT = 1 << 22
"""Entries that one state remembers of what its demands miss: 64 MB; beyond that it works them out again."""
_REPAIRED = 200
"""Nodes up to which the repair of every failure is worked out; beyond, of those that may break a limit there is."""
MOST_LOADS = 1 << 23
"""Most loads, of each link under each failure, that one state remembers: 64 MB; beyond that it sweeps again."""


@dataclass(frozen=True, eq=False)
class Stressed:
    """One state and the failures that it is judged under; each is evaluated once, when somebody asks.

    `known` is what the failures do, where that has been found out already; `whole` the same state under more failures,
    which remembers whose traffic they cost. With an `error`, a figure that is worse by less than that is not worse.
    `together` sweeps it with others that differ little from it, by adding up what differs.
    `multiple` is a state of which all demands of this one are as many times as large.
    `summed` is what each failure puts on each link, where that is known. `beside` is a state that this one differs
    from in its tunnels, if at all, and how those add up: who misses what is then found of those who go by them alone.
    `as_declared` says that it is configured as
    the inventory declares the network.
    """

    network: Network
    failures: tuple[Failure, ...]
    limit: float  # share of capacity from which the sweep counts excess
    known: FailureSweep | None = None
    whole: "Stressed | None" = None
    error: DemandError | None = None
    together: TunnelledStates | SuccessiveSweeps | None = None
    multiple: "tuple[Stressed, float] | None" = None
    summed: tuple[Superposition, SweptLoads] | None = None
    beside: "tuple[Stressed, TunnelledStates] | None" = None
    as_declared: bool = False
    _missed: dict[str, tuple[Ints, Floats]] = field(default_factory=dict, init=False, repr=False)
    _grown: "dict[float, Stressed]" = field(default_factory=dict, init=False, repr=False)
    _by_class: "dict[tuple[int, ...], ClassLoads]" = field(default_factory=dict, init=False, repr=False)
    _repairs: "dict[tuple[float, ...], tuple[Repair, ...]]" = field(default_factory=dict, init=False, repr=False)
    _class_lost: "dict[tuple[int, ...], ClassLosses]" = field(default_factory=dict, init=False, repr=False)
    _foreseen: "dict[int, tuple[Floats, Stressed]]" = field(default_factory=dict, init=False, repr=False)

    def grown(self, factor: float) -> "Stressed":
        """Return the same state and failures when every demand is `factor` times what it is.

        Loads grow in proportion, so that the state is evaluated and its failures are swept once for all factors; not
        where a rate limit holds some of them down.
        """
        if factor == 1:
            return self
        grown = self._grown.get(factor)
        if grown is None:
            network = self.network.with_demands(self.network.demands * factor)
            known = self.together and self.together.sweep(self.network, self.limit, factor=factor)
            if known is None and self._loads is not None:
                known = self._loads[0].sweep(self._loads[1].grown(factor), self.limit)
            error = self.error and self.error.scaled(factor)
            multiple = None if network.limits else (self, factor)
            grown = Stressed(
                network, self.failures, self.limit, known, error=error, multiple=multiple, as_declared=self.as_declared
            )
            if self.failures:  # else it is found again sooner than it is worth its demands, of a day of hours each
                self._grown[factor] = grown
        return grown

    @cached_property
    def _loads(self) -> tuple[Superposition, SweptLoads] | None:
        """What each failure puts on each link; None where loads do not grow in proportion, or are too many."""
        network = self.network
        if network.limits or not astray_adds_up(network) or not self.failures or not network.links:
            return None
        if self.summed is not None or self.is_large:
            return self.summed
        demands = Superposition(network, self.failures)
        return demands, demands.total()

    @property
    def is_large(self) -> bool:
        """Whether its failures are too many to be swept for every hour of a day."""
        return len(self.failures) * len(self.network.links) > MOST_LOADS

    def calm(self) -> "Stressed":
        """Return the same state with nothing that fails."""
        return Stressed(self.network, (), self.limit, error=self.error, multiple=(self, 1.0))

    def under_demands(self, demands: Floats) -> "Stressed":
        """Return the same state and failures under another traffic matrix, Mbit/s [n, n]."""
        known = self._foreseen.get(id(demands))
        if known is not None:
            return known[1]
        factor = proportion(self.network.demands, demands)
        return self._with(demands) if factor is None else self.grown(factor)

    def foresee(self, matrices: Sequence[Floats]) -> None:
        """Find out what the failures do under several traffic matrices, all in one walk; `under_demands` then knows.

        Not where a failure costs as much under each of them, nor for those that are in proportion to the state's own.
        """
        new = [x for x in matrices if id(x) not in self._foreseen and proportion(self.network.demands, x) is None]
        if len(new) < 2 or not self.failures:
            return
        states = [self._with(x) for x in new]
        for demands, state, swept in zip(
            new, states, sweep_volumes([x.network for x in states], self.failures, self.limit), strict=True
        ):
            self._foreseen[id(demands)] = demands, replace(state, known=swept)

    def _with(self, demands: Floats) -> "Stressed":
        error = self.error and self.error.scaled(ratio_of(demands, self.network.demands))
        network = self.network.with_demands(demands)
        return Stressed(network, self.failures, self.limit, error=error, as_declared=self.as_declared)

    @cached_property
    def outcome(self) -> Outcome:
        """What the state carries with everything up."""
        if self.multiple is not None:
            state, factor = self.multiple
            return state.outcome.grown(factor, self.network)
        return simulate(self.network, routing=vars(self).get("routing"))

    def carries(self, demands: Floats) -> Outcome:
        """What it would carry of another traffic matrix with everything up, Mbit/s [n, n]."""
        network, factor = self.network.with_demands(demands), proportion(self.network.demands, demands)
        if factor is None or network.limits:
            return simulate(network)
        return self.outcome.grown(factor, network)

    @cached_property
    def routing(self) -> Routing:
        """The paths and volumes of the state with everything up."""
        return route(compile_network(self.network))

    @cached_property
    def sweep(self) -> FailureSweep | None:
        """What each failure does; None when nothing can fail."""
        if self.known is not None or not self.failures:
            return self.known
        added = self.together and self.together.sweep(self.network, self.limit)
        return added or sweep_failures(self.network, self.failures, self.routing, limit=self.limit)

    def missed(self, row: int) -> tuple[Ints, Floats]:
        """Demands of which something does not arrive while a failure lasts, and Mbit/s of each.

        Positions in the demands by target first [n, n], in order.
        """
        return (self.whole or self)._missed_under(self.failures[row])

    def _missed_under(self, failure: Failure) -> tuple[Ints, Floats]:
        if self.multiple is not None:
            state, factor = self.multiple
            where, amounts = (state.whole or state)._missed_under(failure)
            return where, factor * amounts
        known = self._missed.get(failure.name)
        if known is None:
            known = self._missed_beside(failure) or self._shortfall.missed(failure)
            if sum(len(x) for x, _ in self._missed.values()) <= _KEPT:
                self._missed[failure.name] = known
        return known

    def _missed_beside(self, failure: Failure) -> tuple[Ints, Floats] | None:
        if self.beside is None or not self.network.astray:
            return None
        (state, tunnelled), rows = self.beside, self._rows
        row = rows.get(failure.name)
        if row is None or tunnelled.failures != state.failures:
            return None
        return tunnelled.missed(self.network, row, state.missed(row))

    @cached_property
    def _rows(self) -> dict[str, int]:
        failures = self.beside[0].failures if self.beside is not None else ()
        return {failure.name: row for row, failure in enumerate(failures)}

    def repairs(self, limit: float | None) -> tuple[Repair, ...] | None:
        """What failures put on the links until the network has converged, the worst first.

        With what is above the limit in sum, and what is above capacity. On a large network of those failures alone that
        may put a link above the limit; None where there is none.
        """
        return self._repaired(None if limit is None else (limit, 1.0))

    def _repaired(self, shares: tuple[float, float] | None) -> tuple[Repair, ...] | None:
        """The same by the shares of capacity, the limit first, above which loads are summed."""
        if self.multiple is not None:
            state, factor = self.multiple
            found = state._repaired(shares and (shares[0] / factor, shares[1] / factor))
            return found and tuple(x.grown(factor) for x in found)
        few = len(self.network.nodes) <= _REPAIRED
        if not few and shares is None:
            return None
        asked = shares or ()
        if asked not in self._repairs:
            failures, above = repaired_failures(self.network), None if few or not shares else shares[0]
            self._repairs[asked] = repairs(self.network, failures, above=above, shares=asked)
        return self._repairs[asked]

    def maybe_late(self, most: DemandDelays) -> Ints:
        """Return the failures, by position, under which a demand may take longer than it may, `most`; ms [n, n]."""
        return maybe_late(self.network, self.routing, self.failures, most)

    def during(self, row: int) -> Outcome:
        """What the state carries while one of the failures lasts."""
        return simulate(under(self.network, self.failures[row]))

    def classes(self, rows: tuple[int, ...]) -> ClassLoads:
        """What each class puts on the links, intact and under some of the failures. For a network that has classes."""
        if rows not in self._by_class:
            self._by_class[rows] = class_loads(self.network, [self.failures[i] for i in rows])
        return self._by_class[rows]

    def class_losses(self, rows: tuple[int, ...]) -> ClassLosses:
        """What does not arrive of each class, intact and under some of the failures. For a network that has classes."""
        if rows not in self._class_lost:
            failures = [self.failures[i] for i in rows]
            self._class_lost[rows] = class_losses(self.network, failures, self.classes(rows))
        return self._class_lost[rows]

    def lossy_rows(self) -> tuple[int, ...]:
        """Failures that fill some link, or leave some demand without a way: no class loses anything in the others."""
        if self.sweep is None:
            return ()
        full = (self.sweep.max_utilisation > 1) | (self.sweep.lost > 0)
        return tuple(map(int, np.flatnonzero(full)))

    @cached_property
    def _shortfall(self) -> Shortfall:
        return Shortfall(self.network, self.routing)


def proportion(demands: Floats, others: Floats) -> float | None:
    """Return the factor that makes one matrix of the other, None where there is no such factor."""
    total = float(demands.sum())
    factor = float(others.sum()) / total if total > 0 else 0.0
    return factor if factor > 0 and np.allclose(demands * factor, others, rtol=1e-12, atol=0.0) else None


def under(network: Network, failure: Failure) -> Network:
    """Return the network while a failure lasts."""
    links, nodes = list(network.links), list(network.nodes)
    for i in failure.links:
        links[i] = links[i]._replace(up=False)
    for i in failure.members:
        links[i] = links[i].short_of_one()
    for i in failure.nodes:
        nodes[i] = nodes[i]._replace(up=False)
    return replace(network, links=tuple(links), nodes=tuple(nodes))
