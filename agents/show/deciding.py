"""What somebody who decides on a plan is told, in the console and on a terminal alike: every figure is the twin's."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.text import Text

from agents.record.history import RunHistory
from agents.wording import capital, counted, fault_words, mbps, percent, place, stated
from twin.errors import StoreError
from twin.gate.verdict import Check, Verdict
from twin.plan import Change, SetTunnel, subject
from twin.printed import utc
from twin.untrusted import one_line, visible

from .framed import Framed
from .impact import Impact, ImpactState
from .lines import WrappedText
from .report.page import Step
from .tables import text_table, verdict_table


class Row(NamedTuple):
    """A figure now and with the plan; `note` says what has to be said beside it."""

    name: str
    now: str
    after: str
    note: str = ""


class DecisionView(NamedTuple):
    """What a plan changes, why, and what it does; what waiting does, and what can go wrong, each under a short name."""

    cause: str
    steps: tuple[Step, ...]
    touched: str
    rows: tuple[Row, ...]
    wait: tuple[tuple[str, str], ...]
    wrong: tuple[tuple[str, str], ...]


def decision_view(impact: Impact, past: RunHistory) -> DecisionView:
    """Put what a plan would do into words. Raises `StoreError` where its run has no verdict on record."""
    if past.plan_and_verdict is None:
        raise StoreError(f"run {past.started.run} has no verdict on record", fix="restore the run's folder")
    plan, verdict = past.plan_and_verdict
    cause = past.diagnosis.cause if past.diagnosis else None
    back = reversed(impact.way_back)
    return DecisionView(
        cause=fault_words(cause) if cause else plan.goal,
        steps=tuple(Step(capital(a), b) for a, b in zip(impact.steps, back, strict=True)),
        touched=_touched(plan.steps, past.started.policy.protected),
        rows=_rows(impact, past.started.policy.max_utilisation),
        wait=_wait(impact, verdict),
        wrong=_wrong(impact, verdict, len(plan.steps)),
    )


def decision_page(impact: Impact, past: RunHistory) -> Iterable[RenderableType]:
    """Put what is told into text. Raises as `decision_view`."""
    plan, told = impact.plan, decision_view(impact, past)
    people = f"{plan.asked - len(plan.approved)} of {plan.asked} approvals missing"
    given = f", given by {', '.join(plan.approved)}" if plan.approved else ""
    head = Text.assemble(
        (visible(plan.goal), "bold"),
        f"\nplan {plan.plan} of run {plan.run}, {visible(plan.network)}\n{plan.tier} risk: {people}{given}; ",
        f"expires {utc(plan.expires)}\nbecause of: {visible(told.cause)}\n",
        (one_line(impact.reasons, 400), "italic"),
    )
    moved = f"Moved is {percent(impact.blast_radius)} of the traffic, at most {stated(impact.blast_limit)} is allowed."
    steps = (f"  {n}. {visible(x.text)}\n     back: {visible(x.back)}" for n, x in enumerate(told.steps, start=1))
    yield Framed(
        "impact",
        Group(
            WrappedText(head),
            Text("\nWhat exactly", "bold"),
            *(WrappedText(Text(x)) for x in steps),
            WrappedText(Text(f"{visible(told.touched)} {moved}")),
            Text(""),
            text_table(("What it does", "Now>", "After>", ""), told.rows),
            Text(""),
            text_table(("If I wait", ""), told.wait),
            Text(""),
            text_table(("What can go wrong", ""), told.wrong),
        ),
    )
    if past.plan_and_verdict is not None:
        yield verdict_table(past.plan_and_verdict[1])


def _rows(impact: Impact, limit: float) -> tuple[Row, ...]:
    a, b = impact.before, impact.after
    no_better = (
        "" if b.worst_utilisation < a.worst_utilisation - 5e-4 else f"no better: {place(b.worst_failure or 'none')}"
    )
    return (
        Row(
            "Busiest link",
            f"{100 * a.max_utilisation:.1f} %",
            f"{100 * b.max_utilisation:.1f} %",
            f"predicted, limit {stated(limit)}",
        ),
        Row("Above the limit", mbps(a.overload), mbps(b.overload)),
        Row("Lost", mbps(_lost(a)), mbps(_lost(b)), _severed(b)),
        Row("Mean delay", f"{a.mean_delay_ms:.3f} ms", f"{b.mean_delay_ms:.3f} ms"),
        Row(
            "Worst next failure", f"{100 * a.worst_utilisation:.1f} %", f"{100 * b.worst_utilisation:.1f} %", no_better
        ),
        Row("Most a failure cuts off", mbps(a.worst_lost), mbps(b.worst_lost)),
    )


def _wait(impact: Impact, verdict: Verdict) -> tuple[tuple[str, str], ...]:
    """What happens if nobody decides: now, in the hours ahead, when somebody does later, and at the end."""
    ahead = [x.detail for x in verdict.checks if x.name == "horizon" and x.measured is not None]
    a, b = impact.before, impact.after
    found = [
        ("now", f"{_standing(a)}, busiest link at {100 * a.max_utilisation:.1f} %."),
        *(("in the hours ahead", f"{capital(detail)}.") for detail in ahead),
        ("later", "Whenever you approve, the plan is judged again on what is measured then, before the first step."),
        ("at the end", "The request expires, and nothing is changed."),
    ]
    if a.worst_failure:
        with_plan = f"with the plan {100 * b.worst_utilisation:.1f} %" if b.worst_failure == a.worst_failure else ""
        words = f"If {place(a.worst_failure)} fails before you decide: {100 * a.worst_utilisation:.1f} % at the peak"
        found.append(("any time", f"{words}; {with_plan}." if with_plan else f"{words}."))
    return tuple(found)


def _lost(state: ImpactState) -> float:
    return max(0.0, state.harm - state.overload - state.severed)


def _severed(state: ImpactState) -> str:
    return f"and {mbps(state.severed)} from or to what is down: no plan carries it" if state.severed > 0.5 else ""


def _standing(state: ImpactState) -> str:
    lost = _lost(state)
    return (
        f"{mbps(state.overload)} stay above the limit, {f'{mbps(lost)} are lost' if lost > 0.5 else 'nothing is lost'}"
    )


def _wrong(impact: Impact, verdict: Verdict, steps: int) -> tuple[tuple[str, str], ...]:
    checks = {x.name: x for x in verdict.checks}
    back, grown = checks.get("reversible"), checks.get("uncertain")
    found = [
        (
            "disagrees",
            "After each step the executor compares measured with predicted; if they differ it takes all back.",
        ),
        ("way back", f"{counted(steps, 'steps')}, rehearsed one by one: {_back(back)}."),
    ]
    if impact.after.worst_failure:
        peak = f"{100 * impact.after.worst_utilisation:.1f} %"
        words = f"The worst single failure, {place(impact.after.worst_failure)}, leads to {peak} with the plan"
        found.append(
            ("next failure", f"{words}, {100 * impact.before.worst_utilisation:.1f} % is the worst without it.")
        )
    if grown is not None and grown.measured is not None:
        found.append(("traffic grows", f"{grown.detail}."))
    return tuple(found)


def _back(check: Check | None) -> str:
    if check is None:
        return "not judged"
    if not check.passed or check.measured is None:
        return check.detail
    return f"at most {mbps(check.measured)} lost or above the limit on the way"


def _touched(steps: Sequence[Change], protected: Sequence[str]) -> str:
    names = dict.fromkeys(_router(step) for step in steps)
    said = (
        f"{counted(len(protected), 'elements')} protected, none of them touched"
        if protected
        else "nothing is protected"
    )
    return f"Touched: {', '.join(names)}; {said}."


def _router(step: Change) -> str:
    """Where a step is made: at the head of a tunnel, else at the element itself."""
    if isinstance(step, SetTunnel):
        return step.tunnel.source
    return re.split("->|>", place(subject(step)).removeprefix("tunnel/"))[0]
