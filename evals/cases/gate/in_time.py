"""Plans with an end, and steps made while others work: right by the independent oracle, or wrong in time alone."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import chain

from evals.oracle.carried import SLACK, carried, failures, grown, hot, no_worse
from evals.oracle.ways import Failed
from evals.score.plans import Blame
from twin.model import Network
from twin.plan import Change, DrainLink, UndrainLink, apply, apply_all, states, subject
from twin.planned import PlannedWork

from .calendar import TUESDAY, hours_of, stays_too_long, without
from .good import POLICY, WIDE, Trial, any_link, calm, plan_of, sound

_HOUR = timedelta(hours=1)
_STEP = timedelta(minutes=30)
_NOTHING = Failed("nothing")
_CLEAR = 0.01
"""Share of its capacity by which a link is beyond argument worse."""


def ends_before_it_begins(seed: int, start: int = 0) -> Trial | None:
    """What must not stay until the fullest hour, with an end that has passed by its first step: nobody makes it."""
    case = stays_too_long(seed, start)
    if case is None:
        return None
    past = (timedelta(), timedelta(minutes=20), timedelta(days=1))[seed % 3]
    plan = case.plan.ending(case.network, TUESDAY - past)
    blame = Blame("horizon", frozenset(map(subject, plan.closing)), step=0)
    return case._replace(name="ends before it begins", plan=plan, blame=blame)


def meets_others_on_the_way(seed: int, start: int = 0) -> Trial | None:
    """Good by itself: one circuit is drained before another is back. Somebody takes a third one away just then.

    Both ends bear that, under every failure; the state between them does not. Of two, the one is about the way into the
    plan, the other about the way out of it.
    """
    rng, plain = calm(seed, 34, start)
    one, other, third = (str(x) for x in rng.choice(sorted(plain.circuits), 3, replace=False))
    network = apply(plain, DrainLink(circuit=one))
    steps: tuple[Change, ...] = (DrainLink(circuit=other), UndrainLink(circuit=one))
    reached = [without(x, third) for x in states(network, steps)]
    if not bear((reached[0], reached[2])) or not bear((reached[2], reached[0])):
        return None
    found = worse_between(reached)
    if not found or not sound(network, steps, WIDE) or not sound(apply_all(network, steps), _back(steps), WIDE):
        return None
    until, late = TUESDAY + 4 * _HOUR, bool(seed % 2)
    begins = (until if late else TUESDAY) + timedelta(minutes=int(rng.integers(-50, 50)))
    return Trial(
        "meets others on the way",
        plan_of(network, *steps, objective="drain").ending(network, until),
        network,
        WIDE,
        blamed(reached, 3 if late else 1),
        outlook=hours_of(network, [1.0] * 24),
        starts=TUESDAY,
        works=(PlannedWork(name=f"CHG{seed}", elements=(third,), begins=begins, ends=begins + _HOUR),),
        step_lasts=_STEP,
    )


def good_in_time(seed: int, start: int = 0) -> Trial | None:
    """What must not stay until the fullest hour, and ends before; others work before it begins or once it has ended."""
    case = stays_too_long(seed, start)
    if case is None or case.outlook is None:
        return None
    final, shares = apply_all(case.network, case.plan.steps), [x.demands.sum() for x in case.outlook.hours]
    held = 0
    while bear(tuple(grown(x, shares[held] / shares[0]) for x in (case.network, final))):
        held += 1
    if held < 2:
        return None
    until = TUESDAY + held * _HOUR
    gone = any_link(case.network, calm(seed, 35, start)[0]).circuit
    begins = (TUESDAY - 3 * _HOUR, until + _STEP)[seed % 2]
    return case._replace(
        name="good in time",
        plan=case.plan.ending(case.network, until),
        blame=None,
        works=(PlannedWork(name=f"CHG{seed}", elements=(gone,), begins=begins, ends=begins + 3 * _HOUR),),
        step_lasts=_STEP,
    )


def bear(ends: tuple[Network, ...]) -> bool:
    """Whether the second of two states is no worse than the first, link by link, under any failure of either."""
    was, now = ends
    if not no_worse(carried(was), carried(now), POLICY.max_utilisation):
        return False
    limit = POLICY.max_failure_utilisation
    return all(no_worse(carried(was, x), carried(now, x), limit) for x in {*failures(was), *failures(now)})


def worse_between(reached: Sequence[Network], *, clear: float = _CLEAR) -> list[tuple[str | None, str]]:
    """What is worse in the middle of three states than at both ends, and under which failure; a link by so much."""
    found = ((x, y) for x in (_NOTHING, *failures(reached[1])) for y in _worse_under(reached, x, clear))
    return [(None if failure == _NOTHING else failure.name, element) for failure, element in found]


def blamed(reached: Sequence[Network], step: int) -> Blame:
    """What may be named for the middle of three states; no failure has to be where something is worse without one.

    What is worse by little is no reason to call a plan bad, and right to be named of one that is.
    """
    found = worse_between(reached, clear=0.0)
    names = {name for name, _ in found}
    named = None if None in names else frozenset(x for x in names if x is not None)
    return Blame("horizon", frozenset(x for _, x in found), named, step)


def _worse_under(reached: Sequence[Network], failure: Failed, clear: float) -> Iterator[str]:
    """The links that a failure fills between two states alone, and the nodes that it cuts."""
    limit = POLICY.max_utilisation if failure == _NOTHING else POLICY.max_failure_utilisation
    first, middle, last = (carried(x, failure) for x in reached)
    peak = max(limit, first.peak, last.peak) + clear + SLACK
    yield from (x for x in sorted(hot(middle, limit)) if middle.utilisation[x] > peak)
    yield from (f"node/{x}" for x in sorted(chain.from_iterable(middle.lost - first.lost - last.lost)))


def _back(steps: tuple[Change, ...]) -> tuple[Change, ...]:
    first, second = steps
    return DrainLink(circuit=subject(second)), UndrainLink(circuit=subject(first))
