"""*horizon*: the end state in every hour for which it stays, and the steps that end it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from twin.gate.outlook import HOUR, Hour, Outlook
from twin.gate.rules import worse_in_hour, worse_in_time
from twin.plan import subject
from twin.printed import counted, percent, utc

from .classes import classes
from .finding import Check, Counterexample, Violation, failed
from .nominal import nominal
from .on_the_way import Steps, in_its_time, keeps, most_of, sums_tell, where_in
from .rehearsal import Rehearsal
from .stressed import Stressed
from .survivable import survivable
from .uncertain import uncertain


def horizon(rehearsal: Rehearsal) -> Check:
    """Judge the state that the plan leaves in every hour ahead, with everything up and under every single failure.

    Each hour is compared with the same hour without the plan; on very large networks only the fullest one meets
    failures. Up to the plan's `until` the state is that after its steps, from then on that after the steps that end it,
    and an hour in which the plan ends is judged in both states. A plan without `until` stays: all hours are those of
    its end state. States between two steps, of the first and of those that end the plan, are judged in the hours in
    which they may be in force. What others take away in an hour has failed in it, with the plan and without.
    """
    outlook = rehearsal.context.outlook
    asked = (_ends_before_it_is_made, on_the_way, at_the_end, _once_ended)
    violation = next((x for x in (ask(rehearsal) for ask in asked) if x), None)
    if violation is None and outlook is not None:
        free = _free(rehearsal, outlook)
        sure, rests = _foresee(rehearsal, free), {x.begins for x in free}
        parts = ((x, hour, hour.begins in rests) for hour in outlook.hours for x in _parts(rehearsal, hour))
        worse = (_worse_in(rehearsal, x, hour, outlook, calm=rest and id(x.state) in sure) for x, hour, rest in parts)
        violation = next((x for x in worse if x), None)
    if violation:
        return failed("horizon", violation)
    if outlook is None or not outlook.hours:
        return Check(name="horizon", passed=True, detail=f"no hours ahead were given to judge{_ends(rehearsal)}")
    fullest, limit = outlook.fullest, rehearsal.policy.max_utilisation
    states = rehearsal.ends[0], _parts(rehearsal, fullest)[0].state
    was, now = (x.under_demands(fullest.demands).outcome for x in states)
    peak, without = percent(now.max_utilisation), percent(was.max_utilisation)
    detail = (
        f"{counted(len(outlook.hours), 'hours')} by {outlook.source}: the fullest, {fullest.clock}, has its "
        f"busiest link {now.busiest or 'none'} at {peak} (without the plan {without})"
        f"{_ends(rehearsal)}{_planned(rehearsal, outlook)}{_unknown(rehearsal)}"
    )
    allowed = max(limit, was.max_utilisation)
    return Check(name="horizon", passed=True, measured=now.max_utilisation, limit=allowed, unit="share", detail=detail)


def _ends(rehearsal: Rehearsal) -> str:
    until, closing, outlook = rehearsal.plan.until, rehearsal.plan.closing, rehearsal.context.outlook
    if until is None:
        return ""
    judged = outlook.ends if outlook is not None and outlook.hours else None
    later = f", of which the hours from {utc(judged)} on were not judged" if judged and judged < until else ""
    return f"; {counted(len(closing), 'steps')} end it at {utc(until)}{later}"


def _unknown(rehearsal: Rehearsal) -> str:
    """Say what is not judged where several steps are made and nobody knows how long one takes."""
    several = len(rehearsal.plan.steps) > 1 or len(rehearsal.plan.closing) > 1
    if not several or rehearsal.context.step_lasts is not None:
        return ""
    return (
        "; how long steps take is not known: between them the traffic was that of the hour in which the first is made"
    )


def _planned(rehearsal: Rehearsal, outlook: Outlook) -> str:
    works = rehearsal.context.taken_away(outlook.hours[0].begins, outlook.ends)
    return f"; {len(works)} works of others in these hours" if works else ""


class _Part(NamedTuple):
    """A part of an hour, the whole of it as a rule, and the state in it."""

    state: Stressed
    begins: datetime
    ends: datetime


def _parts(rehearsal: Rehearsal, hour: Hour) -> tuple[_Part, ...]:
    """An hour from the first step on, cut where the plan ends, and where others begin or end.

    Two works that follow one another are not two at once, which may spare what one of them alone does not.
    """
    context, until, end = rehearsal.context, rehearsal.plan.until, hour.begins + HOUR
    starts = context.starts
    begins = max(hour.begins, starts) if starts is not None and starts < end else hour.begins
    edges = [x for work in context.taken_away(begins, end) for x in (work.begins, work.ends)]
    turns = (*edges, until) if until is not None else edges
    cuts = sorted(
        {begins.astimezone(UTC), end.astimezone(UTC), *(x.astimezone(UTC) for x in turns if begins < x < end)}
    )
    ends = rehearsal.ends[1], rehearsal.closing[-1]
    return tuple(_Part(ends[until is not None and until <= x], x, y) for x, y in pairwise(cuts))


def _free(rehearsal: Rehearsal, outlook: Outlook) -> list[Hour]:
    """The hours in which nobody else works."""
    return [x for x in outlook.hours if not rehearsal.context.taken_away(x.begins, x.begins + HOUR)]


def _foresee(rehearsal: Rehearsal, free: Sequence[Hour]) -> frozenset[int]:
    """Have the failures of all hours found out together in which nobody else works, where every one meets them.

    Returns the states, by identity, that no failure harms in any of these hours: they need no look at each.
    """
    before, sure = rehearsal.ends[0], set[int]()
    if before.is_large:
        return frozenset()
    for after in {id(x.state): x.state for hour in free for x in _parts(rehearsal, hour)}.values():
        if after.network != before.network:
            hours = [hour.demands for hour in free if any(x.state is after for x in _parts(rehearsal, hour))]
            if sums_tell(rehearsal, (before, after)):
                was, now = most_of(rehearsal, (before, after), hours)
                if keeps(was, now, rehearsal.policy):
                    sure.add(id(after))
                    continue
            before.foresee(hours)
            after.foresee(hours)
    return frozenset(sure)


def _worse_in(rehearsal: Rehearsal, part: _Part, hour: Hour, outlook: Outlook, *, calm: bool) -> Violation | None:
    """Return what is worse in a part of an hour than without the plan; if `calm`, nothing fails in it."""
    before, after = rehearsal.ends[0], part.state
    if after.network == before.network:
        return None
    works = rehearsal.context.taken_away(part.begins, part.ends)
    where = where_in(rehearsal, len(rehearsal.plan.steps), hour, works)
    if works:
        before, after = (rehearsal.without(x, works) for x in (before, after))
    fullest = hour.clock == outlook.fullest.clock
    if works or (fullest and not before.is_large):  # else delays and repairs are those of now, or less
        was, now = (x.under_demands(hour.demands) for x in (before, after))
        if violation := worse_in_time((was,), now, rehearsal.policy, where):
            return violation
    if (calm and not works) or (before.is_large and not fullest):
        before, after = before.calm(), after.calm()
    was, now = (x.under_demands(hour.demands) for x in (before, after))
    return worse_in_hour(was, now, rehearsal.policy, where)


def _ends_before_it_is_made(rehearsal: Rehearsal) -> Violation | None:
    """Return the objection to an end that has come when a step may still be made: nobody would take that one back."""
    until, making, steps = rehearsal.plan.until, rehearsal.context.making, rehearsal.plan.steps
    if until is None or making is None:
        return None
    for number, step in enumerate(steps, start=1):
        latest = making.earliest + (number - 1) * (making.lasts or timedelta())
        if until <= latest:
            which = "its first step is made" if number == 1 else f"step {number} may be made"
            detail = f"the plan ends at {utc(until)}, and {which} at {utc(latest)}: it would stay for good"
            at = 0 if number == 1 else number
            return Violation(detail, Counterexample(element=subject(step), step=at, measured=1, limit=0))
    return None


def _once_ended(rehearsal: Rehearsal) -> Violation | None:
    """Return what is worse for good under the traffic of now, where the steps that end the plan lead somewhere new."""
    end = rehearsal.closing[-1].network
    if not rehearsal.plan.closing or end == rehearsal.base:
        return None
    plan = rehearsal.plan.model_copy(update={"until": None, "closing": ()})
    given = replace(rehearsal.context, outlook=None)
    ended = Rehearsal(plan, rehearsal.policy, (rehearsal.base, end), given, rehearsal.engine)
    asked = (nominal, survivable, uncertain, *((classes,) if end.classes or rehearsal.policy.classes else ()))
    found = next((x for x in (check(ended) for check in asked) if not x.passed), None)
    if found is None or found.counterexample is None:
        return None
    example = found.counterexample.model_copy(update={"step": len(rehearsal.plan.steps) + len(rehearsal.plan.closing)})
    return Violation(f"once the plan has ended: {found.detail}", example)


def on_the_way(rehearsal: Rehearsal) -> Violation | None:
    """Return what is worse while the steps are made, in the hours that they may take."""
    making, outlook = rehearsal.context.making, rehearsal.context.outlook
    in_every_hour = outlook is not None and bool(outlook.hours)
    if making is None or (len(rehearsal.states) < 3 and in_every_hour):  # both ends, and there is no state between
        return None
    return in_its_time(rehearsal, Steps(rehearsal.stressed, making))


def at_the_end(rehearsal: Rehearsal) -> Violation | None:
    """Return what is worse on the way out of the plan, from the hour in which it ends on."""
    until = rehearsal.plan.until
    if until is None:
        return None
    making, made = rehearsal.context.ending(until), len(rehearsal.plan.steps)
    steps = Steps(rehearsal.closing, making, made, without=rehearsal.ends[0])
    violation = in_its_time(rehearsal, steps)
    return violation and violation._replace(detail=f"as the plan ends: {violation.detail}")
