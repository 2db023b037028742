"""One rehearsal of a plan: every state on the way, simulated once, for all checks to look at."""

from dataclasses import dataclass, field
from functools import cached_property

from twin.model import Network
from twin.plan import Plan
from twin.policy import Policy
from twin.sim.simulate import Failure, Outcome, simulate, single_failures

from .context import Context
from .stressed import Stressed


@dataclass(frozen=True)
class Rehearsal:
    """A plan played through on the twin. `states[0]` is the base, `states[k]` the state after step k."""

    plan: Plan
    policy: Policy
    states: tuple[Network, ...]
    context: Context = field(default_factory=Context)

    @property
    def base(self) -> Network:
        """The state before the first step."""
        return self.states[0]

    @property
    def final(self) -> Network:
        """The state after the last step."""
        return self.states[-1]

    @cached_property
    def ends(self) -> tuple[Stressed, Stressed]:
        """The first and the last state, under every single failure."""
        return Stressed(self.base, self.failures), Stressed(self.final, self.failures)

    @cached_property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What each state carries."""
        first, last = (x.outcome for x in self.ends)
        return (first, *(simulate(x) for x in self.states[1:-1]), last)

    @cached_property
    def failures(self) -> tuple[Failure, ...]:
        """Every single failure of the first or the last state: a plan may bring a circuit back into use."""
        known = {failure.name: failure for state in (self.base, self.final) for failure in single_failures(state)}
        return tuple(known.values())
