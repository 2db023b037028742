# ruff: noqa: ARG002 (a client takes everything that AutoGen passes)
"""Models with a character: each follows the runbook except where its character says otherwise."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from autogen_core import CancellationToken, FunctionCall
from autogen_core.models import CreateResult, FinishReasons, LLMMessage
from autogen_core.tools import Tool, ToolSchema
from pydantic import BaseModel

from agents.models import Model
from agents.models.client import NO_TOKENS, Client
from agents.models.conversation import Conversation, read
from agents.models.runbook import RunbookClient

Character = Callable[[Conversation, list[str]], CreateResult | None]


def says(text: str) -> CreateResult:
    return CreateResult(finish_reason="stop", content=text, usage=NO_TOKENS, cached=False)


def calls(tool: str, *, finish: FinishReasons = "function_calls", **arguments: object) -> CreateResult:
    call = FunctionCall(id=f"odd-{tool}", name=tool, arguments=json.dumps(arguments))
    return CreateResult(finish_reason=finish, content=[call], usage=NO_TOKENS, cached=False)


class Actor(Client):
    """Asks its character first and the runbook otherwise."""

    def __init__(self, character: Character) -> None:
        self._character, self._runbook = character, RunbookClient()

    async def create(
        self,
        messages: Sequence[LLMMessage],
        *,
        tools: Sequence[Tool | ToolSchema] = (),
        tool_choice: Tool | Literal["auto", "required", "none"] = "auto",
        json_output: bool | type[BaseModel] | None = None,
        extra_create_args: Mapping[str, Any] = {},
        cancellation_token: CancellationToken | None = None,
    ) -> CreateResult:
        names = [tool["name"] if isinstance(tool, dict) else tool.name for tool in tools]
        odd = self._character(read(messages, names), names)
        return odd or await self._runbook.create(messages, tools=tools)


def model(character: Character) -> Model:
    return Model("test", "actor", Actor(character))
