"""*horizon*: the end state in every hour for which it stays, and the steps that end it."""

from datetime import datetime
from typing import NamedTuple

from twin.gate.outlook import HOUR, Hour, Outlook
from twin.gate.rules import worse_in_hour
from twin.plan import subject
from twin.printed import counted, percent, utc

from .finding import Check, Counterexample, Violation, failed
from .on_the_way import Steps, in_its_time, keeps, most_of, sums_tell, where_in
from .rehearsal import Rehearsal
from .stressed import Stressed


def horizon(rehearsal: Rehearsal) -> Check:
    """Judge the state that the plan leaves in every hour ahead, with everything up and under every single failure.

    Each hour is compared with the same hour without the plan; on very large networks only the fullest one meets
    failures. Up to the plan's `until` the state is that after its steps, from then on that after the steps that end it,
    and an hour in which the plan ends is judged in both states. A plan without `until` stays: all hours are those of
    its end state. States between two steps, of the first and of those that end the plan, are judged in the hours in
    which they may be in force. What others take away in an hour has failed in it, with the plan and without.
    """
    outlook = rehearsal.context.outlook
    asked = (_ends_before_it_begins, _on_the_way, _at_the_end)
    violation = next((x for x in (ask(rehearsal) for ask in asked) if x), None)
    if violation is None and outlook is not None:
        sure = _foresee(rehearsal, outlook)
        parts = ((part, hour) for hour in outlook.hours for part in _parts(rehearsal, hour))
        worse = (_worse_in(rehearsal, part, hour, outlook, calm=id(part.state) in sure) for part, hour in parts)
        violation = next((x for x in worse if x), None)
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
    """An hour from the first step on: the state of the plan, and that after it once it has ended."""
    until, starts, end = rehearsal.plan.until, rehearsal.context.starts, hour.begins + HOUR
    begins = max(hour.begins, starts) if starts is not None and starts < end else hour.begins
    if until is None or end <= until:
        return (_Part(rehearsal.ends[1], begins, end),)
    ended = _Part(rehearsal.closing[-1], max(begins, until), end)
    return (_Part(rehearsal.ends[1], begins, until), ended) if begins < until else (ended,)


def _foresee(rehearsal: Rehearsal, outlook: Outlook) -> frozenset[int]:
    """Have the failures of all hours found out together, where every hour meets them and nobody else works in it.

    Returns the states, by identity, that no failure harms in any of these hours: they need no look at each.
    """
    before, sure = rehearsal.ends[0], set[int]()
    if before.is_large:
        return frozenset()
    free = [x for x in outlook.hours if not rehearsal.context.taken_away(x.begins, x.begins + HOUR)]
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
    if (calm and not works) or (before.is_large and hour.clock != outlook.fullest.clock):
        before, after = before.calm(), after.calm()
    was, now = (x.under_demands(hour.demands) for x in (before, after))
    return worse_in_hour(was, now, rehearsal.policy, where)


def _ends_before_it_begins(rehearsal: Rehearsal) -> Violation | None:
    """Return the objection to an end that has passed when the first step is made: nobody would make it then."""
    until, making = rehearsal.plan.until, rehearsal.context.making
    if until is None or making is None or until > making.earliest:
        return None
    element = subject(rehearsal.plan.closing[0])
    begins = utc(making.earliest)
    detail = f"the plan ends at {utc(until)}, no later than its first step at {begins}: it would stay for good"
    return Violation(detail, Counterexample(element=element, step=0, measured=1, limit=0))


def _on_the_way(rehearsal: Rehearsal) -> Violation | None:
    """Return what is worse while the steps are made, in the hours that they may take."""
    making, outlook = rehearsal.context.making, rehearsal.context.outlook
    in_every_hour = outlook is not None and bool(outlook.hours)
    if making is None or (len(rehearsal.states) < 3 and in_every_hour):  # both ends, and there is no state between
        return None
    return in_its_time(rehearsal, Steps(rehearsal.stressed, making))


def _at_the_end(rehearsal: Rehearsal) -> Violation | None:
    """Return what is worse on the way out of the plan, from the hour in which it ends on."""
    until = rehearsal.plan.until
    if until is None:
        return None
    making, made = rehearsal.context.ending(until), len(rehearsal.plan.steps)
    steps = Steps(rehearsal.closing, making, made, without=rehearsal.ends[0])
    violation = in_its_time(rehearsal, steps)
    return violation and violation._replace(detail=f"as the plan ends: {violation.detail}")
