"""What one model call costs in our own code: `python -m tests.benchmarks.model_calls`.

Each row is the same call through one more layer, against a provider that answers at once; then over HTTP on loopback,
against the SDK alone. Medians in milliseconds, by the length of the conversation.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anthropic
from autogen_core import FunctionCall
from autogen_core.models import (
    AssistantMessage,
    FunctionExecutionResult,
    FunctionExecutionResultMessage,
    LLMMessage,
    SystemMessage,
    UserMessage,
)
from autogen_core.tools import ToolSchema
from opentelemetry.sdk.trace import TracerProvider

import prompts
from agents.models import Model
from agents.models.anthropic import make_client
from agents.models.anthropic_wire import conversation, system, tools
from agents.models.client import NO_TOKENS, Answer, Client, Request
from agents.models.limits import RequestGuard
from agents.models.resilience import ResilientClient
from agents.models.settings import ModelSettings
from agents.record.journal import Journal
from agents.roles.chat import RoleClient, Session
from agents.roles.contracts import CONTRACTS
from tests.agents.models import messages_api as api
from tests.agents.models.loopback import loopback
from tools.box.registry import Tool
from tools.catalogue import TOOLS

ROUNDS = 300
CONTRACT = CONTRACTS["verification"]
ANSWER = Answer(
    finish_reason="function_calls",
    content=[FunctionCall("1", "{}", "verify_plan")],
    usage=NO_TOKENS,
    cached=False,
    stop="tool_use",
)
Asking = Callable[[Sequence[LLMMessage], Sequence[ToolSchema]], Awaitable[Any]]


class AtOnce(Client):
    """A bare client, and a bare provider: it answers without doing anything."""

    name = "bench"

    async def reply(self, *_: object) -> Answer:
        return ANSWER

    async def ask(self, _: Request) -> Answer:
        return ANSWER


class NoTools:
    """A workbench that nothing is called on."""

    fatal = None


def schema(tool: Tool) -> ToolSchema:
    parameters = {"type": "object", "properties": tool.schema.get("properties", {})}
    return ToolSchema(name=tool.name, description=tool.description, parameters=parameters)  # pyright: ignore[reportArgumentType]  (plain JSON)


def talk(exchanges: int) -> list[LLMMessage]:
    said: list[LLMMessage] = [
        SystemMessage(content=prompts.prompt("verification")),
        UserMessage(content="Decide on it. " + "x" * 2_000, source="driver"),
    ]
    for i in range(exchanges):
        said.append(AssistantMessage(content=[FunctionCall(str(i), "{}", "what_if")], source="x"))
        answer = FunctionExecutionResult(content="y" * 4_000, name="what_if", call_id=str(i), is_error=False)
        said.append(FunctionExecutionResultMessage(content=[answer]))
    return said


async def median(ask: Asking, messages: Sequence[LLMMessage], offered: Sequence[ToolSchema], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        await ask(messages, offered)
        taken.append((time.perf_counter() - begun) * 1e3)
    return statistics.median(taken[rounds // 10 :])


def layers(folder: Path) -> dict[str, Asking]:
    settings = ModelSettings(concurrent=1_000, requests_per_minute=10**9, tokens_per_minute=10**12)
    bare = AtOnce()
    resilient = ResilientClient(bare, RequestGuard(settings), settings)
    journal = Journal(folder / "journal.jsonl", clock=lambda: datetime.now(UTC))
    session = Session("bench", Model("bench", "bench", resilient), journal, TracerProvider().get_tracer("bench"))
    role = RoleClient(session, CONTRACT, NoTools())  # pyright: ignore[reportArgumentType]  (nothing is called on it)

    async def through_role(messages: Sequence[LLMMessage], offered: Sequence[ToolSchema]) -> object:
        role.begin()
        return await role.create(messages, tools=offered)

    return {
        "bare client": lambda messages, offered: bare.create(messages, tools=offered),
        "+ resilience": lambda messages, offered: resilient.create(messages, tools=offered),
        "+ journal, span, contract": through_role,
    }


async def over_http(messages: Sequence[LLMMessage], offered: Sequence[ToolSchema]) -> tuple[float, float]:
    with loopback(lambda _: api.say(api.text("Next."), api.use("verify_plan", {}))) as server:
        environment = {"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": server.address}
        ours = make_client("m", ModelSettings(), environment)
        sdk = anthropic.AsyncAnthropic(api_key="k", base_url=server.address, open_telemetry={"traces": False})
        body = {
            "model": "m",
            "max_tokens": 8_192,
            "system": system(messages),
            "messages": conversation(messages, {}),
            "tools": tools(offered),
        }

        async def alone(*_: object) -> None:
            async with sdk.messages.stream(**body) as stream:  # pyright: ignore[reportArgumentType]  (plain JSON)
                await stream.get_final_message()

        sdk_ms = await median(alone, messages, offered, 60)
        ours_ms = await median(lambda m, t: ours.create(m, tools=t), messages, offered, 60)
        await ours.close()
        await sdk.close()
    return sdk_ms, ours_ms


def main() -> int:
    offered = [schema(tool) for tool in TOOLS if tool.name in CONTRACT.tools]
    sizes = {f"{len(talk(n))} messages": talk(n) for n in (0, 5, 14)}
    print(f"{'layer':28}", *(f"{size:>14}" for size in sizes))
    with tempfile.TemporaryDirectory() as folder:
        for name, ask in layers(Path(folder)).items():
            found = [asyncio.run(median(ask, messages, offered, ROUNDS)) for messages in sizes.values()]
            print(f"{name:28}", *(f"{ms:11.3f} ms" for ms in found))
    http = [asyncio.run(over_http(messages, offered)) for messages in sizes.values()]
    print(f"{'the SDK alone, loopback':28}", *(f"{ms:11.3f} ms" for ms, _ in http))
    print(f"{'ours, loopback':28}", *(f"{ms:11.3f} ms" for _, ms in http))
    return 0


if __name__ == "__main__":
    sys.exit(main())
