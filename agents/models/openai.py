"""`openai:MODEL`: any server that speaks OpenAI's chat completions, streamed (extra `openai`).

OPENAI_BASE_URL names the server: Ollama, vLLM, llama.cpp; without it, OpenAI itself is asked and OPENAI_API_KEY is
needed. The SDK's own retries are off: they are ours.
"""

import os
from collections.abc import Mapping
from typing import Any, cast

import openai
from openai.types.chat import ChatCompletionChunk
from pydantic import BaseModel

from twin.errors import InputError

from . import openai_wire as wire
from .client import Answer, Request
from .conversation import Json
from .http import HttpProvider
from .limits import shared_guard
from .resilience import ResilientClient
from .settings import ModelSettings

KEY, ADDRESS = "OPENAI_API_KEY", "OPENAI_BASE_URL"
_HOST = "https://api.openai.com/v1"
_NO_KEY = "none"  # what a server on this machine is given: most want a key and take any
_Chunks = openai.AsyncStream[ChatCompletionChunk]


class OpenAIProvider(HttpProvider[openai.AsyncOpenAI]):
    """One model at one address. Raises `InputError` without a model's name, or without a key for OpenAI itself."""

    def __init__(self, model: str, settings: ModelSettings, environment: Mapping[str, str]) -> None:
        key, address = environment.get(KEY, ""), environment.get(ADDRESS) or _HOST
        if not key and address == _HOST:
            fix = f"export {KEY}=…, or export {ADDRESS}=http://localhost:11434/v1 for a server of your own"
            raise InputError(f"neither {KEY} nor {ADDRESS} is set", fix=fix)
        if not model:
            raise InputError("no model is named", fix="write openai:MODEL, for example openai:qwen3:8b")
        super().__init__(f"openai:{model}", address, key, settings)
        self._model, self._own = model, address != _HOST

    def open(self) -> openai.AsyncOpenAI:
        """Make the SDK's client with its retries off."""
        return openai.AsyncOpenAI(
            api_key=self._key or _NO_KEY,
            base_url=self.address,
            max_retries=0,
            timeout=openai.Timeout(self._settings.silence_s, connect=self._settings.connect_s),
        )

    async def send(self, client: openai.AsyncOpenAI, request: Request) -> Answer:
        """Send one request and read its stream to the end."""
        assembly = wire.Assembly({*request.offered, *request.on_request}, len(request.messages))
        stream = cast(_Chunks, await client.chat.completions.create(**self._parameters(request)))
        async with stream:
            async for chunk in stream:
                assembly.add(cast(Json, chunk.to_dict(mode="json", warnings=False)))
        return assembly.answer()

    def _parameters(self, request: Request) -> dict[str, Any]:
        parameters: dict[str, Any] = {
            "model": self._model,
            "messages": wire.conversation(request.messages, request.pictures),
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens" if self._own else "max_completion_tokens": self._settings.max_tokens,
        }
        if request.tools:
            named = {"type": "function", "function": {"name": request.tool_choice}}
            known = request.tool_choice in ("auto", "required", "none")
            parameters |= {"tools": wire.tools(request.tools), "tool_choice": request.tool_choice if known else named}
        if self._settings.effort is not None and not self._own:
            parameters["reasoning_effort"] = self._settings.effort
        if request.output:
            parameters["response_format"] = _format(request.output)
        return {**parameters, **request.extra}


def _format(output: bool | type[BaseModel]) -> Json:
    if isinstance(output, bool):
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": output.__name__, "schema": output.model_json_schema()}}


def make_client(
    model: str, settings: ModelSettings | None = None, environment: Mapping[str, str] | None = None
) -> ResilientClient:
    """Make the client of a model, with the limits that the process keeps for its server."""
    env = os.environ if environment is None else environment
    limits = settings or ModelSettings.from_environment(env)
    provider = OpenAIProvider(model, limits, env)
    return ResilientClient(provider, shared_guard(provider.address, limits), limits)
