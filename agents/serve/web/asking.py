"""The one box for questions: written ones are answered by the twin, words by the room's model where it has one."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from starlette.responses import RedirectResponse, Response

from agents.goals.questions import FORMS, PLAIN, read_question
from agents.goals.types import Question
from agents.serve.board import incident_id
from agents.serve.watch import Look
from agents.show.answers_in_words import Reply
from agents.show.answers_in_words import answer as answer_of
from twin.elements import find_element
from twin.errors import InputError, TwinError

from .app import Asked, Console

_RUNBOOK = "runbook"


class Answered(NamedTuple):
    """What came of a question: sentences, numbers in them that no tool gave, or why there is no answer."""

    sentences: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    error: str = ""
    by: str = ""
    words: bool = False  # whether it takes a model


def ask(console: Console, asked: Asked) -> Response:
    """One question, answered by the twin; the name of an incident or an element leads there."""
    text, look = asked.query.get("q", "").strip()[:500], console.room.watch.latest
    if incident_id(text) in console.room.board.incidents:
        return RedirectResponse(f"/incidents/{incident_id(text)}", 303)
    if not text or look is None:
        return _page(console, asked, text, Answered())
    try:
        inquiry = read_question(text, look.network, now=look.now)
    except TwinError as error:
        return _page(console, asked, text, Answered(error=str(error)))
    if not isinstance(inquiry, Question):
        return _page(console, asked, text, _by_twin(lambda: answer_of(inquiry, look.run_state)))
    try:
        return RedirectResponse(f"/what-if?fail={find_element(look.network, text)}", 303)
    except TwinError:
        words = inquiry.code == PLAIN
        error = "" if words and _model(console) else _unanswered(inquiry)
        return _page(console, asked, text, Answered(error=error, words=words))


def ask_model(console: Console, asked: Asked) -> Response:
    """Put a question in words to the room's model, which asks the twin's tools."""
    text, look, model = asked.text("q", 500).strip(), console.room.watch.latest, _model(console)
    if not text or look is None or not model:
        raise InputError("there is nothing to ask, or no model to ask", fix="name a model in room.toml")
    console.room.audit(asked.visitor.name, f"asked {model}: {text[:200]}")
    answered = _by_twin(lambda: _from_model(model, text, look))
    return _page(console, asked, text, answered._replace(by=model, words=bool(answered.error)))


def _by_twin(work: Callable[[], Reply]) -> Answered:
    try:
        reply = work()
    except TwinError as error:
        return Answered(error=f"{error}{f' ({error.fix})' if error.fix else ''}")
    return Answered(reply.sentences, tuple(x.words for x in reply.unsupported))


def _from_model(model: str, text: str, look: Look) -> Reply:
    from agents.models import resolve
    from agents.roles.analyst import answer_with

    return asyncio.run(answer_with(resolve(model).client, text, look.run_state))


def _model(console: Console) -> str:
    """The model that answers words, empty where the room has none."""
    model = console.room.settings.model
    return "" if model == _RUNBOOK else model


def _unanswered(question: Question) -> str:
    if question.code == PLAIN:
        near = f" The closest written question is: {question.choices[0]}" if question.choices else ""
        return f"Plain words are answered by a model, and this room has none: `model` in room.toml names one.{near}"
    return question.question


def _page(console: Console, asked: Asked, text: str, answered: Answered) -> Response:
    values = {"text": text, "answered": answered, "model": _model(console), "forms": FORMS}
    return console.page("ask", asked, "Ask", **values)
