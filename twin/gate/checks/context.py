"""What the gate may be told beyond plan, snapshot and policy."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field

from twin.gate.outlook import HOUR, Hour, Outlook, Scenario
from twin.model import Floats, Frozen, Network
from twin.numeric import np
from twin.planned import PlannedWork, work_at

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


class Making(NamedTuple):
    """When steps are made that follow one another: the first one from `earliest` on, and at `latest`.

    Each takes `lasts` at most, None where nobody knows.
    """

    earliest: datetime
    latest: datetime
    lasts: timedelta | None

    def over(self, steps: int) -> datetime:
        """When so many of them are over at the latest, and the next one is made, as far as anybody knows."""
        return self.latest + steps * (self.lasts or timedelta())


@dataclass(frozen=True)
class Context:
    """What is known beyond plan, snapshot and policy. Without scenarios, those of the policy count.

    Without an outlook nothing is known of the hours in which the plan stays. `starts` is when its first step is made,
    `step_lasts` how long one takes at most until it is confirmed; `works` is what others take away in the hours ahead.
    `declared` is the network as its inventory has it configured. `unmodelled` is what decides routing and is not in
    the network, `estimated` how its traffic was estimated, if nobody measured it.
    """

    evidence: Evidence | None = None
    scenarios: tuple[Scenario, ...] = ()
    error: DemandError | None = None
    outlook: Outlook | None = None
    starts: datetime | None = None
    works: tuple[PlannedWork, ...] = ()
    step_lasts: timedelta | None = None
    declared: Network | None = None
    unmodelled: tuple[str, ...] = ()
    estimated: str = ""

    @property
    def making(self) -> Making | None:
        """When the steps of a plan are made; None where nobody says."""
        if self.starts is not None:
            return Making(self.starts, self.starts, self.step_lasts)
        if self.outlook is None or not self.outlook.hours:
            return None
        first = self.outlook.hours[0].begins
        return Making(first, first + HOUR, self.step_lasts)

    def ending(self, until: datetime) -> Making:
        """When the steps are made that end a plan."""
        return Making(until, until, self.step_lasts)

    def hours_from(self, begins: datetime, ends: datetime) -> tuple[Hour, ...]:
        """The hours ahead that have a moment from one to another; of a time after all of them, the last one."""
        hours = self.outlook.hours if self.outlook is not None else ()
        return tuple(x for x in hours if x.begins <= ends and begins < x.begins + HOUR) or hours[-1:]

    def hours_between(self, making: Making, steps: int) -> tuple[Hour, ...]:
        """The hours ahead in which a state between so many steps may be in force.

        Where it is known how long steps take, none that begins when they are all over.
        """
        ends = making.over(steps)
        hours = self.hours_from(making.earliest, ends)
        return hours if making.lasts is None else tuple(x for x in hours if x.begins < ends) or hours

    def works_together(self, begins: datetime) -> tuple[tuple[PlannedWork, ...], ...]:
        """The works of others that last at the same time, for every such time from a moment on."""
        edges = (x for work in self.works for x in (work.begins, work.ends) if begins < x)
        found = (work_at(self.works, x) for x in sorted({begins, *edges}))
        return tuple(dict.fromkeys(x for x in found if x))

    def taken_away(self, begins: datetime, ends: datetime) -> tuple[PlannedWork, ...]:
        """The work of others that lasts at some moment of a time."""
        return tuple(x for x in self.works if x.meets(begins, ends))
