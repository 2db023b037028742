"""The states between steps, each in the hours in which it may be in force: their traffic, and what others work on."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from twin.gate.class_rules import worse_for_classes
from twin.gate.no_worse import Where, growth, missed_more
from twin.gate.outlook import Hour
from twin.gate.rules import may_pass, worse_than_ends, worse_than_without
from twin.model import Floats
from twin.planned import PlannedWork
from twin.policy import Policy
from twin.printed import short

from .context import Context, Making
from .convergence import convergence
from .finding import Violation
from .rehearsal import Rehearsal
from .stressed import Stressed


class Steps(NamedTuple):
    """Steps that follow one another, and when; `made` is how many were made before them.

    `states` are those before the first and after each; for steps that end a plan, `without` is the network without it.
    """

    states: tuple[Stressed, ...]
    making: Making
    made: int = 0
    without: Stressed | None = None

    @property
    def last(self) -> int:
        """The number of the last step."""
        return len(self.states) - 1

    def may_last(self, step: int, moment: datetime) -> bool:
        """Whether the state after a step may begin or last at a moment, on the way there; the last one only begin."""
        if self.making.lasts is None:
            return True
        if step == self.last:
            return moment <= self.making.over(step - 1)
        return moment < self.making.over(step)

    def around(self, step: int) -> tuple[Stressed, Stressed, Stressed, Stressed]:
        """The state before a step, the one after it, the first and the last."""
        return self.states[step - 1], self.states[step], self.states[0], self.states[-1]


class _Time(NamedTuple):
    """A part of an hour in which the same is worked on; without an outlook there is no hour."""

    begins: datetime
    hour: Hour | None
    works: tuple[PlannedWork, ...]


def told(works: Sequence[PlannedWork]) -> str:
    """Word what others work on."""
    names = [
        f"{', '.join(map(short, x.elements[:3]))} {'is' if len(x.elements) == 1 else 'are'} worked on"
        for x in works[:2]
    ]
    return f"{' and '.join(names)} ({', '.join(x.name for x in works[:3])})"


def where_in(rehearsal: Rehearsal, step: int, hour: Hour | None, works: Sequence[PlannedWork]) -> Where:
    """After which step, in which hour, with how much traffic, and while what is worked on."""
    total = float(rehearsal.base.demands.sum())
    traffic = float(hour.demands.sum()) / total if hour is not None and total > 0 else 1.0
    when = " while ".join((*((hour.clock,) if hour else ()), *((told(works),) if works else ())))
    return Where(step, traffic=traffic or 1.0, when=when or None)


def in_its_time(rehearsal: Rehearsal, steps: Steps) -> Violation | None:
    """Return what is worse in a state between two steps in some hour in which it may be in force.

    Each is judged as *transient* judges it under the traffic of now, with what others take away at that time gone from
    all states. Until the last step is over any may be passed once more on the way back, for moments in which nothing
    fails, as in *reversible*; while others work all of them meet failures until then. On very large networks only the
    fullest of these hours meets failures. Where nobody knows how long steps take, the traffic is that of the first
    hour, and all that is still to come is worked on.
    """
    times = list(_times(rehearsal.context, steps))
    hours = [x.hour for x in times if x.hour and not x.works]
    fullest = max((x.hour for x in times if x.hour), key=lambda x: float(x.demands.sum()), default=None)
    sure = _sure(rehearsal, steps, [x.demands for x in hours])
    large = steps.states[0].is_large
    for time in times:
        for step in range(1, steps.last + 1):
            if step not in sure or time.works or (large and time.hour is fullest):
                violation = _worse_at(rehearsal, steps, step, time, failing=not large or time.hour is fullest)
                if violation:
                    return violation
    return None


def one_in_its_time(rehearsal: Rehearsal, steps: Steps, step: int) -> Violation | None:
    """Return what is worse in the state after one step, in some hour in which it may be in force.

    As `in_its_time` judges it on networks that are not very large; of `steps` only the states around it are looked at.
    """
    asked = (_worse_at(rehearsal, steps, step, time, failing=True) for time in _times(rehearsal.context, steps))
    return next((x for x in asked if x), None)


def _worse_at(rehearsal: Rehearsal, steps: Steps, step: int, time: "_Time", *, failing: bool) -> Violation | None:
    """Return what is worse in the state after a step at some time; only if `failing`, something fails in it."""
    back = not time.works and not steps.may_last(step, time.begins)
    if back and step == steps.last:
        return None
    calm = back or not failing
    states = [_at(rehearsal, x, time, calm=calm) for x in steps.around(step)]
    where = where_in(rehearsal, steps.made + step, time.hour, time.works)
    violation = _worse(rehearsal.policy, states, where, back=back)
    if violation is None and steps.without is not None and step < steps.last and not back:
        without = _at(rehearsal, steps.without, time, calm=calm)
        violation = worse_than_without(without, states[1], rehearsal.policy, where)
    return violation


def _times(context: Context, steps: Steps) -> Iterator[_Time]:
    """Cut the time of some steps where an hour begins, and where others begin or end."""
    begins, ends = steps.making.earliest, steps.making.over(steps.last)
    hours, works = context.hours_between(steps.making, steps.last), context.taken_away(begins, ends)
    if steps.making.lasts is None:
        together = context.works_together(begins)
        first = hours or ((None,) if together or steps.made else ())
        yield from (_Time(begins, hour, works) for hour in first for works in ((), *together))
        return
    edges = {*(x.begins for x in hours), *(x for work in works for x in (work.begins, work.ends))}
    cuts = sorted({begins.astimezone(UTC), *(x.astimezone(UTC) for x in edges if begins < x < ends)})
    for begin, end in pairwise((*cuts, ends)):
        hour = next((x for x in reversed(hours) if x.begins <= begin), hours[0] if hours else None)
        meanwhile = tuple(x for x in works if x.meets(begin, end))
        if hour is not None or meanwhile or steps.made:  # of now and of first steps alone *transient* knows
            yield _Time(begin, hour, meanwhile)


def _at(rehearsal: Rehearsal, state: Stressed, time: _Time, *, calm: bool) -> Stressed:
    """A state at some time: without what others take away, under the traffic of the hour; if `calm`, nothing fails."""
    state = rehearsal.without(state, time.works) if time.works else state
    state = state.calm() if calm else state
    return state.under_demands(time.hour.demands) if time.hour is not None else state


def _worse(policy: Policy, states: Sequence[Stressed], where: Where, *, back: bool) -> Violation | None:
    """Return what is worse in a state: `states` are the one before it, itself, and both ends."""
    before, here, first, last = states
    if back:
        return worse_than_ends((first.outcome, last.outcome), here.outcome, policy, where, here.error)
    return may_pass(before, here, (first, last), policy, where) or worse_for_classes(first, here, policy, where)


def _sure(rehearsal: Rehearsal, steps: Steps, hours: Sequence[Floats]) -> frozenset[int]:
    """Return the steps after which the state keeps every limit in all of these hours, without a look at each."""
    without = () if steps.without is None else (steps.without,)
    if len(hours) < 2 or not sums_tell(rehearsal, (*steps.states, *without)):
        return frozenset()
    states, policy = most_of(rehearsal, (*steps.states, *without), hours), rehearsal.policy
    known, spared = steps._replace(states=states[: steps.last + 1]), states[steps.last + 1 :]
    found = (x for x in range(1, steps.last + 1) if _keeps(*known.around(x), policy, last=x == steps.last))
    return frozenset(x for x in found if x == steps.last or all(keeps(y, states[x], policy) for y in spared))


def sums_tell(rehearsal: Rehearsal, states: Sequence[Stressed]) -> bool:
    """Whether loads rise with demands in all of some states, and what share of a demand is missed is the same."""
    plain = not rehearsal.policy.classes and rehearsal.context.error is None
    return plain and not any(x.network.limits or x.network.astray for x in states)


def most_of(rehearsal: Rehearsal, states: Sequence[Stressed], hours: Sequence[Floats]) -> tuple[Stressed, ...]:
    """Some states under the most of each demand in any of some hours; on very large networks nothing fails."""
    most: Floats = np.max(hours, axis=0)
    most = next((x for x in hours if np.array_equal(most, x)), most)
    if states[0].is_large:
        return tuple(x.calm().under_demands(most) for x in states)
    return rehearsal.under_demands(states, most)


def keeps(before: Stressed, here: Stressed, policy: Policy) -> bool:
    """Whether a state keeps the limits, intact and failing, and misses no more of any demand than the one before.

    Where `sums_tell`, it then does so under any smaller demands.
    """
    if here.sweep is None or not _keeps_intact(before, here, policy):
        return here.sweep is None and _keeps_intact(before, here, policy)
    loses = map(int, np.flatnonzero(here.sweep.lost + here.sweep.dropped > 0))
    return float(here.sweep.max_utilisation.max(initial=0.0)) <= policy.max_failure_utilisation and not any(
        missed_more([before.missed(row)], here.missed(row)) > 0 for row in loses
    )


def _keeps_intact(before: Stressed, here: Stressed, policy: Policy) -> bool:
    now = here.outcome
    within = now.max_utilisation <= policy.max_utilisation
    return within and not growth([before.outcome.undelivered], now.undelivered).any()


def _keeps(before: Stressed, here: Stressed, first: Stressed, _: Stressed, policy: Policy, *, last: bool) -> bool:
    """Whether a state between steps keeps the limits as well as the one before it and the first, and nothing loops."""
    if policy.max_loop_share is not None and policy.max_loop_share < 1 and convergence(before, here, 1):
        return False
    return _keeps_intact(before, here, policy) and (last or keeps(first, here, policy))
