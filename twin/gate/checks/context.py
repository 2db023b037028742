"""What the gate may be told beyond plan, snapshot and policy."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field

from twin.gate.outlook import Outlook, Scenario
from twin.model import Floats, Frozen
from twin.numeric import np
from twin.planned import PlannedWork

if TYPE_CHECKING:  # the simulator is slow to import
    from twin.sim.simulate import Outcome


class Evidence(Frozen):
    """What vouches for a snapshot; a figure that is not there is not judged."""

    age_s: float | None = Field(default=None, ge=0, description="Seconds since the newest measurement behind it.")
    quality: float | None = Field(default=None, ge=0, le=1, description="Data-quality score of those measurements.")
    fidelity: float | None = Field(
        default=None, ge=0, le=1, description="How well the twin has predicted loads, 1 best."
    )


class DemandError(NamedTuple):
    """How far demands that were measured may be off, and how many standard errors make a figure sure.

    The errors of different demands are independent. A state's figure is above a limit when it is so by more than its
    own error: what demands carry onto a link with shares f has the variance sum of f^2 var <= sum of f var, which is
    what the simulator makes of variances in place of rates.
    """

    variance: Floats  # [n, n] (Mbit/s)^2
    sure: float

    def of_load(self, outcome: "Outcome") -> Floats:
        """Mbit/s by which the load of each link may be off [m]."""
        from twin.sim.simulate import simulate

        variance = np.where(outcome.network.offered > 0, self.variance, 0.0)
        return self.sure * np.sqrt(simulate(replace(outcome.network, limits=(), demands=variance)).load)

    def of_sum(self, share: Floats) -> float:
        """Mbit/s by which a sum of these shares of the demands [n, n] may be off."""
        return self.sure * float(np.sqrt((share**2 * self.variance).sum()))

    def of_mean(self, values: Floats, weight: Floats) -> float:
        """By how much the mean of values [n, n] may be off that is weighted by the demands `weight` [n, n]."""
        mean = float((values * weight).sum() / weight.sum())
        off = np.where(weight > 0, values - mean, 0.0)
        return self.sure * float(np.sqrt((off**2 * self.variance).sum()) / weight.sum())

    def scaled(self, factor: Floats | float) -> "DemandError":
        """The error of the demands times a factor, or times one each [n, n]."""
        return self._replace(variance=self.variance * factor**2)


def ratio_of(demands: Floats, measured: Floats) -> Floats:
    """How many times those measured other demands are [n, n]; 1 where nothing was measured."""
    return np.divide(demands, measured, out=np.ones_like(demands), where=measured > 0)


@dataclass(frozen=True)
class Context:
    """What is known beyond plan, snapshot and policy. Without scenarios, those of the policy count.

    Without an outlook nothing is known of the hours in which the plan stays. `starts` is when its first step is made,
    `step_lasts` how long one takes at most until it is confirmed; `works` is what others take away in the hours ahead.
    """

    evidence: Evidence | None = None
    scenarios: tuple[Scenario, ...] = ()
    error: DemandError | None = None
    outlook: Outlook | None = None
    starts: datetime | None = None
    works: tuple[PlannedWork, ...] = ()
    step_lasts: timedelta | None = None

    def taken_away_during(self, steps: int, begins: datetime) -> tuple[PlannedWork, ...]:
        """The work of others that may last while steps are made: all to come where nobody knows how long these take."""
        if self.step_lasts is None:
            return tuple(x for x in self.works if begins < x.ends)
        return self.taken_away(begins, begins + steps * self.step_lasts)

    def taken_away(self, begins: datetime, ends: datetime) -> tuple[PlannedWork, ...]:
        """The work of others that lasts at some moment of a time."""
        return tuple(x for x in self.works if x.meets(begins, ends))
