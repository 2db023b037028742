"""What a procedure can see: the tools on offer and, of this turn, the task and every call with its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

from autogen_core.models import (
    AssistantMessage,
    FunctionExecutionResultMessage,
    LLMMessage,
    UserMessage,
)
from pydantic import JsonValue

from twin.files import parse_json

Json = dict[str, JsonValue]

ANSWERED = "The operator answered."
"""How the driver begins where a turn that asked goes on."""


class Call(NamedTuple):
    """The next tool to call."""

    tool: str
    arguments: Json


class Say(NamedTuple):
    """The closing words of a turn."""

    text: str


class Together(NamedTuple):
    """Tools to call in one answer: none needs what another gives."""

    calls: tuple[Call, ...]


Move = Call | Together | Say


class Exchange(NamedTuple):
    """One call of this turn and its answer; `answer` is empty when the tool gave an error."""

    tool: str
    answer: Json
    error: str


@dataclass(frozen=True)
class Conversation:
    """One turn so far."""

    offered: frozenset[str]
    exchanges: tuple[Exchange, ...]
    task: str = ""

    def offers(self, tool: str) -> bool:
        """Whether the role may call it and has not done so in this turn."""
        return tool in self.offered and all(x.tool != tool for x in self.exchanges)

    def answer(self, tool: str) -> Json:
        """Return the last good answer of a tool, empty if there is none."""
        found = (x.answer for x in reversed(self.exchanges) if x.tool == tool and not x.error)
        return next(found, Json())

    def error(self, tool: str) -> str:
        """Return what went wrong in the last call of a tool, empty if nothing did."""
        return next((x.error for x in reversed(self.exchanges) if x.tool == tool), "")


def read(messages: Sequence[LLMMessage], tools: Sequence[str]) -> Conversation:
    """Read the turn that began with the last message from the driver; one that waited for answers goes on with them."""
    said = [i for i, message in enumerate(messages) if isinstance(message, UserMessage)]
    last = begin = said[-1] if said else 0
    while said and str(messages[said.pop()].content).startswith(ANSWERED) and said:
        begin = said[-1]
    names: dict[str, str] = {}
    exchanges: list[Exchange] = []
    for message in messages[begin:]:
        if isinstance(message, AssistantMessage) and not isinstance(message.content, str):
            names |= {call.id: call.name for call in message.content}
        if isinstance(message, FunctionExecutionResultMessage):
            exchanges += [_exchange(names.get(x.call_id, x.name), x.content, bool(x.is_error)) for x in message.content]
    task = messages[last].content if messages else ""
    return Conversation(frozenset(tools), tuple(exchanges), task if isinstance(task, str) else "")


def items(answer: Mapping[str, JsonValue], key: str) -> list[Json]:
    """Return a list of objects of an answer, empty if it is not there."""
    found = answer.get(key)
    return [x for x in found if isinstance(x, dict)] if isinstance(found, list) else []


def number(answer: Mapping[str, JsonValue], key: str) -> float:
    """Return a number of an answer, 0 if it is not there."""
    found = answer.get(key)
    return float(found) if isinstance(found, int | float) else 0.0


def text(answer: Mapping[str, JsonValue], key: str) -> str:
    """Return a text of an answer, empty if it is not there."""
    found = answer.get(key)
    return found if isinstance(found, str) else ""


def _exchange(tool: str, content: str, failed: bool) -> Exchange:
    try:
        parsed = parse_json(content)
    except ValueError:
        parsed = {}
    answer = cast(Json, parsed) if isinstance(parsed, dict) else {}
    if failed:
        return Exchange(tool, {}, text(answer, "message") or content[:200] or "error")
    return Exchange(tool, answer, "")
