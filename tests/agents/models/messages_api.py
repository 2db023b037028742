"""Anthropic's Messages API as the loopback server speaks it: answers as events, and conversations back to AutoGen's."""

import json
import zlib
from collections.abc import Callable, Sequence
from typing import Any

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

USAGE = {
    "input_tokens": 100,
    "output_tokens": 1,
    "cache_read_input_tokens": 5_000,
    "cache_creation_input_tokens": 1_000,
}


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def text(words: str) -> Json:
    return {"type": "text", "text": words}


def use(tool: str, arguments: Json | str, call: str = "toolu_1") -> Json:
    return {"type": "tool_use", "id": call, "name": tool, "input": arguments}


def thinking(words: str, signature: str) -> Json:
    return {"type": "thinking", "thinking": words, "signature": signature}


def events(blocks: Sequence[Json], *, stop: str | None = None, usage: Json = USAGE) -> list[bytes]:
    """An answer as events; every block's text comes in two pieces. The input of a tool use may be raw text."""
    stop = stop or ("tool_use" if any(x["type"] == "tool_use" for x in blocks) else "end_turn")
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-test-1", "content": []}
    said = [event("message_start", message={**message, "stop_reason": None, "stop_sequence": None, "usage": usage})]
    said.append(event("ping"))
    for index, block in enumerate(blocks):
        said += _block(index, block)
    delta = {"stop_reason": stop, "stop_sequence": None}
    said.append(event("message_delta", delta=delta, usage={"output_tokens": 20}))
    return [*said, event("message_stop")]


def _block(index: int, block: Json) -> list[bytes]:
    kind = block["type"]
    if kind == "redacted_thinking":
        return [
            event("content_block_start", index=index, content_block=block),
            event("content_block_stop", index=index),
        ]
    empty = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}, "tool_use": {"input": {}}}[kind]
    deltas: list[Json] = []
    if kind == "text":
        deltas = [{"type": "text_delta", "text": piece} for piece in _halves(block["text"])]
    if kind == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _halves(block["thinking"])]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    if kind == "tool_use":
        written = block["input"] if isinstance(block["input"], str) else json.dumps(block["input"])
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *_halves(written))]
    return [
        event("content_block_start", index=index, content_block={**block, **empty}),
        *(event("content_block_delta", index=index, delta=delta) for delta in deltas),
        event("content_block_stop", index=index),
    ]


def _halves(words: str) -> tuple[str, str]:
    return words[: len(words) // 2], words[len(words) // 2 :]


def say(*blocks: Json, stop: str | None = None, usage: Json = USAGE) -> Reply:
    return Reply(chunks=tuple(events(blocks, stop=stop, usage=usage)))


def runbook(body: Json) -> Reply:
    """What the operating procedures would do, as a model over the Messages API would say it."""
    return say(*move(body))


def move(body: Json) -> list[Json]:
    messages = heard(body)
    following = next_move(messages, [tool["name"] for tool in body.get("tools", [])])
    if isinstance(following, Say):
        return [text(following.text)]
    role = zlib.crc32(json.dumps(body["tools"]).encode())
    calls = following.calls if isinstance(following, Together) else (following,)
    named = [f"toolu_{role}_{len(messages)}" + (f"_{k}" if k else "") for k in range(len(calls))]
    return [text("Next."), *(use(x.tool, x.arguments, name) for x, name in zip(calls, named, strict=True))]


def move_events(body: Json) -> list[bytes]:
    return events(move(body))


def heard(body: Json) -> list[LLMMessage]:
    """The conversation of a request as AutoGen's messages."""
    messages: list[LLMMessage] = []
    for turn in body["messages"]:
        blocks = [text(turn["content"])] if isinstance(turn["content"], str) else turn["content"]
        results = [x for x in blocks if x["type"] == "tool_result"]
        calls = [FunctionCall(x["id"], json.dumps(x["input"]), x["name"]) for x in blocks if x["type"] == "tool_use"]
        words = "\n".join(x["text"] for x in blocks if x["type"] == "text")
        if results:
            content = [
                FunctionExecutionResult(
                    content=_words(x["content"]), name="", call_id=x["tool_use_id"], is_error=x["is_error"]
                )
                for x in results
            ]
            messages.append(FunctionExecutionResultMessage(content=content))
        if turn["role"] == "assistant":
            messages.append(AssistantMessage(content=calls or words, source="model"))
        elif words:
            messages.append(UserMessage(content=words, source="driver"))
    return messages


def _words(content: str | list[Json]) -> str:
    return content if isinstance(content, str) else "".join(x.get("text", "") for x in content)


def in_order(*replies: Reply | Callable[[Json], Reply], then: Callable[[Json], Reply]) -> Callable[[Json], Reply]:
    """Give these replies first, one for each request, and then whatever `then` says."""
    left = list(replies)

    def answer(body: Json) -> Reply:
        if not left:
            return then(body)
        following = left.pop(0)
        return following if isinstance(following, Reply) else following(body)

    return answer
