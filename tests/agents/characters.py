"""Models with a character: each follows the runbook except where its character says otherwise."""

import json
from collections.abc import Callable

from autogen_core import CancellationToken, FunctionCall
from autogen_core.models import CreateResult, FinishReasons

from agents.models import Model
from agents.models.client import NO_TOKENS, Client, Request
from agents.models.conversation import Conversation, read
from agents.models.runbook import RunbookClient

Character = Callable[[Conversation, list[str]], CreateResult | None]


def says(text: str) -> CreateResult:
    return CreateResult(finish_reason="stop", content=text, usage=NO_TOKENS, cached=False)


def calls(tool: str, *, finish: FinishReasons = "function_calls", **arguments: object) -> CreateResult:
    call = FunctionCall(id=f"odd-{tool}", name=tool, arguments=json.dumps(arguments))
    return CreateResult(finish_reason=finish, content=[call], usage=NO_TOKENS, cached=False)


class Actor(Client):
    """Asks its character first and the runbook otherwise."""

    def __init__(self, character: Character) -> None:
        self._character, self._runbook = character, RunbookClient()

    async def reply(self, request: Request, token: CancellationToken | None) -> CreateResult:
        odd = self._character(read(request.messages, request.offered), request.offered)
        return odd or await self._runbook.reply(request, token)


def model(character: Character) -> Model:
    return Model("test", "actor", Actor(character))
