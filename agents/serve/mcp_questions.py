"""Questions to the person behind a caller: elicitation, as the Model Context Protocol has it in both its eras."""

from mcp import types
from mcp.server.context import ServerRequestContext

from agents.goals import Question
from twin.untrusted import clean

_FIELD = "choice"
_ANOTHER_CALL = "2026-07-28"
"""From this version on a server does not call back: it says what to ask, and is called again with the answer."""


def can_ask(context: ServerRequestContext[dict[str, object]]) -> bool:
    """Whether the caller can put a form to a person, and be told to."""
    told = context.session.client_capabilities
    elicits = told.elicitation if told is not None else None
    able = elicits is not None and (elicits.form is not None or elicits.url is None)
    return able and (needs_another_call(context) or context.session.can_send_request)


def needs_another_call(context: ServerRequestContext[dict[str, object]]) -> bool:
    """Whether the answer comes with another call."""
    return context.protocol_version >= _ANOTHER_CALL


def form_of(question: Question) -> tuple[str, dict[str, object]]:
    """The words of a question, and the form that its choices make."""
    choices = [clean(x, 200) for x in question.choices]
    form: dict[str, object] = {
        "type": "object",
        "properties": {_FIELD: {"type": "string", "title": "Which is meant?", "enum": choices}},
        "required": [_FIELD],
    }
    return clean(question.question, 600), form


def asked_about(question: Question) -> types.ElicitRequest:
    """The same as a request that the caller puts to a person."""
    words, form = form_of(question)
    return types.ElicitRequest(params=types.ElicitRequestFormParams(message=words, requested_schema=form))


def choice_of(answer: object, question: Question) -> str | None:
    """What somebody chose: one of the choices and nothing else; None where they declined."""
    if not isinstance(answer, types.ElicitResult) or answer.action != "accept":
        return None
    chosen = (answer.content or {}).get(_FIELD)
    return next((x for x in question.choices if clean(x, 200) == chosen), None)
