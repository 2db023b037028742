# ruff: noqa: ARG002 (AutoGen's interface has arguments that procedures do not need)
"""`runbook`: operating procedures instead of a language model; deterministic, and needs no key.

A procedure sees what a model would see, the conversation and the tools on offer, and chooses the next call by the
values in the answers. It knows no network and no fault. Text from the network never decides anything.
"""

import json
from collections.abc import Callable, Sequence

from autogen_core import CancellationToken, FunctionCall
from autogen_core.models import CreateResult, LLMMessage

from .client import NO_TOKENS, Client, Request
from .conversation import Call, Conversation, Move, Say, Together, read
from .procedures import PROCEDURES


class RunbookClient(Client):
    """Answers with the next move of the procedure whose concluding tool is on offer.

    `first` may have a move of its own instead: a script for tests and evaluations.
    """

    def __init__(self, first: Callable[[Conversation], Move | None] | None = None) -> None:
        self._first = first

    async def reply(self, request: Request, token: CancellationToken | None) -> CreateResult:
        """Return the next move."""
        messages, offered = request.messages, request.offered
        move = self._first(read(messages, offered)) if self._first is not None else None
        move = move or next_move(messages, offered)
        if isinstance(move, Say):
            return CreateResult(finish_reason="stop", content=move.text, usage=NO_TOKENS, cached=False)
        return CreateResult(
            finish_reason="function_calls", content=written(move, len(messages)), usage=NO_TOKENS, cached=False
        )


def written(move: Call | Together, number: int) -> list[FunctionCall]:
    """Write the calls of a move; `number` tells those of one request from those of another."""
    calls = move.calls if isinstance(move, Together) else (move,)
    names = (f"call-{number}" if i == 0 else f"call-{number}-{i}" for i in range(len(calls)))
    return [
        FunctionCall(id=x, name=call.tool, arguments=json.dumps(call.arguments))
        for x, call in zip(names, calls, strict=True)
    ]


def next_move(messages: Sequence[LLMMessage], tools: Sequence[str]) -> Move:
    """Choose the next call or the closing words."""
    conversation = read(messages, tools)
    for concluding, procedure in PROCEDURES.items():
        if concluding in tools:
            return procedure(conversation)
    return Say("I have no procedure for the tools that are on offer.")
