"""What a run is for when somebody asked for it: how its plans are made, and when they are wanted."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from twin.gate.outlook import local_shift
from twin.gate.verdict import Counterexample
from twin.model import Floats, Network
from twin.optimise.proposal import Proposal
from twin.optimise.relieve import Steps
from twin.plan import Plan
from twin.policy import Policy
from twin.study.window import AT_PEAK, Window, rehearse_window

Proposing = Callable[[Network, Policy, Sequence[Counterexample], int, Collection[Steps]], tuple[Proposal, ...]]
"""Makes proposals for a state under a policy, clear of counterexamples, from a seed, none of steps that were rejected;
best first."""


def planned_traffic(inventory: Network, carried: Floats, now: datetime, day: Sequence[float]) -> Floats:
    """The planned demands [n, n], Mbit/s: those of the inventory, else what the traffic of now says of them.

    Without a day to tell hours apart, what is carried now counts where it is more than what was planned for.
    """
    planned = inventory.demands
    if not day:
        return np.maximum(planned, carried)
    return planned if planned.any() else carried / day[(now.astimezone(UTC) + local_shift(inventory)).hour]


@dataclass(frozen=True)
class GoalInForce:
    """A goal as the tools see it.

    `words` is its written form, and `said` the operator's own words, which are untrusted. `unmet` says what is missing
    in a state, nothing where it is as the goal wants it. Plans are judged under `growth` times the demands, too. Where
    there is a window ahead, `hours` is that window by the network's local time, and `since` and `until` are its first
    and its last moment; `ends` is when its plans end, if they do. `day` is what the network declares of its hours, 24
    shares of the planned traffic; where it declares none, each hour counts as the fullest.
    """

    words: str
    said: str
    propose: Proposing
    growth: float = 1.0
    unmet: Callable[[Network, Policy], str] = lambda _network, _policy: "a change was asked for"
    only_rehearse: bool = False
    hours: tuple[int, int] | None = None
    since: datetime | None = None
    until: datetime | None = None
    ends: datetime | None = None
    day: tuple[float, ...] = ()

    @property
    def share(self) -> float:
        """What the fullest hour of the window carries, as a share of the provisioned matrix; 1 without a window."""
        start, length = self.hours or (0, 0)
        return max((self.day[(start + k) % 24] for k in range(length)), default=1.0) if self.day else 1.0

    def expected(self, inventory: Network, carried: Floats, now: datetime) -> Network:
        """The network at the fullest hour of the window: the planned traffic by that hour's share of the day.

        `carried` is what it carries at `now`, Mbit/s [n, n], from which what is planned is told where nobody says it.
        """
        if not self.hours:
            return inventory
        return inventory.with_demands(planned_traffic(inventory, carried, now, self.day) * self.share)

    def rehearse(self, planned: Network, plan: Plan, policy: Policy) -> Window | None:
        """Rehearse a plan at every hour of the window, on the planned traffic; None where there is none ahead."""
        if self.hours is None:
            return None
        start, length = self.hours
        day = self.day or AT_PEAK
        return rehearse_window(planned, plan.steps, start=start, hours=length, policy=policy, day=day)
