"""OpenAI's chat completions as the loopback server speaks them, and as servers of local models bend them."""

import json
import zlib
from collections.abc import Sequence

from autogen_core import FunctionCall
from autogen_core.models import (
    AssistantMessage,
    FunctionExecutionResult,
    FunctionExecutionResultMessage,
    LLMMessage,
    UserMessage,
)

from agents.models.conversation import Say, Together
from agents.models.runbook import next_move
from tests.agents.models.loopback import Json, Reply

USAGE = {"prompt_tokens": 900, "completion_tokens": 30, "prompt_tokens_details": {"cached_tokens": 400}}


def chunk(delta: Json | None = None, *, finish: str | None = None, usage: Json | None = None) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    body = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "local-1", "choices": choices}
    return f"data: {json.dumps({**body, 'usage': usage} if usage else body)}\n\n".encode()


def said(words: str, *, finish: str | None = "stop") -> list[bytes]:
    half = len(words) // 2
    parts = [chunk({"role": "assistant", "content": words[:half]}), chunk({"content": words[half:]})]
    return _ended(parts, finish)


def called(calls: Sequence[Json], *, finish: str | None = "tool_calls") -> list[bytes]:
    """Calls as OpenAI streams them: a name and an id first, then the arguments in pieces."""
    parts = [chunk({"role": "assistant", "content": None})]
    for index, call in enumerate(calls):
        half = len(call["arguments"]) // 2
        head = {"index": index, "id": call["id"], "type": "function"}
        parts.append(chunk({"tool_calls": [{**head, "function": {"name": call["name"], "arguments": ""}}]}))
        pieces = (call["arguments"][:half], call["arguments"][half:])
        parts += [chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}) for piece in pieces]
    return _ended(parts, finish)


def deltas(*given: Json, finish: str | None = "tool_calls") -> list[bytes]:
    return _ended([chunk({"tool_calls": [delta]}) for delta in given], finish)


def _ended(parts: list[bytes], finish: str | None) -> list[bytes]:
    if finish is None:
        return parts
    return [*parts, chunk({}, finish=finish), chunk(usage=USAGE), b"data: [DONE]\n\n"]


def reply(parts: Sequence[bytes]) -> Reply:
    return Reply(chunks=tuple(parts))


def call(name: str, arguments: Json | str, number: str = "call_1") -> Json:
    return {"id": number, "name": name, "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments)}


def runbook(body: Json) -> Reply:
    """What the operating procedures would do, as a model over this protocol would say it."""
    messages = heard(body)
    following = next_move(messages, [tool["function"]["name"] for tool in body.get("tools", [])])
    if isinstance(following, Say):
        return reply(said(following.text))
    role = zlib.crc32(json.dumps(body["tools"]).encode())
    calls = following.calls if isinstance(following, Together) else (following,)
    named = [f"call_{role}_{len(messages)}" + (f"_{k}" if k else "") for k in range(len(calls))]
    return reply(called([call(x.tool, x.arguments, name) for x, name in zip(calls, named, strict=True)]))


def heard(body: Json) -> list[LLMMessage]:
    """The conversation of a request as AutoGen's messages."""
    messages: list[LLMMessage] = []
    for message in body["messages"]:
        if message["role"] == "tool":
            failed = message["content"].startswith('{"error"')
            result = FunctionExecutionResult(
                content=message["content"], name="", call_id=message["tool_call_id"], is_error=failed
            )
            messages.append(FunctionExecutionResultMessage(content=[result]))
        elif message["role"] == "assistant":
            calls = [
                FunctionCall(x["id"], x["function"]["arguments"], x["function"]["name"])
                for x in message.get("tool_calls") or []
            ]
            messages.append(AssistantMessage(content=calls or message["content"], source="model"))
        elif message["role"] == "user":
            messages.append(UserMessage(content=message["content"], source="driver"))
    return messages
