"""`anthropic:MODEL`: Claude over the Messages API, streamed. The one module that imports the SDK.

The key comes from ANTHROPIC_API_KEY alone, the address from ANTHROPIC_BASE_URL. The SDK's own retries and spans are
off, and no trace context is sent: both are ours. Prompt, tools and the last two turns are cached by the provider.
"""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import anthropic
from pydantic import BaseModel, JsonValue

from twin.errors import InputError

from . import anthropic_wire as wire
from .client import Answer
from .conversation import Json
from .failures import from_error
from .limits import shared_guard
from .resilience import Request, ResilientClient
from .settings import ModelSettings

KEY, ADDRESS = "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"
_HOST = "https://api.anthropic.com"
_Events = anthropic.AsyncStream[anthropic.types.RawMessageStreamEvent]
_JSON_ONLY = "Answer with one JSON object and nothing else."


class AnthropicProvider:
    """One model of one account. Raises `InputError` without a key or a model's name."""

    def __init__(self, model: str, settings: ModelSettings, environment: Mapping[str, str]) -> None:
        self._key = environment.get(KEY, "")
        if not self._key:
            raise InputError(f"{KEY} is not set", fix=f"export {KEY}=…, or use --model runbook")
        if not model:
            raise InputError("no model is named", fix="write anthropic:MODEL, for example anthropic:claude-sonnet-5")
        self.name = f"anthropic:{model}"
        self.address = environment.get(ADDRESS) or _HOST
        self._model, self._settings = model, settings
        self._memory: dict[tuple[str, ...], tuple[JsonValue, ...]] = {}
        self._client: anthropic.AsyncAnthropic | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asking = 0

    async def ask(self, request: Request) -> Answer:
        """Send one request and read its stream to the end."""
        parameters, assembly = self._parameters(request), wire.Assembly()
        self._asking += 1
        try:
            stream = cast(_Events, await self._connected().messages.create(**parameters))
            async with stream:
                async for event in stream:
                    assembly.add(cast(Json, event.to_dict(mode="json")))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            raise from_error(error, now=datetime.now(UTC), secrets=(self._key,)) from None
        finally:
            self._asking -= 1
        answer = assembly.answer()
        if calls := wire.uses(answer.blocks):
            self.remember(calls, answer.blocks)
        return answer

    def remember(self, calls: Sequence[str], blocks: Sequence[JsonValue]) -> None:
        """Keep the blocks of an answer: thinking must be sent back with its signature, before its calls' results."""
        if blocks:
            self._memory[tuple(calls)] = tuple(blocks)

    async def close(self) -> None:
        """Close the connections, unless another run is asking over them: then it will close them at its own end."""
        if self._asking:
            return
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.close()

    def _connected(self) -> anthropic.AsyncAnthropic:
        """Return the SDK's client of this event loop: its connections cannot be shared with another."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            limits = self._settings
            self._loop = loop
            self._client = anthropic.AsyncAnthropic(
                api_key=self._key,
                base_url=self.address,
                max_retries=0,
                timeout=anthropic.Timeout(limits.silence_s, connect=limits.connect_s),
                open_telemetry={"propagation": False, "traces": False},
            )
        return self._client

    def _parameters(self, request: Request) -> dict[str, Any]:
        parameters: dict[str, Any] = {
            "model": self._model,
            "max_tokens": self._settings.max_tokens,
            "messages": wire.conversation(request.messages, self._memory),
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
