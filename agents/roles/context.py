"""The conversation window: what a role still sees of its conversation when it has grown beyond its budget of tokens.

Every task stays, and with it the typed hand-over that it carries. Of the calls, the newest complete pairs stay, a call
with all of its results; results before the last pair are shortened by value first, and whole pairs go only when that
is not enough. A call without its results, or a result without its call, is never shown: providers refuse such a
conversation (https://github.com/microsoft/autogen/issues/7955), and a cancelled turn leaves one behind.
"""

from collections.abc import Sequence
from typing import NamedTuple, cast

from autogen_core.model_context import ChatCompletionContext
from autogen_core.models import (
    AssistantMessage,
    FunctionExecutionResult,
    FunctionExecutionResultMessage,
    LLMMessage,
    SystemMessage,
    UserMessage,
)

from tools.box.long_results import SHORT, shorten
from tools.box.registry import MAX_RESULT

TOKENS = 40_000  # what one request may hold, besides the prompt and the tools
SMALL = 6_000  # the same for a small model: with prompt and tools it fits into 8,192
CHARACTERS_A_TOKEN = 4
_ROOM = 0.6  # of the window that a cut leaves: the more it frees, the rarer a cut, and the fewer answers stay
_FREED = 2 * MAX_RESULT // CHARACTERS_A_TOKEN  # and it frees at least the tokens of the longest results, twice
LEFT_OUT = "window"
"""The source of the note that stands for what was left out."""


class WindowedExchange(NamedTuple):
    """Messages that are shown together or not at all: calls with their results, or one message by itself."""

    messages: tuple[LLMMessage, ...]
    is_task: bool = False

    @property
    def is_pair(self) -> bool:
        """Whether it is calls with their results."""
        return len(self.messages) == 2


class ConversationWindow(ChatCompletionContext):
    """Keeps a whole conversation and shows as much of it as `tokens` allow, by the rules above; deterministic.

    What is trimmed stays trimmed: when the window is full it is cut down to a part of it, and then it only grows until
    it is full again. Between two cuts every request begins as the one before, so that providers find it in their cache.
    """

    component_type = "chat_completion_context"

    def __init__(self, tokens: int = TOKENS) -> None:
        super().__init__()
        self._tokens = tokens
        self._cut: list[LLMMessage] = []
        self._seen = 0

    async def get_messages(self) -> list[LLMMessage]:
        """The messages of the next request."""
        newer = _flat(complete_exchanges(self._messages[self._seen :]))
        shown = [*self._cut, *newer]
        if _size(complete_exchanges(shown)) <= self._tokens:
            return shown
        self._cut = window(self._messages, self._left_by_a_cut())
        self._seen = len(self._messages)
        return list(self._cut)

    def begin_round(self) -> None:
        """Leave out what calls gave in rounds before: the task that follows says what has become of it."""
        exchanges = complete_exchanges(self._messages)
        self._cut = _with_note(exchanges, [x.is_task for x in exchanges])
        self._seen = len(self._messages)

    def _left_by_a_cut(self) -> int:
        """Tokens: few in a small window, yet enough for the newest exchange, which nobody has read whole before."""
        exchanges = complete_exchanges(self._messages)
        newest = [x for x in exchanges if not x.is_task][-1:]
        needed = _size([x for x in exchanges if x.is_task] + newest)
        return min(self._tokens, max(needed, min(int(self._tokens * _ROOM), self._tokens - _FREED)))


def window(messages: Sequence[LLMMessage], tokens: int) -> list[LLMMessage]:
    """Choose what of a conversation is shown within a number of tokens.

    Tasks and the newest exchange are shown even where they alone need more.
    """
    exchanges = complete_exchanges(messages)
    if _size(exchanges) <= tokens:
        return _flat(exchanges)
    last = max((i for i, x in enumerate(exchanges) if not x.is_task), default=-1)
    shortened = [x if x.is_task or i == last else _shortened(x, SHORT) for i, x in enumerate(exchanges)]
    if _size(shortened) <= tokens:
        return _flat(shortened)
    kept = [x.is_task or i == last for i, x in enumerate(shortened)]
    room = tokens - _size([x for x, keep in zip(shortened, kept, strict=True) if keep])
    if room < 0 and last >= 0:
        fitting = tokens - _size([x for x in shortened if x.is_task])
        shortened[last] = _fitted(shortened[last], max(fitting, 0))
        room = tokens - _size([x for x, keep in zip(shortened, kept, strict=True) if keep])
    for i in range(len(shortened) - 1, -1, -1):
        if kept[i]:
            continue
        room -= _size([shortened[i]])
        if room < 0:
            break  # older ones would leave a hole in the story
        kept[i] = True
    return _with_note(shortened, kept)


def complete_exchanges(messages: Sequence[LLMMessage]) -> list[WindowedExchange]:
    """Group a conversation; calls that lack a result and results that lack their call are left out."""
    found: list[WindowedExchange] = []
    at = 0
    while at < len(messages):
        message = messages[at]
        following = messages[at + 1] if at + 1 < len(messages) else None
        at += 1
        if isinstance(message, FunctionExecutionResultMessage):
            continue
        if not isinstance(message, AssistantMessage) or isinstance(message.content, str):
            found.append(WindowedExchange((message,), isinstance(message, UserMessage | SystemMessage)))
            continue
        if isinstance(following, FunctionExecutionResultMessage):
            if _answers(message, following):
                found.append(WindowedExchange((message, following)))
            at += 1
    return found


def _answers(calls: AssistantMessage, results: FunctionExecutionResultMessage) -> bool:
    wanted = [call.id for call in calls.content if not isinstance(call, str)]
    return sorted(wanted) == sorted(x.call_id for x in results.content) and len(set(wanted)) == len(wanted) > 0


def _shortened(exchange: WindowedExchange, limit: int) -> WindowedExchange:
    if not exchange.is_pair:
        return exchange
    calls, results = exchange.messages[0], cast(FunctionExecutionResultMessage, exchange.messages[1])
    shorter: list[FunctionExecutionResult] = [
        x.model_copy(update={"content": shorten(x.content, limit)}) for x in results.content
    ]
    return WindowedExchange((calls, FunctionExecutionResultMessage(content=shorter)))


def _fitted(exchange: WindowedExchange, tokens: int) -> WindowedExchange:
    if not exchange.is_pair:
        return exchange
    results = cast(FunctionExecutionResultMessage, exchange.messages[1])
    each = max(SHORT, tokens * CHARACTERS_A_TOKEN // (len(results.content) + 1))
    return _shortened(exchange, each)


def _with_note(exchanges: Sequence[WindowedExchange], kept: Sequence[bool]) -> list[LLMMessage]:
    """Say what was left out, before the task that is worked on, so that the task stays the last word of the driver."""
    missing = [x for x, keep in zip(exchanges, kept, strict=True) if not keep]
    shown = [x for x, keep in zip(exchanges, kept, strict=True) if keep]
    if not missing:
        return _flat(shown)
    calls = [
        call.name
        for x in missing
        if isinstance(x.messages[0], AssistantMessage)
        for call in x.messages[0].content
        if not isinstance(call, str)
    ]
    words = (
        f"Left out to keep this short: the answers of {len(calls)} earlier calls ({', '.join(dict.fromkeys(calls))})."
    )
    note = WindowedExchange((UserMessage(content=words, source=LEFT_OUT),), is_task=True)
    task = max((i for i, x in enumerate(shown) if x.is_task), default=0)
    return _flat([*shown[:task], note, *shown[task:]])


def _size(exchanges: Sequence[WindowedExchange]) -> int:
    """Estimated tokens, at four characters each."""
    return sum(len(message.model_dump_json()) for x in exchanges for message in x.messages) // CHARACTERS_A_TOKEN


def _flat(exchanges: Sequence[WindowedExchange]) -> list[LLMMessage]:
    return [message for x in exchanges for message in x.messages]
