"""Answering a question with a model: it chooses among the tools for questions, and words the answer."""

import json
from collections.abc import Sequence
from typing import Any, cast

from autogen_core.models import (
    AssistantMessage,
    ChatCompletionClient,
    FunctionExecutionResult,
    FunctionExecutionResultMessage,
    LLMMessage,
    SystemMessage,
    UserMessage,
)
from pydantic import JsonValue

import prompts
from agents.models.answer import legible
from agents.show.answers_in_words import RIGHTS, Called, Reply, checked
from tools.box.registry import Toolbox
from tools.box.run_state import RunState
from tools.questions import QUESTIONS
from twin.errors import BudgetError, InputError
from twin.files import parse_json

from .context import TOKENS, window
from .workbench import tool_schema

CALLS = 8  # model calls for one question


async def answer_with(client: ChatCompletionClient, question: str, run_state: RunState) -> Reply:
    """Let a model answer a question; every number of its answer is held against what the tools gave it.

    Raises `BudgetError` when it has not answered after `CALLS` calls, `InputError` when it answered without any tool,
    and what the client raises.
    """
    toolbox = Toolbox(run_state, QUESTIONS, RIGHTS)
    task = json.dumps({"network": run_state.inventory.name, "question": question}, ensure_ascii=False)
    messages: list[LLMMessage] = [
        SystemMessage(content=prompts.prompt("analyst")),
        UserMessage(content=task, source="driver"),
    ]
    calls: list[Called] = []
    for _ in range(CALLS):
        result = legible(await client.create(window(messages, TOKENS), tools=[tool_schema(tool) for tool in QUESTIONS]))
        if isinstance(result.content, str):
            if not calls:
                raise InputError(f"no tool answers that: {' '.join(result.content.split())[:300]}", fix="ask otherwise")
            return checked([" ".join(result.content.split())], calls, run_state.policy)
        if result.finish_reason not in ("function_calls", "stop"):
            raise InputError("the model's answer was cut off", fix="ask a smaller question")
        messages.append(AssistantMessage(content=result.content, source="analyst"))
        messages.append(await _results(toolbox, result.content, calls))
    raise BudgetError(f"no answer after {CALLS} model calls", fix="ask a smaller question")


async def _results(toolbox: Toolbox, asked: Sequence[Any], calls: list[Called]) -> FunctionExecutionResultMessage:
    found: list[FunctionExecutionResult] = []
    for call in asked:
        arguments = _parsed(call.arguments)
        answered = await toolbox.call("analyst", call.name, arguments, call_id=call.id)
        if answered.ok:
            given = arguments if isinstance(arguments, dict) else {}
            calls.append(Called(tool=call.name, arguments=given, result=cast(JsonValue, json.loads(answered.content))))
        found.append(
            FunctionExecutionResult(content=answered.content, name=call.name, call_id=call.id, is_error=not answered.ok)
        )
    return FunctionExecutionResultMessage(content=found)


def _parsed(arguments: str) -> JsonValue:
    try:
        return parse_json(arguments or "{}")
    except ValueError:
        return arguments
