"""*horizon*: the end state in every hour for which it stays, and the steps that end it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from twin.gate.no_worse import Where
from twin.gate.outlook import Hour, Outlook
from twin.gate.rules import may_pass, worse_in_hour
from twin.model import Floats
from twin.plan import subject
from twin.planned import PlannedWork
from twin.printed import percent, short

from .finding import Check, Counterexample, Violation, failed
from .rehearsal import Rehearsal
from .stressed import Stressed

_HOUR = timedelta(hours=1)


def horizon(rehearsal: Rehearsal) -> Check:
    """Judge the state that the plan leaves in every hour ahead, with everything up and under every single failure.

    Each hour is compared with the same hour without the plan; on very large networks only the fullest one meets
    failures. Up to the plan's `until` the state is that after its steps, from then on that after the steps that end it;
    these are rehearsed under the traffic of the hour in which they are made, and an hour in which the plan ends is
    judged in both states. What others take away in an hour has failed in it, with the plan and without, and while steps
    are made. A plan without `until` stays: all hours are those of its end state.
    """
    outlook = rehearsal.context.outlook
    if outlook is not None:
        _foresee(rehearsal, outlook)
    asked = (_ends_before_it_begins, _on_the_way, _at_the_end)
    violation = next((x for x in (ask(rehearsal, outlook) for ask in asked) if x), None)
    if violation is None and outlook is not None:
        violation = next((x for x in (_in(rehearsal, hour, outlook) for hour in outlook.hours) if x), None)
    if violation:
        return failed("horizon", violation)
    if outlook is None or not outlook.hours:
        return Check(name="horizon", passed=True, detail=f"no hours ahead were given to judge{_ends(rehearsal)}")
    fullest, limit = outlook.fullest, rehearsal.policy.max_utilisation
    states = rehearsal.ends[0], _parts(rehearsal, fullest)[0].state
    was, now = (x.under_demands(fullest.demands).outcome for x in states)
    detail = (
        f"{len(outlook.hours)} hours by {outlook.source}: the fullest, {fullest.clock}, has its busiest link "
        f"{now.busiest or 'none'} at {percent(now.max_utilisation)} (without the plan {percent(was.max_utilisation)})"
        f"{_ends(rehearsal)}{_planned(rehearsal, outlook)}"
    )
    allowed = max(limit, was.max_utilisation)
    return Check(name="horizon", passed=True, measured=now.max_utilisation, limit=allowed, unit="share", detail=detail)


def _ends(rehearsal: Rehearsal) -> str:
    until, closing, outlook = rehearsal.plan.until, rehearsal.plan.closing, rehearsal.context.outlook
    if until is None:
        return ""
    judged = outlook.hours[-1].begins + _HOUR if outlook is not None and outlook.hours else None
    later = f", of which the hours from {judged:%F %T%z} on were not judged" if judged and judged < until else ""
    return f"; {len(closing)} steps end it at {until:%F %T%z}{later}"


def _planned(rehearsal: Rehearsal, outlook: Outlook) -> str:
    works = rehearsal.context.taken_away(outlook.hours[0].begins, outlook.hours[-1].begins + _HOUR)
    return f"; {len(works)} works of others in these hours" if works else ""


class _Part(NamedTuple):
    """A part of an hour, the whole of it as a rule, and the state in it."""

    state: Stressed
    begins: datetime
    ends: datetime


def _parts(rehearsal: Rehearsal, hour: Hour) -> tuple[_Part, ...]:
    """An hour from the first step on: the state of the plan, and that after it once it has ended."""
    until, starts, end = rehearsal.plan.until, rehearsal.context.starts, hour.begins + _HOUR
    begins = max(hour.begins, starts) if starts is not None and starts < end else hour.begins
    if until is None or end <= until:
        return (_Part(rehearsal.ends[1], begins, end),)
    ended = _Part(rehearsal.closing[-1], max(begins, until), end)
    return (_Part(rehearsal.ends[1], begins, until), ended) if begins < until else (ended,)


def _foresee(rehearsal: Rehearsal, outlook: Outlook) -> None:
    """Have the failures of all hours found out together, where every hour meets them and nobody else works in it."""
    before = rehearsal.ends[0]
    if before.is_large:
        return
    free = [x for x in outlook.hours if not rehearsal.context.taken_away(x.begins, x.begins + _HOUR)]
    for after in {id(x.state): x.state for hour in free for x in _parts(rehearsal, hour)}.values():
        if after.network != before.network:
            hours = [hour.demands for hour in free if any(x.state is after for x in _parts(rehearsal, hour))]
            before.foresee(hours)
            after.foresee(hours)


def _in(rehearsal: Rehearsal, hour: Hour, outlook: Outlook) -> Violation | None:
    """Return what is worse in one hour than without the plan."""
    found = (_worse_in(rehearsal, x, hour, outlook) for x in _parts(rehearsal, hour))
    return next((x for x in found if x), None)


def _worse_in(rehearsal: Rehearsal, part: _Part, hour: Hour, outlook: Outlook) -> Violation | None:
    before, after = rehearsal.ends[0], part.state
    if after.network == before.network:
        return None
    total = float(before.network.demands.sum())
    traffic = float(hour.demands.sum()) / total if total > 0 else 1.0
    works = rehearsal.context.taken_away(part.begins, part.ends)
    when = f"{hour.clock} while {_told(works)}" if works else hour.clock
    where = Where(len(rehearsal.plan.steps), traffic=traffic or 1.0, when=when)
    if works:
        before, after = (rehearsal.without(x, works) for x in (before, after))
    if before.is_large and hour.clock != outlook.fullest.clock:
        before, after = before.calm(), after.calm()
    was, now = (x.under_demands(hour.demands) for x in (before, after))
    return worse_in_hour(was, now, rehearsal.policy, where)


def _told(works: Sequence[PlannedWork]) -> str:
    names = [
        f"{', '.join(map(short, x.elements[:3]))} {'is' if len(x.elements) == 1 else 'are'} worked on"
        for x in works[:2]
    ]
    return f"{' and '.join(names)} ({', '.join(x.name for x in works[:3])})"


def _ends_before_it_begins(rehearsal: Rehearsal, outlook: Outlook | None) -> Violation | None:
    """Return the objection to an end that has passed when the first step is made: nobody would make it then."""
    until, starts = rehearsal.plan.until, rehearsal.context.starts
    if starts is None and outlook is not None and outlook.hours:
        starts = outlook.hours[0].begins
    if until is None or starts is None or until > starts:
        return None
    element = subject(rehearsal.plan.closing[0])
    detail = (
        f"the plan ends at {until:%F %T%z}, no later than its first step at {starts:%F %T%z}: it would stay for good"
    )
    return Violation(detail, Counterexample(element=element, step=0, measured=1, limit=0))


def _on_the_way(rehearsal: Rehearsal, outlook: Outlook | None) -> Violation | None:
    """Return what is worse while the steps are made, where others work on something at that time."""
    starts, steps = rehearsal.context.starts, len(rehearsal.plan.steps)
    works = rehearsal.context.taken_away_during(steps, starts) if starts is not None else ()
    if not works or steps == 1:
        return None
    first = outlook.hours[0].demands if outlook is not None and outlook.hours else None
    violation = _passing(rehearsal, rehearsal.stressed, works, first, 0)
    return violation and violation._replace(detail=f"while {_told(works)}: {violation.detail}")


def _at_the_end(rehearsal: Rehearsal, outlook: Outlook | None) -> Violation | None:
    """Return what is worse on the way out of the plan, in the hour in which it ends and with what is worked on then."""
    plan = rehearsal.plan
    if plan.until is None:
        return None
    works = rehearsal.context.taken_away_during(len(plan.closing), plan.until)
    demands = _demands_at(outlook, plan.until)
    violation = _passing(rehearsal, rehearsal.closing, works, demands, len(plan.steps))
    meanwhile = f" while {_told(works)}" if works else ""
    return violation and violation._replace(detail=f"as the plan ends{meanwhile}: {violation.detail}")


def _passing(
    rehearsal: Rehearsal, states: Sequence[Stressed], works: Sequence[PlannedWork], demands: Floats | None, made: int
) -> Violation | None:
    """Return why some states may not be passed one after the other; `made` is how many steps were made before."""
    reached = tuple(rehearsal.without(x, works) for x in states) if works else tuple(states)
    reached = reached if demands is None else tuple(x.under_demands(demands) for x in reached)
    ends = reached[0], reached[-1]
    pairs = enumerate(pairwise(reached), start=made + 1)
    found = (may_pass(before, here, ends, rehearsal.policy, step) for step, (before, here) in pairs)
    return next((x for x in found if x), None)


def _demands_at(outlook: Outlook | None, moment: datetime) -> Floats | None:
    at = moment.astimezone(UTC)
    begun = [hour.demands for hour in outlook.hours if hour.begins <= at] if outlook is not None else []
    return begun[-1] if begun else None
