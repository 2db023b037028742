"""*policy*: what the operator allows, whatever the simulator says."""

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from twin.gate.demand_delays import unknown_demand
from twin.model import Network
from twin.plan import Change, LimitDemand, SetCapacity, apply, subject
from twin.printed import counted, percent, short, utc
from twin.windows import turns

from .finding import Check, Counterexample, Unit, Violation, failed
from .moved import moved_share, moved_shares
from .rehearsal import Rehearsal
from .stressed import Stressed
from .touch import blacked_out, emptied, exists, touched


def policy(rehearsal: Rehearsal) -> Check:
    """Judge the number of steps, what they touch, the kinds of change, and the share of traffic moved at any time.

    The same is asked of the steps that end the plan.
    """
    limit, first, made = rehearsal.policy.max_blast_radius, rehearsal.ends[0], _made(rehearsal)
    radius = [0.0, *(moved_share(first.network, x.network, (first.routing, x.routing)) for _, _, x in made)]
    violation = next(_forbidden(rehearsal), None)
    if violation is not None:
        return failed("policy", violation)
    for step, share in enumerate(radius):
        if step and share > limit + 1e-9 + _error_of(rehearsal, made[step - 1].after.network, share):
            element = subject(made[step - 1].step)
            detail = f"after step {step} {percent(share)} of the traffic has moved, at most {percent(limit)} allowed"
            return failed("policy", _at(element, step, detail, (share, limit), "share"))
    steps = len(rehearsal.plan.steps)
    detail = (
        f"{counted(steps, 'steps')}, no protected element touched, at most {percent(max(radius))} of the traffic moved"
    )
    return Check(name="policy", passed=True, measured=max(radius), limit=limit, unit="share", detail=detail)


class _Step(NamedTuple):
    """A step and the states before and after it."""

    before: Stressed
    step: Change
    after: Stressed


def _made(rehearsal: Rehearsal) -> tuple[_Step, ...]:
    """The steps of the plan, and those that end it."""
    reached, steps = (*rehearsal.stressed, *rehearsal.closing[1:]), (*rehearsal.plan.steps, *rehearsal.plan.closing)
    return tuple(_Step(before, step, after) for before, step, after in zip(reached, steps, reached[1:], strict=False))


def _error_of(rehearsal: Rehearsal, state: Network, share: float) -> float:
    """By how much the share moved may be off: each demand moves or not, and their rates are off by their error."""
    error, demands = rehearsal.context.error, rehearsal.base.offered
    if error is None or not 0 < share < 1:
        return 0.0
    return error.of_mean(moved_shares(rehearsal.base, state), demands)


def _forbidden(rehearsal: Rehearsal) -> Iterator[Violation]:
    rules = rehearsal.policy
    yield from _too_many(rehearsal)
    for word, elements in (("protects", rules.protected), ("has a blackout of", rules.blackout_elements)):
        for element in elements:
            if not any(exists(state, element) for state in rehearsal.states):
                told = f"the policy {word} {short(element)}, which this network does not have: correct the policy"
                yield _at(element, 0, told)
    unknown = unknown_demand(rehearsal.base, rules)
    if unknown:
        name = f"demand/{unknown}"
        yield _at(name, 0, f"the policy limits {short(name)}, which this network does not have: correct the policy")
    for number, (before, step, after) in enumerate(_made(rehearsal), start=1):
        state = before.network
        for element in sorted(touched(state, step) & set(rules.protected)):
            yield _at(
                element,
                number,
                f"step {number} ({step.op} {short(subject(step))}) touches {short(element)}, which is protected",
            )
        left = emptied(rehearsal.outcomes[0], after.outcome, rules.protected)
        if left:
            yield _at(left, number, f"after step {number} no traffic passes {short(left)} any more, which is protected")
        if isinstance(step, LimitDemand) and not rules.allow_rate_limits:
            yield _at(subject(step), number, f"step {number} rate-limits a demand, which the policy does not allow")
    yield from out_of_time(rehearsal)
    # last: where this is what is found, nothing else is forbidden, and a person may order it
    for number, (before, step, _) in enumerate(_made(rehearsal), start=1):
        if isinstance(step, SetCapacity):
            figures = step.capacity, before.network.links[before.network.circuit(step.circuit)[0]].capacity
            detail = f"step {number} asks for another capacity: order it, do not execute it"
            yield _at(subject(step), number, detail, figures, "Mbit/s")


def _too_many(rehearsal: Rehearsal) -> Iterator[Violation]:
    most, plan = rehearsal.policy.max_steps, rehearsal.plan
    for before, steps, word in ((0, plan.steps, "plan"), (len(plan.steps), plan.closing, "end of the plan")):
        made = [step for step in steps if not isinstance(step, SetCapacity)]  # capacity is ordered, not made
        if len(made) > most:
            detail = f"the {word} has {counted(len(made), 'steps')}, at most {most} allowed"
            yield _at(subject(steps[most]), before + most + 1, detail, (len(steps), most), "steps")


def out_of_time(rehearsal: Rehearsal) -> Iterator[Violation]:
    """What the calendar forbids of first and closing steps: outside windows, in a freeze, on what is blacked out.

    A step may be made at any time from the first one on until those before it have taken as long as they may; where
    nobody knows how long that is, only the first moment is known.
    """
    plan, context, rules = rehearsal.plan, rehearsal.context, rehearsal.policy
    first = ((0, rehearsal.states[0], plan.steps, context.starts),) if context.starts is not None else ()
    last = ((len(plan.steps), rehearsal.final, plan.closing, plan.until),) if plan.until is not None else ()
    lasts, times = context.step_lasts or timedelta(), (*rules.windows, *rules.freeze, *rules.blackouts)
    for before, state, steps, begins in (*first, *last):
        reached = state
        moments = turns(times, begins, begins + (len(steps) - 1) * lasts) if times else []
        for number, step in enumerate(steps, start=1):
            latest = begins + (number - 1) * lasts
            word = f"step {before + number} {'would' if latest == begins else 'may'} be made at"
            for moment in (x for x in moments if x <= latest):
                closed = rules.closed(moment)
                if closed:
                    yield _at(subject(step), before + number, f"{word} {utc(moment)}, {closed}")
                found = blacked_out(reached, step, rules, moment)
                if found:
                    what = f"step {before + number} {'touches' if latest == begins else 'may touch'} {short(found[0])}"
                    yield _at(found[0], before + number, f"{what} at {utc(moment)}, in the blackout {found[1]}")
            reached = apply(reached, step)


def _at(element: str, step: int, detail: str, figures: tuple[float, float] = (1, 0), unit: Unit = "") -> Violation:
    measured, limit = figures
    return Violation(detail, Counterexample(element=element, step=step, measured=measured, limit=limit, unit=unit))
