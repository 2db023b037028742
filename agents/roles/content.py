"""What was said to a model and what it said, in the shape that the tracing convention gives messages."""

import json
from collections.abc import Sequence

from autogen_core.models import (
    AssistantMessage,
    CreateResult,
    FunctionExecutionResultMessage,
    LLMMessage,
    SystemMessage,
    UserMessage,
)
from pydantic import JsonValue

Part = dict[str, JsonValue]


def input_messages(messages: Sequence[LLMMessage]) -> str:
    """Return a request as JSON: a role and parts per message."""
    return _json([_message(message) for message in messages])


def output_messages(result: CreateResult) -> str:
    """Return an answer as JSON, with why it ended."""
    parts: list[Part] = [_text(result.thought)] if result.thought else []
    parts += [_text(result.content)] if isinstance(result.content, str) else []
    if not isinstance(result.content, str):
        parts += [_call(x.id, x.name, x.arguments) for x in result.content]
    return _json([{"role": "assistant", "parts": list(parts), "finish_reason": result.finish_reason}])


def _message(message: LLMMessage) -> Part:
    match message:
        case SystemMessage():
            return _said("system", [_text(message.content)])
        case UserMessage():
            return _said("user", [_text(str(message.content))])
        case AssistantMessage(content=str(words)):
            return _said("assistant", [_text(words)])
        case AssistantMessage(content=list(calls)):
            return _said("assistant", [_call(x.id, x.name, x.arguments) for x in calls])
        case FunctionExecutionResultMessage():
            return _said("tool", [_response(x.call_id, x.content) for x in message.content])
        case _:
            return _said("user", [])


def _said(role: str, parts: Sequence[Part]) -> Part:
    return {"role": role, "parts": list(parts)}


def _response(call_id: str, content: str) -> Part:
    return {"type": "tool_call_response", "id": call_id, "response": content}


def _text(content: str) -> Part:
    return {"type": "text", "content": content}


def _call(call_id: str, name: str, arguments: str) -> Part:
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}


def _json(value: Sequence[Part]) -> str:
    return json.dumps(value, ensure_ascii=False)
