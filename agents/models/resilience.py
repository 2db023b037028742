"""What stands around every call to a provider: retries, deadline, limiter, breaker, and one second question.

    create ─ place in the queue ─ rate ─ breaker ─ request ─┬─ failed: wait with full jitter or as long as it says
                                                            └─ answered: fit to act on? else asked once more

Waits follow "exponential backoff and full jitter" (M. Brooker, AWS Architecture Blog, 2015): uniform between zero and
a doubling upper end. An answer that was cut off, is empty, or calls a tool with arguments that cannot be read is never
handed on: the model is told so and asked once more.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random
from typing import Protocol

from autogen_core import CancellationToken
from autogen_core.models import (
    AssistantMessage,
    CreateResult,
    FunctionExecutionResult,
    FunctionExecutionResultMessage,
    LLMMessage,
    RequestUsage,
    UserMessage,
)
from pydantic import JsonValue
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from twin.errors import ModelRequestError, ProviderError

from .answer import flaw, legible
from .client import Answer, Client, Request, Usage
from .failures import CallError
from .limits import Clock, RequestGuard
from .settings import ModelSettings

Sleep = Callable[[float], Awaitable[None]]


class Provider(Protocol):
    """What differs between providers: one request, and how it failed."""

    name: str

    async def ask(self, request: Request) -> Answer:
        """Send one request and return the whole answer. Raises `CallError` for anything else."""
        ...

    def remember(self, calls: Sequence[str], blocks: Sequence[JsonValue]) -> None:
        """Keep what an answer with these calls must be sent back with."""
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...


class ResilientClient(Client):
    """Asks one provider for as long as it may take, and hands on only what can be acted on.

    Raises `ProviderError` when no answer comes or none is of use, `ModelRequestError` when the provider does not take
    the request, and `CancelledError` as soon as the token is cancelled. `clock` and `sleep` stand in for the event
    loop's in tests; the deadline itself is kept by the loop.
    """

    def __init__(
        self,
        provider: Provider,
        guard: RequestGuard,
        settings: ModelSettings,
        *,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._provider, self._guard, self._settings = provider, guard, settings
        self._clock, self._sleep = clock, sleep
        self._random = Random(settings.seed)

    async def reply(self, request: Request, token: CancellationToken | None) -> CreateResult:
        """Return an answer that is whole and can be read."""
        answering = asyncio.ensure_future(self._within_deadline(request))
        if token is not None:
            token.link_future(answering)  # at once, before anything is sent, when it is cancelled already
        return await answering

    def remember(self, calls: Sequence[str], blocks: Sequence[JsonValue]) -> None:
        """Keep what a recorded answer must be sent back with."""
        self._provider.remember(calls, blocks)

    async def close(self) -> None:
        """Close the provider's connections."""
        await self._provider.close()

    async def _within_deadline(self, request: Request) -> Answer:
        try:
            async with asyncio.timeout(self._settings.deadline_s):
                return await self._usable(request)
        except TimeoutError:
            raise ProviderError(
                f"{self._provider.name} gave no answer within {self._settings.deadline_s:g} s", fix=_LATER
            ) from None

    async def _usable(self, request: Request) -> Answer:
        answer = await self._answered(request)
        wrong = self._wrong(answer, request)
        if not wrong:
            return answer
        again = await self._answered(_corrected(request, answer, wrong))
        again = _together(answer, again)
        if still := self._wrong(again, request):
            raise ProviderError(f"{self._provider.name} gave no usable answer twice: {still}", fix=_OTHER)
        return again

    def _wrong(self, answer: Answer, request: Request) -> str:
        """Say what keeps an answer from being acted on, empty if nothing does."""
        if answer.finish_reason == "content_filter":
            raise ProviderError(f"{self._provider.name} refused to answer ({answer.stop})", fix=_OTHER)
        if answer.stop in _HOPELESS:
            raise ProviderError(f"{self._provider.name}: the conversation is too long ({answer.stop})", fix=_OTHER)
        if answer.finish_reason == "length":
            return "your answer was cut off because it was too long, and nothing in it was done; write less"
        if answer.finish_reason == "unknown":
            return f"your answer ended for no known reason ({answer.stop}), and nothing in it was done"
        if answer.finish_reason == "stop" and not isinstance(answer.content, str):
            return f"your answer called tools and did not end with them ({answer.stop}), so none was called"
        return flaw(answer, {*request.offered, *request.on_request}, request.output)

    async def _answered(self, request: Request) -> Answer:
        started, limits = self._clock(), self._settings
        attempts = AsyncRetrying(
            retry=retry_if_exception(lambda error: isinstance(error, CallError) and error.passing),
            wait=self._wait,
            stop=lambda state: (
                state.attempt_number >= limits.attempts
                or self._clock() - started + state.upcoming_sleep > limits.deadline_s
            ),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            answer: Answer = await attempts(self._once, request)
        except CallError as error:
            raise self._given_up(error, attempts.statistics.get("attempt_number", 1)) from None
        return answer.model_copy(update={"requests": attempts.statistics.get("attempt_number", 1)})

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        limits = self._settings
        upper = min(limits.longest_wait_s, limits.first_wait_s * 2.0 ** (state.attempt_number - 1))
        jitter = self._random.uniform(0.0, upper)
        if isinstance(error, CallError) and error.retry_after is not None:
            return error.retry_after + min(jitter, 1.0)
        return jitter

    def _given_up(self, error: CallError, attempts: int) -> ProviderError | ModelRequestError:
        if error.kind == "refused":
            return ModelRequestError(f"{self._provider.name} does not take the request: {error}", fix=_CONFIGURE)
        times = f" after {attempts} requests" if attempts > 1 else ""
        return ProviderError(f"{self._provider.name} is down{times}: {error}", fix=_LATER)

    async def _once(self, request: Request) -> Answer:
        estimate = self.count_tokens(request.messages, tools=request.tools)
        estimate += sum(picture.tokens for picture in request.pictures.values())
        wait = self._guard.due(estimate)
        if wait > self._settings.deadline_s:
            raise CallError("busy", f"requests are held back for {wait:.0f} s", passing=False)
        if wait > 0:
            await self._sleep(wait)
        async with self._guard.place():
            if blocked := self._guard.blocked():
                raise CallError("server", f"it failed too often; nobody asks it for {blocked:.0f} s", passing=False)
            async with self._reporting():
                answer = await self._sent(request)
        self._guard.correct(answer.usage.prompt_tokens + answer.usage.completion_tokens - estimate)
        return answer

    async def _sent(self, request: Request) -> Answer:
        try:
            async with asyncio.timeout(self._settings.attempt_s):
                return await self._provider.ask(request)
        except TimeoutError:
            raise CallError("timeout", f"no whole answer within {self._settings.attempt_s:g} s") from None

    @asynccontextmanager
    async def _reporting(self) -> AsyncGenerator[None]:
        """Tell the other clients of the provider how a request ended."""
        ended: bool | None = None
        try:
            yield
            ended = True
        except CallError as error:
            ended = error.kind in ("busy", "refused")  # it answers, if not what one would like
            if error.retry_after:
                self._guard.hold(error.retry_after)
            raise
        finally:
            self._guard.report(answered=ended)


_LATER = "try again later, or use --model runbook"
_OTHER = "use another model, or --model runbook"
_CONFIGURE = "check key, model name and base URL with: twinops doctor"
_HOPELESS = ("model_context_window_exceeded",)


def _corrected(request: Request, answer: Answer, wrong: str) -> Request:
    """Return the request with the answer that was of no use and what is wrong with it."""
    return request._replace(messages=[*request.messages, *_exchange(answer, wrong)])


def _exchange(answer: Answer, wrong: str) -> list[LLMMessage]:
    if isinstance(answer.content, str) or answer.finish_reason == "length":
        said = answer.content if isinstance(answer.content, str) else ""
        return [
            AssistantMessage(content=said.strip() or "(nothing)", source="assistant"),
            UserMessage(content=f"{wrong[0].upper()}{wrong[1:]}.", source="driver"),
        ]
    calls = legible(answer).content
    assert not isinstance(calls, str)  # noqa: S101  it was none before
    named = [replace(call, id=f"{call.id}-{i}") for i, call in enumerate(calls)]
    results = [
        FunctionExecutionResult(content=f"Not called: {wrong}", name=call.name, call_id=call.id, is_error=True)
        for call in named
    ]
    return [AssistantMessage(content=named, source="assistant"), FunctionExecutionResultMessage(content=results)]


def _together(first: Answer, second: Answer) -> Answer:
    """Return the second answer with what both of them cost."""
    return second.model_copy(
        update={"usage": _sum(first.usage, second.usage), "requests": first.requests + second.requests}
    )


def _sum(one: RequestUsage, other: RequestUsage) -> Usage:
    a, b = Usage.of(one), Usage.of(other)
    return Usage(
        a.prompt_tokens + b.prompt_tokens,
        a.completion_tokens + b.completion_tokens,
        a.cache_read_tokens + b.cache_read_tokens,
        a.cache_write_tokens + b.cache_write_tokens,
    )
