"""What failures do to the states that a search judges: each is swept once, or added up, as far as it is asked for."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from twin.engines.local import Local
from twin.gate.checks.stressed import Stressed
from twin.gate.declared import stands_as
from twin.model import Network
from twin.policy import Policy
from twin.sim.failure_sweep import rows_of, sweep_failures
from twin.sim.reweighted import Reweighted
from twin.sim.simulate import Failure, FailureSweep
from twin.sim.succession import PAYS
from twin.sim.superposed import MovedLoads, Superposition, SweptLoads
from twin.sim.tunnelled import TunnelledStates
from twin.sim.walked import astray_adds_up

from .allowance import Allowance
from .baseline import Unchanged
from .nearby import Sifted, Sifting, Sweeps, are_nearby, sift

ENGINE = Local()
"""For states that are swept together."""
_FIRST_FAILURES = 16  # tried before the rest: most states that are not safe show it there
_MOST_FAILURES = 256  # tried at once: between them the time is looked at


class _SweptState(NamedTuple):
    """The state that was judged last, and what is known of it under failures."""

    state: Network
    swept: MovedLoads | None
    wholes: dict[float, Stressed]  # by what its demands are multiplied by: under all failures
    parts: dict[tuple[tuple[int, ...], float], Stressed]  # under the failures of these rows


class StatesUnderFailures:
    """States of one network under all its single failures, the most telling of these first; `count` takes how many."""

    def __init__(
        self,
        network: Network,
        known: Unchanged,
        policy: Policy,
        declared: Network | None,
        allowance: Allowance,
        count: Callable[[int], None],
    ) -> None:
        """Take the network, what is `known` of it as it is, and how it is `declared`."""
        self.start, self.demands, self.swept = known
        self.policy, self.declared, self.allowance, self._count = policy, declared, allowance, count
        self.network, self.failures, self.limit = network, self.start.failures, policy.max_failure_utilisation
        self.tunnelled = TunnelledStates(self.start.network, self.failures, (self.demands, self.swept))
        self.growth = tuple(sorted({policy.growth, 1.0}, reverse=True))
        """What demands are multiplied by, the stricter one first."""
        self._swept_last: tuple[Network, dict[tuple[int, ...], SweptLoads]] | None = None
        self._swept_state: _SweptState | None = None
        self._own: tuple[Network, Superposition | Reweighted] | None = None  # the state that was swept last
        self._telling = _worst_first(self.start.sweep)
        self._sifted: dict[Network, Sifted] = {}

    def found_worse(self, state: Network) -> str | None:
        """Return the failure under which `foresee` has found a state to be worse, None where it has found none."""
        known = self._sifted.get(state) if self._sifted else None
        return None if known is None or known.worse is None else self.failures[known.worse].name

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
        new = [x for x in states if x not in self._sifted and not self.tunnelled.differs_in_tunnels(x)]
        if not new or self.start.sweep is None or not are_nearby(self.network, new):
            return
        whole = [self._whole(_SweptState(x, None, {}, {}), 1.0) for x in new]
        at_once = any(x.as_declared for x in whole)  # what is declared is judged by all failures together
        sifting = Sifting(self.policy, self.growth, self._telling, at_once, ENGINE, lambda: self.allowance.spent)
        self._sifted |= zip(new, sift(self.start, whole, sifting), strict=True)
        self._count(len(new) * len(self.failures))

    def known(self, state: Network) -> FailureSweep | None:
        """Return what every failure does to a state, where that has been found out by `foresee`."""
        return self._known(state, 1.0)

    def _known(self, state: Network, factor: float) -> FailureSweep | None:
        found = self._sifted.get(state) if self._sifted else None
        sweeps: Sweeps | None = found.sweeps if found is not None else None
        if sweeps is None and self.sweeps_together:
            return self.tunnelled.sweep(state, self.limit, factor=factor)
        return sweeps.get(factor) if sweeps is not None else None

    def pairs(self, state: Network, swept: MovedLoads | None, factor: float) -> Iterator[tuple[Stressed, Stressed]]:
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
                beside=(self.start, self.tunnelled) if factor == 1 else None,
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
        self._count(len(chosen))
        return sweep_failures(grown.network, chosen, grown.routing, limit=self.limit)

    def _added_up(self, state: Network, swept: MovedLoads | None, rows: tuple[int, ...], factor: float) -> FailureSweep:
        """Sweep some failures of a state by its loads, which are found once for all factors of its demands."""
        chosen, known = np.array(rows, dtype=np.int64), self._swept_last[1] if self._swept_last else {}
        if swept is not None:
            self._count(len(rows))
            return self.demands.sweep(swept.grown(factor), self.limit, rows=chosen)
        if self._own is None or self._own[0] is not state:
            self._own = state, self.demands.reweighted(state) or Superposition(state, self.failures, like=self.demands)
        own = self._own[1]
        if rows not in known:
            self._count(len(rows))
            if isinstance(own, Reweighted):
                known[rows] = self.demands.changed(self.swept, own, chosen)
            else:
                known[rows] = own.total_under(chosen)
        words = self.demands if isinstance(own, Reweighted) else own
        return words.sweep_of(known[rows].grown(factor), chosen, self.limit)

    def try_first(self, failure: str | None) -> None:
        """Look at this failure before all others from now on: what one state breaks, the next one does as well."""
        self._telling.sort(key=lambda i: self.failures[i].name != failure)


def _worst_first(sweep: FailureSweep | None) -> list[int]:
    """Return the rows of a sweep, those that lose or fill most first."""
    if sweep is None:
        return []
    return [int(row) for row in np.lexsort((-sweep.max_utilisation, -sweep.overload, -sweep.lost))]
