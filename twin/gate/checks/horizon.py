"""*horizon*: the end state in every hour for which it stays, and the steps that end it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from twin.gate.no_worse import Where
from twin.gate.outlook import Hour, Outlook
from twin.gate.rules import may_pass, worse_in_hour
from twin.model import Floats
from twin.planned import PlannedWork
from twin.printed import percent, short

from .finding import Check, Violation, failed
from .rehearsal import Rehearsal, Stressed


def horizon(rehearsal: Rehearsal) -> Check:
    """Judge the state that the plan leaves in every hour ahead, with everything up and under every single failure.

    Each hour is compared with the same hour without the plan; on very large networks only the fullest one meets
    failures. Up to the plan's `until` the state is that after its steps, from then on that after the steps that end it;
    these are rehearsed under the traffic of the hour in which they are made. What others take away in an
    hour has failed in it, with the plan and without. A plan without `until` stays: all hours
    are those of its end state.
    """
    outlook = rehearsal.context.outlook
    if outlook is not None:
        _foresee(rehearsal, outlook)
    violation = _at_the_end(rehearsal, outlook)
    if violation is None and outlook is not None:
        violation = next((x for x in (_in(rehearsal, hour, outlook) for hour in outlook.hours) if x), None)
    if violation:
        return failed("horizon", violation)
    if outlook is None or not outlook.hours:
        return Check(name="horizon", passed=True, detail=f"no hours ahead were given to judge{_ends(rehearsal)}")
    fullest, limit = outlook.fullest, rehearsal.policy.max_utilisation
    was, now = (x.under_demands(fullest.demands).outcome for x in (rehearsal.ends[0], _state(rehearsal, fullest)))
    detail = (
        f"{len(outlook.hours)} hours by {outlook.source}: the fullest, {fullest.clock}, has its busiest link "
        f"{now.busiest or 'none'} at {percent(now.max_utilisation)} (without the plan {percent(was.max_utilisation)})"
        f"{_ends(rehearsal)}{_planned(rehearsal, outlook)}"
    )
    allowed = max(limit, was.max_utilisation)
    return Check(name="horizon", passed=True, measured=now.max_utilisation, limit=allowed, unit="share", detail=detail)


def _ends(rehearsal: Rehearsal) -> str:
    until, closing = rehearsal.plan.until, rehearsal.plan.closing
    return f"; {len(closing)} steps end it at {until:%F %T%z}" if until is not None else ""


def _planned(rehearsal: Rehearsal, outlook: Outlook) -> str:
    works = rehearsal.context.taken_away(outlook.hours[0].begins, outlook.hours[-1].begins + timedelta(hours=1))
    return f"; {len(works)} works of others in these hours" if works else ""


def _state(rehearsal: Rehearsal, hour: Hour) -> Stressed:
    until = rehearsal.plan.until
    stays = until is None or hour.begins < until.astimezone(UTC)
    return rehearsal.ends[1] if stays else rehearsal.closing[-1]


def _foresee(rehearsal: Rehearsal, outlook: Outlook) -> None:
    """Have the failures of all hours found out together, where every hour meets them and nobody else works in it."""
    before = rehearsal.ends[0]
    if before.is_large:
        return
    free = [x for x in outlook.hours if not rehearsal.context.taken_away(x.begins, x.begins + timedelta(hours=1))]
    for after in {id(x): x for x in (_state(rehearsal, hour) for hour in free)}.values():
        if after.network != before.network:
            hours = [x.demands for x in free if _state(rehearsal, x) is after]
            before.foresee(hours)
            after.foresee(hours)


def _in(rehearsal: Rehearsal, hour: Hour, outlook: Outlook) -> Violation | None:
    """Return what is worse in one hour than without the plan."""
    before, after = rehearsal.ends[0], _state(rehearsal, hour)
    if after.network == before.network:
        return None
    total = float(before.network.demands.sum())
    traffic = float(hour.demands.sum()) / total if total > 0 else 1.0
    works = rehearsal.context.taken_away(hour.begins, hour.begins + timedelta(hours=1))
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


def _at_the_end(rehearsal: Rehearsal, outlook: Outlook | None) -> Violation | None:
    """Return what is worse on the way out of the plan, under the traffic of the hour in which it ends."""
    until = rehearsal.plan.until
    if until is None:
        return None
    demands = _demands_at(outlook, until)
    states = rehearsal.closing if demands is None else tuple(x.under_demands(demands) for x in rehearsal.closing)
    ends, steps = (states[0], states[-1]), len(rehearsal.plan.steps)
    for number, (before, here) in enumerate(pairwise(states), start=1):
        violation = may_pass(before, here, ends, rehearsal.policy, steps + number)
        if violation:
            return violation._replace(detail=f"as the plan ends, in step {number} of that: {violation.detail}")
    return None


def _demands_at(outlook: Outlook | None, moment: datetime) -> Floats | None:
    at = moment.astimezone(UTC)
    begun = [hour.demands for hour in outlook.hours if hour.begins <= at] if outlook is not None else []
    return begun[-1] if begun else None
