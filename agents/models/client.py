# ruff: noqa: ARG002 (AutoGen's interface has arguments that not every client needs)
"""The part of AutoGen's client interface that is the same for all of ours: one answer, in one piece."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Literal

from autogen_core import CancellationToken
from autogen_core.models import ChatCompletionClient, CreateResult, LLMMessage, ModelFamily, ModelInfo, RequestUsage
from autogen_core.tools import Tool, ToolSchema
from pydantic import BaseModel

NO_TOKENS = RequestUsage(prompt_tokens=0, completion_tokens=0)

_INFO = ModelInfo(
    vision=False, function_calling=True, json_output=False, family=ModelFamily.UNKNOWN, structured_output=False
)


class Client(ChatCompletionClient):
    """A client that implements `create` has everything AutoGen asks for."""

    async def create_stream(
        self,
        messages: Sequence[LLMMessage],
        *,
        tools: Sequence[Tool | ToolSchema] = (),
        tool_choice: Tool | Literal["auto", "required", "none"] = "auto",
        json_output: bool | type[BaseModel] | None = None,
        extra_create_args: Mapping[str, Any] = {},
        cancellation_token: CancellationToken | None = None,
    ) -> AsyncGenerator[str | CreateResult, None]:
        """Yield the whole answer at once."""
        yield await self.create(
            messages,
            tools=tools,
            tool_choice=tool_choice,
            json_output=json_output,
            extra_create_args=extra_create_args,
            cancellation_token=cancellation_token,
        )

    async def close(self) -> None:
        """Nothing is open."""

    def actual_usage(self) -> RequestUsage:
        """Return zero: usage is on the record of each call."""
        return NO_TOKENS

    def total_usage(self) -> RequestUsage:
        """Return zero: usage is on the record of each call."""
        return NO_TOKENS

    def count_tokens(self, messages: Sequence[LLMMessage], *, tools: Sequence[Tool | ToolSchema] = ()) -> int:
        """Estimate at four characters a token."""
        return sum(len(message.model_dump_json()) for message in messages) // 4

    def remaining_tokens(self, messages: Sequence[LLMMessage], *, tools: Sequence[Tool | ToolSchema] = ()) -> int:
        """Return a number that no conversation reaches."""
        return 1_000_000

    @property
    def capabilities(self) -> Any:  # noqa: ANN401 (AutoGen still asks every client for its deprecated type)
        """What it can do."""
        return self.model_info

    @property
    def model_info(self) -> ModelInfo:
        """What it can do."""
        return _INFO
