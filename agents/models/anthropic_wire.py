"""The Messages API's side of a conversation: AutoGen's messages to blocks, and a stream of events to one answer.

Blocks are built here and not by the SDK because its own assembly reads cut-off JSON as if it were whole.
"""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import cast

from autogen_core import FunctionCall
from autogen_core.models import (
    AssistantMessage,
    FinishReasons,
    FunctionExecutionResultMessage,
    LLMMessage,
    SystemMessage,
    UserMessage,
)
from autogen_core.tools import ToolSchema
from pydantic import JsonValue

from tools.box.pictures import Picture
from twin.errors import InputError

from .answer import plain, read_arguments
from .client import Answer, Usage
from .conversation import Json
from .failures import CallError

Memory = Mapping[tuple[str, ...], Sequence[JsonValue]]

FINISH: Mapping[str, FinishReasons] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "function_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
"""What each stop reason means to AutoGen. All others are *unknown*, `pause_turn` too: no server tool is used."""

_CACHED: JsonValue = {"type": "ephemeral"}
_GO_ON = "Go on."
_MISSING = "The call was not made."
_PLAIN = ("text", "tool_use")
_TEXTS = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


def system(messages: Sequence[LLMMessage]) -> list[JsonValue]:
    """Return the prompt as one block that is cached."""
    words = "\n\n".join(message.content for message in messages if isinstance(message, SystemMessage))
    return [{"type": "text", "text": plain(words), "cache_control": _CACHED}] if words.strip() else []


def tools(schemas: Sequence[ToolSchema]) -> list[JsonValue]:
    """Return the tools; the last one marks the end of what is cached."""
    written: list[JsonValue] = [
        {
            "name": schema["name"],
            "description": schema.get("description", ""),
            "input_schema": cast(JsonValue, schema.get("parameters", {"type": "object", "properties": {}})),
        }
        for schema in schemas
    ]
    if written:
        cast(Json, written[-1])["cache_control"] = _CACHED
    return written


def conversation(
    messages: Sequence[LLMMessage], memory: Memory, pictures: Mapping[str, Picture] = MappingProxyType({})
) -> list[Json]:
    """Return the turns: user and assistant in alternation, every call with its result, the last two turns cached.

    `memory` holds, by call ids, the blocks that an answer came in: they go back as they were, thinking with its
    signature included. `pictures` stand in the results of their calls. Calls without a result and results without a
    call, which the API refuses, are repaired.
    """
    turns: list[Json] = []
    for message in messages:
        if isinstance(message, UserMessage):
            _add(turns, "user", [_text(_words(message))])
        elif isinstance(message, AssistantMessage):
            _add(turns, "assistant", _said(message, memory))
        elif isinstance(message, FunctionExecutionResultMessage):
            results = [_result(x.call_id, x.content, bool(x.is_error)) for x in message.content]
            _add(turns, "user", [_pictured(x, pictures) for x in results])
    _repair(turns)
    for turn in [turn for turn in turns if turn["role"] == "user"][-2:]:
        cast(list[Json], turn["content"])[-1]["cache_control"] = _CACHED
    return turns


def _words(message: UserMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    if not all(isinstance(part, str) for part in message.content):
        raise InputError("pictures cannot be sent to a model", fix="describe them in words")
    return "\n".join(str(part) for part in message.content)


def _text(words: str) -> Json:
    return {"type": "text", "text": plain(words) if words.strip() else "(nothing)"}


def _result(call: str, content: str, failed: bool) -> Json:
    return {"type": "tool_result", "tool_use_id": call, "content": plain(content), "is_error": failed}


def _pictured(result: Json, pictures: Mapping[str, Picture]) -> Json:
    picture = pictures.get(str(result["tool_use_id"]))
    if picture is None:
        return result
    data = base64.b64encode(picture.png).decode()
    image: JsonValue = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    return {**result, "content": [{"type": "text", "text": result["content"]}, image]}


def _said(message: AssistantMessage, memory: Memory) -> list[Json]:
    if isinstance(message.content, str):
        return [_text(message.content)]
    known = memory.get(tuple(call.id for call in message.content))
    if known is not None:
        return [dict(cast(Json, block)) for block in known]
    uses: list[Json] = [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": _input(call.arguments)}
        for call in message.content
    ]
    return [_text(message.thought), *uses] if message.thought and message.thought.strip() else uses


def _input(arguments: str) -> JsonValue:
    try:
        return read_arguments(arguments)
    except InputError:
        return {"unreadable_arguments": plain(arguments[:200])}


def _add(turns: list[Json], role: str, blocks: list[Json]) -> None:
    if turns and turns[-1]["role"] == role:
        cast(list[Json], turns[-1]["content"]).extend(blocks)
    else:
        turns.append({"role": role, "content": cast(JsonValue, blocks)})


def _repair(turns: list[Json]) -> None:
    """Make the turns what the API takes: begun and ended by the user, and calls paired with results."""
    if not turns or turns[0]["role"] != "user":
        turns.insert(0, {"role": "user", "content": [_text(_GO_ON)]})
    if turns[-1]["role"] != "user":
        turns.append({"role": "user", "content": [_text(_GO_ON)]})
    for before, turn in zip([None, *turns], turns, strict=False):
        if turn["role"] == "user":
            called = _calls(before) if before is not None else []
            turn["content"] = cast(JsonValue, _paired(called, cast(list[Json], turn["content"])))


def _calls(turn: Json) -> list[str]:
    return [str(block["id"]) for block in cast(list[Json], turn["content"]) if block["type"] == "tool_use"]


def _paired(called: Sequence[str], blocks: Sequence[Json]) -> list[Json]:
    """Return results first, one for each call in its order; a result that no call asked for becomes text."""
    results = {str(x["tool_use_id"]): x for x in blocks if x["type"] == "tool_result"}
    paired = [results.pop(call, None) or _result(call, _MISSING, failed=True) for call in called]
    orphans = [_text(f"Result of an earlier call: {_told(x['content'])}") for x in results.values()]
    return [*paired, *orphans, *(x for x in blocks if x["type"] != "tool_result")]


def _told(content: JsonValue) -> str:
    return str(cast(list[Json], content)[0]["text"] if isinstance(content, list) else content)


class AnthropicAssembly:
    """One answer, put together from the events of its stream."""

    def __init__(self) -> None:
        self._blocks: dict[int, Json] = {}
        self._written: dict[int, list[str]] = {}
        self._open: set[int] = set()
        self._usage: Json = {}
        self._stop, self._model, self._ended = "", "", False

    def add(self, event: Json) -> None:
        """Take the next event. Raises `KeyError`, `TypeError` or `ValueError` for one that has no sense."""
        match event["type"]:
            case "message_start":
                message = cast(Json, event["message"])
                self._model = str(message.get("model", ""))
                self._usage |= cast(Json, message.get("usage") or {})
            case "content_block_start":
                index = cast(int, event["index"])
                self._blocks[index] = dict(cast(Json, event["content_block"]))
                self._written[index] = []
                self._open.add(index)
            case "content_block_delta":
                self._extend(cast(int, event["index"]), cast(Json, event["delta"]))
            case "content_block_stop":
                self._open.remove(cast(int, event["index"]))
            case "message_delta":
                self._stop = str(cast(Json, event["delta"]).get("stop_reason") or self._stop)
                given = cast(Json, event.get("usage") or {})
                self._usage |= {key: value for key, value in given.items() if value is not None}
            case "message_stop":
                self._ended = True
            case _:  # pings, and what may come in future
                pass

    def _extend(self, index: int, delta: Json) -> None:
        kind, block = str(delta["type"]), self._blocks[index]
        if kind == "input_json_delta":
            self._written[index].append(str(delta["partial_json"]))
        elif field := _TEXTS.get(kind):
            block[field] = str(block.get(field) or "") + str(delta[field])

    def answer(self) -> Answer:
        """Return the whole answer. Raises `CallError` when the stream ended before it did."""
        if not self._ended or self._open or not self._stop:
            raise CallError("truncated", "the stream ended before the answer did")
        blocks = [self._finished(index) for index in sorted(self._blocks)]
        calls = [
            FunctionCall(id=str(block["id"]), name=str(block["name"]), arguments=self._arguments(index))
            for index, block in sorted(self._blocks.items())
            if block["type"] == "tool_use"
        ]
        words = "\n".join(str(block["text"]) for block in blocks if block["type"] == "text")
        return Answer(
            finish_reason=FINISH.get(self._stop, "unknown"),
            content=calls or words,
            usage=self._used(),
            cached=False,
            thought=words if calls and words.strip() else None,
            stop=self._stop,
            blocks=tuple(blocks) if calls and any(x["type"] not in _PLAIN for x in blocks) else (),
            model=self._model,
        )

    def _arguments(self, index: int) -> str:
        return "".join(self._written[index]) or json.dumps(self._blocks[index].get("input") or {})

    def _finished(self, index: int) -> Json:
        block = self._blocks[index]
        return {**block, "input": _input(self._arguments(index))} if block["type"] == "tool_use" else block

    def _used(self) -> Usage:
        def count(name: str) -> int:
            value = self._usage.get(name)
            return value if isinstance(value, int) else 0

        read, written = count("cache_read_input_tokens"), count("cache_creation_input_tokens")
        return Usage(count("input_tokens") + read + written, count("output_tokens"), read, written)


def uses(blocks: Iterable[JsonValue]) -> tuple[str, ...]:
    """Return the call ids in an answer's blocks."""
    return tuple(str(x["id"]) for x in blocks if isinstance(x, dict) and x.get("type") == "tool_use")
