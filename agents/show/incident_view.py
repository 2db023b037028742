"""An incident as the console shows it: what its run saw, thought, proposed and did, from the run's own record."""

from collections.abc import Callable
from typing import NamedTuple

from agents.record.events import Stage
from agents.wording import OUTCOMES, capital, counted, duration, fault_words
from tools.box.handover import SymptomReading
from twin.gate.verdict import Verdict
from twin.policy import Policy

from .approval_view import planned_drawing
from .deciding import Row
from .incident_words import incident_title
from .refusal_view import RefusalView, refusal_view
from .rendered import told
from .report.cards import Card, cards
from .report.chart import Chart
from .report.map import Drawing, bands
from .report.page import Sources, Step, pictures_of, steps_of
from .report.story import Round, Story, Turn

_STAGES: tuple[tuple[Stage, str], ...] = (
    ("observe", "Observed"),
    ("diagnose", "Diagnosed"),
    ("plan", "Planned"),
    ("verify", "Judged"),
    ("approve", "Approval"),
    ("execute", "Carried out"),
    ("confirm", "Confirmed"),
)
_LETTERS = {"monitoring": "Mo", "diagnosis": "Di", "planning": "Pl", "verification": "Ve"}


class StageMark(NamedTuple):
    """One stage of the run: `done`, `now` or nothing yet."""

    name: str
    state: str
    note: str


class Cause(NamedTuple):
    """One hypothesis."""

    name: str
    share: str
    note: str


class Utterance(NamedTuple):
    """One line of the conversation, with whose it is."""

    seconds: float
    who: str
    role: str
    letters: str
    kind: str
    text: str
    folded: str
    note: str
    untrusted: bool


class Unworked(NamedTuple):
    """What stands in place of the agents' work where none of it is to be had."""

    headline: str = "The agents have not begun"
    words: str = "They begin by themselves once the incident has settled, one incident at a time."


def unworked(*, ended: bool, run: str = "", outcome: str = "", because: str = "", by_itself: bool = True) -> Unworked:
    """Say why there is no record of the agents' work on an incident.

    `run` is the one whose folder is gone, and `outcome` and `because` how it ended; `by_itself` says whether the agents
    begin without being asked.
    """
    if run:
        told = f"{OUTCOMES.get(outcome, outcome)} {capital(because)}".strip()
        return Unworked(f"The record of {run} is not kept any more", told or "How it ended is not known.")
    if ended:
        return Unworked("The agents did not work on this", "It ended before they began.")
    if not by_itself:
        return Unworked(words="They begin when somebody has them look.")
    return Unworked()


class IncidentView(NamedTuple):
    """Everything on the incident's screen."""

    title: str
    lead: str
    tone: str
    waits: bool
    headline: str
    recommendation: str
    orders: tuple[str, ...]
    checked: str
    passed: bool
    deltas: tuple[Card, ...]
    stages: tuple[StageMark, ...]
    steps: tuple[Step, ...]
    plan_note: str
    no_plan: str
    before: Drawing | None
    after: Drawing | None
    foreseen: bool
    refusal: RefusalView | None
    bands: list[tuple[str, str]]
    charts: tuple[Chart, ...]
    symptoms: tuple[SymptomReading, ...]
    causes: tuple[Cause, ...]
    verdict: Verdict | None
    policy: Policy
    lines: str
    lines_note: str
    spent: str
    turns: tuple[Utterance, ...]


class _Shown(NamedTuple):
    """The drawings of an incident; `foreseen` says that the one after is predicted, and none of what was made."""

    before: Drawing | None = None
    after: Drawing | None = None
    foreseen: bool = False
    refusal: RefusalView | None = None


def incident_view(  # noqa: PLR0913 - what is known of the incident, and of its run
    kind: str,
    source: str,
    *,
    state: str,
    lead: str,
    story: Story | None,
    sources: Sources,
    policy: Policy,
    effects: tuple[Row, ...] = (),
    missing: Unworked | None = None,
    step: int | None = None,
) -> IncidentView:
    """Put an incident and the run that works on it, if there is one, into the values of its screen.

    `effects` are the figures of its plan, now and after, while that waits for people; `missing` says why there is no
    story. Of a plan that has not been made, what it is foreseen to do after a `step` is drawn, or after all of them.
    """
    last = next((x for x in reversed(story.rounds) if x.submission), None) if story else None
    plan = last.submission.plan if last and last.submission else None
    verdict = next((x.verdict for x in reversed(story.rounds) if x.verdict), None) if story else None
    shown = _shown(last, verdict, story, sources, step)
    passed = sum(x.passed for x in verdict.checks) if verdict else 0
    missing = missing or Unworked()
    return IncidentView(
        title=incident_title(kind, source),
        lead=lead,
        tone={"open": "crit", "mitigated": "good", "closed": "stop"}.get(state, "warn"),
        waits=story is not None and story.outcome == "awaiting approval",
        headline=_headline(story) if story else missing.headline,
        recommendation=_recommendation(story) if story else missing.words,
        orders=_orders(story),
        checked=f"{passed} of {len(verdict.checks)} checks passed" if verdict else "",
        passed=verdict is not None and verdict.passed,
        deltas=_deltas(story, effects),
        stages=_stages(story),
        steps=tuple(Step(capital(x.text), x.back) for x in steps_of(plan, sources)) if plan else (),
        plan_note=f"plan {plan.hash}" if plan else "",
        no_plan=_no_plan(story),
        before=shown.before,
        after=shown.after,
        foreseen=shown.foreseen,
        refusal=shown.refusal,
        bands=bands((story.started.policy if story else policy).max_utilisation),
        charts=(),
        symptoms=story.incident.symptoms if story and story.incident else (),
        causes=_causes(story),
        verdict=verdict,
        policy=story.started.policy if story else policy,
        lines=_lines(story),
        lines_note=_lines_note(story),
        spent=_spent(story),
        turns=tuple(_said(x) for x in story.turns) if story else (),
    )


def view_within(view: IncidentView, *, whole_run: bool, sees: Callable[[str], bool]) -> IncidentView:
    """Return a view for somebody who may not see the whole network: no maps, no conversation, no symptoms elsewhere.

    `whole_run` says whether they may see everything that the run found and plans; if not, none of that is left.
    """
    kept = view._replace(
        before=None,
        after=None,
        refusal=None,
        charts=(),
        turns=(),
        symptoms=tuple(x for x in view.symptoms if sees(x.element)),
    )
    if whole_run:
        return kept
    return kept._replace(
        headline="The agents worked on more than you may see",
        recommendation="What they found is partly elsewhere: ask somebody who sees the whole network.",
        orders=(),
        deltas=(),
        steps=(),
        plan_note="",
        no_plan="A plan that changes more than you may see is not shown.",
        causes=(),
        verdict=None,
        checked="",
        lines="",
        waits=False,
    )


def _shown(
    last: Round | None, verdict: Verdict | None, story: Story | None, sources: Sources, step: int | None
) -> _Shown:
    if story is None:
        return _Shown()
    before, after = pictures_of(story, sources)
    if last is None:
        return _Shown(before, after)
    foreseen = _foreseen(last, verdict, story, sources, step) if after is None else None
    return _Shown(before, after or foreseen, foreseen is not None, _refusal(last, verdict, story, sources))


def _refusal(last: Round, verdict: Verdict | None, story: Story, sources: Sources) -> RefusalView | None:
    """Why the last plan was refused, where the gate refused it and its snapshot is at hand."""
    plan = last.submission.plan if last.submission else None
    network = sources.networks.get(plan.base) if plan else None
    if plan is None or network is None or verdict is None or verdict.plan != plan.hash or verdict.passed:
        return None
    return refusal_view(network, plan, verdict, story.started.policy.max_utilisation)


def _foreseen(last: Round, verdict: Verdict | None, story: Story, sources: Sources, step: int | None) -> Drawing | None:
    """What a plan that passed and was not made is foreseen to do, after a step or all of them."""
    plan = last.submission.plan if last.submission else None
    network = sources.networks.get(plan.base) if plan else None
    if plan is None or network is None or verdict is None or verdict.plan != plan.hash or not verdict.passed:
        return None
    cause = story.diagnosis.cause if story.diagnosis else None
    made = plan.steps[: len(plan.steps) if step is None else max(0, min(step, len(plan.steps)))]
    words = "With the plan" if len(made) == len(plan.steps) else f"After step {len(made)} of {len(plan.steps)}"
    limit = story.started.policy.max_utilisation
    return planned_drawing(network, made, f"{words}, predicted", limit, cause.element if cause else None)


def _deltas(story: Story | None, effects: tuple[Row, ...]) -> tuple[Card, ...]:
    if effects:
        tones = {x.name: "" if x.now == x.after else "bad" if "no better" in x.note else "good" for x in effects}
        return tuple(
            Card(x.name, x.after, was=x.now, note=x.note or "predicted", tone=tones[x.name])
            for x in effects
            if x.name not in ("Most a failure cuts off", "Mean delay")
        )
    return tuple(x for x in cards(story) if not x.words) if story else ()


def _orders(story: Story | None) -> tuple[str, ...]:
    """What is recommended for people to do, the most urgent first."""
    done = story.finished.recommendations if story is not None and story.finished is not None else ()
    return tuple(f"{capital(x.urgency)}: {x.words.rstrip('.')}. Confirmed when: {x.confirmed_by}" for x in done)


def _headline(story: Story) -> str:
    return "The agents are at work" if story.finished is None else OUTCOMES.get(story.outcome, story.outcome)


def _recommendation(story: Story) -> str:
    cause = f"Cause: {fault_words(story.diagnosis.cause)}. " if story.diagnosis and story.diagnosis.cause else ""
    if story.finished is not None:
        return f"{cause}{capital(story.finished.because)}."
    return f"{cause}What is known so far is below; the conversation goes on beside it."


def _no_plan(story: Story | None) -> str:
    if story is None or story.no_plan is None:
        return "There is no plan yet." if story is None or story.finished is None else "No plan was needed or found."
    return "; ".join(story.no_plan.reasons) or "No optimiser has a plan that helps."


def _stages(story: Story | None) -> tuple[StageMark, ...]:
    ended = {x.stage: x for x in story.stages} if story else {}
    reached = [stage for stage, _ in _STAGES if stage in ended]
    running = story is not None and story.finished is None
    waits = story is not None and story.outcome == "awaiting approval"
    found: list[StageMark] = []
    for number, (stage, name) in enumerate(_STAGES):
        mark = ended.get(stage)
        if waits and stage == "approve":
            found.append(StageMark(name, "now", "waits for a person"))
        elif mark is not None:
            found.append(StageMark(name, "done", duration(mark.seconds)))
        elif running and number == len(reached):
            found.append(StageMark(name, "now", "under way"))
        else:
            found.append(StageMark(name, "", "not yet" if running or waits or story is None else "not needed"))
    return tuple(found)


def _causes(story: Story | None) -> tuple[Cause, ...]:
    if story is None or story.diagnosis is None:
        return ()
    return tuple(
        Cause(
            " and ".join(fault_words(f) for f in (x.faults or ((x.fault,) if x.fault else ()))) or "nothing is wrong",
            f"{100 * x.probability:.1f} %",
            f"leaves {x.residual:.1f} unexplained; 0 is perfect",
        )
        for x in story.diagnosis.causes[:6]
    )


def _lines(story: Story | None) -> str:
    if story is None or story.rendered is None:
        return ""
    return "\n".join(str(getattr(x, "text", "")) for x in told(story.rendered.steps))


def _lines_note(story: Story | None) -> str:
    if story is not None and story.rendered is not None and story.rendered.question:
        return story.rendered.question
    return "The plan is made by the executor here; `twinops render RUN` writes it as lines for people to type."


def _spent(story: Story | None) -> str:
    if story is None:
        return ""
    done = story.finished
    calls = f"{counted(done.model_calls, 'model calls')}, {counted(done.tool_calls, 'tool calls')}, " if done else ""
    model = "no model: runbook" if story.started.model == "runbook" else story.started.model
    return f"{calls}{duration(story.seconds)}; {model}"


def _said(turn: Turn) -> Utterance:
    role = turn.who if turn.who in _LETTERS else "code"
    return Utterance(
        seconds=turn.seconds,
        who=turn.who,
        role=role,
        letters=_LETTERS.get(turn.who, "{}"),
        kind=turn.kind,
        text=turn.text,
        folded=turn.folded,
        note=turn.note,
        untrusted="untrusted" in turn.folded,
    )
