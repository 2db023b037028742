"""What a role may say to people: a question with choices, and advice about an element that is on record."""

from typing import Annotated, Literal

from pydantic import Field

from twin.errors import InputError, RefusedError, UnknownElementError
from twin.faults import TELEMETRY_KINDS
from twin.model import Frozen

from .arguments import Element
from .box.handover import MAX_EXPLANATION, Advice, AdviceAction, Opinion, Question
from .box.run_state import RunState
from .telemetry import newest_events

MOST_QUESTIONS, MOST_ADVICE = 3, 6

Choice = Annotated[str, Field(min_length=1, max_length=120)]


class Asked(Frozen):
    """A question that was put to the operator."""

    id: str
    note: Literal["asked; the answer opens your next turn"]


def ask_operator(
    run_state: RunState,
    question: Annotated[str, Field(min_length=1, max_length=400, description="One sentence.")],
    choices: Annotated[tuple[Choice, ...], Field(min_length=2, max_length=5)],
    default: Annotated[str, Field(max_length=120, description="The choice that is safe without an answer.")],
    minutes: Annotated[int, Field(ge=1, le=240, description="Until the default is taken.")] = 15,
) -> Asked:
    """Ask the person on call what no tool can tell; your turn ends, and goes on with the choice that was made."""
    if default not in choices:
        raise InputError(f"the default {default!r} is none of the choices", fix="repeat one of them")
    for past in run_state.questions:
        if past.text == question and past.id in run_state.answers:
            raise RefusedError(f"that was answered before: {run_state.answers[past.id]}", fix="go on with that answer")
    if len(run_state.questions) >= MOST_QUESTIONS:
        raise RefusedError(f"{MOST_QUESTIONS} questions were asked already", fix="conclude with what you know")
    asked = Question(
        id=f"q{len(run_state.questions) + 1}", text=question, choices=choices, default=default, minutes=minutes
    )
    run_state.questions = (*run_state.questions, asked)
    return Asked(id=asked.id, note="asked; the answer opens your next turn")


def recommend(
    run_state: RunState,
    action: AdviceAction,
    element: Element,
    why: Annotated[str, Field(min_length=1, max_length=MAX_EXPLANATION)],
    documents: Annotated[tuple[str, ...], Field(max_length=4, description="Ids of what it rests on.")] = (),
) -> Advice:
    """Advise people to do something that no plan can; about an element that is on record."""
    run_state.inventory_element(element)
    grounded = grounds(run_state)
    if element not in grounded:
        raise RefusedError(
            f"nothing on record is filed under {element}",
            fix=f"name one of {', '.join(sorted(grounded)[:8]) or 'none'}",
        )
    _require_documents(run_state, documents)
    advice = Advice(action=action, element=element, why=why, documents=documents)
    if advice not in run_state.advice and len(run_state.advice) >= MOST_ADVICE:
        raise RefusedError(f"{MOST_ADVICE} things were advised already", fix="conclude")
    others = tuple(x for x in run_state.advice if (x.action, x.element) != (action, element))
    run_state.advice = (*others, advice)
    return advice


def advise(
    run_state: RunState,
    objection: Annotated[
        Literal["none", "ask a person", "reject"],
        Field(description="reject sends the submitted plan back; ask a person makes it wait for approval."),
    ],
    reasons: Annotated[str, Field(min_length=1, max_length=MAX_EXPLANATION, description="What was found, in figures.")],
) -> Opinion:
    """Say what you found as an adviser: it may hold a plan back or ask for a person, and can approve nothing."""
    run_state.opinion = Opinion(objection=objection, reasons=reasons)
    return run_state.opinion


def grounds(run_state: RunState) -> frozenset[str]:
    """The elements that advice may be about: values of the twin and of systems of record, never words of a text."""
    symptoms = run_state.incident.symptoms if run_state.incident else ()
    faults = run_state.diagnosis.faults if run_state.diagnosis else ()
    kept = {x.element for x in symptoms} | {x.element for x in run_state.documents if x.element}
    struck = {y for x in faults if x.kind not in TELEMETRY_KINDS for y in (x.element, x.target) if y}
    logged = {f"node/{x.node}" for x in newest_events(run_state)} if run_state.observation else set[str]()
    return frozenset(kept | struck | {x.element for x in faults} | logged)


def _require_documents(run_state: RunState, documents: tuple[str, ...]) -> None:
    known = {x.id for x in run_state.documents}
    unknown = next((x for x in documents if x not in known), None)
    if unknown is not None:
        raise UnknownElementError("document", unknown, known)
