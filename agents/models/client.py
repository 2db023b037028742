# ruff: noqa: ARG002 (AutoGen's interface has arguments that not every client needs)
"""The part of AutoGen's client interface that is the same for all of ours: one answer, in one piece."""

import hashlib
import json
from abc import abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self

from autogen_core import CancellationToken
from autogen_core.models import ChatCompletionClient, CreateResult, LLMMessage, ModelFamily, ModelInfo, RequestUsage
from autogen_core.tools import Tool, ToolSchema
from pydantic import BaseModel, JsonValue

from tools.box.pictures import Picture

NO_TOKENS = RequestUsage(prompt_tokens=0, completion_tokens=0)


@dataclass
class Usage(RequestUsage):
    """Tokens of one answer. `prompt_tokens` counts all that was read: new, read from the cache, written to it."""

    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    @classmethod
    def of(cls, usage: RequestUsage) -> Self:
        """Return any usage with cache figures, zero where it has none."""
        if isinstance(usage, cls):
            return usage
        return cls(usage.prompt_tokens, usage.completion_tokens)


class Answer(CreateResult):
    """An answer with what AutoGen has no place for.

    `stop` is the provider's own word for why it ended, `blocks` what must be sent back unchanged with its tool calls
    (thinking with its signature), `requests` how many requests it took, `model` what answered.
    """

    stop: str = ""
    blocks: tuple[JsonValue, ...] = ()
    requests: int = 1
    model: str = ""

    @classmethod
    def of(cls, result: CreateResult, model: str) -> Self:
        """Return any answer as one of these; `model` is who gave it where the answer does not say."""
        if isinstance(result, cls):
            return result if result.model else result.model_copy(update={"model": model})
        return cls.model_validate({**result.__dict__, "model": model})


def fingerprint(messages: Sequence[LLMMessage], tools: Sequence[Tool | ToolSchema]) -> str:
    """Return the hash of a whole request, every message and every tool schema, 16 hex digits."""
    schemas = [tool if isinstance(tool, dict) else tool.schema for tool in tools]
    whole = json.dumps([[message.model_dump(mode="json") for message in messages], schemas], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


_INFO = ModelInfo(
    vision=False, function_calling=True, json_output=False, family=ModelFamily.UNKNOWN, structured_output=False
)


class Request(NamedTuple):
    """One question to a model. `output` asks for JSON, of a shape if it is a model; `pictures` go with calls, by id.

    `on_request` names tools that are known to it without their schemas: a call to one is held to it all the same.
    """

    messages: Sequence[LLMMessage]
    tools: Sequence[ToolSchema] = ()
    tool_choice: str = "auto"  # auto, required, none, or a tool's name
    output: bool | type[BaseModel] | None = None
    extra: Mapping[str, Any] = {}
    pictures: Mapping[str, Picture] = {}
    on_request: frozenset[str] = frozenset()

    @property
    def offered(self) -> list[str]:
        """The names of the tools that may be called."""
        return [tool["name"] for tool in self.tools]


class Client(ChatCompletionClient):
    """A client that implements `reply` has everything AutoGen asks for."""

    @abstractmethod
    async def reply(self, request: Request, token: CancellationToken | None) -> CreateResult:
        """Answer one question; it is given up when the token is cancelled."""

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
        """Put the question into one value and return the reply."""
        schemas = [tool if isinstance(tool, dict) else tool.schema for tool in tools]
        choice = tool_choice if isinstance(tool_choice, str) else tool_choice.name
        extra = {name: value for name, value in extra_create_args.items() if name != _ON_REQUEST}
        known: frozenset[str] = extra_create_args.get(_ON_REQUEST, frozenset())
        request = Request(messages, schemas, choice, json_output, extra, on_request=known)
        return await self.reply(request, cancellation_token)

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

    def remember(self, calls: Sequence[str], blocks: Sequence[JsonValue]) -> None:
        """Keep what a recorded answer with these calls must be sent back with: here, nothing."""

    def passed(self, request: Request) -> None:
        """Take note of a request whose answer is on record already: here, nothing follows from it."""

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


async def asked(client: ChatCompletionClient, request: Request, token: CancellationToken | None) -> CreateResult:
    """Put a question to any client of AutoGen; a tool that is asked for by name is then one that is required."""
    choice = request.tool_choice
    ours = isinstance(client, Client)
    if request.pictures and ours:  # AutoGen has no place for them
        return await client.reply(request, token)
    known = {_ON_REQUEST: request.on_request} if request.on_request and ours else {}
    return await client.create(
        request.messages,
        tools=request.tools,
        tool_choice=choice if choice in ("auto", "none") else "required",
        json_output=request.output,
        extra_create_args={**request.extra, **known},
        cancellation_token=token,
    )


_ON_REQUEST = "tools on request"
"""Where a client of ours finds the tools on request among the arguments that AutoGen passes on."""
