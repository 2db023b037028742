"""Whether a plan still helps once traffic grows: relief that sits close under a limit turns into harm above it."""

from collections.abc import Sequence
from functools import cached_property

from twin.model import Network
from twin.plan import Change, apply_all
from twin.policy import Policy
from twin.sim.simulate import simulate

from .proposal import Proposal


class Growing:
    """A network under the traffic that its policy foresees, as it is and with plans: now, and grown by each factor."""

    def __init__(self, network: Network, policy: Policy) -> None:
        self._network, self._limit = network, policy.max_utilisation
        self._factors = sorted({1.0, *(x for x in policy.demand_factors if x > 1)})

    def objection(self, proposal: Proposal) -> str:
        """Say why a plan is no relief in the mean of what is foreseen; nothing where it is, or where nothing is harmed.

        A policy that foresees no growth objects to nothing.
        """
        if proposal.plan is None or proposal.before.harm <= 0 or len(self._factors) == 1:
            return ""
        without, after = self._without, self._mean(proposal.plan.steps)
        if after < without:
            return ""
        return (
            f"would harm {after:,.0f} Mbit/s in the mean of demand x1 to x{self._factors[-1]:g}, "
            f"{without:,.0f} without it"
        )

    @cached_property
    def _without(self) -> float:
        return self._mean(())

    def _mean(self, steps: Sequence[Change]) -> float:
        state = apply_all(self._network, steps)
        grown = (state if x == 1 else state.with_demands(state.demands * x) for x in self._factors)
        return sum(simulate(x).harm(self._limit).routable for x in grown) / len(self._factors)
