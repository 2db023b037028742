"""One rehearsal of a plan: every state on the way, simulated once, for all checks to look at."""

from dataclasses import dataclass, field, replace
from functools import cached_property

from twin.model import Network
from twin.plan import Plan
from twin.policy import Policy
from twin.sim.simulate import Failure, FailureSweep, Outcome, simulate, single_failures

from .context import Context


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
    def outcomes(self) -> tuple[Outcome, ...]:
        """What each state carries; the first and the last also under every single failure."""
        ends = (0, len(self.states) - 1)
        return tuple(simulate(x, failures=self.failures if k in ends else ()) for k, x in enumerate(self.states))

    @cached_property
    def failures(self) -> tuple[Failure, ...]:
        """Every single failure of the first or the last state: a plan may bring a circuit back into use."""
        known = {failure.name: failure for state in (self.base, self.final) for failure in single_failures(state)}
        return tuple(known.values())

    @property
    def sweeps(self) -> tuple[FailureSweep, FailureSweep] | None:
        """What each failure does before and after the plan; None when nothing can fail."""
        before, after = self.outcomes[0].sweep, self.outcomes[-1].sweep
        return (before, after) if before and after else None


def under(network: Network, failure: Failure) -> Network:
    """Return the network while a failure lasts."""
    links, nodes = list(network.links), list(network.nodes)
    for i in failure.links:
        links[i] = links[i]._replace(up=False)
    for i in failure.nodes:
        nodes[i] = nodes[i]._replace(up=False)
    return replace(network, links=tuple(links), nodes=tuple(nodes))
