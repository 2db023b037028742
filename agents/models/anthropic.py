"""`anthropic:MODEL`: Claude over the Messages API, streamed. The one module that imports the SDK.

The key comes from ANTHROPIC_API_KEY alone, the address from ANTHROPIC_BASE_URL. The SDK's own retries and spans are
off, and no trace context is sent: both are ours. Prompt, tools and the last two turns are cached by the provider.
"""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, cast

import anthropic
from pydantic import BaseModel, JsonValue

from twin.errors import InputError

from . import anthropic_wire as wire
from .client import Answer, Request
from .conversation import Json
from .http import HttpProvider
from .limits import shared_guard
from .resilience import ResilientClient
from .settings import ModelSettings

KEY, ADDRESS = "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"
_HOST = "https://api.anthropic.com"
_Events = anthropic.AsyncStream[anthropic.types.RawMessageStreamEvent]
_JSON_ONLY = "Answer with one JSON object and nothing else."


class AnthropicProvider(HttpProvider[anthropic.AsyncAnthropic]):
    """One model of one account. Raises `InputError` without a key or a model's name."""

    def __init__(self, model: str, settings: ModelSettings, environment: Mapping[str, str]) -> None:
        key = environment.get(KEY, "")
        if not key:
            raise InputError(f"{KEY} is not set", fix=f"export {KEY}=…, or use --model runbook")
        if not model:
            raise InputError("no model is named", fix="write anthropic:MODEL, for example anthropic:claude-sonnet-5")
        super().__init__(f"anthropic:{model}", environment.get(ADDRESS) or _HOST, key, settings)
        self._model = model
        self._memory: dict[tuple[str, ...], tuple[JsonValue, ...]] = {}

    def open(self) -> anthropic.AsyncAnthropic:
        """Make the SDK's client: its retries and spans are off, and no trace context leaves."""
        return anthropic.AsyncAnthropic(
            api_key=self._key,
            base_url=self.address,
            max_retries=0,
            timeout=anthropic.Timeout(self._settings.silence_s, connect=self._settings.connect_s),
            open_telemetry={"propagation": False, "traces": False},
        )

    async def send(self, client: anthropic.AsyncAnthropic, request: Request) -> Answer:
        """Send one request and read its stream to the end.

        Newer models bind thinking to its conversation. When the window has left something out since, the API may not
        take it back: it is then forgotten, once, and the request goes without it.
        """
        try:
            return await self._streamed(client, request)
        except anthropic.BadRequestError as error:
            if not self._memory or not any(word in str(error).lower() for word in ("thinking", "signature")):
                raise
            self._memory.clear()
            return await self._streamed(client, request)

    async def _streamed(self, client: anthropic.AsyncAnthropic, request: Request) -> Answer:
        assembly = wire.AnthropicAssembly()
        stream = cast(_Events, await client.messages.create(**self._parameters(request)))
        async with stream:
            async for event in stream:
                assembly.add(cast(Json, event.to_dict(mode="json", warnings=False)))
        answer = assembly.answer()
        if calls := wire.uses(answer.blocks):
            self.remember(calls, answer.blocks)
        return answer

    def remember(self, calls: Sequence[str], blocks: Sequence[JsonValue]) -> None:
        """Keep the blocks of an answer: thinking must be sent back with its signature, before its calls' results."""
        if blocks:
            self._memory[tuple(calls)] = tuple(blocks)

    def _parameters(self, request: Request) -> dict[str, Any]:
        parameters: dict[str, Any] = {
            "model": self._model,
            "max_tokens": self._settings.max_tokens,
            "messages": wire.conversation(request.messages, self._memory, request.pictures),
            "system": wire.system(request.messages),
            "stream": True,
        }
        if request.tools:
            parameters |= {"tools": wire.tools(request.tools), "tool_choice": _choice(request.tool_choice)}
        if self._settings.thinking is not None:
            parameters["thinking"] = {"type": self._settings.thinking}
        output = self._output(request.output)
        if output:
            parameters["output_config"] = output
        if request.output is True:
            parameters["system"] = [*parameters["system"], {"type": "text", "text": _JSON_ONLY}]
        if not parameters["system"]:
            del parameters["system"]
        return {**parameters, **request.extra}

    def _output(self, output: bool | type[BaseModel] | None) -> Json:
        wanted: Json = {"effort": self._settings.effort} if self._settings.effort else {}
        if output is None or isinstance(output, bool):
            return wanted
        schema = json.loads(json.dumps(anthropic.transform_schema(output)))
        return {**wanted, "format": {"type": "json_schema", "schema": schema}}


def _choice(choice: str) -> Json:
    if choice in ("auto", "none"):
        return {"type": choice}
    return {"type": "any"} if choice == "required" else {"type": "tool", "name": choice}


def make_client(
    model: str, settings: ModelSettings | None = None, environment: Mapping[str, str] | None = None
) -> ResilientClient:
    """Make the client of a model, with the limits that the process keeps for this provider."""
    env = os.environ if environment is None else environment
    limits = settings or ModelSettings.from_environment(env)
    provider = AnthropicProvider(model, limits, env)
    return ResilientClient(provider, shared_guard(provider.address, limits), limits)
