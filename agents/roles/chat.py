"""What stands between an agent and its model: the contract's tools, the budget, the record and the span."""

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autogen_core import CancellationToken, FunctionCall
from autogen_core.models import (
    CreateResult,
    FunctionExecutionResultMessage,
    LLMMessage,
)
from opentelemetry.trace import Span, Tracer

from agents.models import STAND_IN, Model
from agents.models.answer import legible
from agents.models.client import NO_TOKENS, Answer, Client, Request, Usage, asked, fingerprint
from agents.models.replay import recorded
from agents.record.events import OPENED, ChatAnswered, ChatMessage, ChatRequested, Noted, ToolRequest
from agents.record.journal import Journal
from tools.box.pictures import SHOWN_PICTURES, Picture
from tools.box.tracing import (
    CACHE_READ_TOKENS,
    FINISH_REASONS,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    RESPONSE_MODEL,
    chat_span,
    conventions,
    told,
)
from twin.errors import BudgetError, ProviderError

from .budget import Meter
from .content import input_messages, output_messages
from .context import LEFT_OUT
from .contracts import PAUSES, Contract
from .workbench import RoleWorkbench

REPEATS = 3
"""Answers of one stage that repeat calls with nothing changed since, after which a role is taken to go in circles.

Each is warned of in what its calls give: calls of one answer are made before any of them can be heeded.
"""

FOR_MODEL = 0.6
"""Share of a turn's seconds for which its model is waited for; the rest is what the runbook needs with its tools."""

HANDED_OVER = "Handed over."
"""What stands in a conversation where a turn ended with its hand-over: nobody is asked for closing words."""


@dataclass
class SessionSpending:
    """What a run has spent so far."""

    model_calls: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    repeated_calls: int = 0

    def add(self, answer: ChatAnswered) -> None:
        """Count what one answer cost and asked for."""
        self.tool_calls += len(answer.tool_calls)
        self.input_tokens += answer.input_tokens
        self.output_tokens += answer.output_tokens


@dataclass
class StandIn:
    """Why somebody else speaks for the run's model; empty while it speaks itself."""

    because: str = ""


@dataclass(frozen=True)
class Session:
    """What all roles of a run share."""

    run: str
    model: Model
    journal: Journal
    tracer: Tracer
    spent: SessionSpending = field(default_factory=SessionSpending)
    meter: Meter = field(default_factory=Meter)
    stand_in: StandIn = field(default_factory=StandIn)

    def count(self, answer: ChatAnswered) -> None:
        """Count what an answer cost."""
        self.spent.add(answer)
        self.meter.add(answer)


class RoleClient(Client):
    """One role's view of the run's model.

    Offers only tools of the contract, those on request once they were asked for, stops at the budget, and writes every
    request and answer to the journal before the agent acts on it. A model that uses up the calls of its stage or only
    repeats itself is followed by its stand-in. Raises `BudgetError` when it has none or the run's budget is used up,
    and whatever a tool left in the workbench as fatal.
    """

    def __init__(self, session: Session, contract: Contract, workbench: RoleWorkbench) -> None:
        self._session, self._contract, self._workbench = session, contract, workbench
        self._left, self._recorded, self._before, self._circles = 0, 0, 0, 0
        self._until, self._slowest = math.inf, 0.0
        self._opening: tuple[str, ...] = ()

    def begin_turn(self, seconds: float = math.inf, opening: Sequence[str] = ()) -> None:
        """Begin a turn of so many seconds with calls of tools: a hand-over that was made before it does not end it."""
        self._opening = tuple(opening)
        self._before = len(self._workbench.answered)
        self._until = time.monotonic() + FOR_MODEL * seconds

    def give_up(self, because: str) -> bool:
        """Have the stand-in speak for the rest of the run, for a model that gets nowhere; whether there is one."""
        model, stand_in = self._session.model, self._session.stand_in
        if model.fallback is None or stand_in.because:
            return False
        self._stand_in(f"{self._contract.role} {because}")
        self._left, self._circles = self._contract.budget.model_calls, 0
        return True

    def _stand_in(self, because: str) -> None:
        self._session.stand_in.because = because
        self._session.journal.append(Noted(text=f"{because}. For the rest of the run, the {STAND_IN} goes on."))

    def begin(self) -> None:
        """Begin a stage with what the contract allows for one."""
        self._left = self._contract.budget.model_calls
        self._workbench.repeats, self._circles = 0, 0
        self._before = 0

    async def reply(self, request: Request, token: CancellationToken | None) -> CreateResult:
        """Ask the model, on the record; a turn whose hand-over is made ends without asking."""
        if self._has_concluded:
            return CreateResult(finish_reason="stop", content=HANDED_OVER, usage=NO_TOKENS, cached=False)
        if self._opening:
            return self._open(token)
        self._check(token)
        offered = self._contract.at_hand(self._workbench.asked_for)
        tools = [x for x in request.tools if x["name"] in offered]
        request = request._replace(tools=tools, on_request=self._contract.tools - offered)
        if self._contract.compact:  # servers then decode under the schemas of the tools
            request = request._replace(tool_choice="required")
        request = request._replace(pictures=_shown(request.messages, self._workbench.pictures))
        call = self._request(request)
        recorded = self._session.journal.recorded.answer(self._contract.role, call)
        if recorded is not None:
            return self._answered_before(recorded, request)
        model, run = self._session.model, self._session.run
        with chat_span(self._session.tracer, model.provider, model.name, run=run, role=self._contract.role) as span:
            started = time.monotonic()
            answer = await self._ask(request, token)
            result = _each_once(legible(answer))
            _measure(span, result)
            told(span, given=lambda: input_messages(request.messages), gave=lambda: output_messages(result))
        self._answer(call, result, time.monotonic() - started)
        return _whole(result)

    def _open(self, token: CancellationToken | None) -> CreateResult:
        """Make the calls that a stage begins with, whatever a model would say: nobody is asked for them."""
        if token is not None and token.is_cancelled():
            raise asyncio.CancelledError
        made = self._session.spent.tool_calls
        calls = [FunctionCall(f"{OPENED}{made + i:05d}", "{}", name) for i, name in enumerate(self._opening)]
        self._opening = ()
        return CreateResult(finish_reason="function_calls", content=calls, usage=NO_TOKENS, cached=False)

    async def _ask(self, request: Request, token: CancellationToken | None) -> Answer:
        """Ask the model; when it stays down or is late, whoever stands in answers, now and for the rest of the run."""
        model, stand_in = self._session.model, self._session.stand_in
        if model.fallback is None:
            return Answer.of(await asked(model.client, request, token), model.name)
        if not stand_in.because:
            try:
                return Answer.of(await self._in_time(request, token), model.name)
            except ProviderError as error:
                self._stand_in(str(error))
        return Answer.of(await asked(model.fallback, request, token), STAND_IN)

    async def _in_time(self, request: Request, token: CancellationToken | None) -> CreateResult:
        """Ask the model while its turn has time for it. Raises `ProviderError` where it is late, or surely would be."""
        model, started = self._session.model, time.monotonic()
        left = self._until - started
        late = f"{model.name} is too slow for {self._contract.role}: "
        if left <= self._slowest:
            told = f"{max(left, 0):.3g} s are left for it and it took {self._slowest:.3g} s for an answer"
            raise ProviderError(f"{late}{told}", fix=_FASTER)
        try:
            async with asyncio.timeout(None if math.isinf(left) else left):
                return await asked(model.client, request, token)
        except TimeoutError as error:
            raise ProviderError(
                f"{late}it gave no answer in the {left:.3g} s that were left for it", fix=_FASTER
            ) from error
        finally:
            self._slowest = max(self._slowest, time.monotonic() - started)

    @property
    def _has_concluded(self) -> bool:
        answered = self._workbench.answered[self._before :]
        return self._workbench.fatal is None and not (self._contract.concludes_with | PAUSES).isdisjoint(answered)

    def _check(self, token: CancellationToken | None) -> None:
        if token is not None and token.is_cancelled():
            raise asyncio.CancelledError
        if self._workbench.fatal is not None:
            raise self._workbench.fatal
        self._circles, self._workbench.repeats = self._circles + (self._workbench.repeats > 0), 0
        for over, words in (
            (self._left < 1, f"used up its {self._contract.budget.model_calls} model calls"),
            (self._circles >= REPEATS, f"goes round in circles: {self._circles} of its answers made calls again"),
        ):
            if over and not self.give_up(words):
                raise BudgetError(f"{self._contract.role} {words}", fix="use another model")
        if not self._session.journal.recorded.ahead:  # it was allowed when it was made
            self._session.meter.check(self._contract.role)
        self._left -= 1

    def _request(self, request: Request) -> int:
        self._session.spent.model_calls += 1
        worded = _worded(request.messages)  # the window never leaves out a task
        self._session.journal.append(
            ChatRequested(
                role=self._contract.role,
                model=self._session.model.name,
                call=self._session.spent.model_calls,
                request=fingerprint(request.messages, request.tools),
                prompt=self._contract.version,
                messages=worded[self._recorded :],
                tools=tuple(request.offered),
            )
        )
        self._recorded = len(worded)
        return self._session.spent.model_calls

    def _answered_before(self, answer: ChatAnswered, request: Request) -> CreateResult:
        model = self._session.model
        if answer.model == STAND_IN and model.fallback is not None:
            self._session.stand_in.because = "it did before the run was interrupted"
        if isinstance(model.client, Client):
            model.client.passed(request)
            model.client.remember([call.id for call in answer.tool_calls], answer.blocks)
        self._session.count(answer)
        self._session.journal.append(answer)
        return _whole(recorded(answer))

    def _answer(self, call: int, result: Answer, seconds: float) -> None:
        calls = () if isinstance(result.content, str) else tuple(result.content)
        usage = Usage.of(result.usage)
        answer = ChatAnswered(
            role=self._contract.role,
            model=STAND_IN if result.model == STAND_IN else self._session.model.name,
            call=call,
            text=result.content if isinstance(result.content, str) else result.thought or "",
            tool_calls=tuple(ToolRequest(id=x.id, tool=x.name, arguments=x.arguments) for x in calls),
            finish=result.finish_reason,
            stop=result.stop,
            blocks=result.blocks,
            requests=result.requests,
            input_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
            cache_read_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            seconds=seconds,
        )
        self._session.count(answer)
        self._session.journal.append(answer)


_FASTER = "use a faster model, or give the role more seconds with --budget"


def _measure(span: Span, result: Answer) -> None:
    usage = Usage.of(result.usage)
    span.set_attribute(RESPONSE_MODEL, result.model)
    span.set_attribute(FINISH_REASONS, [result.stop or result.finish_reason])
    span.set_attribute(INPUT_TOKENS, usage.prompt_tokens)
    span.set_attribute(OUTPUT_TOKENS, usage.completion_tokens)
    if usage.cache_read_tokens or usage.cache_write_tokens:
        span.set_attribute(CACHE_READ_TOKENS, usage.cache_read_tokens)
        span.set_attribute(conventions().cache_write, usage.cache_write_tokens)


def _whole(result: CreateResult) -> CreateResult:
    # A tool call in an answer that was cut off may have lost arguments: it must never run.
    if isinstance(result.content, str) or result.finish_reason in ("function_calls", "stop"):
        return result
    words = f"The answer ended early ({result.finish_reason}); its tool calls were not made."
    return result.model_copy(update={"content": words})


def _each_once(result: Answer) -> Answer:
    """Leave out calls that an answer makes twice with the same arguments."""
    if isinstance(result.content, str):
        return result
    once = {(call.name, call.arguments): call for call in reversed(result.content)}
    kept = [call for call in result.content if once[call.name, call.arguments] is call]
    return result.model_copy(update={"content": kept}) if len(kept) < len(result.content) else result


def _shown(messages: Sequence[LLMMessage], pictures: Mapping[str, Picture]) -> dict[str, Picture]:
    """Return the newest pictures whose calls the conversation still shows."""
    results = [message.content for message in messages if isinstance(message, FunctionExecutionResultMessage)]
    seen = [x.call_id for result in results for x in result if x.call_id in pictures]
    return {call: pictures[call] for call in seen[-SHOWN_PICTURES:]}


def _worded(messages: Sequence[LLMMessage]) -> tuple[ChatMessage, ...]:
    return tuple(
        ChatMessage(source="system" if message.type == "SystemMessage" else "driver", text=str(message.content))
        for message in messages
        if message.type == "SystemMessage" or (message.type == "UserMessage" and message.source != LEFT_OUT)
    )
